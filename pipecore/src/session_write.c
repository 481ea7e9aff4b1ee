/* The write half of a session. The loop's thread.
 *
 * Success: pc_session_write appends to the queue and issues one write; the backend looks at the
 * queue at the end of the turn; the completion pops what left (on_written in order) and issues the
 * next write if there is more. Failures: over a limit or no memory (told to the caller, nothing
 * happened); the peer receives no more (on_written tells for each message, and the session ends
 * when its input does, since a peer that is gone for writing may have said something before); any
 * other answer of the system ends the session. */
#include "check.h"
#include "host.h"
#include "relay.h"

void pc_session_fail_writes(pc_session *session, pc_status status) {
  const pc_host *host = session->host;
  uint64_t tag;
  if (session->relay) {
    pc_relay_count_lost(session->relay);
  }
  while (pc_write_queue_pop_any(&session->queue, pc_loop_chunks(host->loop), &tag)) {
    host->terms.on.on_written(session, tag, status, host->terms.user);
  }
}

void pc_session_write_next(pc_session *session) {
  if (session->queue.messages > 0 && session->state != SESSION_CLOSING &&
      session->write.operation.state == PC_OPERATION_IDLE) {
    session->host->backend->write(session->channel, &session->write);
  }
}

/* Ends the output, once what was accepted before is written. */
static void output_end_if_flushed(pc_session *session) {
  if (!session->is_output_ended || session->state != SESSION_OPEN || session->queue.messages > 0) {
    return;
  }
  if (session->is_input_told) {
    pc_session_end(session, PC_CLOSE_PEER, PC_OK, false);
  } else if (!session->is_write_broken) {
    session->host->backend->end_output(session->channel);
  }
}

void pc_session_on_write(pc_operation *operation) {
  pc_session *session = PC_CONTAINER_OF(operation, pc_session, write.operation);
  const pc_host *host = session->host;
  pc_chunk_pool *chunks = pc_loop_chunks(host->loop);
  if (operation->status == PC_OK) {
    session->idle.active_ns = pc_loop_now_ns(host->loop);
    pc_write_queue_take(&session->queue, chunks, session->write.bytes, session->write.messages);
    uint64_t tag;
    while (pc_write_queue_pop_taken(&session->queue, chunks, &tag)) {
      host->terms.on.on_written(session, tag, PC_OK, host->terms.user);
    }
  } else if (operation->status == PC_E_BROKEN) {
    session->is_write_broken = true;
    pc_session_fail_writes(session, PC_E_BROKEN);
    if (session->relay) {
      pc_relay_output_broken(session->relay);
    }
    if (session->is_input_told) {
      pc_session_end(session, PC_CLOSE_PEER, PC_OK, false);
    }
  } else if (operation->status != PC_E_ABORTED) {
    session->is_write_broken = true;
    pc_session_fail_writes(session, operation->status);
    pc_session_end(session, PC_CLOSE_ERROR, operation->status, false);
  }
  pc_session_write_next(session);
  if (session->queue.messages == 0) {
    pc_session_abort(session); /* flushed */
  }
  output_end_if_flushed(session);
  if (session->relay) {
    pc_relay_written(session->relay);
  }
}

bool pc_session_is_open(const pc_session *session) {
  return session->state == SESSION_OPEN && !session->is_write_broken && !session->is_output_ended;
}

pc_status pc_session_write(pc_session *session, const void *data, uint32_t size, uint64_t tag) {
  const pc_host *host = session->host;
  pc_loop_check_thread(host->loop);
  const pc_limits *limits = &host->terms.limits;
  if (!pc_session_is_open(session)) {
    return PC_E_NOT_CONNECTED;
  }
  if (host->terms.access == PC_ACCESS_INBOUND) {
    return PC_E_ACCESS;
  }
  if (size > limits->max_message_bytes) {
    return PC_E_TOO_BIG;
  }
  pc_frame_dress dress = {.prefix_bytes = 0};
  if (host->terms.type == PC_TYPE_BYTE) {
    pc_frame_encode(host->terms.framing, data, size, &dress);
  }
  /* An empty queue takes any message that is not too big, whatever the limits: otherwise it could
   * never be sent. */
  size_t wanted = (size_t)dress.prefix_bytes + size + dress.suffix_bytes + PC_WRITE_RECORD_BYTES;
  if (session->queue.messages > 0 &&
      pc_write_queue_charge(&session->queue) + wanted > limits->max_write_queue_bytes) {
    return PC_E_QUOTA;
  }
  pc_write_message message = {.parts = {dress.prefix, data, dress.suffix},
                              .part_bytes = {dress.prefix_bytes, size, dress.suffix_bytes},
                              .tag = tag};
  if (!pc_write_queue_append(&session->queue, pc_loop_chunks(host->loop), &message)) {
    return PC_E_NO_MEMORY;
  }
  pc_session_write_next(session);
  return PC_OK;
}

void pc_session_end_output(pc_session *session) {
  pc_loop_check_thread(session->host->loop);
  if (session->state == SESSION_OPEN && !session->is_output_ended) {
    session->is_output_ended = true;
    output_end_if_flushed(session);
  }
}

size_t pc_session_queued_bytes(const pc_session *session) {
  return session->queue.bytes;
}
