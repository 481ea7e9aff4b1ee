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
  case BR_EVENT_PIPE_ADDED:
    return "pipe_added";
  case BR_EVENT_PIPE_CHANGED:
    return "pipe_changed";
  case BR_EVENT_PIPE_REMOVED:
    return "pipe_removed";
  case BR_EVENT_DROPPED:
    return "dropped";
  case BR_RECORD_RESULT:
  case BR_RECORD_PIPE_REFUSED:
  case BR_RECORD_UNCONNECTED:
  case BR_RECORD_TAKEN:
    break;
  }
  return "";
}

const char *br_close_reason_name(int32_t reason) {
  return reason == BR_CLOSE_REMOVED ? "removed" : pc_close_reason_name((pc_close_reason)reason);
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
