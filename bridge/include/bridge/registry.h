/* What the HTTP thread knows of pipes and sessions: built from the events, so that a list of sessions agrees
 * with the stream, and no request ever asks the pipe thread. The traffic counters are the pipe thread's own,
 * read as they are now. HTTP thread only. */
#ifndef BRIDGE_REGISTRY_H
#define BRIDGE_REGISTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bridge/config.h"
#include "bridge/counters.h"
#include "bridge/event.h"
#include "bridge/id_table.h"

/* How many closed sessions are remembered; then the one that closed first is forgotten. */
enum { BR_CLOSED_SESSIONS_MAX = 1000 };

/* One session. The pipe thread makes it and goes on counting in it; the `opened` event hands it to the
 * HTTP thread, whose alone it is after the `closed` event: the queue between them is the hand-over. */
typedef struct br_session_info {
  uint64_t id;
  uint64_t opened_wall_ns;
  uint64_t closed_wall_ns; /* while it is open: 0 */
  int32_t close_reason;    /* pc_close_reason     */
  int32_t close_status;    /* pc_status           */
  pc_peer peer;
  pc_peer upstream; /* of a tap */
  bool has_upstream;
  br_counters counters;
  uint16_t pipe;
  struct br_session_info *previous,
      *next;       /* the registry's, in the order of opening or of closing */
} br_session_info; /* the peer's details lie behind it */

static inline const br_peer_details *br_session_details(const br_session_info *session) {
  return (const br_peer_details *)(const void *)(session + 1);
}

typedef struct br_pipe_info {
  const br_pipe_config *config; /* borrowed */
  uint32_t sessions;
  uint64_t sessions_total;
  uint64_t injected;
  uint64_t errors;
  const br_pipe_live *live; /* the pipe thread's */
} br_pipe_info;

typedef struct br_session_list {
  br_session_info *first, *last;
  size_t count;
} br_session_list;

typedef struct br_registry {
  br_pipe_info *pipes; /* owned */
  size_t pipe_count;
  br_id_table sessions; /* open and closed */
  br_session_list open, closed;
  uint64_t forgotten_count; /* closed sessions that are not remembered any more */
  uint64_t last_session_id; /* the youngest ever */
} br_registry;

/* `live`: one for each pipe of the configuration; must outlive the registry. */
bool br_registry_init(br_registry *registry, const br_config *config, const br_pipe_live *live);
void br_registry_fini(br_registry *registry);

/* Takes note of one event. */
void br_registry_apply(br_registry *registry, const br_event *event);

/* NULL: no such pipe. `*out_index` may be NULL. */
const br_pipe_info *br_registry_pipe(const br_registry *registry, const char *name,
                                     uint16_t *out_index);
/* NULL: none open by this id. */
const br_session_info *br_registry_session(const br_registry *registry, uint64_t id);
/* Open, or closed and remembered; else NULL. */
const br_session_info *br_registry_known_session(const br_registry *registry, uint64_t id);
/* Whether a session by this id was there and is closed, remembered or not. */
bool br_registry_was_session(const br_registry *registry, uint64_t id);

#endif
