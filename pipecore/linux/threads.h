/* The parts of the threads backend: threads.c (the wait, the table), threads_channel.c (what the
 * loop's thread does with an instance), threads_instance.c (what the instance's own thread does).
 *
 * Each instance has a thread that waits for its client, serves it and ends with it. The loop asks
 * it by bits of `asked`; it answers by nodes on the stack of what is done. A part of an instance
 * belongs to its thread from the asking to the answer, and to the loop's else; nobody takes a
 * lock. */
#ifndef PIPECORE_LINUX_THREADS_H
#define PIPECORE_LINUX_THREADS_H

#include <pthread.h>
#include <stdatomic.h>

#include "../src/loop_private.h"
#include "../src/posted_stack.h"
#include "endpoint.h"
#include "transfer.h"
#include "watch.h"

enum {
  /* Of a thread, where the system does not want more. Throwing input away takes most of it: 16
   * KiB. */
  THREADS_STACK_BYTES = 64 * 1024,
  /* Virtual memory for a batch of messages; its pages come with use. */
  THREADS_MESSAGES_BYTES = 256 * 1024
};

/* What the loop asks of an instance's thread. */
typedef enum threads_ask {
  THREADS_ACCEPT = 1,
  THREADS_CONNECT = 2,
  THREADS_READ = 4,
  THREADS_WRITE = 8,
  THREADS_CANCEL_WRITE = 16,
  THREADS_CLOSE = 32,
  THREADS_IS_ASLEEP = 64 /* said by the thread: whoever asks wakes it */
} threads_ask;

struct pc_backend_state {
  pc_loop *loop;
  int wakeup_fd;
  pc_watch_set watches; /* of FIFOs, which the loop's thread serves itself */
  pc_posted_stack done; /* any thread pushes */
  pc_posted *taken;     /* from it, and not looked at yet */
  struct threads_instance *submit_first;
  struct threads_instance *submit_last;
};

/* What an instance's thread needs while it reads and writes: not on its stack, of which an idle one
 * then uses a page. */
typedef struct threads_work {
  pc_linux_receiver receiver;
  pc_linux_batch batch;
  _Alignas(64) uint8_t buffer[];
} threads_work;

typedef struct threads_instance {
  /* fixed when its thread starts */
  pc_backend_state *state;
  pthread_t thread;
  pc_type type;
  uint32_t max_message_bytes;
  int wakeup_fd;
  int listening_fd;
  size_t mapped_bytes; /* of this struct and the work behind it */
  threads_work *work;
  size_t buffer_bytes; /* of its buffer */

  atomic_uint asked; /* any thread */

  /* the loop's thread */
  pc_listener *listener; /* until it has a client                   */
  pc_connect *connect;   /* likewise: the thread's until it answers */
  pc_read *read;         /* pending, or ready to be performed */
  pc_write *write;
  pc_close *close;
  unsigned asks; /* collected for the submit */
  bool is_listed;
  struct threads_instance *next;
  enum { THREADS_READ_IDLE, THREADS_READ_ASKED, THREADS_READ_DONE } read_state;

  /* the loop's thread; its own from the asking to the answer */
  struct {
    pc_posted done;
    pc_failure failure;
    pc_peer peer;
  } accepted;
  pc_posted connected;
  struct {
    pc_posted done;
    pc_status status;
    const atomic_bool *is_little;
    uint32_t view_count;
    pc_view views[PC_LINUX_READ_BATCH];
  } input;
  struct {
    pc_posted done;
    pc_status status;
    uint32_t messages;
    size_t bytes;
    unsigned span_count;
    pc_span spans[PC_LINUX_SEND_SPANS];
  } output;
  struct {
    pc_posted done;
    bool does_discard;
  } end;

  /* its own thread */
  int fd;
  unsigned wanted; /* asked for and not done */
} threads_instance;

/* ---- threads.c ---- */
/* Puts it on the list of those that are asked at the end of the turn. */
void pc_threads_ask(threads_instance *instance, threads_ask ask);
/* On an instance's thread: pushes the answer; pc_loop_wake tells the loop. */
void pc_threads_answer(threads_instance *instance, pc_posted *done);

/* ---- threads_instance.c ---- */
/* Makes an instance that begins as `model`, and its thread. The loop's thread. */
PC_MUST_USE pc_status pc_threads_instance_create(const threads_instance *model,
                                                 threads_instance **out_instance,
                                                 pc_failure *out_failure);
/* After its last answer: waits for the end of its thread, which is at its last steps. The loop's
 * thread. */
void pc_threads_instance_destroy(threads_instance *instance);

/* ---- threads_channel.c ---- */
pc_status pc_threads_listen(pc_backend_state *state, const pc_listen *listen,
                            pc_listener **out_listener, pc_failure *out_failure);
void pc_threads_accept(pc_listener *listener, pc_accept *accept);
bool pc_threads_has_waiting(pc_listener *listener);
void pc_threads_unlisten(pc_listener *listener, pc_operation *done);
void pc_threads_connect(pc_backend_state *state, pc_connect *connect);
void pc_threads_read(pc_channel *opaque, pc_read *read);
void pc_threads_write(pc_channel *opaque, pc_write *write);
void pc_threads_end_output(pc_channel *opaque);
void pc_threads_describe(pc_channel *opaque, uint32_t parts, pc_peer_details *out_details);
void pc_threads_cancel(pc_channel *opaque, pc_operation *operation);
void pc_threads_close(pc_channel *opaque, pc_close *close_operation);
/* The last moment to look at what is to be written. */
void pc_threads_write_gather(threads_instance *instance);

#endif
