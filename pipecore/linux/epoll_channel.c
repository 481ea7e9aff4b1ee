/* Reading and writing one connection by epoll. The loop's thread.
 *
 * Success, reading: the socket is readable → one recv (stream) or recvmmsg (message type) into the loop's
 * buffer, right before the routine that looks at it. Writing: the queue is sent at the end of the turn
 * by one sendmsg or sendmmsg; EPOLLOUT is asked for only if the kernel took nothing.
 * Failures: a reset while reading is looked over, since a SEQPACKET client's close over unread input puts it
 * before the data that is still there: reading goes on to the end. Writing to a peer that is gone ends
 * with PC_E_BROKEN. Everything else ends the operation with its status. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "../src/check.h"
#include "epoll.h"
#include "system.h"

enum {
  LITTLE_BYTES = 4096,
  RESETS_MAX = 4 /* the kernel tells one; more is an error */
};

struct epoll_channel {
  epoll_source source;
  pc_backend_state *state;
  pc_type type;
  uint32_t max_message_bytes;
  pc_read *read;   /* pending or ready to be performed */
  pc_write *write; /* pending                          */
  epoll_channel *submit_previous;
  epoll_channel *submit_next;
  bool is_in_submit;
};

static epoll_channel *channel_of(pc_channel *channel) {
  return (epoll_channel *)(void *)channel;
}

pc_channel *pc_epoll_channel_create(pc_backend_state *state, pc_type type,
                                    uint32_t max_message_bytes) {
  epoll_channel *channel = calloc(1, sizeof *channel);
  if (channel) {
    channel->source = (epoll_source){.kind = EPOLL_CHANNEL, .fd = -1};
    channel->state = state;
    channel->type = type;
    channel->max_message_bytes = max_message_bytes;
  }
  return (pc_channel *)(void *)channel;
}

void pc_epoll_channel_open(pc_channel *opaque, int fd) {
  epoll_channel *channel = channel_of(opaque);
  channel->source.fd = fd;
  if (channel->type == PC_TYPE_MESSAGE) {
    /* The listener was asked already whether the system allows it; a socket that has it not after all
     * answers EMSGSIZE to the messages concerned. */
    (void)!pc_linux_send_buffer_raise(fd, channel->max_message_bytes);
  }
}

void pc_epoll_channel_discard(pc_channel *channel) {
  free(channel);
}

/* ---- reading ---- */

static void read_end(epoll_channel *channel, pc_status status, uint32_t view_count) {
  pc_read *read = channel->read;
  channel->read = NULL;
  read->views = channel->state->views;
  read->view_count = view_count;
  read->operation.status = status;
}

/* Bytes of a stream. -1 with errno, or the number of views. */
static int stream_receive(epoll_channel *channel) {
  pc_backend_state *state = channel->state;
  size_t limit = *channel->read->is_little ? LITTLE_BYTES : EPOLL_SCRATCH_BYTES;
  ssize_t size = recv(channel->source.fd, state->scratch, limit, 0);
  if (size >= 0) {
    state->views[0] = (pc_view){.data = state->scratch,
                                .size_bytes = (uint32_t)size,
                                .is_message_end = true,
                                .is_eof = size == 0};
  }
  return size >= 0 ? 1 : -1;
}

static unsigned messages_prepare(epoll_channel *channel) {
  pc_backend_state *state = channel->state;
  size_t stride = ((size_t)channel->max_message_bytes + 63) & ~(size_t)63;
  size_t batch = *channel->read->is_little ? 1 : state->scratch_bytes / stride;
  batch = batch == 0 ? 1 : batch < EPOLL_READ_BATCH ? batch : EPOLL_READ_BATCH;
  for (size_t index = 0; index < batch; index++) {
    epoll_read_slot *slot = &state->read_slots[index];
    slot->part = (struct iovec){.iov_base = state->scratch + index * stride,
                                .iov_len = channel->max_message_bytes};
    state->read_headers[index].msg_hdr = (struct msghdr){.msg_iov = &slot->part,
                                                         .msg_iovlen = 1,
                                                         .msg_control = slot->control,
                                                         .msg_controllen = sizeof slot->control};
  }
  return (unsigned)batch;
}

/* A batch of messages. -1 with errno, or the number of views. */
static int messages_receive(epoll_channel *channel) {
  pc_backend_state *state = channel->state;
  unsigned batch = messages_prepare(channel);
  /* MSG_TRUNC: msg_len is the message's length, also of one that does not fit. */
  int count = recvmmsg(channel->source.fd, state->read_headers, batch, MSG_TRUNC, NULL);
  for (int index = 0; index < count; index++) {
    const struct mmsghdr *header = &state->read_headers[index];
    /* A message of no bytes carries credentials (SO_PASSCRED), the end of the input does not. */
    bool is_eof = header->msg_len == 0 && header->msg_hdr.msg_controllen == 0;
    bool is_whole = header->msg_len <= channel->max_message_bytes;
    state->views[index] =
        (pc_view){.data = state->read_slots[index].part.iov_base,
                  .size_bytes = is_whole ? header->msg_len : channel->max_message_bytes,
                  .message_bytes = header->msg_len,
                  .is_message_end = is_whole,
                  .is_eof = is_eof};
    if (is_eof) {
      return index + 1;
    }
  }
  return count;
}

static bool read_perform(pc_operation *operation) {
  epoll_channel *channel = operation->target;
  for (int resets = 0; resets <= RESETS_MAX;) {
    int count = channel->type == PC_TYPE_BYTE ? stream_receive(channel) : messages_receive(channel);
    if (count > 0) {
      read_end(channel, PC_OK, (uint32_t)count);
      return true;
    }
    if (errno == EAGAIN) {
      return false;
    }
    if (errno == ECONNRESET) {
      resets++;
    } else if (errno != EINTR) {
      read_end(channel, pc_linux_status(errno), 0);
      return true;
    }
  }
  read_end(channel, PC_E_BROKEN, 0);
  return true;
}

void pc_epoll_read(pc_channel *opaque, pc_read *read) {
  epoll_channel *channel = channel_of(opaque);
  pc_loop *loop = channel->state->loop;
  PC_CHECK(channel->read == NULL);
  pc_loop_issue(loop, &read->operation, channel);
  channel->read = read;
  pc_status status = pc_epoll_want(channel->state, &channel->source, EPOLLIN);
  if (status != PC_OK) {
    channel->read = NULL;
    pc_loop_complete(loop, &read->operation, status);
  }
}

/* ---- writing ---- */

static void submit_add(epoll_channel *channel) {
  pc_backend_state *state = channel->state;
  if (channel->is_in_submit) {
    return;
  }
  channel->is_in_submit = true;
  channel->submit_next = NULL;
  channel->submit_previous = state->submit_last;
  *(state->submit_last ? &state->submit_last->submit_next : &state->submit_first) = channel;
  state->submit_last = channel;
}

static void submit_remove(epoll_channel *channel) {
  pc_backend_state *state = channel->state;
  if (!channel->is_in_submit) {
    return;
  }
  channel->is_in_submit = false;
  epoll_channel *previous = channel->submit_previous;
  epoll_channel *next = channel->submit_next;
  *(previous ? &previous->submit_next : &state->submit_first) = next;
  *(next ? &next->submit_previous : &state->submit_last) = previous;
}

static void write_end(epoll_channel *channel, pc_status status, size_t bytes, uint32_t messages) {
  pc_write *write = channel->write;
  channel->write = NULL;
  write->bytes = bytes;
  write->messages = messages;
  pc_loop_complete(channel->state->loop, &write->operation, status);
}

static void write_try(epoll_channel *channel) {
  PC_CHECK(channel->write);
  pc_span spans[PC_LINUX_SEND_SPANS];
  pc_linux_batch *batch = &channel->state->batch;
  int fd = channel->source.fd;
  unsigned count = pc_write_queue_gather(channel->write->queue, spans, PC_LINUX_SEND_SPANS,
                                         PC_LINUX_SEND_MESSAGES);
  ssize_t taken;
  size_t bytes = 0;
  do {
    taken = channel->type == PC_TYPE_BYTE ? pc_linux_stream_send(fd, batch, spans, count)
                                          : pc_linux_messages_send(fd, batch, spans, count, &bytes);
  } while (taken < 0 && errno == EINTR);
  if (taken >= 0) {
    bool is_stream = channel->type == PC_TYPE_BYTE;
    write_end(channel, PC_OK, is_stream ? (size_t)taken : bytes, is_stream ? 0 : (uint32_t)taken);
    return;
  }
  pc_status status = pc_linux_status(errno);
  if (status == PC_AGAIN) {
    status = pc_epoll_want(channel->state, &channel->source, EPOLLOUT);
    if (status == PC_OK) {
      return;
    }
  }
  write_end(channel, status, 0, 0);
}

void pc_epoll_submit(pc_backend_state *state, bool waits_next) {
  (void)waits_next; /* each write is a call of its own */
  while (state->submit_first) {
    epoll_channel *channel = state->submit_first;
    submit_remove(channel);
    write_try(channel);
  }
}

void pc_epoll_write(pc_channel *opaque, pc_write *write) {
  epoll_channel *channel = channel_of(opaque);
  PC_CHECK(channel->write == NULL);
  pc_loop_issue(channel->state->loop, &write->operation, channel);
  channel->write = write;
  submit_add(channel);
}

/* ---- both ---- */

void pc_epoll_channel_event(pc_backend_state *state, epoll_source *source, uint32_t events) {
  epoll_channel *channel = PC_CONTAINER_OF(source, epoll_channel, source);
  bool is_hung_up = (events & (EPOLLHUP | EPOLLERR)) != 0;
  if (!channel->read && !channel->write && is_hung_up) {
    pc_epoll_forget(state, source);
    return;
  }
  if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
    if (!channel->read) {
      pc_epoll_drop(state, source, EPOLLIN);
    } else if (channel->read->operation.state == PC_OPERATION_PENDING) {
      pc_loop_complete_by(state->loop, &channel->read->operation, read_perform);
    }
  }
  if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) {
    if (channel->write) {
      submit_add(channel);
    } else {
      pc_epoll_drop(state, source, EPOLLOUT);
    }
  }
}

void pc_epoll_cancel(pc_channel *opaque, pc_operation *operation) {
  epoll_channel *channel = channel_of(opaque);
  pc_loop *loop = channel->state->loop;
  if (channel->read && operation == &channel->read->operation) {
    channel->read = NULL;
    pc_loop_abort(loop, operation);
  } else if (channel->write && operation == &channel->write->operation) {
    submit_remove(channel);
    channel->write = NULL;
    pc_loop_abort(loop, operation);
  }
}

static bool close_perform(pc_operation *operation) {
  epoll_channel *channel = operation->target;
  pc_close *close_operation = PC_CONTAINER_OF(operation, pc_close, operation);
  if (close_operation->discard_input) {
    pc_linux_input_discard(channel->source.fd, channel->type);
  }
  close(channel->source.fd);
  free(channel);
  operation->status = PC_OK;
  return true;
}

void pc_epoll_close(pc_channel *opaque, pc_close *close_operation) {
  epoll_channel *channel = channel_of(opaque);
  pc_loop *loop = channel->state->loop;
  pc_loop_issue(loop, &close_operation->operation, channel);
  if (channel->read) {
    pc_epoll_cancel(opaque, &channel->read->operation);
  }
  if (channel->write) {
    pc_epoll_cancel(opaque, &channel->write->operation);
  }
  pc_epoll_forget(channel->state, &channel->source);
  pc_loop_complete_by(loop, &close_operation->operation, close_perform);
}
