/* One thread, blocking where it can: a client that costs little. Until the hearer heard the first
 * message, one that is not counted is said every 2 ms: the target may still be accepting. */
#include "injector.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"
#include "ws_client.h"

enum {
  WARM_UP_NS = 2000000,
  PER_SEND_MAX = 256,
  AHEAD_MAX = 2048, /* messages on their way: less than any queue between */
  ANSWER_MAX_BYTES = 2048,
  ANSWER_TIMEOUT_MS = 20000
};

static void send_all(int fd, const char *data, size_t size) {
  while (size > 0) {
    struct pollfd entry = {.fd = fd, .events = POLLOUT};
    ssize_t sent = send(fd, data, size, MSG_NOSIGNAL);
    if (sent < 0 && poll(&entry, 1, ANSWER_TIMEOUT_MS) != 1) {
      bench_fail_system("inject into", "the target");
    }
    data += sent > 0 ? sent : 0;
    size -= sent > 0 ? (size_t)sent : 0;
  }
}

/* ---- POST ---- */

typedef struct post_connection {
  int fd;
  uint64_t number;
  size_t size;
  char answer[ANSWER_MAX_BYTES + 1];
} post_connection;

static void post_send(const bench_target *target, const post_connection *connection,
                      uint64_t number) {
  char request[512];
  char line[BENCH_LINE_BYTES];
  int head = snprintf(request, sizeof request,
                      "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nContent-Length: %d\r\n\r\n",
                      target->kind->post_path, target->port, BENCH_PAYLOAD_BYTES);
  bench_message_write(line, number, bench_now_ns());
  memcpy(request + head, line, BENCH_PAYLOAD_BYTES);
  send_all(connection->fd, request, (size_t)head + BENCH_PAYLOAD_BYTES);
}

/* Whether the whole answer is there; its status, then. */
static bool answer_is_whole(const post_connection *connection, unsigned *out_status) {
  const char *end = strstr(connection->answer, "\r\n\r\n");
  const char *length = strstr(connection->answer, "Content-Length: ");
  if (!end || sscanf(connection->answer, "HTTP/1.1 %u", out_status) != 1) {
    return false;
  }
  size_t body = length && length < end ? strtoul(length + 16, NULL, 10) : 0;
  return connection->size == (size_t)(end - connection->answer) + 4 + body;
}

/* Reads once. True: the answer is there, and was `status` or, if that is 0, any. */
static bool answer_read(post_connection *connection, unsigned wanted) {
  ssize_t got = recv(connection->fd, connection->answer + connection->size,
                     ANSWER_MAX_BYTES - connection->size, 0);
  BENCH_CHECK(got > 0);
  connection->size += (size_t)got;
  connection->answer[connection->size] = '\0';
  unsigned status;
  if (!answer_is_whole(connection, &status)) {
    return false;
  }
  if (wanted != 0 && status != wanted) {
    bench_fail("a POST was answered: %s", connection->answer);
  }
  connection->size = 0;
  return true;
}

static void post_warm_up(const bench_target *target, const bench_hearer *hearer,
                         post_connection *connection) {
  while (!bench_hearer_is_warm(hearer)) {
    post_send(target, connection, BENCH_WARM_UP_NUMBER);
    while (!answer_read(connection, 0)) {
    }
    bench_sleep_until(bench_now_ns() + WARM_UP_NS);
  }
}

uint64_t bench_inject_posts(const bench_target *target, bench_hearer *hearer, uint32_t connections,
                            uint64_t duration_ns) {
  static post_connection all[BENCH_SPEAKERS_MAX];
  struct pollfd entries[BENCH_SPEAKERS_MAX];
  BENCH_CHECK(connections <= BENCH_SPEAKERS_MAX);
  for (uint32_t index = 0; index < connections; index++) {
    all[index] = (post_connection){.fd = bench_tcp_connect(target->port)};
    entries[index] = (struct pollfd){.fd = all[index].fd, .events = POLLIN};
  }
  post_warm_up(target, hearer, &all[0]);
  uint64_t end_ns = bench_now_ns() + duration_ns;
  uint64_t count = connections;
  uint32_t open = connections;
  for (uint32_t index = 0; index < connections; index++) {
    post_send(target, &all[index], bench_speaker_number(index, all[index].number++));
  }
  while (open > 0) {
    if (connections > 1) {
      BENCH_CHECK(poll(entries, connections, ANSWER_TIMEOUT_MS) > 0);
    }
    for (uint32_t index = 0; index < connections; index++) {
      if ((connections > 1 && !entries[index].revents) || !answer_read(&all[index], 201)) {
        continue;
      }
      if (bench_now_ns() < end_ns) {
        post_send(target, &all[index], bench_speaker_number(index, all[index].number++));
        count++;
      } else {
        entries[index].events = 0;
        open--;
      }
    }
  }
  for (uint32_t index = 0; index < connections; index++) {
    close(all[index].fd);
  }
  return count;
}

/* ---- WebSocket ---- */

static void frames_send(int fd, uint64_t first, uint32_t count) {
  char frames[PER_SEND_MAX * BENCH_WS_FRAME_BYTES];
  char line[BENCH_LINE_BYTES];
  uint64_t now_ns = bench_now_ns();
  for (uint32_t index = 0; index < count; index++) {
    bench_message_write(line, first == BENCH_WARM_UP_NUMBER ? first : first + index, now_ns);
    bench_ws_frame_write(frames + index * BENCH_WS_FRAME_BYTES, line);
  }
  send_all(fd, frames, count * BENCH_WS_FRAME_BYTES);
}

uint64_t bench_inject_frames(const bench_target *target, bench_hearer *hearer, uint32_t per_send,
                             uint64_t duration_ns) {
  BENCH_CHECK(per_send > 0 && per_send <= PER_SEND_MAX);
  int fd = bench_ws_connect(target->port, target->kind->inject_path, target->kind->inject_protocol);
  while (!bench_hearer_is_warm(hearer)) {
    frames_send(fd, BENCH_WARM_UP_NUMBER, 1);
    bench_sleep_until(bench_now_ns() + WARM_UP_NS);
  }
  uint64_t end_ns = bench_now_ns() + duration_ns;
  uint64_t count = 0;
  while (bench_now_ns() < end_ns) {
    frames_send(fd, count, per_send);
    count += per_send;
    while (count - bench_hearer_count(hearer) > AHEAD_MAX) {
      bench_sleep_until(bench_now_ns() + 20000);
    }
  }
  (void)bench_hearer_wait(hearer, count);
  close(fd);
  return count;
}
