/* Wait sets: events that one thread waits for again and again, with those that are set in line. Any
 * thread; waiting is for one at a time. */
#include <stdatomic.h>
#include <stdlib.h>

#include "event.h"

struct pc_wait_set {
  atomic_bool is_woken; /* any thread, and signal handlers */
  /* Under the port's lock: */
  pc_port_condition condition;
  pc_list members;
  pc_list ready; /* those that are set, in turn */
  pc_alertable *waiter;
};

static bool set_is_ready(const pc_port_condition *condition) {
  const pc_wait_set *set =
      PC_CONTAINER_OF((pc_port_condition *)(uintptr_t)condition, pc_wait_set, condition);
  return set->ready.first || atomic_load_explicit(&set->is_woken, memory_order_relaxed);
}

pc_status pc_wait_set_create(pc_wait_set **out_set) {
  pc_wait_set *set = calloc(1, sizeof *set);
  if (!set) {
    return PC_E_NO_MEMORY;
  }
  pc_failure ignored;
  pc_status status = pc_port_open(&ignored); /* so that there is a way to wake it */
  if (status != PC_OK) {
    free(set);
    return status;
  }
  set->condition.is_met = set_is_ready;
  *out_set = set;
  return PC_OK;
}

void pc_wait_set_note(pc_event *event) {
  pc_wait_set *set = event->set;
  if (!set) {
    return;
  }
  if (!event->is_set) {
    pc_list_remove(&set->ready, &event->ready);
    return;
  }
  pc_list_append(&set->ready, &event->ready);
  if (set->waiter) {
    pc_thread_wake(set->waiter);
  }
}

static void member_leave(pc_wait_set *set, pc_event *event) PC_REQUIRES(pc_port_lock) {
  if (event->is_set) {
    pc_list_remove(&set->ready, &event->ready);
  }
  pc_list_remove(&set->members, &event->member);
  event->set = NULL;
}

void pc_wait_set_destroy(pc_wait_set *set) {
  if (!set) {
    return;
  }
  pc_lock_take(&pc_port_lock);
  PC_CHECK(!set->waiter);
  while (set->members.first) {
    member_leave(set, PC_CONTAINER_OF(set->members.first, pc_event, member));
  }
  pc_lock_drop(&pc_port_lock);
  pc_port_close();
  free(set);
}

pc_status pc_wait_set_add(pc_wait_set *set, pc_event *event, void *user) {
  pc_status status = PC_E_IN_USE;
  pc_lock_take(&pc_port_lock);
  if (!event->set) {
    status = PC_OK;
    event->set = set;
    event->user = user;
    pc_list_append(&set->members, &event->member);
    if (event->is_set) {
      pc_wait_set_note(event);
    }
  }
  pc_lock_drop(&pc_port_lock);
  return status;
}

void pc_wait_set_remove(pc_wait_set *set, pc_event *event) {
  pc_lock_take(&pc_port_lock);
  if (event->set == set) {
    member_leave(set, event);
  }
  pc_lock_drop(&pc_port_lock);
}

void pc_wait_set_wake(pc_wait_set *set) {
  /* release: pairs with the acquire in set_next, for what the caller did before */
  atomic_store_explicit(&set->is_woken, true, memory_order_release);
  pc_port_call();
}

/* The first in turn, which is the last one from here on. */
static void *ready_turn(pc_wait_set *set) PC_REQUIRES(pc_port_lock) {
  pc_event *event = PC_CONTAINER_OF(set->ready.first, pc_event, ready);
  pc_list_remove(&set->ready, &event->ready);
  pc_list_append(&set->ready, &event->ready);
  return event->user;
}

/* What a wait that was met found. */
static pc_status set_next(pc_wait_set *set, void **out_user) PC_REQUIRES(pc_port_lock) {
  if (atomic_exchange_explicit(&set->is_woken, false, memory_order_acquire)) {
    return PC_AGAIN;
  }
  *out_user = ready_turn(set);
  return PC_OK;
}

uint32_t pc_wait_set_ready(pc_wait_set *set, void **out_users, uint32_t max) {
  uint32_t count = 0;
  pc_lock_take(&pc_port_lock);
  const pc_link *first = set->ready.first;
  while (count < max && set->ready.first && (count == 0 || set->ready.first != first)) {
    out_users[count++] = ready_turn(set);
  }
  pc_lock_drop(&pc_port_lock);
  return count;
}

pc_status pc_wait_set_wait(pc_wait_set *set, int timeout_ms, bool is_alertable, void **out_user) {
  pc_alertable *self = pc_thread_self();
  uint64_t deadline_ns = pc_port_deadline_ns(timeout_ms);
  pc_lock_take(&pc_port_lock);
  if (set->waiter) {
    pc_lock_drop(&pc_port_lock);
    return PC_E_IN_USE;
  }
  set->waiter = self;
  pc_status status = pc_port_wait(&set->condition, deadline_ns, is_alertable);
  set->waiter = NULL;
  if (status == PC_OK) {
    status = set_next(set, out_user);
  } else if (status == PC_COMPLETION) {
    pc_thread_run_due(self);
  }
  pc_lock_drop(&pc_port_lock);
  return status;
}
