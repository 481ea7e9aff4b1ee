/* The seam to the system: one table for each way of doing I/O. A new way (io_uring, Windows) is a
 * new folder or file with such a table; nothing above it changes.
 *
 * All functions: the loop's thread, but `wake` (any thread, async-signal-safe). None runs a
 * routine; what they start completes by pc_loop_complete (loop_private.h). */
#ifndef PIPECORE_SRC_BACKEND_H
#define PIPECORE_SRC_BACKEND_H

#include "operation.h"
#include "pipecore/server.h"

typedef struct pc_backend_state pc_backend_state;

/* Operations that one wait makes ready at most. A turn runs twice as many: each read may cause a
 * write, and what waits to be told must not pile up behind what comes in. */
enum { PC_WAIT_READY_MAX = 256 };

/* What a listener needs to know of a server's options. */
typedef struct pc_listen {
  const char *path;
  pc_type type;
  pc_access access; /* not duplex: of a FIFO */
  uint32_t max_message_bytes;
  bool is_passing; /* its channels pass on what they read: see pc_view */
  pc_security security;
  bool is_abstract; /* "@name" is a name without a file: the owner has looked at who may come */
} pc_listen;

typedef struct pc_backend pc_backend;
struct pc_backend {
  const char *name;

  /* Takes this one's place where the system refuses it; NULL: none. */
  const pc_backend *instead;

  /* Over the same state, from `listen` to `close`, where an endpoint is a FIFO; NULL: there are
   * none. */
  const pc_backend *fifo;

  PC_MUST_USE pc_status (*create)(pc_loop *loop, pc_backend_state **out_state,
                                  pc_failure *out_failure);
  void (*destroy)(pc_backend_state *state);

  uint64_t (*now_ns)(pc_backend_state *state);
  /* The alertable wait: returns when an operation is ready, after a wake, or after the time-out
   * (milliseconds; negative: none). */
  PC_MUST_USE pc_status (*wait)(pc_backend_state *state, int timeout_ms);
  void (*wake)(pc_backend_state *state);
  /* Before a wait, and at the end of the last turn for now: starts what was collected. With
   * `waits_next`, what needs a call to the system may be left to the wait that follows at once. */
  void (*submit)(pc_backend_state *state, bool waits_next);
  /* The thread that ran the loop leaves it; another one may take the next turn. NULL: nothing to
   * do. */
  void (*leave)(pc_backend_state *state);

  PC_MUST_USE pc_status (*listen)(pc_backend_state *state, const pc_listen *listen,
                                  pc_listener **out_listener, pc_failure *out_failure);
  /* At most one accept at a time. Without one, clients wait. */
  void (*accept)(pc_listener *listener, pc_accept *accept);
  /* A pending accept completes first (PC_E_ABORTED), then `done`; the listener is gone. */
  void (*unlisten)(pc_listener *listener, pc_operation *done);
  /* Whether a client waits to be accepted. NULL: nobody can tell. */
  bool (*has_waiting)(pc_listener *listener);

  /* Completes soon, with a channel or with what is in the way: PC_E_NOT_FOUND (nothing at the path,
   * or nobody listens), PC_E_ACCESS, PC_E_BUSY (the backlog is full), PC_E_BAD_MODE (the other
   * type), PC_E_NAME, PC_E_NO_DESCRIPTORS, PC_E_NO_MEMORY … NULL: this one has no clients. */
  void (*connect)(pc_backend_state *state, pc_connect *connect);

  /* At most one read and one write of a channel at a time. */
  void (*read)(pc_channel *channel, pc_read *read);
  void (*write)(pc_channel *channel, pc_write *write);
  /* When no write is out: the peer reads what was written, then the end. Reading goes on. Never
   * waits; a second call changes nothing. */
  void (*end_output)(pc_channel *channel);
  /* The peer can send no more; what it sent already is read, then the end. Never waits. NULL: this
   * one has no channels that pass on. */
  void (*end_input)(pc_channel *channel);
  /* Completes a pending read or write with PC_E_ABORTED; one that is ready already stays as it is.
   * Nothing is lost: the next read gets what this one would have. */
  void (*cancel)(pc_channel *channel, pc_operation *operation);
  void (*close)(pc_channel *channel, pc_close *close);
  /* `parts` (pc_peer_part, or-ed) of what is known of the peer beside its pc_peer. NULL: nothing
   * is. */
  void (*describe)(pc_channel *channel, uint32_t parts, pc_peer_details *out_details);
};

/* The backend for this on this system, or NULL. Each system's folder defines it. */
const pc_backend *pc_backend_find(pc_strategy strategy, pc_backend_kind kind);
/* Monotonic. Likewise. */
uint64_t pc_backend_now_ns(void);
/* Longest path of an endpoint on this system. Likewise. */
size_t pc_backend_max_path_bytes(void);

extern const pc_backend pc_backend_fake;
extern const pc_backend pc_backend_overlapped;

#endif
