/* Reading one connection by io_uring. The loop's thread.
 *
 * Success: a recv or recvmsg in the kernel that goes on by itself (multishot), into buffers that it
 * chooses when something is there; a stream that fills them is read by single receives into large
 * ones. What arrives waits in order on the channel; a read hands it over right before its routine.
 * When a turn ends and nobody reads, the kernel's reading is cancelled, and what it still brought
 * is copied, so that a paused session neither loses bytes nor holds buffers of the others.
 * Failures: no buffer (-ENOBUFS, nothing was lost: more buffers, else it waits for those of
 * others); a reset (looked over, as with epoll: a SEQPACKET client's close over unread input puts
 * it before data that is still there); a message of no bytes ends a multishot (again); everything
 * else ends the read with its status. */
#include <errno.h>
#include <poll.h>

#include "../src/check.h"
#include "system.h"
#include "uring.h"

enum {
  RESETS_MAX = 4,
  SHORT_READINGS = 8 /* in a row: this stream goes on like that */
};

/* ---- what has arrived ---- */

static void arrived_push(uring_channel *channel, uring_buffer *buffer) {
  *(channel->arrived_last ? &channel->arrived_last->next : &channel->arrived_first) = buffer;
  channel->arrived_last = buffer;
}

static uring_buffer *arrived_pop(uring_channel *channel) {
  uring_buffer *buffer = channel->arrived_first;
  channel->arrived_first = buffer->next;
  if (!channel->arrived_first) {
    channel->arrived_last = NULL;
  }
  return buffer;
}

void pc_uring_arrived_clear(uring_channel *channel) {
  while (channel->arrived_first) {
    pc_uring_buffer_give(arrived_pop(channel));
  }
}

/* Puts copies in the place of buffers. Without memory they stay: late for others, lost for
 * nobody. */
static void arrived_copy(uring_channel *channel) {
  uring_buffer **link = &channel->arrived_first;
  channel->arrived_last = NULL;
  while (*link) {
    uring_buffer *copy = (*link)->group ? pc_uring_buffer_copy(*link) : NULL;
    *link = copy ? copy : *link;
    channel->arrived_last = *link;
    link = &(*link)->next;
  }
}

static bool has_result(const uring_channel *channel) {
  return channel->arrived_first || channel->is_eof || channel->read_error != 0;
}

/* ---- the read ---- */

void pc_uring_lent_give(pc_backend_state *state) {
  while (state->lent) {
    uring_buffer *buffer = state->lent;
    state->lent = buffer->next;
    pc_uring_buffer_give(buffer);
  }
}

/* A view of the first that arrived, lent until the next read is performed; of a stream perhaps of
 * its beginning only. */
static pc_view arrived_view(uring_channel *channel, bool is_little) {
  uring_buffer *buffer = channel->arrived_first;
  pc_view view = {.data = buffer->data,
                  .size_bytes = buffer->size_bytes,
                  .message_bytes = buffer->message_bytes,
                  .is_message_end = buffer->is_message_end};
  if (is_little && channel->type == PC_TYPE_BYTE && buffer->size_bytes > URING_SMALL_BYTES) {
    view.size_bytes = URING_SMALL_BYTES;
    buffer->data += URING_SMALL_BYTES;
    buffer->size_bytes -= URING_SMALL_BYTES;
    return view;
  }
  arrived_pop(channel);
  buffer->next = channel->state->lent;
  channel->state->lent = buffer;
  return view;
}

static bool read_perform(pc_operation *operation) {
  uring_channel *channel = operation->target;
  pc_backend_state *state = channel->state;
  pc_read *read = channel->read;
  bool is_little = atomic_load_explicit(read->is_little, memory_order_relaxed);
  uint32_t most = is_little ? 1 : URING_READ_BATCH - 1;
  uint32_t count = 0;
  pc_uring_lent_give(state);
  while (count < most && channel->arrived_first) {
    state->views[count++] = arrived_view(channel, is_little);
  }
  if (channel->is_eof && !channel->arrived_first) {
    state->views[count++] = (pc_view){.is_message_end = true, .is_eof = true};
  }
  operation->status = PC_OK;
  if (count == 0) {
    operation->status = pc_linux_status(channel->read_error);
    channel->read_error = 0;
  }
  read->views = state->views;
  read->view_count = count;
  channel->read = NULL;
  pc_uring_list(state, &channel->source); /* its owner reads again, or the kernel is to stop */
  return true;
}

void pc_uring_read(pc_channel *opaque, pc_read *read) {
  uring_channel *channel = (uring_channel *)(void *)opaque;
  PC_CHECK(channel->read == NULL);
  pc_loop_issue(channel->state->loop, &read->operation, channel);
  channel->read = read;
  if (has_result(channel)) {
    pc_loop_complete_by(channel->state->loop, &read->operation, read_perform);
  } else {
    pc_uring_list(channel->state, &channel->source);
  }
}

/* ---- the kernel's reading ---- */

static bool wants_little(const uring_channel *channel) {
  return atomic_load_explicit(channel->read->is_little, memory_order_relaxed);
}

/* Of streams those that say little again and again. Others would have much of it on the heap when
 * they pause. */
static bool wants_multishot(const uring_channel *channel) {
  return channel->type == PC_TYPE_MESSAGE || (channel->short_readings == SHORT_READINGS &&
                                              !channel->is_end_near && !wants_little(channel));
}

/* A multishot of a stream does not tell an end that comes right behind bytes (Linux 6.18: it knows
 * that no more bytes are there, and nothing wakes it again). So the end is watched for; single
 * receives find it. */
static void input_end_watch(uring_channel *channel) {
  if (!channel->is_end_watched) {
    struct io_uring_sqe *sqe = pc_uring_submission(channel->state, &channel->source);
    io_uring_prep_poll_add(sqe, channel->fd, POLLRDHUP);
    pc_uring_tag(sqe, &channel->source, URING_INPUT_END);
    channel->is_end_watched = true;
  }
}

void pc_uring_input_end_complete(uring_channel *channel, int result) {
  channel->is_end_watched = false;
  channel->is_end_unwatched = false;
  if (result != -ECANCELED) {
    channel->is_end_near = true;
    channel->was_short = false;
  }
}

void pc_uring_input_end_unwatch(uring_channel *channel) {
  if (channel->is_end_watched && !channel->is_end_unwatched) {
    channel->is_end_unwatched = true;
    pc_uring_cancel_tagged(channel->state, &channel->source, URING_INPUT_END);
  }
}

static void bytes_submit(uring_channel *channel, struct io_uring_sqe *sqe) {
  pc_backend_state *state = channel->state;
  channel->group =
      channel->is_greedy && !wants_little(channel) ? state->large_group : state->small_group;
  if (channel->is_multishot) {
    io_uring_prep_recv_multishot(sqe, channel->fd, NULL, 0, 0);
  } else {
    io_uring_prep_recv(sqe, channel->fd, NULL, channel->group->size_bytes, 0);
  }
  sqe->ioprio |= channel->was_short ? IORING_RECVSEND_POLL_FIRST : 0;
}

static void reading_submit(uring_channel *channel) {
  pc_backend_state *state = channel->state;
  channel->is_reading = true;
  channel->is_multishot = wants_multishot(channel);
  if (channel->is_multishot && channel->type == PC_TYPE_BYTE) {
    input_end_watch(channel);
  }
  struct io_uring_sqe *sqe = pc_uring_submission(state, &channel->source);
  if (channel->type == PC_TYPE_BYTE) {
    bytes_submit(channel, sqe);
  } else {
    io_uring_prep_recvmsg_multishot(sqe, channel->fd, &state->message_header, MSG_TRUNC);
  }
  sqe->flags |= IOSQE_BUFFER_SELECT;
  sqe->buf_group = channel->group->id;
  pc_uring_tag(sqe, &channel->source, URING_READ);
}

static void reading_stop(uring_channel *channel) {
  if (channel->is_reading && !channel->is_stopping) {
    channel->is_stopping = true;
    pc_uring_cancel_tagged(channel->state, &channel->source, URING_READ);
  }
}

void pc_uring_read_start(uring_channel *channel) {
  if (channel->passing) {
    pc_uring_passing_read_start(channel);
  } else if (!channel->read) {
    pc_uring_unstarve(channel);
    arrived_copy(channel);
    reading_stop(channel);
  } else if (channel->is_reading && channel->is_multishot && !wants_multishot(channel)) {
    reading_stop(channel); /* and on with larger buffers */
  } else if (!channel->is_reading && !channel->is_starved && !has_result(channel)) {
    reading_submit(channel);
  }
}

/* Finds the message in its buffer. False: it is the end of the input, which, unlike a message of no
 * bytes, carries no credentials (SO_PASSCRED). */
static bool message_find(const uring_channel *channel, uring_buffer *buffer, int size) {
  struct msghdr *header = &channel->state->message_header;
  struct io_uring_recvmsg_out *out =
      io_uring_recvmsg_validate((void *)(uintptr_t)buffer->data, size, header);
  PC_CHECK(out != NULL);
  bool is_whole = out->payloadlen <= channel->max_message_bytes;
  buffer->data = io_uring_recvmsg_payload(out, header);
  buffer->size_bytes = is_whole ? out->payloadlen : channel->max_message_bytes;
  buffer->message_bytes = out->payloadlen;
  buffer->is_message_end = is_whole;
  return out->payloadlen > 0 || out->controllen > 0;
}

static bool bytes_find(uring_channel *channel, uring_buffer *buffer, int size) {
  buffer->size_bytes = (uint32_t)size;
  buffer->message_bytes = 0;
  buffer->is_message_end = true;
  channel->is_greedy = size >= URING_SMALL_BYTES;
  channel->was_short = (uint32_t)size < channel->group->size_bytes && !channel->is_end_near;
  channel->short_readings = channel->is_greedy                         ? 0
                            : channel->short_readings < SHORT_READINGS ? channel->short_readings + 1
                                                                       : SHORT_READINGS;
  return size > 0;
}

static void result_take(uring_channel *channel, uring_buffer *buffer, int size) {
  bool has_data = buffer && (channel->type == PC_TYPE_BYTE ? bytes_find(channel, buffer, size)
                                                           : message_find(channel, buffer, size));
  if (has_data) {
    channel->resets = 0;
    arrived_push(channel, buffer);
    return;
  }
  channel->is_eof = true;
  if (buffer) {
    pc_uring_buffer_give(buffer);
  }
}

static void error_take(uring_channel *channel, int native) {
  switch (native) {
  case ENOBUFS:
    if (!pc_uring_group_grow(channel->group) && channel->read) {
      pc_uring_starve(channel);
    }
    break;
  case EAGAIN:
  case EINTR:
  case ECANCELED:
    break;
  case ECONNRESET:
    if (channel->resets++ < RESETS_MAX) {
      break;
    }
    channel->read_error = native;
    break;
  default:
    channel->read_error = native;
  }
}

void pc_uring_read_complete(uring_channel *channel, const struct io_uring_cqe *cqe) {
  if (channel->passing) {
    pc_uring_passing_read_complete(channel);
    return;
  }
  uring_buffer *buffer =
      cqe->flags & IORING_CQE_F_BUFFER ? pc_uring_buffer_take(channel->group, cqe->flags) : NULL;
  if (!(cqe->flags & IORING_CQE_F_MORE)) {
    channel->is_reading = false;
    channel->is_stopping = false;
  }
  if (cqe->res >= 0) {
    result_take(channel, buffer, cqe->res);
  } else {
    if (buffer) {
      pc_uring_buffer_give(buffer);
    }
    error_take(channel, -cqe->res);
  }
  if (channel->close) {
    pc_uring_arrived_clear(channel);
  } else if (channel->read && channel->read->operation.state == PC_OPERATION_PENDING &&
             has_result(channel)) {
    pc_loop_complete_by(channel->state->loop, &channel->read->operation, read_perform);
  }
}
