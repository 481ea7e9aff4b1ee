/* Reading by overlapped operations. The loop's thread.
 *
 * Success: a read of no bytes ends when something is there, so an idle channel holds no buffer;
 * when the operation's turn comes, what is there is read into the loop's buffer, of messages as
 * many as fit. Failures: the end of the input is one view, told as often as asked; anything else
 * ends the operation. */
#include "check.h"
#include "overlapped.h"

enum { DISCARD_BYTES = 16 * 1024 };

/* Asks for input. The state says whether there is some. */
static void input_issue(overlapped_channel *channel) {
  uint8_t nothing;
  uint32_t ignored;
  overlapped_call *call = &channel->input;
  pc_status status = pc_overlapped_call_issued(
      call, pc_instance_read(channel->instance, &nothing, 0, &ignored, &call->record));
  channel->input_state = status == PC_PENDING ? OVERLAPPED_WAITS : OVERLAPPED_THERE;
  channel->input_status = status;
}

/* Reads what is there. PC_AGAIN: it was not after all. */
static pc_status input_take(overlapped_channel *channel, uint8_t *data, uint32_t capacity,
                            uint32_t *out_bytes) {
  overlapped_call *call = &channel->input;
  pc_status status = pc_overlapped_call_issued(
      call, pc_instance_read(channel->instance, data, capacity, out_bytes, &call->record));
  if (status == PC_PENDING) {
    (void)!pc_instance_cancel(channel->instance, &call->record);
    status = pc_overlapped_call_result(call, out_bytes);
  }
  return status == PC_E_ABORTED ? PC_AGAIN : status;
}

/* ---- streams ---- */

static pc_status stream_receive(overlapped_channel *channel, bool is_little, uint32_t *out_count) {
  pc_backend_state *state = channel->state;
  uint32_t bytes = 0;
  uint32_t limit = is_little ? OVERLAPPED_LITTLE_BYTES : OVERLAPPED_READ_BYTES;
  pc_status status = channel->input_status;
  if (status == PC_OK) {
    status = input_take(channel, state->scratch, limit, &bytes);
  }
  if (status == PC_OK || status == PC_E_BROKEN) {
    state->views[0] = (pc_view){.data = state->scratch,
                                .size_bytes = bytes,
                                .is_message_end = true,
                                .is_eof = status == PC_E_BROKEN};
    *out_count = 1;
    status = PC_OK;
  }
  return status;
}

/* ---- messages ---- */

/* Lets go of the rest of a message; `*bytes` grows by it. */
static pc_status message_discard(overlapped_channel *channel, uint32_t *bytes) {
  uint8_t rest[DISCARD_BYTES];
  pc_status status;
  do {
    uint32_t size = 0;
    status = input_take(channel, rest, sizeof rest, &size);
    *bytes += size;
  } while (status == PC_MORE_DATA);
  return status;
}

/* One message, given how its beginning was found. */
static pc_status message_receive(overlapped_channel *channel, uint8_t *data, pc_view *out_view) {
  pc_status found = channel->input_status;
  uint32_t size = 0;
  if (found != PC_MORE_DATA) { /* an empty message is read already */
    *out_view =
        (pc_view){.data = data, .is_message_end = found == PC_OK, .is_eof = found == PC_E_BROKEN};
    return found == PC_E_BROKEN ? PC_OK : found;
  }
  pc_status status = input_take(channel, data, channel->max_message_bytes, &size);
  uint32_t whole = size;
  bool is_whole = status == PC_OK;
  if (status == PC_MORE_DATA) {
    status = message_discard(channel, &whole);
  }
  *out_view = (pc_view){
      .data = data, .size_bytes = size, .message_bytes = whole, .is_message_end = is_whole};
  return status;
}

static pc_status messages_receive(overlapped_channel *channel, bool is_little,
                                  uint32_t *out_count) {
  pc_backend_state *state = channel->state;
  size_t stride = ((size_t)channel->max_message_bytes + 63) & ~(size_t)63;
  size_t batch = is_little ? 1 : state->scratch_bytes / stride;
  batch = batch == 0 ? 1 : batch < OVERLAPPED_READ_BATCH ? batch : OVERLAPPED_READ_BATCH;
  for (;;) {
    pc_view *view = &state->views[*out_count];
    pc_status status = message_receive(channel, state->scratch + *out_count * stride, view);
    if (status != PC_OK) {
      return *out_count > 0 ? PC_OK : status; /* the next read meets it again */
    }
    ++*out_count;
    if (view->is_eof || *out_count == batch) {
      return PC_OK;
    }
    input_issue(channel);
    if (channel->input_state == OVERLAPPED_WAITS) {
      return PC_OK;
    }
    channel->input_state = OVERLAPPED_IDLE;
  }
}

/* ---- both ---- */

static bool read_perform(pc_operation *operation) {
  overlapped_channel *channel = operation->target;
  pc_read *read = channel->read;
  bool is_little = atomic_load_explicit(read->is_little, memory_order_relaxed);
  channel->input_state = OVERLAPPED_IDLE;
  read->views = channel->state->views;
  read->view_count = 0;
  operation->status = channel->type == PC_TYPE_BYTE
                          ? stream_receive(channel, is_little, &read->view_count)
                          : messages_receive(channel, is_little, &read->view_count);
  if (operation->status == PC_AGAIN) {
    input_issue(channel);
    return channel->input_state == OVERLAPPED_THERE && read_perform(operation);
  }
  channel->read = NULL;
  return true;
}

void pc_overlapped_on_input(overlapped_channel *channel, pc_status status) {
  channel->input_state = OVERLAPPED_THERE;
  channel->input_status = status;
  if (channel->read && channel->read->operation.state == PC_OPERATION_PENDING) {
    pc_loop_complete_by(channel->state->loop, &channel->read->operation, read_perform);
  }
}

void pc_overlapped_read(pc_channel *opaque, pc_read *read) {
  overlapped_channel *channel = pc_overlapped_channel_of(opaque);
  pc_loop *loop = channel->state->loop;
  PC_CHECK(channel->read == NULL);
  pc_loop_issue(loop, &read->operation, channel);
  channel->read = read;
  if (channel->input_state == OVERLAPPED_IDLE) {
    input_issue(channel);
  }
  if (channel->input_state == OVERLAPPED_THERE) {
    pc_loop_complete_by(loop, &read->operation, read_perform);
  }
}
