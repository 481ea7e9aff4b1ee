/* The ring itself: made, given to a thread, ended. The loop's thread.
 *
 * Success: the ring is DEFER_TASKRUN, so nothing happens to it but in the wait, and therefore one
 * thread's. It is made disabled, and enabled by the first turn. A thread that leaves the loop
 * cancels what is in flight and takes what came; for the next thread a new ring with the same
 * buffers takes over. Failures: at creation, whatever keeps the system from giving all that we use
 * (Linux 6.1 has it): the loop then takes `instead`. A turn on another thread than the one that has
 * not left: PC_E_WRONG_THREAD. */
#include <errno.h>
#include <stdatomic.h>

#include "system.h"
#include "uring.h"

enum {
  RING_FLAGS = IORING_SETUP_R_DISABLED | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
               IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE,
  LARGE_BYTES = 64 * 1024,
  LEAVE_TRIES = 100,
  STREAM_GROUP_BYTES = 8 * 1024 * 1024
};

/* Never used again, unlike a thread's id or the address of its memory. */
static uint64_t thread_number(void) {
  static atomic_uint_fast64_t last;
  static _Thread_local uint64_t number;
  if (number == 0) {
    number = atomic_fetch_add_explicit(&last, 1, memory_order_relaxed) + 1;
  }
  return number;
}

pc_status pc_uring_refuse(pc_failure *failure, int native, const char *action) {
  const char *advice = NULL;
  switch (native) {
  case EPERM:
  case EACCES:
    advice = "a seccomp filter or the sysctl kernel.io_uring_disabled forbids it";
    break;
  case ENOSYS:
    advice = "this kernel has no io_uring, or a seccomp filter hides it";
    break;
  case EINVAL:
    advice = "it takes Linux 6.1 or newer";
    break;
  case ENOMEM:
    advice = "it takes memory, which the limit of locked memory may deny";
    break;
  default:
    break;
  }
  *failure = (pc_failure){
      .status = pc_linux_status(native), .native = native, .action = action, .advice = advice};
  return failure->status;
}

static int ring_init(struct io_uring *ring) {
  struct io_uring_params params = {.flags = RING_FLAGS, .cq_entries = URING_COMPLETIONS};
  return io_uring_queue_init_params(URING_SUBMISSIONS, ring, &params);
}

pc_status pc_uring_ring_open(pc_backend_state *state, pc_failure *out_failure) {
  int result = ring_init(&state->ring);
  if (result < 0) {
    return pc_uring_refuse(out_failure, -result, "set io_uring up");
  }
  /* A ring that is not enabled yet is told apart from a forbidden call. */
  result = io_uring_get_events(&state->ring);
  if (result != -EBADFD) {
    io_uring_queue_exit(&state->ring);
    return pc_uring_refuse(out_failure, result < 0 ? -result : EINVAL, "enter io_uring");
  }
  state->small_group = pc_uring_group_use(state, URING_SMALL_BYTES, STREAM_GROUP_BYTES);
  state->large_group =
      state->small_group ? pc_uring_group_use(state, LARGE_BYTES, STREAM_GROUP_BYTES) : NULL;
  if (!state->large_group) {
    result = errno;
    pc_uring_ring_close(state);
    return pc_uring_refuse(out_failure, result, "register buffers of io_uring");
  }
  return PC_OK;
}

void pc_uring_ring_close(pc_backend_state *state) {
  io_uring_queue_exit(&state->ring);
  pc_uring_groups_fini(state);
}

static void all_cancel(pc_backend_state *state) {
  struct io_uring_sqe *sqe = io_uring_get_sqe(&state->ring);
  if (sqe) {
    io_uring_prep_cancel64(sqe, 0, IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL);
    io_uring_sqe_set_data64(sqe, URING_IGNORED);
  }
}

void pc_uring_ring_leave(pc_backend_state *state) {
  if (state->thread != thread_number()) {
    return;
  }
  /* The kernel looks at all for each one that it cancels, so it is asked anew only if nothing comes
   * of it. */
  for (int tries = 0; state->in_flight > 0 && tries < LEAVE_TRIES; tries++) {
    all_cancel(state);
    do {
      (void)io_uring_submit_and_get_events(&state->ring);
    } while (pc_uring_completions_take(state));
  }
}

/* Puts a new ring in the place of one that its thread has left. */
static pc_status ring_replace(pc_backend_state *state) {
  if (state->in_flight > 0) {
    return PC_E_WRONG_THREAD;
  }
  struct io_uring ring;
  int result = ring_init(&ring);
  if (result < 0) {
    return pc_linux_status(-result);
  }
  io_uring_queue_exit(&state->ring);
  state->ring = ring;
  for (uring_group *group = state->groups; group; group = group->next) {
    int native = pc_uring_group_enroll(state, group);
    if (native != 0) {
      return pc_linux_status(native);
    }
  }
  return PC_OK;
}

pc_status pc_uring_ring_adopt(pc_backend_state *state) {
  uint64_t thread = thread_number();
  if (state->thread == thread) {
    return PC_OK;
  }
  pc_status status = state->thread == 0 ? PC_OK : ring_replace(state);
  if (status != PC_OK) {
    return status;
  }
  int result =
      io_uring_register((unsigned)state->ring.ring_fd, IORING_REGISTER_ENABLE_RINGS, NULL, 0);
  if (result < 0) {
    return pc_linux_status(-result);
  }
  state->thread = thread;
  return PC_OK;
}
