/* What is measured, as a child process: the bridge or the relay. Main thread. */
#ifndef TESTS_BENCH_TARGET_H
#define TESTS_BENCH_TARGET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

typedef enum bench_target_kind { BENCH_RELAY, BENCH_BRIDGE, BENCH_TARGET_COUNT } bench_target_kind;
const char *bench_target_name(bench_target_kind kind);

typedef struct bench_target {
  bench_target_kind kind;
  pid_t pid;
  uint16_t port;
  char folder[64];
  char socket_path[96];
} bench_target;

/* Starts it in a folder of its own and waits until it is ready. `program`: the bridge's; the relay is this
 * program again. Fails the benchmark if it does not come up. */
void bench_target_start(bench_target *target, bench_target_kind kind, const char *program);
/* Ends it; a bridge must end in order. */
void bench_target_stop(bench_target *target);

uint64_t bench_target_cpu_ns(const bench_target *target); /* user and system, all its threads */
uint64_t bench_target_rss_bytes(const bench_target *target);

#endif
