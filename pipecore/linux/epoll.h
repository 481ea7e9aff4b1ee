/* The parts of the epoll backend: epoll.c (the wait, the table), epoll_listener.c, epoll_connect.c,
 * epoll_channel.c. The loop's thread. */
#ifndef PIPECORE_LINUX_EPOLL_H
#define PIPECORE_LINUX_EPOLL_H

#include <sys/epoll.h>
#include <sys/socket.h>

#include "../src/loop_private.h"
#include "endpoint.h"
#include "passing.h"
#include "transfer.h"
#include "watch.h"

enum { EPOLL_EVENTS = PC_WAIT_READY_MAX, EPOLL_MESSAGE_SCRATCH_BYTES = 1024 * 1024 };

typedef enum epoll_kind { EPOLL_WAKEUP, EPOLL_LISTENER, EPOLL_CHANNEL, EPOLL_WATCHES } epoll_kind;

/* What an event points to. `interest` is what the kernel was told, and it is told as rarely as
 * possible: interest goes when an event comes that nobody waits for, not when an operation
 * completes. */
typedef struct epoll_source {
  epoll_kind kind;
  int fd;
  uint32_t interest;
  bool is_registered;
} epoll_source;

typedef struct epoll_channel epoll_channel;

struct pc_backend_state {
  pc_loop *loop;
  int fd;
  epoll_source wakeup;
  epoll_source watches_source;
  pc_watch_set watches;        /* of FIFOs */
  epoll_channel *submit_first; /* channels with a write that was not tried yet */
  epoll_channel *submit_last;

  /* One buffer for all sessions: a read happens right before its routine. */
  pc_linux_receiver scratch;
  void *retired_scratch;     /* replaced by a larger one while a view of it may be out */
  pc_linux_passing *passing; /* NULL: no channel passed on yet */

  struct epoll_event events[EPOLL_EVENTS];
  pc_view views[PC_LINUX_READ_BATCH];
  pc_linux_batch batch;
};

/* ---- epoll.c ---- */
/* Asks for events in addition to those asked for already. */
PC_MUST_USE pc_status pc_epoll_want(pc_backend_state *state, epoll_source *source, uint32_t events);
/* Asks for these no more. */
void pc_epoll_drop(pc_backend_state *state, epoll_source *source, uint32_t events);
/* Takes the source out: a hang-up is told even to those who ask for nothing. */
void pc_epoll_forget(pc_backend_state *state, epoll_source *source);
PC_MUST_USE bool pc_epoll_scratch_ensure(pc_backend_state *state, size_t size);
/* For channels of this type. */
PC_MUST_USE bool pc_epoll_scratch_reserve(pc_backend_state *state, pc_type type,
                                          uint32_t max_message_bytes, bool is_passing);

/* ---- epoll_listener.c ---- */
pc_status pc_epoll_listen(pc_backend_state *state, const pc_listen *listen,
                          pc_listener **out_listener, pc_failure *out_failure);
void pc_epoll_accept(pc_listener *listener, pc_accept *accept);
void pc_epoll_unlisten(pc_listener *listener, pc_operation *done);
bool pc_epoll_has_waiting(pc_listener *listener);
void pc_epoll_listener_event(pc_backend_state *state, epoll_source *source);

/* ---- epoll_connect.c ---- */
void pc_epoll_connect(pc_backend_state *state, pc_connect *connect);

/* ---- epoll_channel.c ---- */
/* The memory of a channel comes first, so that a client is only accepted when there is some: then
 * open it with the client's descriptor, or discard it. NULL: no memory. */
pc_channel *pc_epoll_channel_create(pc_backend_state *state, pc_type type,
                                    uint32_t max_message_bytes, bool is_passing);
void pc_epoll_channel_open(pc_channel *opaque, int fd);
void pc_epoll_channel_discard(pc_channel *channel);
void pc_epoll_read(pc_channel *opaque, pc_read *read);
void pc_epoll_write(pc_channel *opaque, pc_write *write);
void pc_epoll_end_output(pc_channel *opaque);
void pc_epoll_end_input(pc_channel *opaque);
void pc_epoll_cancel(pc_channel *opaque, pc_operation *operation);
void pc_epoll_close(pc_channel *opaque, pc_close *close_operation);
void pc_epoll_describe(pc_channel *opaque, uint32_t parts, pc_peer_details *out_details);
void pc_epoll_channel_event(pc_backend_state *state, epoll_source *source, uint32_t events);
void pc_epoll_submit(pc_backend_state *state, bool waits_next);

#endif
