/* The overlapped form: an event for each operation, one thread that waits for them. */
#include "event_operation.h"

static bool overlapped_wait_any(low_operation *const *operations, uint32_t count, int timeout_ms) {
  pc_event *events[PC_WAIT_EVENTS_MAX];
  assert_true(count <= PC_WAIT_EVENTS_MAX);
  for (uint32_t index = 0; index < count; index++) {
    events[index] = operations[index]->event;
  }
  uint32_t first;
  return wait_events(events, count, timeout_ms, false, &first) == PC_OK;
}

static void overlapped_perform(low_operation *operation) {
  operation->issued = event_operation_begin(operation);
  operation->status = operation->issued;
  if (operation->issued >= 0) {
    if (!overlapped_wait_any(&operation, 1, DEADLINE_MS)) {
      fail_msg("its event is not set within %d ms", DEADLINE_MS);
    }
    event_operation_take(operation);
  }
}

const low_form form = {.name = "overlapped",
                       .bit = OVERLAPPED,
                       .begin = event_operation_begin,
                       .perform = overlapped_perform,
                       .wait_any = overlapped_wait_any,
                       .is_over = event_operation_is_over,
                       .is_waiting = event_operation_is_waiting,
                       .take = event_operation_take};
