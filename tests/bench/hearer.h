/* A local process at the pipe that hears what is injected: counts it, checks its order, takes its
 * time. A thread of its own; these functions are the main thread's. */
#ifndef TESTS_BENCH_HEARER_H
#define TESTS_BENCH_HEARER_H

#include <stdbool.h>
#include <stdint.h>

#include "stats.h"

/* Whom a message is from, and its number there: order is each speaker's own. */
enum { BENCH_SPEAKERS_MAX = 64 };
uint64_t bench_speaker_number(uint32_t speaker, uint64_t number);
/* A message that is not counted: said again and again until the way is known to be open. */
#define BENCH_WARM_UP_NUMBER UINT64_MAX

typedef struct bench_hearer bench_hearer;
bench_hearer *bench_hearer_start(const char *pipe_path);
/* Has heard so many so far, warm-ups not counted. Any thread. */
uint64_t bench_hearer_count(const bench_hearer *hearer);
bool bench_hearer_is_warm(const bench_hearer *hearer); /* any thread */
/* Waits until it has heard `count`; returns when it had. Fails the benchmark after 60 s. */
uint64_t bench_hearer_wait(bench_hearer *hearer, uint64_t count);
/* Ends it. `*out_latencies_ns` (the caller's to end): from writing to hearing, of the first
 * million. */
void bench_hearer_stop(bench_hearer *hearer, bench_samples *out_latencies_ns);

#endif
