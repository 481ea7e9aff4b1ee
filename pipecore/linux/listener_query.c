/* Asking the kernel about a listening socket, by sock_diag(7). Any thread; never blocks.
 *
 * Success: a dump of the UNIX sockets that listen, with the inode of the path each is bound to, the
 * clients that wait to be accepted, and the backlog: there is room while the former are not more
 * than the latter. Failures: no such path or nobody listens there; a kernel without unix_diag, or
 * one that forbids asking. */
#include "listener_query.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "system.h"

enum { ANSWER_BYTES = 16 * 1024 };

/* What one answer says of one socket. */
typedef struct listener_facts {
  struct unix_diag_vfs file;
  struct unix_diag_rqlen queue;
  uint8_t type;
} listener_facts;

static bool question_send(int fd) {
  struct {
    struct nlmsghdr header;
    struct unix_diag_req request;
  } question = {.header = {.nlmsg_len = sizeof question,
                           .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                           .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
                .request = {.sdiag_family = AF_UNIX,
                            .udiag_states = 1u << TCP_LISTEN,
                            .udiag_show = UDIAG_SHOW_VFS | UDIAG_SHOW_RQLEN}};
  return send(fd, &question, sizeof question, MSG_NOSIGNAL) == sizeof question;
}

static void facts_read(const struct nlmsghdr *header, listener_facts *out_facts) {
  const struct unix_diag_msg *answer = NLMSG_DATA(header);
  size_t left = header->nlmsg_len - NLMSG_LENGTH(sizeof *answer);
  const struct rtattr *attribute = (const struct rtattr *)(const void *)(answer + 1);
  *out_facts = (listener_facts){.type = answer->udiag_type};
  for (; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left)) {
    if (attribute->rta_type == UNIX_DIAG_VFS && RTA_PAYLOAD(attribute) >= sizeof out_facts->file) {
      memcpy(&out_facts->file, RTA_DATA(attribute), sizeof out_facts->file);
    } else if (attribute->rta_type == UNIX_DIAG_RQLEN &&
               RTA_PAYLOAD(attribute) >= sizeof out_facts->queue) {
      memcpy(&out_facts->queue, RTA_DATA(attribute), sizeof out_facts->queue);
    }
  }
}

/* The kernel tells the low half of an inode's number, and the device as it keeps it itself. */
static bool facts_are_of(const listener_facts *facts, const struct stat *info) {
  return facts->file.udiag_vfs_ino == (uint32_t)info->st_ino &&
         facts->file.udiag_vfs_dev ==
             ((uint32_t)major(info->st_dev) << 20 | (uint32_t)minor(info->st_dev));
}

static pc_status facts_judge(const listener_facts *facts, pc_type type) {
  if (facts->type != (type == PC_TYPE_BYTE ? SOCK_STREAM : SOCK_SEQPACKET)) {
    return PC_E_BAD_MODE;
  }
  return facts->queue.udiag_rqueue <= facts->queue.udiag_wqueue ? PC_OK : PC_AGAIN;
}

/* Of the answers in one datagram. PC_PENDING: not among them, there are more. */
static pc_status answers_search(const struct nlmsghdr *header, size_t size, const struct stat *info,
                                pc_type type) {
  for (; NLMSG_OK(header, size); header = NLMSG_NEXT(header, size)) {
    if (header->nlmsg_type == NLMSG_DONE) {
      return PC_E_NOT_FOUND;
    }
    if (header->nlmsg_type != SOCK_DIAG_BY_FAMILY ||
        header->nlmsg_len < NLMSG_LENGTH(sizeof(struct unix_diag_msg))) {
      return PC_E_NOT_SUPPORTED;
    }
    listener_facts facts;
    facts_read(header, &facts);
    if (facts_are_of(&facts, info)) {
      return facts_judge(&facts, type);
    }
  }
  return PC_PENDING;
}

static pc_status listener_search(int fd, const struct stat *info, pc_type type) {
  if (!question_send(fd)) {
    return PC_E_NOT_SUPPORTED;
  }
  for (;;) {
    _Alignas(struct nlmsghdr) uint8_t answers[ANSWER_BYTES];
    ssize_t size = recv(fd, answers, sizeof answers, 0);
    if (size <= 0) {
      return PC_E_NOT_SUPPORTED;
    }
    pc_status status =
        answers_search((const struct nlmsghdr *)(const void *)answers, (size_t)size, info, type);
    if (status != PC_PENDING) {
      return status;
    }
  }
}

pc_status pc_linux_listener_query(const char *path, pc_type type) {
  struct stat info;
  if (path[0] == '@') {
    return PC_E_NOT_SUPPORTED; /* it has no inode to know it by */
  }
  if (stat(path, &info) != 0) {
    return pc_linux_status(errno);
  }
  int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
  if (fd < 0) {
    return errno == EMFILE || errno == ENFILE ? PC_E_NO_DESCRIPTORS : PC_E_NOT_SUPPORTED;
  }
  pc_status status = listener_search(fd, &info, type);
  close(fd);
  return status;
}
