/* Reading and writing a FIFO. The loop's thread.
 *
 * Success, reading: it is readable → one read, right before the routine that looks at it; no bytes
 * and no writer are the end. Writing: one write of whole messages of PIPE_BUF bytes together at
 * most, which the system takes whole or not at all, also beside other writers; a longer message is
 * written alone, and may be taken in parts. A channel that writes reads too: nothing ever comes,
 * but that the last reader has gone is its end. Failures: no reader any more (PC_E_BROKEN);
 * everything else ends the operation with its status. Closing leaves what nobody read for the next
 * one; only a channel that has read nothing, since its owner refused it, takes that away, or it
 * would begin again at once. */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "../src/check.h"
#include "fifo.h"
#include "system.h"

enum {
  READ_BYTES = 64 * 1024, /* what a pipe of ordinary size holds */
  LITTLE_BYTES = 4096,
  DISCARD_READS_MAX = 64,
  SPANS_MAX = PC_WRITE_SPANS_MIN
};

static pc_fifo_channel *channel_of(pc_channel *channel) {
  return (pc_fifo_channel *)(void *)channel;
}

static void channel_on_ready(pc_watch *watch, uint32_t events);

/* ---- life ---- */

pc_fifo_channel *pc_fifo_channel_create(pc_loop *loop, pc_watch_set *watches, pc_access access) {
  pc_fifo_channel *channel = calloc(1, sizeof *channel);
  if (!channel) {
    return NULL;
  }
  channel->loop = loop;
  channel->access = access;
  channel->watch = (pc_watch){.set = watches, .fd = -1};
  channel->bytes = access == PC_ACCESS_INBOUND ? malloc(READ_BYTES) : NULL;
  if (access == PC_ACCESS_INBOUND && !channel->bytes) {
    free(channel);
    return NULL;
  }
  return channel;
}

void pc_fifo_channel_begin(pc_fifo_channel *channel) {
  channel->watch.user = channel;
  channel->watch.on_ready = channel_on_ready;
}

static void channel_free(pc_fifo_channel *channel) {
  pc_watch_end(&channel->watch);
  if (channel->watch.fd >= 0) {
    close(channel->watch.fd);
  }
  free(channel->bytes);
  free(channel);
}

void pc_fifo_channel_discard(pc_fifo_channel *channel) {
  if (channel) {
    channel_free(channel);
  }
}

/* ---- reading ---- */

static bool read_end(pc_fifo_channel *channel, pc_status status, size_t size) {
  pc_read *read_operation = channel->read;
  channel->read = NULL;
  channel->has_read = true;
  channel->view = (pc_view){.data = channel->bytes,
                            .size_bytes = (uint32_t)size,
                            .is_message_end = true,
                            .is_eof = size == 0};
  read_operation->views = &channel->view;
  read_operation->view_count = status == PC_OK;
  read_operation->operation.status = status;
  return true;
}

/* Bytes of the writers; 0 at their end; -1 with errno. */
static ssize_t bytes_receive(pc_fifo_channel *channel) {
  size_t limit = *channel->read->is_little ? LITTLE_BYTES : READ_BYTES;
  ssize_t size;
  do {
    size = read(channel->watch.fd, channel->bytes, limit);
  } while (size < 0 && errno == EINTR);
  return size;
}

/* 0 if no reader is left, or nothing more is for them; -1 with EAGAIN. */
static ssize_t readers_look(const pc_fifo_channel *channel) {
  struct pollfd poller = {.fd = channel->watch.fd};
  if (channel->is_output_ended) {
    return 0;
  }
  if (poll(&poller, 1, 0) > 0 && (poller.revents & POLLERR)) {
    return 0;
  }
  errno = EAGAIN;
  return -1;
}

static bool read_perform(pc_operation *operation) {
  pc_fifo_channel *channel = operation->target;
  ssize_t size =
      channel->access == PC_ACCESS_INBOUND ? bytes_receive(channel) : readers_look(channel);
  if (size >= 0) {
    return read_end(channel, PC_OK, (size_t)size);
  }
  pc_status status = pc_linux_status(errno);
  if (status == PC_AGAIN) { /* somebody else read it, or a new reader came */
    status = pc_watch_want(&channel->watch, EPOLLIN);
  }
  return status != PC_OK && read_end(channel, status, 0);
}

void pc_fifo_read(pc_channel *opaque, pc_read *read_operation) {
  pc_fifo_channel *channel = channel_of(opaque);
  PC_CHECK(channel->read == NULL);
  pc_loop_issue(channel->loop, &read_operation->operation, channel);
  channel->read = read_operation;
  if (channel->is_output_ended) {
    pc_loop_complete_by(channel->loop, &read_operation->operation, read_perform);
    return;
  }
  pc_status status = pc_watch_want(&channel->watch, EPOLLIN);
  if (status != PC_OK) {
    read_end(channel, status, 0);
    pc_loop_complete(channel->loop, &read_operation->operation, status);
  }
}

/* ---- writing ---- */

static bool write_end(pc_fifo_channel *channel, pc_status status, size_t bytes) {
  pc_write *write_operation = channel->write;
  channel->write = NULL;
  write_operation->bytes = bytes;
  write_operation->messages = 0;
  write_operation->operation.status = status;
  return true;
}

/* The first `bytes` of the spans; returns how many spans that is. */
static unsigned spans_cut(pc_span *spans, unsigned count, size_t bytes) {
  for (unsigned index = 0; index < count; index++) {
    if (spans[index].size_bytes >= bytes) {
      spans[index].size_bytes = bytes;
      return bytes > 0 ? index + 1 : index;
    }
    bytes -= spans[index].size_bytes;
  }
  return count;
}

static ssize_t queue_send(const pc_fifo_channel *channel) {
  const pc_write_queue *queue = channel->write->queue;
  pc_span spans[SPANS_MAX];
  unsigned count = pc_write_queue_gather(queue, spans, SPANS_MAX, 1);
  count = spans_cut(spans, count, pc_write_queue_whole_bytes(queue, PIPE_BUF));
  ssize_t size;
  do {
    size = pc_fifo_send(channel->watch.fd, spans, count);
  } while (size < 0 && errno == EINTR);
  return size;
}

static bool write_perform(pc_operation *operation) {
  pc_fifo_channel *channel = operation->target;
  ssize_t size = queue_send(channel);
  if (size >= 0) {
    return write_end(channel, PC_OK, (size_t)size);
  }
  pc_status status = pc_linux_status(errno);
  if (status == PC_AGAIN) {
    status = pc_watch_want(&channel->watch, EPOLLOUT);
  }
  return status != PC_OK && write_end(channel, status, 0);
}

void pc_fifo_write(pc_channel *opaque, pc_write *write_operation) {
  pc_fifo_channel *channel = channel_of(opaque);
  PC_CHECK(channel->write == NULL && channel->access == PC_ACCESS_OUTBOUND);
  pc_loop_issue(channel->loop, &write_operation->operation, channel);
  channel->write = write_operation;
  pc_loop_complete_by(channel->loop, &write_operation->operation, write_perform);
}

/* Its readers see the end when it is closed, and there is nothing else to keep it open for. */
void pc_fifo_end_output(pc_channel *opaque) {
  pc_fifo_channel *channel = channel_of(opaque);
  channel->is_output_ended = channel->access == PC_ACCESS_OUTBOUND;
  if (channel->is_output_ended && channel->read &&
      channel->read->operation.state == PC_OPERATION_PENDING) {
    pc_loop_complete_by(channel->loop, &channel->read->operation, read_perform);
  }
}

/* ---- both ---- */

static void channel_on_ready(pc_watch *watch, uint32_t events) {
  pc_fifo_channel *channel = watch->user;
  if ((events & EPOLLIN) && channel->read &&
      channel->read->operation.state == PC_OPERATION_PENDING) {
    pc_loop_complete_by(channel->loop, &channel->read->operation, read_perform);
  }
  if ((events & EPOLLOUT) && channel->write &&
      channel->write->operation.state == PC_OPERATION_PENDING) {
    pc_loop_complete_by(channel->loop, &channel->write->operation, write_perform);
  }
}

void pc_fifo_cancel(pc_channel *opaque, pc_operation *operation) {
  pc_fifo_channel *channel = channel_of(opaque);
  if (channel->read && operation == &channel->read->operation) {
    channel->read = NULL;
    pc_loop_abort(channel->loop, operation);
  } else if (channel->write && operation == &channel->write->operation) {
    channel->write = NULL;
    pc_loop_abort(channel->loop, operation);
  }
}

static void input_discard(const pc_fifo_channel *channel) {
  ssize_t size = 1;
  for (int count = 0; size > 0 && count < DISCARD_READS_MAX; count++) {
    size = read(channel->watch.fd, channel->bytes, READ_BYTES);
  }
}

static bool close_perform(pc_operation *operation) {
  pc_fifo_channel *channel = operation->target;
  if (channel->access == PC_ACCESS_INBOUND && !channel->has_read) {
    input_discard(channel);
  }
  channel_free(channel);
  operation->status = PC_OK;
  return true;
}

void pc_fifo_channel_close(pc_channel *opaque, pc_close *close_operation) {
  pc_fifo_channel *channel = channel_of(opaque);
  pc_loop_issue(channel->loop, &close_operation->operation, channel);
  if (channel->read) {
    pc_fifo_cancel(opaque, &channel->read->operation);
  }
  if (channel->write) {
    pc_fifo_cancel(opaque, &channel->write->operation);
  }
  pc_watch_end(&channel->watch);
  pc_loop_complete_by(channel->loop, &close_operation->operation, close_perform);
}
