/* The read half of a session: cuts what was read into messages and hands them to the owner. The
 * loop's thread.
 *
 * Success: frames are cut where the backend put the bytes; only an incomplete rest is copied and
 * kept. When the owner answers PC_AGAIN, what it has not taken is kept and reading stops until
 * pc_session_resume. End of the input: what was begun is delivered as incomplete, what is queued is
 * flushed, the session ends. Failures: a message over the limit (PC_CLOSE_LIMIT, or it is skipped
 * and told of), bytes that do not keep to the framing, no memory to keep bytes, the system's
 * errors. */
#include <string.h>

#include "check.h"
#include "host.h"
#include "relay.h"

/* Bytes by which a kept rest is completed at first; doubled until its message is whole. */
enum { COMPLETE_STEP_BYTES = 256 };

/* True: taken. False: to be kept and presented again. */
static bool message_deliver(pc_session *session, const uint8_t *data, uint32_t size,
                            uint32_t flags) {
  pc_host *host = session->host;
  pc_message message = {.data = data, .size_bytes = size, .flags = flags};
  pc_status status = host->terms.on.on_message(session, &message, host->terms.user);
  PC_CHECK(status == PC_OK || status == PC_AGAIN);
  session->is_paused = status == PC_AGAIN;
  /* While the owner is full, each session that is read has to keep what came: read little. */
  atomic_store_explicit(&host->is_owner_full, session->is_paused, memory_order_relaxed);
  return !session->is_paused;
}

static bool session_is_taking(const pc_session *session) {
  return session->state == SESSION_OPEN && !session->is_paused;
}

static void input_keep(pc_session *session, const uint8_t *data, size_t size) {
  if (session->state == SESSION_OPEN &&
      !pc_input_buffer_append(&session->input, pc_loop_chunks(session->host->loop), data, size)) {
    pc_session_end(session, PC_CLOSE_ERROR, PC_E_NO_MEMORY, true);
  }
}

void pc_session_tell_skipped(pc_session *session, uint64_t size_bytes) {
  const pc_session_terms *terms = &session->host->terms;
  terms->on.on_skipped(session, size_bytes, terms->user);
}

/* ---- byte type ---- */

/* Lets go of what there is of a frame over the limit; returns how many bytes that is. Not its end:
 * all. */
static size_t frame_skip(pc_session *session, const uint8_t *data, size_t size) {
  size_t skipped;
  if (pc_frame_skip(&session->decoder, data, size, &skipped) == PC_OK) {
    pc_session_tell_skipped(session, session->decoder.skipped_bytes);
  }
  return skipped;
}

/* A frame that cannot be delivered. True: it is to be skipped. False: the session ends. */
static bool frame_refuse(pc_session *session, pc_status status) {
  bool is_limit = status == PC_E_TOO_BIG;
  if (is_limit && session->host->terms.oversize == PC_OVERSIZE_SKIP) {
    return true;
  }
  pc_session_end(session, is_limit ? PC_CLOSE_LIMIT : PC_CLOSE_ERROR, status, true);
  return false;
}

/* A tap goes on: what it watches is not for it to judge. From here on each read is a message. */
static void frames_give_up(pc_session *session) {
  pc_frame_decoder_init(&session->decoder, PC_FRAMING_NONE,
                        session->host->terms.limits.max_message_bytes);
  pc_tap_unframed(session->relay);
}

/* Delivers the whole frames at the start of `data`; returns how many bytes are done with. */
static size_t frames_deliver(pc_session *session, const uint8_t *data, size_t size) {
  size_t done = session->decoder.is_skipping ? frame_skip(session, data, size) : 0;
  while (done < size && session_is_taking(session)) {
    pc_frame frame;
    size_t consumed;
    pc_status status =
        pc_frame_decode(&session->decoder, data + done, size - done, &frame, &consumed);
    if (status == PC_AGAIN) {
      break;
    }
    if (status == PC_E_MALFORMED && session->relay) {
      frames_give_up(session);
      continue;
    }
    if (status != PC_OK) {
      if (!frame_refuse(session, status)) {
        break;
      }
      done += frame_skip(session, data + done, size - done);
      continue;
    }
    if (!message_deliver(session, frame.data, frame.size_bytes, 0)) {
      break;
    }
    done += consumed;
  }
  return done;
}

/* Appends to the kept rest as much of `data` as completes its message, and delivers that. Only then
 * are the bytes behind it cut where they lie. Returns how many bytes of `data` are done with. */
static size_t rest_complete(pc_session *session, const uint8_t *data, size_t size) {
  pc_chunk_pool *chunks = pc_loop_chunks(session->host->loop);
  pc_input_buffer *input = &session->input;
  size_t appended = 0;
  size_t step = COMPLETE_STEP_BYTES;
  while (appended < size && session_is_taking(session)) {
    size_t kept = pc_input_buffer_size(input);
    size_t part = step < size - appended ? step : size - appended;
    if (!pc_input_buffer_append(input, chunks, data + appended, part)) {
      pc_session_end(session, PC_CLOSE_ERROR, PC_E_NO_MEMORY, true);
      return size;
    }
    pc_frame frame;
    size_t consumed;
    pc_status status = pc_frame_decode(&session->decoder, pc_input_buffer_data(input),
                                       pc_input_buffer_size(input), &frame, &consumed);
    if (status == PC_AGAIN) {
      appended += part;
      step *= 2;
      continue;
    }
    if (status == PC_E_MALFORMED && session->relay) {
      frames_give_up(session);
      pc_input_buffer_consume(
          input, chunks,
          frames_deliver(session, pc_input_buffer_data(input), pc_input_buffer_size(input)));
      return appended + part;
    }
    if (status != PC_OK) {
      if (!frame_refuse(session, status)) {
        return size;
      }
      consumed = frame_skip(session, pc_input_buffer_data(input), pc_input_buffer_size(input));
    } else if (!message_deliver(session, frame.data, frame.size_bytes, 0)) {
      return appended + part; /* all of it is kept, and presented again */
    }
    PC_CHECK(consumed > kept);
    pc_input_buffer_clear(input, chunks);
    return appended + (consumed - kept);
  }
  return appended;
}

/* Where a message ended in the middle of what was read, a tap's owner may put one of its own.
 * Returns how many more bytes are done with. */
static size_t relay_pass_held(pc_session *session, const uint8_t *data, size_t size, size_t done) {
  size_t skipped = 0;
  if (session->decoder.is_skipping && session_is_taking(session) && done < size) {
    skipped = frame_skip(session, data + done, size - done);
  }
  bool is_between = session_is_taking(session) && !session->decoder.is_skipping &&
                    pc_input_buffer_size(&session->input) == 0;
  pc_relay_pass_held(session->relay, done + skipped, is_between);
  return skipped;
}

static void bytes_deliver(pc_session *session, const uint8_t *data, size_t size) {
  size_t done = 0;
  if (pc_input_buffer_size(&session->input) > 0) {
    done = rest_complete(session, data, size);
  }
  if (session->relay) {
    done += relay_pass_held(session, data, size, done);
  }
  if (session_is_taking(session) && done < size) {
    done += frames_deliver(session, data + done, size - done);
  }
  input_keep(session, data + done, size - done);
}

/* What the peer began and never ended. A length's own bytes and headers are no payload. */
static void incomplete_deliver(pc_session *session) {
  size_t size = pc_input_buffer_size(&session->input);
  if (session->host->terms.type != PC_TYPE_BYTE || size == 0) {
    return;
  }
  size_t prefix = pc_frame_begun_prefix_bytes(&session->decoder, size);
  const uint8_t *data = pc_input_buffer_data(&session->input) + prefix;
  if (message_deliver(session, data, (uint32_t)(size - prefix), PC_MESSAGE_INCOMPLETE)) {
    pc_input_buffer_clear(&session->input, pc_loop_chunks(session->host->loop));
  }
}

void pc_session_change_terms(pc_session *session) {
  const pc_session_terms *terms = &session->host->terms;
  pc_frame_decoder *decoder = &session->decoder;
  decoder->max_message_bytes = terms->limits.max_message_bytes;
  if (session->state != SESSION_OPEN || terms->framing == session->framing) {
    return;
  }
  if (decoder->is_skipping) {
    pc_session_tell_skipped(session, decoder->skipped_bytes);
  }
  session->framing = terms->framing;
  pc_frame_decoder_init(decoder, terms->framing, terms->limits.max_message_bytes);
  if (!session->is_paused && pc_input_buffer_size(&session->input) > 0) {
    session->is_paused = true; /* until what was kept is cut anew, from the loop */
    pc_session_resume(session);
  }
}

/* ---- message type ---- */

/* How a message lies in the input buffer: this, then its bytes. */
typedef struct input_record {
  uint32_t size_bytes;    /* of one over the limit: nothing is kept */
  uint32_t message_bytes; /* that it had */
  bool is_whole;
} input_record;

static input_record record_of(const pc_view *view) {
  return (input_record){.size_bytes = view->is_message_end ? view->size_bytes : 0,
                        .message_bytes = view->message_bytes,
                        .is_whole = view->is_message_end};
}

static void record_keep(pc_session *session, const pc_view *view) {
  input_record record = record_of(view);
  input_keep(session, (const uint8_t *)&record, sizeof record);
  input_keep(session, view->data, record.size_bytes);
}

/* False: not done with, keep it. */
static bool whole_deliver(pc_session *session, const uint8_t *data, input_record record) {
  if (!record.is_whole) {
    if (frame_refuse(session, PC_E_TOO_BIG)) {
      pc_session_tell_skipped(session, record.message_bytes);
    }
    return true;
  }
  return message_deliver(session, data, record.size_bytes, 0);
}

static void records_deliver(pc_session *session) {
  pc_chunk_pool *chunks = pc_loop_chunks(session->host->loop);
  while (pc_input_buffer_size(&session->input) > 0 && session_is_taking(session)) {
    input_record record;
    memcpy(&record, pc_input_buffer_data(&session->input), sizeof record);
    if (!whole_deliver(session, pc_input_buffer_data(&session->input) + sizeof record, record)) {
      return;
    }
    pc_input_buffer_consume(&session->input, chunks, sizeof record + record.size_bytes);
  }
}

static void view_deliver(pc_session *session, const pc_view *view) {
  if (!session_is_taking(session) || !whole_deliver(session, view->data, record_of(view))) {
    record_keep(session, view);
  }
}

/* ---- both ---- */

static void eof_deliver(pc_session *session) {
  if (session_is_taking(session)) {
    incomplete_deliver(session);
  }
  if (!session_is_taking(session)) {
    return;
  }
  const pc_session_terms *terms = &session->host->terms;
  bool is_kept = terms->on.on_input_end && terms->on.on_input_end(session, terms->user);
  session->is_input_told = true;
  if (!is_kept || session->is_write_broken) {
    pc_session_end(session, PC_CLOSE_PEER, PC_OK, true);
  } else if (session->is_output_ended && session->queue.messages == 0) {
    pc_session_end(session, PC_CLOSE_PEER, PC_OK, false);
  }
}

void pc_session_read_next(pc_session *session) {
  if (session_is_taking(session) && !session->is_eof &&
      session->read.operation.state == PC_OPERATION_IDLE &&
      (!session->relay || pc_relay_may_read(session->relay))) {
    session->host->backend->read(session->channel, &session->read);
  }
}

static void read_end(pc_session *session) {
  if (session->relay) {
    pc_relay_after_read(session->relay);
  }
  if (session->is_eof) {
    eof_deliver(session);
  }
  pc_session_read_next(session);
}

void pc_session_on_read(pc_operation *operation) {
  pc_session *session = PC_CONTAINER_OF(operation, pc_session, read.operation);
  if (session->state != SESSION_OPEN || operation->status == PC_E_ABORTED) {
    if (session->relay && operation->status == PC_OK) {
      pc_relay_discard(session->relay);
    }
    return;
  }
  if (operation->status != PC_OK) {
    pc_session_end(session, PC_CLOSE_ERROR, operation->status, true);
    return;
  }
  session->idle.active_ns = pc_loop_now_ns(session->host->loop);
  for (uint32_t index = 0; index < session->read.view_count; index++) {
    const pc_view *view = &session->read.views[index];
    if (session->relay && !view->is_eof) {
      view = pc_relay_pass(session->relay, view);
    }
    if (view->is_eof) {
      session->is_eof = true;
      if (session->relay) {
        pc_relay_input_end(session->relay, view->is_hung_up);
      }
    } else if (session->host->terms.type == PC_TYPE_BYTE) {
      bytes_deliver(session, view->data, view->size_bytes);
    } else {
      view_deliver(session, view);
    }
  }
  read_end(session);
}

void pc_session_on_resume(pc_operation *operation) {
  pc_session *session = PC_CONTAINER_OF(operation, pc_session, resume);
  if (session->state != SESSION_OPEN || !session->is_paused) {
    return;
  }
  session->is_paused = false;
  if (session->host->terms.type == PC_TYPE_BYTE) {
    pc_input_buffer *input = &session->input;
    size_t done = frames_deliver(session, pc_input_buffer_data(input), pc_input_buffer_size(input));
    pc_input_buffer_consume(input, pc_loop_chunks(session->host->loop), done);
  } else {
    records_deliver(session);
  }
  read_end(session);
}

void pc_session_resume(pc_session *session) {
  pc_loop_check_thread(session->host->loop);
  if (session->is_paused && session->state == SESSION_OPEN &&
      session->resume.state == PC_OPERATION_IDLE) {
    pc_loop_defer(session->host->loop, &session->resume);
  }
}
