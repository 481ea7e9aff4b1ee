/* One thread, blocking where the other side does not take more: so the writer feels it. Whatever
 * the program answers is read and thrown away, lest it waits for that. */
#include "feeder.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "bench.h"
#include "peers.h"
#include "writer.h"
#include "ws_client.h"

enum {
  READ_LINES = 1024,
  READ_BYTES = READ_LINES * BENCH_LINE_BYTES,
  FRAMED_MAX = 128, /* a line in any program's words */
  CONSUMERS_MAX = 2048
};

/* How a program is told a line. */
typedef struct feeder_kind {
  const char *name;
  int (*connect)(uint16_t port);
  size_t (*line)(char *out, const char *line);
  /* How many lines may be said before all are answered; 0: any number, and answers are thrown
   * away. */
  uint32_t unanswered_max;
} feeder_kind;

static int listen_at(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  BENCH_CHECK(strlen(path) < sizeof address.sun_path);
  memcpy(address.sun_path, path, strlen(path));
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 4096) < 0) {
    bench_fail_system("listen at", path);
  }
  return fd;
}

/* Returns true if `fd` has something to read, or its end. */
static bool is_readable(int fd, short *out_ready) {
  struct pollfd entry = {.fd = fd, .events = (short)(POLLIN | *out_ready)};
  BENCH_CHECK(poll(&entry, 1, -1) == 1);
  *out_ready = entry.revents;
  return (entry.revents & (POLLIN | POLLHUP | POLLERR)) != 0;
}

static void throw_away(int fd) {
  static char answers[READ_BYTES];
  ssize_t got = recv(fd, answers, sizeof answers, MSG_DONTWAIT);
  if (got == 0 || (got < 0 && errno != EAGAIN)) {
    bench_fail("the measured program has closed the connection that feeds it");
  }
}

static void say(int fd, const char *data, size_t size) {
  while (size > 0) {
    ssize_t sent = send(fd, data, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0) {
      data += sent;
      size -= (size_t)sent;
      continue;
    }
    BENCH_CHECK(sent < 0 && errno == EAGAIN);
    short ready = POLLOUT;
    if (is_readable(fd, &ready)) {
      throw_away(fd);
    }
  }
}

/* ---- one connection ---- */

static int mqtt_connect(uint16_t port) {
  int fd = bench_tcp_connect(port);
  say(fd, bench_mqtt_connect.data, bench_mqtt_connect.size);
  return fd;
}

static size_t mqtt_line(char *out, const char *line) {
  memcpy(out, "\x30\x42\x00\x01m", 5); /* PUBLISH, QoS 0, topic "m" */
  memcpy(out + 5, line, BENCH_PAYLOAD_BYTES);
  return 5 + BENCH_PAYLOAD_BYTES;
}

static int nats_connect(uint16_t port) {
  int fd = bench_tcp_connect(port);
  say(fd, bench_nats_connect.data, bench_nats_connect.size);
  return fd;
}

static size_t nats_line(char *out, const char *line) {
  static const char head[] = "PUB m 63\r\n";
  memcpy(out, head, sizeof head - 1);
  memcpy(out + sizeof head - 1, line, BENCH_PAYLOAD_BYTES);
  memcpy(out + sizeof head - 1 + BENCH_PAYLOAD_BYTES, "\r\n", 2);
  return sizeof head - 1 + BENCH_PAYLOAD_BYTES + 2;
}

static size_t nchan_line(char *out, const char *line) {
  static const char head[] = "POST /publish HTTP/1.1\r\nHost: a\r\nContent-Length: 63\r\n\r\n";
  memcpy(out, head, sizeof head - 1);
  memcpy(out + sizeof head - 1, line, BENCH_PAYLOAD_BYTES);
  return sizeof head - 1 + BENCH_PAYLOAD_BYTES;
}

/* Of more requests one behind the other nchan has lost some. */
static const feeder_kind kinds[] = {{"mqtt", mqtt_connect, mqtt_line, 0},
                                    {"nats", nats_connect, nats_line, 0},
                                    {"nchan", bench_tcp_connect, nchan_line, 16}};

/* `count` answers of HTTP, all of them good. */
static void answers_await(int fd, uint32_t count) {
  static const char mark[] = "HTTP/1.1 20";
  enum { MARK_BYTES = sizeof mark - 1 };
  static char answers[READ_BYTES];
  size_t kept = 0;
  while (count > 0) {
    short ready = 0;
    (void)is_readable(fd, &ready);
    ssize_t got = recv(fd, answers + kept, sizeof answers - kept, MSG_DONTWAIT);
    BENCH_CHECK(got > 0);
    const char *end = answers + kept + (size_t)got;
    const char *at = answers;
    for (const char *found; (found = memmem(at, (size_t)(end - at), mark, MARK_BYTES)) != NULL;) {
      BENCH_CHECK(count > 0);
      count--;
      at = found + MARK_BYTES;
    }
    kept = (size_t)(end - at) < MARK_BYTES ? (size_t)(end - at) : MARK_BYTES - 1;
    memmove(answers, end - kept, kept);
  }
}

/* The writer's lines until it closes. */
static void lines_feed(const feeder_kind *kind, int writer, int program) {
  static char input[READ_BYTES];
  static char output[READ_LINES * FRAMED_MAX];
  size_t kept = 0;
  for (;;) {
    struct pollfd entries[2] = {{.fd = writer, .events = POLLIN},
                                {.fd = program, .events = POLLIN}};
    BENCH_CHECK(poll(entries, 2, -1) > 0);
    if (entries[1].revents) {
      throw_away(program);
    }
    if (!entries[0].revents) {
      continue;
    }
    ssize_t got = read(writer, input + kept, sizeof input - kept);
    if (got <= 0) {
      return;
    }
    size_t size = kept + (size_t)got;
    size_t used = 0;
    size_t said = 0;
    uint32_t lines = 0;
    for (; size - used >= BENCH_LINE_BYTES; used += BENCH_LINE_BYTES) {
      said += kind->line(output + said, input + used);
      if (++lines == kind->unanswered_max) {
        say(program, output, said);
        answers_await(program, lines);
        said = 0;
        lines = 0;
      }
    }
    kept = size - used;
    memmove(input, input + used, kept);
    say(program, output, said);
    if (kind->unanswered_max > 0) {
      answers_await(program, lines);
    }
  }
}

static _Noreturn void publisher_run(const feeder_kind *kind, const char *path, const char *port) {
  int program = kind->connect((uint16_t)strtoul(port, NULL, 10));
  int listener = listen_at(path);
  for (;;) {
    int writer = accept(listener, NULL, NULL);
    BENCH_CHECK(writer >= 0);
    lines_feed(kind, writer, program);
    close(writer);
  }
}

/* ---- everybody who connects ---- */

typedef struct spreader {
  int listener;  /* of the writer */
  int consumers; /* listens */
  int writer;    /* -1: none */
  int fds[CONSUMERS_MAX];
  size_t count;
} spreader;

static bool write_all(int fd, const char *data, size_t size) {
  while (size > 0) {
    ssize_t sent = send(fd, data, size, MSG_NOSIGNAL);
    if (sent <= 0) {
      return false;
    }
    data += sent;
    size -= (size_t)sent;
  }
  return true;
}

static void spreader_add(spreader *self) {
  static const char greeting[] = BENCH_READY "\n";
  int fd = accept(self->consumers, NULL, NULL);
  BENCH_CHECK(fd >= 0 && self->count < CONSUMERS_MAX);
  if (write_all(fd, greeting, sizeof greeting - 1)) {
    self->fds[self->count++] = fd;
  } else {
    close(fd);
  }
}

static void spreader_pass(spreader *self) {
  static char data[READ_BYTES];
  ssize_t got = read(self->writer, data, sizeof data);
  if (got <= 0) {
    close(self->writer);
    self->writer = -1;
    return;
  }
  for (size_t index = 0; index < self->count;) {
    if (write_all(self->fds[index], data, (size_t)got)) {
      index++;
    } else {
      close(self->fds[index]);
      self->fds[index] = self->fds[--self->count];
    }
  }
}

static _Noreturn void spreader_run(const char *path, const char *consumers) {
  static spreader self;
  self = (spreader){.consumers = listen_at(consumers), .listener = listen_at(path), .writer = -1};
  for (;;) {
    struct pollfd entries[3] = {{.fd = self.consumers, .events = POLLIN},
                                {.fd = self.writer < 0 ? self.listener : -1, .events = POLLIN},
                                {.fd = self.writer, .events = POLLIN}};
    BENCH_CHECK(poll(entries, 3, -1) > 0);
    if (entries[0].revents) {
      spreader_add(&self);
    }
    if (entries[1].revents) {
      self.writer = accept(self.listener, NULL, NULL);
    }
    if (entries[2].revents) {
      spreader_pass(&self);
    }
  }
}

static _Noreturn void feed_run(const char *path) {
  static char data[READ_BYTES];
  int fd = bench_writer_connect(path);
  for (;;) {
    ssize_t got = read(fd, data, sizeof data);
    for (ssize_t done = 0; done < got;) {
      ssize_t written = write(STDOUT_FILENO, data + done, (size_t)(got - done));
      if (written <= 0) {
        exit(0);
      }
      done += written;
    }
    if (got <= 0) {
      exit(0);
    }
  }
}

void bench_feeder_run_if_asked(int argc, char *argv[]) {
  if (argc == 3 && strcmp(argv[1], "--as-feed") == 0) {
    feed_run(argv[2]);
  }
  if (argc != 5 || strcmp(argv[1], "--as-feeder") != 0) {
    return;
  }
  if (strcmp(argv[2], "spread") == 0) {
    spreader_run(argv[3], argv[4]);
  }
  for (size_t index = 0; index < sizeof kinds / sizeof *kinds; index++) {
    if (strcmp(argv[2], kinds[index].name) == 0) {
      publisher_run(&kinds[index], argv[3], argv[4]);
    }
  }
}
