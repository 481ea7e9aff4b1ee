/* Operations: what is asked of a backend, and how it answers.
 *
 * The law of this seam, as in Win32: an operation that was issued completes exactly once, through
 * the loop's ready list, so its routine runs in a turn of the loop and never inside the call that
 * issued it. The memory of an operation is its owner's, who leaves it alone until then. The loop's
 * thread. */
#ifndef PIPECORE_SRC_OPERATION_H
#define PIPECORE_SRC_OPERATION_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipecore/session.h"
#include "write_queue.h"

typedef struct pc_operation pc_operation;
typedef struct pc_channel pc_channel; /* our end of one connection; a backend defines it          */
typedef struct pc_listener pc_listener; /* an endpoint that clients come to; likewise             */

typedef enum pc_operation_state {
  PC_OPERATION_IDLE,    /* the owner's                       */
  PC_OPERATION_PENDING, /* the backend's                     */
  PC_OPERATION_READY    /* the loop's: on its ready list     */
} pc_operation_state;

struct pc_operation {
  /* The owner's completion routine. */
  void (*routine)(pc_operation *operation);
  /* The backend's, or NULL: called in its place on the ready list, right before the routine, to do
   * the I/O only then (a backend with one buffer for all sessions). False: nothing there after all,
   * pending. */
  bool (*perform)(pc_operation *operation);
  void *target; /* the backend's */
  pc_operation *next;
  pc_status status; /* when ready */
  pc_operation_state state;
};

/* Bytes that were read, in the backend's memory, valid during the routine. */
typedef struct pc_view {
  const uint8_t *data;
  uint32_t size_bytes;
  uint32_t message_bytes; /* message type: of the whole message; more if it was longer    */
  bool is_message_end;    /* message type: false if the message was longer than asked for */
  bool is_eof;            /* nothing comes any more; no bytes                             */

  /* Only of channels that pass on what they read (a tap's): there a message is whole whatever its
   * size, and descriptors come along with the bytes or the message that they were sent with. */
  bool is_hung_up; /* at the end: nothing can be sent any more either                 */
  uint32_t lost_descriptors;
  pc_attachment
      *attachment; /* came with these bytes; belongs to the routine that looks at the view */
} pc_view;

/* Reads what is there: bytes, or a batch of messages. An idle read holds no buffer. */
typedef struct pc_read {
  pc_operation operation;
  /* Looked at when the read takes place, perhaps by another thread: bring one message, or
   * little. */
  const atomic_bool *is_little;
  const pc_view *views; /* result */
  uint32_t view_count;
} pc_read;

/* Writes from the front of the queue what the system takes. The backend looks at the queue as late
 * as it can (in `submit`, or when there is room again), so that several messages of a turn go out
 * together. */
typedef struct pc_write {
  pc_operation operation;
  const pc_write_queue *queue;
  size_t bytes; /* result; of a stream perhaps part of a message */
  uint32_t messages;
} pc_write;

typedef struct pc_accept {
  pc_operation operation;
  uint32_t room;       /* clients for which there is room beside this one: may be taken ahead */
  pc_channel *channel; /* result, the owner's from here on */
  pc_peer peer;
  pc_failure failure; /* what a status other than PC_OK is about; without words: accepting itself */
} pc_accept;

/* Connects to an endpoint that another program owns. It never waits for anybody and cannot be
 * cancelled: who is told PC_E_BUSY tries again. */
typedef struct pc_connect {
  pc_operation operation;
  const char *path; /* stays until the end */
  pc_type type;
  uint32_t max_message_bytes;
  bool is_passing;     /* as of pc_listen                  */
  pc_channel *channel; /* result, the owner's from here on */
  pc_peer peer;        /* who listens                      */
  pc_failure failure;  /* what the status is about         */
} pc_connect;

/* It ends with this failure, whose missing words are filled in. */
void pc_connect_fail(pc_connect *connect, pc_failure failure);

/* Ends a channel: its other operations complete first (PC_E_ABORTED), then this one; the channel is
 * gone. */
typedef struct pc_close {
  pc_operation operation;
  /* Unread input is thrown away before, so that what was written last reaches a client for which a
   * close over unread input would be a reset. */
  bool discard_input;
} pc_close;

#endif
