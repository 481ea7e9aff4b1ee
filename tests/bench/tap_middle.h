/* What stands between the client and the server of tap_bench: nothing, the bridge as a tap (with
 * one who watches, or without), socat. Main thread; who watches is a thread of its own. */
#ifndef TESTS_BENCH_TAP_MIDDLE_H
#define TESTS_BENCH_TAP_MIDDLE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

typedef enum bench_middle_kind {
  BENCH_MIDDLE_NONE,
  BENCH_MIDDLE_TAP,
  BENCH_MIDDLE_TAP_WATCHED,
  BENCH_MIDDLE_SOCAT,
  BENCH_MIDDLE_COUNT
} bench_middle_kind;

typedef struct bench_middle {
  bench_middle_kind kind;
  char folder[64];
  char server_path[96];
  char log[96];
  char port_file[96];
  uint16_t port;
  char path[96]; /* what the client connects to */
  pid_t server;
  pid_t pid; /* of what is in the middle; 0: nothing */
  pthread_t watcher;
  int watching; /* the watcher's socket, or -1 */
} bench_middle;

/* Whether it can be had here. */
bool bench_middle_is_here(bench_middle_kind kind);
/* Starts the server and what is between. `framing` of the tap. */
void bench_middle_start(bench_middle *middle, bench_middle_kind kind, const char *program,
                        const char *framing);
void bench_middle_stop(bench_middle *middle);

#endif
