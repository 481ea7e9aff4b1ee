/* The io_uring backend: its wait and its table. The loop's thread; backend_wake any thread.
 *
 * Success: the submit list becomes submission entries; one call hands them over and waits;
 * completions make operations ready. Failures: the call itself (the turn ends with it). A
 * submission that the kernel has no memory for waits in the ring for the next turn. */
#include "uring.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "../src/check.h"
#include "fifo.h"
#include "system.h"

enum { MS_PER_S = 1000, NS_PER_MS = 1000000 };

/* ---- the submit list ---- */

void pc_uring_list(pc_backend_state *state, uring_source *source) {
  if (!source->is_listed) {
    source->is_listed = true;
    source->next = NULL;
    *(state->submit_last ? &state->submit_last->next : &state->submit_first) = source;
    state->submit_last = source;
  }
}

static uring_source *list_pop(pc_backend_state *state) {
  uring_source *source = state->submit_first;
  state->submit_first = source->next;
  if (!state->submit_first) {
    state->submit_last = NULL;
  }
  source->is_listed = false;
  return source;
}

struct io_uring_sqe *pc_uring_submission(pc_backend_state *state, uring_source *source) {
  struct io_uring_sqe *sqe = io_uring_get_sqe(&state->ring);
  PC_CHECK(sqe != NULL);
  source->in_flight++;
  state->in_flight++;
  return sqe;
}

void pc_uring_tag(struct io_uring_sqe *sqe, uring_source *source, uring_tag tag) {
  io_uring_sqe_set_data64(sqe, (uintptr_t)source | tag);
}

void pc_uring_cancel_tagged(pc_backend_state *state, uring_source *source, uring_tag tag) {
  struct io_uring_sqe *sqe = io_uring_get_sqe(&state->ring);
  PC_CHECK(sqe != NULL);
  io_uring_prep_cancel64(sqe, (uintptr_t)source | tag, IORING_ASYNC_CANCEL_ALL);
  sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
  io_uring_sqe_set_data64(sqe, URING_IGNORED);
}

static void wakeup_start(pc_backend_state *state) {
  struct io_uring_sqe *sqe = pc_uring_submission(state, &state->wakeup);
  io_uring_prep_poll_multishot(sqe, state->wakeup_fd, POLLIN);
  pc_uring_tag(sqe, &state->wakeup, URING_WAKEUP);
}

/* Asked for anew each time, so that what was there before counts. */
static void watches_start(pc_backend_state *state) {
  if (state->watches_source.in_flight == 0) {
    struct io_uring_sqe *sqe = pc_uring_submission(state, &state->watches_source);
    io_uring_prep_poll_add(sqe, state->watches.fd, POLLIN);
    pc_uring_tag(sqe, &state->watches_source, URING_WATCHES);
  }
}

static void source_start(pc_backend_state *state, uring_source *source) {
  switch (source->kind) {
  case URING_OF_WAKEUP:
    wakeup_start(state);
    break;
  case URING_OF_LISTENER:
    pc_uring_listener_start(source);
    break;
  case URING_OF_CHANNEL:
    pc_uring_channel_start(source);
    break;
  case URING_OF_WATCHES:
    watches_start(state);
    break;
  }
}

static void arguments_reuse(pc_backend_state *state) {
  if (io_uring_sq_ready(&state->ring) == 0) {
    state->headers_used = 0;
    state->parts_used = 0;
  }
}

/* Whether the next source can be started; makes room by a call if there is none. */
static bool ring_has_room(pc_backend_state *state) {
  for (int tries = 0; tries < 2; tries++) {
    if (io_uring_sq_space_left(&state->ring) >= URING_SUBMISSIONS_PER_SOURCE &&
        state->headers_used < URING_HEADERS &&
        state->parts_used + PC_LINUX_SEND_SPANS <= URING_PARTS) {
      return true;
    }
    if (tries == 0) {
      (void)io_uring_submit(&state->ring);
      arguments_reuse(state);
    }
  }
  return false;
}

static void backend_submit(pc_backend_state *state, bool waits_next) {
  state->thread_status = pc_uring_ring_adopt(state);
  if (state->thread_status != PC_OK) {
    return; /* which the wait will tell */
  }
  pc_uring_lent_give(state);
  state->has_more_to_submit = pc_uring_groups_feed(state);
  while (state->submit_first && ring_has_room(state)) {
    source_start(state, list_pop(state));
  }
  if (!waits_next && io_uring_sq_ready(&state->ring) > 0) {
    (void)io_uring_submit(&state->ring);
    arguments_reuse(state);
  }
}

/* ---- the wait ---- */

static void completion_take(pc_backend_state *state, const struct io_uring_cqe *cqe) {
  uring_tag tag = (uring_tag)(cqe->user_data & URING_TAG_MASK);
  uring_source *source = (uring_source *)(uintptr_t)(cqe->user_data & ~(uint64_t)URING_TAG_MASK);
  if (tag == URING_IGNORED) {
    return;
  }
  if (!(cqe->flags & IORING_CQE_F_MORE)) {
    source->in_flight--;
    state->in_flight--;
  }
  switch (tag) {
  case URING_WAKEUP:
    /* The eventfd is never read: each write to it wakes those who watch, whatever it counts. */
    if (source->in_flight == 0) {
      pc_uring_list(state, source);
    }
    break;
  case URING_WATCHES:
    if (cqe->res > 0) {
      pc_watch_set_take(&state->watches);
    }
    pc_uring_list(state, source);
    break;
  case URING_ACCEPT:
    pc_uring_listener_complete(source, cqe);
    break;
  default:
    pc_uring_channel_complete(source, tag, cqe);
  }
}

bool pc_uring_completions_take(pc_backend_state *state) {
  struct io_uring_cqe *cqe;
  unsigned head;
  unsigned count = 0;
  io_uring_for_each_cqe(&state->ring, head, cqe) {
    if (count == PC_WAIT_READY_MAX) {
      break; /* the rest is for the next wait, which does not sleep then */
    }
    completion_take(state, cqe);
    count++;
  }
  io_uring_cq_advance(&state->ring, count);
  return count > 0;
}

/* The kernel brings 20 or so completions at a time (Linux 6.13): without more of them, each session
 * of a crowd would be served only every so many turns. */
static void ring_get_more(struct io_uring *ring) {
  for (int tries = PC_WAIT_READY_MAX / 16; tries > 0; tries--) {
    if (!(io_uring_smp_load_acquire(ring->sq.kflags) & IORING_SQ_TASKRUN) ||
        io_uring_cq_ready(ring) >= PC_WAIT_READY_MAX || io_uring_get_events(ring) < 0) {
      return;
    }
  }
}

/* 0 or a negative errno. */
static int ring_enter(pc_backend_state *state, int timeout_ms) {
  struct io_uring *ring = &state->ring;
  if (timeout_ms == 0 || io_uring_cq_ready(ring) > 0) {
    return io_uring_submit_and_get_events(ring);
  }
  struct __kernel_timespec timeout = {.tv_sec = timeout_ms / MS_PER_S,
                                      .tv_nsec = (long long)(timeout_ms % MS_PER_S) * NS_PER_MS};
  struct io_uring_cqe *first;
  return io_uring_submit_and_wait_timeout(ring, &first, 1, timeout_ms < 0 ? NULL : &timeout, NULL);
}

static pc_status backend_wait(pc_backend_state *state, int timeout_ms) {
  if (state->thread_status != PC_OK) {
    return state->thread_status;
  }
  /* Who found no room in the ring, or no buffer, tries again in the next turn, soon. */
  bool is_hurried = state->submit_first || state->has_more_to_submit;
  int result = ring_enter(state, is_hurried ? 0 : timeout_ms);
  arguments_reuse(state);
  switch (result < 0 ? -result : 0) {
  case 0:
  case ETIME:
  case EINTR:
  case EAGAIN: /* no memory, or completions must be taken first */
  case EBUSY:
    break;
  default:
    return pc_linux_status(-result);
  }
  ring_get_more(&state->ring);
  (void)pc_uring_completions_take(state);
  return PC_OK;
}

static void backend_wake(pc_backend_state *state) {
  pc_linux_wakeup_signal(state->wakeup_fd);
}

/* ---- life ---- */

static pc_status backend_create(pc_loop *loop, pc_backend_state **out_state,
                                pc_failure *out_failure) {
  pc_backend_state *state = calloc(1, sizeof *state);
  if (!state) {
    return pc_uring_refuse(out_failure, ENOMEM, "set io_uring up");
  }
  state->loop = loop;
  state->watches = (pc_watch_set){.fd = -1};
  state->watches_source.kind = URING_OF_WATCHES;
  state->message_header = (struct msghdr){.msg_controllen = PC_LINUX_CONTROL_BYTES};
  state->wakeup_fd = pc_linux_wakeup_create();
  pc_status status = state->wakeup_fd >= 0
                         ? pc_uring_ring_open(state, out_failure)
                         : pc_uring_refuse(out_failure, errno, "make an eventfd for io_uring");
  if (status != PC_OK) {
    if (state->wakeup_fd >= 0) {
      close(state->wakeup_fd);
    }
    free(state);
    return status;
  }
  state->wakeup.kind = URING_OF_WAKEUP;
  pc_uring_list(state, &state->wakeup);
  *out_state = state;
  return PC_OK;
}

static void backend_destroy(pc_backend_state *state) {
  pc_uring_lent_give(state);
  pc_uring_ring_close(state);
  pc_watch_set_close(&state->watches);
  close(state->wakeup_fd);
  pc_linux_passing_destroy(state->passing);
  free(state);
}

static uint64_t backend_now_ns(pc_backend_state *state) {
  (void)state;
  return pc_linux_now_ns();
}

extern const pc_backend pc_backend_epoll;

static pc_status fifo_listen(pc_backend_state *state, const pc_listen *listen,
                             pc_listener **out_listener, pc_failure *out_failure) {
  pc_status status = pc_watch_set_open(&state->watches, out_failure);
  if (status != PC_OK) {
    return status;
  }
  pc_uring_list(state, &state->watches_source);
  return pc_fifo_listen(state->loop, &state->watches, listen, out_listener, out_failure);
}

static const pc_backend backend_fifo = PC_FIFO_BACKEND("io_uring", fifo_listen);

const pc_backend pc_backend_uring = {
    .name = "io_uring",
    .instead = &pc_backend_epoll,
    .fifo = &backend_fifo,
    .create = backend_create,
    .destroy = backend_destroy,
    .now_ns = backend_now_ns,
    .wait = backend_wait,
    .wake = backend_wake,
    .submit = backend_submit,
    .leave = pc_uring_ring_leave,
    .listen = pc_uring_listen,
    .accept = pc_uring_accept,
    .unlisten = pc_uring_unlisten,
    .has_waiting = pc_uring_has_waiting,
    .connect = pc_uring_connect,
    .read = pc_uring_read,
    .write = pc_uring_write,
    .end_output = pc_uring_end_output,
    .end_input = pc_uring_end_input,
    .cancel = pc_uring_cancel,
    .close = pc_uring_close,
    .describe = pc_uring_describe,
};
