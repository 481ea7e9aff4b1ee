/* Filters: which events an observer wants, as a short text that people write. web/PROTOCOL.md has the
 * grammar. A compiled filter is immutable but for the scratch memory of its patterns: one thread at a time.
 *
 * Bounded, since it runs on the HTTP thread for each event: in length, terms and depth, and each regular
 * expression in steps. One that gives up on an event counts as a match (rather one too many than one hidden); after 1,000
 * such events it is not tried any more, and everything matches. */
#ifndef BRIDGE_FILTER_H
#define BRIDGE_FILTER_H

#include <stdbool.h>
#include <stddef.h>

#include "bridge/event.h"

enum { BR_FILTER_MAX_BYTES = 2048, BR_FILTER_MAX_TERMS = 64, BR_FILTER_MAX_DEPTH = 32 };

typedef struct br_filter br_filter;

typedef struct br_filter_error {
  size_t offset; /* of the byte that is wrong, from 0 */
  char text[160];
} br_filter_error;

/* `text` needs no end; "" lets everything pass. NULL: `*out_error` says what is wrong where. */
br_filter *br_filter_compile(const char *text, size_t size, br_filter_error *out_error);
void br_filter_destroy(br_filter *filter); /* accepts NULL */

/* The text that it was made of, ended by NUL. */
const char *br_filter_text(const br_filter *filter);

/* `pipe_name`: of the pipe that `event->pipe` means. */
bool br_filter_matches(const br_filter *filter, const br_event *event, const char *pipe_name);

#endif
