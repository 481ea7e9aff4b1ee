/* Makes and removes the socket of an endpoint. The loop's thread; blocks for local file operations,
 * and up to 1 s where a killed server's socket is not gone yet.
 *
 * Success: PATH.lock is locked (the first-instance guard between servers that know it) → what
 * stands at the path is looked at → socket, narrow mode, bind → owner and mode as asked for →
 * listen. Nobody can connect before listen, and the mode is never wider than asked for, so there is
 * no race and the umask of the process stays as it is. An abstract name is bound and listened at,
 * that is all. Failures: path too long; lock held, or a live socket or another kind of file at the
 * path (PC_E_IN_USE, never touched); mode or owner refused; messages too large for the system's
 * send buffers. */
#include "endpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "endpoint_file.h"
#include "system.h"

enum {
  /* What a message costs of the send buffer beside its bytes (measured: 32). */
  MESSAGE_OVERHEAD_BYTES = 256,
  PROBE_TRIES = 200,
  PROBE_PAUSE_MS = 5
};

static int socket_type(pc_type type) {
  return (type == PC_TYPE_BYTE ? SOCK_STREAM : SOCK_SEQPACKET) | SOCK_NONBLOCK | SOCK_CLOEXEC;
}

pc_status pc_linux_address_fill(const char *path, struct sockaddr_un *out_address,
                                pc_failure *out_failure) {
  pc_status status = pc_linux_path_check(path, out_failure);
  if (status == PC_OK) {
    *out_address = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(out_address->sun_path, path, strlen(path));
  }
  return status;
}

pc_status pc_linux_address_resolve(const char *path, struct sockaddr_un *out_address,
                                   socklen_t *out_size, pc_failure *out_failure) {
  pc_status status = pc_linux_address_fill(path, out_address, out_failure);
  if (status != PC_OK) {
    return status;
  }
  *out_size = sizeof *out_address;
  if (path[0] == '@') {
    out_address->sun_path[0] = '\0';
    *out_size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
  }
  return PC_OK;
}

/* ---- what stands at the path already ---- */

/* Whether the process that listened at the other end of a connection is gone. */
static bool listener_is_orphan(int fd) {
  struct ucred credentials;
  socklen_t size = sizeof credentials;
  return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0 && credentials.pid > 0 &&
         kill(credentials.pid, 0) != 0 && errno == ESRCH;
}

/* The errno of an attempt to connect; 0 if a server took it; ESRCH if it was taken for one that is
 * dead. */
static int socket_try(const pc_linux_endpoint *endpoint, pc_type type) {
  int fd = socket(AF_UNIX, socket_type(type), 0);
  if (fd < 0) {
    return errno;
  }
  int native = 0;
  if (connect(fd, (const struct sockaddr *)&endpoint->address, endpoint->address_size) != 0) {
    native = errno;
  } else if (listener_is_orphan(fd)) {
    native = ESRCH;
  }
  close(fd);
  return native;
}

/* Likewise, for a socket of either type. The kernel takes some 20 ms (measured) to let go of the
 * listening socket of a process that was killed with io_uring: such a one is waited for. */
static int socket_probe(const pc_linux_endpoint *endpoint) {
  const struct timespec pause = {.tv_nsec = PROBE_PAUSE_MS * 1000000};
  int native = ESRCH;
  for (int tries = 0; tries < PROBE_TRIES && native == ESRCH; tries++) {
    if (tries > 0) {
      nanosleep(&pause, NULL);
    }
    native = socket_try(endpoint, PC_TYPE_BYTE);
    if (native == EPROTOTYPE) {
      native = socket_try(endpoint, PC_TYPE_MESSAGE);
    }
  }
  return native;
}

static pc_status path_clear(const pc_linux_endpoint *endpoint, pc_failure *failure) {
  const char *path = endpoint->address.sun_path;
  struct stat before;
  if (lstat(path, &before) != 0) {
    return errno == ENOENT ? PC_OK : pc_linux_fail(failure, "look at the path", NULL);
  }
  if (!S_ISSOCK(before.st_mode)) {
    return pc_linux_fail_in_use(
        failure, "bind", "a file that is no socket has this path: move it, or use another path");
  }
  int probed = socket_probe(endpoint);
  if (probed == ENOENT) {
    return PC_OK;
  }
  if (probed == EACCES || probed == EMFILE || probed == ENFILE || probed == ENOMEM) {
    errno = probed; /* nothing was learned, so nothing is removed */
    return pc_linux_fail(failure, "see whether a server listens at this path", NULL);
  }
  if (probed != ECONNREFUSED) {
    return pc_linux_fail_in_use(failure, "bind",
                                "a live server has this path: stop it, or use another path");
  }
  struct stat now;
  if (lstat(path, &now) == 0 && now.st_dev == before.st_dev && now.st_ino == before.st_ino &&
      unlink(path) != 0) {
    return pc_linux_fail(failure, "remove a stale socket", "remove it by hand");
  }
  return PC_OK;
}

/* Notes the inode that bind made, and gives it its owner and mode. */
static pc_status inode_claim(pc_linux_endpoint *endpoint, const pc_security *security,
                             pc_failure *failure) {
  pc_status status = PC_OK;
  struct stat info;
  int fd = open(endpoint->address.sun_path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) {
    return pc_linux_fail(failure, "open the socket's inode", NULL);
  }
  if (fstat(fd, &info) != 0 || !S_ISSOCK(info.st_mode)) {
    status = pc_linux_fail_in_use(failure, "bind", "something else was put at this path meanwhile");
  } else {
    endpoint->file = (pc_linux_file){.device = info.st_dev, .inode = info.st_ino};
    status = pc_linux_security_give(fd, security, pc_linux_security_mode(security), failure);
  }
  close(fd);
  return status;
}

bool pc_linux_send_buffer_raise(int fd, uint32_t max_message_bytes) {
  int wanted = (int)max_message_bytes + MESSAGE_OVERHEAD_BYTES;
  int actual = 0;
  socklen_t size = sizeof actual;
  if (getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &actual, &size) == 0 && actual >= wanted) {
    return true;
  }
  /* The system doubles what it is given, and cuts it to net.core.wmem_max unless forced. */
  if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &wanted, sizeof wanted) != 0) {
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &wanted, sizeof wanted);
  }
  return getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &actual, &size) == 0 && actual >= wanted;
}

/* ---- the whole ---- */

static pc_status socket_prepare(pc_linux_endpoint *endpoint, const pc_listen *listen_options,
                                pc_failure *failure) {
  endpoint->fd = socket(AF_UNIX, socket_type(listen_options->type), 0);
  if (endpoint->fd < 0) {
    return pc_linux_fail(failure, "make a socket", NULL);
  }
  if (listen_options->type == PC_TYPE_MESSAGE) {
    /* Accepted sockets inherit it; a message then carries credentials and an end of file does
     * not. */
    int on = 1;
    if (setsockopt(endpoint->fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0) {
      return pc_linux_fail(failure, "ask for credentials", NULL);
    }
    if (!pc_linux_send_buffer_raise(endpoint->fd, listen_options->max_message_bytes)) {
      *failure = (pc_failure){.status = PC_E_INVALID_ARG,
                              .action = "set the send buffer",
                              .advice = "lower max_message_bytes, or raise net.core.wmem_max"};
      return failure->status;
    }
  }
  return PC_OK;
}

static int address_bind(const pc_linux_endpoint *endpoint) {
  return bind(endpoint->fd, (const struct sockaddr *)&endpoint->address, endpoint->address_size);
}

/* A name goes with the process that has it, as far as the kernel is through with that one. */
static pc_status name_bind(const pc_linux_endpoint *endpoint, pc_failure *failure) {
  bool is_bound = address_bind(endpoint) == 0;
  if (!is_bound && errno == EADDRINUSE && socket_probe(endpoint) == ECONNREFUSED) {
    is_bound = address_bind(endpoint) == 0;
  }
  if (is_bound) {
    return PC_OK;
  }
  return errno == EADDRINUSE
             ? pc_linux_fail_in_use(failure, "bind",
                                    "another server has this name: stop it, or use another one")
             : pc_linux_fail(failure, "bind", NULL);
}

static pc_status socket_listen(const pc_linux_endpoint *endpoint, pc_failure *failure) {
  return listen(endpoint->fd, SOMAXCONN) == 0 ? PC_OK : pc_linux_fail(failure, "listen", NULL);
}

static pc_status path_bind(pc_linux_endpoint *endpoint, const pc_listen *listen_options,
                           pc_failure *failure) {
  mode_t mode = pc_linux_security_mode(&listen_options->security);
  /* The inode is born with the socket's mode less the umask: never wider than asked for. */
  if (fchmod(endpoint->fd, mode & 0700) != 0) {
    return pc_linux_fail(failure, "set the socket's mode", NULL);
  }
  if (address_bind(endpoint) != 0) {
    return pc_linux_fail(failure, "bind", "the folder must exist and be writable for this user");
  }
  return inode_claim(endpoint, &listen_options->security, failure);
}

/* What there is in the file system before the socket. */
static pc_status path_take(pc_linux_endpoint *endpoint, const pc_listen *listen_options,
                           pc_failure *failure) {
  pc_status status = pc_linux_lock_take(listen_options->path, &endpoint->lock_fd, failure);
  return status == PC_OK ? path_clear(endpoint, failure) : status;
}

pc_status pc_linux_endpoint_open(const pc_listen *listen_options, pc_linux_endpoint *out_endpoint,
                                 pc_failure *out_failure) {
  pc_linux_endpoint endpoint = {
      .fd = -1, .lock_fd = -1, .is_abstract = listen_options->is_abstract};
  pc_status status;
  if (endpoint.is_abstract) {
    status = pc_linux_address_resolve(listen_options->path, &endpoint.address,
                                      &endpoint.address_size, out_failure);
  } else {
    status = pc_linux_address_fill(listen_options->path, &endpoint.address, out_failure);
    endpoint.address_size = sizeof endpoint.address;
  }
  if (status == PC_OK && !endpoint.is_abstract) {
    status = path_take(&endpoint, listen_options, out_failure);
  }
  if (status == PC_OK) {
    status = socket_prepare(&endpoint, listen_options, out_failure);
  }
  if (status == PC_OK) {
    status = endpoint.is_abstract ? name_bind(&endpoint, out_failure)
                                  : path_bind(&endpoint, listen_options, out_failure);
  }
  if (status == PC_OK) {
    status = socket_listen(&endpoint, out_failure);
  }
  if (status != PC_OK) {
    pc_linux_endpoint_close(&endpoint);
    return status;
  }
  *out_endpoint = endpoint;
  return PC_OK;
}

void pc_linux_endpoint_close(pc_linux_endpoint *endpoint) {
  pc_linux_file_remove(&endpoint->file, endpoint->address.sun_path);
  if (endpoint->fd >= 0) {
    close(endpoint->fd);
    endpoint->fd = -1;
  }
  if (endpoint->lock_fd >= 0) {
    pc_linux_lock_release(&endpoint->lock_fd, endpoint->address.sun_path);
  }
}
