/* Connecting by io_uring. The loop's thread. A UNIX socket connects at once, so nothing is gained
 * by asking the ring: the call is made when the operation's turn comes.
 *
 * Success: the memory of a channel, buffers for its messages → a connected socket.
 * Failures: as in connect.c; no memory. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "../src/check.h"
#include "system.h"
#include "uring.h"

static uring_channel *channel_create(pc_backend_state *state, pc_connect *connect) {
  uring_group *group = NULL;
  pc_linux_passing *passing = NULL;
  if (connect->is_passing) {
    if (!pc_linux_passing_ensure(&state->passing)) {
      pc_connect_fail(connect, (pc_failure){.status = PC_E_NO_MEMORY});
      return NULL;
    }
    passing = state->passing;
  } else if (connect->type == PC_TYPE_MESSAGE) {
    group = pc_uring_message_group_use(state, connect->max_message_bytes, &connect->failure);
    if (!group) {
      connect->operation.status = connect->failure.status;
      return NULL;
    }
  }
  uring_channel *channel =
      pc_uring_channel_create(state, connect->type, connect->max_message_bytes, group, passing);
  if (group) {
    pc_uring_group_release(state, group); /* the channel uses it now */
  }
  if (!channel) {
    pc_connect_fail(connect, (pc_failure){.status = PC_E_NO_MEMORY});
  }
  return channel;
}

static bool connect_perform(pc_operation *operation) {
  pc_backend_state *state = operation->target;
  pc_connect *connect = PC_CONTAINER_OF(operation, pc_connect, operation);
  uring_channel *channel = channel_create(state, connect);
  if (!channel) {
    return true;
  }
  int fd = pc_linux_connect(connect);
  if (fd < 0) {
    pc_uring_channel_discard(channel);
    return true;
  }
  /* io_uring waits only for blocking descriptors. */
  PC_CHECK(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK) == 0);
  pc_uring_channel_open(channel, fd);
  connect->channel = (pc_channel *)(void *)channel;
  return true;
}

void pc_uring_connect(pc_backend_state *state, pc_connect *connect) {
  pc_loop_issue(state->loop, &connect->operation, state);
  pc_loop_complete_by(state->loop, &connect->operation, connect_perform);
}
