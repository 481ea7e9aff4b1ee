/* The one epoll of the process: its descriptors, what it watches, and a turn of its leader. Any
 * thread.
 *
 * Success: a turn is epoll_wait, then each source's on_event, which does the I/O and wakes whoever
 * waited for it; then what was retired meanwhile is released, since no event can point to it any
 * more. Failures: no descriptors for epoll and the wake-up (the first instance is not made then);
 * no memory to watch one more (the operation does not start). */
#include "port.h"

#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "port_state.h"
#include "system.h"

enum {
  PORT_EVENTS = 128,
  /* Released by a leader that sleeps: it is woken for so many. */
  RETIRED_MAX = 64
};

pc_lock pc_port_lock = {.native = PTHREAD_MUTEX_INITIALIZER};

pc_port pc_the_port;

/* Somebody called who may be a signal handler: the leader passes it on. */
static atomic_bool port_is_called;

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

/* A child made by fork shares its parent's epoll: it begins with a port of its own, and leaves
 * alone what its parent made. */
static void port_forget_parent(void) PC_UNCHECKED {
  pc_port_lock = (pc_lock){.native = PTHREAD_MUTEX_INITIALIZER};
  if (pc_the_port.is_open) {
    close(pc_the_port.wakeup_fd);
    close(pc_the_port.fd);
  }
  memset(&pc_the_port, 0, sizeof pc_the_port);
}

static bool forks_watch(void) PC_REQUIRES(pc_port_lock) {
  static bool is_watching;
  is_watching = is_watching || pthread_atfork(NULL, NULL, port_forget_parent) == 0;
  return is_watching;
}

static pc_status port_make(pc_failure *failure) PC_REQUIRES(pc_port_lock) {
  if (!forks_watch()) {
    errno = ENOMEM;
    return port_failure(failure);
  }
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
  pc_the_port.fd = fd;
  pc_the_port.wakeup_fd = wakeup_fd;
  pc_the_port.is_open = true;
  return PC_OK;
}

/* The last user is gone, and no leader is in it. */
static void port_unmake(void) PC_REQUIRES(pc_port_lock) {
  if (pc_the_port.is_open && pc_the_port.users == 0 && !pc_the_port.leader) {
    close(pc_the_port.wakeup_fd);
    close(pc_the_port.fd);
    pc_the_port.is_open = false;
  }
}

void pc_port_leader_wake(void) {
  if (pc_the_port.leader_sleeps) {
    pc_the_port.leader_sleeps = false;
    pc_linux_wakeup_signal(pc_the_port.wakeup_fd);
  }
}

pc_status pc_port_open(pc_failure *out_failure) {
  pc_lock_take(&pc_port_lock);
  pc_status status = pc_the_port.is_open ? PC_OK : port_make(out_failure);
  if (status == PC_OK) {
    pc_the_port.users++;
    pc_port_promote();
  }
  pc_lock_drop(&pc_port_lock);
  return status;
}

void pc_port_close(void) {
  pc_lock_take(&pc_port_lock);
  PC_CHECK(pc_the_port.users > 0);
  pc_the_port.users--;
  if (pc_the_port.users == 0 && pc_the_port.leader) {
    pc_port_leader_wake(); /* it closes them */
  }
  port_unmake();
  pc_lock_drop(&pc_port_lock);
}

/* ---- sources ---- */

/* The port is open while a source of it lives, so its descriptor may be read without the lock. */
static int port_fd(void) PC_UNCHECKED {
  return pc_the_port.fd;
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
  while (pc_the_port.retired) {
    pc_port_source *source = pc_the_port.retired;
    pc_the_port.retired = source->retired_next;
    source->release(source);
  }
  pc_the_port.retired_count = 0;
}

void pc_port_retire(pc_port_source *source) {
  source->retired_next = pc_the_port.retired;
  pc_the_port.retired = source;
  pc_the_port.retired_count++;
  if (!pc_the_port.leader) {
    port_release_retired();
  } else if (pc_the_port.retired_count >= RETIRED_MAX) {
    pc_port_leader_wake();
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
    if (source) { /* NULL: the wake-up, which an edge-triggered epoll tells without that it is
                   * read */
      source->on_event(source, port_events[index].events);
    }
  }
}

void pc_port_call(void) PC_UNCHECKED {
  /* release: pairs with the acquire in call_pass_on */
  atomic_store_explicit(&port_is_called, true, memory_order_release);
  /* edge-triggered: found by the next look at the latest */
  pc_linux_wakeup_signal(pc_the_port.wakeup_fd);
}

/* The leader looks again by itself. */
static void call_pass_on(void) PC_REQUIRES(pc_port_lock) {
  if (atomic_exchange_explicit(&port_is_called, false, memory_order_acquire)) {
    for (pc_link *link = pc_the_port.sleepers.first; link; link = link->next) {
      pthread_cond_signal(&PC_CONTAINER_OF(link, pc_alertable, sleeper)->condition);
    }
  }
}

void pc_port_turn(pc_alertable *self, uint64_t deadline_ns) {
  int fd = pc_the_port.fd;
  pc_the_port.leader = self;
  pc_the_port.leader_sleeps = deadline_ns != 0;
  pc_lock_drop(&pc_port_lock);
  int timeout_ms = deadline_ns ? turn_timeout_ms(deadline_ns) : 0;
  int count = epoll_wait(fd, port_events, PORT_EVENTS, timeout_ms);
  PC_CHECK(count >= 0 || errno == EINTR);
  events_tell(count);
  pc_lock_take(&pc_port_lock);
  pc_the_port.leader_sleeps = false;
  pc_the_port.leader = NULL;
  call_pass_on();
  port_release_retired();
  port_unmake();
}
