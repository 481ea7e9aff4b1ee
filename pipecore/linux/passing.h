/* I/O for channels that pass on what they read, descriptors included (a tap's): nothing that was
 * sent is cut or dropped, and descriptors stay with the very bytes that they were sent with. The
 * loop's thread; none of these blocks. */
#ifndef PIPECORE_LINUX_PASSING_H
#define PIPECORE_LINUX_PASSING_H

#include "../src/operation.h"
#include "transfer.h"

/* One of a backend, for all of its channels that pass on. */
typedef struct pc_linux_passing pc_linux_passing;

/* Makes it, if it is not there. False with errno. */
PC_MUST_USE bool pc_linux_passing_ensure(pc_linux_passing **passing);
void pc_linux_passing_destroy(pc_linux_passing *passing); /* accepts NULL */
/* For tests: reads as on a system whose peek does not look behind its bytes. */
void pc_linux_passing_distrust(pc_linux_passing *passing);

/* Takes what is there: bytes or a batch of messages, or with `is_little` few bytes or one message;
 * or the end of the input. The views are valid until the next call; what is attached to them is the
 * caller's. PC_AGAIN: nothing there. */
PC_MUST_USE pc_status pc_linux_passing_receive(pc_linux_passing *passing, int fd, pc_type type,
                                               bool is_little, const pc_view **out_views,
                                               uint32_t *out_count);

/* Sends from the front of the queue what the system takes. PC_AGAIN: nothing now. PC_E_TOO_BIG: a
 * message that fits no send buffer that may be asked for. */
PC_MUST_USE pc_status pc_linux_passing_send(int fd, pc_type type, pc_linux_batch *batch,
                                            const pc_write_queue *queue, size_t *out_bytes,
                                            uint32_t *out_messages);

#endif
