/* Watching descriptors for readiness, for parts of this folder that read and write by themselves
 * (fifo_*.c), whatever the backend: a set of watches is one descriptor that the backend waits for
 * among its own. The loop's thread. */
#ifndef PIPECORE_LINUX_WATCH_H
#define PIPECORE_LINUX_WATCH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

#include "pipecore/status.h"

typedef struct pc_watch_set {
  int fd; /* readable: pc_watch_set_take. -1: closed */
} pc_watch_set;

/* Told once for each asking. A descriptor that is hung up counts as readable and writable. */
typedef struct pc_watch pc_watch;
struct pc_watch {
  int fd;
  void *user;
  void (*on_ready)(pc_watch *watch, uint32_t events); /* EPOLLIN, EPOLLOUT: those asked for */
  pc_watch_set *set;
  uint32_t wanted;   /* asked for and not told yet */
  uint32_t interest; /* of the kernel              */
  bool is_registered;
};

/* Does nothing if it is open. */
PC_MUST_USE pc_status pc_watch_set_open(pc_watch_set *set, pc_failure *out_failure);
void pc_watch_set_close(pc_watch_set *set);
/* Tells what is ready, a bounded number: the descriptor stays readable while there is more. Never
 * waits. */
void pc_watch_set_take(pc_watch_set *set);

/* Asks for EPOLLIN, EPOLLOUT or both, in addition to what was asked for. */
PC_MUST_USE pc_status pc_watch_want(pc_watch *watch, uint32_t events);
/* Before the descriptor is closed. Nothing is told any more. */
void pc_watch_end(pc_watch *watch);

#endif
