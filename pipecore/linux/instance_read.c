/* One attempt to read. The instance's lock is held; nothing here blocks.
 *
 * Success, bytes: one recv. Messages: looked at (MSG_PEEK) into the caller's memory, then taken if
 * that was all of it. What does not fit stays in the kernel, whose peek offset says how far it was
 * read: no buffer of ours, the other end's flush still waits for it, and it costs one more system
 * call of no bytes a message. Failures: a reset is remembered and read over, since it stands before
 * what is still there to be read; an empty message carries credentials (SO_PASSCRED) and the end of
 * the input does not. */
#include <errno.h>
#include <sys/socket.h>

#include "instance_private.h"
#include "system.h"
#include "transfer.h"

enum { RESETS_MAX = 4 /* the kernel tells one; more is an error */ };

pc_status pc_instance_receive(pc_instance *instance, void *data, uint32_t size, int flags,
                              size_t *out_size, bool *out_has_credentials) {
  /* Room for credentials and nothing else; without such, descriptors would find it. */
  _Alignas(struct cmsghdr) uint8_t control[PC_LINUX_CONTROL_BYTES];
  bool is_stream = instance->type == PC_TYPE_BYTE;
  for (int resets = 0; resets <= RESETS_MAX;) {
    struct iovec part = {.iov_base = data, .iov_len = size};
    struct msghdr header = {.msg_iov = &part,
                            .msg_iovlen = 1,
                            .msg_control = is_stream ? NULL : control,
                            .msg_controllen = is_stream ? 0 : sizeof control};
    ssize_t received = recvmsg(instance->fd, &header, flags | MSG_DONTWAIT);
    if (received >= 0) {
      *out_size = (size_t)received;
      *out_has_credentials = header.msg_controllen > 0;
      return PC_OK;
    }
    if (errno == EAGAIN) {
      return PC_PENDING;
    }
    if (errno == ECONNRESET) {
      instance->was_reset = true;
      resets++;
    } else if (errno != EINTR) {
      return pc_linux_status(errno);
    }
  }
  return PC_E_BROKEN;
}

void pc_instance_peek_offset_set(pc_instance *instance, int offset) {
  int result;
  do { /* some kernels take a lock for it, and a signal may end that */
    result = setsockopt(instance->fd, SOL_SOCKET, SO_PEEK_OFF, &offset, sizeof offset);
  } while (result != 0 && errno == EINTR);
  PC_CHECK(result == 0);
}

/* Nothing comes any more. */
static pc_status input_ended(pc_instance *instance) PC_REQUIRES(instance->lock) {
  instance->has_ended = true;
  return PC_E_BROKEN;
}

/* Takes the message that was read to its end. Its credentials are dropped. */
static void message_take(pc_instance *instance) PC_REQUIRES(instance->lock) {
  size_t size = 0;
  bool has_credentials;
  PC_CHECK(pc_instance_receive(instance, NULL, 0, 0, &size, &has_credentials) == PC_OK);
  if (instance->message_offset > 0) {
    pc_instance_peek_offset_set(instance, -1);
    instance->message_offset = 0;
  }
}

/* Up to `size` bytes of the first message, added to `*done`. PC_OK: it is read to its end;
 * PC_MORE_DATA. */
static pc_status message_read(pc_instance *instance, uint8_t *data, uint32_t size, uint32_t *done)
    PC_REQUIRES(instance->lock) {
  size_t left = 0;
  bool has_credentials = false;
  if (instance->message_offset > 0) {
    pc_instance_peek_offset_set(instance, (int)instance->message_offset);
  }
  pc_status status =
      pc_instance_receive(instance, data, size, MSG_PEEK | MSG_TRUNC, &left, &has_credentials);
  if (status != PC_OK) {
    return status;
  }
  if (left == 0 && !has_credentials) {
    return input_ended(instance);
  }
  if (left > size) {
    instance->message_offset += size;
    *done += size;
    return PC_MORE_DATA;
  }
  message_take(instance);
  *done += (uint32_t)left;
  return PC_OK;
}

/* Of as many messages as there are, as if they were one stream. */
static pc_status messages_glue(pc_instance *instance, pc_request *request)
    PC_REQUIRES(instance->lock) {
  for (;;) {
    uint32_t room = request->size - request->done;
    pc_status status = message_read(instance, request->data + request->done, room, &request->done);
    if (status == PC_MORE_DATA) {
      return PC_OK;
    }
    if (status != PC_OK) { /* nothing more, for now or at all */
      return request->done > 0 ? PC_OK : status;
    }
    if (request->done > 0 && request->done == request->size) {
      return PC_OK;
    }
  }
}

static pc_status stream_read(pc_instance *instance, pc_request *request)
    PC_REQUIRES(instance->lock) {
  uint8_t probe;
  bool is_probe = request->size == 0;
  size_t size = 0;
  bool ignored;
  pc_status status =
      is_probe ? pc_instance_receive(instance, &probe, 1, MSG_PEEK, &size, &ignored)
               : pc_instance_receive(instance, request->data, request->size, 0, &size, &ignored);
  if (status == PC_OK && size == 0) {
    return input_ended(instance);
  }
  if (status == PC_OK && !is_probe) {
    request->done = (uint32_t)size;
  }
  return status;
}

pc_status pc_instance_read_once(pc_instance *instance, pc_request *request) {
  if (instance->type == PC_TYPE_BYTE) {
    return stream_read(instance, request);
  }
  if (instance->read_mode == PC_TYPE_MESSAGE) {
    return message_read(instance, request->data, request->size, &request->done);
  }
  return messages_glue(instance, request);
}
