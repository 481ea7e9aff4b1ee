/* Reading and writing one connection by epoll. The loop's thread.
 *
 * Success, reading: the socket is readable → one recv (stream) or recvmmsg (message type) into the
 * loop's buffer, right before the routine that looks at it. Writing: the queue is sent at the end
 * of the turn by one sendmsg or sendmmsg; EPOLLOUT is asked for only if the kernel took nothing.
 * Failures: those of transfer.c, and no memory to register, end the operation with their status. */
#include <stdlib.h>
#include <unistd.h>

#include "../src/check.h"
#include "epoll.h"
#include "peer.h"

struct epoll_channel {
  epoll_source source;
  pc_backend_state *state;
  pc_type type;
  uint32_t max_message_bytes;
  bool is_passing;
  bool is_in_submit;
  pc_read *read;   /* pending or ready to be performed */
  pc_write *write; /* pending                          */
  epoll_channel *submit_previous;
  epoll_channel *submit_next;
};

static epoll_channel *channel_of(pc_channel *channel) {
  return (epoll_channel *)(void *)channel;
}

pc_channel *pc_epoll_channel_create(pc_backend_state *state, pc_type type,
                                    uint32_t max_message_bytes, bool is_passing) {
  epoll_channel *channel = calloc(1, sizeof *channel);
  if (channel) {
    channel->source = (epoll_source){.kind = EPOLL_CHANNEL, .fd = -1};
    channel->state = state;
    channel->type = type;
    channel->max_message_bytes = max_message_bytes;
    channel->is_passing = is_passing;
  }
  return (pc_channel *)(void *)channel;
}

void pc_epoll_channel_open(pc_channel *opaque, int fd) {
  epoll_channel *channel = channel_of(opaque);
  channel->source.fd = fd;
  if (channel->type == PC_TYPE_MESSAGE) {
    /* The listener was asked already whether the system allows it; a socket that has it not after
     * all answers EMSGSIZE to the messages concerned. */
    (void)!pc_linux_send_buffer_raise(fd, channel->max_message_bytes);
  }
}

void pc_epoll_channel_discard(pc_channel *channel) {
  free(channel);
}

/* ---- reading ---- */

static bool read_perform(pc_operation *operation) {
  epoll_channel *channel = operation->target;
  pc_backend_state *state = channel->state;
  pc_read *read = channel->read;
  bool is_little = atomic_load_explicit(read->is_little, memory_order_relaxed);
  read->views = state->views;
  read->view_count = 0;
  operation->status =
      channel->is_passing
          ? pc_linux_passing_receive(state->passing, channel->source.fd, channel->type, is_little,
                                     &read->views, &read->view_count)
          : pc_linux_receive(&state->scratch, channel->source.fd, channel->type,
                             channel->max_message_bytes, is_little, state->views,
                             &read->view_count);
  if (operation->status == PC_AGAIN) {
    return false;
  }
  channel->read = NULL;
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

static pc_status queue_send(epoll_channel *channel, size_t *out_bytes, uint32_t *out_messages) {
  int fd = channel->source.fd;
  pc_linux_batch *batch = &channel->state->batch;
  const pc_write_queue *queue = channel->write->queue;
  if (channel->is_passing) {
    return pc_linux_passing_send(fd, channel->type, batch, queue, out_bytes, out_messages);
  }
  pc_span spans[PC_LINUX_SEND_SPANS];
  unsigned count = pc_write_queue_gather(queue, spans, PC_LINUX_SEND_SPANS, PC_LINUX_SEND_MESSAGES);
  return pc_linux_send(fd, channel->type, batch, spans, count, out_bytes, out_messages);
}

static void write_try(epoll_channel *channel) {
  PC_CHECK(channel->write);
  size_t bytes = 0;
  uint32_t messages = 0;
  pc_status status = queue_send(channel, &bytes, &messages);
  if (status == PC_AGAIN) {
    status = pc_epoll_want(channel->state, &channel->source, EPOLLOUT);
    if (status == PC_OK) {
      return;
    }
  }
  write_end(channel, status, bytes, messages);
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

void pc_epoll_end_output(pc_channel *opaque) {
  const epoll_channel *channel = channel_of(opaque);
  PC_CHECK(channel->write == NULL);
  shutdown(channel->source.fd, SHUT_WR); /* fails only of a peer that is gone */
}

void pc_epoll_end_input(pc_channel *opaque) {
  shutdown(channel_of(opaque)->source.fd, SHUT_RD); /* likewise */
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

void pc_epoll_describe(pc_channel *opaque, uint32_t parts, pc_peer_details *out_details) {
  pc_linux_peer_describe(channel_of(opaque)->source.fd, parts, out_details);
}
