/* The completion form: reads and writes have a completion routine, and the thread waits alertably.
 * Connect and transact have none in Win32 either: an event tells their end, in alertable waits. */
#include "event_operation.h"

static bool has_routine(const low_operation *operation) {
  return operation->kind == OPERATION_READ || operation->kind == OPERATION_WRITE;
}

static void operation_routine(pc_status status, uint32_t bytes, pc_overlapped *overlapped) {
  low_operation *operation = (struct low_operation *)overlapped;
  if (is_issuing()) {
    operation->wrong = "its routine ran inside a call that starts an operation";
  } else if (alertable_depth() == 0) {
    operation->wrong = "its routine ran outside of an alertable wait";
  } else if (operation->issuer != host_thread_self()) {
    operation->wrong = "its routine ran on another thread";
  }
  operation->status = status;
  operation->bytes = bytes;
  operation_told(operation);
  uint32_t recorded = 0;
  if (pc_overlapped_result(overlapped, 0, &recorded) != status || recorded != bytes) {
    operation->wrong = "its record says another result than its routine was told";
  }
  if (operation->on_over) {
    operation->on_over(operation);
  }
}

static pc_status completion_begin(low_operation *operation) {
  if (!has_routine(operation)) {
    return event_operation_begin(operation);
  }
  uint32_t bytes;
  return operation_issue(operation, &operation->overlapped, operation_routine, &bytes);
}

static bool completion_is_over(low_operation *operation) {
  return has_routine(operation) ? atomic_load(&operation->over_count) > 0
                                : event_operation_is_over(operation);
}

static bool completion_wait_any(low_operation *const *operations, uint32_t count, int timeout_ms) {
  pc_event *events[PC_WAIT_EVENTS_MAX];
  uint32_t event_count = 0;
  for (uint32_t index = 0; index < count; index++) {
    if (!has_routine(operations[index])) {
      assert_true(event_count < PC_WAIT_EVENTS_MAX);
      events[event_count++] = operations[index]->event;
    }
  }
  uint64_t deadline = host_clock_ms() + (uint64_t)timeout_ms;
  for (;;) {
    for (uint32_t index = 0; index < count; index++) {
      if (completion_is_over(operations[index])) {
        return true;
      }
    }
    uint64_t now = host_clock_ms();
    uint32_t first;
    int left_ms = now < deadline ? (int)(deadline - now) : 0;
    pc_status status = wait_events(events, event_count, left_ms, true, &first);
    if (status == PC_E_TIMEOUT) {
      return false;
    }
  }
}

static void completion_take(low_operation *operation) {
  if (!has_routine(operation)) {
    event_operation_take(operation);
  } else if (operation->issued != PC_PENDING && operation->issued != operation->status) {
    operation->wrong = "another result than the call answered";
  }
}

static void completion_perform(low_operation *operation) {
  operation->issued = completion_begin(operation);
  if (operation->issued < 0) {
    operation->status = operation->issued;
    return;
  }
  if (!completion_wait_any(&operation, 1, DEADLINE_MS)) {
    fail_msg("its routine did not run within %d ms", DEADLINE_MS);
  }
  completion_take(operation);
}

const low_form form = {.name = "completion",
                       .bit = COMPLETION,
                       .begin = completion_begin,
                       .perform = completion_perform,
                       .wait_any = completion_wait_any,
                       .is_over = completion_is_over,
                       .is_waiting = event_operation_is_waiting,
                       .take = completion_take};
