/* Everything that goes wrong here ends the benchmark: a number of a run that lost something would
 * mean nothing. */
#include "pipe_load.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "bench.h"

enum { WRITES_PER_LOOK = 32, EVENTS = 256, ECHO_TIMEOUT_MS = 30000 };

static int client_connect(const char *path, pc_type type) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  BENCH_CHECK(strlen(path) < sizeof address.sun_path);
  strcpy(address.sun_path, path);
  int fd = socket(AF_UNIX, (type == PC_TYPE_BYTE ? SOCK_STREAM : SOCK_SEQPACKET) | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    bench_fail_system("make", "a client");
  }
  if (connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
    bench_fail_system("connect to", path);
  }
  return fd;
}

void bench_pipe_clients_open(bench_pipe_clients *clients, const char *path, pc_type type,
                             uint32_t count) {
  *clients = (bench_pipe_clients){.fds = calloc(count, sizeof(int)), .count = count, .type = type};
  BENCH_CHECK(clients->fds);
  for (uint32_t index = 0; index < count; index++) {
    clients->fds[index] = client_connect(path, type);
  }
}

void bench_pipe_clients_close(bench_pipe_clients *clients) {
  for (uint32_t index = 0; index < clients->count; index++) {
    close(clients->fds[index]);
  }
  free(clients->fds);
}

static void all_send(int fd, const char *data, size_t size) {
  while (size > 0) {
    ssize_t sent = send(fd, data, size, MSG_NOSIGNAL);
    if (sent < 0 && errno != EINTR) {
      bench_fail_system("send to", "the server");
    }
    data += sent > 0 ? sent : 0;
    size -= sent > 0 ? (size_t)sent : 0;
  }
}

/* One line, or so many of them. */
static char *lines_make(uint32_t count) {
  char *lines = malloc((size_t)count * BENCH_LINE_BYTES);
  BENCH_CHECK(lines);
  for (uint32_t index = 0; index < count; index++) {
    bench_message_write(lines + (size_t)index * BENCH_LINE_BYTES, index, 0);
  }
  return lines;
}

static uint64_t sweep_period_ns(const bench_pipe_clients *clients, uint32_t per_write,
                                uint32_t rate) {
  return rate ? (uint64_t)clients->count * per_write * UINT64_C(1000000000) / rate : 0;
}

uint64_t bench_pipe_clients_say(const bench_pipe_clients *clients, uint32_t per_write,
                                uint32_t rate, uint64_t duration_ns) {
  char *lines = lines_make(per_write);
  size_t size = (size_t)per_write * BENCH_LINE_BYTES;
  uint64_t period_ns = sweep_period_ns(clients, per_write, rate);
  uint64_t next_ns = bench_now_ns();
  uint64_t end_ns = next_ns + duration_ns;
  uint64_t writes = 0;
  for (uint32_t index = 0; writes % WRITES_PER_LOOK != 0 || bench_now_ns() < end_ns; writes++) {
    all_send(clients->fds[index], lines, size);
    index = index + 1 < clients->count ? index + 1 : 0;
    if (index == 0 && period_ns > 0) {
      next_ns += period_ns;
      bench_sleep_until(next_ns);
    }
  }
  free(lines);
  return writes * per_write;
}

/* ---- echoes ---- */

typedef struct echo_client {
  int fd;
  uint32_t received; /* bytes of the echo, as far as it is here */
  uint64_t number;
  char line[BENCH_LINE_BYTES];
} echo_client;

static void echo_say(echo_client *client) {
  client->received = 0;
  bench_message_write(client->line, client->number, (uintptr_t)client);
  all_send(client->fd, client->line, sizeof client->line);
}

/* Whether the echo is complete. The server takes a line's end off and puts it on again. */
static bool echo_take(echo_client *client) {
  char reply[BENCH_LINE_BYTES];
  size_t wanted = sizeof reply - client->received;
  ssize_t size = recv(client->fd, reply, wanted, 0);
  if (size <= 0) {
    bench_fail_system("receive from", "the server");
  }
  if (memcmp(reply, client->line + client->received, (size_t)size) != 0) {
    bench_fail("an echo came back changed");
  }
  client->received += (uint32_t)size;
  return client->received == sizeof client->line;
}

static echo_client *echo_clients_make(const bench_pipe_clients *clients, int poll) {
  echo_client *result = calloc(clients->count, sizeof *result);
  BENCH_CHECK(result);
  for (uint32_t index = 0; index < clients->count; index++) {
    result[index].fd = clients->fds[index];
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &result[index]};
    BENCH_CHECK(epoll_ctl(poll, EPOLL_CTL_ADD, result[index].fd, &event) == 0);
  }
  return result;
}

uint64_t bench_pipe_clients_echo(const bench_pipe_clients *clients, uint64_t duration_ns) {
  int poll = epoll_create1(EPOLL_CLOEXEC);
  echo_client *sides = echo_clients_make(clients, poll);
  uint64_t end_ns = bench_now_ns() + duration_ns;
  uint64_t echoes = 0;
  uint32_t waiting = clients->count;
  for (uint32_t index = 0; index < clients->count; index++) {
    echo_say(&sides[index]);
  }
  while (waiting > 0) {
    struct epoll_event events[EVENTS];
    int count = epoll_wait(poll, events, EVENTS, ECHO_TIMEOUT_MS);
    if (count <= 0) {
      bench_fail("%u echoes did not come in time", waiting);
    }
    bool is_over = bench_now_ns() >= end_ns;
    for (int index = 0; index < count; index++) {
      echo_client *client = events[index].data.ptr;
      if (!echo_take(client)) {
        continue;
      }
      echoes++;
      client->number++;
      if (is_over) {
        waiting--;
      } else {
        echo_say(client);
      }
    }
  }
  free(sides);
  close(poll);
  return echoes;
}
