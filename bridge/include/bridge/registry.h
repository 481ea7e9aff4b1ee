/* What the HTTP thread knows of pipes and sessions: built from the events, so that a list of
 * sessions agrees with the stream, and no request ever asks the pipe thread. The traffic counters
 * are the pipe thread's own, read as they are now. HTTP thread only.
 *
 * A pipe has an index, which the events name it by, and which no other pipe of the run ever gets:
 * what memory and observers still hold of a pipe that is gone keeps its name. */
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

/* One session. The pipe thread makes it and goes on counting in it; the `opened` event hands it to
 * the HTTP thread, whose alone it is after the `closed` event: the queue between them is the
 * hand-over. */
typedef struct br_session_info {
  uint64_t id;
  uint64_t opened_wall_ns;
  uint64_t closed_wall_ns; /* while it is open: 0 */
  int32_t close_reason;    /* pc_close_reason     */
  int32_t close_status;    /* pc_status           */
  pc_peer peer;
  pc_peer upstream; /* of a tap */
  bool has_upstream;
  bool is_private;  /* one WebSocket's alone */
  uint8_t by_bytes; /* of the JSON behind the peer's details that says whose; 0: unknown */
  br_counters counters;
  uint16_t pipe;
  struct br_session_info *previous,
      *next;       /* the registry's, in the order of opening or of closing */
} br_session_info; /* the peer's details lie behind it */

static inline const br_peer_details *br_session_details(const br_session_info *session) {
  return (const br_peer_details *)(const void *)(session + 1);
}

static inline const uint8_t *br_session_by(const br_session_info *session) {
  return (const uint8_t *)(session + 1) + br_session_details(session)->size_bytes;
}

enum {
  BR_PIPES_MAX = 1024,         /* at once    */
  BR_PIPE_INDEXES = UINT16_MAX /* in one run */
};

typedef enum br_pipe_phase {
  BR_PIPE_GONE,    /* not there any more, or never was */
  BR_PIPE_ADDING,  /* asked for; nobody knows of it    */
  BR_PIPE_OPEN,    /* as in the list                   */
  BR_PIPE_CHANGING /* likewise, and asked to be another, or to go */
} br_pipe_phase;

/* Valid until the turn ends: keep the index instead. */
typedef struct br_pipe_info {
  /* The pipe thread's, until it hands over another one. Only while it is in the list. */
  const br_pipe_config *config;
  uint16_t index;
  br_pipe_phase phase;
  uint64_t removed_seq;      /* of its last event, once it is gone; 0: it never was in the list */
  uint32_t sessions;         /* open */
  uint32_t private_sessions; /* of those */
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
  /* By index. Owned, and of full size, so that they never move; their pages are touched as they are
   * used. */
  br_pipe_info *pipes;
  const char **names;     /* owned; also of those that are gone */
  size_t index_count;     /* given so far                       */
  size_t cancelled_index; /* none was given up before this one  */
  uint16_t *listed;       /* owned; indices of those in the list, in their order */
  size_t pipe_count;      /* in the list      */
  size_t adding_count;    /* asked for so far */
  br_id_table sessions;   /* open and closed */
  br_session_list open, closed;
  uint64_t forgotten_count; /* closed sessions that are not remembered any more */
  uint64_t last_session_id; /* the youngest ever */
} br_registry;

bool br_registry_init(br_registry *registry);
void br_registry_fini(br_registry *registry);

/* Takes note of one event. Of pipe events see below. */
void br_registry_apply(br_registry *registry, const br_event *event);

/* ---- pipes that come and go ---- */
typedef enum br_reserve_result {
  BR_RESERVE_OK,
  BR_RESERVE_NO_MEMORY,
  BR_RESERVE_TOO_MANY,   /* BR_PIPES_MAX    */
  BR_RESERVE_RUN_IS_FULL /* BR_PIPE_INDEXES */
} br_reserve_result;
/* An index for a pipe that is asked for; `name` is copied, and of no other pipe. */
br_reserve_result br_registry_reserve(br_registry *registry, const char *name, uint16_t *out_index);
/* It will not be: the index may be another's, since no event has named it. */
void br_registry_cancel(br_registry *registry, uint16_t index);
/* A reserved pipe is there; it appears in the list. */
void br_registry_add(br_registry *registry, uint16_t index, const br_pipe_config *config,
                     const br_pipe_live *live);
void br_registry_change(br_registry *registry, uint16_t index, const br_pipe_config *config);
/* It leaves the list; `seq`: of the event that says so. */
void br_registry_remove(br_registry *registry, uint16_t index, uint64_t seq);
/* Whether it is asked to change or go, and must not be asked again. */
void br_registry_set_changing(br_registry *registry, uint16_t index, bool is_changing);

/* Whether a pipe by this name was asked for and is not there yet. */
bool br_registry_is_adding(const br_registry *registry, const char *name);
/* NULL: no such pipe in the list. `*out_index` may be NULL. */
const br_pipe_info *br_registry_pipe(const br_registry *registry, const char *name,
                                     uint16_t *out_index);
/* NULL: it is gone. */
const br_pipe_info *br_registry_pipe_at(const br_registry *registry, uint16_t index);
/* Of the pipe, there or gone. */
static inline const char *br_registry_name(const br_registry *registry, uint16_t index) {
  return registry->names[index];
}
/* NULL: none open by this id. */
const br_session_info *br_registry_session(const br_registry *registry, uint64_t id);
/* Open, or closed and remembered; else NULL. */
const br_session_info *br_registry_known_session(const br_registry *registry, uint64_t id);
/* Whether a session by this id was there and is closed, remembered or not. */
bool br_registry_was_session(const br_registry *registry, uint64_t id);

#endif
