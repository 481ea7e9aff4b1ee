/* Names of events' kinds. Pure; any thread. */
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
  case BR_RECORD_ALIVE:
    break;
  }
  return "";
}
