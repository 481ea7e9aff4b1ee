/* Blocking writes: a pipe that is full slows this thread down, as it does any local process. */
#include "writer.h"

#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "bench.h"

enum { PER_WRITE_MAX = 1024 };

int bench_writer_connect(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  BENCH_CHECK(strlen(path) < sizeof address.sun_path);
  memcpy(address.sun_path, path, strlen(path));
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
    bench_fail_system("connect to", path);
  }
  return fd;
}

static void write_all(int fd, const char *data, size_t size) {
  while (size > 0) {
    ssize_t sent = send(fd, data, size, MSG_NOSIGNAL);
    if (sent < 0) {
      bench_fail_system("write to", "the pipe");
    }
    data += sent;
    size -= (size_t)sent;
  }
}

void bench_writer_say(int fd, uint64_t number) {
  char line[BENCH_LINE_BYTES];
  bench_message_write(line, number, bench_now_ns());
  write_all(fd, line, sizeof line);
}

static void window_wait(const bench_window *window, uint64_t number, uint64_t end_ns) {
  enum { LOOK_AGAIN_NS = 50000 };
  while (window->messages > 0 && number - window->heard(window->user) > window->messages &&
         bench_now_ns() < end_ns) {
    bench_sleep_until(bench_now_ns() + LOOK_AGAIN_NS);
  }
}

uint64_t bench_writer_flood(int fd, uint32_t per_write, uint64_t duration_ns,
                            const bench_window *window) {
  static char block[PER_WRITE_MAX * BENCH_LINE_BYTES];
  BENCH_CHECK(per_write > 0 && per_write <= PER_WRITE_MAX);
  uint64_t number = 0;
  uint64_t now_ns = bench_now_ns();
  uint64_t end_ns = now_ns + duration_ns;
  while (now_ns < end_ns) {
    for (uint32_t index = 0; index < per_write; index++) {
      bench_message_write(block + index * BENCH_LINE_BYTES, number++, now_ns);
    }
    write_all(fd, block, per_write * BENCH_LINE_BYTES);
    window_wait(window, number, end_ns);
    now_ns = bench_now_ns();
  }
  return number;
}

uint64_t bench_writer_pace(int fd, uint32_t rate, uint64_t duration_ns) {
  prctl(PR_SET_TIMERSLACK, 1); /* the default of 50 µs would bunch 10,000 per second */
  uint64_t begin_ns = bench_now_ns();
  uint64_t count = duration_ns * rate / 1000000000u;
  for (uint64_t number = 0; number < count; number++) {
    bench_sleep_until(begin_ns + number * 1000000000u / rate);
    bench_writer_say(fd, number);
  }
  return count;
}
