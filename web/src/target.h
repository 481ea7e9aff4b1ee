/* A request's target taken apart: "/api/v1/pipes/a%20b?since=3". Pure; any thread. */
#ifndef WEB_SRC_TARGET_H
#define WEB_SRC_TARGET_H

#include <stdbool.h>
#include <stddef.h>

/* Ours have at most 5 and 6; what has more matches no route, or is refused. */
#define WEB_SEGMENTS_MAX 12
#define WEB_QUERY_MAX 16

typedef struct web_query_pair {
  const char *name; /* both percent-decoded */
  const char *value;
} web_query_pair;

typedef struct web_target {
  const char *authority; /* of "http://authority/path", not ended by zero; NULL: none */
  size_t authority_size;
  const char *path;                       /* as sent, without the query */
  const char *segments[WEB_SEGMENTS_MAX]; /* percent-decoded; "/" has none */
  size_t segment_count;                   /* WEB_SEGMENTS_MAX + 1: too many */
  web_query_pair query[WEB_QUERY_MAX];
  size_t query_count;
} web_target;

#define WEB_TARGET_STORAGE(length) (2 * (length) + 2)
/* Reads `text` of `length` characters; everything in *out_target lies in `storage`. False: not a
 * path in our sense (no leading slash, before which only "http://authority" may stand, a broken or
 * zero percent escape, too many parameters). */
bool web_target_parse(const char *text, size_t length, char *storage, web_target *out_target);
/* The first value of `name`, or NULL. */
const char *web_target_query(const web_target *target, const char *name);

#endif
