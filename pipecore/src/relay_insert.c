/* What a tap's owner puts between the messages that pass. The loop's thread.
 *
 * Success: between two messages it is queued at once; while one is passing it waits for its end,
 * which session_read.c finds, if need be in the middle of a read. Failures: over a limit, no
 * memory, a side that takes nothing (told to the caller); no message ends in time, the session ends
 * (told by on_written). */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "host.h"
#include "relay.h"

bool pc_relay_is_between(const pc_relay_end *end) {
  const pc_relay_end *from = end->other;
  const pc_session *session = from->session;
  if (!session || session->host->terms.type == PC_TYPE_MESSAGE ||
      session->decoder.framing == PC_FRAMING_NONE) {
    return true;
  }
  /* Of what the owner has not taken nobody knows yet where it ends. */
  return !from->is_reading && !session->is_paused && !session->decoder.is_skipping &&
         pc_input_buffer_size(&session->input) == 0;
}

static void dress_fill(const pc_session *session, const void *data, uint32_t size,
                       pc_frame_dress *out_dress) {
  *out_dress = (pc_frame_dress){.prefix_bytes = 0};
  if (session->host->terms.type == PC_TYPE_BYTE) {
    pc_frame_encode(session->host->terms.framing, data, size, out_dress);
  }
}

static bool insertion_queue(pc_insertion *insertion, const void *data) {
  pc_relay_end *end = insertion->end;
  pc_session *session = end->session;
  pc_frame_dress dress;
  dress_fill(session, data, insertion->size_bytes, &dress);
  /* The framing may be another than when it came. */
  insertion->wire_bytes = dress.prefix_bytes + insertion->size_bytes + dress.suffix_bytes;
  pc_write_message message = {
      .parts = {dress.prefix, data, dress.suffix},
      .part_bytes = {dress.prefix_bytes, insertion->size_bytes, dress.suffix_bytes},
      .tag = (uint64_t)(uintptr_t)insertion};
  if (!pc_write_queue_append(&session->queue, pc_loop_chunks(session->host->loop), &message)) {
    return false;
  }
  end->inserted_bytes += insertion->wire_bytes;
  pc_session_write_next(session);
  return true;
}

/* ---- those that wait ---- */

static void waiting_push(pc_insertion *insertion, pc_insertion_list *list) {
  pc_relay_end *end = insertion->end;
  *(end->waiting_last ? &end->waiting_last->next : &end->waiting_first) = insertion;
  end->waiting_last = insertion;
  end->waiting_bytes += insertion->wire_bytes + PC_WRITE_RECORD_BYTES;
  insertion->older = list->newest;
  *(list->newest ? &list->newest->newer : &list->oldest) = insertion;
  list->newest = insertion;
}

pc_insertion *pc_relay_waiting_pop(pc_relay_end *end) {
  pc_insertion *insertion = end->waiting_first;
  pc_insertion_list *list = pc_tap_insertions(end->relay);
  end->waiting_first = insertion->next;
  if (!end->waiting_first) {
    end->waiting_last = NULL;
  }
  end->waiting_bytes -= insertion->wire_bytes + PC_WRITE_RECORD_BYTES;
  *(insertion->older ? &insertion->older->newer : &list->oldest) = insertion->newer;
  *(insertion->newer ? &insertion->newer->older : &list->newest) = insertion->older;
  return insertion;
}

void pc_relay_insert_waiting(pc_relay_end *end) {
  while (end->waiting_first) {
    pc_insertion *insertion = pc_relay_waiting_pop(end);
    if (!end->session || end->session->state != SESSION_OPEN) {
      pc_tap_insertion_end(insertion, PC_E_NOT_CONNECTED);
    } else if (insertion->size_bytes > end->session->host->terms.limits.max_message_bytes) {
      pc_tap_insertion_end(insertion, PC_E_TOO_BIG); /* since it came, by pc_tap_change */
    } else if (!insertion_queue(insertion, insertion->data)) {
      pc_tap_insertion_end(insertion, PC_E_NO_MEMORY);
    }
  }
}

void pc_relay_refuse_waiting(pc_relay_end *end, pc_status status) {
  while (end->waiting_first) {
    pc_tap_insertion_end(pc_relay_waiting_pop(end), status);
  }
}

/* ---- the owner's call ---- */

pc_status pc_relay_insert(pc_relay_end *end, const void *data, uint32_t size, uint64_t tag,
                          uint64_t deadline_ns) {
  const pc_session *session = end->session;
  if (!pc_relay_takes(end)) {
    return PC_E_NOT_CONNECTED;
  }
  const pc_limits *limits = &session->host->terms.limits;
  if (size > limits->max_message_bytes) {
    return PC_E_TOO_BIG;
  }
  pc_frame_dress dress;
  dress_fill(session, data, size, &dress);
  uint32_t wire = dress.prefix_bytes + size + dress.suffix_bytes;
  size_t charge = pc_write_queue_charge(&session->queue) + end->waiting_bytes;
  if (charge > 0 && charge + wire + PC_WRITE_RECORD_BYTES > limits->max_write_queue_bytes) {
    return PC_E_QUOTA;
  }
  bool must_wait = end->waiting_first || !pc_relay_is_between(end);
  pc_insertion *insertion = malloc(sizeof *insertion + (must_wait ? size : 0));
  if (!insertion) {
    return PC_E_NO_MEMORY;
  }
  *insertion = (pc_insertion){
      .end = end, .deadline_ns = deadline_ns, .tag = tag, .size_bytes = size, .wire_bytes = wire};
  if (!must_wait) {
    if (insertion_queue(insertion, data)) {
      return PC_OK;
    }
    free(insertion);
    return PC_E_NO_MEMORY;
  }
  if (size > 0) {
    memcpy(insertion->data, data, size);
  }
  waiting_push(insertion, pc_tap_insertions(end->relay));
  return PC_OK;
}
