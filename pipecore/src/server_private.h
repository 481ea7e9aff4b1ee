/* A server: an endpoint, its sessions, and what it does when it cannot accept. Private to server.c and
 * session*.c; the loop's thread. */
#ifndef PIPECORE_SRC_SERVER_PRIVATE_H
#define PIPECORE_SRC_SERVER_PRIVATE_H

#include "session.h"

enum {
  /* A client that never reads holds up the end of its session at most this long. */
  PC_FLUSH_LIMIT_MS = 2000,
  PC_ACCEPT_RETRY_MS = 100
};

struct pc_server {
  pc_loop *loop;
  const pc_backend *backend;
  pc_server_options options; /* `path` is not kept: the listener has it */
  pc_listener *listener;     /* NULL once it is being taken down */

  pc_session *sessions;       /* all, newest first */
  pc_session *flushing_first; /* with a deadline, earliest first: each gets the same time */
  pc_session *flushing_last;
  uint32_t session_count;

  pc_accept accept;
  pc_session *spare; /* for the next client: whoever is accepted has its memory already */
  bool is_accept_failing;
  pc_timer accept_timer;
  pc_timer flush_timer;
  pc_timer drain_timer;

  bool is_owner_full; /* took nothing last time: what sessions read they would have to keep */
  pc_operation unlisten;
  pc_operation stopped;
  bool is_stopping;
  bool is_stopped;
};

/* ---- server_options.c ---- */
/* Fills in the defaults; false: `*out_failure` says what is wrong. */
PC_MUST_USE bool pc_server_options_complete(pc_server_options *options, pc_failure *out_failure);

/* ---- server.c: for sessions ---- */
void pc_server_start_flush_deadline(pc_server *server, pc_session *session);
void pc_server_stop_flush_deadline(pc_server *server, pc_session *session);
/* After on_disconnected: takes the session out and frees it. */
void pc_server_remove(pc_server *server, pc_session *session);

#endif
