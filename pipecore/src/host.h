/* A host of sessions: what every owner of sessions (pc_server, pc_client) embeds. It has what its
 * sessions agree on, their list, and the deadlines of their ends; how a session gets its channel is
 * its owner's affair. The loop's thread. */
#ifndef PIPECORE_SRC_HOST_H
#define PIPECORE_SRC_HOST_H

#include "pipecore/framing.h"
#include "pipecore/session.h"
#include "session.h"

enum {
  /* A peer that never reads holds up the end of its session at most this long. */
  PC_FLUSH_LIMIT_MS = 2000,
  PC_HOST_TIMERS = 3 /* which its owner reserves */
};

/* What the sessions of one host have in common. */
typedef struct pc_session_terms {
  pc_type type;
  pc_access access;   /* inbound: nothing can be written */
  pc_framing framing; /* byte type only */
  pc_limits limits;
  pc_oversize oversize;
  pc_session_events on;
  void *user;
} pc_session_terms;

typedef struct pc_host pc_host;
struct pc_host {
  pc_loop *loop;
  const pc_backend *backend;
  pc_session_terms terms;
  /* The owner's: a session and its memory are gone. */
  void (*on_session_gone)(pc_host *host);

  pc_session *sessions;       /* all, newest first */
  pc_session *flushing_first; /* with a deadline, earliest first: each gets the same time */
  pc_session *flushing_last;
  uint32_t session_count;
  pc_idle idle; /* those that are open, where there is a limit */
  pc_timer idle_timer;
  pc_timer flush_timer;
  pc_timer drain_timer;
  atomic_bool
      is_owner_full; /* took nothing last time: what sessions read they would have to keep */
  bool is_stopping;
};

/* ---- host_terms.c ---- */
/* Fills in the defaults; false: `*out_failure` says what is wrong. Pure. */
PC_MUST_USE bool pc_session_terms_complete(pc_session_terms *terms, pc_failure *out_failure);
/* Fills in the failure; false. */
PC_MUST_USE bool pc_options_refuse(pc_failure *out_failure, pc_status status, const char *action,
                                   const char *advice);

/* Tells it, if the caller wants to know; its status. */
pc_status pc_failure_tell(pc_failure *out_failure, pc_failure failure);

/* `terms` with `change` in them, filled in; false: `*out_failure` says what is wrong. Pure. */
PC_MUST_USE bool pc_session_terms_change(pc_session_terms *terms, const pc_session_change *change,
                                         pc_failure *out_failure);

/* ---- host.c ---- */
void pc_host_init(pc_host *host, pc_loop *loop, const pc_session_terms *terms,
                  void (*on_session_gone)(pc_host *host));
/* Checks that its sessions are gone, and with them its timers. */
void pc_host_fini(const pc_host *host);
/* Takes in a session that was created for this host, with its channel: on_connected, then reads. */
void pc_host_add(pc_host *host, pc_session *session, pc_channel *channel, const pc_peer *peer);
/* Takes in one that is closed at once; its owner's callbacks never hear of it. */
void pc_host_refuse(pc_host *host, pc_session *session, pc_channel *channel);
/* For the sessions that there are and those to come. */
void pc_host_change(pc_host *host, const pc_session_terms *terms);
/* Begins to end every session, and those that come from here on; they have `drain_ms` for what they
 * accepted. */
void pc_host_stop(pc_host *host, uint32_t drain_ms);

/* For sessions. */
void pc_host_watch_idle(pc_host *host, pc_session *session);
void pc_host_unwatch_idle(pc_host *host, pc_session *session);
void pc_host_start_flush_deadline(pc_host *host, pc_session *session);
void pc_host_stop_flush_deadline(pc_host *host, pc_session *session);
/* After on_disconnected: takes the session out and frees it. */
void pc_host_remove(pc_host *host, pc_session *session);

#endif
