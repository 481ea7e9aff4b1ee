/* The threads form: every call blocks; what is begun and not waited for has a thread of its own. */
#include "low.h"

static void thread_run(void *user) {
  low_operation *operation = user;
  operation->status = operation_issue(operation, NULL, NULL, &operation->bytes);
  operation_told(operation);
  pc_event_set(operation->event);
}

static pc_status threads_begin(low_operation *operation) {
  assert_int_equal(pc_event_create(false, &operation->event), PC_OK);
  operation->thread = thread_start(thread_run, operation);
  return PC_PENDING;
}

/* No answer but the result: a call that failed is counted as told, too. */
static void threads_perform(low_operation *operation) {
  operation->issued = PC_PENDING;
  operation->status = operation_issue(operation, NULL, NULL, &operation->bytes);
  operation_told(operation);
}

static bool threads_is_over(low_operation *operation) {
  return pc_event_is_set(operation->event);
}

static bool threads_wait_any(low_operation *const *operations, uint32_t count, int timeout_ms) {
  pc_event *events[PC_WAIT_EVENTS_MAX];
  assert_true(count <= PC_WAIT_EVENTS_MAX);
  for (uint32_t index = 0; index < count; index++) {
    events[index] = operations[index]->event;
  }
  uint32_t first;
  return wait_events(events, count, timeout_ms, false, &first) == PC_OK;
}

static bool threads_is_waiting(low_operation *operation) {
  return host_thread_is_waiting(operation->thread);
}

static void threads_take(low_operation *operation) {
  host_thread_join(operation->thread);
  operation->thread = NULL;
  pc_event_reset(operation->event);
}

const low_form form = {.name = "threads",
                       .bit = THREADS,
                       .begin = threads_begin,
                       .perform = threads_perform,
                       .wait_any = threads_wait_any,
                       .is_over = threads_is_over,
                       .is_waiting = threads_is_waiting,
                       .take = threads_take};
