/* What clients say beyond the limit, against the framing, or not at all. Pipe thread.
 *
 * A skipped message is counted at once and told by an error event; a client that goes on so is told
 * of at most once a second and at its end, with the sum. */
#include <inttypes.h>

#include "pipes_private.h"

static const uint64_t tell_interval_ns = UINT64_C(1000000000);

static void session_tell_skipped(pipe_session *session) {
  const pipe_entry *pipe = session->pipe;
  uint32_t limit = pipe->config->limits.max_message_bytes;
  if (pipe->config->role == BR_ROLE_TAP) {
    br_emit_error(pipe->owner, pipe->index, session->id,
                  "%" PRIu64 " messages in session %" PRIu64 ", together %" PRIu64
                  " bytes, passed and are not shown: each is over limits.max_message_bytes, "
                  "%" PRIu32 "; raise the limit if they are to be seen",
                  session->untold_count, session->id, session->untold_bytes, limit);
  } else if (session->untold_count == 1) {
    br_emit_error(pipe->owner, pipe->index, session->id,
                  "message of %" PRIu64 " bytes from session %" PRIu64
                  " skipped: it is over limits.max_message_bytes, %" PRIu32
                  "; raise the limit if such messages are wanted",
                  session->untold_bytes, session->id, limit);
  } else {
    br_emit_error(pipe->owner, pipe->index, session->id,
                  "%" PRIu64 " messages from session %" PRIu64 " skipped, together %" PRIu64
                  " bytes: each is over limits.max_message_bytes, %" PRIu32
                  "; raise the limit if such messages are wanted",
                  session->untold_count, session->id, session->untold_bytes, limit);
  }
  session->untold_count = 0;
  session->untold_bytes = 0;
}

void br_session_count_skipped(pipe_session *session, uint64_t size_bytes) {
  br_traffic_add(&session->info->counters.skipped, size_bytes);
  br_traffic_add(&session->pipe->counters->skipped, size_bytes);
  br_count_add(&session->pipe->live->limits.max_message_bytes, 1);
  session->untold_count++;
  session->untold_bytes += size_bytes;
  uint64_t now_ns = pc_loop_now_ns(session->pipe->owner->loop);
  if (session->told_ns == 0 || now_ns - session->told_ns >= tell_interval_ns) {
    session_tell_skipped(session);
    session->told_ns = now_ns;
  }
}

void br_session_explain_end(pipe_session *session, pc_status status) {
  const pipe_entry *pipe = session->pipe;
  if (session->untold_count > 0) {
    session_tell_skipped(session);
  }
  if (session->lost_count > 0) {
    br_emit_error(pipe->owner, pipe->index, session->id,
                  "%" PRIu64 " messages to session %" PRIu64 ", together %" PRIu64
                  " bytes, were queued when it ended, and are lost; send them again",
                  session->lost_count, session->id, session->lost_bytes);
  }
  if (status == PC_E_TIMEOUT) {
    br_count_add(&pipe->live->limits.idle_timeout_ms, 1);
    br_emit_error(pipe->owner, pipe->index, session->id,
                  "session %" PRIu64
                  " closed: nothing was said for limits.idle_timeout_ms, %" PRIu32
                  "; raise the limit, or set it to 0, if it may be silent for longer",
                  session->id, pipe->config->limits.idle_timeout_ms);
  } else if (pipe->config->role == BR_ROLE_TAP) {
    return; /* nothing that its limits or framing say ends a session */
  } else if (status == PC_E_TOO_BIG) {
    br_count_add(&pipe->live->limits.max_message_bytes, 1);
    br_emit_error(pipe->owner, pipe->index, session->id,
                  "session %" PRIu64 " closed: it began a message over limits.max_message_bytes, "
                  "%" PRIu32 "; raise the limit, or set \"oversize\": \"skip\"",
                  session->id, pipe->config->limits.max_message_bytes);
  } else if (status == PC_E_MALFORMED) {
    br_emit_error(pipe->owner, pipe->index, session->id,
                  "session %" PRIu64 " closed: what it said does not keep to framing %s; the peer "
                  "must, or the pipe's framing be another",
                  session->id, pc_framing_name(pipe->config->framing));
  }
}
