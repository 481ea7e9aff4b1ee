/* A server: an endpoint, its sessions, and what it does when it cannot accept. Private to server*.c; the
 * loop's thread. */
#ifndef PIPECORE_SRC_SERVER_PRIVATE_H
#define PIPECORE_SRC_SERVER_PRIVATE_H

#include "host.h"
#include "pipecore/server.h"

enum { PC_ACCEPT_RETRY_MS = 100 };

struct pc_server {
  pc_host host;
  void (*on_error)(pc_server *server, const pc_failure *failure, void *user);
  void (*on_stopped)(pc_server *server, void *user);
  pc_listener *listener; /* NULL once it is being taken down */

  pc_accept accept;
  pc_session *spare; /* for the next client: whoever is accepted has its memory already */
  bool is_accept_failing;
  pc_timer accept_timer;

  pc_operation unlisten;
  pc_operation stopped;
  bool is_stopped;
};

/* ---- server_options.c ---- */
/* Fills in the defaults and the terms of the sessions; false: `*out_failure` says what is wrong. */
PC_MUST_USE bool pc_server_options_complete(const pc_server_options *options,
                                            pc_session_terms *out_terms, pc_failure *out_failure);

#endif
