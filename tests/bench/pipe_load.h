/* The other ends of a pipe that is measured: clients that say something, as fast as they may, at a
 * rate, or each after its echo. Blocking sockets, one thread. */
#ifndef TESTS_BENCH_PIPE_LOAD_H
#define TESTS_BENCH_PIPE_LOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "pipecore/session.h"

typedef struct bench_pipe_clients {
  int *fds;
  uint32_t count;
  pc_type type;
} bench_pipe_clients;

/* All are connected; the server may not know of them yet. */
void bench_pipe_clients_open(bench_pipe_clients *clients, const char *path, pc_type type,
                             uint32_t count);
void bench_pipe_clients_close(bench_pipe_clients *clients);

/* Each in turn writes `per_write` lines of 64 bytes (message type: one message) until the time is
 * over; with a `rate`, so many messages per second in sweeps over all. What was said. */
uint64_t bench_pipe_clients_say(const bench_pipe_clients *clients, uint32_t per_write,
                                uint32_t rate, uint64_t duration_ns);
/* Each says one message and the next when its echo came, until the time is over; the last echoes
 * are waited for. Echoes, each of which was as it had to be. */
uint64_t bench_pipe_clients_echo(const bench_pipe_clients *clients, uint64_t duration_ns);

#endif
