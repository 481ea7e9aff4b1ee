/* The life of one connection of the io_uring backend, and writing to it. The loop's thread.
 *
 * Success, writing: the queue is looked at when the turn ends. Bytes, and a single message, go out
 * by a send that never waits in the kernel; several messages by one sendmmsg there and then, since
 * a row of sends would each cost a submission, and go out of order when one of them does not fit.
 * If nothing fits, the kernel watches until something does, and the queue is looked at again.
 * Closing: what the kernel has is cancelled; with the last completion the descriptor is closed,
 * since until then the kernel holds the connection open. Failures: a peer that is gone
 * (PC_E_BROKEN); everything else ends the write with its status. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "../src/check.h"
#include "peer.h"
#include "system.h"
#include "uring.h"

static uring_channel *channel_of(pc_channel *channel) {
  return (uring_channel *)(void *)channel;
}

uring_channel *pc_uring_channel_create(pc_backend_state *state, pc_type type,
                                       uint32_t max_message_bytes, uring_group *group,
                                       pc_linux_passing *passing) {
  uring_channel *channel = calloc(1, sizeof *channel);
  if (channel) {
    channel->source.kind = URING_OF_CHANNEL;
    channel->state = state;
    channel->fd = -1;
    channel->type = type;
    channel->max_message_bytes = max_message_bytes;
    channel->passing = passing;
    if (type == PC_TYPE_MESSAGE && !passing) {
      channel->group = group;
      group->users++;
    }
  }
  return channel;
}

void pc_uring_channel_open(uring_channel *channel, int fd) {
  channel->fd = fd;
  if (channel->type == PC_TYPE_MESSAGE) {
    /* As with epoll: the listener was asked already whether the system allows it. */
    (void)!pc_linux_send_buffer_raise(fd, channel->max_message_bytes);
  }
}

void pc_uring_channel_discard(uring_channel *channel) {
  if (channel->type == PC_TYPE_MESSAGE && channel->group) {
    pc_uring_group_release(channel->state, channel->group);
  }
  free(channel);
}

/* ---- writing ---- */

static void write_end(uring_channel *channel, pc_status status, size_t bytes, uint32_t messages) {
  pc_write *write = channel->write;
  channel->write = NULL;
  channel->is_write_cancelled = false;
  write->bytes = bytes;
  write->messages = messages;
  pc_loop_complete(channel->state->loop, &write->operation, status);
}

/* Until it is writable, or hung up. */
static void watch_submit(uring_channel *channel) {
  struct io_uring_sqe *sqe = pc_uring_submission(channel->state, &channel->source);
  io_uring_prep_poll_add(sqe, channel->fd, POLLOUT);
  pc_uring_tag(sqe, &channel->source, URING_WRITABLE);
  channel->is_watching = true;
}

static void send_submit(uring_channel *channel, const pc_span *spans, unsigned count) {
  enum { SEND_FLAGS = MSG_NOSIGNAL | MSG_DONTWAIT };
  pc_backend_state *state = channel->state;
  struct io_uring_sqe *sqe = pc_uring_submission(state, &channel->source);
  if (count == 1) {
    io_uring_prep_send(sqe, channel->fd, spans[0].data, spans[0].size_bytes, SEND_FLAGS);
  } else {
    struct iovec *parts = &state->parts[state->parts_used];
    struct msghdr *header = &state->headers[state->headers_used++];
    state->parts_used += count;
    pc_linux_parts_fill(parts, spans, count);
    *header = (struct msghdr){.msg_iov = parts, .msg_iovlen = count};
    io_uring_prep_sendmsg(sqe, channel->fd, header, SEND_FLAGS);
  }
  pc_uring_tag(sqe, &channel->source, URING_WRITE);
  channel->is_sending = true;
}

static void sent_take(uring_channel *channel, pc_status status, size_t bytes, uint32_t messages) {
  if (status == PC_AGAIN) {
    channel->is_full = true;
    watch_submit(channel);
  } else {
    write_end(channel, status, bytes, messages);
  }
}

static void messages_send(uring_channel *channel, const pc_span *spans, unsigned count) {
  size_t bytes = 0;
  uint32_t messages = 0;
  pc_status status = pc_linux_send(channel->fd, channel->type, &channel->state->batch, spans, count,
                                   &bytes, &messages);
  sent_take(channel, status, bytes, messages);
}

static void passing_send(uring_channel *channel) {
  size_t bytes = 0;
  uint32_t messages = 0;
  pc_status status = pc_linux_passing_send(channel->fd, channel->type, &channel->state->batch,
                                           channel->write->queue, &bytes, &messages);
  sent_take(channel, status, bytes, messages);
}

static unsigned messages_count(const pc_span *spans, unsigned count) {
  unsigned messages = 0;
  for (unsigned index = 0; index < count; index++) {
    messages += spans[index].is_message_end;
  }
  return messages;
}

static void write_start(uring_channel *channel) {
  if (channel->is_full) {
    watch_submit(channel);
    return;
  }
  if (channel->passing) {
    passing_send(channel);
    return;
  }
  pc_span spans[PC_LINUX_SEND_SPANS];
  unsigned count = pc_write_queue_gather(channel->write->queue, spans, PC_LINUX_SEND_SPANS,
                                         PC_LINUX_SEND_MESSAGES);
  if (count == 0) {
    write_end(channel, PC_OK, 0, 0);
  } else if (messages_count(spans, count) > 1) {
    messages_send(channel, spans, count);
  } else {
    send_submit(channel, spans, count);
  }
}

static void send_complete(uring_channel *channel, int result) {
  channel->is_sending = false;
  if (result >= 0) {
    write_end(channel, PC_OK, (size_t)result, channel->type == PC_TYPE_MESSAGE);
    return;
  }
  bool is_to_be_tried_again = result == -EAGAIN || result == -EINTR || result == -ECANCELED;
  if (!is_to_be_tried_again) {
    write_end(channel, pc_linux_status(-result), 0, 0);
  } else if (channel->is_write_cancelled) {
    write_end(channel, PC_E_ABORTED, 0, 0);
  } else {
    channel->is_full = result == -EAGAIN;
  }
}

void pc_uring_write(pc_channel *opaque, pc_write *write) {
  uring_channel *channel = channel_of(opaque);
  PC_CHECK(channel->write == NULL);
  pc_loop_issue(channel->state->loop, &write->operation, channel);
  channel->write = write;
  pc_uring_list(channel->state, &channel->source);
}

void pc_uring_end_output(pc_channel *opaque) {
  const uring_channel *channel = channel_of(opaque);
  PC_CHECK(channel->write == NULL && !channel->is_sending);
  shutdown(channel->fd, SHUT_WR); /* fails only of a peer that is gone */
}

void pc_uring_end_input(pc_channel *opaque) {
  shutdown(channel_of(opaque)->fd, SHUT_RD); /* likewise */
}

/* ---- both ---- */

static bool close_perform(pc_operation *operation) {
  uring_channel *channel = operation->target;
  if (channel->close->discard_input) {
    pc_linux_input_discard(channel->fd, channel->type);
  }
  close(channel->fd);
  pc_uring_channel_discard(channel);
  operation->status = PC_OK;
  return true;
}

static void close_if_idle(uring_channel *channel) {
  pc_operation *operation = &channel->close->operation;
  if (channel->source.in_flight == 0 && !channel->source.is_listed &&
      operation->state == PC_OPERATION_PENDING) {
    pc_loop_complete_by(channel->state->loop, operation, close_perform);
  }
}

void pc_uring_channel_start(uring_source *source) {
  uring_channel *channel = (uring_channel *)source;
  pc_uring_read_start(channel);
  if (channel->write && !channel->is_sending && !channel->is_watching) {
    write_start(channel);
  } else if (!channel->write && channel->is_watching && !channel->is_unwatching) {
    channel->is_unwatching = true;
    pc_uring_cancel_tagged(channel->state, source, URING_WRITABLE);
  }
  if (channel->close) {
    pc_uring_input_end_unwatch(channel);
    close_if_idle(channel);
  }
}

void pc_uring_channel_complete(uring_source *source, uring_tag tag,
                               const struct io_uring_cqe *cqe) {
  uring_channel *channel = (uring_channel *)source;
  if (tag == URING_READ) {
    pc_uring_read_complete(channel, cqe);
  } else if (tag == URING_WRITE) {
    send_complete(channel, cqe->res);
  } else if (tag == URING_INPUT_END) {
    pc_uring_input_end_complete(channel, cqe->res);
  } else {
    channel->is_watching = false;
    channel->is_unwatching = false;
    channel->is_full = false;
  }
  if (channel->close) {
    close_if_idle(channel);
  } else {
    pc_uring_list(channel->state, source);
  }
}

void pc_uring_cancel(pc_channel *opaque, pc_operation *operation) {
  uring_channel *channel = channel_of(opaque);
  pc_loop *loop = channel->state->loop;
  if (channel->read && operation == &channel->read->operation) {
    channel->read = NULL; /* what arrives waits for the next one */
    pc_loop_abort(loop, operation);
  } else if (channel->write && operation == &channel->write->operation) {
    if (channel->is_sending) {
      channel->is_write_cancelled = true; /* perhaps the bytes have gone; its completion says */
    } else {
      channel->write = NULL;
      pc_loop_abort(loop, operation);
    }
  }
  pc_uring_list(channel->state, &channel->source);
}

void pc_uring_close(pc_channel *opaque, pc_close *close_operation) {
  uring_channel *channel = channel_of(opaque);
  pc_loop_issue(channel->state->loop, &close_operation->operation, channel);
  if (channel->read) {
    pc_uring_cancel(opaque, &channel->read->operation);
  }
  if (channel->write) {
    pc_uring_cancel(opaque, &channel->write->operation);
  }
  channel->close = close_operation;
  pc_uring_arrived_clear(channel);
  pc_uring_list(channel->state, &channel->source);
}

void pc_uring_describe(pc_channel *opaque, uint32_t parts, pc_peer_details *out_details) {
  pc_linux_peer_describe(channel_of(opaque)->fd, parts, out_details);
}
