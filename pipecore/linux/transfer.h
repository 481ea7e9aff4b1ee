/* What every backend of this system does with a connected socket. The thread that does the
 * channel's I/O; none of these blocks. */
#ifndef PIPECORE_LINUX_TRANSFER_H
#define PIPECORE_LINUX_TRANSFER_H

#include <sys/socket.h>
#include <sys/types.h>

#include "../src/operation.h"

enum {
  PC_LINUX_SEND_MESSAGES = 32,     /* messages of one sendmmsg    */
  PC_LINUX_SEND_SPANS = 64,        /* parts of memory of one call */
  PC_LINUX_READ_BATCH = 16,        /* messages of one read        */
  PC_LINUX_READ_BYTES = 64 * 1024, /* of a stream, at once    */
  PC_LINUX_READ_LITTLE_BYTES = 4096,
  /* SCM_CREDENTIALS and nothing else, so that a peer cannot make us receive descriptors. */
  PC_LINUX_CONTROL_BYTES = CMSG_SPACE(sizeof(struct ucred))
};

/* Room for the arguments of a call. */
typedef struct pc_linux_batch {
  struct mmsghdr headers[PC_LINUX_SEND_MESSAGES];
  struct iovec parts[PC_LINUX_SEND_SPANS];
} pc_linux_batch;

void pc_linux_parts_fill(struct iovec *parts, const pc_span *spans, unsigned count);
/* Sends of either type what the system takes; of messages whole ones. PC_AGAIN: nothing now. */
PC_MUST_USE pc_status pc_linux_send(int fd, pc_type type, pc_linux_batch *batch,
                                    const pc_span *spans, unsigned count, size_t *out_bytes,
                                    uint32_t *out_messages);

/* Where a read puts what came, and room for the arguments of its call. */
typedef struct pc_linux_receiver {
  uint8_t *bytes; /* the caller's; PC_LINUX_READ_BYTES and a message of the largest size fit */
  size_t capacity;
  struct mmsghdr headers[PC_LINUX_READ_BATCH];
  struct iovec parts[PC_LINUX_READ_BATCH];
  _Alignas(struct cmsghdr) uint8_t control[PC_LINUX_READ_BATCH][PC_LINUX_CONTROL_BYTES];
} pc_linux_receiver;

/* Takes what is there: bytes, a batch of messages, or the end of the input; with `is_little` one
 * message, or a few bytes. `views` has room for PC_LINUX_READ_BATCH. PC_AGAIN: nothing there. */
PC_MUST_USE pc_status pc_linux_receive(pc_linux_receiver *receiver, int fd, pc_type type,
                                       uint32_t max_message_bytes, bool is_little, pc_view *views,
                                       uint32_t *out_count);

/* Shuts the connection down and throws away what was not read (a bounded amount). */
void pc_linux_input_discard(int fd, pc_type type);

#endif
