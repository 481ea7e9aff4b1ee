/* The one epoll of the process, who leads, and how threads wait. Any thread.
 *
 * Success: a wait that is not met leads, if nobody does: epoll_wait, then each source's on_event, which does
 * the I/O and wakes whoever waited for it. Others sleep on their own condition. Whoever ends a wait passes
 * the lead on to a sleeper. A wait that is met at once looks at the system now and then all the same, so that
 * a busy program does not starve what pends.
 * Failures: no descriptors for epoll and the wake-up (the first instance is not made then); no memory to
 * watch one more (the operation does not start). */
#include "port.h"

#include <errno.h>
#include <limits.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "system.h"

enum {
  PORT_EVENTS = 128,
  /* Waits that may be met at once, one after the other, before the system is looked at. */
  QUICK_WAITS_MAX = 32,
  /* Released by a leader that sleeps: it is woken for so many. */
  RETIRED_MAX = 64,
  /* Threads with a wake-up of their own: more descriptors than these are not worth a hop less. */
  WAKERS_MAX = 1024,
  PAUSE_MIN_NS = 1000000,
  PAUSE_MAX_NS = 20 * PAUSE_MIN_NS
};

pc_lock pc_port_lock = {.native = PTHREAD_MUTEX_INITIALIZER};

static struct {
  uint32_t users;
  int fd; /* valid while is_open */
  int wakeup_fd;
  bool is_open;
  bool leader_sleeps; /* and must be woken by the descriptor */
  pc_alertable *leader;
  pc_list sleepers;
  pc_list pollers;
  uint32_t wakers;
  uint32_t pending;
  pc_port_source *retired;
  uint32_t retired_count;
} port PC_GUARDED_BY(pc_port_lock);

/* The leader's. */
static struct epoll_event port_events[PORT_EVENTS];

/* ---- descriptors ---- */

static pc_status port_failure(pc_failure *failure) {
  *failure = (pc_failure){
      .status = pc_linux_status(errno),
      .native = errno,
      .action = "make the port that operations wait in",
      .advice = "raise the limit of open files (ulimit -n), or close what is not needed"};
  return failure->status;
}

static pc_status port_make(pc_failure *failure) PC_REQUIRES(pc_port_lock) {
  int fd = epoll_create1(EPOLL_CLOEXEC);
  if (fd < 0) {
    return port_failure(failure);
  }
  int wakeup_fd = pc_linux_wakeup_create();
  struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.ptr = NULL};
  if (wakeup_fd < 0 || epoll_ctl(fd, EPOLL_CTL_ADD, wakeup_fd, &event) != 0) {
    pc_status status = port_failure(failure);
    if (wakeup_fd >= 0) {
      close(wakeup_fd);
    }
    close(fd);
    return status;
  }
  port.fd = fd;
  port.wakeup_fd = wakeup_fd;
  port.is_open = true;
  return PC_OK;
}

/* The last user is gone, and no leader is in it. */
static void port_unmake(void) PC_REQUIRES(pc_port_lock) {
  if (port.is_open && port.users == 0 && !port.leader) {
    close(port.wakeup_fd);
    close(port.fd);
    port.is_open = false;
  }
}

/* What waits without a leader, now has one. */
static void port_promote(void) PC_REQUIRES(pc_port_lock) {
  if (!port.is_open || port.leader) {
    return;
  }
  if (port.sleepers.last) {
    pc_alertable *thread = PC_CONTAINER_OF(port.sleepers.last, pc_alertable, sleeper);
    pthread_cond_signal(&thread->condition);
  } else if (port.pollers.last && port.pending > 0) {
    pc_thread_wake(PC_CONTAINER_OF(port.pollers.last, pc_alertable, poller));
  }
}

static void port_leader_wake(void) PC_REQUIRES(pc_port_lock) {
  if (port.leader_sleeps) {
    port.leader_sleeps = false;
    pc_linux_wakeup_signal(port.wakeup_fd);
  }
}

pc_status pc_port_open(pc_failure *out_failure) {
  pc_lock_take(&pc_port_lock);
  pc_status status = port.is_open ? PC_OK : port_make(out_failure);
  if (status == PC_OK) {
    port.users++;
    port_promote();
  }
  pc_lock_drop(&pc_port_lock);
  return status;
}

void pc_port_close(void) {
  pc_lock_take(&pc_port_lock);
  PC_CHECK(port.users > 0);
  port.users--;
  if (port.users == 0 && port.leader) {
    port_leader_wake(); /* it closes them */
  }
  port_unmake();
  pc_lock_drop(&pc_port_lock);
}

/* ---- sources ---- */

/* The port is open while a source of it lives, so its descriptor may be read without the lock. */
static int port_fd(void) PC_UNCHECKED {
  return port.fd;
}

static pc_status source_control(pc_port_source *source, int fd, int action, uint32_t interest) {
  struct epoll_event event = {.events = interest | EPOLLET, .data.ptr = source};
  return epoll_ctl(port_fd(), action, fd, &event) == 0 ? PC_OK : pc_linux_status(errno);
}

pc_status pc_port_want(pc_port_source *source, int fd, uint32_t events) {
  uint32_t interest = source->interest | events;
  if (interest == source->interest) {
    return PC_OK;
  }
  pc_status status =
      source_control(source, fd, source->interest ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, interest);
  if (status == PC_OK) {
    source->interest = interest;
  }
  return status;
}

void pc_port_drop(pc_port_source *source, int fd, uint32_t events) {
  uint32_t interest = source->interest & ~events;
  if (interest == source->interest) {
    return;
  }
  if (interest == 0) {
    pc_port_forget(source, fd);
    return;
  }
  PC_CHECK(source_control(source, fd, EPOLL_CTL_MOD, interest) == PC_OK);
  source->interest = interest;
}

void pc_port_forget(pc_port_source *source, int fd) {
  if (source->interest) {
    PC_CHECK(source_control(source, fd, EPOLL_CTL_DEL, 0) == PC_OK);
    source->interest = 0;
  }
}

static void port_release_retired(void) PC_REQUIRES(pc_port_lock) {
  while (port.retired) {
    pc_port_source *source = port.retired;
    port.retired = source->retired_next;
    source->release(source);
  }
  port.retired_count = 0;
}

void pc_port_retire(pc_port_source *source) {
  source->retired_next = port.retired;
  port.retired = source;
  port.retired_count++;
  if (!port.leader) {
    port_release_retired();
  } else if (port.retired_count >= RETIRED_MAX) {
    port_leader_wake();
  }
}

/* ---- the leader's turn ---- */

static int turn_timeout_ms(uint64_t deadline_ns) {
  if (deadline_ns == UINT64_MAX) {
    return -1;
  }
  uint64_t now_ns = pc_linux_now_ns();
  uint64_t left_ms = deadline_ns > now_ns ? (deadline_ns - now_ns + 999999) / 1000000 : 0;
  return left_ms < INT_MAX ? (int)left_ms : INT_MAX;
}

static void events_tell(int count) {
  for (int index = 0; index < count; index++) {
    pc_port_source *source = port_events[index].data.ptr;
    if (source) { /* NULL: the wake-up, which an edge-triggered epoll tells without that it is read */
      source->on_event(source, port_events[index].events);
    }
  }
}

/* A deadline of 0 looks without sleeping. */
static void port_turn(pc_alertable *self, uint64_t deadline_ns) PC_REQUIRES(pc_port_lock) {
  int fd = port.fd;
  port.leader = self;
  port.leader_sleeps = deadline_ns != 0;
  pc_lock_drop(&pc_port_lock);
  int timeout_ms = deadline_ns ? turn_timeout_ms(deadline_ns) : 0;
  int count = epoll_wait(fd, port_events, PORT_EVENTS, timeout_ms);
  PC_CHECK(count >= 0 || errno == EINTR);
  events_tell(count);
  pc_lock_take(&pc_port_lock);
  port.leader_sleeps = false;
  port.leader = NULL;
  port_release_retired();
  port_unmake();
}

void pc_port_look(void) {
  if (port.is_open && !port.leader) {
    port_turn(pc_thread_self(), 0);
    port_promote();
  }
}

/* ---- threads that sleep on a socket of their own ---- */

bool pc_thread_waker_make(pc_alertable *self) {
  pc_lock_take(&pc_port_lock);
  if (port.wakers < WAKERS_MAX) {
    self->waker.fd = pc_linux_wakeup_create();
    self->waker.is_made = self->waker.fd >= 0;
    port.wakers += self->waker.is_made;
  }
  pc_lock_drop(&pc_port_lock);
  return self->waker.is_made;
}

void pc_thread_waker_close(pc_alertable *self) {
  if (self->waker.is_made) {
    pc_lock_take(&pc_port_lock);
    close(self->waker.fd);
    self->waker.is_made = false;
    port.wakers--;
    pc_lock_drop(&pc_port_lock);
  }
}

void pc_port_poller_add(pc_alertable *self) {
  self->is_polling = true;
  pc_list_append(&port.pollers, &self->poller);
}

void pc_port_poller_remove(pc_alertable *self) {
  self->is_polling = false;
  pc_list_remove(&port.pollers, &self->poller);
}

bool pc_port_lacks_leader(void) {
  return !port.leader && port.pending > 0;
}

void pc_port_pending_add(void) {
  port.pending++;
}

void pc_port_pending_remove(void) {
  port.pending--;
}

/* ---- waits ---- */

uint64_t pc_port_deadline_ns(int timeout_ms) {
  return timeout_ms < 0 ? UINT64_MAX : pc_linux_now_ns() + (uint64_t)timeout_ms * 1000000;
}

void pc_thread_wake(pc_alertable *thread) {
  if (thread == port.leader) {
    if (thread != pc_thread_self()) { /* it looks again after its turn anyway */
      port_leader_wake();
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
  pc_list_append(&port.sleepers, &self->sleeper);
  if (deadline_ns == UINT64_MAX) {
    pthread_cond_wait(&self->condition, &pc_port_lock.native);
  } else {
    struct timespec until = {.tv_sec = (time_t)(deadline_ns / 1000000000),
                             .tv_nsec = (long)(deadline_ns % 1000000000)};
    pthread_cond_clockwait(&self->condition, &pc_port_lock.native, CLOCK_MONOTONIC, &until);
  }
  pc_list_remove(&port.sleepers, &self->sleeper);
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
    if (port.is_open && !port.leader) {
      self->quick_waits = 0;
      port_turn(self, is_late ? 0 : deadline_ns);
    } else if (!is_late) {
      thread_sleep(self, deadline_ns);
    }
    has_looked = true;
  }
  port_promote();
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
