/* What both backends do with a connected socket. The loop's thread; none of these blocks. */
#ifndef PIPECORE_LINUX_TRANSFER_H
#define PIPECORE_LINUX_TRANSFER_H

#include <sys/socket.h>
#include <sys/types.h>

#include "../src/write_queue.h"
#include "pipecore/session.h"

enum {
  PC_LINUX_SEND_MESSAGES = 32, /* messages of one sendmmsg    */
  PC_LINUX_SEND_SPANS = 64,    /* parts of memory of one call */
  /* SCM_CREDENTIALS and nothing else, so that a peer cannot make us receive descriptors. */
  PC_LINUX_CONTROL_BYTES = CMSG_SPACE(sizeof(struct ucred))
};

/* Room for the arguments of a call. */
typedef struct pc_linux_batch {
  struct mmsghdr headers[PC_LINUX_SEND_MESSAGES];
  struct iovec parts[PC_LINUX_SEND_SPANS];
} pc_linux_batch;

void pc_linux_parts_fill(struct iovec *parts, const pc_span *spans, unsigned count);
/* Bytes taken, or -1 with errno. */
ssize_t pc_linux_stream_send(int fd, pc_linux_batch *batch, const pc_span *spans, unsigned count);
/* Whole messages taken, or -1 with errno. */
int pc_linux_messages_send(int fd, pc_linux_batch *batch, const pc_span *spans, unsigned count,
                           size_t *out_bytes);

/* Shuts the connection down and throws away what was not read (a bounded amount). */
void pc_linux_input_discard(int fd, pc_type type);

#endif
