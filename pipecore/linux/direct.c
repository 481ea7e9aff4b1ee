/* Blocking reads and writes that sleep on their own socket. The thread that blocks.
 *
 * Success: nothing pends before it, and nobody waits for the instance by the port: the thread
 * sleeps in poll, on the socket and on a wake-up of its own, and does its I/O itself. So a thread
 * for each instance costs no hop by the leader of the port. Failures: no descriptor for the
 * wake-up, or too many such threads: it waits by the port. If what pends there is left without a
 * leader, such a thread is woken and becomes one. */
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "instance_private.h"
#include "system.h"

_Static_assert(POLLIN == EPOLLIN && POLLOUT == EPOLLOUT, "one set of names for both");

bool pc_direct_is_possible(void) {
  pc_alertable *self;
  if (pc_thread_know(&self) != PC_OK) {
    return false;
  }
  return self->waker.is_made || pc_thread_waker_make(self);
}

/* Sleeps until the socket is ready or the thread is woken. The port's lock is held, before and
 * after. */
static void direct_sleep(pc_alertable *self, int fd, uint32_t events) PC_REQUIRES(pc_port_lock) {
  struct pollfd pollers[] = {{.fd = fd, .events = (short)events},
                             {.fd = self->waker.fd, .events = POLLIN}};
  pc_port_poller_add(self);
  pc_lock_drop(&pc_port_lock);
  (void)poll(pollers, 2, -1); /* whatever ends it, things are looked at anew */
  if (pollers[1].revents != 0) {
    pc_linux_wakeup_drain(self->waker.fd);
  }
  pc_lock_take(&pc_port_lock);
  pc_port_poller_remove(self);
}

static void direct_progress(pc_instance *instance, uint32_t events) {
  pc_lock_take(&instance->lock);
  if (events == EPOLLIN) {
    pc_instance_progress_reads(instance);
  } else {
    pc_instance_progress_writes(instance);
  }
  pc_lock_drop(&instance->lock);
}

/* From here on it waits by the port, like the others that pend there. */
static void direct_end(pc_instance *instance, pc_request *request, uint32_t events) {
  pc_lock_take(&instance->lock);
  if (pc_request_status(request) == PC_PENDING) {
    pc_status status = pc_port_want(&instance->source, instance->fd, events);
    if (status == PC_OK) {
      pc_request_entrust(request);
    } else {
      pc_list_remove(events == EPOLLIN ? &instance->reads : &instance->writes, &request->link);
      pc_request_end(request, status);
    }
  }
  pc_lock_drop(&instance->lock);
}

void pc_direct_wait(pc_request *request) {
  pc_alertable *self = pc_thread_self();
  pc_instance *instance = request->instance;
  pc_waiter waiter = {.thread = self};
  pc_lock_take(&pc_port_lock);
  if (request->status != PC_PENDING) {
    pc_lock_drop(&pc_port_lock);
    return; /* the instance may be gone */
  }
  instance->references++;
  pc_list_append(&request->waiters, &waiter.link);
  while (request->status == PC_PENDING && !pc_port_lacks_leader()) {
    direct_sleep(self, request->direct_fd, request->direct_events);
    if (request->status == PC_PENDING) {
      pc_lock_drop(&pc_port_lock);
      direct_progress(instance, request->direct_events);
      pc_lock_take(&pc_port_lock);
    }
  }
  pc_list_remove(&request->waiters, &waiter.link);
  bool is_pending = request->status == PC_PENDING;
  pc_lock_drop(&pc_port_lock);
  if (is_pending) {
    direct_end(instance, request, request->direct_events);
  }
  pc_instance_unreference(instance);
}
