/* The life of a session: open → (flushing) → closing → gone. The loop's thread.
 *
 * Success: begin tells on_connected and issues the first read; session_read.c and session_write.c
 * go on. Every end, whoever wants it, goes through pc_session_end; the channel's close is the last
 * operation to complete, so nothing comes after on_disconnected, and the memory is freed right
 * behind it. Failures: none of its own. */
#include "session.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "host.h"

static void session_on_closed(pc_operation *operation) {
  pc_session *session = PC_CONTAINER_OF(operation, pc_session, close.operation);
  pc_host *host = session->host;
  pc_session_fail_writes(session, PC_E_ABORTED);
  if (session->decoder.is_skipping) {
    pc_session_tell_skipped(session, session->decoder.skipped_bytes);
  }
  pc_input_buffer_clear(&session->input, pc_loop_chunks(host->loop));
  if (!session->is_refused) {
    host->terms.on.on_disconnected(session, session->reason, session->reason_status,
                                   host->terms.user);
  }
  pc_host_remove(host, session);
}

pc_session *pc_session_create(pc_host *host) {
  pc_session *session = calloc(1, sizeof *session);
  if (!session) {
    return NULL;
  }
  bool is_stream = host->terms.type == PC_TYPE_BYTE;
  session->host = host;
  pc_operation_init(&session->read.operation, pc_session_on_read);
  session->read.is_little = &host->is_owner_full;
  pc_operation_init(&session->write.operation, pc_session_on_write);
  session->write.queue = &session->queue;
  pc_operation_init(&session->close.operation, session_on_closed);
  pc_operation_init(&session->resume, pc_session_on_resume);
  pc_write_queue_init(&session->queue, is_stream);
  return session;
}

void pc_session_discard(pc_session *session) {
  free(session);
}

void pc_session_begin(pc_session *session, pc_channel *channel, const pc_peer *peer) {
  const pc_host *host = session->host;
  session->channel = channel;
  session->framing = host->terms.framing;
  pc_frame_decoder_init(&session->decoder, host->terms.framing,
                        host->terms.limits.max_message_bytes);
  if (!host->terms.on.on_connected(session, peer, host->terms.user)) {
    pc_session_end(session, PC_CLOSE_REFUSED, PC_OK, false);
    return;
  }
  pc_host_watch_idle(session->host, session);
  pc_session_read_next(session);
}

/* Closes the channel; session_on_closed follows after every other operation of it. */
static void session_close(pc_session *session) {
  pc_host_stop_flush_deadline(session->host, session);
  session->state = SESSION_CLOSING;
  session->close.discard_input = !session->is_eof;
  session->host->backend->close(session->channel, &session->close);
  session->channel = NULL;
}

void pc_session_refuse(pc_session *session, pc_channel *channel) {
  session->channel = channel;
  session->is_refused = true;
  session_close(session);
}

void pc_session_end(pc_session *session, pc_close_reason reason, pc_status status, bool flush) {
  if (session->state != SESSION_OPEN) {
    return;
  }
  session->reason = reason;
  session->reason_status = status;
  pc_host_unwatch_idle(session->host, session);
  if (!flush || session->queue.messages == 0) {
    session_close(session);
    return;
  }
  session->state = SESSION_FLUSHING;
  if (session->read.operation.state == PC_OPERATION_PENDING) {
    session->host->backend->cancel(session->channel, &session->read.operation);
  }
  if (reason != PC_CLOSE_STOP) { /* which has the host's drain time */
    pc_host_start_flush_deadline(session->host, session);
  }
}

void pc_session_abort(pc_session *session) {
  if (session->state == SESSION_FLUSHING) {
    session_close(session);
  }
}

void pc_session_close(pc_session *session, bool flush) {
  pc_loop_check_thread(session->host->loop);
  pc_session_end(session, PC_CLOSE_LOCAL, PC_OK, flush);
  if (!flush) {
    pc_session_abort(session);
  }
}

void pc_session_describe_peer(const pc_session *session, uint32_t parts,
                              pc_peer_details *out_details) {
  const pc_host *host = session->host;
  pc_loop_check_thread(host->loop);
  if (session->channel && host->backend->describe) {
    host->backend->describe(session->channel, parts, out_details);
  } else {
    memset(out_details, 0, sizeof *out_details);
  }
}

void pc_session_set_user(pc_session *session, void *session_user) {
  session->user = session_user;
}

void *pc_session_user(const pc_session *session) {
  return session->user;
}
