/* Descriptors on their way. The loop's thread.
 *
 * Success: the kernel put them into our table, close-on-exec; sending copies them into the message,
 * and the release closes ours. Failures: no memory to note them, no room in the table: closed, and
 * counted. */
#include "descriptors.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct linux_descriptors {
  pc_attachment attachment;
  int fds[];
} linux_descriptors;

static void all_close(const int *fds, uint32_t count) {
  for (uint32_t index = 0; index < count; index++) {
    close(fds[index]);
  }
}

static void descriptors_release(pc_attachment *attachment) {
  linux_descriptors *descriptors = (linux_descriptors *)attachment;
  all_close(descriptors->fds, attachment->count);
  free(descriptors);
}

pc_attachment *pc_linux_descriptors_take(struct msghdr *header, uint32_t *out_lost) {
  *out_lost = header->msg_flags & MSG_CTRUNC ? 1 : 0;
  for (struct cmsghdr *part = CMSG_FIRSTHDR(header); part; part = CMSG_NXTHDR(header, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) {
      continue;
    }
    size_t bytes = part->cmsg_len - CMSG_LEN(0);
    uint32_t count = (uint32_t)(bytes / sizeof(int));
    linux_descriptors *descriptors = malloc(sizeof *descriptors + bytes);
    if (!descriptors) {
      all_close((const int *)(const void *)CMSG_DATA(part), count);
      *out_lost += count;
      return NULL;
    }
    descriptors->attachment = (pc_attachment){.release = descriptors_release, .count = count};
    memcpy(descriptors->fds, CMSG_DATA(part), bytes);
    return &descriptors->attachment;
  }
  return NULL;
}

void pc_linux_descriptors_put(const pc_attachment *attachment, struct msghdr *header,
                              void *control) {
  const linux_descriptors *descriptors = (const linux_descriptors *)attachment;
  size_t bytes = attachment->count * sizeof(int);
  header->msg_control = control;
  header->msg_controllen = CMSG_SPACE(bytes);
  struct cmsghdr *part = CMSG_FIRSTHDR(header);
  *part = (struct cmsghdr){
      .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(bytes)};
  memcpy(CMSG_DATA(part), descriptors->fds, bytes);
}
