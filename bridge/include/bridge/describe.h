/* Pipes and sessions as JSON, as the control routes and the snapshot give them. HTTP thread. */
#ifndef BRIDGE_DESCRIBE_H
#define BRIDGE_DESCRIBE_H

#include "bridge/registry.h"
#include "web/buffer.h"

void br_describe_string(web_buffer *out, const char *text); /* with quotes; not UTF-8: "?" */
void br_describe_pipe(web_buffer *out, const br_pipe_info *pipe);
void br_describe_session(web_buffer *out, const br_registry *registry,
                         const br_session_info *session);
/* [ … ] of all, or of the sessions of one pipe (NULL: of all). */
void br_describe_pipes(web_buffer *out, const br_registry *registry);
void br_describe_sessions(web_buffer *out, const br_registry *registry, const br_pipe_info *pipe);

#endif
