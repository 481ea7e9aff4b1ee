/* Connecting by epoll. The loop's thread.
 *
 * Success: the memory of a channel → a connected socket, when the operation's turn comes.
 * Failures: as in connect.c; no memory. */
#include "../src/check.h"
#include "epoll.h"

static bool connect_perform(pc_operation *operation) {
  pc_backend_state *state = operation->target;
  pc_connect *connect = PC_CONTAINER_OF(operation, pc_connect, operation);
  pc_channel *channel = pc_epoll_channel_create(state, connect->type, connect->max_message_bytes,
                                                connect->is_passing);
  if (!channel || !pc_epoll_scratch_reserve(state, connect->type, connect->max_message_bytes,
                                            connect->is_passing)) {
    pc_epoll_channel_discard(channel);
    pc_connect_fail(connect, (pc_failure){.status = PC_E_NO_MEMORY});
    return true;
  }
  int fd = pc_linux_connect(connect);
  if (fd < 0) {
    pc_epoll_channel_discard(channel);
    return true;
  }
  pc_epoll_channel_open(channel, fd);
  connect->channel = channel;
  return true;
}

void pc_epoll_connect(pc_backend_state *state, pc_connect *connect) {
  pc_loop_issue(state->loop, &connect->operation, state);
  pc_loop_complete_by(state->loop, &connect->operation, connect_perform);
}
