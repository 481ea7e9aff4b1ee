/* pc_loop: an alertable loop on one thread.
 *
 * A completion routine runs only on the thread that runs the loop, only inside pc_loop_run or
 * pc_loop_turn (the alertable wait), never inside the call that started the operation, and exactly
 * once. A turn is: wait for completions, run the routines of those that came (at most a bounded
 * number, so that nobody starves), timers that are due, posted routines, then the owner's agent.
 *
 * Functions are for the loop's thread unless they say "any thread". Before pc_loop_run is first
 * called, the creating thread counts as the loop's. What a turn started belongs to the thread that
 * took it, as with ReadFileEx. Another thread may run the loop once pc_loop_run has returned on the
 * one before; after pc_loop_turn it may not (PC_E_WRONG_THREAD, where the backend cannot). */
#ifndef PIPECORE_LOOP_H
#define PIPECORE_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipecore/declarations.h"
#include "pipecore/posted.h"
#include "pipecore/status.h"

PC_DECLARATIONS_BEGIN

typedef struct pc_loop pc_loop;

/* How a loop does its I/O. The owner sees no difference: every callback is on the loop's thread,
 * one at a time. */
typedef enum pc_strategy {
  PC_STRATEGY_COMPLETION, /* completion routines, on the loop's thread                          */
  PC_STRATEGY_OVERLAPPED, /* overlapped operations of the low level, an event for each          */
  PC_STRATEGY_THREADS     /* a thread for each instance, which waits for its client and serves it */
} pc_strategy;

const char *pc_strategy_name(pc_strategy strategy); /* "completion", "threads", … */

/* By which means of the system. PC_STRATEGY_COMPLETION has the choice; the others want
 * PC_BACKEND_AUTO. */
typedef enum pc_backend_kind {
  PC_BACKEND_AUTO, /* what serves best as far as measured (README.md): epoll */
  PC_BACKEND_EPOLL,
  PC_BACKEND_IO_URING, /* epoll instead where it is refused: pc_loop_refusal tells */
  PC_BACKEND_FAKE      /* in memory, for tests: see pipecore/fake.h */
} pc_backend_kind;

/* What the owner does once a turn, and how it takes part in falling asleep without losing a
 * wake-up. Every member may be NULL. */
typedef struct pc_agent {
  /* Called at the end of each turn. Returns true if it has more to do: the loop then does not
   * sleep. */
  bool (*do_work)(void *user);
  /* Called right before a wait that may sleep, after `do_work` returned false. Returns false if
   * work arrived meanwhile: the loop then does not sleep. Here a queue's consumer says "sleeping"
   * and looks once more. */
  bool (*prepare_sleep)(void *user);
  /* Called right after that wait, if prepare_sleep returned true. */
  void (*awake)(void *user);
  void *user;
} pc_agent;

typedef struct pc_loop_options {
  pc_strategy strategy;
  pc_backend_kind backend;
  pc_agent agent;
} pc_loop_options;

/* PC_E_NOT_SUPPORTED: not a strategy or backend of this system. PC_E_INVALID_ARG: a strategy other
 * than PC_STRATEGY_COMPLETION, and a backend. PC_E_NO_MEMORY, PC_E_NO_DESCRIPTORS, PC_E_SYSTEM. */
PC_MUST_USE pc_status pc_loop_create(const pc_loop_options *options, pc_loop **out_loop);
/* Everything on the loop must be closed and its last callback delivered. Accepts NULL. */
void pc_loop_destroy(pc_loop *loop);

/* Turns until pc_loop_stop; then returns PC_OK, and the loop is whose thread takes it next. Neither
 * this nor pc_loop_turn may be called from a routine. */
PC_MUST_USE pc_status pc_loop_run(pc_loop *loop);
/* One turn: waits at most `timeout_ms` (negative: until something happens; 0: not at all). */
PC_MUST_USE pc_status pc_loop_turn(pc_loop *loop, int timeout_ms);
/* Ends pc_loop_run after the current turn. Any thread, async-signal-safe. */
void pc_loop_stop(pc_loop *loop);
/* Makes a sleeping loop take a turn. Any thread, async-signal-safe. */
void pc_loop_wake(pc_loop *loop);

/* Monotonic nanoseconds, read once a turn: the loop's idea of now. */
uint64_t pc_loop_now_ns(const pc_loop *loop);
/* Turns taken so far. Any thread: a watchdog sees by it whether the loop lives. */
uint64_t pc_loop_turn_count(const pc_loop *loop);
/* What serves it: "epoll", "io_uring", "overlapped", "threads", "fake". Any thread. */
const char *pc_loop_backend_name(const pc_loop *loop);
/* Why the backend that was wished for is not the one that works, or NULL if it is. Any thread. */
const pc_failure *pc_loop_refusal(const pc_loop *loop);

/* ---- posted routines (posted.h) ---- */
/* QueueUserAPC: runs `posted` once on the loop's thread. Any thread; takes no lock and allocates
 * nothing. */
void pc_post(pc_loop *loop, pc_posted *posted);

/* ---- timers: one shot, on the loop's thread ---- */
typedef struct pc_timer pc_timer;
typedef void (*pc_timer_routine)(pc_timer *timer, void *user);
struct pc_timer { /* caller's memory; zeroed before first use */
  pc_timer_routine routine;
  void *user;
  uint64_t deadline_ns; /* the loop's from here on */
  size_t index;
};
/* Starts, or moves if it runs already. PC_E_NO_MEMORY. */
PC_MUST_USE pc_status pc_timer_start(pc_loop *loop, pc_timer *timer, uint64_t delay_ms);
/* Nothing happens if it does not run. */
void pc_timer_stop(pc_loop *loop, pc_timer *timer);

PC_DECLARATIONS_END

#endif
