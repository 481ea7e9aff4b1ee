/* Events, and waits for a few of them. Any thread. */
#include "event.h"

#include <stdlib.h>

struct event_wait {
  pc_port_condition condition;
  pc_event *const *events;
  uint32_t count;
};

pc_status pc_event_create(bool is_set, pc_event **out_event) {
  pc_event *event = calloc(1, sizeof *event);
  if (!event) {
    return PC_E_NO_MEMORY;
  }
  event->is_set = is_set;
  *out_event = event;
  return PC_OK;
}

void pc_event_destroy(pc_event *event) {
  if (event) {
    PC_CHECK(!event->waiters.first && !event->set);
    free(event);
  }
}

void pc_port_event_set(pc_event *event) {
  if (!event->is_set) {
    event->is_set = true;
    pc_waiters_wake(&event->waiters);
    pc_wait_set_note(event);
  }
}

void pc_port_event_reset(pc_event *event) {
  if (event->is_set) {
    event->is_set = false;
    pc_wait_set_note(event);
  }
}

void pc_event_set(pc_event *event) {
  pc_lock_take(&pc_port_lock);
  pc_port_event_set(event);
  pc_lock_drop(&pc_port_lock);
}

void pc_event_reset(pc_event *event) {
  pc_lock_take(&pc_port_lock);
  pc_port_event_reset(event);
  pc_lock_drop(&pc_port_lock);
}

bool pc_event_is_set(const pc_event *event) {
  pc_lock_take(&pc_port_lock);
  if (!event->is_set) {
    pc_port_look(); /* it may be about an operation, and nobody else may be looking */
  }
  bool is_set = event->is_set;
  pc_lock_drop(&pc_port_lock);
  return is_set;
}

/* ---- waits for up to PC_WAIT_EVENTS_MAX ---- */

/* Under the port's lock. */
static uint32_t events_first_set(pc_event *const *events, uint32_t count) {
  uint32_t index = 0;
  while (index < count && !events[index]->is_set) {
    index++;
  }
  return index;
}

static bool events_are_met(const pc_port_condition *condition) {
  const struct event_wait *wait =
      PC_CONTAINER_OF((pc_port_condition *)(uintptr_t)condition, struct event_wait, condition);
  return events_first_set(wait->events, wait->count) < wait->count;
}

static pc_status events_wait(pc_event *const *events, uint32_t count, uint64_t deadline_ns,
                             bool is_alertable) PC_REQUIRES(pc_port_lock) {
  pc_alertable *self = pc_thread_self();
  pc_waiter waiters[PC_WAIT_EVENTS_MAX];
  for (uint32_t index = 0; index < count; index++) {
    waiters[index].thread = self;
    pc_list_append(&events[index]->waiters, &waiters[index].link);
  }
  struct event_wait wait = {.condition.is_met = events_are_met, .events = events, .count = count};
  pc_status status = pc_port_wait(&wait.condition, deadline_ns, is_alertable);
  for (uint32_t index = 0; index < count; index++) {
    pc_list_remove(&events[index]->waiters, &waiters[index].link);
  }
  return status;
}

pc_status pc_wait(pc_event *const *events, uint32_t count, int timeout_ms, bool is_alertable,
                  uint32_t *out_index) {
  if (count > PC_WAIT_EVENTS_MAX || (count > 0 && (!events || !out_index))) {
    return PC_E_INVALID_ARG;
  }
  uint64_t deadline_ns = pc_port_deadline_ns(timeout_ms);
  pc_lock_take(&pc_port_lock);
  pc_status status = events_wait(events, count, deadline_ns, is_alertable);
  if (status == PC_OK) {
    *out_index = events_first_set(events, count);
  } else if (status == PC_COMPLETION) {
    pc_thread_run_due(pc_thread_self());
  }
  pc_lock_drop(&pc_port_lock);
  return status;
}
