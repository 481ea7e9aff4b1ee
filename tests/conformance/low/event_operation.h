/* An operation whose end an event tells. */
#ifndef TESTS_CONFORMANCE_LOW_EVENT_OPERATION_H
#define TESTS_CONFORMANCE_LOW_EVENT_OPERATION_H

#include "low.h"

/* Begins it; checks what the event says right after. */
pc_status event_operation_begin(low_operation *operation);
bool event_operation_is_over(low_operation *operation);
/* Begun is begun. */
bool event_operation_is_waiting(low_operation *operation);
void event_operation_take(low_operation *operation);

#endif
