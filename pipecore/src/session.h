/* A session: one stay of a peer, from its channel to its last callback. Private to host.c and
 * session*.c; the loop's thread. An idle one costs this struct and what the backend keeps of a
 * channel, no buffer. */
#ifndef PIPECORE_SRC_SESSION_H
#define PIPECORE_SRC_SESSION_H

#include "idle.h"
#include "input_buffer.h"
#include "loop_private.h"
#include "operation.h"
#include "write_queue.h"

typedef struct pc_host pc_host;
typedef struct pc_relay_end pc_relay_end;

typedef enum session_state {
  SESSION_OPEN,
  SESSION_FLUSHING, /* reads no more; closes when the write queue is empty or its time is over */
  SESSION_CLOSING   /* the channel's close is on its way                                       */
} session_state;

typedef struct session_link {
  pc_session *previous;
  pc_session *next;
} session_link;

struct pc_session {
  pc_host *host;
  pc_channel *channel;
  void *user;
  pc_relay_end *relay;     /* a tap's; NULL: what is read is not passed on */
  session_link link;       /* in host->sessions */
  session_link flush_link; /* in host->flushing, while `has_flush_deadline` */
  uint64_t flush_deadline_ns;
  pc_idle_entry idle; /* in host->idle, while open */

  pc_read read;
  pc_write write;
  pc_close close;
  pc_operation resume;

  pc_frame_decoder decoder; /* byte type */
  pc_framing framing;       /* that it began with; a tap may have given up on it */
  pc_input_buffer input;    /* bytes; of the message type records of length and bytes */
  pc_write_queue queue;

  session_state state;
  pc_close_reason reason; /* from FLUSHING on */
  pc_status reason_status;
  bool is_paused;       /* the owner answered PC_AGAIN                  */
  bool is_eof;          /* the peer sends no more                       */
  bool is_input_told;   /* … and the owner knows, and keeps the session */
  bool is_write_broken; /* the peer receives no more                    */
  bool is_output_ended; /* by pc_session_end_output                     */
  bool has_flush_deadline;
  bool is_refused; /* by the server's rules: the owner never heard of it */
};

/* ---- session.c: life ---- */
PC_MUST_USE pc_session *pc_session_create(pc_host *host);
/* Only of one that never got a channel. Accepts NULL. */
void pc_session_discard(pc_session *session);
/* The peer is there: on_connected, then reads. */
void pc_session_begin(pc_session *session, pc_channel *channel, const pc_peer *peer);
/* Closes the channel of one that nobody heard of. */
void pc_session_refuse(pc_session *session, pc_channel *channel);
/* Begins to end it, if that has not begun. With `flush`, what is queued is written first. */
void pc_session_end(pc_session *session, pc_close_reason reason, pc_status status, bool flush);
/* Ends a flush at once. */
void pc_session_abort(pc_session *session);

/* ---- session_read.c ---- */
void pc_session_on_read(pc_operation *operation);
void pc_session_on_resume(pc_operation *operation);
/* Issues a read if the session wants one. */
void pc_session_read_next(pc_session *session);
/* The host's terms are others now. */
void pc_session_change_terms(pc_session *session);
/* on_skipped. */
void pc_session_tell_skipped(pc_session *session, uint64_t size_bytes);

/* ---- session_write.c ---- */
void pc_session_on_write(pc_operation *operation);
/* Issues a write if there is something to write. */
void pc_session_write_next(pc_session *session);
/* Reports every message that is still queued as not written. */
void pc_session_fail_writes(pc_session *session, pc_status status);

#endif
