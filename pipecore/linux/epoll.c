/* The epoll backend: its wait and its table. The loop's thread; pc_linux_wakeup_signal any thread.
 *
 * Success: level-triggered readiness makes pending operations ready; the I/O itself happens when an
 * operation's turn on the ready list comes (epoll_channel.c, epoll_listener.c).
 * Failures: epoll_wait itself (the turn ends with it); no memory to register (the operation ends
 * with it). */
#include "epoll.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "../src/check.h"
#include "fifo.h"
#include "system.h"

static pc_status backend_control(pc_backend_state *state, epoll_source *source, int action,
                                 uint32_t interest) {
  struct epoll_event event = {.events = interest, .data.ptr = source};
  return epoll_ctl(state->fd, action, source->fd, &event) == 0 ? PC_OK : pc_linux_status(errno);
}

pc_status pc_epoll_want(pc_backend_state *state, epoll_source *source, uint32_t events) {
  uint32_t interest = source->interest | events;
  if (source->is_registered && interest == source->interest) {
    return PC_OK;
  }
  pc_status status = backend_control(
      state, source, source->is_registered ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, interest);
  if (status == PC_OK) {
    source->is_registered = true;
    source->interest = interest;
  }
  return status;
}

void pc_epoll_drop(pc_backend_state *state, epoll_source *source, uint32_t events) {
  uint32_t interest = source->interest & ~events;
  if (source->is_registered && interest != source->interest) {
    PC_CHECK(backend_control(state, source, EPOLL_CTL_MOD, interest) == PC_OK);
    source->interest = interest;
  }
}

void pc_epoll_forget(pc_backend_state *state, epoll_source *source) {
  if (source->is_registered) {
    PC_CHECK(backend_control(state, source, EPOLL_CTL_DEL, 0) == PC_OK);
    source->is_registered = false;
    source->interest = 0;
  }
}

bool pc_epoll_scratch_ensure(pc_backend_state *state, size_t size) {
  if (size <= state->scratch.capacity) {
    return true;
  }
  /* Pages that no read ever touches are never given by the system. */
  uint8_t *scratch = malloc(size);
  if (!scratch) {
    return false;
  }
  if (state->retired_scratch) {
    free(state->scratch.bytes); /* two in one turn: only the oldest can be looked at */
  } else {
    state->retired_scratch = state->scratch.bytes;
  }
  state->scratch.bytes = scratch;
  state->scratch.capacity = size;
  return true;
}

bool pc_epoll_scratch_reserve(pc_backend_state *state, pc_type type, uint32_t max_message_bytes,
                              bool is_passing) {
  if (is_passing) {
    return pc_linux_passing_ensure(&state->passing);
  }
  size_t size = PC_LINUX_READ_BYTES;
  if (type == PC_TYPE_MESSAGE) {
    size = max_message_bytes > EPOLL_MESSAGE_SCRATCH_BYTES ? max_message_bytes
                                                           : EPOLL_MESSAGE_SCRATCH_BYTES;
  }
  return pc_epoll_scratch_ensure(state, size);
}

static pc_status backend_create(pc_loop *loop, pc_backend_state **out_state,
                                pc_failure *out_failure) {
  pc_backend_state *state = calloc(1, sizeof *state);
  if (!state) {
    *out_failure = (pc_failure){.status = PC_E_NO_MEMORY, .action = "make the loop"};
    return PC_E_NO_MEMORY;
  }
  pc_status status = PC_E_NO_MEMORY;
  int native = 0;
  state->loop = loop;
  state->watches = (pc_watch_set){.fd = -1};
  state->watches_source = (epoll_source){.kind = EPOLL_WATCHES, .fd = -1};
  if (!pc_epoll_scratch_ensure(state, PC_LINUX_READ_BYTES)) {
    goto fail;
  }
  state->fd = epoll_create1(EPOLL_CLOEXEC);
  if (state->fd < 0) {
    native = errno;
    status = pc_linux_status(native);
    goto fail_scratch;
  }
  state->wakeup = (epoll_source){.kind = EPOLL_WAKEUP, .fd = pc_linux_wakeup_create()};
  if (state->wakeup.fd < 0) {
    native = errno;
    status = pc_linux_status(native);
    goto fail_epoll;
  }
  /* By edges: each wake-up is one, so that nobody need read the counter. */
  status = pc_epoll_want(state, &state->wakeup, EPOLLIN | EPOLLET);
  if (status != PC_OK) {
    goto fail_wakeup;
  }
  *out_state = state;
  return PC_OK;

fail_wakeup:
  close(state->wakeup.fd);
fail_epoll:
  close(state->fd);
fail_scratch:
  free(state->scratch.bytes);
fail:
  free(state);
  *out_failure = (pc_failure){.status = status, .native = native, .action = "make the loop"};
  return status;
}

static void backend_destroy(pc_backend_state *state) {
  pc_watch_set_close(&state->watches);
  close(state->wakeup.fd);
  close(state->fd);
  pc_linux_passing_destroy(state->passing);
  free(state->retired_scratch);
  free(state->scratch.bytes);
  free(state);
}

static uint64_t backend_now_ns(pc_backend_state *state) {
  (void)state;
  return pc_linux_now_ns();
}

static pc_status backend_wait(pc_backend_state *state, int timeout_ms) {
  free(state->retired_scratch);
  state->retired_scratch = NULL;
  int count = epoll_wait(state->fd, state->events, EPOLL_EVENTS, timeout_ms);
  if (count < 0) {
    return errno == EINTR ? PC_OK : pc_linux_status(errno);
  }
  /* No routine runs in this loop, so no source goes away under an event that is still to be looked
   * at. */
  for (int index = 0; index < count; index++) {
    epoll_source *source = state->events[index].data.ptr;
    switch (source->kind) {
    case EPOLL_WAKEUP:
      break;
    case EPOLL_LISTENER:
      pc_epoll_listener_event(state, source);
      break;
    case EPOLL_CHANNEL:
      pc_epoll_channel_event(state, source, state->events[index].events);
      break;
    case EPOLL_WATCHES:
      pc_watch_set_take(&state->watches);
      break;
    }
  }
  return PC_OK;
}

static void backend_wake(pc_backend_state *state) {
  pc_linux_wakeup_signal(state->wakeup.fd);
}

static pc_status fifo_listen(pc_backend_state *state, const pc_listen *listen,
                             pc_listener **out_listener, pc_failure *out_failure) {
  pc_status status = pc_watch_set_open(&state->watches, out_failure);
  if (status == PC_OK) {
    state->watches_source.fd = state->watches.fd;
    status = pc_epoll_want(state, &state->watches_source, EPOLLIN);
  }
  if (status != PC_OK) {
    out_failure->status = status;
    return status;
  }
  return pc_fifo_listen(state->loop, &state->watches, listen, out_listener, out_failure);
}

static const pc_backend backend_fifo = PC_FIFO_BACKEND("epoll", fifo_listen);

const pc_backend pc_backend_epoll = {
    .name = "epoll",
    .fifo = &backend_fifo,
    .create = backend_create,
    .destroy = backend_destroy,
    .now_ns = backend_now_ns,
    .wait = backend_wait,
    .wake = backend_wake,
    .submit = pc_epoll_submit,
    .listen = pc_epoll_listen,
    .accept = pc_epoll_accept,
    .unlisten = pc_epoll_unlisten,
    .has_waiting = pc_epoll_has_waiting,
    .connect = pc_epoll_connect,
    .read = pc_epoll_read,
    .write = pc_epoll_write,
    .end_output = pc_epoll_end_output,
    .end_input = pc_epoll_end_input,
    .cancel = pc_epoll_cancel,
    .close = pc_epoll_close,
    .describe = pc_epoll_describe,
};
