/* Pipes and sessions as JSON, as the control routes and the snapshot give them. HTTP thread. */
#ifndef BRIDGE_DESCRIBE_H
#define BRIDGE_DESCRIBE_H

#include "bridge/filter.h"
#include "bridge/registry.h"
#include "web/buffer.h"

void br_describe_string(web_buffer *out, const char *text); /* with quotes; not UTF-8: "?" */
void br_describe_pipe(web_buffer *out, const br_pipe_info *pipe);
/* And its configuration, so that it can be PUT elsewhere. */
void br_describe_pipe_whole(web_buffer *out, const br_pipe_info *pipe);
void br_describe_session(web_buffer *out, const br_registry *registry,
                         const br_session_info *session);
/* [ … ] of all. */
void br_describe_pipes(web_buffer *out, const br_registry *registry);
/* Name and index of those that are gone, and of which there are events from `oldest_seq` on. */
void br_describe_removed(web_buffer *out, const br_registry *registry, uint64_t oldest_seq);
/* Or-ed. */
typedef enum br_session_state { BR_SESSION_OPEN = 1, BR_SESSION_CLOSED = 2 } br_session_state;
/* [ … ] of those in one of `states` that `filter` chooses (NULL: all), closed ones first, in the
 * order of their closing, then open ones in that of their opening. */
void br_describe_sessions(web_buffer *out, const br_registry *registry, unsigned states,
                          const br_filter *filter);

#endif
