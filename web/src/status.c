/* The one table of status texts. Pure; any thread. */
#include "web/status.h"

const char *web_status_text(web_status status) {
  switch (status) {
  case WEB_OK:
    return "done";
  case WEB_FULL:
    return "no room";
  case WEB_CLOSED:
    return "the other side is gone";
  case WEB_E_INVALID_ARG:
    return "invalid argument";
  case WEB_E_IN_USE:
    return "address in use";
  case WEB_E_ACCESS:
    return "access denied";
  case WEB_E_NO_MEMORY:
    return "out of memory";
  case WEB_E_SYSTEM:
    return "system error";
  }
  return "unknown status";
}
