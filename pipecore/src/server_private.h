/* A server: an endpoint, its sessions, and what it does when it cannot accept. Private to
 * server*.c; the loop's thread. */
#ifndef PIPECORE_SRC_SERVER_PRIVATE_H
#define PIPECORE_SRC_SERVER_PRIVATE_H

#include "host.h"
#include "pipecore/server.h"
#include "rate.h"

enum {
  PC_ACCEPT_RETRY_MS = 100,
  PC_ACCEPT_EPISODE_NS = 1000000000 /* failures no further apart are one shortage, told once */
};

/* The limit that keeps a server from accepting. */
typedef enum pc_hold { PC_HOLD_NONE, PC_HOLD_INSTANCES, PC_HOLD_RATE, PC_HOLDS } pc_hold;

typedef struct pc_episode {
  uint64_t told_ns; /* the last one; 0: never       */
  bool is_told;     /* this one, which goes on still */
} pc_episode;

struct pc_server {
  pc_host host;
  void (*on_error)(pc_server *server, const pc_failure *failure, void *user);
  void (*on_refused)(pc_server *server, const pc_peer *peer, pc_admission admission, void *user);
  void (*on_stopped)(pc_server *server, void *user);
  pc_listener *listener; /* NULL once it is being taken down */

  pc_accept accept;
  pc_session *spare;         /* for the next client: whoever is accepted has its memory already */
  uint64_t accept_failed_ns; /* the last time; 0: never */
  pc_timer accept_timer;
  pc_rate rate;
  pc_hold held_by;
  pc_episode episodes[PC_HOLDS];

  pc_admission_rules admission;
  uint32_t admission_parts; /* what they ask for beside the ids */
  void *admission_memory;   /* NULL: no rules                   */

  uint32_t lingering_count; /* instances in use whose sessions are gone */

  pc_operation unlisten;
  pc_operation stopped;
  bool is_stopped;
};

/* ---- server.c ---- */
/* pc_server_start, whose channels may be such that pass on what they read. */
PC_MUST_USE pc_status pc_server_open(pc_loop *loop, const pc_server_options *options,
                                     bool is_passing, pc_server **out_server,
                                     pc_failure *out_failure);
/* An instance stays in use without its session (1), or no more (-1). */
void pc_server_linger(pc_server *server, int change);

/* ---- server_options.c ---- */
/* Whether the path is "@name", in the abstract namespace. */
bool pc_server_is_abstract(const pc_server_options *options);
/* Fills in the defaults and the terms of the sessions; false: `*out_failure` says what is wrong. */
PC_MUST_USE bool pc_server_options_complete(const pc_server_options *options,
                                            pc_session_terms *out_terms, pc_failure *out_failure);

/* ---- server_admission.c ---- */
bool pc_server_admission_is_complete(const pc_admission_rules *rules);
/* Copies them; false: no memory. */
PC_MUST_USE bool pc_server_admission_init(pc_server *server, const pc_admission_rules *rules);
pc_admission pc_server_admit(pc_server *server, pc_channel *channel, const pc_peer *peer);

/* ---- server_hold.c ---- */
/* Whether a limit keeps the server from accepting now; its accept timer then says when to look
 * again. May tell the owner, who may stop the server. */
bool pc_server_is_held(pc_server *server);
/* How many clients may be accepted at once. */
uint32_t pc_server_room(const pc_server *server);

#endif
