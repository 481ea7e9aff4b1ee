/* How threads wait: one leads, others sleep on their own condition or on a socket of their own. Any
 * thread.
 *
 * Success: a wait that is not met leads, if nobody does (port.c), or sleeps until it is woken; it
 * looks again each time. Whoever ends a wait passes the lead on to a sleeper. A wait that is met at
 * once looks at the system now and then all the same, so that a busy program does not starve what
 * pends. Failures: the time is over; no descriptor to be woken by (port.h says who does
 * without). */
#include <time.h>
#include <unistd.h>

#include "port_state.h"
#include "system.h"

enum {
  /* Waits that may be met at once, one after the other, before the system is looked at. */
  QUICK_WAITS_MAX = 32,
  /* Threads with a wake-up of their own: more descriptors than these are not worth a hop less. */
  WAKERS_MAX = 1024,
  PAUSE_MIN_NS = 1000000,
  PAUSE_MAX_NS = 20 * PAUSE_MIN_NS
};

/* ---- who leads ---- */

/* What waits without a leader, now has one. */
void pc_port_promote(void) {
  if (!pc_the_port.is_open || pc_the_port.leader) {
    return;
  }
  if (pc_the_port.sleepers.last) {
    pc_alertable *thread = PC_CONTAINER_OF(pc_the_port.sleepers.last, pc_alertable, sleeper);
    pthread_cond_signal(&thread->condition);
  } else if (pc_the_port.pollers.last && pc_the_port.pending > 0) {
    pc_thread_wake(PC_CONTAINER_OF(pc_the_port.pollers.last, pc_alertable, poller));
  }
}

void pc_port_look(void) {
  if (pc_the_port.is_open && !pc_the_port.leader) {
    pc_port_turn(pc_thread_self(), 0);
    pc_port_promote();
  }
}

/* ---- threads that sleep on a socket of their own ---- */

bool pc_thread_waker_make(pc_alertable *self) {
  pc_lock_take(&pc_port_lock);
  if (pc_the_port.wakers < WAKERS_MAX) {
    self->waker.fd = pc_linux_wakeup_create();
    self->waker.is_made = self->waker.fd >= 0;
    pc_the_port.wakers += self->waker.is_made;
  }
  pc_lock_drop(&pc_port_lock);
  return self->waker.is_made;
}

void pc_thread_waker_close(pc_alertable *self) {
  if (self->waker.is_made) {
    pc_lock_take(&pc_port_lock);
    close(self->waker.fd);
    self->waker.is_made = false;
    pc_the_port.wakers--;
    pc_lock_drop(&pc_port_lock);
  }
}

void pc_port_poller_add(pc_alertable *self) {
  self->is_polling = true;
  pc_list_append(&pc_the_port.pollers, &self->poller);
}

void pc_port_poller_remove(pc_alertable *self) {
  self->is_polling = false;
  pc_list_remove(&pc_the_port.pollers, &self->poller);
}

bool pc_port_lacks_leader(void) {
  return !pc_the_port.leader && pc_the_port.pending > 0;
}

void pc_port_pending_add(void) {
  pc_the_port.pending++;
}

void pc_port_pending_remove(void) {
  pc_the_port.pending--;
}

/* ---- waits ---- */

uint64_t pc_port_deadline_ns(int timeout_ms) {
  return timeout_ms < 0 ? UINT64_MAX : pc_linux_now_ns() + (uint64_t)timeout_ms * 1000000;
}

void pc_thread_wake(pc_alertable *thread) {
  if (thread == pc_the_port.leader) {
    if (thread != pc_thread_self()) { /* it looks again after its turn anyway */
      pc_port_leader_wake();
    }
  } else if (thread->is_polling) {
    thread->is_polling = false;
    pc_linux_wakeup_signal(thread->waker.fd);
  } else {
    pthread_cond_signal(&thread->condition);
  }
}

void pc_waiters_wake(const pc_list *waiters) {
  for (const pc_link *link = waiters->first; link; link = link->next) {
    pc_thread_wake(PC_CONTAINER_OF(link, pc_waiter, link)->thread);
  }
}

static void thread_sleep(pc_alertable *self, uint64_t deadline_ns) PC_REQUIRES(pc_port_lock) {
  pc_list_append(&pc_the_port.sleepers, &self->sleeper);
  if (deadline_ns == UINT64_MAX) {
    pthread_cond_wait(&self->condition, &pc_port_lock.native);
  } else {
    struct timespec until = {.tv_sec = (time_t)(deadline_ns / 1000000000),
                             .tv_nsec = (long)(deadline_ns % 1000000000)};
    pthread_cond_clockwait(&self->condition, &pc_port_lock.native, CLOCK_MONOTONIC, &until);
  }
  pc_list_remove(&pc_the_port.sleepers, &self->sleeper);
}

/* PC_PENDING: neither. Where both are there they take turns, so that neither starves. */
static pc_status wait_outcome(pc_alertable *self, const pc_port_condition *condition,
                              bool is_alertable) PC_REQUIRES(pc_port_lock) {
  bool is_met = condition && condition->is_met(condition);
  bool is_due = is_alertable && self->due_first;
  if (is_met && (!is_due || self->takes_event_next)) {
    self->takes_event_next = false;
    return PC_OK;
  }
  self->takes_event_next = is_met;
  return is_due ? PC_COMPLETION : PC_PENDING;
}

pc_status pc_port_wait(const pc_port_condition *condition, uint64_t deadline_ns,
                       bool is_alertable) {
  pc_alertable *self = pc_thread_self();
  if (++self->quick_waits > QUICK_WAITS_MAX) {
    self->quick_waits = 0;
    pc_port_look();
  }
  bool has_looked = false;
  pc_status status;
  while ((status = wait_outcome(self, condition, is_alertable)) == PC_PENDING) {
    bool is_late = deadline_ns != UINT64_MAX && pc_linux_now_ns() >= deadline_ns;
    if (is_late && has_looked) {
      status = PC_E_TIMEOUT;
      break;
    }
    if (pc_the_port.is_open && !pc_the_port.leader) {
      self->quick_waits = 0;
      pc_port_turn(self, is_late ? 0 : deadline_ns);
    } else if (!is_late) {
      thread_sleep(self, deadline_ns);
    }
    has_looked = true;
  }
  pc_port_promote();
  return status;
}

bool pc_port_pause(pc_pause *pause) {
  uint64_t now_ns = pc_linux_now_ns();
  if (now_ns >= pause->deadline_ns) {
    return false;
  }
  pause->last_ns = pause->last_ns == 0                 ? PAUSE_MIN_NS
                   : pause->last_ns < PAUSE_MAX_NS / 2 ? pause->last_ns * 2
                                                       : PAUSE_MAX_NS;
  uint64_t until_ns = now_ns + pause->last_ns;
  pc_lock_take(&pc_port_lock);
  (void)!pc_port_wait(NULL, until_ns < pause->deadline_ns ? until_ns : pause->deadline_ns, false);
  pc_lock_drop(&pc_port_lock);
  return true;
}
