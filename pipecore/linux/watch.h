/* Watching a descriptor for readiness: what a part of this folder that reads and writes by itself (fifo_*.c)
 * asks of a backend. The loop's thread. */
#ifndef PIPECORE_LINUX_WATCH_H
#define PIPECORE_LINUX_WATCH_H

#include <poll.h>

#include "../src/backend.h"

typedef struct pc_watch pc_watch;

typedef struct pc_watching {
  /* One that watches nothing yet; `fd` is set later. NULL: no memory. */
  pc_watch *(*create)(pc_backend_state *state);
  /* Asks to be told once when `fd` is readable (POLLIN) or writable (POLLOUT): one or both. A descriptor that is
   * hung up counts as both. What was asked for and not told yet is not asked for twice. */
  PC_MUST_USE pc_status (*want)(pc_watch *watch, short events);
  /* Ends it: on_closed follows, perhaps inside this call, and the watch is gone; `fd` is its owner's to close. */
  void (*close)(pc_watch *watch);
} pc_watching;

struct pc_watch {
  const pc_watching *by;
  int fd; /* the owner's; -1 at first, and then the same for good */
  void *user;
  /* Both in the middle of a wait: they may put operations on the ready list, and want more. */
  void (*on_ready)(pc_watch *watch, short events);
  void (*on_closed)(pc_watch *watch);
};

#endif
