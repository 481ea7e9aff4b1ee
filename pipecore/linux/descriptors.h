/* Descriptors on their way from one connection to another (SCM_RIGHTS): open in our table from the
 * message that brought them to the one that takes them along. The loop's thread. */
#ifndef PIPECORE_LINUX_DESCRIPTORS_H
#define PIPECORE_LINUX_DESCRIPTORS_H

#include <sys/socket.h>

#include "../src/write_queue.h"

enum {
  PC_LINUX_DESCRIPTORS_MAX = 253, /* of one message: the kernel's SCM_MAX_FD */
  PC_LINUX_RIGHTS_BYTES = CMSG_SPACE(PC_LINUX_DESCRIPTORS_MAX * sizeof(int))
};

/* Those that a received header brought; NULL: none. `*out_lost` tells how many are closed already,
 * for want of memory or of room in our table (where the kernel does not say how many it closed,
 * 1). */
pc_attachment *pc_linux_descriptors_take(struct msghdr *header, uint32_t *out_lost);

/* Puts them into a header that is to be sent; `control` has PC_LINUX_RIGHTS_BYTES. */
void pc_linux_descriptors_put(const pc_attachment *attachment, struct msghdr *header,
                              void *control);

#endif
