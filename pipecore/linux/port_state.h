/* What port.c and port_wait.c share. Under the port's lock. */
#ifndef PIPECORE_LINUX_PORT_STATE_H
#define PIPECORE_LINUX_PORT_STATE_H

#include "port.h"

typedef struct pc_port {
  uint32_t users;
  int fd; /* valid while is_open */
  int wakeup_fd;
  bool is_open;
  bool leader_sleeps; /* and must be woken by the descriptor */
  pc_alertable *leader;
  pc_list sleepers; /* threads that wait and do not lead             */
  pc_list pollers;  /* threads that sleep on a socket of their own   */
  uint32_t wakers;  /* threads with a descriptor to be woken by      */
  uint32_t pending; /* requests that the leader sees to              */
  pc_port_source *retired;
  uint32_t retired_count;
} pc_port;
extern pc_port pc_the_port PC_GUARDED_BY(pc_port_lock);

/* ---- port.c ---- */
/* The calling thread leads for a turn, until `deadline_ns` at most; 0: it looks without
 * sleeping. */
void pc_port_turn(pc_alertable *self, uint64_t deadline_ns) PC_REQUIRES(pc_port_lock);
/* If it sleeps, it is woken. */
void pc_port_leader_wake(void) PC_REQUIRES(pc_port_lock);

/* ---- port_wait.c ---- */
/* If nobody leads what waits, one that waits is woken to. */
void pc_port_promote(void) PC_REQUIRES(pc_port_lock);

#endif
