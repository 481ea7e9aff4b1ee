/* The parts of the strategy "overlapped": overlapped.c (the wait, the table),
 * overlapped_listener.c, overlapped_channel.c (life), overlapped_read.c, overlapped_write.c. The
 * loop's thread.
 *
 * Built upon the public low level alone (instance.h, event.h), so it is the same on every system:
 * one event for each operation, all of them in one wait set. */
#ifndef PIPECORE_SRC_OVERLAPPED_H
#define PIPECORE_SRC_OVERLAPPED_H

#include "loop_private.h"
#include "pipecore/instance.h"

enum {
  OVERLAPPED_READ_BYTES = 64 * 1024, /* of a stream, at once */
  OVERLAPPED_LITTLE_BYTES = 4096,
  OVERLAPPED_MESSAGES_BYTES = 1024 * 1024, /* for a batch of messages */
  OVERLAPPED_READ_BATCH = 16,
  OVERLAPPED_WRITE_BATCH = 32,
  OVERLAPPED_WRITE_SPANS = 64,
  /* As Linux has it unless asked; the quota of a pipe is otherwise our write queue's affair. */
  OVERLAPPED_QUOTA_BYTES = 104 * 1024
};

/* An operation of the low level and its event. */
typedef struct overlapped_call overlapped_call;
struct overlapped_call {
  pc_overlapped record;
  void (*on_end)(overlapped_call *call); /* in the wait: it is over */
  bool is_out;                           /* … which was not seen yet */
};

typedef struct overlapped_channel overlapped_channel;

struct pc_backend_state {
  pc_loop *loop;
  pc_wait_set *set;
  overlapped_channel *submit_first; /* with a write that was not tried yet */
  overlapped_channel *submit_last;

  /* One buffer for all: a read happens right before its routine. */
  uint8_t *scratch;
  size_t scratch_bytes;
  void *retired_scratch; /* replaced by a larger one while a view of it may be out */
  uint8_t *assembly;     /* where a message is put together that lies in several parts */
  size_t assembly_bytes;

  void *fifos; /* of the system that has some; NULL: none was asked for */
  void (*fifos_destroy)(pc_backend_state *state);

  pc_view views[OVERLAPPED_READ_BATCH];
  void *ended[PC_WAIT_READY_MAX];
};

struct overlapped_channel {
  pc_backend_state *state;
  pc_instance *instance;
  pc_type type;
  uint32_t max_message_bytes;

  /* Of a connect, and then of reads of no bytes, which end when there is something. */
  overlapped_call input;
  enum { OVERLAPPED_IDLE, OVERLAPPED_WAITS, OVERLAPPED_THERE } input_state;
  pc_status input_status; /* when it is there */
  pc_listener *listener;  /* until it has a client */
  pc_read *read;          /* pending, or ready to be performed */

  overlapped_call output;
  pc_write *write; /* pending */
  uint8_t *copy;   /* of a message in several parts that waits */
  overlapped_channel *submit_previous;
  overlapped_channel *submit_next;
  bool is_listed;
};

/* ---- overlapped.c ---- */
PC_MUST_USE bool pc_overlapped_call_init(pc_backend_state *state, overlapped_call *call,
                                         void (*on_end)(overlapped_call *call));
void pc_overlapped_call_fini(pc_backend_state *state, overlapped_call *call);
/* Notes what the function that issues it answered, and gives it back. */
pc_status pc_overlapped_call_issued(overlapped_call *call, pc_status status);
/* The result of one that is over, or that was cancelled and so is over soon. */
pc_status pc_overlapped_call_result(overlapped_call *call, uint32_t *out_bytes);
/* Room for what channels of this type read and write. */
PC_MUST_USE bool pc_overlapped_reserve(pc_backend_state *state, pc_type type,
                                       uint32_t max_message_bytes);

/* FIFOs beside the rest, if the system has such: its folder defines it. */
extern const pc_backend pc_backend_overlapped_fifo;

/* ---- overlapped_listener.c ---- */
pc_status pc_overlapped_listen(pc_backend_state *state, const pc_listen *listen,
                               pc_listener **out_listener, pc_failure *out_failure);
void pc_overlapped_accept(pc_listener *listener, pc_accept *accept);
void pc_overlapped_unlisten(pc_listener *listener, pc_operation *done);
bool pc_overlapped_has_waiting(pc_listener *listener);
/* Its connect is over. */
void pc_overlapped_listener_event(pc_listener *listener, pc_status status);

/* ---- overlapped_channel.c ---- */
/* Without an instance yet. NULL: no memory. */
overlapped_channel *pc_overlapped_channel_create(pc_backend_state *state, pc_type type,
                                                 uint32_t max_message_bytes);
/* With its instance. Accepts NULL. */
void pc_overlapped_channel_destroy(overlapped_channel *channel);
overlapped_channel *pc_overlapped_channel_of(pc_channel *channel);
void pc_overlapped_connect(pc_backend_state *state, pc_connect *connect);
void pc_overlapped_end_output(pc_channel *opaque);
void pc_overlapped_describe(pc_channel *opaque, uint32_t parts, pc_peer_details *out_details);
void pc_overlapped_cancel(pc_channel *opaque, pc_operation *operation);
void pc_overlapped_close(pc_channel *opaque, pc_close *close_operation);

/* ---- overlapped_read.c ---- */
void pc_overlapped_read(pc_channel *opaque, pc_read *read);
void pc_overlapped_on_input(overlapped_channel *channel, pc_status status);

/* ---- overlapped_write.c ---- */
void pc_overlapped_write(pc_channel *opaque, pc_write *write);
void pc_overlapped_on_output(overlapped_call *call);
void pc_overlapped_submit(pc_backend_state *state, bool waits_next);
/* Completes a pending write, now or soon. */
void pc_overlapped_write_cancel(overlapped_channel *channel);
/* The same, and its memory is nobody's but ours when this returns. */
void pc_overlapped_write_abort(overlapped_channel *channel);

#endif
