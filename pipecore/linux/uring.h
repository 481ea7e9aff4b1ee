/* The parts of the io_uring backend: uring.c (the wait, the table), uring_ring.c, uring_buffers.c,
 * uring_listener.c, uring_connect.c, uring_channel.c (life, writing), uring_read.c. The
 * loop's thread.
 *
 * Nothing is asked of the kernel where it is wished for: who has something to ask puts itself on
 * the submit list, and the end of the turn makes submission entries of it, all of which one call
 * takes along. */
#ifndef PIPECORE_LINUX_URING_H
#define PIPECORE_LINUX_URING_H

#include <liburing.h>

#include "../src/loop_private.h"
#include "endpoint.h"
#include "passing.h"
#include "transfer.h"
#include "watch.h"

enum {
  URING_SUBMISSIONS = 512,
  URING_COMPLETIONS = 4096,
  URING_READ_BATCH = 16, /* messages of one read                            */
  URING_HEADERS = 128,   /* writes of several parts between two calls       */
  URING_PARTS = 1024,
  URING_ACCEPTS = 16, /* accepts in the kernel, where not one brings many */
  URING_SUBMISSIONS_PER_SOURCE = URING_ACCEPTS + 4,
  URING_SMALL_BYTES = 4096
};

/* What a completion is of: the low bits of its user_data, over the address of the source. */
typedef enum uring_tag {
  URING_IGNORED, /* an asynchronous cancel: what it cancelled tells itself */
  URING_WAKEUP,
  URING_ACCEPT,
  URING_READ,
  URING_WRITE,
  URING_WRITABLE,
  URING_WATCHES,
  URING_INPUT_END,
  URING_TAG_MASK = 7
} uring_tag;

typedef enum uring_kind {
  URING_OF_WAKEUP,
  URING_OF_LISTENER,
  URING_OF_CHANNEL,
  URING_OF_WATCHES
} uring_kind;

typedef struct uring_source uring_source;
struct uring_source {
  _Alignas(8) uring_kind kind;
  bool is_listed;     /* on the submit list                                         */
  uint32_t in_flight; /* submissions whose last completion has not come: memory stays */
  uring_source *next;
};

/* ---- buffers ---- */

typedef struct uring_group uring_group;
typedef struct uring_channel uring_channel;

/* Where the kernel put bytes; or a copy of such, when nobody reads and the buffer is needed. */
typedef struct uring_buffer uring_buffer;
struct uring_buffer {
  uring_group *group; /* NULL: a copy, in memory of its own */
  uring_buffer *next;
  const uint8_t *data; /* what was not read of it yet */
  uint32_t size_bytes;
  uint32_t message_bytes; /* as in pc_view */
  bool is_message_end;
  bool is_away; /* not the kernel's */
};

/* Buffers of one size that the kernel chooses from. Few at first, so that they stay in the caches;
 * more when it found none. */
struct uring_group {
  uring_group *next;
  struct io_uring_buf_ring *ring;
  uint8_t *memory;
  uring_buffer *buffers;
  uint32_t size_bytes; /* of one */
  uint32_t stride_bytes;
  uint32_t live_count; /* given to the kernel so far */
  uint32_t free_count; /* of them those that are the kernel's, as far as was told */
  uint32_t count;      /* at most; a power of two    */
  uint32_t users;
  uint16_t id;
  /* Channels that found no buffer wait here for others to give some back: to ask again at once
   * would fail again, and cost as much as reading. */
  uring_channel *starved_first;
  uring_channel *starved_last;
};

/* ---- the backend ---- */

struct pc_backend_state {
  pc_loop *loop;
  struct io_uring ring;
  uint64_t thread;         /* which the ring belongs to; 0: none yet                 */
  pc_status thread_status; /* whether the thread of this turn could have it          */
  uint32_t in_flight;      /* of all sources                                         */
  int wakeup_fd;
  uring_source wakeup;
  uring_source watches_source;
  pc_watch_set watches; /* of FIFOs */
  uring_source *submit_first;
  uring_source *submit_last;
  bool has_more_to_submit; /* soon: the next wait does not sleep */

  uring_group *groups;
  uring_group *small_group; /* of streams */
  uring_group *large_group;
  uring_buffer *lent; /* looked at by the routine that runs now */
  pc_view views[URING_READ_BATCH];
  struct msghdr message_header; /* of every reading of messages */

  /* Arguments that must stay until the call. */
  unsigned headers_used;
  unsigned parts_used;
  struct msghdr headers[URING_HEADERS];
  struct iovec parts[URING_PARTS];
  pc_linux_batch batch;
  pc_linux_passing *passing; /* NULL: no channel passed on yet */
};

struct uring_channel {
  uring_source source;
  pc_backend_state *state;
  int fd; /* blocking: io_uring waits only for such */
  pc_type type;
  uint32_t max_message_bytes;
  pc_linux_passing *passing; /* NULL: an ordinary one                                         */
  uring_group *group;        /* message type: its own; byte type: of the reading in the kernel */

  pc_read *read; /* pending or ready to be performed */
  uring_buffer *arrived_first;
  uring_buffer *arrived_last;
  int read_error;
  uint8_t resets;
  bool is_eof;
  bool is_reading;   /* the kernel is                                                  */
  bool is_stopping;  /* its reading was cancelled, the last completion is to come      */
  bool is_multishot; /* … and goes on with it                                         */
  bool is_greedy;    /* the last reading of a stream filled its buffer: offer more     */
  bool was_short;    /* … or left room: nothing is there, do not even look             */

  pc_write *write; /* pending */
  bool is_write_cancelled;
  bool is_sending;  /* the kernel has the bytes                  */
  bool is_full;     /* it took none: wait until it is writable   */
  bool is_watching; /* … which it is doing                       */
  bool is_unwatching;

  uint8_t short_readings; /* of a stream, one after the other; stops at the number that counts */
  bool is_end_watched;    /* whether the peer ended its output: see uring_read.c               */
  bool is_end_unwatched;
  bool is_end_near;

  bool is_starved; /* on its group's list */
  uring_channel *starved_previous;
  uring_channel *starved_next;

  pc_close *close;
};

/* ---- uring.c ---- */
/* Puts it on the submit list. */
void pc_uring_list(pc_backend_state *state, uring_source *source);
/* A submission for `source`, counted as in flight. Its start function was promised room for
 * URING_SUBMISSIONS_PER_SOURCE. */
struct io_uring_sqe *pc_uring_submission(pc_backend_state *state, uring_source *source);
/* What tells the completion; after the prep function, which clears it. */
void pc_uring_tag(struct io_uring_sqe *sqe, uring_source *source, uring_tag tag);
/* Asks for the end of what was tagged so, all of it. */
void pc_uring_cancel_tagged(pc_backend_state *state, uring_source *source, uring_tag tag);

/* What came, told to whom it is for; a bounded number at a time. False: nothing came. */
bool pc_uring_completions_take(pc_backend_state *state);

/* ---- uring_ring.c ---- */
/* The ring with its groups, for whichever thread turns first. */
pc_status pc_uring_ring_open(pc_backend_state *state, pc_failure *out_failure);
void pc_uring_ring_close(pc_backend_state *state);
/* Ends what is in flight, so that another thread may adopt the ring. */
void pc_uring_ring_leave(pc_backend_state *state);
/* Makes the ring the calling thread's: at the first turn, or when the thread before has left. */
pc_status pc_uring_ring_adopt(pc_backend_state *state);
pc_status pc_uring_refuse(pc_failure *failure, int native, const char *action);

/* ---- uring_buffers.c ---- */
/* Makes the group known to the ring, with every buffer that is not away. 0 or errno. */
int pc_uring_group_enroll(pc_backend_state *state, uring_group *group);
/* The group for that size, made if there is none. NULL with errno. */
uring_group *pc_uring_group_use(pc_backend_state *state, size_t size, size_t limit_bytes);
/* The group for messages of that size. On failure NULL, and `*out_failure` tells. */
uring_group *pc_uring_message_group_use(pc_backend_state *state, uint32_t max_message_bytes,
                                        pc_failure *out_failure);
void pc_uring_group_release(pc_backend_state *state, uring_group *group);
/* The kernel found no buffer: gives it more. False: the group's count is reached. */
bool pc_uring_group_grow(uring_group *group);
/* Lets the channel wait until there are buffers again; or no longer. */
void pc_uring_starve(uring_channel *channel);
void pc_uring_unstarve(uring_channel *channel);
/* Puts as many of those who wait on the submit list as there are buffers for, if each takes many.
 * True: more of them wait, and perhaps those who were fed took none, and nothing will come of
 * them. */
bool pc_uring_groups_feed(pc_backend_state *state);
/* The buffer that a completion names. */
uring_buffer *pc_uring_buffer_take(uring_group *group, uint32_t completion_flags);
/* Back to the kernel, or to the heap. */
void pc_uring_buffer_give(uring_buffer *buffer);
/* A copy in memory of its own that took the buffer's place, or NULL: no memory, nothing
 * happened. */
uring_buffer *pc_uring_buffer_copy(uring_buffer *buffer);
void pc_uring_groups_fini(pc_backend_state *state);

/* ---- uring_listener.c ---- */
pc_status pc_uring_listen(pc_backend_state *state, const pc_listen *listen,
                          pc_listener **out_listener, pc_failure *out_failure);
void pc_uring_accept(pc_listener *listener, pc_accept *accept);
void pc_uring_unlisten(pc_listener *listener, pc_operation *done);
bool pc_uring_has_waiting(pc_listener *listener);
void pc_uring_listener_start(uring_source *source);
void pc_uring_listener_complete(uring_source *source, const struct io_uring_cqe *cqe);

/* ---- uring_connect.c ---- */
void pc_uring_connect(pc_backend_state *state, pc_connect *connect);

/* ---- uring_channel.c ---- */
/* `group` is used once more by a channel of the message type; `passing` is NULL for one that does
 * not pass on, and `group` for one that does. NULL: no memory. */
uring_channel *pc_uring_channel_create(pc_backend_state *state, pc_type type,
                                       uint32_t max_message_bytes, uring_group *group,
                                       pc_linux_passing *passing);
/* Takes `fd` over. */
void pc_uring_channel_open(uring_channel *channel, int fd);
/* Frees it; its descriptor is closed, or never was. */
void pc_uring_channel_discard(uring_channel *channel);
void pc_uring_end_output(pc_channel *opaque);
void pc_uring_end_input(pc_channel *opaque);
void pc_uring_write(pc_channel *opaque, pc_write *write);
void pc_uring_cancel(pc_channel *opaque, pc_operation *operation);
void pc_uring_close(pc_channel *opaque, pc_close *close);
void pc_uring_describe(pc_channel *opaque, uint32_t parts, pc_peer_details *out_details);
void pc_uring_channel_start(uring_source *source);
void pc_uring_channel_complete(uring_source *source, uring_tag tag, const struct io_uring_cqe *cqe);

/* ---- uring_read.c ---- */
void pc_uring_read(pc_channel *opaque, pc_read *read);
void pc_uring_read_start(uring_channel *channel);
void pc_uring_read_complete(uring_channel *channel, const struct io_uring_cqe *cqe);
void pc_uring_input_end_complete(uring_channel *channel, int result);
/* At a close: what was asked for about the end of the input is asked no more. */
void pc_uring_input_end_unwatch(uring_channel *channel);
void pc_uring_arrived_clear(uring_channel *channel);
/* What the last routine looked at is looked at no more. */
void pc_uring_lent_give(pc_backend_state *state);

/* ---- uring_passing.c: the same for channels that pass on ---- */
void pc_uring_passing_read_start(uring_channel *channel);
void pc_uring_passing_read_complete(uring_channel *channel);

#endif
