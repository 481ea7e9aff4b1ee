/* Filters: which events an observer wants, as a short text that people write. web/PROTOCOL.md has
 * the grammar. A compiled filter is immutable but for the scratch memory of its patterns: one
 * thread at a time.
 *
 * Bounded, since it runs on the HTTP thread for each event: in length, terms and depth, and each
 * regular expression in steps. A term may not know: of an expression that gives up on an event
 * (after 1,000 such it is not tried any more), of the peer of a session that is forgotten. What a
 * filter then cannot decide passes: rather one too many than one hidden. */
#ifndef BRIDGE_FILTER_H
#define BRIDGE_FILTER_H

#include <stdbool.h>
#include <stddef.h>

#include "bridge/event.h"

enum { BR_FILTER_MAX_BYTES = 2048, BR_FILTER_MAX_TERMS = 64, BR_FILTER_MAX_DEPTH = 32 };

typedef struct br_filter br_filter;
struct br_session_info; /* registry.h */

typedef struct br_filter_error {
  size_t offset; /* of the byte that is wrong, from 0 */
  char text[224];
} br_filter_error;

/* `text` needs no end; "" lets everything pass. NULL: `*out_error` says what is wrong where. */
br_filter *br_filter_compile(const char *text, size_t size, br_filter_error *out_error);
void br_filter_destroy(br_filter *filter); /* accepts NULL */

/* The text that it was made of, ended by NUL. */
const char *br_filter_text(const br_filter *filter);

/* Whether it has terms that ask about the peer of an event's session. */
bool br_filter_needs_session(const br_filter *filter);
/* Whether it asks only of pipe, session, direction, kind and flags: then it says the same of all
 * events that have the same of these. */
bool br_filter_is_plain(const br_filter *filter);
/* `pipe_name`: of the pipe that `event->pipe` means. `session`: of `event->session`; NULL if there
 * is none, if it is not known any more, or if the filter needs none. */
bool br_filter_matches(const br_filter *filter, const br_event *event, const char *pipe_name,
                       const struct br_session_info *session);

/* The key of a term that asks about something else than pipe, session and peer ("kind", …; "text"
 * for all that look into payloads): such a filter chooses no sessions. NULL: it does. */
const char *br_filter_key_beyond_sessions(const br_filter *filter);
/* Only of a filter that chooses sessions. */
bool br_filter_matches_session(const br_filter *filter, const struct br_session_info *session,
                               const char *pipe_name);

#endif
