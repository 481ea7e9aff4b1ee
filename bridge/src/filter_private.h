/* What the filter's files share: its nodes, and its patterns. */
#ifndef BRIDGE_SRC_FILTER_PRIVATE_H
#define BRIDGE_SRC_FILTER_PRIVATE_H

#include "bridge/filter.h"

/* In an order in which `and` is the smaller of two, and `or` the larger. */
typedef enum filter_verdict { FILTER_NO, FILTER_UNKNOWN, FILTER_YES } filter_verdict;

/* ---- filter_pattern.c: bytes that a payload may contain ---- */
typedef struct filter_pattern filter_pattern;

typedef enum filter_pattern_kind {
  FILTER_PATTERN_TEXT,  /* these characters, in upper or lower case     */
  FILTER_PATTERN_BYTES, /* these bytes                                  */
  FILTER_PATTERN_REGEX, /* a regular expression of PCRE2, over UTF-8    */
  FILTER_PATTERN_REGEX_ANY_CASE
} filter_pattern_kind;

/* NULL: `error` says why. */
filter_pattern *br_filter_pattern_create(filter_pattern_kind kind, const char *text, size_t size,
                                         char *error, size_t error_size);
void br_filter_pattern_destroy(filter_pattern *pattern);
/* Unknown: it took too many steps. */
filter_verdict br_filter_pattern_match(filter_pattern *pattern, const void *data, size_t size);

/* ---- nodes ---- */
typedef enum filter_node_kind {
  FILTER_AND,
  FILTER_OR,
  FILTER_NOT,
  FILTER_PIPE,
  FILTER_SESSION,
  FILTER_DIRECTION,
  FILTER_KIND,
  FILTER_FLAG,
  FILTER_SIZE,
  FILTER_PATTERN,
  /* of the session's peer */
  FILTER_PID,
  FILTER_UID,
  FILTER_USER,
  FILTER_PEER_NAME,
  FILTER_EXECUTABLE,
  FILTER_UNIT,
  FILTER_CONTAINER
} filter_node_kind;

static inline bool br_filter_is_of_peer(filter_node_kind kind) {
  return kind >= FILTER_PID;
}

typedef struct filter_node filter_node;
struct filter_node {
  filter_node_kind kind;
  union {
    struct {
      const filter_node *left, *right; /* `not` has only the left */
    } operands;
    char *name;      /* owned; with * for any characters; pipe, user and what follows it above */
    uint64_t number; /* session, pid, uid */
    uint32_t value;  /* direction, kind or flag */
    struct {
      uint64_t minimum, maximum;
    } size;
    filter_pattern *pattern; /* owned */
  } of;
};

struct br_filter {
  char *text;
  const filter_node *root; /* NULL: everything passes */
  bool has_peer_terms;
  size_t node_count;
  filter_node nodes[2 * BR_FILTER_MAX_TERMS];
};

/* ---- filter_parse.c ---- */
bool br_filter_parse(br_filter *filter, size_t size, br_filter_error *out_error);

#endif
