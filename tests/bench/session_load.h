/* Clients of an echoing message pipe, any number of them in one thread: each connects, says some
 * messages, one after the echo of the other, leaves, and comes again. */
#ifndef TESTS_BENCH_SESSION_LOAD_H
#define TESTS_BENCH_SESSION_LOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "stats.h"

typedef struct bench_session_options {
  const char *path;
  uint32_t clients;
  uint32_t messages; /* of a session */
  uint64_t duration_ns;
  /* What is measured begins when every client was answered once, or after 5 s. */
  void (*on_begin)(void *user);
  void (*on_tick)(void *user); /* every 10 ms or so, from the first client on */
  void *user;
} bench_session_options;

typedef struct bench_session_result {
  uint64_t duration_ns;
  uint64_t echoes;     /* in that time                                                           */
  uint64_t all_echoes; /* with those that came afterwards                                        */
  uint64_t sessions;   /* that were served to their end, or the end of the time                  */
  uint64_t unanswered; /* messages that waited still, 2 s after the time was over                */
  bench_samples
      latencies_ns; /* of every message, from its writing; an unanswered one with what it waited */
} bench_session_result;

/* NULL, or in a few words why the server cannot serve so many: then nothing else is told. */
const char *bench_sessions_run(const bench_session_options *options,
                               bench_session_result *out_result);

#endif
