/* A tap and its pairs of sessions. Private to tap*.c; the loop's thread. */
#ifndef PIPECORE_SRC_TAP_PRIVATE_H
#define PIPECORE_SRC_TAP_PRIVATE_H

#include "host.h"
#include "relay.h"
#include "server_private.h"

struct pc_tap_session {
  pc_tap *tap;
  pc_relay relay;
  void *user;
  pc_peer client_peer;
  pc_session *spare; /* the upstream's, until it is connected */
  pc_connect connect;
  pc_timer retry_timer;
  unsigned busy_count;
  bool is_opened; /* the owner knows it */
  bool has_end;   /* `end` has a reason */
  pc_tap_end end;
};

struct pc_tap {
  pc_loop *loop;
  pc_tap_events on;
  void *user;
  pc_server *server;
  pc_host upstreams;
  char *upstream;
  pc_type type;
  uint32_t max_message_bytes;
  uint32_t pair_count;
  pc_insertion_list insertions;
  pc_timer insertion_timer;
  pc_operation stopped;
  bool is_stopping;
  bool is_server_stopped;
  bool is_stopped;
};

/* ---- tap.c ---- */
/* A pair is gone: ends the tap, if that was the last thing it waited for. */
void pc_tap_end_if_done(pc_tap *tap);

/* ---- tap_session.c ---- */
/* Callbacks of the sessions; `user` is the tap. on_connected is one of the two below. */
extern const pc_session_events pc_tap_session_events;
bool pc_tap_on_client(pc_session *session, const pc_peer *peer, void *user);
bool pc_tap_on_upstream(pc_session *session, const pc_peer *peer, void *user);
void pc_tap_on_insertion_timer(pc_timer *timer, void *user);

#endif
