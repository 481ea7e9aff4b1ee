/* I/O for channels that pass on what they read. The loop's thread; every call with MSG_DONTWAIT.
 *
 * Reading, message type: one recvmsg for each message, with its descriptors, into memory that holds
 * the largest that an ordinary program can send. Byte type: a reader gets descriptors with the read
 * that reaches the first byte that they were sent with, and a read may begin long before that byte;
 * who reads in other steps than the one for whom they were sent must not move them. So it is asked
 * first whether any are there (a peek without room for them says MSG_CTRUNC, and gives none), and
 * only then walked up to that byte. Writing: a message with descriptors goes out alone. Failures:
 * as of recvmsg; resets are looked over, as in the backends. Descriptors that find no room are
 * lost, and counted; so is a message that no send buffer can be had for (PC_E_TOO_BIG). */
#include "passing.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/sockios.h>

#include "../src/check.h"
#include "descriptors.h"
#include "endpoint.h"
#include "system.h"

enum {
  VIEWS = 16,
  RESETS_MAX = 4,
  /* Bytes before descriptors that are walked singly, at most; those before, all at once. */
  WALK_BYTES = 4096,
  MESSAGE_OVERHEAD_BYTES = 32, /* of a send buffer, beside a message's bytes (measured) */
  MESSAGE_MIN_BYTES = 64 * 1024,
  MESSAGE_MAX_BYTES = 64 * 1024 * 1024,
  CONTROL_BYTES = PC_LINUX_RIGHTS_BYTES + CMSG_SPACE(sizeof(struct ucred))
};

struct pc_linux_passing {
  uint8_t *scratch; /* pages come with use */
  size_t scratch_bytes;
  size_t message_bytes; /* largest message */
  bool sees_behind;     /* a peek of no bytes tells of descriptors in the whole queue */
  pc_view views[VIEWS];
  _Alignas(struct cmsghdr) uint8_t control[CONTROL_BYTES];
};

/* ---- what the system does ---- */

static ssize_t fd_peek(int fd, void *data, size_t size, bool *out_has_rights) {
  struct iovec part = {.iov_base = data, .iov_len = size};
  struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
  ssize_t found = recvmsg(fd, &header, MSG_PEEK | MSG_DONTWAIT);
  *out_has_rights = found >= 0 && (header.msg_flags & MSG_CTRUNC);
  return found;
}

/* A peek goes through the whole queue until it meets descriptors, also when it has its bytes
 * (unix_stream_read_generic, since Linux 4.4). That is nobody's promise, so it is tried. */
static bool peek_sees_behind(const int pair[2]) {
  _Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(int))] = {0};
  struct iovec part = {.iov_base = "b", .iov_len = 1};
  struct msghdr header = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
  *rights = (struct cmsghdr){
      .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int))};
  *(int *)(void *)CMSG_DATA(rights) = pair[0];
  bool has_rights;
  return send(pair[0], "a", 1, MSG_DONTWAIT) == 1 && fd_peek(pair[1], NULL, 0, &has_rights) == 0 &&
         !has_rights && sendmsg(pair[0], &header, MSG_DONTWAIT) == 1 &&
         fd_peek(pair[1], NULL, 0, &has_rights) == 0 && has_rights;
}

/* What the largest send buffer that may be asked for holds. */
static size_t message_bytes_max(int fd) {
  int wanted = MESSAGE_MAX_BYTES;
  socklen_t size = sizeof wanted;
  if (setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &wanted, sizeof wanted) != 0 ||
      getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &wanted, &size) != 0 ||
      wanted < MESSAGE_MIN_BYTES + MESSAGE_OVERHEAD_BYTES) {
    return MESSAGE_MIN_BYTES;
  }
  size_t bytes = (size_t)wanted - MESSAGE_OVERHEAD_BYTES;
  return bytes < MESSAGE_MAX_BYTES ? bytes : MESSAGE_MAX_BYTES;
}

static pc_linux_passing *passing_create(void) {
  pc_linux_passing *passing = calloc(1, sizeof *passing);
  int pair[2];
  if (!passing || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
    free(passing);
    return NULL;
  }
  passing->message_bytes = message_bytes_max(pair[0]);
  passing->sees_behind = peek_sees_behind(pair);
  close(pair[0]);
  close(pair[1]);
  /* Twice the largest message, so that small ones come in batches. */
  passing->scratch_bytes = 2 * passing->message_bytes;
  void *scratch = mmap(NULL, passing->scratch_bytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (scratch == MAP_FAILED) {
    free(passing);
    return NULL;
  }
  passing->scratch = scratch;
  return passing;
}

bool pc_linux_passing_ensure(pc_linux_passing **passing) {
  if (!*passing) {
    *passing = passing_create();
  }
  return *passing;
}

void pc_linux_passing_destroy(pc_linux_passing *passing) {
  if (passing) {
    munmap(passing->scratch, passing->scratch_bytes);
    free(passing);
  }
}

void pc_linux_passing_distrust(pc_linux_passing *passing) {
  passing->sees_behind = false;
}

/* ---- both types ---- */

/* Some bytes, or a message, with the descriptors that came along. As recvmsg. */
static ssize_t piece_receive(pc_linux_passing *passing, int fd, size_t at, size_t size, int flags,
                             pc_view *out_view) {
  struct iovec part = {.iov_base = passing->scratch + at, .iov_len = size};
  struct msghdr header = {.msg_iov = &part,
                          .msg_iovlen = 1,
                          .msg_control = passing->control,
                          .msg_controllen = sizeof passing->control};
  ssize_t received = recvmsg(fd, &header, flags | MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (received < 0) {
    return -1;
  }
  bool is_whole = (size_t)received <= size;
  *out_view =
      (pc_view){.data = part.iov_base,
                .size_bytes = (uint32_t)(is_whole ? (size_t)received : size),
                .message_bytes = (uint32_t)received,
                .is_message_end = is_whole,
                /* A message of no bytes carries credentials, the end of the input does not. */
                .is_eof = received == 0 && header.msg_controllen == 0};
  out_view->attachment = pc_linux_descriptors_take(&header, &out_view->lost_descriptors);
  return received;
}

static int eof_view(pc_linux_passing *passing, int fd, int count) {
  struct pollfd state = {.fd = fd};
  passing->views[count] =
      (pc_view){.is_message_end = true,
                .is_eof = true,
                .is_hung_up = poll(&state, 1, 0) > 0 && (state.revents & (POLLHUP | POLLERR))};
  return count + 1;
}

/* ---- message type ---- */

static int messages_receive(pc_linux_passing *passing, int fd, int most) {
  int count = 0;
  size_t at = 0;
  while (count < most && passing->scratch_bytes - at >= passing->message_bytes) {
    pc_view *view = &passing->views[count];
    /* MSG_TRUNC: the answer is the message's length, also of one that does not fit. */
    if (piece_receive(passing, fd, at, passing->message_bytes, MSG_TRUNC, view) < 0) {
      return count > 0 ? count : -1; /* the next read meets it again; a reset may be looked over */
    }
    if (view->is_eof) {
      return eof_view(passing, fd, count);
    }
    count++;
    at += (view->size_bytes + 63) & ~(size_t)63;
    if (view->attachment) {
      break; /* one message's descriptors at a time */
    }
  }
  return count;
}

/* ---- byte type ---- */

static pc_view bytes_view(const pc_linux_passing *passing, size_t at, size_t size) {
  return (pc_view){
      .data = passing->scratch + at, .size_bytes = (uint32_t)size, .is_message_end = true};
}

/* Bytes that are known to have no descriptors among them, or the end. */
static int bytes_receive(pc_linux_passing *passing, int fd, size_t size) {
  ssize_t received = recv(fd, passing->scratch, size, MSG_DONTWAIT);
  if (received <= 0) {
    return received < 0 ? -1 : eof_view(passing, fd, 0);
  }
  passing->views[0] = bytes_view(passing, 0, (size_t)received);
  return 1;
}

/* Descriptors are near: the bytes before them, then those that they were sent with. */
static int walk_receive(pc_linux_passing *passing, int fd, size_t limit) {
  bool has_rights;
  ssize_t peeked = fd_peek(fd, passing->scratch, limit, &has_rights);
  if (peeked <= 0) {
    return peeked < 0 ? -1 : eof_view(passing, fd, 0);
  }
  /* A peek ends behind the first write that had descriptors. If it ended before that, they are
   * far. */
  size_t end = (size_t)peeked;
  size_t walk = limit / 2 < WALK_BYTES ? limit / 2 : WALK_BYTES;
  size_t bulk = end > walk ? end - walk : 0;
  bool is_far = end == limit;
  size_t at = 0;
  while (at < end && !(is_far && at >= bulk && at > 0)) {
    size_t step = at > 0 && at < bulk ? bulk - at : 1;
    pc_view piece;
    ssize_t received = piece_receive(passing, fd, at, step, 0, &piece);
    if (received <= 0) {
      break; /* not what the peek has seen: what was read counts */
    }
    bool is_found = piece.attachment || piece.lost_descriptors > 0;
    if (is_found) {
      size_t begin = at;
      at += (size_t)received;
      /* The rest of that write, which has no more of them. */
      ssize_t rest = at < end ? recv(fd, passing->scratch + at, end - at, MSG_DONTWAIT) : 0;
      piece.size_bytes += rest > 0 ? (uint32_t)rest : 0;
      passing->views[0] = bytes_view(passing, 0, begin);
      passing->views[begin > 0 ? 1 : 0] = piece;
      return begin > 0 ? 2 : 1;
    }
    at += (size_t)received;
  }
  passing->views[0] = bytes_view(passing, 0, at);
  return at > 0 ? 1 : -1;
}

static int stream_receive(pc_linux_passing *passing, int fd, size_t limit) {
  bool has_rights;
  if (!passing->sees_behind) {
    ssize_t peeked = fd_peek(fd, passing->scratch, limit, &has_rights);
    if (peeked < 0) {
      return -1;
    }
    return has_rights ? walk_receive(passing, fd, limit)
                      : bytes_receive(passing, fd, peeked > 0 ? (size_t)peeked : 1);
  }
  /* In this order: what comes after the count is not read, whatever it has. */
  int waiting = 0;
  if (ioctl(fd, SIOCINQ, &waiting) != 0 || waiting <= 0) {
    return walk_receive(passing, fd, 1); /* most likely the end */
  }
  if (fd_peek(fd, NULL, 0, &has_rights) < 0) {
    return -1;
  }
  size_t size = (size_t)waiting < limit ? (size_t)waiting : limit;
  return has_rights ? walk_receive(passing, fd, limit) : bytes_receive(passing, fd, size);
}

pc_status pc_linux_passing_receive(pc_linux_passing *passing, int fd, pc_type type, bool is_little,
                                   const pc_view **out_views, uint32_t *out_count) {
  for (int resets = 0; resets <= RESETS_MAX;) {
    int count = type == PC_TYPE_BYTE
                    ? stream_receive(passing, fd,
                                     is_little ? PC_LINUX_READ_LITTLE_BYTES : PC_LINUX_READ_BYTES)
                    : messages_receive(passing, fd, is_little ? 1 : VIEWS);
    if (count > 0) {
      *out_views = passing->views;
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

/* ---- sending ---- */

/* Bytes taken, or -1 with errno. Where the system has too many descriptors on their way already,
 * they are lost, and the attachment says so. */
static ssize_t attached_send(int fd, pc_linux_batch *batch, const pc_span *spans, unsigned count,
                             pc_attachment *attachment) {
  _Alignas(struct cmsghdr) uint8_t control[PC_LINUX_RIGHTS_BYTES] = {
      0}; /* also what pads it, which the system is shown */
  pc_linux_parts_fill(batch->parts, spans, count);
  struct msghdr header = {.msg_iov = batch->parts, .msg_iovlen = count};
  pc_linux_descriptors_put(attachment, &header, control);
  ssize_t sent = sendmsg(fd, &header, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent < 0 && errno == ETOOMANYREFS) {
    header.msg_control = NULL;
    header.msg_controllen = 0;
    sent = sendmsg(fd, &header, MSG_NOSIGNAL | MSG_DONTWAIT);
    attachment->is_lost = sent >= 0;
  }
  return sent;
}

static pc_status front_send(int fd, pc_type type, pc_linux_batch *batch, const pc_span *spans,
                            unsigned count, pc_attachment *attachment, size_t *out_bytes,
                            uint32_t *out_messages) {
  if (!attachment) {
    return pc_linux_send(fd, type, batch, spans, count, out_bytes, out_messages);
  }
  ssize_t sent;
  do {
    sent = attached_send(fd, batch, spans, count, attachment);
  } while (sent < 0 && errno == EINTR);
  if (sent < 0) {
    return pc_linux_status(errno);
  }
  *out_bytes = (size_t)sent;
  *out_messages = type == PC_TYPE_BYTE ? 0 : 1;
  return PC_OK;
}

static size_t first_message_bytes(const pc_span *spans, unsigned count) {
  size_t bytes = 0;
  for (unsigned index = 0; index < count; index++) {
    bytes += spans[index].size_bytes;
    if (spans[index].is_message_end) {
      break;
    }
  }
  return bytes;
}

pc_status pc_linux_passing_send(int fd, pc_type type, pc_linux_batch *batch,
                                const pc_write_queue *queue, size_t *out_bytes,
                                uint32_t *out_messages) {
  pc_span spans[PC_LINUX_SEND_SPANS];
  unsigned count = pc_write_queue_gather(queue, spans, PC_LINUX_SEND_SPANS, PC_LINUX_SEND_MESSAGES);
  pc_attachment *attachment = pc_write_queue_attachment(queue);
  pc_status status = front_send(fd, type, batch, spans, count, attachment, out_bytes, out_messages);
  /* Larger than any message so far: its sender has a larger buffer. */
  if (status == PC_E_TOO_BIG &&
      pc_linux_send_buffer_raise(fd, (uint32_t)first_message_bytes(spans, count))) {
    status = front_send(fd, type, batch, spans, count, attachment, out_bytes, out_messages);
  }
  return status;
}
