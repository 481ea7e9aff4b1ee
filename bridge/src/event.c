/* Names of events' values. Pure; any thread. */
#include "bridge/event.h"

const char *br_event_kind_name(uint8_t kind) {
  switch ((br_event_kind)kind) {
  case BR_EVENT_OPENED:
    return "opened";
  case BR_EVENT_MESSAGE:
    return "message";
  case BR_EVENT_CLOSED:
    return "closed";
  case BR_EVENT_INJECTED:
    return "injected";
  case BR_EVENT_ERROR:
    return "error";
  case BR_RECORD_RESULT:
    break;
  }
  return "";
}

const char *br_direction_name(uint8_t direction) {
  switch ((br_direction)direction) {
  case BR_DIRECTION_C2S:
    return "c2s";
  case BR_DIRECTION_S2C:
    return "s2c";
  case BR_DIRECTION_NONE:
    break;
  }
  return "none";
}
