/* errno, readiness, the clock, and the eventfd that wakes a loop. Any thread. */
#include "system.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

pc_status pc_linux_status(int native) {
  switch (native) {
  case 0:
    return PC_OK;
  case EAGAIN:
    return PC_AGAIN;
  case EINVAL:
    return PC_E_INVALID_ARG;
  case ENAMETOOLONG:
    return PC_E_NAME;
  case ENOENT:
  case ENOTDIR:
  case ECONNREFUSED: /* a socket that nobody listens at any more */
    return PC_E_NOT_FOUND;
  case EADDRINUSE:
    return PC_E_IN_USE;
  case EACCES:
  case EPERM:
  case EROFS:
  case ELOOP:
    return PC_E_ACCESS;
  case EPIPE:
  case ECONNRESET:
    return PC_E_BROKEN;
  case ENOTCONN:
    return PC_E_NOT_CONNECTED;
  case ECANCELED:
    return PC_E_ABORTED;
  case EMSGSIZE:
    return PC_E_TOO_BIG;
  case EPROTOTYPE:
    return PC_E_BAD_MODE;
  case EOPNOTSUPP:
    return PC_E_NOT_SUPPORTED;
  case ENOMEM:
  case ENOBUFS:
    return PC_E_NO_MEMORY;
  case EMFILE:
  case ENFILE:
    return PC_E_NO_DESCRIPTORS;
  default:
    return PC_E_SYSTEM;
  }
}

bool pc_linux_is_readable(int fd) {
  struct pollfd poller = {.fd = fd, .events = POLLIN};
  return poll(&poller, 1, 0) > 0 && (poller.revents & POLLIN);
}

void pc_native_text(int native, char *out_text, size_t size) {
  char memory[128];
  (void)snprintf(out_text, size, "%s", strerror_r(native, memory, sizeof memory));
}

uint64_t pc_linux_now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

int pc_linux_wakeup_create(void) {
  return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

void pc_linux_wakeup_signal(int fd) {
  int kept = errno; /* the caller may be a signal handler */
  uint64_t one = 1;
  /* EAGAIN means that the counter is full, so it is readable: as good. */
  ssize_t ignored = write(fd, &one, sizeof one);
  (void)ignored;
  errno = kept;
}

void pc_linux_wakeup_drain(int fd) {
  uint64_t count;
  ssize_t ignored = read(fd, &count, sizeof count);
  (void)ignored;
}
