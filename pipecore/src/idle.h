/* Sessions on which nobody says anything: a wheel of lists that finds those whose time is over.
 * Being active is one store; a session is moved only when its time would be over, so about once for
 * each time-out. A session is found between its time and a sixteenth of the time-out later. Pure;
 * takes the time as an argument, which must not go back. */
#ifndef PIPECORE_SRC_IDLE_H
#define PIPECORE_SRC_IDLE_H

#include <stdbool.h>
#include <stdint.h>

enum {
  PC_IDLE_STEPS = 16,                /* of a time-out */
  PC_IDLE_SLOTS = PC_IDLE_STEPS + 2, /* a time is up to 17 ticks ahead */
};

typedef struct pc_idle_entry pc_idle_entry;
struct pc_idle_entry { /* embedded in what is watched; zeroed before first use */
  pc_idle_entry *next;
  pc_idle_entry **link; /* what points here; NULL: not in the wheel */
  uint64_t active_ns;   /* the last time that something was said: whoever sees it stores it here */
};

typedef struct pc_idle {
  uint64_t timeout_ns; /* 0: nothing is ever idle */
  uint64_t tick_ns;
  uint64_t tick; /* the last one that was looked at */
  uint32_t count;
  pc_idle_entry *slots[PC_IDLE_SLOTS];
} pc_idle;

void pc_idle_init(pc_idle *idle, uint32_t timeout_ms);
void pc_idle_add(pc_idle *idle, pc_idle_entry *entry, uint64_t now_ns);
/* Nothing happens if it is not in the wheel. */
void pc_idle_remove(pc_idle *idle, pc_idle_entry *entry);
/* Takes one out whose time is over; NULL: none now. */
pc_idle_entry *pc_idle_take(pc_idle *idle, uint64_t now_ns);
/* How long until a time may be over; 0: nothing is watched. */
uint64_t pc_idle_wait_ns(const pc_idle *idle, uint64_t now_ns);

#endif
