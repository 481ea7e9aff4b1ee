/* Private sessions of a client pipe: one more connection to its server, for one WebSocket alone.
 * Pipe thread.
 *
 * Success: BR_COMMAND_CONNECT → connected, `opened` tells who asked → both ways within their
 * windows → BR_COMMAND_FINISH (the WebSocket has gone: what it said is written, then it closes), or
 * the server closes. Failures: too many, or no connection: BR_RECORD_UNCONNECTED tells why; only a
 * backlog that is full is tried again, for CONNECT_MS. A server that takes nothing for FLUSH_MS
 * does not get the rest, which is counted and told. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "pipes_private.h"
#include "private_window.h"

enum { CONNECT_MS = 5000, FLUSH_MS = 5000, FIRST_RETRY_MS = 10, MAX_RETRY_MS = 100 };

static uint64_t smaller(uint64_t one, uint64_t other) {
  return one < other ? one : other;
}

/* ---- connecting ---- */

static void unconnected_tell(br_pipes *pipes, uint16_t pipe, uint64_t command_id,
                             const pc_failure *failure) {
  br_event record = {.kind = BR_RECORD_UNCONNECTED,
                     .flags = BR_FLAG_PRIVATE,
                     .pipe = pipe,
                     .command_id = command_id,
                     .size_bytes = sizeof *failure};
  br_emit_always(pipes, &record, failure);
}

static void end_fail(private_end *end, const pc_failure *failure) {
  if (end->command_id != 0) {
    unconnected_tell(end->pipe->owner, end->pipe->index, end->command_id, failure);
    end->command_id = 0;
  }
}

static void on_waiting(pc_client *client, const pc_waiting *waiting, void *user) {
  private_end *end = user;
  bool is_worth_a_try = end->command_id != 0 && waiting->failure.status == PC_E_BUSY &&
                        pc_loop_now_ns(end->pipe->owner->loop) < end->give_up_ns;
  if (!is_worth_a_try) {
    end_fail(end, &waiting->failure);
    pc_client_stop(client, 0);
  }
}

static bool on_connected(pc_session *pipe_end, const pc_peer *peer, void *user) {
  private_end *end = user;
  pc_peer_details details;
  pc_session_describe_peer(pipe_end, br_pipe_peer_parts(end->pipe), &details);
  end->session = br_session_open(
      end->pipe, &(session_beginning){.peer = peer, .details = &details, .private_end = end});
  if (!end->session) {
    end_fail(end, &(pc_failure){.status = PC_E_NO_MEMORY, .action = "connect"});
    return false;
  }
  end->command_id = 0;
  end->session->session = pipe_end;
  pc_session_set_user(pipe_end, end->session);
  return true;
}

static void on_stopped(pc_client *client, void *user) {
  private_end *end = user;
  br_pipes *pipes = end->pipe->owner;
  (void)client;
  end_fail(end, &(pc_failure){.status = PC_E_ABORTED, .action = "connect"});
  end->next_ended = pipes->ended_privates;
  pipes->ended_privates = end;
}

/* ---- from the server ---- */

static pc_status on_message(pc_session *pipe_end, const pc_message *message, void *user) {
  private_end *end = user;
  (void)pipe_end;
  if (!end->is_finishing && end->unread_bytes >= BR_PRIVATE_WINDOW_BYTES) {
    end->is_held = true;
    return PC_AGAIN;
  }
  pc_status status = br_session_hear(end->session, BR_DIRECTION_S2C, message);
  if (status == PC_OK) {
    end->unread_bytes += br_private_charge(message->size_bytes);
  }
  return status;
}

static void on_skipped(pc_session *pipe_end, uint64_t size_bytes, void *user) {
  const private_end *end = user;
  (void)pipe_end;
  br_session_count_skipped(end->session, size_bytes);
}

static void end_go_on(private_end *end) {
  if (end->is_held) {
    end->is_held = false;
    pc_session_resume(end->session->session);
  }
}

void br_private_taken(pipe_session *session, const br_command *command) {
  private_end *end = session->private_end;
  br_taken taken;
  memcpy(&taken, br_command_payload(command), sizeof taken);
  end->unread_bytes -= smaller(taken.bytes, end->unread_bytes);
  end_go_on(end);
}

/* ---- to the server ---- */

/* What the WebSocket alone may have in the write queue. */
static uint64_t own_bytes(const pc_limits *limits) {
  return BR_PRIVATE_WINDOW_BYTES + BR_PRIVATE_RECORD_BYTES +
         br_private_charge(limits->max_message_bytes);
}

/* Of the session: that fits beside what others may send. */
static pc_limits limits_of(const pipe_entry *pipe) {
  pc_limits limits = pipe->config->limits;
  uint64_t most = br_private_charge(limits.max_message_bytes);
  uint64_t guests = limits.max_write_queue_bytes > most ? limits.max_write_queue_bytes : most;
  limits.max_write_queue_bytes =
      (uint32_t)smaller(guests + own_bytes(&limits), pc_limits_max.max_write_queue_bytes);
  return limits;
}

bool br_private_takes_guest(const pipe_session *session, uint32_t size_bytes) {
  const private_end *end = session->private_end;
  return end->guest_bytes + br_private_charge(size_bytes) <= end->guest_max_bytes;
}

void br_private_accepted_guest(pipe_session *session, uint32_t size_bytes) {
  session->private_end->guest_bytes += br_private_charge(size_bytes);
}

void br_private_written(pipe_session *session, bool is_guest, uint32_t size_bytes) {
  private_end *end = session->private_end;
  if (is_guest) {
    end->guest_bytes -= br_private_charge(size_bytes);
    return;
  }
  end->written_bytes += br_private_charge(size_bytes);
  if (end->written_bytes >= BR_PRIVATE_WINDOW_BYTES / 2) {
    br_taken taken = {.bytes = end->written_bytes};
    br_event record = {.kind = BR_RECORD_TAKEN,
                       .flags = BR_FLAG_PRIVATE,
                       .pipe = end->pipe->index,
                       .session = session->id,
                       .size_bytes = sizeof taken};
    br_emit_always(end->pipe->owner, &record, &taken);
    end->written_bytes = 0;
  }
}

static void on_written(pc_session *pipe_end, uint64_t tag, pc_status status, void *user) {
  const private_end *end = user;
  br_injection_written(end->session, tag, status);
  if (end->is_finishing && pc_session_queued_bytes(pipe_end) == 0) {
    pc_session_close(pipe_end, false);
  }
}

/* ---- the end ---- */

static void on_disconnected(pc_session *pipe_end, pc_close_reason reason, pc_status status,
                            void *user) {
  private_end *end = user;
  (void)pipe_end;
  if (end->session) { /* else refused for want of memory, which was told */
    pc_timer_stop(end->pipe->owner->loop, &end->flush_timer);
    br_session_close(end->session, reason, status);
    end->session = NULL;
  }
}

/* A server that reads slowly is waited for, one that does not read is not. */
static void on_flush_timer(pc_timer *timer, void *user) {
  private_end *end = user;
  pc_session *pipe_end = end->session->session;
  size_t queued_bytes = pc_session_queued_bytes(pipe_end);
  if (queued_bytes >= end->flush_bytes ||
      pc_timer_start(end->pipe->owner->loop, timer, FLUSH_MS) != PC_OK) {
    pc_session_close(pipe_end, false);
  }
  end->flush_bytes = queued_bytes;
}

void br_private_finish(pipe_session *session) {
  private_end *end = session->private_end;
  pc_session *pipe_end = session->session;
  if (end->is_finishing) {
    return;
  }
  end->is_finishing = true;
  end->flush_bytes = pc_session_queued_bytes(pipe_end);
  end->flush_timer = (pc_timer){.routine = on_flush_timer, .user = end};
  if (end->flush_bytes == 0 ||
      pc_timer_start(end->pipe->owner->loop, &end->flush_timer, FLUSH_MS) != PC_OK) {
    pc_session_close(pipe_end, true);
  } else {
    end_go_on(end); /* a server that waits for its reader does not read */
  }
}

/* ---- life ---- */

static void end_link(private_end *end) {
  pipe_entry *pipe = end->pipe;
  end->next = pipe->client.privates;
  if (end->next) {
    end->next->previous = end;
  }
  pipe->client.privates = end;
  pipe->client.private_count++;
}

static void end_unlink(private_end *end) {
  pipe_entry *pipe = end->pipe;
  *(end->previous ? &end->previous->next : &pipe->client.privates) = end->next;
  if (end->next) {
    end->next->previous = end->previous;
  }
  pipe->client.private_count--;
}

static pc_status end_start(private_end *end, pc_failure *out_failure) {
  const br_pipe_config *config = end->pipe->config;
  pc_client_options options = {
      .path = config->path,
      .type = config->type,
      .framing = config->framing,
      .limits = limits_of(end->pipe),
      .oversize = config->oversize,
      .reconnect = {.first_delay_ms = FIRST_RETRY_MS, .max_delay_ms = MAX_RETRY_MS},
      .on = {.session = {.on_connected = on_connected,
                         .on_message = on_message,
                         .on_skipped = on_skipped,
                         .on_written = on_written,
                         .on_disconnected = on_disconnected},
             .on_waiting = on_waiting,
             .on_stopped = on_stopped},
      .user = end,
  };
  end->limits = options.limits;
  end->guest_max_bytes = options.limits.max_write_queue_bytes - own_bytes(&options.limits);
  return pc_client_start(end->pipe->owner->loop, &options, &end->client, out_failure);
}

void br_private_connect(br_pipes *pipes, const br_command *command) {
  pipe_entry *pipe = pipes->by_index[command->pipe];
  pc_failure failure = {.action = "connect"};
  private_end *end = NULL;
  if (!pipe || pipe->is_removed || pipes->is_stopping) {
    failure.status = PC_E_ABORTED;
  } else if (pipe->client.private_count >= pipe->config->limits.max_instances) {
    br_count_add(&pipe->live->limits.max_instances, 1);
    failure.status = PC_E_QUOTA;
  } else if (!(end = calloc(1, sizeof *end))) {
    failure.status = PC_E_NO_MEMORY;
  } else {
    *end = (private_end){.pipe = pipe,
                         .command_id = command->id,
                         .give_up_ns = pc_loop_now_ns(pipes->loop) + CONNECT_MS * UINT64_C(1000000),
                         /* nothing is read before the WebSocket is open */
                         .unread_bytes = BR_PRIVATE_WINDOW_BYTES};
    end->by.size = command->by_bytes;
    memcpy(end->by.json, br_command_payload(command) + command->size_bytes, command->by_bytes);
    failure.status = end_start(end, &failure);
  }
  if (failure.status == PC_OK) {
    end_link(end);
  } else {
    free(end);
    unconnected_tell(pipes, command->pipe, command->id, &failure);
  }
}

/* Its windows were made for the limits that it began with, so it keeps those. */
void br_privates_change(pipe_entry *pipe, const pc_session_change *change) {
  uint32_t most = pc_framing_max_message_bytes(change->framing);
  for (private_end *end = pipe->client.privates; end; end = end->next) {
    pc_session_change own = *change;
    own.limits = end->limits;
    own.limits.max_message_bytes = (uint32_t)smaller(end->limits.max_message_bytes, most);
    pc_status status = pc_client_change(end->client, &own, NULL);
    BR_CHECK(status == PC_OK); /* the configuration's rules are stricter */
  }
}

void br_privates_stop(pipe_entry *pipe, uint32_t drain_ms) {
  for (private_end *end = pipe->client.privates; end; end = end->next) {
    pc_client_stop(end->client, drain_ms);
  }
}

void br_privates_sweep(br_pipes *pipes) {
  while (pipes->ended_privates) {
    private_end *end = pipes->ended_privates;
    pipe_entry *pipe = end->pipe;
    pipes->ended_privates = end->next_ended;
    pc_client_destroy(end->client);
    end_unlink(end);
    free(end);
    br_client_end_if_done(pipe);
  }
}
