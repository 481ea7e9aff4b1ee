/* A pc_server as a child process: what it shall be, and what it has heard, stand in memory that
 * both processes see. Main thread. */
#ifndef TESTS_BENCH_PIPE_SERVER_H
#define TESTS_BENCH_PIPE_SERVER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "pipecore/loop.h"
#include "pipecore/session.h"

typedef struct bench_pipe_options {
  char path[96];
  pc_backend_kind backend;
  pc_strategy strategy;
  pc_type type;  /* byte: cut into lines */
  int processor; /* for bench_processor_keep */
  bool is_echo;  /* what comes is said back; else it is counted */
} bench_pipe_options;

typedef struct bench_pipe_shared {
  bench_pipe_options options;
  /* the child's */
  atomic_bool is_ready;
  atomic_uint_fast64_t messages;
  atomic_uint_fast64_t turns;
} bench_pipe_shared;

typedef struct bench_pipe_server {
  pid_t pid;
  char folder[64];
  bench_pipe_shared *shared;
} bench_pipe_server;

/* Starts it and waits until it listens; `options.path` is filled in. `program` has
 * bench_pipe_server_run in it: this one, or another build. A backend that this system refuses fails
 * the benchmark. */
void bench_pipe_server_start(bench_pipe_server *server, const char *program,
                             const bench_pipe_options *options);
/* Ends it; it must end in order. */
void bench_pipe_server_stop(bench_pipe_server *server);
/* Waits until it has heard so many messages, 60 s at most. */
void bench_pipe_server_await(const bench_pipe_server *server, uint64_t messages);

/* The child's main: "--as-pipe-server DESCRIPTOR". */
_Noreturn void bench_pipe_server_run(const char *descriptor);

#endif
