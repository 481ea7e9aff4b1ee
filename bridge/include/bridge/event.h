/* Events and commands: the records that travel through the two queues, and that the hub keeps.
 * Plain values; no thread of their own. */
#ifndef BRIDGE_EVENT_H
#define BRIDGE_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bridge/peer_details.h"
#include "pipecore/server.h"

typedef enum br_event_kind {
  BR_EVENT_OPENED = 1, /* payload: br_opened                                   */
  BR_EVENT_MESSAGE,    /* payload: the bytes                                   */
  BR_EVENT_CLOSED,     /* payload: br_closed                                   */
  BR_EVENT_INJECTED,   /* payload: the bytes                                   */
  BR_EVENT_ERROR,      /* payload: English text                                */
  /* 6 is a gap, in the binary format. Payload in the queue: br_pipe_handover; from the hub on, the
     pipe's JSON. */
  BR_EVENT_PIPE_ADDED = 7,
  BR_EVENT_PIPE_CHANGED,
  BR_EVENT_PIPE_REMOVED,
  BR_EVENT_DROPPED, /* payload: br_dropped                                     */
  /* No events: they get no seq and no observer sees them. */
  BR_RECORD_RESULT = 64,  /* how a command ended; payload: br_result             */
  BR_RECORD_PIPE_REFUSED, /* a pipe was not added or not changed, a result follows; payload:
                             br_pipe_refusal */
  BR_RECORD_UNCONNECTED,  /* of BR_COMMAND_CONNECT; payload: pc_failure, PC_E_QUOTA over
                             max_instances */
  BR_RECORD_TAKEN         /* of a private session's BR_COMMAND_SAY; payload: br_taken */
} br_event_kind;

static inline bool br_is_event(uint8_t kind) {
  return kind < BR_RECORD_RESULT;
}
static inline bool br_is_pipe_event(uint8_t kind) {
  return kind >= BR_EVENT_PIPE_ADDED && kind <= BR_EVENT_PIPE_REMOVED;
}

typedef enum br_direction { BR_DIRECTION_NONE, BR_DIRECTION_C2S, BR_DIRECTION_S2C } br_direction;

typedef enum br_event_flags {
  BR_FLAG_INCOMPLETE = 1, /* the client closed in the middle of this message         */
  BR_FLAG_REPLY = 2,      /* said by the bridge itself, by the pipe's `reply` setting */
  BR_FLAG_PRIVATE = 4     /* of a session that one WebSocket has for itself          */
} br_event_flags;

typedef struct br_event {
  uint64_t seq;        /* +1 per event of this run, given by the hub; 0 before      */
  uint64_t wall_ns;    /* since 1970-01-01 UTC                                      */
  uint64_t mono_ns;    /* since the run began                                       */
  uint64_t session;    /* 0: the whole pipe                                         */
  uint64_t command_id; /* injected, opened: the command that asked for it; else 0   */
  uint32_t size_bytes; /* of the payload behind this header                         */
  uint32_t targets;    /* sessions that accepted the bytes, where the bridge spoke  */
  uint16_t pipe;       /* its index, which no other pipe of the run ever has        */
  uint16_t flags;      /* br_event_flags                                            */
  uint8_t kind;        /* br_event_kind                                             */
  uint8_t direction;   /* br_direction                                              */
  uint8_t by_bytes;    /* of the JSON behind the payload that says who injected; 0: unknown */
  uint8_t reserved;
} br_event;

static inline const uint8_t *br_event_payload(const br_event *event) {
  return (const uint8_t *)(event + 1);
}

static inline const uint8_t *br_event_by(const br_event *event) {
  return br_event_payload(event) + event->size_bytes;
}

/* What lies behind the header. */
static inline size_t br_event_tail_bytes(const br_event *event) {
  return (size_t)event->size_bytes + event->by_bytes;
}

typedef struct br_opened {
  pc_peer peer;
  pc_peer upstream; /* of a tap, where its client is connected to */
  bool has_upstream;
  struct br_session_info *info; /* the HTTP thread's from here on; see registry.h */
  br_peer_details details;      /* the last of it lies behind the struct          */
} br_opened;

typedef struct br_closed {
  int32_t reason;               /* pc_close_reason */
  int32_t status;               /* pc_status       */
  struct br_session_info *info; /* the pipe thread does not touch it any more */
} br_closed;

/* Messages of a session and direction that were not put into the event queue, since it was full. */
typedef struct br_dropped {
  uint64_t messages;
  uint64_t bytes;
} br_dropped;

/* How many sessions the kernel took the bytes for, and what became of the others. */
typedef struct br_result {
  uint32_t targets;   /* sessions that there were                                 */
  uint32_t delivered; /* the kernel has the bytes                                 */
  uint32_t queued;    /* accepted, waiting for a peer that does not read now, or is away */
  uint32_t quota;     /* refused: the session's write queue is full               */
  uint32_t too_big;   /* refused: over the pipe's message limit                   */
  uint32_t closed;    /* refused or lost: the session ended                       */
  uint32_t no_place;  /* refused by a tap: no message ended in time, and yours goes between two */
  uint32_t removed;   /* there is no such pipe any more                           */
  uint32_t pipe_refused; /* the pipe was not added or changed, as the record before it says */
  uint32_t is_away; /* nobody is connected: queued until somebody is, or refused by that queue */
  /* From the command's hand-over until all of this was known: the kernel had what is `delivered`,
   * and what is `queued` had been waited for. */
  uint64_t microseconds;
} br_result;

/* The pipe thread hands over what it made of a pipe, and hands back what it uses no more. */
typedef struct br_pipe_handover {
  const struct br_pipe_config *config; /* added, changed: the pipe's from here on */
  const struct br_pipe_live *live;     /* added                                   */
  struct br_pipe_config *old_config;   /* changed, removed: the receiver's; may be NULL */
  struct br_pipe_live *old_live;       /* removed: the receiver's                 */
} br_pipe_handover;

typedef struct br_pipe_refusal {
  struct br_pipe_config *config; /* the receiver's again */
  int32_t status;                /* pc_status            */
  char text[464];                /* what, where, what to do */
} br_pipe_refusal;

typedef enum br_command_kind {
  BR_COMMAND_INJECT = 1, /* payload: the bytes */
  BR_COMMAND_DISCONNECT,
  BR_COMMAND_PING, /* answered at once, with a result of nothing */
  /* Answered by a result of nothing, behind the pipe's event or the refusal. */
  BR_COMMAND_PIPE_ADD,    /* payload: br_pipe_config *, the pipe thread's from here on */
  BR_COMMAND_PIPE_CHANGE, /* likewise: takes the place of the one that the pipe has    */
  BR_COMMAND_PIPE_REMOVE, /* payload: uint32_t, milliseconds for what sessions accepted */
  /* A private session's, private_sessions.c. */
  BR_COMMAND_CONNECT, /* answered by an `opened` event, or BR_RECORD_UNCONNECTED */
  BR_COMMAND_SAY,     /* as inject, from its WebSocket: not answered, but by BR_RECORD_TAKEN */
  BR_COMMAND_TAKEN,   /* payload: br_taken: its WebSocket has taken so much on */
  BR_COMMAND_FINISH   /* its WebSocket has gone */
} br_command_kind;

typedef struct br_command {
  uint64_t id;       /* comes back in the injected event and in the result */
  uint64_t session;  /* 0: every session of the pipe                       */
  uint64_t asked_ns; /* br_host_mono_ns of its hand-over                   */
  uint32_t size_bytes;
  uint16_t pipe;
  uint8_t kind;      /* br_command_kind */
  uint8_t direction; /* br_direction    */
  uint8_t by_bytes;  /* as br_event's   */
  uint8_t reserved[7];
} br_command;

static inline const uint8_t *br_command_payload(const br_command *command) {
  return (const uint8_t *)(command + 1);
}

static inline size_t br_command_tail_bytes(const br_command *command) {
  return (size_t)command->size_bytes + command->by_bytes;
}

const char *br_event_kind_name(uint8_t kind); /* "opened", "message", … */
/* Of a `closed` event: pipecore's, and one of the bridge's own. */
enum { BR_CLOSE_REMOVED = 64 };
const char *br_close_reason_name(int32_t reason);
const char *br_direction_name(uint8_t direction); /* "c2s", "s2c", "none" */

#endif
