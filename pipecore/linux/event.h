/* What an event is: event.c sets it, wait_set.c keeps those that are set in line. Under the port's
 * lock. */
#ifndef PIPECORE_LINUX_EVENT_H
#define PIPECORE_LINUX_EVENT_H

#include "port.h"

struct pc_event {
  bool is_set;
  pc_list waiters; /* of pc_waiter */
  /* Of the wait set that has it, or NULL: */
  pc_wait_set *set;
  void *user;
  pc_link member;
  pc_link ready; /* in line while it is set */
};

/* The event was set or reset: its wait set, if it has one, keeps it in line or not. */
void pc_wait_set_note(pc_event *event) PC_REQUIRES(pc_port_lock);

#endif
