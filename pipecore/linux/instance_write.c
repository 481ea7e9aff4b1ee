/* One attempt to write, with the instance's lock held; and the end of writing. Nothing here blocks.
 *
 * Success: a message goes whole, by one send; bytes go as far as there is room, and the rest pends.
 * Failures: no room (PC_PENDING); the other end is gone (PC_E_BROKEN); a message that no send
 * buffer holds (PC_E_TOO_BIG). */
#include <errno.h>
#include <sys/socket.h>

#include "instance_private.h"
#include "system.h"

pc_status pc_instance_write_once(pc_instance *instance, pc_request *request) {
  bool is_stream = instance->type == PC_TYPE_BYTE;
  while (!is_stream || request->done < request->size) {
    ssize_t sent = send(instance->fd, request->data + request->done, request->size - request->done,
                        MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) {
      request->done += (uint32_t)sent;
      if (!is_stream) {
        return PC_OK;
      }
    } else if (errno == EAGAIN) {
      return PC_PENDING;
    } else if (errno == ECONNRESET) {
      instance->was_reset = true;
      return PC_E_BROKEN;
    } else if (errno != EINTR) {
      return pc_linux_status(errno);
    }
  }
  return PC_OK;
}

pc_status pc_instance_end_output(pc_instance *instance) {
  pc_instance_enter(instance);
  pc_status status = pc_instance_check(instance);
  if (status == PC_OK && instance->writes.first) {
    status = PC_E_BUSY;
  }
  if (status == PC_OK) {
    shutdown(instance->fd, SHUT_WR); /* fails only of an end that is gone */
  }
  pc_lock_drop(&instance->lock);
  return status;
}
