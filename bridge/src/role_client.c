/* Role client: another program owns the endpoint, and has one session with us at a time. Pipe
 * thread.
 *
 * Success: a session, after it another one; what people send meanwhile waits (away.c). Sessions
 * beside it that are one WebSocket's alone are in private_sessions.c. Failures: whatever is in the
 * way of a connection: an error event at the first try that fails, when the reason changes, and
 * every ten minutes; it is tried again for ever. */
#include <inttypes.h>

#include "pipes_private.h"

static const uint64_t remind_interval_ns = UINT64_C(600) * 1000 * 1000 * 1000;

static void link_set(const pipe_entry *pipe, bool is_connected, const pc_waiting *waiting) {
  br_link *link = pipe->link;
  uint64_t next_ns =
      waiting ? br_emit_wall_ns(pipe->owner) + (uint64_t)waiting->delay_ms * 1000000 : 0;
  br_count_set(&link->is_connected, is_connected);
  br_count_set(&link->next_try_wall_ns, next_ns);
  br_count_set(&link->failed_count, waiting ? waiting->failed_count : 0);
  atomic_store_explicit(&link->failure, waiting ? (int32_t)waiting->failure.status : PC_OK,
                        memory_order_relaxed);
}

static void failure_tell(pipe_entry *pipe, const pc_waiting *waiting) {
  client_end *end = &pipe->client;
  uint64_t now_ns = pc_loop_now_ns(pipe->owner->loop);
  if (waiting->failed_count > 1 && waiting->failure.status == end->told_failure &&
      now_ns - end->told_ns < remind_interval_ns) {
    return;
  }
  end->told_failure = waiting->failure.status;
  end->told_ns = now_ns;
  char text[BR_FAILURE_TEXT_BYTES];
  br_failure_format(&waiting->failure, text, sizeof text);
  br_emit_error(pipe->owner, pipe->index, 0,
                "cannot connect to %s: %s; next try in %" PRIu32 " ms, and again until it works",
                pipe->config->path, text, waiting->delay_ms);
}

static void on_waiting(pc_client *client, const pc_waiting *waiting, void *user) {
  (void)client;
  pipe_entry *pipe = user;
  link_set(pipe, false, waiting);
  if (waiting->failure.status != PC_OK) {
    failure_tell(pipe, waiting);
  }
}

static bool on_connected(pc_session *pipe_end, const pc_peer *peer, void *user) {
  pipe_entry *pipe = user;
  if (!br_session_events.on_connected(pipe_end, peer, user)) {
    return false;
  }
  link_set(pipe, true, NULL);
  br_away_deliver(pipe);
  return true;
}

static void on_written(pc_session *pipe_end, uint64_t tag, pc_status status, void *user) {
  br_session_events.on_written(pipe_end, tag, status, user);
  br_away_deliver(user);
}

void br_client_end_if_done(pipe_entry *pipe) {
  if (pipe->client.is_stopped && pipe->client.private_count == 0) {
    br_pipe_stopped(pipe);
  }
}

static void on_stopped(pc_client *client, void *user) {
  (void)client;
  pipe_entry *pipe = user;
  br_away_give_up(pipe);
  pipe->client.is_stopped = true;
  br_client_end_if_done(pipe);
}

static bool client_start(pipe_entry *pipe, pc_failure *out_failure) {
  const br_pipe_config *config = pipe->config;
  if (!config->shared) {
    return true;
  }
  pc_client_options options = {
      .path = config->path,
      .type = config->type,
      .framing = config->framing,
      .limits = config->limits,
      .oversize = config->oversize,
      .reconnect = config->reconnect.delays,
      .on = {.session = br_session_events, .on_waiting = on_waiting, .on_stopped = on_stopped},
      .user = pipe,
  };
  options.on.session.on_connected = on_connected;
  options.on.session.on_written = on_written;
  return pc_client_start(pipe->owner->loop, &options, &pipe->client.client, out_failure) == PC_OK;
}

static void client_stop(pipe_entry *pipe, uint32_t drain_ms) {
  br_privates_stop(pipe, drain_ms);
  if (pipe->client.client) {
    pc_client_stop(pipe->client.client, drain_ms);
  } else {
    pipe->client.is_stopped = true;
    br_client_end_if_done(pipe);
  }
}

static pc_status client_change(pipe_entry *pipe, const pc_session_change *change,
                               pc_failure *out_failure) {
  pc_status status = PC_OK;
  if (pipe->client.client) {
    status = pc_client_change(pipe->client.client, change, out_failure);
  }
  if (status == PC_OK) {
    br_privates_change(pipe, change);
  }
  return status;
}

static void client_destroy(pipe_entry *pipe) {
  pc_client_destroy(pipe->client.client);
}

static bool client_inject(pipe_entry *pipe, const br_command *command) {
  if (!pipe->config->shared || !br_away_is_needed(pipe)) {
    return false;
  }
  br_away_append(pipe, command);
  return true;
}

const pipe_role br_role_client = {.start = client_start,
                                  .stop = client_stop,
                                  .destroy = client_destroy,
                                  .change = client_change,
                                  .inject = client_inject,
                                  .write = br_session_plain_write,
                                  .close = br_session_plain_close,
                                  .resume = br_session_plain_resume,
                                  .heard = BR_DIRECTION_S2C,
                                  .said = BR_DIRECTION_C2S,
                                  .has_one_session = true};
