/* Connecting to a socket at a path, for every backend. The loop's thread; never blocks.
 *
 * Success: socket → what a message pipe needs → connect, which a UNIX socket does at once → who
 * listens. Failures: nothing at the path or nobody listens; no right to write to it; its backlog is
 * full (EAGAIN: PC_E_BUSY); it is of the other type; no descriptors; messages too large for a send
 * buffer. */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "endpoint.h"
#include "peer.h"
#include "system.h"

static void fail_native(pc_connect *connect, int native, pc_status status, const char *action) {
  pc_connect_fail(connect, (pc_failure){.status = status, .native = native, .action = action});
}

/* Before connecting, so that also the first message finds them. */
static bool message_socket_prepare(int fd, pc_connect *connect) {
  /* A message then carries credentials, and the end of the input does not. */
  int on = 1;
  if (setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0) {
    fail_native(connect, errno, pc_linux_status(errno), "ask for credentials");
    return false;
  }
  if (!pc_linux_send_buffer_raise(fd, connect->max_message_bytes)) {
    pc_connect_fail(connect,
                    (pc_failure){.status = PC_E_INVALID_ARG,
                                 .action = "set the send buffer",
                                 .advice = "lower max_message_bytes, or raise net.core.wmem_max"});
    return false;
  }
  return true;
}

int pc_linux_connect(pc_connect *connect_options) {
  struct sockaddr_un address;
  socklen_t address_size;
  pc_failure failure;
  if (pc_linux_address_resolve(connect_options->path, &address, &address_size, &failure) != PC_OK) {
    pc_connect_fail(connect_options, failure);
    return -1;
  }
  bool is_stream = connect_options->type == PC_TYPE_BYTE;
  int type = is_stream ? SOCK_STREAM : SOCK_SEQPACKET;
  int fd = socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    fail_native(connect_options, errno, pc_linux_status(errno), "make a socket");
    return -1;
  }
  if (!is_stream && !message_socket_prepare(fd, connect_options)) {
    close(fd);
    return -1;
  }
  if (connect(fd, (const struct sockaddr *)&address, address_size) != 0) {
    int native = errno;
    close(fd);
    fail_native(connect_options, native, native == EAGAIN ? PC_E_BUSY : pc_linux_status(native),
                "connect");
    return -1;
  }
  pc_linux_peer_read(fd, &connect_options->peer);
  connect_options->failure = (pc_failure){.status = PC_OK};
  connect_options->operation.status = PC_OK;
  return fd;
}
