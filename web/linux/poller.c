/* web_poller over epoll, level-triggered, woken by an eventfd. HTTP thread, but for
 * web_poller_wake.
 *
 * Success: epoll_wait reports entries → each entry's on_ready.
 * Failures: an interrupted wait counts as a wait without events; anything else is WEB_E_SYSTEM,
 * which ends the server. */
#include "poller.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "check.h"

/* Enough that a thousand ready observers take few calls, small enough to stay in the first-level
 * cache. */
#define EVENTS_PER_WAIT 128

struct web_poller {
  int epoll_fd;
  int wake_fd;
  int event_count; /* of the batch that is being handed out */
  struct epoll_event events[EVENTS_PER_WAIT];
};

static uint32_t epoll_mask(unsigned interest) {
  uint32_t mask = 0;
  mask |= (interest & WEB_POLL_READ) != 0 ? EPOLLIN : 0;
  mask |= (interest & WEB_POLL_WRITE) != 0 ? EPOLLOUT : 0;
  mask |= (interest & WEB_POLL_HANGUP) != 0 ? EPOLLRDHUP : 0;
  return mask;
}

static unsigned ready_of(uint32_t events, unsigned interest) {
  unsigned ready = 0;
  ready |= (events & EPOLLIN) != 0 ? WEB_POLL_READ : 0U;
  ready |= (events & EPOLLOUT) != 0 ? WEB_POLL_WRITE : 0U;
  ready |= (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0 ? WEB_POLL_HANGUP : 0U;
  /* An error shows as what was asked for: the read or write that follows tells it. */
  if ((events & (EPOLLHUP | EPOLLERR)) != 0) {
    ready |= interest;
  }
  return ready;
}

web_status web_poller_create(web_poller **out_poller) {
  web_poller *poller = calloc(1, sizeof *poller);
  if (poller == NULL) {
    return WEB_E_NO_MEMORY;
  }
  poller->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  poller->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  /* By edges: each wake-up is one, so that nobody need read the counter. */
  struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.ptr = NULL};
  if (poller->epoll_fd < 0 || poller->wake_fd < 0 ||
      epoll_ctl(poller->epoll_fd, EPOLL_CTL_ADD, poller->wake_fd, &event) != 0) {
    web_poller_destroy(poller);
    return WEB_E_SYSTEM;
  }
  *out_poller = poller;
  return WEB_OK;
}

void web_poller_destroy(web_poller *poller) {
  if (poller == NULL) {
    return;
  }
  if (poller->wake_fd >= 0) {
    (void)close(poller->wake_fd);
  }
  if (poller->epoll_fd >= 0) {
    (void)close(poller->epoll_fd);
  }
  free(poller);
}

web_status web_poller_add(web_poller *poller, web_poll_entry *entry, unsigned interest) {
  struct epoll_event event = {.events = epoll_mask(interest), .data.ptr = entry};
  if (epoll_ctl(poller->epoll_fd, EPOLL_CTL_ADD, (int)entry->handle, &event) != 0) {
    return errno == ENOMEM || errno == ENOSPC ? WEB_E_NO_MEMORY : WEB_E_SYSTEM;
  }
  entry->interest = interest;
  return WEB_OK;
}

void web_poller_set(web_poller *poller, web_poll_entry *entry, unsigned interest) {
  if (entry->interest == interest) {
    return;
  }
  struct epoll_event event = {.events = epoll_mask(interest), .data.ptr = entry};
  /* Changing a registered descriptor cannot fail but by an error of ours. */
  WEB_CHECK(epoll_ctl(poller->epoll_fd, EPOLL_CTL_MOD, (int)entry->handle, &event) == 0);
  entry->interest = interest;
}

void web_poller_remove(web_poller *poller, web_poll_entry *entry) {
  WEB_CHECK(epoll_ctl(poller->epoll_fd, EPOLL_CTL_DEL, (int)entry->handle, NULL) == 0);
  for (int i = 0; i < poller->event_count; i++) {
    if (poller->events[i].data.ptr == entry) {
      poller->events[i].data.ptr = NULL;
    }
  }
}

web_status web_poller_wait(web_poller *poller, int timeout_ms) {
  int count = epoll_wait(poller->epoll_fd, poller->events, EVENTS_PER_WAIT, timeout_ms);
  if (count < 0) {
    return errno == EINTR ? WEB_OK : WEB_E_SYSTEM;
  }
  poller->event_count = count;
  return WEB_OK;
}

void web_poller_dispatch(web_poller *poller) {
  for (int i = 0; i < poller->event_count; i++) {
    web_poll_entry *entry = poller->events[i].data.ptr;
    if (entry != NULL) { /* else a wake-up, or one that was removed */
      entry->on_ready(entry, ready_of(poller->events[i].events, entry->interest));
    }
  }
  poller->event_count = 0;
}

void web_poller_wake(web_poller *poller) {
  int saved = errno; /* may run in a signal handler */
  uint64_t one = 1;
  ssize_t put = write(poller->wake_fd, &one, sizeof one);
  (void)put;
  errno = saved;
}
