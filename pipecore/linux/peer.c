/* Who a client is. Any thread: pc_linux_peer_read once for each accept, the rest when asked.
 *
 * Success: SO_PEERCRED gives pid, uid and gid as they were at connect, SO_PEERPIDFD (Linux 6.5)
 * pins the process. What is opened of /proc/PID belongs to one process for good; if the pinned one
 * still lives once it is open, it is that one's. Before Linux 6.5 pidfd_open pins whoever has the
 * pid now: the connection must stand and the user be the same. Failures: none told. What is not
 * pinned is not looked at, and what cannot be read stays unknown. */
#include "peer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cgroup.h"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

enum {
  CGROUP_BYTES = 4096, /* a line for each controller; what is longer is cut at a line */
  NAMESPACE_BYTES = 64 /* "mnt:[4026531841]"                                          */
};

static const char deleted_suffix[] = " (deleted)";

/* ---- the process, pinned ---- */

static bool has_event(int fd, short events) {
  struct pollfd poller = {.fd = fd, .events = events};
  return poll(&poller, 1, 0) > 0;
}

/* A descriptor of the peer's process, or -1. */
static int process_pin(int fd, const struct ucred *credentials, bool *out_is_certain) {
  int pidfd = -1;
  socklen_t size = sizeof pidfd;
  *out_is_certain = true;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &size) == 0) {
    return pidfd;
  }
  if (errno != ENOPROTOOPT) { /* the process is gone, or there are no descriptors */
    return -1;
  }
  *out_is_certain = false;
  return (int)syscall(SYS_pidfd_open, credentials->pid, 0);
}

/* What pidfd_open pinned may have got the pid only later. Then the one that connected is gone, and
 * with it the connection, unless it left that to another process. */
static bool process_is_plausible(int fd, int file, const struct ucred *credentials) {
  struct stat info;
  bool is_hung_up = has_event(fd, 0);
  return !is_hung_up && fstat(file, &info) == 0 && info.st_uid == credentials->uid;
}

/* Opens /proc/PID/`name` of the process that connected; -1: not to be had, or gone. */
static int process_open(int fd, const struct ucred *credentials, const char *name, int flags) {
  bool is_certain;
  int pidfd = process_pin(fd, credentials, &is_certain);
  if (pidfd < 0) {
    return -1;
  }
  char path[64];
  (void)snprintf(path, sizeof path, "/proc/%lld/%s", (long long)credentials->pid, name);
  int file = open(path, flags | O_CLOEXEC);
  if (file >= 0 &&
      (has_event(pidfd, POLLIN) || (!is_certain && !process_is_plausible(fd, file, credentials)))) {
    close(file);
    file = -1;
  }
  close(pidfd);
  return file;
}

static bool credentials_read(int fd, struct ucred *out_credentials) {
  socklen_t size = sizeof *out_credentials;
  return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, out_credentials, &size) == 0;
}

void pc_linux_peer_read(int fd, pc_peer *out_peer) {
  *out_peer = (pc_peer){.pid = -1, .uid = -1, .gid = -1};
  struct ucred credentials;
  if (!credentials_read(fd, &credentials)) {
    return;
  }
  out_peer->uid = (int64_t)credentials.uid;
  out_peer->gid = (int64_t)credentials.gid;
  if (credentials.pid <= 0) { /* a process of another pid namespace */
    return;
  }
  out_peer->pid = credentials.pid;
  int file = process_open(fd, &credentials, "comm", O_RDONLY);
  if (file < 0) {
    return;
  }
  ssize_t size = read(file, out_peer->name, sizeof out_peer->name - 1);
  close(file);
  out_peer->name[size > 0 ? size : 0] = '\0';
  out_peer->name[strcspn(out_peer->name, "\n")] = '\0';
}

/* ---- details ---- */

static void groups_read(int fd, pc_peer_details *details) {
  _Static_assert(sizeof(gid_t) == sizeof details->groups[0], "groups are read in place");
  socklen_t size = sizeof details->groups;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, details->groups, &size) == 0) {
    details->group_count = size / sizeof details->groups[0];
    details->known |= PC_PEER_GROUPS;
  }
}

/* Whether the process sees files as this one does: a path means the same to both. By the names of
 * the namespaces, which cost half of what their inodes do. */
static bool files_are_shared(int process) {
  char theirs[NAMESPACE_BYTES] = "";
  char ours[NAMESPACE_BYTES] = "";
  return readlinkat(process, "ns/mnt", theirs, sizeof theirs - 1) > 0 &&
         readlink("/proc/self/ns/mnt", ours, sizeof ours - 1) > 0 && strcmp(theirs, ours) == 0;
}

/* The path is not followed: it may lead to a file system that the peer runs, and never come
 * back. */
static void executable_read(int process, pc_peer_details *details) {
  char *path = details->executable;
  ssize_t size = readlinkat(process, "exe", path, sizeof details->executable);
  if (size <= 0 || (size_t)size >= sizeof details->executable) {
    path[0] = '\0';
    return;
  }
  path[size] = '\0';
  size_t suffix = sizeof deleted_suffix - 1;
  bool is_deleted =
      (size_t)size > suffix && strcmp(path + (size_t)size - suffix, deleted_suffix) == 0;
  if (is_deleted) {
    path[(size_t)size - suffix] = '\0';
  }
  details->is_executable_current = !is_deleted && files_are_shared(process);
  details->known |= PC_PEER_EXECUTABLE;
}

/* Bytes of the process's file `name`, at most `capacity`; -1: not to be had. */
static ssize_t file_read(int process, const char *name, char *out_bytes, size_t capacity) {
  int file = openat(process, name, O_RDONLY | O_CLOEXEC);
  if (file < 0) {
    return -1;
  }
  ssize_t size = read(file, out_bytes, capacity);
  close(file);
  return size;
}

static void command_line_read(int process, pc_peer_details *details) {
  char *line = details->command_line;
  ssize_t size = file_read(process, "cmdline", line, sizeof details->command_line);
  if (size < 0) {
    return;
  }
  details->is_command_line_cut = (size_t)size == sizeof details->command_line;
  size -= details->is_command_line_cut;
  while (size > 0 && line[size - 1] == '\0') { /* a process that renames itself pads with these */
    size--;
  }
  memset(line + size, 0, sizeof details->command_line - (size_t)size);
  details->command_line_bytes = (uint32_t)size;
  details->known |= PC_PEER_COMMAND_LINE;
}

static void unit_read(int process, pc_peer_details *details) {
  char text[CGROUP_BYTES];
  ssize_t size = file_read(process, "cgroup", text, sizeof text);
  if (size >= 0) {
    pc_linux_cgroup_parse(text, (size_t)size, details);
    details->known |= PC_PEER_UNIT;
  }
}

void pc_linux_peer_describe(int fd, uint32_t parts, pc_peer_details *out_details) {
  memset(out_details, 0, sizeof *out_details);
  struct ucred credentials;
  if (parts & PC_PEER_GROUPS) {
    groups_read(fd, out_details);
  }
  if (!(parts & ~(uint32_t)PC_PEER_GROUPS) || !credentials_read(fd, &credentials) ||
      credentials.pid <= 0) {
    return;
  }
  int process = process_open(fd, &credentials, "", O_PATH | O_DIRECTORY);
  if (process < 0) {
    return;
  }
  if (parts & PC_PEER_EXECUTABLE) {
    executable_read(process, out_details);
  }
  if (parts & PC_PEER_COMMAND_LINE) {
    command_line_read(process, out_details);
  }
  if (parts & PC_PEER_UNIT) {
    unit_read(process, out_details);
  }
  close(process);
}
