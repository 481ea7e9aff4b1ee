/* pc_client: connects to an endpoint that another program owns, and again whenever the connection
 * is lost or cannot be had, by callbacks on the loop's thread.
 *
 * It has one session at a time (pipecore/session.h), whose peer is the server. Between two it
 * waits: from 1 ms up to a ceiling that starts at `first_delay_ms`, doubles with each try that
 * fails, is at most `max_delay_ms`, and starts over after a session that lasted a second.
 * pc_client_destroy may not be called from a callback.
 *
 * All functions: the loop's thread. */
#ifndef PIPECORE_CLIENT_H
#define PIPECORE_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipecore/declarations.h"
#include "pipecore/framing.h"
#include "pipecore/loop.h"
#include "pipecore/pipe.h"
#include "pipecore/session.h"
#include "pipecore/status.h"

PC_DECLARATIONS_BEGIN

typedef struct pc_client pc_client;

typedef struct pc_reconnect {
  uint32_t first_delay_ms;
  uint32_t max_delay_ms; /* not less than the first */
} pc_reconnect;
/* Default, minimum and maximum of each. */
extern const pc_reconnect pc_reconnect_default;
extern const pc_reconnect pc_reconnect_min;
extern const pc_reconnect pc_reconnect_max;

/* Why there is no session, and when there may be one. */
typedef struct pc_waiting {
  /* PC_E_NOT_FOUND (nothing at the path, or a socket that nobody listens at), PC_E_ACCESS,
   * PC_E_BUSY (its server does not accept), PC_E_BAD_MODE (a pipe of the other type),
   * PC_E_NO_DESCRIPTORS … PC_OK: the session before has ended, and nothing was tried yet. */
  pc_failure failure;
  uint32_t delay_ms;     /* until the next try                  */
  uint64_t failed_count; /* tries that failed since the session */
} pc_waiting;

/* NULL: of no interest to the owner. */
typedef struct pc_client_events {
  pc_session_events session;
  /* After the end of each session, and after each try that failed. Usually told often: say it to
   * people when failed_count is 1 or the failure another one. */
  void (*on_waiting)(pc_client *client, const pc_waiting *waiting, void *user);
  /* After pc_client_stop: the session is gone. Last call of all. */
  void (*on_stopped)(pc_client *client, void *user);
} pc_client_events;

typedef struct pc_client_options {
  /* Absolute or relative path of the endpoint; copied. "@name" is a name in the abstract namespace
   * of Linux, which anybody may have taken: on_connected tells by its pc_peer who is there. */
  const char *path;
  pc_type type;
  pc_framing framing; /* byte type only */
  pc_limits limits;   /* a 0 means the default; max_instances means nothing */
  pc_oversize oversize;
  pc_reconnect reconnect; /* a 0 means the default */
  uint64_t seed;          /* of the random part of the delays; 0: another one each time */
  pc_client_events on;
  void *user;
} pc_client_options;

/* Begins to connect; whether that succeeds is told by callbacks. PC_E_INVALID_ARG, PC_E_NAME,
 * PC_E_NO_MEMORY; PC_E_NOT_SUPPORTED: the loop's backend or strategy has no clients. `*out_failure`
 * (may be NULL) tells. */
PC_MUST_USE pc_status pc_client_start(pc_loop *loop, const pc_client_options *options,
                                      pc_client **out_client, pc_failure *out_failure);
/* As pc_server_change. */
PC_MUST_USE pc_status pc_client_change(pc_client *client, const pc_session_change *change,
                                       pc_failure *out_failure);
/* Begins to stop: no new try; the session flushes what it accepted for at most `drain_ms` and
 * closes; on_stopped follows from the loop. */
void pc_client_stop(pc_client *client, uint32_t drain_ms);
/* After on_stopped. Accepts NULL. */
void pc_client_destroy(pc_client *client);

/* The session from its on_connected until its on_disconnected, else NULL. */
pc_session *pc_client_session(const pc_client *client);

PC_DECLARATIONS_END

#endif
