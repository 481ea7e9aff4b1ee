/* FlushFileBuffers, with a time-out. Blocks.
 *
 * Success: nothing of ours pends and SIOCOUTQ is 0: the other end has read all (looking ahead does
 * not count). No event says so: it is looked again after 1 ms, doubled up to 20, and the waits let
 * others progress. Failures: the other end closed over unread bytes, which the kernel tells by a
 * reset; a disconnect. */
#include <errno.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "instance_private.h"
#include "pipecore/instance.h"
#include "system.h"

/* PC_PENDING: not yet. */
static pc_status flush_look(pc_instance *instance) PC_REQUIRES(instance->lock) {
  pc_instance_progress_writes(instance);
  int queued = 0;
  if (instance->writes.first) {
    return PC_PENDING;
  }
  if (ioctl(instance->fd, SIOCOUTQ, &queued) != 0) {
    return pc_linux_status(errno);
  }
  if (queued > 0) {
    return PC_PENDING;
  }
  int native = 0;
  socklen_t size = sizeof native;
  if (getsockopt(instance->fd, SOL_SOCKET, SO_ERROR, &native, &size) == 0 && native == ECONNRESET) {
    instance->was_reset = true;
  }
  return instance->was_reset ? PC_E_BROKEN : PC_OK;
}

/* How it is at the begin: nothing to wait for without another end. */
static pc_status flush_begin(pc_instance *instance) PC_REQUIRES(instance->lock) {
  switch (pc_instance_state_now(instance)) {
  case PC_INSTANCE_CONNECTED:
    return flush_look(instance);
  case PC_INSTANCE_DISCONNECTED:
    return instance->pipe ? PC_OK : PC_E_NOT_CONNECTED;
  default:
    return PC_OK;
  }
}

pc_status pc_instance_flush(pc_instance *instance, int timeout_ms) {
  if (pc_thread_is_in_routine()) {
    return PC_E_WOULD_DEADLOCK;
  }
  uint64_t deadline_ns = pc_port_deadline_ns(timeout_ms);
  pc_instance_enter(instance);
  pc_status status = flush_begin(instance);
  pc_pause pause = {.deadline_ns = deadline_ns};
  while (status == PC_PENDING) {
    pc_lock_drop(&instance->lock);
    status = pc_port_pause(&pause) ? PC_PENDING : PC_E_TIMEOUT;
    pc_lock_take(&instance->lock);
    pc_status check = pc_instance_check(instance);
    status = check != PC_OK         ? PC_E_NOT_CONNECTED
             : status == PC_PENDING ? flush_look(instance)
                                    : status;
  }
  pc_lock_drop(&instance->lock);
  return status;
}
