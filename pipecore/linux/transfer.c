/* Sending from spans, receiving into views, and discarding input. The thread that does the
 * channel's I/O; every call is made with MSG_DONTWAIT, since the sockets of io_uring are blocking
 * ones.
 *
 * Failures: a reset while reading is looked over, since a SEQPACKET client's close over unread
 * input puts it before the data that is still there: reading goes on to the end. Writing to a peer
 * that is gone is PC_E_BROKEN. Everything else is told with its status. */
#include "transfer.h"

#include <errno.h>

#include "system.h"

enum {
  RESETS_MAX = 4, /* the kernel tells one; more is an error */
  DISCARD_BYTES = 16 * 1024,
  DISCARD_READS_MAX = 4096 /* a send buffer of 8 MiB holds so many small messages or fewer */
};

void pc_linux_parts_fill(struct iovec *parts, const pc_span *spans, unsigned count) {
  for (unsigned index = 0; index < count; index++) {
    parts[index] = (struct iovec){.iov_base = (void *)(uintptr_t)spans[index].data,
                                  .iov_len = spans[index].size_bytes};
  }
}

/* Bytes taken, or -1 with errno. */
static ssize_t stream_send(int fd, pc_linux_batch *batch, const pc_span *spans, unsigned count) {
  pc_linux_parts_fill(batch->parts, spans, count);
  struct msghdr header = {.msg_iov = batch->parts, .msg_iovlen = count};
  return count > 0 ? sendmsg(fd, &header, MSG_NOSIGNAL | MSG_DONTWAIT) : 0;
}

/* Whole messages taken, or -1 with errno. */
static int messages_send(int fd, pc_linux_batch *batch, const pc_span *spans, unsigned count,
                         size_t *out_bytes) {
  unsigned messages = 0;
  unsigned begin = 0;
  pc_linux_parts_fill(batch->parts, spans, count);
  for (unsigned index = 0; index < count; index++) {
    if (spans[index].is_message_end) {
      batch->headers[messages++].msg_hdr =
          (struct msghdr){.msg_iov = &batch->parts[begin], .msg_iovlen = index + 1 - begin};
      begin = index + 1;
    }
  }
  int sent = sendmmsg(fd, batch->headers, messages, MSG_NOSIGNAL | MSG_DONTWAIT);
  *out_bytes = 0;
  for (int index = 0; index < sent; index++) {
    *out_bytes += batch->headers[index].msg_len;
  }
  return sent;
}

pc_status pc_linux_send(int fd, pc_type type, pc_linux_batch *batch, const pc_span *spans,
                        unsigned count, size_t *out_bytes, uint32_t *out_messages) {
  ssize_t taken;
  size_t bytes = 0;
  do {
    taken = type == PC_TYPE_BYTE ? stream_send(fd, batch, spans, count)
                                 : messages_send(fd, batch, spans, count, &bytes);
  } while (taken < 0 && errno == EINTR);
  if (taken < 0) {
    return pc_linux_status(errno);
  }
  *out_bytes = type == PC_TYPE_BYTE ? (size_t)taken : bytes;
  *out_messages = type == PC_TYPE_BYTE ? 0 : (uint32_t)taken;
  return PC_OK;
}

/* ---- receiving ---- */

/* Bytes of a stream. -1 with errno, or the number of views. */
static int stream_receive(const pc_linux_receiver *receiver, int fd, bool is_little,
                          pc_view *views) {
  size_t limit = is_little ? PC_LINUX_READ_LITTLE_BYTES : PC_LINUX_READ_BYTES;
  ssize_t size = recv(fd, receiver->bytes, limit, MSG_DONTWAIT);
  if (size < 0) {
    return -1;
  }
  views[0] = (pc_view){.data = receiver->bytes,
                       .size_bytes = (uint32_t)size,
                       .is_message_end = true,
                       .is_eof = size == 0};
  return 1;
}

static unsigned messages_prepare(pc_linux_receiver *receiver, uint32_t max_message_bytes,
                                 bool is_little) {
  size_t stride = ((size_t)max_message_bytes + 63) & ~(size_t)63;
  size_t batch = is_little ? 1 : receiver->capacity / stride;
  batch = batch == 0 ? 1 : batch < PC_LINUX_READ_BATCH ? batch : PC_LINUX_READ_BATCH;
  for (size_t index = 0; index < batch; index++) {
    struct iovec *part = &receiver->parts[index];
    *part =
        (struct iovec){.iov_base = receiver->bytes + index * stride, .iov_len = max_message_bytes};
    receiver->headers[index].msg_hdr =
        (struct msghdr){.msg_iov = part,
                        .msg_iovlen = 1,
                        .msg_control = receiver->control[index],
                        .msg_controllen = sizeof receiver->control[index]};
  }
  return (unsigned)batch;
}

/* A batch of messages. -1 with errno, or the number of views. */
static int messages_receive(pc_linux_receiver *receiver, int fd, uint32_t max_message_bytes,
                            bool is_little, pc_view *views) {
  unsigned batch = messages_prepare(receiver, max_message_bytes, is_little);
  /* MSG_TRUNC: msg_len is the message's length, also of one that does not fit. */
  int count = recvmmsg(fd, receiver->headers, batch, MSG_TRUNC | MSG_DONTWAIT, NULL);
  for (int index = 0; index < count; index++) {
    const struct mmsghdr *header = &receiver->headers[index];
    /* A message of no bytes carries credentials (SO_PASSCRED), the end of the input does not. */
    bool is_eof = header->msg_len == 0 && header->msg_hdr.msg_controllen == 0;
    bool is_whole = header->msg_len <= max_message_bytes;
    views[index] = (pc_view){.data = receiver->parts[index].iov_base,
                             .size_bytes = is_whole ? header->msg_len : max_message_bytes,
                             .message_bytes = header->msg_len,
                             .is_message_end = is_whole,
                             .is_eof = is_eof};
    if (is_eof) {
      return index + 1;
    }
  }
  return count;
}

pc_status pc_linux_receive(pc_linux_receiver *receiver, int fd, pc_type type,
                           uint32_t max_message_bytes, bool is_little, pc_view *views,
                           uint32_t *out_count) {
  for (int resets = 0; resets <= RESETS_MAX;) {
    int count = type == PC_TYPE_BYTE
                    ? stream_receive(receiver, fd, is_little, views)
                    : messages_receive(receiver, fd, max_message_bytes, is_little, views);
    if (count > 0) {
      *out_count = (uint32_t)count;
      return PC_OK;
    }
    if (errno == ECONNRESET) {
      resets++;
    } else if (errno != EINTR) {
      return pc_linux_status(errno);
    }
  }
  return PC_E_BROKEN;
}

/* ---- the end ---- */

/* Throws away one message. False: nothing is left. */
static bool message_discard(int fd) {
  _Alignas(struct cmsghdr) uint8_t control[PC_LINUX_CONTROL_BYTES];
  uint8_t first;
  struct iovec part = {.iov_base = &first, .iov_len = sizeof first};
  struct msghdr header = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  ssize_t size = recvmsg(fd, &header, MSG_DONTWAIT);
  return size > 0 || (size == 0 && header.msg_controllen > 0);
}

void pc_linux_input_discard(int fd, pc_type type) {
  uint8_t bytes[DISCARD_BYTES];
  shutdown(fd, SHUT_RDWR); /* the peer cannot send any more, so there is an end to it */
  for (int count = 0; count < DISCARD_READS_MAX; count++) {
    bool has_more = type == PC_TYPE_BYTE ? recv(fd, bytes, sizeof bytes, MSG_DONTWAIT) > 0
                                         : message_discard(fd);
    if (!has_more) {
      return;
    }
  }
}
