/* Reading by io_uring for channels that pass on what they read. The loop's thread.
 *
 * Success: the kernel watches until something is there; then passing.c reads it, when the read's
 * turn comes, since what it must find out about descriptors before it reads has no submission. An
 * abandoned watch takes nothing, so only a close cancels it. Failures: those of passing.c end the
 * read. */
#include <poll.h>

#include "uring.h"

void pc_uring_passing_read_start(uring_channel *channel) {
  if (channel->read && !channel->is_reading &&
      channel->read->operation.state == PC_OPERATION_PENDING) {
    struct io_uring_sqe *sqe = pc_uring_submission(channel->state, &channel->source);
    io_uring_prep_poll_add(sqe, channel->fd, POLLIN);
    pc_uring_tag(sqe, &channel->source, URING_READ);
    channel->is_reading = true;
  } else if (channel->close && channel->is_reading && !channel->is_stopping) {
    channel->is_stopping = true;
    pc_uring_cancel_tagged(channel->state, &channel->source, URING_READ);
  }
}

static bool read_perform(pc_operation *operation) {
  uring_channel *channel = operation->target;
  pc_read *read = channel->read;
  bool is_little = atomic_load_explicit(read->is_little, memory_order_relaxed);
  operation->status = pc_linux_passing_receive(channel->passing, channel->fd, channel->type,
                                               is_little, &read->views, &read->view_count);
  if (operation->status == PC_AGAIN) {
    pc_uring_list(channel->state, &channel->source);
    return false;
  }
  channel->read = NULL;
  return true;
}

void pc_uring_passing_read_complete(uring_channel *channel) {
  channel->is_reading = false;
  channel->is_stopping = false;
  if (channel->read && channel->read->operation.state == PC_OPERATION_PENDING) {
    pc_loop_complete_by(channel->state->loop, &channel->read->operation, read_perform);
  }
}
