/* Sending from spans, and discarding input. The loop's thread; every call is made with MSG_DONTWAIT, since
 * the sockets of io_uring are blocking ones.
 *
 * Failures: -1 with errno, for the backend to judge. */
#include "transfer.h"

enum {
  DISCARD_BYTES = 16 * 1024,
  DISCARD_READS_MAX = 4096 /* a send buffer of 8 MiB holds so many small messages or fewer */
};

void pc_linux_parts_fill(struct iovec *parts, const pc_span *spans, unsigned count) {
  for (unsigned index = 0; index < count; index++) {
    parts[index] = (struct iovec){.iov_base = (void *)(uintptr_t)spans[index].data,
                                  .iov_len = spans[index].size_bytes};
  }
}

ssize_t pc_linux_stream_send(int fd, pc_linux_batch *batch, const pc_span *spans, unsigned count) {
  pc_linux_parts_fill(batch->parts, spans, count);
  struct msghdr header = {.msg_iov = batch->parts, .msg_iovlen = count};
  return count > 0 ? sendmsg(fd, &header, MSG_NOSIGNAL | MSG_DONTWAIT) : 0;
}

int pc_linux_messages_send(int fd, pc_linux_batch *batch, const pc_span *spans, unsigned count,
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
