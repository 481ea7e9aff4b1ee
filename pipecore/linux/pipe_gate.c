/* The gate of a pipe whose clients are turned away when no instance listens (PC_WHEN_FULL_BUSY).
 * Under the pipe's lock.
 *
 * A backlog of b admits b + 1 clients that were not accepted yet (measured), so with n instances
 * listening it is n - 1, set anew whenever n changes. With none there is no such backlog: it is 0,
 * and a connection of our own, the plug, takes the only place until it is accepted. A client may
 * slip in before the plug; it takes that place itself then, and waits. Failures: no descriptor for
 * the plug: one client waits instead of being turned away. */
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pipe.h"

/* Makes the plug, with an abstract name of the kernel's choice to know it by. */
static int plug_make(const pc_pipe *pipe) {
  int type = pipe->type == PC_TYPE_BYTE ? SOCK_STREAM : SOCK_SEQPACKET;
  int fd = socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    return -1;
  }
  struct sockaddr_un name = {.sun_family = AF_UNIX};
  if (bind(fd, (const struct sockaddr *)&name, sizeof name.sun_family) != 0 ||
      connect(fd, (const struct sockaddr *)&pipe->endpoint.address, pipe->endpoint.address_size) !=
          0) {
    close(fd);
    return -1;
  }
  return fd;
}

void pc_pipe_gate_set(pc_pipe *pipe) {
  if (pipe->when_full != PC_WHEN_FULL_BUSY || pipe->is_closed) {
    return;
  }
  int64_t backlog = pipe->listening_count > 0 ? (int64_t)pipe->listening_count - 1 : 0;
  if (backlog != pipe->backlog) {
    PC_CHECK(listen(pipe->endpoint.fd, (int)backlog) == 0);
    pipe->backlog = backlog;
  }
  if (pipe->listening_count == 0 && pipe->plug_fd < 0) {
    pipe->plug_fd = plug_make(pipe);
  }
}

bool pc_pipe_gate_unplug(pc_pipe *pipe, int fd) {
  if (pipe->plug_fd < 0) {
    return false;
  }
  struct sockaddr_un plug;
  struct sockaddr_un client;
  socklen_t plug_size = sizeof plug;
  socklen_t client_size = sizeof client;
  if (getsockname(pipe->plug_fd, (struct sockaddr *)&plug, &plug_size) != 0 ||
      getpeername(fd, (struct sockaddr *)&client, &client_size) != 0 || plug_size != client_size ||
      memcmp(&plug, &client, plug_size) != 0) {
    return false;
  }
  close(fd);
  close(pipe->plug_fd);
  pipe->plug_fd = -1;
  return true;
}

void pc_pipe_gate_fini(pc_pipe *pipe) {
  if (pipe->plug_fd >= 0) {
    close(pipe->plug_fd);
    pipe->plug_fd = -1;
  }
}
