/* What happens in the sessions of every pipe, whichever end of them is the bridge's. Pipe thread.
 *
 * Success: the peer's message arrives in on_message, becomes a record in the event queue, and is
 * answered there and then if the pipe's `reply` says so. Failures: event queue full → overflow.c;
 * the peer's write queue full → the message to it is refused, counted and told. */
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "pipes_private.h"

/* ---- replies ---- */

void br_session_count_accepted(pipe_session *session, br_direction direction, uint32_t size_bytes) {
  br_traffic_add(br_counters_traffic(&session->info->counters, direction), size_bytes);
  br_traffic_add(br_counters_traffic(session->pipe->counters, direction), size_bytes);
}

void br_session_count_written(pipe_session *session, br_direction direction, pc_status status,
                              uint32_t size_bytes) {
  br_pipes *pipes = session->pipe->owner;
  br_counters *counters = &session->info->counters;
  if (status == PC_E_NOT_CONNECTED) {
    return; /* it is closing: nobody is there to be refused */
  }
  if (status == PC_OK) {
    br_session_count_accepted(session, direction, size_bytes);
    if (session->refused_count > 0) {
      br_emit_error(pipes, session->pipe->index, session->id,
                    "%" PRIu64 " messages to session %" PRIu64
                    " were refused while its write queue was full; it reads again",
                    session->refused_count, session->id);
      session->refused_count = 0;
    }
    return;
  }
  br_pipe_live *live = session->pipe->live;
  bool is_too_big = status == PC_E_TOO_BIG;
  br_count_add(&counters->refused, 1);
  br_count_add(&live->counters.refused, 1);
  if (is_too_big) {
    br_count_add(&live->limits.max_message_bytes, 1);
  } else if (status == PC_E_QUOTA) {
    br_count_add(&live->limits.max_write_queue_bytes, 1);
  }
  if (session->refused_count++ == 0) {
    br_emit_error(pipes, session->pipe->index, session->id,
                  "message of %" PRIu32 " bytes to session %" PRIu64 " refused: %s; %s", size_bytes,
                  session->id, pc_status_text(status),
                  is_too_big ? "send shorter ones, or raise limits.max_message_bytes"
                             : "the peer must read, or limits.max_write_queue_bytes grow");
  }
}

static bool session_reply(pipe_session *session, const pc_message *message) {
  pc_status status = pc_session_write(session->session, message->data, message->size_bytes, 0);
  br_session_count_written(session, session->pipe->role->said, status, message->size_bytes);
  return status == PC_OK;
}

static void message_reply(pipe_session *sender, const pc_message *message) {
  pipe_entry *pipe = sender->pipe;
  br_event event = {.kind = BR_EVENT_MESSAGE,
                    .direction = (uint8_t)pipe->role->said,
                    .flags = BR_FLAG_REPLY,
                    .pipe = pipe->index,
                    .size_bytes = message->size_bytes};
  if (pipe->config->reply == BR_REPLY_ECHO) {
    event.session = sender->id;
    event.targets = session_reply(sender, message);
  } else {
    for (pipe_session *other = pipe->first; other; other = other->next) {
      if (other != sender && session_reply(other, message)) {
        event.targets++;
      }
    }
  }
  if (pipe->config->overflow == BR_OVERFLOW_PAUSE) {
    br_emit_always(pipe->owner, &event, message->data);
  } else if (!br_emit_message(pipe->owner, &event, message->data)) {
    (void)br_session_overflow(sender, pipe->role->said, message->size_bytes);
  }
}

/* ---- life ---- */

static void session_link(pipe_session *session) {
  pipe_entry *pipe = session->pipe;
  session->next = pipe->first;
  if (pipe->first) {
    pipe->first->previous = session;
  }
  pipe->first = session;
}

static void session_unlink(pipe_session *session) {
  *(session->previous ? &session->previous->next : &session->pipe->first) = session->next;
  if (session->next) {
    session->next->previous = session->previous;
  }
}

/* What observers are told of the peer, packed; returns the bytes. */
static size_t peer_pack(pipe_entry *pipe, const pc_peer *peer, const pc_peer_details *details,
                        uint8_t out_bytes[BR_PEER_DETAILS_MAX_BYTES]) {
  br_pipes *pipes = pipe->owner;
  const char *user_name =
      br_user_names_find(&pipes->user_names, peer->uid, pc_loop_now_ns(pipes->loop));
  return br_peer_details_pack(details, user_name, out_bytes);
}

static pipe_session *session_create(pipe_entry *pipe, const br_opened *opened, private_end *end) {
  br_pipes *pipes = pipe->owner;
  size_t details_bytes = opened->details.size_bytes;
  pipe_session *session = calloc(1, sizeof *session);
  size_t by_bytes = end ? end->by.size : 0;
  br_session_info *info = calloc(1, sizeof *info + details_bytes + by_bytes);
  if (!session || !info || !br_id_table_put(&pipes->sessions, pipes->next_session_id, session)) {
    free(session);
    free(info);
    return NULL;
  }
  info->id = session->id = pipes->next_session_id++;
  info->peer = opened->peer;
  info->upstream = opened->upstream;
  info->has_upstream = opened->has_upstream;
  info->pipe = pipe->index;
  memcpy(info + 1, &opened->details, details_bytes);
  if (end) {
    info->is_private = true;
    info->by_bytes = end->by.size;
    memcpy((uint8_t *)(info + 1) + details_bytes, end->by.json, by_bytes);
  }
  session->info = info;
  session->pipe = pipe;
  session->private_end = end;
  return session;
}

uint32_t br_pipe_peer_parts(const pipe_entry *pipe) {
  return pipe->config->describe_clients ? PC_PEER_ALL : 0;
}

pipe_session *br_session_open(pipe_entry *pipe, const session_beginning *beginning) {
  union { /* a record of as many bytes as the details have, and behind them who asked for it */
    br_opened record;
    uint8_t bytes[offsetof(br_opened, details) + BR_PEER_DETAILS_MAX_BYTES + BR_SENT_BY_MAX_BYTES];
  } opened = {.record = {.peer = *beginning->peer}};
  const private_end *end = beginning->private_end;
  if (beginning->upstream) {
    opened.record.upstream = *beginning->upstream;
    opened.record.has_upstream = true;
  }
  size_t size = offsetof(br_opened, details);
  size += peer_pack(pipe, beginning->peer, beginning->details, opened.bytes + size);
  pipe_session *session = session_create(pipe, &opened.record, beginning->private_end);
  if (!session) {
    br_emit_error(pipe->owner, pipe->index, 0,
                  "session with pid %" PRId64 " refused: out of memory", beginning->peer->pid);
    return NULL;
  }
  opened.record.info = session->info;
  br_event event = {.kind = BR_EVENT_OPENED,
                    .flags = br_session_flags(session),
                    .pipe = pipe->index,
                    .session = session->id,
                    .size_bytes = (uint32_t)size};
  if (end) {
    event.command_id = end->command_id;
    event.by_bytes = end->by.size;
    memcpy(opened.bytes + size, end->by.json, end->by.size);
  } else {
    session_link(session);
  }
  br_emit_always(pipe->owner, &event, opened.bytes);
  return session;
}

pc_status br_session_hear(pipe_session *session, br_direction direction,
                          const pc_message *message) {
  const pipe_entry *pipe = session->pipe;
  br_event event = {
      .kind = BR_EVENT_MESSAGE,
      .direction = (uint8_t)direction,
      .flags = (uint16_t)(br_session_flags(session) |
                          ((message->flags & PC_MESSAGE_INCOMPLETE) ? BR_FLAG_INCOMPLETE : 0)),
      .pipe = pipe->index,
      .session = session->id,
      .size_bytes = message->size_bytes,
  };
  if (!br_emit_message(pipe->owner, &event, message->data) &&
      br_session_overflow(session, direction, message->size_bytes) != PC_OK) {
    return PC_AGAIN;
  }
  br_session_count_accepted(session, direction, message->size_bytes);
  return PC_OK;
}

void br_session_close(pipe_session *session, pc_close_reason reason, pc_status status) {
  const pipe_entry *pipe = session->pipe;
  br_session_tell_dropped(session);
  br_session_explain_end(session, status);
  bool is_removed = pipe->is_removed && reason == PC_CLOSE_STOP;
  br_closed closed = {.reason = is_removed ? BR_CLOSE_REMOVED : (int32_t)reason,
                      .status = (int32_t)status,
                      .info = session->info};
  br_event event = {.kind = BR_EVENT_CLOSED,
                    .flags = br_session_flags(session),
                    .pipe = pipe->index,
                    .session = session->id,
                    .size_bytes = sizeof closed};
  br_emit_always(pipe->owner, &event, &closed);
  if (!session->private_end) {
    session_unlink(session);
  }
  (void)br_id_table_remove(&pipe->owner->sessions, session->id);
  br_session_free(session);
}

/* ---- a session of pipecore's, whichever end of it is ours ---- */

static bool on_connected(pc_session *pipe_end, const pc_peer *peer, void *user) {
  pipe_entry *pipe = user;
  pc_peer_details details;
  pc_session_describe_peer(pipe_end, br_pipe_peer_parts(pipe), &details);
  pipe_session *session =
      br_session_open(pipe, &(session_beginning){.peer = peer, .details = &details});
  if (session) {
    session->session = pipe_end;
    pc_session_set_user(pipe_end, session);
  }
  return session;
}

static pc_status on_message(pc_session *pipe_end, const pc_message *message, void *user) {
  const pipe_entry *pipe = user;
  pipe_session *session = pc_session_user(pipe_end);
  pc_status status = br_session_hear(session, pipe->role->heard, message);
  if (status == PC_OK && pipe->config->reply != BR_REPLY_NONE) {
    message_reply(session, message);
  }
  return status;
}

static void on_skipped(pc_session *pipe_end, uint64_t size_bytes, void *user) {
  (void)user;
  br_session_count_skipped(pc_session_user(pipe_end), size_bytes);
}

static void on_written(pc_session *pipe_end, uint64_t tag, pc_status status, void *user) {
  (void)user;
  if (tag != 0) { /* replies are not waited for */
    br_injection_written(pc_session_user(pipe_end), tag, status);
  }
}

static void on_disconnected(pc_session *pipe_end, pc_close_reason reason, pc_status status,
                            void *user) {
  (void)user;
  pipe_session *session = pc_session_user(pipe_end);
  if (session) { /* else refused for want of memory: nobody was told of it */
    br_session_close(session, reason, status);
  }
}

pc_status br_session_plain_write(pipe_session *session, br_direction direction, const void *data,
                                 uint32_t size, uint64_t tag) {
  (void)direction; /* there is one */
  return pc_session_write(session->session, data, size, tag);
}

void br_session_plain_close(pipe_session *session) {
  pc_session_close(session->session, true);
}

void br_session_plain_resume(pipe_session *session) {
  pc_session_resume(session->session);
}

const pc_session_events br_session_events = {.on_connected = on_connected,
                                             .on_message = on_message,
                                             .on_skipped = on_skipped,
                                             .on_written = on_written,
                                             .on_disconnected = on_disconnected};
