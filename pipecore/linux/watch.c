/* Sets of watches: an epoll each. The loop's thread.
 *
 * Success: as with the sockets of the epoll backend the kernel's interest stays when something was
 * told, and goes when the kernel tells what nobody waits for: who reads on and on needs no
 * epoll_ctl. Failures: descriptors or memory (told by open and want). */
#include "watch.h"

#include <errno.h>
#include <unistd.h>

#include "../src/check.h"
#include "system.h"

enum { TAKE_EVENTS = 64, BOTH = EPOLLIN | EPOLLOUT };

pc_status pc_watch_set_open(pc_watch_set *set, pc_failure *out_failure) {
  if (set->fd < 0) {
    set->fd = epoll_create1(EPOLL_CLOEXEC);
  }
  *out_failure = (pc_failure){.status = PC_OK, .action = "make an epoll for FIFOs"};
  if (set->fd < 0) {
    out_failure->native = errno;
    out_failure->status = pc_linux_status(errno);
  }
  return out_failure->status;
}

void pc_watch_set_close(pc_watch_set *set) {
  if (set->fd >= 0) {
    close(set->fd);
    set->fd = -1;
  }
}

static pc_status watch_control(pc_watch *watch, int action, uint32_t interest) {
  struct epoll_event event = {.events = interest, .data.ptr = watch};
  if (epoll_ctl(watch->set->fd, action, watch->fd, &event) != 0) {
    return pc_linux_status(errno);
  }
  watch->interest = interest;
  watch->is_registered = action != EPOLL_CTL_DEL;
  return PC_OK;
}

pc_status pc_watch_want(pc_watch *watch, uint32_t events) {
  uint32_t interest = watch->interest | events;
  pc_status status = PC_OK;
  if (!watch->is_registered || interest != watch->interest) {
    status = watch_control(watch, watch->is_registered ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, interest);
  }
  if (status == PC_OK) {
    watch->wanted |= events;
  }
  return status;
}

void pc_watch_end(pc_watch *watch) {
  if (watch->is_registered) {
    PC_CHECK(watch_control(watch, EPOLL_CTL_DEL, 0) == PC_OK);
  }
  watch->wanted = 0;
}

static void event_take(pc_watch *watch, uint32_t events) {
  bool is_hung_up = (events & (EPOLLHUP | EPOLLERR)) != 0;
  uint32_t told = watch->wanted & (is_hung_up ? (uint32_t)BOTH : events);
  if (told == 0 && is_hung_up) {
    pc_watch_end(watch); /* which is told even to those who ask for nothing */
    return;
  }
  uint32_t interest = watch->interest & ~(events & (uint32_t)BOTH & ~told);
  if (interest != watch->interest) {
    PC_CHECK(watch_control(watch, EPOLL_CTL_MOD, interest) == PC_OK);
  }
  if (told != 0) {
    watch->wanted &= ~told;
    watch->on_ready(watch, told);
  }
}

void pc_watch_set_take(pc_watch_set *set) {
  struct epoll_event events[TAKE_EVENTS];
  int count = epoll_wait(set->fd, events, TAKE_EVENTS, 0);
  /* What is told puts operations on the ready list; no routine runs here, so no watch goes away. */
  for (int index = 0; index < count; index++) {
    event_take(events[index].data.ptr, events[index].events);
  }
}
