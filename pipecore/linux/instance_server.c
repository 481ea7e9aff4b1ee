/* ConnectNamedPipe and DisconnectNamedPipe. Any thread.
 *
 * Success: a client that came first is success at once; else the request pends until the pipe gives
 * the instance one (pipe.c). Failures: a client's end; no descriptors for the client. */
#include "instance_private.h"
#include "pipecore/instance.h"

void pc_instance_connect_fail(pc_instance *instance, pc_status status) {
  pc_lock_take(&instance->lock);
  pc_instance_end_all(&instance->connects, status);
  pc_lock_drop(&instance->lock);
}

/* The instance's lock is held; PC_OK, or why there is no client to be had. */
static pc_status client_present(pc_instance *instance) PC_REQUIRES(instance->lock) {
  /* One that no connect has told of yet is told of now, be it gone already: its bytes may be
   * there. */
  if (instance->is_presented && pc_instance_state_now(instance) == PC_INSTANCE_CLOSING) {
    return PC_E_BROKEN;
  }
  instance->is_presented = true;
  return PC_OK;
}

static pc_status connect_issue(pc_instance *instance, pc_request *request) {
  pc_lock_take(&instance->lock);
  pc_instance_state state = instance->state;
  pc_status status = PC_PENDING;
  if (state == PC_INSTANCE_CONNECTED) {
    status = client_present(instance);
    if (status == PC_OK) {
      pc_request_end(request, PC_OK);
    }
  } else {
    instance->state = PC_INSTANCE_LISTENING;
    pc_request_pend(request, &instance->connects);
  }
  pc_lock_drop(&instance->lock);
  if (state == PC_INSTANCE_CONNECTED) {
    return status;
  }
  /* Either takes a client that is there already. */
  if (state == PC_INSTANCE_DISCONNECTED) {
    pc_pipe_listen(instance->pipe, instance);
  } else {
    pc_pipe_accept(instance->pipe);
  }
  return pc_request_status(request) == PC_OK ? PC_OK : PC_PENDING;
}

pc_status pc_instance_connect(pc_instance *instance, pc_overlapped *overlapped) {
  if (!instance->pipe) {
    return PC_E_INVALID_ARG;
  }
  if (!overlapped && pc_thread_is_in_routine()) {
    return PC_E_WOULD_DEADLOCK;
  }
  pc_overlapped own = {.event = NULL};
  pc_overlapped *record = overlapped ? overlapped : &own;
  pc_status status = pc_request_begin(record, instance, NULL, 0);
  if (status != PC_OK) {
    return status;
  }
  status = connect_issue(instance, pc_request_of(record));
  if (status == PC_PENDING && !overlapped) {
    uint32_t ignored;
    status = pc_request_wait(pc_request_of(record), UINT64_MAX, &ignored);
  }
  return status;
}

pc_status pc_instance_disconnect(pc_instance *instance) {
  if (!instance->pipe) {
    return PC_E_INVALID_ARG;
  }
  pc_instance_enter(instance);
  pc_status status = pc_instance_check(instance);
  if (status == PC_OK) {
    pc_instance_detach(instance, PC_E_NOT_CONNECTED);
  }
  pc_lock_drop(&instance->lock);
  return status;
}
