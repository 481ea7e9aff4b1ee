/* Operations whose end an event tells: of the overlapped form all, of the completion form those
 * that have no
 * *_ex call. */
#include "event_operation.h"

pc_status event_operation_begin(low_operation *operation) {
  /* Set, so that it shows whether the start of an operation resets it; not set, whether its end
   * sets it. */
  static atomic_uint count;
  assert_int_equal(pc_event_create(atomic_fetch_add(&count, 1) % 2 == 0, &operation->event), PC_OK);
  operation->overlapped.event = operation->event;
  uint32_t bytes;
  pc_status issued = operation_issue(operation, &operation->overlapped, NULL, &bytes);
  if (issued < 0) {
    pc_event_reset(operation->event); /* it may be left as it was; it is not set now */
  } else if (issued != PC_PENDING && !pc_event_is_set(operation->event)) {
    operation->wrong = "over at once, and its event is not set";
  }
  return issued;
}

bool event_operation_is_over(low_operation *operation) {
  bool is_over = pc_event_is_set(operation->event);
  if (is_over && pc_overlapped_status(&operation->overlapped) == PC_PENDING) {
    operation->wrong = "its event is set, and its record says pending";
  }
  return is_over;
}

bool event_operation_is_waiting(low_operation *operation) {
  (void)operation;
  return true;
}

void event_operation_take(low_operation *operation) {
  operation->status = pc_overlapped_result(&operation->overlapped, 0, &operation->bytes);
  if (operation->issued != PC_PENDING && operation->issued != operation->status) {
    operation->wrong = "another result than the call answered";
  }
  pc_event_reset(operation->event);
  operation_told(operation);
}
