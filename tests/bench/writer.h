/* The one local process that writes into the pipe: at full speed, or at a given rate. The caller's
 * thread. */
#ifndef TESTS_BENCH_WRITER_H
#define TESTS_BENCH_WRITER_H

#include <stdint.h>

/* Connects to the UNIX socket; blocking. */
int bench_writer_connect(const char *path);
/* Writes one message numbered `number` with the present time. */
void bench_writer_say(int fd, uint64_t number);
/* How far a writer may be ahead of those who hear it. */
typedef struct bench_window {
  uint64_t messages; /* 0: any number */
  uint64_t (*heard)(const void *user);
  const void *user;
} bench_window;
/* Writes at full speed for `duration_ns`, `per_write` messages with each write, numbered from 0.
 * Returns how many. */
uint64_t bench_writer_flood(int fd, uint32_t per_write, uint64_t duration_ns,
                            const bench_window *window);
/* Writes `rate` messages per second, each at its time and by a write of its own. Returns how
 * many. */
uint64_t bench_writer_pace(int fd, uint32_t rate, uint64_t duration_ns);

#endif
