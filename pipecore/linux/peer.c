/* Who a client is. The loop's thread, once for each accept.
 *
 * Success: SO_PEERCRED gives pid, uid and gid as they were at connect; SO_PEERPIDFD (Linux 6.5) pins the
 * process, /proc/PID/comm gives its name, and the pin tells afterwards whether the name was still that
 * process's: a pid is used again once its process is gone and reaped.
 * Failures: none told. Without the pin the name is taken as it is; what cannot be read stays unknown. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "system.h"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

/* A descriptor of the peer's process, or -1 where the kernel has none to give. */
static int peer_pin(int fd, bool *out_is_gone) {
  int pidfd = -1;
  socklen_t size = sizeof pidfd;
  *out_is_gone = false;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &size) != 0) {
    *out_is_gone = errno == ESRCH || errno == EINVAL || errno == ENODATA;
    return -1;
  }
  return pidfd;
}

static bool process_is_gone(int pidfd) {
  struct pollfd poller = {.fd = pidfd, .events = POLLIN};
  return poll(&poller, 1, 0) > 0;
}

static void name_read(int64_t pid, char *name, size_t capacity) {
  char path[64];
  (void)snprintf(path, sizeof path, "/proc/%lld/comm", (long long)pid);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    return;
  }
  ssize_t size = read(fd, name, capacity - 1);
  close(fd);
  name[size > 0 ? size : 0] = '\0';
  name[strcspn(name, "\n")] = '\0';
}

void pc_linux_peer_read(int fd, pc_peer *out_peer) {
  *out_peer = (pc_peer){.pid = -1, .uid = -1, .gid = -1};
  struct ucred credentials;
  socklen_t size = sizeof credentials;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) {
    return;
  }
  out_peer->uid = (int64_t)credentials.uid;
  out_peer->gid = (int64_t)credentials.gid;
  if (credentials.pid <= 0) { /* a process of another pid namespace */
    return;
  }
  out_peer->pid = credentials.pid;
  bool is_gone;
  int pidfd = peer_pin(fd, &is_gone);
  if (is_gone) {
    return;
  }
  name_read(out_peer->pid, out_peer->name, sizeof out_peer->name);
  if (pidfd >= 0) {
    if (process_is_gone(pidfd)) {
      out_peer->name[0] = '\0';
    }
    close(pidfd);
  }
}
