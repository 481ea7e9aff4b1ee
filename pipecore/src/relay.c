/* What passes between the two sessions of a tap. The loop's thread.
 *
 * Success: each view is appended to the other side's queue, as it is, before anybody looks at it;
 * the end of one side's input becomes the end of the other's output, behind all that was said.
 * Failures: a side that takes nothing more: the other one is told so by the system (its input is
 * ended), what it had said by then is read, shown and counted as lost. No memory to pass bytes on,
 * or a message that this process can send to nobody: the session ends. */
#include "relay.h"

#include "check.h"
#include "host.h"

enum {
  /* A read brings so much at most, of the message type a little more. */
  READ_BYTES = 64 * 1024,
  /* Held for one side; a read may add as many. */
  DESCRIPTORS_MAX = 253
};

void pc_relay_init(pc_relay *relay) {
  for (int index = 0; index < 2; index++) {
    relay->ends[index] =
        (pc_relay_end){.relay = relay,
                       .other = &relay->ends[1 - index],
                       .direction = index == 0 ? PC_DIRECTION_C2S : PC_DIRECTION_S2C};
  }
}

bool pc_relay_takes(const pc_relay_end *end) {
  const pc_session *session = end->session;
  return session && session->state == SESSION_OPEN && !session->is_write_broken &&
         !session->is_output_ended;
}

bool pc_relay_may_read(const pc_relay_end *end) {
  const pc_session *to = end->other->session;
  if (!end->relay->is_joined) {
    return false;
  }
  if (end->is_input_cut || !pc_relay_takes(end->other)) {
    return true; /* there is an end to it, and its owner wants to see it */
  }
  size_t limit = to->host->terms.limits.max_write_queue_bytes;
  return to->queue.messages == 0 ||
         (pc_write_queue_charge(&to->queue) + READ_BYTES + PC_WRITE_RECORD_BYTES <= limit &&
          to->queue.attached_count < DESCRIPTORS_MAX);
}

/* ---- views ---- */

static void lost_add(pc_relay_end *end, size_t size, pc_attachment *attachment) {
  end->lost_bytes += size;
  if (attachment) {
    end->lost_descriptors += attachment->count;
    attachment->release(attachment);
  }
}

static void bytes_pass(pc_relay_end *end, const uint8_t *data, size_t size,
                       pc_attachment *attachment) {
  pc_session *to = end->other->session;
  if (!pc_relay_takes(end->other)) {
    lost_add(end, size, attachment);
    return;
  }
  pc_write_message message = {
      .parts = {NULL, data, NULL}, .part_bytes = {0, (uint32_t)size, 0}, .attachment = attachment};
  if (!pc_write_queue_append(&to->queue, pc_loop_chunks(to->host->loop), &message)) {
    lost_add(end, size, attachment);
    pc_session_end(end->session, PC_CLOSE_ERROR, PC_E_NO_MEMORY, true);
    return;
  }
  pc_session_write_next(to);
}

const pc_view *pc_relay_pass(pc_relay_end *end, const pc_view *view) {
  const pc_session_terms *terms = &end->session->host->terms;
  end->seen = *view;
  end->seen.attachment = NULL;
  end->lost_descriptors += view->lost_descriptors;
  end->is_reading = true;
  if (!view->is_message_end) {
    lost_add(end, view->message_bytes, view->attachment);
    pc_session_end(end->session, PC_CLOSE_ERROR, PC_E_TOO_BIG, true);
  } else if (terms->type == PC_TYPE_BYTE && end->other->waiting_first) {
    end->seen.attachment = view->attachment;
    end->is_held = true; /* until it is known whether a message ends in it */
  } else {
    bytes_pass(end, view->data, view->size_bytes, view->attachment);
  }
  if (terms->type == PC_TYPE_MESSAGE && view->size_bytes > terms->limits.max_message_bytes) {
    end->seen.is_message_end = false;
    end->seen.message_bytes = view->size_bytes;
  }
  return &end->seen;
}

void pc_relay_pass_held(pc_relay_end *end, size_t done, bool is_between) {
  const pc_view *view = &end->seen;
  if (!end->is_held) {
    return;
  }
  end->is_held = false;
  size_t first = is_between ? done : view->size_bytes;
  if (first > 0) {
    bytes_pass(end, view->data, first, view->attachment);
  }
  if (is_between) {
    pc_relay_insert_waiting(end->other);
  }
  if (first < view->size_bytes) {
    bytes_pass(end, view->data + first, view->size_bytes - first,
               first > 0 ? NULL : view->attachment);
  }
}

void pc_relay_after_read(pc_relay_end *end) {
  end->is_reading = false;
  if (end->other->waiting_first && pc_relay_is_between(end->other)) {
    pc_relay_insert_waiting(end->other);
  }
}

void pc_relay_discard(pc_relay_end *end) {
  const pc_read *read = &end->session->read;
  for (uint32_t index = 0; index < read->view_count; index++) {
    const pc_view *view = &read->views[index];
    end->lost_descriptors += view->lost_descriptors;
    lost_add(end, view->size_bytes, view->attachment);
  }
}

/* ---- ends ---- */

/* Nobody receives what this end's peer says: it shall know. What it has said already is still
 * read. */
static void input_cut(pc_relay_end *end) {
  pc_session *session = end->session;
  if (end->is_input_cut || end->is_input_over || !session || session->state != SESSION_OPEN) {
    return;
  }
  end->is_input_cut = true;
  session->host->backend->end_input(session->channel);
  pc_session_read_next(session);
}

void pc_relay_input_end(pc_relay_end *end, bool is_hung_up) {
  pc_session *session = end->session;
  if (!end->is_input_over) {
    end->is_input_over = true;
    pc_tap_input_ended(end);
    pc_relay_refuse_waiting(end->other, PC_E_NOT_CONNECTED);
    if (end->other->session) {
      pc_session_end_output(end->other->session);
    }
  }
  if (is_hung_up) {
    if (session && session->queue.messages == 0) {
      session->is_write_broken =
          true; /* else the write that is out finds out, and its bytes are counted */
    }
    input_cut(end->other);
  }
}

void pc_relay_count_lost(pc_relay_end *end) {
  size_t queued = end->session->queue.bytes;
  end->other->lost_bytes += queued > end->inserted_bytes ? queued - end->inserted_bytes : 0;
}

void pc_relay_output_broken(pc_relay_end *end) {
  input_cut(end->other);
}

void pc_relay_written(pc_relay_end *end) {
  if (end->other->session) {
    pc_session_read_next(end->other->session);
  }
}
