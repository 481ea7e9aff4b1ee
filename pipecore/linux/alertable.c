/* Threads and their routines. Routines run on their own thread only, with no lock held.
 *
 * Success: what is due is posted to a queue of the thread, an alertable wait runs it. A thread that
 * leaves or ends cancels what is still pending for it. Failures: no memory to watch for the
 * thread's end (the call that would need it does not start). */
#include <errno.h>
#include <stdlib.h>

#include "port.h"
#include "request.h"

static _Thread_local pc_alertable thread_self = {.condition = PTHREAD_COND_INITIALIZER};

static pthread_once_t thread_key_once = PTHREAD_ONCE_INIT;
static pthread_key_t thread_key;
static int thread_key_error;

pc_alertable *pc_thread_self(void) {
  return &thread_self;
}

bool pc_thread_is_in_routine(void) {
  return thread_self.routine_depth > 0;
}

static void thread_forget(pc_alertable *self) {
  pc_requests_cancel(self);
  pc_lock_take(&pc_port_lock);
  self->due_first = NULL;
  self->due_last = NULL;
  self->due_count = 0;
  pc_lock_drop(&pc_port_lock);
  pc_thread_waker_close(self);
}

static void thread_end(void *thread) {
  thread_forget(thread);
}

static void thread_key_make(void) {
  thread_key_error = pthread_key_create(&thread_key, thread_end);
}

pc_status pc_thread_know(pc_alertable **out_thread) {
  pc_alertable *self = &thread_self;
  if (!self->is_known) {
    pthread_once(&thread_key_once, thread_key_make);
    if (thread_key_error != 0 || pthread_setspecific(thread_key, self) != 0) {
      return PC_E_NO_MEMORY;
    }
    self->is_known = true;
  }
  *out_thread = self;
  return PC_OK;
}

void pc_thread_post(pc_alertable *thread, pc_posted *posted) {
  posted->next = NULL;
  *(thread->due_last ? &thread->due_last->next : &thread->due_first) = posted;
  thread->due_last = posted;
  thread->due_count++;
  pc_thread_wake(thread);
}

/* Those that are due now, and not what they make due: else an echo that is always answered at once
 * would never let the wait return. A wait inside a routine takes from the same queue. */
void pc_thread_run_due(pc_alertable *self) {
  for (uint32_t left = self->due_count; left > 0 && self->due_first; left--) {
    pc_posted *posted = self->due_first;
    self->due_first = posted->next;
    if (!self->due_first) {
      self->due_last = NULL;
    }
    self->due_count--;
    self->routine_depth++;
    pc_lock_drop(&pc_port_lock);
    posted->routine(posted, posted->user);
    pc_lock_take(&pc_port_lock);
    self->routine_depth--;
  }
}

pc_status pc_alertable_self(pc_alertable **out_alertable) {
  return pc_thread_know(out_alertable);
}

void pc_alertable_post(pc_alertable *alertable, pc_posted *posted) {
  pc_lock_take(&pc_port_lock);
  pc_thread_post(alertable, posted);
  pc_lock_drop(&pc_port_lock);
}

void pc_alertable_leave(void) {
  pc_alertable *self = &thread_self;
  PC_CHECK(self->routine_depth == 0);
  if (!self->is_known) {
    return;
  }
  pc_requests_cancel(self);
  pc_lock_take(&pc_port_lock);
  pc_thread_run_due(self);
  pc_lock_drop(&pc_port_lock);
  thread_forget(self); /* of what its last routines began, nothing stays */
  (void)pthread_setspecific(thread_key, NULL);
  self->is_known = false;
}
