/* Sockets and the clock on Linux: the translation of error numbers. HTTP thread, web_net_now_ns
 * any.
 *
 * Success: one system call per function. Failures: a peer that is gone is WEB_CLOSED whatever it is
 * called here; only what our own side lacks has other results. */
#include "net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* As many as come while one turn is under way. */
#define LISTEN_BACKLOG 1024
#define PARTS_MAX 8

typedef union any_address {
  struct sockaddr any;
  struct sockaddr_in ipv4;
  struct sockaddr_in6 ipv6;
} any_address;

static web_status status_of_listen(int error) {
  switch (error) {
  case EADDRINUSE:
    return WEB_E_IN_USE;
  case EACCES:
  case EPERM:
    return WEB_E_ACCESS;
  case EAFNOSUPPORT:
  case EADDRNOTAVAIL:
  case EPROTONOSUPPORT:
    return WEB_CLOSED;
  case ENOMEM:
  case ENOBUFS:
    return WEB_E_NO_MEMORY;
  default:
    return WEB_E_SYSTEM;
  }
}

static socklen_t address_fill(any_address *out, const web_address *address) {
  memset(out, 0, sizeof *out);
  if (address->is_ipv6) {
    out->ipv6.sin6_family = AF_INET6;
    out->ipv6.sin6_addr = in6addr_loopback;
    out->ipv6.sin6_port = htons(address->port);
    return sizeof out->ipv6;
  }
  out->ipv4.sin_family = AF_INET;
  out->ipv4.sin_addr.s_addr = htonl(address->ipv4);
  out->ipv4.sin_port = htons(address->port);
  return sizeof out->ipv4;
}

static web_status listener_bind(int fd, const web_address *address) {
  any_address name;
  socklen_t size = address_fill(&name, address);
  int on = 1;
  /* Without it a restart fails while connections of the former run wait out their time. */
  (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (address->is_ipv6) {
    (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  }
  if (bind(fd, &name.any, size) != 0 || listen(fd, LISTEN_BACKLOG) != 0) {
    return status_of_listen(errno);
  }
  return WEB_OK;
}

web_status web_net_listen(const web_address *address, web_handle *out_listener,
                          uint16_t *out_port) {
  int fd =
      socket(address->is_ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) {
    return status_of_listen(errno);
  }
  web_status status = listener_bind(fd, address);
  if (status != WEB_OK) {
    (void)close(fd);
    return status;
  }
  *out_listener = fd;
  *out_port = web_net_local_port(fd);
  return WEB_OK;
}

web_status web_net_accept(web_handle listener, web_handle *out_client) {
  for (;;) {
    int fd = accept4((int)listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0) {
      web_net_set_no_delay(fd);
      *out_client = fd;
      return WEB_OK;
    }
    switch (errno) {
    case EINTR:
    case ECONNABORTED: /* gone already: the next one */
    case EPROTO:
      break;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
      return WEB_FULL;
    default:
      return WEB_CLOSED;
    }
  }
}

uint16_t web_net_local_port(web_handle connection) {
  any_address name = {0};
  socklen_t size = sizeof name;
  if (getsockname((int)connection, &name.any, &size) != 0) {
    return 0;
  }
  return ntohs(name.any.sa_family == AF_INET6 ? name.ipv6.sin6_port : name.ipv4.sin_port);
}

void web_net_peer_address(web_handle connection, char out_text[WEB_ADDRESS_TEXT_BYTES]) {
  any_address name = {0};
  socklen_t size = sizeof name;
  char host[INET6_ADDRSTRLEN];
  out_text[0] = '\0';
  if (getpeername((int)connection, &name.any, &size) != 0) {
    return;
  }
  bool is_ipv6 = name.any.sa_family == AF_INET6;
  const void *bytes = is_ipv6 ? (const void *)&name.ipv6.sin6_addr : &name.ipv4.sin_addr;
  uint16_t port = ntohs(is_ipv6 ? name.ipv6.sin6_port : name.ipv4.sin_port);
  if (inet_ntop(name.any.sa_family, bytes, host, sizeof host)) {
    (void)snprintf(out_text, WEB_ADDRESS_TEXT_BYTES, is_ipv6 ? "[%s]:%u" : "%s:%u", host, port);
  }
}

void web_net_set_no_delay(web_handle connection) {
  int on = 1;
  (void)setsockopt((int)connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

void web_net_set_send_buffer(web_handle connection, size_t size) {
  /* Linux doubles it, for its own records of what lies there. */
  int value = size < INT_MAX / 2 ? (int)size : INT_MAX / 2;
  (void)setsockopt((int)connection, SOL_SOCKET, SO_SNDBUF, &value, sizeof value);
}

size_t web_net_unread_bytes(web_handle connection) {
  int size = 0;
  return ioctl((int)connection, SIOCOUTQ, &size) == 0 && size > 0 ? (size_t)size : 0;
}

web_status web_net_send(web_handle connection, const web_bytes *parts, size_t count,
                        size_t *out_sent) {
  struct iovec vector[PARTS_MAX];
  size_t used = 0;
  for (size_t i = 0; i < count && used < PARTS_MAX; i++) {
    if (parts[i].size > 0) {
      vector[used].iov_base = (void *)(uintptr_t)parts[i].data;
      vector[used++].iov_len = parts[i].size;
    }
  }
  struct msghdr message = {.msg_iov = vector, .msg_iovlen = used};
  ssize_t sent;
  do {
    sent = sendmsg((int)connection, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  } while (sent < 0 && errno == EINTR);
  if (sent >= 0) {
    *out_sent = (size_t)sent;
    return WEB_OK;
  }
  return errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM ? WEB_FULL : WEB_CLOSED;
}

web_status web_net_receive(web_handle connection, void *data, size_t size, size_t *out_received) {
  ssize_t got;
  do {
    got = recv((int)connection, data, size, MSG_DONTWAIT);
  } while (got < 0 && errno == EINTR);
  if (got > 0) {
    *out_received = (size_t)got;
    return WEB_OK;
  }
  return got < 0 && errno == EAGAIN ? WEB_FULL : WEB_CLOSED;
}

bool web_net_is_at_end(web_handle connection) {
  char byte;
  ssize_t got = recv((int)connection, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR);
}

void web_net_shut_down(web_handle connection) {
  (void)shutdown((int)connection, SHUT_RDWR);
}

void web_net_shut_down_sending(web_handle connection) {
  (void)shutdown((int)connection, SHUT_WR);
}

void web_net_close(web_handle handle) {
  (void)close((int)handle);
}

web_status web_net_duplicate(web_handle connection, web_handle *out_handle) {
  int fd = fcntl((int)connection, F_DUPFD_CLOEXEC, 0);
  if (fd < 0) {
    return WEB_E_SYSTEM;
  }
  *out_handle = fd;
  return WEB_OK;
}

uint64_t web_net_now_ns(void) {
  struct timespec now;
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}
