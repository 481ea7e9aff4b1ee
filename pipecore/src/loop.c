/* pc_loop: an alertable loop. Everything here runs on the thread that runs the loop, but
 * pc_loop_wake, pc_loop_stop, pc_post and pc_loop_turn_count, which are for any thread and touch
 * only the atomics.
 *
 * One turn: the backend waits and marks operations ready → their routines, at most TURN_BUDGET of
 * them → timers that are due → posted routines → the agent → the backend submits what was
 * collected.
 *
 * Failures: the backend's wait (ends the turn and pc_loop_run with its status), no memory for a
 * timer. */
#include "pipecore/loop.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "check.h"
#include "loop_private.h"
#include "posted_stack.h"
#include "thread_annotations.h"
#include "timer_heap.h"

enum {
  /* Routines run in one turn at most, so that timers, posted routines and the agent get theirs. */
  TURN_BUDGET = 2 * PC_WAIT_READY_MAX,
  NS_PER_MS = 1000000
};

struct pc_loop {
  /* fixed at creation */
  const pc_backend *backend;
  pc_backend_state *backend_state;
  pc_failure refusal; /* of the backend that was wished for; PC_OK: it was not refused */
  pc_agent agent;

  /* any thread */
  _Atomic(const void *) owner; /* thread_mark of the thread that runs the loop; NULL: between two */
  atomic_bool is_stopping;
  atomic_bool is_woken; /* a wake-up is on its way; no second one is needed */
  atomic_uint_fast64_t turn_count;
  pc_posted_stack posted;

  /* the loop's thread */
  pc_operation *ready_first PC_GUARDED_BY(pc_loop_thread);
  pc_operation *ready_last PC_GUARDED_BY(pc_loop_thread);
  pc_timer_heap timers PC_GUARDED_BY(pc_loop_thread);
  pc_chunk_pool chunks PC_GUARDED_BY(pc_loop_thread);
  uint64_t now_ns PC_GUARDED_BY(pc_loop_thread);
  unsigned server_count PC_GUARDED_BY(pc_loop_thread);
  bool agent_has_more PC_GUARDED_BY(pc_loop_thread);
  bool is_in_turn PC_GUARDED_BY(pc_loop_thread);
};

/* Its address identifies a thread without a call to the system. */
static _Thread_local char thread_mark;

void pc_loop_check_thread(const pc_loop *loop) {
  const void *owner = atomic_load_explicit(&loop->owner, memory_order_relaxed);
  PC_CHECK(owner == NULL || owner == &thread_mark);
}

const char *pc_strategy_name(pc_strategy strategy) {
  switch (strategy) {
  case PC_STRATEGY_COMPLETION:
    return "completion";
  case PC_STRATEGY_OVERLAPPED:
    return "overlapped";
  case PC_STRATEGY_THREADS:
    return "threads";
  }
  return "unknown";
}

/* ---- life ---- */

pc_status pc_loop_create(const pc_loop_options *options, pc_loop **out_loop) {
  const pc_backend *backend = pc_backend_find(options->strategy, options->backend);
  if (!backend) {
    return PC_E_NOT_SUPPORTED;
  }
  if (options->strategy != PC_STRATEGY_COMPLETION && options->backend != PC_BACKEND_AUTO) {
    return PC_E_INVALID_ARG;
  }
  pc_loop *loop = calloc(1, sizeof *loop);
  if (!loop) {
    return PC_E_NO_MEMORY;
  }
  loop->backend = backend;
  loop->agent = options->agent;
  atomic_init(&loop->owner, &thread_mark);
  pc_loop_check_thread(loop);
  pc_failure failure;
  pc_status status = backend->create(loop, &loop->backend_state, &failure);
  if (status != PC_OK && backend->instead) {
    loop->refusal = failure;
    loop->backend = backend = backend->instead;
    status = backend->create(loop, &loop->backend_state, &failure);
  }
  if (status != PC_OK) {
    free(loop);
    return status;
  }
  loop->now_ns = backend->now_ns(loop->backend_state);
  *out_loop = loop;
  return PC_OK;
}

void pc_loop_destroy(pc_loop *loop) {
  if (!loop) {
    return;
  }
  pc_loop_check_thread(loop);
  PC_CHECK(loop->server_count == 0 && loop->ready_first == NULL);
  loop->backend->destroy(loop->backend_state);
  pc_timer_heap_fini(&loop->timers);
  pc_chunk_pool_fini(&loop->chunks);
  free(loop);
}

void pc_loop_adopt(pc_loop *loop) {
  pc_loop_check_thread(loop);
  loop->server_count++;
}

void pc_loop_disown(pc_loop *loop) {
  pc_loop_check_thread(loop);
  PC_CHECK(loop->server_count > 0);
  loop->server_count--;
}

/* ---- operations ---- */

void pc_operation_init(pc_operation *operation, void (*routine)(pc_operation *operation)) {
  *operation = (pc_operation){.routine = routine, .state = PC_OPERATION_IDLE};
}

void pc_loop_issue(pc_loop *loop, pc_operation *operation, void *target) {
  pc_loop_check_thread(loop);
  PC_CHECK(operation->state == PC_OPERATION_IDLE);
  operation->state = PC_OPERATION_PENDING;
  operation->perform = NULL;
  operation->target = target;
}

PC_REQUIRES(pc_loop_thread) static void ready_push(pc_loop *loop, pc_operation *operation) {
  PC_CHECK(operation->state == PC_OPERATION_PENDING);
  operation->state = PC_OPERATION_READY;
  operation->next = NULL;
  if (loop->ready_last) {
    loop->ready_last->next = operation;
  } else {
    loop->ready_first = operation;
  }
  loop->ready_last = operation;
}

PC_REQUIRES(pc_loop_thread) static pc_operation *ready_pop(pc_loop *loop) {
  pc_operation *operation = loop->ready_first;
  if (operation) {
    loop->ready_first = operation->next;
    if (!loop->ready_first) {
      loop->ready_last = NULL;
    }
  }
  return operation;
}

void pc_loop_complete(pc_loop *loop, pc_operation *operation, pc_status status) {
  pc_loop_check_thread(loop);
  operation->status = status;
  operation->perform = NULL;
  ready_push(loop, operation);
}

void pc_loop_complete_by(pc_loop *loop, pc_operation *operation,
                         bool (*perform)(pc_operation *operation)) {
  pc_loop_check_thread(loop);
  operation->perform = perform;
  ready_push(loop, operation);
}

void pc_loop_abort(pc_loop *loop, pc_operation *operation) {
  pc_loop_check_thread(loop);
  if (operation->state == PC_OPERATION_PENDING) {
    pc_loop_complete(loop, operation, PC_E_ABORTED);
  } else if (operation->state == PC_OPERATION_READY && operation->perform) {
    operation->perform = NULL;
    operation->status = PC_E_ABORTED;
  }
}

void pc_loop_defer(pc_loop *loop, pc_operation *operation) {
  pc_loop_issue(loop, operation, NULL);
  pc_loop_complete(loop, operation, PC_OK);
}

PC_REQUIRES(pc_loop_thread) static void ready_run(pc_loop *loop) {
  for (unsigned count = 0; count < TURN_BUDGET; count++) {
    if (!loop->ready_first) {
      /* What the routines began may be over at once: its completion needs no turn of its own. */
      loop->backend->submit(loop->backend_state, true);
    }
    pc_operation *operation = ready_pop(loop);
    if (!operation) {
      return;
    }
    if (operation->perform && !operation->perform(operation)) {
      operation->state = PC_OPERATION_PENDING;
      operation->perform = NULL;
      continue;
    }
    operation->state = PC_OPERATION_IDLE;
    operation->routine(operation);
  }
}

/* ---- timers ---- */

PC_REQUIRES(pc_loop_thread) static void timers_run(pc_loop *loop) {
  /* Not more than were there: a routine that starts its timer again at once waits for the next
   * turn. */
  for (size_t count = loop->timers.count; count > 0; count--) {
    pc_timer *timer = pc_timer_heap_first(&loop->timers);
    if (!timer || timer->deadline_ns > loop->now_ns) {
      return;
    }
    pc_timer_heap_remove(&loop->timers, timer);
    timer->routine(timer, timer->user);
  }
}

pc_status pc_timer_start(pc_loop *loop, pc_timer *timer, uint64_t delay_ms) {
  pc_loop_check_thread(loop);
  if (timer->index == 0 && !pc_timer_heap_grow(&loop->timers)) {
    return PC_E_NO_MEMORY;
  }
  pc_timer_start_reserved(loop, timer, delay_ms);
  return PC_OK;
}

void pc_timer_stop(pc_loop *loop, pc_timer *timer) {
  pc_loop_check_thread(loop);
  pc_timer_heap_remove(&loop->timers, timer);
}

bool pc_loop_reserve_timers(pc_loop *loop, size_t count) {
  pc_loop_check_thread(loop);
  return pc_timer_heap_reserve(&loop->timers, count);
}

void pc_loop_release_timers(pc_loop *loop, size_t count) {
  pc_loop_check_thread(loop);
  pc_timer_heap_release(&loop->timers, count);
}

void pc_timer_start_reserved(pc_loop *loop, pc_timer *timer, uint64_t delay_ms) {
  pc_loop_check_thread(loop);
  uint64_t room_ms = (UINT64_MAX - loop->now_ns) / NS_PER_MS;
  uint64_t delay_ns = (delay_ms < room_ms ? delay_ms : room_ms) * NS_PER_MS;
  pc_timer_heap_put(&loop->timers, timer, loop->now_ns + delay_ns);
}

/* ---- posted routines ---- */

void pc_post(pc_loop *loop, pc_posted *posted) {
  pc_posted_stack_push(&loop->posted, posted);
  pc_loop_wake(loop);
}

static void posted_run(pc_loop *loop) {
  pc_posted *posted = pc_posted_stack_take(&loop->posted);
  while (posted) {
    pc_posted *next = posted->next; /* the routine may post it again, or free it */
    posted->routine(posted, posted->user);
    posted = next;
  }
}

/* ---- turns ---- */

void pc_loop_wake(pc_loop *loop) {
  /* release: what the caller did before is seen by the turn that clears the flag (turn_wait);
   * acquire is not needed, the caller reads nothing. Sequential consistency is not either: whoever
   * finds the flag set knows that a turn is still to come. */
  if (!atomic_exchange_explicit(&loop->is_woken, true, memory_order_release)) {
    loop->backend->wake(loop->backend_state);
  }
}

void pc_loop_stop(pc_loop *loop) {
  atomic_store_explicit(&loop->is_stopping, true, memory_order_release);
  pc_loop_wake(loop);
}

/* How long the wait may take, given what is to be done already. */
PC_REQUIRES(pc_loop_thread) static int turn_timeout(pc_loop *loop, int timeout_ms) {
  if (loop->ready_first || loop->agent_has_more || !pc_posted_stack_is_empty(&loop->posted)) {
    return 0;
  }
  pc_timer *timer = pc_timer_heap_first(&loop->timers);
  if (!timer || timeout_ms == 0) {
    return timeout_ms;
  }
  uint64_t now_ns = loop->backend->now_ns(loop->backend_state);
  if (timer->deadline_ns <= now_ns) {
    return 0;
  }
  uint64_t left_ns = timer->deadline_ns - now_ns;
  uint64_t left_ms = left_ns / NS_PER_MS + (left_ns % NS_PER_MS != 0); /* never too early */
  return timeout_ms >= 0 && (uint64_t)timeout_ms <= left_ms ? timeout_ms
         : left_ms > INT32_MAX                              ? INT32_MAX
                                                            : (int)left_ms;
}

PC_REQUIRES(pc_loop_thread) static pc_status turn_wait(pc_loop *loop, int timeout_ms) {
  const pc_agent *agent = &loop->agent;
  int wait_ms = turn_timeout(loop, timeout_ms);
  bool is_asleep = false;
  if (wait_ms != 0 && agent->prepare_sleep) {
    is_asleep = agent->prepare_sleep(agent->user);
    wait_ms = is_asleep ? wait_ms : 0;
  }
  pc_status status = loop->backend->wait(loop->backend_state, wait_ms);
  if (is_asleep && agent->awake) {
    agent->awake(agent->user);
  }
  /* acquire: pairs with the release in pc_loop_wake. Cleared before anything is looked at, so that
   * a wake from here on causes another turn. */
  atomic_exchange_explicit(&loop->is_woken, false, memory_order_acquire);
  loop->now_ns = loop->backend->now_ns(loop->backend_state);
  return status;
}

PC_REQUIRES(pc_loop_thread) static pc_status turn_take(pc_loop *loop, int timeout_ms) {
  PC_CHECK(!loop->is_in_turn); /* a turn inside a turn would overwrite the views of the outer one */
  loop->is_in_turn = true;
  loop->backend->submit(loop->backend_state, true);
  pc_status status = turn_wait(loop, timeout_ms);
  atomic_fetch_add_explicit(&loop->turn_count, 1, memory_order_relaxed);
  if (status == PC_OK) {
    ready_run(loop);
    timers_run(loop);
    posted_run(loop);
    loop->agent_has_more = loop->agent.do_work && loop->agent.do_work(loop->agent.user);
  }
  loop->is_in_turn = false;
  return status;
}

pc_status pc_loop_turn(pc_loop *loop, int timeout_ms) {
  pc_loop_check_thread(loop);
  pc_status status = turn_take(loop, timeout_ms);
  loop->backend->submit(loop->backend_state, false);
  return status;
}

pc_status pc_loop_run(pc_loop *loop) {
  atomic_store_explicit(&loop->owner, &thread_mark, memory_order_relaxed);
  pc_loop_check_thread(loop);
  pc_status status = PC_OK;
  /* acquire: pairs with the release in pc_loop_stop */
  while (status == PC_OK &&
         !atomic_exchange_explicit(&loop->is_stopping, false, memory_order_acquire)) {
    status = turn_take(loop, -1);
  }
  loop->backend->submit(loop->backend_state, false);
  if (loop->backend->leave) {
    loop->backend->leave(loop->backend_state);
  }
  atomic_store_explicit(&loop->owner, NULL, memory_order_relaxed);
  return status;
}

uint64_t pc_loop_now_ns(const pc_loop *loop) {
  pc_loop_check_thread(loop);
  return loop->now_ns;
}

uint64_t pc_loop_turn_count(const pc_loop *loop) {
  return atomic_load_explicit(&loop->turn_count, memory_order_relaxed);
}

const char *pc_loop_backend_name(const pc_loop *loop) {
  return loop->backend->name;
}

const pc_failure *pc_loop_refusal(const pc_loop *loop) {
  return loop->refusal.status == PC_OK ? NULL : &loop->refusal;
}

const pc_backend *pc_loop_backend(const pc_loop *loop) {
  return loop->backend;
}

pc_backend_state *pc_loop_backend_state(const pc_loop *loop) {
  return loop->backend_state;
}

pc_chunk_pool *pc_loop_chunks(pc_loop *loop) {
  pc_loop_check_thread(loop);
  return &loop->chunks;
}
