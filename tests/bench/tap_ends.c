/* The first line of a connection is "echo" or "count", filled up to 64 bytes. A counting server
 * says at the end of its input how many bytes that was, so the clock stops when all of it has
 * arrived. Blocking sockets. */
#include "tap_ends.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "bench.h"

enum { BUFFER_BYTES = 1 << 18, CONNECT_TRIES = 2000, CONNECT_PAUSE_NS = 2000000 };

static struct sockaddr_un address_of(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  BENCH_CHECK(strlen(path) < sizeof address.sun_path);
  memcpy(address.sun_path, path, strlen(path));
  return address;
}

static void all_write(int fd, const void *data, size_t size) {
  for (const char *from = data; size > 0;) {
    ssize_t written = send(fd, from, size, MSG_NOSIGNAL);
    if (written < 0) {
      bench_fail_system("write", "the connection");
    }
    from += written;
    size -= (size_t)written;
  }
}

/* False: the end. */
static bool all_read(int fd, void *data, size_t size) {
  for (char *to = data; size > 0;) {
    ssize_t count = read(fd, to, size);
    if (count < 0) {
      bench_fail_system("read", "the connection");
    }
    if (count == 0) {
      return false;
    }
    to += count;
    size -= (size_t)count;
  }
  return true;
}

/* ---- the server ---- */

static void client_serve(int fd, char *buffer) {
  char line[BENCH_LINE_BYTES];
  if (!all_read(fd, line, sizeof line)) {
    return;
  }
  bool is_echo = line[0] == 'e';
  uint64_t heard = 0;
  ssize_t count;
  while ((count = read(fd, buffer, BUFFER_BYTES)) > 0) {
    heard += (uint64_t)count;
    if (is_echo) {
      all_write(fd, buffer, (size_t)count);
    }
  }
  if (!is_echo) {
    memset(line, '.', sizeof line);
    bench_digits_write(line, heard);
    line[BENCH_LINE_BYTES - 1] = '\n';
    all_write(fd, line, sizeof line);
  }
}

void bench_tap_server_run(const char *path) {
  struct sockaddr_un address = address_of(path);
  char *buffer = malloc(BUFFER_BYTES);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (!buffer || fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof address) != 0 ||
      listen(fd, 64) != 0) {
    bench_fail_system("listen", path);
  }
  for (;;) {
    int client = accept(fd, NULL, NULL);
    if (client >= 0) {
      client_serve(client, buffer);
      close(client);
    }
  }
}

/* ---- the client ---- */

int bench_tap_connect(const char *path) {
  struct sockaddr_un address = address_of(path);
  for (int tries = 0; tries < CONNECT_TRIES; tries++) {
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) == 0) {
      return fd;
    }
    close(fd);
    bench_sleep_until(bench_now_ns() + CONNECT_PAUSE_NS);
  }
  bench_fail_system("connect to", path);
}

static int load_begin(const char *path, const char *what) {
  char line[BENCH_LINE_BYTES];
  memset(line, '.', sizeof line);
  memcpy(line, what, strlen(what));
  line[BENCH_LINE_BYTES - 1] = '\n';
  int fd = bench_tap_connect(path);
  all_write(fd, line, sizeof line);
  return fd;
}

void bench_tap_echo(const char *path, uint64_t duration_ns, bench_samples *samples) {
  char said[BENCH_LINE_BYTES];
  char heard[BENCH_LINE_BYTES];
  int fd = load_begin(path, "echo");
  uint64_t now_ns = bench_now_ns();
  uint64_t end_ns = now_ns + duration_ns;
  for (uint64_t number = 0; now_ns < end_ns && samples->count < samples->capacity; number++) {
    bench_message_write(said, number, now_ns);
    all_write(fd, said, sizeof said);
    BENCH_CHECK(all_read(fd, heard, sizeof heard) && memcmp(said, heard, sizeof said) == 0);
    uint64_t then_ns = bench_now_ns();
    bench_samples_add(samples, then_ns - now_ns);
    now_ns = then_ns;
  }
  close(fd);
}

uint64_t bench_tap_say(const char *path, size_t size, uint64_t duration_ns,
                       uint64_t *out_elapsed_ns) {
  char *data = malloc(size);
  BENCH_CHECK(data && size % BENCH_LINE_BYTES == 0);
  for (size_t at = 0; at < size; at += BENCH_LINE_BYTES) {
    bench_message_write(data + at, at, 0);
  }
  int fd = load_begin(path, "count");
  uint64_t begin_ns = bench_now_ns();
  uint64_t said = 0;
  do {
    all_write(fd, data, size);
    said += size;
  } while (bench_now_ns() < begin_ns + duration_ns);
  shutdown(fd, SHUT_WR);
  char answer[BENCH_LINE_BYTES];
  BENCH_CHECK(all_read(fd, answer, sizeof answer));
  *out_elapsed_ns = bench_now_ns() - begin_ns;
  uint64_t heard = bench_digits_read(answer);
  BENCH_CHECK(heard == said);
  close(fd);
  free(data);
  return heard;
}
