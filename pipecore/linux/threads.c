/* The threads backend: its wait and its table. The loop's thread; backend_wake and
 * pc_threads_answer any thread.
 *
 * Success: the answers of the instances' threads make pending operations ready; the loop sleeps on
 * one eventfd when there are none. Failures: poll itself (the turn ends with it). */
#include "threads.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "fifo.h"
#include "system.h"

/* ---- asking and answering ---- */

void pc_threads_ask(threads_instance *instance, threads_ask ask) {
  pc_backend_state *state = instance->state;
  instance->asks |= (unsigned)ask;
  if (!instance->is_listed) {
    instance->is_listed = true;
    instance->next = NULL;
    *(state->submit_last ? &state->submit_last->next : &state->submit_first) = instance;
    state->submit_last = instance;
  }
}

static void instance_submit(threads_instance *instance) {
  unsigned asks = instance->asks;
  instance->asks = 0;
  instance->is_listed = false;
  if (asks & THREADS_WRITE) {
    pc_threads_write_gather(instance);
    /* One for the write before, which was done already. */
    atomic_fetch_and_explicit(&instance->asked, ~(unsigned)THREADS_CANCEL_WRITE,
                              memory_order_relaxed);
  }
  /* release: pairs with the acquire in asked_take (threads_instance.c), which reads what is asked
   * for */
  unsigned before = atomic_fetch_or_explicit(&instance->asked, asks, memory_order_release);
  if (before == THREADS_IS_ASLEEP) { /* and nobody has woken it yet */
    pc_linux_wakeup_signal(instance->wakeup_fd);
  }
}

static void backend_submit(pc_backend_state *state, bool waits_next) {
  (void)waits_next;
  while (state->submit_first) {
    threads_instance *instance = state->submit_first;
    state->submit_first = instance->next;
    instance_submit(instance);
  }
  state->submit_last = NULL;
}

void pc_threads_answer(threads_instance *instance, pc_posted *done) {
  pc_posted_stack_push(&instance->state->done, done);
}

/* ---- the wait ---- */

static pc_status wakeup_wait(pc_backend_state *state, int timeout_ms) {
  /* A descriptor of -1 is looked over. */
  struct pollfd pollers[] = {{.fd = state->wakeup_fd, .events = POLLIN},
                             {.fd = state->watches.fd, .events = POLLIN}};
  int count = poll(pollers, 2, timeout_ms);
  if (count > 0 && pollers[0].revents != 0) {
    pc_linux_wakeup_drain(state->wakeup_fd);
  }
  if (count > 0 && pollers[1].revents != 0) {
    pc_watch_set_take(&state->watches);
  }
  return count >= 0 || errno == EINTR ? PC_OK : pc_linux_status(errno);
}

static pc_posted *done_pop(pc_backend_state *state) {
  if (!state->taken) {
    state->taken = pc_posted_stack_take(&state->done);
  }
  pc_posted *done = state->taken;
  if (done) {
    state->taken = done->next;
  }
  return done;
}

static pc_status backend_wait(pc_backend_state *state, int timeout_ms) {
  /* Who answers pushes first and wakes then, so what this does not see comes with a wake-up. */
  if (!state->taken && pc_posted_stack_is_empty(&state->done)) {
    pc_status status = wakeup_wait(state, timeout_ms);
    if (status != PC_OK) {
      return status;
    }
  } else if (state->watches.fd >= 0) {
    pc_watch_set_take(&state->watches);
  }
  for (int count = 0; count < PC_WAIT_READY_MAX; count++) {
    pc_posted *done = done_pop(state);
    if (!done) {
      break;
    }
    done->routine(done, done->user);
  }
  return PC_OK;
}

/* ---- the table ---- */

static pc_status backend_create(pc_loop *loop, pc_backend_state **out_state,
                                pc_failure *out_failure) {
  *out_failure = (pc_failure){.status = PC_E_NO_MEMORY, .action = "make the loop"};
  pc_backend_state *state = calloc(1, sizeof *state);
  if (!state) {
    return out_failure->status;
  }
  state->loop = loop;
  state->watches = (pc_watch_set){.fd = -1};
  state->wakeup_fd = pc_linux_wakeup_create();
  if (state->wakeup_fd < 0) {
    out_failure->native = errno;
    out_failure->status = pc_linux_status(errno);
    free(state);
    return out_failure->status;
  }
  *out_state = state;
  return PC_OK;
}

static void backend_destroy(pc_backend_state *state) {
  pc_watch_set_close(&state->watches);
  close(state->wakeup_fd);
  free(state);
}

static uint64_t backend_now_ns(pc_backend_state *state) {
  (void)state;
  return pc_linux_now_ns();
}

static void backend_wake(pc_backend_state *state) {
  pc_linux_wakeup_signal(state->wakeup_fd);
}

static pc_status fifo_listen(pc_backend_state *state, const pc_listen *listen,
                             pc_listener **out_listener, pc_failure *out_failure) {
  pc_status status = pc_watch_set_open(&state->watches, out_failure);
  return status == PC_OK
             ? pc_fifo_listen(state->loop, &state->watches, listen, out_listener, out_failure)
             : status;
}

static const pc_backend backend_fifo = PC_FIFO_BACKEND("threads", fifo_listen);

const pc_backend pc_backend_threads = {
    .name = "threads",
    .fifo = &backend_fifo,
    .create = backend_create,
    .destroy = backend_destroy,
    .now_ns = backend_now_ns,
    .wait = backend_wait,
    .wake = backend_wake,
    .submit = backend_submit,
    .listen = pc_threads_listen,
    .accept = pc_threads_accept,
    .unlisten = pc_threads_unlisten,
    .has_waiting = pc_threads_has_waiting,
    .connect = pc_threads_connect,
    .read = pc_threads_read,
    .write = pc_threads_write,
    .end_output = pc_threads_end_output,
    .cancel = pc_threads_cancel,
    .close = pc_threads_close,
    .describe = pc_threads_describe,
};
