/* Role server: the pipe's endpoint is ours, and its clients come. Pipe thread.
 *
 * Failures: an endpoint that cannot be made (told at the start); clients that have to wait, and
 * those that the rules refuse (an error event). */
#include "pipes_private.h"

/* A limit that makes clients wait. */
static void limit_count(br_limit_counters *limits, pc_status status) {
  if (status == PC_E_BUSY) {
    br_count_add(&limits->max_instances, 1);
  } else if (status == PC_E_RATE) {
    br_count_add(&limits->accept_rate, 1);
  }
}

void br_pipe_accept_failed(pipe_entry *pipe, const pc_failure *failure) {
  char text[BR_FAILURE_TEXT_BYTES];
  limit_count(&pipe->live->limits, failure->status);
  br_failure_format(failure, text, sizeof text);
  br_emit_error(pipe->owner, pipe->index, 0, "%s on pipe %s: %s", failure->action,
                pipe->config->name, text);
}

static void on_error(pc_server *server, const pc_failure *failure, void *user) {
  (void)server;
  br_pipe_accept_failed(user, failure);
}

static void on_refused(pc_server *server, const pc_peer *peer, pc_admission admission, void *user) {
  (void)server;
  br_refusals_count(user, peer, admission);
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
      .admission = config->clients,
      .on = {.session = br_session_events,
             .on_error = on_error,
             .on_refused = on_refused,
             .on_stopped = on_stopped},
      .user = pipe,
  };
  br_refusals_init(pipe);
  return pc_server_start(pipe->owner->loop, &options, &pipe->server, out_failure) == PC_OK;
}

static void server_stop(pipe_entry *pipe, uint32_t drain_ms) {
  br_refusals_end(pipe);
  pc_server_stop(pipe->server, drain_ms);
}

static pc_status server_change(pipe_entry *pipe, const pc_session_change *change,
                               pc_failure *out_failure) {
  return pc_server_change(pipe->server, change, out_failure);
}

static void server_destroy(pipe_entry *pipe) {
  pc_server_destroy(pipe->server);
}

const pipe_role br_role_server = {.start = server_start,
                                  .stop = server_stop,
                                  .destroy = server_destroy,
                                  .change = server_change,
                                  .write = br_session_plain_write,
                                  .close = br_session_plain_close,
                                  .resume = br_session_plain_resume,
                                  .heard = BR_DIRECTION_C2S,
                                  .said = BR_DIRECTION_S2C};
