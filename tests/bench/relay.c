/* One thread, one epoll: read up to 64 KiB of lines → one WebSocket frame per line into a ring →
 * for each observer one send of everything new (two at the ring's end). It loses nothing: when the
 * slowest observer is a ring behind, it stops reading the pipe. The other way: read up to 64 KiB of
 * frames → a line each → one send for each client of the pipe, which it waits for. */
#include "relay.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "bench.h"
#include "ws_client.h"

enum {
  READ_BYTES = 64 * 1024,
  RING_BYTES = 1024 * 1024,
  /* A read's lines with their headers; a line has at least its end, so a header at most doubles it
   * … thrice. */
  ROOM_BYTES = 4 * READ_BYTES,
  LINE_MAX_BYTES = 125,
  TURN_EVENTS = 256
};

typedef enum node_kind {
  NODE_PIPE_LISTENER,
  NODE_WEB_LISTENER,
  NODE_CLIENT,
  NODE_OBSERVER
} node_kind;

typedef struct node node;
struct node {
  node_kind kind;
  int fd;
  bool is_open; /* observer: the handshake is done */
  bool is_full; /* observer: the kernel took no more */
  uint64_t cursor;
  node *next;  /* observers */
  size_t size; /* of what is in buffer: an unfinished line or request */
  char buffer[1024];
};

typedef struct relay {
  int epoll;
  node *observers;
  uint64_t head; /* bytes ever put into the ring */
  bool is_paused;
  node *clients[4096];
  size_t client_count;
  char ring[RING_BYTES];
  char input[READ_BYTES];
} relay;

static relay the_relay;

static void watch(relay *self, node *entry, uint32_t events, int operation) {
  struct epoll_event event = {.events = events, .data.ptr = entry};
  if (epoll_ctl(self->epoll, operation, entry->fd, &event) < 0) {
    bench_fail_system("epoll_ctl", "relay");
  }
}

static node *node_add(relay *self, node_kind kind, int fd) {
  node *entry = calloc(1, sizeof *entry);
  BENCH_CHECK(entry);
  entry->kind = kind;
  entry->fd = fd;
  watch(self, entry, EPOLLIN, EPOLL_CTL_ADD);
  return entry;
}

static void node_remove(relay *self, node *entry) {
  close(entry->fd);
  entry->fd = -1;
  if (entry->kind == NODE_OBSERVER) {
    node **place = &self->observers;
    while (*place && *place != entry) {
      place = &(*place)->next;
    }
    if (*place) {
      *place = entry->next;
    }
  }
  for (size_t index = 0; index < self->client_count; index++) {
    if (self->clients[index] == entry) {
      self->clients[index] = self->clients[--self->client_count];
    }
  }
  /* Not freed: an event of this turn may still name it. Clients are few. */
}

/* ---- out ---- */

static void observer_send(relay *self, node *entry) {
  while (entry->cursor < self->head) {
    size_t offset = (size_t)(entry->cursor % RING_BYTES);
    size_t size = (size_t)(self->head - entry->cursor);
    if (size > RING_BYTES - offset) {
      size = RING_BYTES - offset;
    }
    ssize_t sent = send(entry->fd, self->ring + offset, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno == EAGAIN) {
      if (!entry->is_full) {
        entry->is_full = true;
        watch(self, entry, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
      }
      return;
    }
    if (sent < 0) {
      node_remove(self, entry);
      return;
    }
    entry->cursor += (size_t)sent;
  }
  if (entry->is_full) {
    entry->is_full = false;
    watch(self, entry, EPOLLIN, EPOLL_CTL_MOD);
  }
}

static void send_all(relay *self) {
  for (node *entry = self->observers, *next; entry; entry = next) {
    next = entry->next;
    if (entry->is_open && !entry->is_full) {
      observer_send(self, entry);
    }
  }
}

/* Bytes that the ring can take without running over the slowest observer. */
static uint64_t ring_room(const relay *self) {
  uint64_t slowest = self->head;
  for (const node *entry = self->observers; entry; entry = entry->next) {
    if (entry->is_open && entry->cursor < slowest) {
      slowest = entry->cursor;
    }
  }
  return RING_BYTES - (self->head - slowest);
}

static void pause_or_resume(relay *self) {
  bool must_pause = ring_room(self) < ROOM_BYTES;
  if (must_pause == self->is_paused) {
    return;
  }
  self->is_paused = must_pause;
  for (size_t index = 0; index < self->client_count; index++) {
    watch(self, self->clients[index], must_pause ? 0 : EPOLLIN, EPOLL_CTL_MOD);
  }
}

/* ---- in ---- */

static void ring_put(relay *self, const char *data, size_t size) {
  size_t offset = (size_t)(self->head % RING_BYTES);
  size_t first = size < RING_BYTES - offset ? size : RING_BYTES - offset;
  memcpy(self->ring + offset, data, first);
  memcpy(self->ring, data + first, size - first);
  self->head += size;
}

static void line_put(relay *self, const char *line, size_t size) {
  BENCH_CHECK(size <= LINE_MAX_BYTES);
  char header[2] = {(char)0x81, (char)size};
  ring_put(self, header, sizeof header);
  ring_put(self, line, size);
}

static void client_read(relay *self, node *entry) {
  if (self->is_paused) {
    return;
  }
  memcpy(self->input, entry->buffer, entry->size);
  ssize_t got = read(entry->fd, self->input + entry->size, READ_BYTES - entry->size);
  if (got <= 0) {
    node_remove(self, entry);
    return;
  }
  const char *line = self->input;
  const char *end = line + entry->size + (size_t)got;
  for (const char *stop; (stop = memchr(line, '\n', (size_t)(end - line))) != NULL;
       line = stop + 1) {
    line_put(self, line, (size_t)(stop - line));
  }
  entry->size = (size_t)(end - line);
  BENCH_CHECK(entry->size <= sizeof entry->buffer);
  memcpy(entry->buffer, line, entry->size);
  send_all(self);
  pause_or_resume(self);
}

/* Tells all local processes; whoever does not read holds everybody up. */
static void clients_send(const relay *self, const char *data, size_t size) {
  for (size_t index = 0; index < self->client_count; index++) {
    struct pollfd entry = {.fd = self->clients[index]->fd, .events = POLLOUT};
    for (size_t done = 0; done < size;) {
      ssize_t sent = send(entry.fd, data + done, size - done, MSG_NOSIGNAL);
      BENCH_CHECK(sent > 0 || (errno == EAGAIN && poll(&entry, 1, -1) == 1));
      done += sent > 0 ? (size_t)sent : 0;
    }
  }
}

/* The line of one masked frame; returns the frame's bytes, 0: it is not whole yet. */
static size_t frame_take(const char *frame, size_t size, char *line, size_t *out_size) {
  size_t payload = size >= 2 ? (size_t)(frame[1] & 0x7f) : LINE_MAX_BYTES;
  BENCH_CHECK(payload <= LINE_MAX_BYTES);
  if (size < 6 + payload) {
    return 0;
  }
  for (size_t index = 0; index < payload; index++) {
    line[index] = (char)(frame[6 + index] ^ frame[2 + index % 4]);
  }
  line[payload] = '\n';
  *out_size = payload + 1;
  return 6 + payload;
}

static void frames_read(relay *self, node *entry) {
  static char lines[READ_BYTES];
  memcpy(self->input, entry->buffer, entry->size);
  ssize_t got = read(entry->fd, self->input + entry->size, READ_BYTES - entry->size);
  if (got <= 0) {
    node_remove(self, entry);
    return;
  }
  const char *frame = self->input;
  size_t rest = entry->size + (size_t)got;
  size_t said = 0;
  size_t line_bytes;
  for (size_t used; (used = frame_take(frame, rest, lines + said, &line_bytes)) > 0;) {
    frame += used;
    rest -= used;
    said += line_bytes;
  }
  entry->size = rest;
  memcpy(entry->buffer, frame, rest);
  clients_send(self, lines, said);
}

static void observer_read(relay *self, node *entry) {
  if (entry->is_open) {
    frames_read(self, entry);
    return;
  }
  ssize_t got = read(entry->fd, entry->buffer + entry->size, sizeof entry->buffer - entry->size);
  if (got <= 0) {
    node_remove(self, entry);
    return;
  }
  entry->size += (size_t)got;
  if (memmem(entry->buffer, entry->size, "\r\n\r\n", 4)) {
    /* Our client always sends the key of RFC 6455's own example. */
    static const char answer[] =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Accept: " BENCH_WS_ACCEPT "\r\n\r\n";
    BENCH_CHECK(send(entry->fd, answer, sizeof answer - 1, MSG_NOSIGNAL) == sizeof answer - 1);
    entry->is_open = true;
    entry->cursor = self->head;
    entry->size = 0;
  }
}

static void accept_all(relay *self, const node *listener) {
  for (int fd; (fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0;) {
    if (listener->kind == NODE_PIPE_LISTENER) {
      BENCH_CHECK(self->client_count < sizeof self->clients / sizeof *self->clients);
      self->clients[self->client_count++] = node_add(self, NODE_CLIENT, fd);
      continue;
    }
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    node *entry = node_add(self, NODE_OBSERVER, fd);
    entry->next = self->observers;
    self->observers = entry;
  }
}

static void node_handle(relay *self, node *entry, uint32_t events) {
  if (entry->fd < 0) {
    return;
  }
  if (entry->kind == NODE_CLIENT) {
    client_read(self, entry);
  } else if (entry->kind != NODE_OBSERVER) {
    accept_all(self, entry);
  } else {
    if (events & EPOLLOUT) {
      observer_send(self, entry);
      pause_or_resume(self);
    }
    if (entry->fd >= 0 && events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
      observer_read(self, entry);
    }
  }
}

static void listen_on_pipe(relay *self, const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  BENCH_CHECK(strlen(path) < sizeof address.sun_path);
  memcpy(address.sun_path, path, strlen(path));
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 4096) < 0) {
    bench_fail_system("listen on", path);
  }
  node_add(self, NODE_PIPE_LISTENER, fd);
}

static void listen_on_web(relay *self, const char *port_file) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) < 0 || listen(fd, 4096) < 0 ||
      getsockname(fd, (struct sockaddr *)&address, &size) < 0) {
    bench_fail_system("listen on", "127.0.0.1");
  }
  node_add(self, NODE_WEB_LISTENER, fd);
  FILE *file = fopen(port_file, "w");
  if (!file) {
    bench_fail_system("write", port_file);
  }
  fprintf(file, "%d\n", ntohs(address.sin_port));
  fclose(file);
}

_Noreturn void bench_relay_run(const char *socket_path, const char *port_file) {
  relay *self = &the_relay;
  self->epoll = epoll_create1(EPOLL_CLOEXEC);
  listen_on_pipe(self, socket_path);
  listen_on_web(self, port_file);
  for (;;) {
    struct epoll_event events[TURN_EVENTS];
    int count = epoll_wait(self->epoll, events, TURN_EVENTS, -1);
    for (int index = 0; index < count; index++) {
      node_handle(self, events[index].data.ptr, events[index].events);
    }
  }
}
