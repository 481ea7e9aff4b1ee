/* pc_server: owns one pipe endpoint and serves its clients by callbacks on the loop's thread.
 *
 * Its sessions are those of pipecore/session.h, from a client's arrival to its end.
 * pc_server_destroy may not be called from a callback.
 *
 * Of a FIFO nobody can know its clients, only that somebody is at the other end. So it has one
 * session at a time, whatever max_instances says, of an unknown peer. Inbound, it begins with what
 * the first writer writes (or with one that opens and leaves without a word), has what all writers
 * of that time write, cut by the framing, and ends when the last of them has gone; nothing can be
 * written (PC_E_ACCESS). Outbound, it begins when a reader is there (seen after 50 ms at most, also
 * while it waits in its open) and ends when the last one has gone; readers share the bytes, each of
 * which one of them gets. A message of PIPE_BUF bytes (4096 on Linux, dress included) or less stays
 * whole beside other writers; a longer one may have theirs in its middle. What nobody has read when
 * an inbound session ends is for the next one; what the system holds for readers that left is lost.
 *
 * All functions: the loop's thread. */
#ifndef PIPECORE_SERVER_H
#define PIPECORE_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipecore/admission.h"
#include "pipecore/declarations.h"
#include "pipecore/framing.h"
#include "pipecore/loop.h"
#include "pipecore/pipe.h"
#include "pipecore/session.h"
#include "pipecore/status.h"

PC_DECLARATIONS_BEGIN

typedef struct pc_server pc_server;

typedef enum pc_transport {
  PC_TRANSPORT_SOCKET, /* a duplex pipe for each client */
  PC_TRANSPORT_FIFO    /* one one-way pipe for all who write to it, or read it */
} pc_transport;
const char *pc_transport_name(pc_transport transport); /* "socket", "fifo" */

typedef struct pc_server_events {
  pc_session_events session;
  /* Each may be NULL: of no interest to the owner. */

  /* Something that concerns the server and not one session: accept paused for want of descriptors
   * …; a limit that makes clients wait, max_instances (PC_E_BUSY) or accept_rate (PC_E_RATE). Once
   * for each episode. */
  void (*on_error)(pc_server *server, const pc_failure *failure, void *user);
  /* The rules of `admission` did not let this client in: it is sent away, and no other callback
   * hears of it. */
  void (*on_refused)(pc_server *server, const pc_peer *peer, pc_admission admission, void *user);
  /* After pc_server_stop: every session is gone. Last call of all. */
  void (*on_stopped)(pc_server *server, void *user);
} pc_server_events;

typedef struct pc_server_options {
  /* Absolute or relative path of the endpoint; copied. Of a socket, "@name" is a name in the
   * abstract namespace of Linux instead (a file of that name is "./@name"): it has no file, no lock
   * and no permissions, goes with the process, and anybody on the machine, or in the container, can
   * reach it. So each rule of `admission.allow` must name a user, and there must be one. */
  const char *path;
  pc_transport transport;
  pc_access access;   /* of a FIFO inbound or outbound, else duplex */
  pc_type type;       /* of a FIFO byte                             */
  pc_framing framing; /* byte type only */
  pc_limits limits;   /* a 0 means the default */
  pc_oversize oversize;
  pc_security security;
  pc_admission_rules admission; /* copied */
  pc_server_events on;
  void *user;
} pc_server_options;

/* Longest path that an endpoint may have, in bytes. */
size_t pc_server_max_path_bytes(void);

/* Makes the endpoint and begins to listen. A stale socket is replaced; a live one (PC_E_IN_USE) or
 * another kind of file (PC_E_IN_USE) is never touched. A FIFO that is there already is used as it
 * is, but for what `security` asks for, and stays when the server stops. PC_E_NOT_SUPPORTED: the
 * loop has no FIFOs. On failure
 * `*out_failure` (may be NULL) tells. */
PC_MUST_USE pc_status pc_server_start(pc_loop *loop, const pc_server_options *options,
                                      pc_server **out_server, pc_failure *out_failure);
/* Changes it. PC_E_INVALID_ARG: nothing has changed, and `*out_failure` (may be NULL) tells. Of a
 * FIFO max_instances stays 1. */
PC_MUST_USE pc_status pc_server_change(pc_server *server, const pc_session_change *change,
                                       pc_failure *out_failure);
/* Begins to stop: no new clients, the endpoint is removed, sessions flush what they accepted for at
 * most `drain_ms` and close; on_stopped follows from the loop. */
void pc_server_stop(pc_server *server, uint32_t drain_ms);
/* After on_stopped. Accepts NULL. */
void pc_server_destroy(pc_server *server);

/* Clients that are connected, those that are about to be told on_disconnected included. */
uint32_t pc_server_session_count(const pc_server *server);

/* The server of a session; NULL if another kind of owner has it. */
pc_server *pc_session_server(const pc_session *session);

PC_DECLARATIONS_END

#endif
