/* Ends of connections, and listeners, that are plain sockets, not blocking. */
#include "socket_client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct suite_client {
  int fd;
  pc_type type;
};

int socket_connect(const char *path, pc_type type, int flags) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  assert_true(strlen(path) < sizeof address.sun_path);
  strcpy(address.sun_path, path);
  socklen_t size = sizeof address;
  if (path[0] == '@') { /* an abstract name */
    address.sun_path[0] = '\0';
    size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
  }
  int kind = type == PC_TYPE_BYTE ? SOCK_STREAM : SOCK_SEQPACKET;
  int fd = socket(AF_UNIX, kind | SOCK_CLOEXEC | flags, 0);
  if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, size) != 0) {
    int kept = errno;
    close(fd);
    errno = kept;
    fd = -1;
  }
  return fd;
}

int client_fd(const suite_client *client) {
  return client->fd;
}

static suite_client *socket_client_connect(suite_fixture *fixture, const char *path, pc_type type) {
  (void)fixture;
  int fd = socket_connect(path, type, SOCK_NONBLOCK);
  if (fd < 0) {
    return NULL;
  }
  if (type == PC_TYPE_MESSAGE) { /* to tell a message of no bytes from the end */
    int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
  }
  suite_client *client = malloc(sizeof(suite_client));
  *client = (suite_client){.fd = fd, .type = type};
  return client;
}

static pc_status socket_client_write(suite_client *client, const void *data, size_t size,
                                     size_t *out_taken) {
  ssize_t taken = send(client->fd, data, size, MSG_NOSIGNAL);
  if (taken < 0) {
    return errno == EAGAIN ? PC_AGAIN : PC_E_BROKEN;
  }
  *out_taken = (size_t)taken;
  return (size_t)taken == size ? PC_OK : PC_AGAIN;
}

static pc_status socket_client_read(suite_client *client, void *data, size_t capacity,
                                    size_t *out_size) {
  _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(struct ucred))];
  struct iovec part = {.iov_base = data, .iov_len = capacity};
  for (;;) {
    struct msghdr header = {.msg_iov = &part,
                            .msg_iovlen = 1,
                            .msg_control = control,
                            .msg_controllen = sizeof control};
    ssize_t size = recvmsg(client->fd, &header, 0);
    if (size < 0 && errno == ECONNRESET) {
      continue; /* what is queued comes behind it */
    }
    if (size < 0) {
      assert_int_equal(errno, EAGAIN);
      return PC_AGAIN;
    }
    if (size == 0 && header.msg_controllen == 0) {
      return PC_E_BROKEN;
    }
    assert_false(header.msg_flags & MSG_TRUNC);
    *out_size = (size_t)size;
    return PC_OK;
  }
}

static void socket_client_half_close(suite_client *client) {
  assert_int_equal(shutdown(client->fd, SHUT_WR), 0);
}

static void socket_client_close(suite_client *client) {
  close(client->fd);
  free(client);
}

/* ---- servers ---- */

struct suite_listener {
  int fd;
  pc_type type;
  char path[108];
};

static suite_listener *socket_listen(suite_fixture *fixture, const char *path, pc_type type) {
  (void)fixture;
  suite_listener *listener = malloc(sizeof *listener);
  int kind = type == PC_TYPE_BYTE ? SOCK_STREAM : SOCK_SEQPACKET;
  *listener =
      (suite_listener){.fd = socket(AF_UNIX, kind | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), .type = type};
  assert_true(strlen(path) < sizeof listener->path);
  strcpy(listener->path, path);
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strcpy(address.sun_path, path);
  int on = type == PC_TYPE_MESSAGE; /* accepted sockets inherit it */
  assert_int_equal(setsockopt(listener->fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on), 0);
  assert_int_equal(bind(listener->fd, (const struct sockaddr *)&address, sizeof address), 0);
  assert_int_equal(listen(listener->fd, 8), 0);
  return listener;
}

int listener_fd(const suite_listener *listener) {
  return listener->fd;
}

static suite_client *socket_accept(suite_listener *listener) {
  int fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd < 0) {
    assert_int_equal(errno, EAGAIN);
    return NULL;
  }
  suite_client *end = malloc(sizeof *end);
  *end = (suite_client){.fd = fd, .type = listener->type};
  return end;
}

static void socket_unlisten(suite_listener *listener) {
  unlink(listener->path);
  close(listener->fd);
  free(listener);
}

const client_kind socket_clients = {.connect = socket_client_connect,
                                    .write = socket_client_write,
                                    .read = socket_client_read,
                                    .half_close = socket_client_half_close,
                                    .close = socket_client_close,
                                    .listen = socket_listen,
                                    .accept = socket_accept,
                                    .unlisten = socket_unlisten};

void socket_pass_time(suite_fixture *fixture, unsigned ms) {
  uint64_t end = clock_ms() + ms;
  while (clock_ms() < end) {
    turn(fixture);
  }
}
