/* PeekNamedPipe. Any thread; never blocks.
 *
 * Success: MSG_PEEK copies, FIONREAD tells of all that is there. What an unfinished write of the
 * other end still holds back is not in the kernel, and not seen. Failures: no client; the other end
 * closed and nothing is left. */
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "instance_private.h"
#include "pipecore/instance.h"
#include "system.h"

typedef struct peeked {
  uint32_t bytes;
  uint32_t available;
  uint32_t left;
} peeked;

/* Of one message, or of a stream as far as one call sees. PC_PENDING: nothing there. */
static pc_status first_look(pc_instance *instance, void *data, uint32_t capacity, peeked *out)
    PC_REQUIRES(instance->lock) {
  uint8_t probe;
  size_t size;
  bool has_credentials;
  bool is_stream = instance->type == PC_TYPE_BYTE;
  bool is_probe = is_stream && capacity == 0; /* of a stream, no bytes are no answer */
  pc_status status =
      pc_instance_receive(instance, is_probe ? &probe : data, is_probe ? 1 : capacity,
                          is_stream ? MSG_PEEK : MSG_PEEK | MSG_TRUNC, &size, &has_credentials);
  if (status != PC_OK) {
    return status;
  }
  if (size == 0 && (is_stream || !has_credentials)) {
    return PC_E_BROKEN;
  }
  out->bytes = is_probe ? 0 : size < capacity ? (uint32_t)size : capacity;
  out->left = is_stream ? 0 : (uint32_t)size - out->bytes;
  return PC_OK;
}

/* On a message pipe read as bytes: what follows the first message too. The peek offset goes on by
 * itself. */
static void more_look(pc_instance *instance, uint8_t *data, uint32_t capacity, peeked *out)
    PC_REQUIRES(instance->lock) {
  pc_instance_peek_offset_set(instance, (int)(instance->message_offset + out->bytes));
  while (out->bytes < capacity && out->left == 0) {
    peeked more;
    if (first_look(instance, data + out->bytes, capacity - out->bytes, &more) != PC_OK) {
      break;
    }
    out->bytes += more.bytes;
    out->left = more.left;
  }
}

static pc_status instance_look(pc_instance *instance, uint8_t *data, uint32_t capacity, peeked *out)
    PC_REQUIRES(instance->lock) {
  if (instance->message_offset > 0) {
    pc_instance_peek_offset_set(instance, (int)instance->message_offset);
  }
  pc_status status = first_look(instance, data, capacity, out);
  bool is_glued = instance->type == PC_TYPE_MESSAGE && instance->read_mode == PC_TYPE_BYTE;
  if (status == PC_OK && is_glued && out->left == 0) {
    more_look(instance, data, capacity, out);
    pc_instance_peek_offset_set(instance, -1);
  }
  int queued = 0;
  if (status == PC_OK && ioctl(instance->fd, FIONREAD, &queued) == 0) {
    out->available = (uint32_t)queued - instance->message_offset;
  }
  return status == PC_PENDING ? PC_OK : status;
}

pc_status pc_instance_peek(pc_instance *instance, void *data, uint32_t capacity,
                           uint32_t *out_bytes, uint32_t *out_available_bytes,
                           uint32_t *out_left_bytes) {
  if (instance->pipe && instance->access == PC_ACCESS_OUTBOUND) {
    return PC_E_ACCESS;
  }
  peeked result = {.bytes = 0};
  pc_instance_enter(instance);
  pc_status status = pc_instance_check(instance);
  if (status == PC_OK) {
    status = instance_look(instance, data, capacity, &result);
  }
  pc_lock_drop(&instance->lock);
  if (status == PC_OK) {
    *(out_bytes ? out_bytes : &result.bytes) = result.bytes;
    *(out_available_bytes ? out_available_bytes : &result.available) = result.available;
    *(out_left_bytes ? out_left_bytes : &result.left) = result.left;
  }
  return status;
}
