/* What is measured, as child processes: the table of targets. Each is a column of the results: a
 * program, and a way to observe and to feed it. Another one is a row of the table in target.c. Main
 * thread. */
#ifndef TESTS_BENCH_TARGET_H
#define TESTS_BENCH_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "ledger.h"

typedef struct bench_target bench_target;

/* A program that can be measured. */
typedef struct bench_program {
  const char *name;
  /* Starts it in target->folder: sets target->pid. */
  void (*start)(bench_target *target);
  /* Asked until it says yes; has then set target->port. */
  bool (*is_ready)(void *target);
  const char *const *files; /* what it leaves in its folder, ended by NULL */
  bool ends_in_order;       /* on SIGTERM, with 0; else it is killed */
} bench_program;

typedef struct bench_target_kind {
  const char *name; /* of the column */
  const char *title;
  const bench_program *program;
  /* Of its WebSocket. */
  const char *observe_path;
  const char *subprotocol; /* or NULL */
  const bench_format *format;
  const char *inject_path;     /* of a WebSocket whose messages go into the pipe, or NULL */
  const char *inject_protocol; /* of that, or NULL */
  const char *post_path;       /* of POST requests that do the same, or NULL */
  bool is_other;               /* of another build, for --beside */
  /* Of other people's programs: what must be installed, by name or path, ended by NULL; else
   * NULL. */
  const char *const *needs;
  const struct bench_words *hello; /* that an observer says first, or NULL */
  uint32_t window;         /* deliveries under way: they have no backpressure; 0: any number */
  uint32_t most_observers; /* 0: any number */
} bench_target_kind;

extern const bench_target_kind bench_target_kinds[];
extern const size_t bench_target_kind_count;

struct bench_target {
  const bench_target_kind *kind;
  const char *program_path; /* of the bridge */
  pid_t pid;
  pid_t feeder_pid; /* 0: none */
  uint16_t port;
  uint16_t feed_port; /* of the feeder, where that is another one */
  char folder[64];
  char socket_path[96]; /* of its pipe */
  char log_path[96];    /* what it says on stderr */
};

/* Starts it in a folder of its own and waits until it is ready. `program_path`: the bridge's. Fails
 * the benchmark if it does not come up. */
void bench_target_start(bench_target *target, const bench_target_kind *kind,
                        const char *program_path);
void bench_target_stop(bench_target *target);
/* As bench_program.is_ready: of one that writes its port into the file "port" then. */
bool bench_target_has_port_file(void *target);

#endif
