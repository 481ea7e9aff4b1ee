/* The port: the system's side of the low level, one for the process.
 *
 * What is asked of the system and cannot be done at once waits here, in one epoll. No thread of the
 * library's own serves it: of the threads that wait for something (an event, a result, a routine),
 * one leads. It sleeps in epoll, does the I/O that became possible, for whomever, and tells those
 * who waited for it; the others sleep each on its own condition and take over when the leader
 * leaves. A program of one thread so needs neither a second one nor a hop.
 *
 * One lock guards everything that waits are about: events, results, queues of routines, the
 * leadership. It is held for a few instructions, and no bytes move under it. Any thread. */
#ifndef PIPECORE_LINUX_PORT_H
#define PIPECORE_LINUX_PORT_H

#include <stdbool.h>
#include <stdint.h>

#include "../src/list.h"
#include "lock.h"
#include "pipecore/event.h"

extern pc_lock pc_port_lock;

/* ---- what the epoll watches ---- */
typedef struct pc_port_source pc_port_source;
struct pc_port_source {
  /* By the leader, with no lock held. May come once more for a source that was forgotten
   * meanwhile. */
  void (*on_event)(pc_port_source *source, uint32_t events);
  /* Frees the source; no event can come any more. */
  void (*release)(pc_port_source *source);
  uint32_t interest; /* the owner's lock; 0: not registered */
  pc_port_source *retired_next;
};

/* One user more or less: the descriptors are there as long as there is one. */
PC_MUST_USE pc_status pc_port_open(pc_failure *out_failure);
void pc_port_close(void);

/* Watches for `events` too. Edge-triggered: told once for what is there already, then for what
 * comes. */
PC_MUST_USE pc_status pc_port_want(pc_port_source *source, int fd, uint32_t events);
/* Watches for these no more. */
void pc_port_drop(pc_port_source *source, int fd, uint32_t events);
/* Before the descriptor is closed. */
void pc_port_forget(pc_port_source *source, int fd);
/* Calls `release`, now or when the leader has forgotten the source too. */
void pc_port_retire(pc_port_source *source) PC_REQUIRES(pc_port_lock);

/* ---- threads ---- */
/* What the library keeps of a thread, in its thread-local memory. */
struct pc_alertable {
  pthread_cond_t condition;
  /* Guarded by the port's lock: */
  pc_link sleeper; /* among those that sleep and do not lead */
  pc_posted *due_first;
  pc_posted *due_last;
  uint32_t due_count;
  pc_list requests; /* pending, with a routine of this thread */
  bool is_polling;  /* sleeps on its own socket (direct.c), woken by `waker` */
  pc_link poller;
  /* This thread's only: */
  struct {
    int fd;
    bool is_made;
  } waker;
  bool is_known; /* its end is watched */
  bool takes_event_next;
  uint32_t routine_depth;
  uint32_t quick_waits;
};
/* The calling thread's. Never fails. */
pc_alertable *pc_thread_self(void);
/* Inside a routine, where nothing may block. */
bool pc_thread_is_in_routine(void);
/* Looks again whether what it waits for has come. */
void pc_thread_wake(pc_alertable *thread) PC_REQUIRES(pc_port_lock);

/* ---- threads that sleep on a socket of their own (direct.c) ---- */
/* The calling thread has a wake-up descriptor from here on, until its end. False: it cannot be
 * had. */
PC_MUST_USE bool pc_thread_waker_make(pc_alertable *self);
void pc_thread_waker_close(pc_alertable *self);
void pc_port_poller_add(pc_alertable *self) PC_REQUIRES(pc_port_lock);
void pc_port_poller_remove(pc_alertable *self) PC_REQUIRES(pc_port_lock);
/* What pends here needs a thread that leads, and there is none. */
bool pc_port_lacks_leader(void) PC_REQUIRES(pc_port_lock);
/* Requests that pend here and not with a thread of their own: one more, one less. */
void pc_port_pending_add(void) PC_REQUIRES(pc_port_lock);
void pc_port_pending_remove(void) PC_REQUIRES(pc_port_lock);

/* ---- routines (alertable.c) ---- */
/* The calling thread, and its end will be seen. PC_E_NO_MEMORY. */
PC_MUST_USE pc_status pc_thread_know(pc_alertable **out_thread);
void pc_thread_post(pc_alertable *thread, pc_posted *posted) PC_REQUIRES(pc_port_lock);
/* Runs those that are due. */
void pc_thread_run_due(pc_alertable *self) PC_REQUIRES(pc_port_lock);

/* ---- waits ---- */
typedef struct pc_port_condition pc_port_condition;
struct pc_port_condition {
  bool (*is_met)(const pc_port_condition *condition); /* the port's lock is held */
};
uint64_t pc_port_deadline_ns(int timeout_ms);
/* Waits until the condition (NULL: none) is met: whoever changes what it looks at wakes this
 * thread. PC_OK; PC_COMPLETION: `is_alertable` and a routine is due; PC_E_TIMEOUT, after at least
 * one look at the system. */
PC_MUST_USE pc_status pc_port_wait(const pc_port_condition *condition, uint64_t deadline_ns,
                                   bool is_alertable) PC_REQUIRES(pc_port_lock);
/* Makes all who wait look again. The port is open. Async-signal-safe, and takes no lock. */
void pc_port_call(void);
/* Does what is possible now, unless another thread is at it. */
void pc_port_look(void) PC_REQUIRES(pc_port_lock);

/* For what no event tells: pauses of 1 ms, doubled up to 20. Others' operations progress
 * meanwhile. */
typedef struct pc_pause {
  uint64_t deadline_ns;
  uint64_t last_ns;
} pc_pause;
/* False: the deadline is over. */
PC_MUST_USE bool pc_port_pause(pc_pause *pause);

/* A thread that waits for something, in the list of that. */
typedef struct pc_waiter {
  pc_link link;
  pc_alertable *thread;
} pc_waiter;
void pc_waiters_wake(const pc_list *waiters) PC_REQUIRES(pc_port_lock);

/* ---- events (event.c) ---- */
void pc_port_event_set(pc_event *event) PC_REQUIRES(pc_port_lock);
void pc_port_event_reset(pc_event *event) PC_REQUIRES(pc_port_lock);

#endif
