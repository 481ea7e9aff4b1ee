/* How a connect that failed is told of, whoever tried it. Pure; the loop's thread, or whoever has
 * the operation. */
#include "operation.h"

static const char *connect_advice(pc_status status) {
  switch (status) {
  case PC_E_NOT_FOUND:
    return "nobody serves this path: start its server";
  case PC_E_ACCESS:
    return "this user must be allowed to write to the socket and to enter its folder";
  case PC_E_BUSY:
    return "its server accepts no clients just now";
  case PC_E_BAD_MODE:
    return "the server's pipe is of the other mode, byte or message";
  case PC_E_NO_DESCRIPTORS:
    return "raise the limit of open files";
  default:
    return NULL;
  }
}

void pc_connect_fail(pc_connect *connect, pc_failure failure) {
  connect->failure = failure;
  connect->failure.action = failure.action ? failure.action : "connect";
  connect->failure.advice = failure.advice ? failure.advice : connect_advice(failure.status);
  connect->operation.status = failure.status;
}
