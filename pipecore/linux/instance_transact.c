/* TransactNamedPipe and CallNamedPipe. Any thread.
 *
 * Success: the request is written, or waits its turn to be; then it is a read (instance_io.c).
 * Failures: not a message pipe read by messages; something unread is there, which would be taken
 * for the reply. */
#include <sys/socket.h>

#include "instance_private.h"
#include "pipecore/instance.h"

static bool instance_has_input(pc_instance *instance) PC_REQUIRES(instance->lock) {
  uint8_t probe;
  size_t size;
  bool has_credentials;
  if (instance->message_offset > 0) {
    return true;
  }
  pc_status status =
      pc_instance_receive(instance, &probe, sizeof probe, MSG_PEEK, &size, &has_credentials);
  return status == PC_OK && (size > 0 || has_credentials);
}

static pc_status transaction_issue(pc_instance *instance, pc_request *request)
    PC_REQUIRES(instance->lock) {
  if (instance->type != PC_TYPE_MESSAGE || instance->read_mode != PC_TYPE_MESSAGE) {
    return PC_E_BAD_MODE;
  }
  if (instance->reads.first || instance_has_input(instance)) {
    return PC_E_BUSY;
  }
  return pc_instance_issue_write(instance, request);
}

pc_status pc_instance_transact(pc_instance *instance, const void *request, uint32_t request_bytes,
                               void *reply, uint32_t capacity, uint32_t *out_bytes,
                               pc_overlapped *overlapped) {
  if (!overlapped && pc_thread_is_in_routine()) {
    return PC_E_WOULD_DEADLOCK;
  }
  if (instance->pipe && instance->access != PC_ACCESS_DUPLEX) {
    return PC_E_ACCESS;
  }
  if (request_bytes > instance->max_message_bytes) {
    return PC_E_TOO_BIG;
  }
  pc_overlapped own = {.event = NULL};
  pc_overlapped *record = overlapped ? overlapped : &own;
  pc_status status = pc_request_begin(record, instance, (void *)(uintptr_t)request, request_bytes);
  if (status != PC_OK) {
    return status;
  }
  pc_request *own_request = pc_request_of(record);
  own_request->is_transaction = true;
  own_request->reply = reply;
  own_request->reply_capacity = capacity;
  return pc_instance_run(own_request, !overlapped, out_bytes, transaction_issue);
}

pc_status pc_instance_call(const char *path, const void *request, uint32_t request_bytes,
                           void *reply, uint32_t capacity, int timeout_ms, uint32_t *out_bytes) {
  pc_instance *instance;
  pc_status status = pc_instance_open(path, PC_TYPE_MESSAGE, timeout_ms, &instance);
  if (status == PC_OK) {
    status =
        pc_instance_transact(instance, request, request_bytes, reply, capacity, out_bytes, NULL);
    pc_instance_close(instance);
  }
  return status;
}
