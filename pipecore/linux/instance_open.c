/* A client's end: CreateFile, which waits as WaitNamedPipe does. Blocks.
 *
 * Success: connect, which waits itself in the kernel while the pipe's backlog is full, as long as
 * SO_SNDTIMEO says: waiting and opening are one, nobody can come between. Failures: nothing at the
 * path, or nobody listens (PC_E_NOT_FOUND at once); full (PC_E_BUSY, PC_E_TIMEOUT); a socket of the
 * other type (PC_E_BAD_MODE); no permission. */
#include <errno.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "instance_private.h"
#include "pipecore/instance.h"
#include "system.h"

int pc_instance_open_timeout(const char *path, int timeout_ms) {
  uint32_t default_ms = PC_DEFAULT_TIMEOUT_MS;
  if (timeout_ms == PC_TIMEOUT_DEFAULT) {
    (void)!pc_pipe_default_timeout(path, &default_ms);
    return default_ms < INT32_MAX ? (int)default_ms : INT32_MAX;
  }
  return timeout_ms == PC_TIMEOUT_NOT_AT_ALL ? 0 : timeout_ms;
}

static pc_status connect_status(int native, int timeout_ms) {
  switch (native) {
  case EAGAIN:
    return timeout_ms == 0 ? PC_E_BUSY : PC_E_TIMEOUT;
  case ECONNREFUSED: /* a socket that nobody listens at */
    return PC_E_NOT_FOUND;
  case EPROTOTYPE:
    return PC_E_BAD_MODE;
  default:
    return pc_linux_status(native);
  }
}

/* Connects within the time; a signal does not end it. */
static pc_status socket_connect(int fd, const struct sockaddr_un *address, socklen_t address_size,
                                int timeout_ms) {
  uint64_t deadline_ns = pc_port_deadline_ns(timeout_ms);
  for (;;) {
    if (timeout_ms > 0) {
      uint64_t now_ns = pc_linux_now_ns();
      uint64_t left_us = deadline_ns > now_ns ? (deadline_ns - now_ns) / 1000 : 0;
      left_us = left_us > 0 ? left_us : 1; /* 0 would mean for ever */
      struct timeval left = {.tv_sec = (time_t)(left_us / 1000000),
                             .tv_usec = (suseconds_t)(left_us % 1000000)};
      if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &left, sizeof left) != 0) {
        return pc_linux_status(errno);
      }
    }
    if (connect(fd, (const struct sockaddr *)address, address_size) == 0) {
      return PC_OK;
    }
    if (errno != EINTR) {
      return connect_status(errno, timeout_ms);
    }
  }
}

pc_status pc_instance_open_socket(const char *path, pc_type type, int timeout_ms, int *out_fd) {
  struct sockaddr_un address;
  socklen_t address_size;
  pc_failure ignored;
  pc_status status = pc_linux_address_resolve(path, &address, &address_size, &ignored);
  if (status != PC_OK) {
    return status;
  }
  int wait_ms = pc_instance_open_timeout(path, timeout_ms);
  int flags = SOCK_CLOEXEC | (wait_ms == 0 ? SOCK_NONBLOCK : 0);
  int fd = socket(AF_UNIX, (type == PC_TYPE_BYTE ? SOCK_STREAM : SOCK_SEQPACKET) | flags, 0);
  if (fd < 0) {
    return pc_linux_status(errno);
  }
  status = socket_connect(fd, &address, address_size, wait_ms);
  int on = 1; /* only now: an unconnected socket that asks for credentials is given a name */
  if (status == PC_OK && type == PC_TYPE_MESSAGE &&
      setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0) {
    status = pc_linux_status(errno);
  }
  if (status != PC_OK) {
    close(fd);
    return status;
  }
  *out_fd = fd;
  return PC_OK;
}

pc_status pc_instance_open_check(const char *path) {
  if (pc_thread_is_in_routine()) {
    return PC_E_WOULD_DEADLOCK;
  }
  if (!path) {
    return PC_E_INVALID_ARG;
  }
  return path[0] != '\0' ? PC_OK : PC_E_NAME;
}

pc_status pc_instance_open(const char *path, pc_type type, int timeout_ms,
                           pc_instance **out_instance) {
  pc_failure ignored;
  int fd = -1;
  pc_status status = pc_instance_open_check(path);
  if (status == PC_OK) {
    status = pc_port_open(&ignored);
  }
  if (status != PC_OK) {
    return status;
  }
  pc_instance *instance = pc_instance_make();
  status = instance ? pc_instance_open_socket(path, type, timeout_ms, &fd) : PC_E_NO_MEMORY;
  if (status != PC_OK) {
    if (instance) {
      pc_instance_unreference(instance);
    }
    pc_port_close();
    return status;
  }
  instance->type = type;
  instance->read_mode = type;
  instance->max_message_bytes = UINT32_MAX; /* what fits the send buffer: the system says */
  instance->fd = fd;
  instance->state = PC_INSTANCE_CONNECTED;
  *out_instance = instance;
  return PC_OK;
}
