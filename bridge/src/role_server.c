/* Role server: the pipe's endpoint is ours, and its clients come. Pipe thread.
 *
 * Failures: an endpoint that cannot be made (told at the start); clients that have to wait (an error event). */
#include "pipes_private.h"

static void on_error(pc_server *server, const pc_failure *failure, void *user) {
  pipe_entry *pipe = user;
  char text[BR_FAILURE_TEXT_BYTES];
  (void)server;
  br_failure_format(failure, text, sizeof text);
  br_emit_error(pipe->owner, pipe->index, 0, "%s on pipe %s: %s", failure->action,
                pipe->config->name, text);
}

static void on_stopped(pc_server *server, void *user) {
  pipe_entry *pipe = user;
  (void)server;
  br_pipe_stopped(pipe);
}

static bool server_start(pipe_entry *pipe, pc_failure *out_failure) {
  const br_pipe_config *config = pipe->config;
  pc_server_options options = {
      .path = config->path,
      .transport = config->transport,
      .access = config->access,
      .type = config->type,
      .framing = config->framing,
      .limits = config->limits,
      .oversize = config->oversize,
      .security = config->security,
      .on = {.session = br_session_events, .on_error = on_error, .on_stopped = on_stopped},
      .user = pipe,
  };
  return pc_server_start(pipe->owner->loop, &options, &pipe->server, out_failure) == PC_OK;
}

static void server_stop(pipe_entry *pipe, uint32_t drain_ms) {
  pc_server_stop(pipe->server, drain_ms);
}

static void server_destroy(pipe_entry *pipe) {
  pc_server_destroy(pipe->server);
}

const pipe_role br_role_server = {.start = server_start,
                                  .stop = server_stop,
                                  .destroy = server_destroy,
                                  .heard = BR_DIRECTION_C2S,
                                  .said = BR_DIRECTION_S2C};
