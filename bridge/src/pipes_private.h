/* What the files of the pipe thread share: pipes.c (life), pipe_changes.c (one pipe's life),
 * role_*.c (how a pipe comes by its sessions), pipe_sessions.c (what happens in them), emit.c
 * (records into the event queue), injection.c (commands), oversize.c (what peers say beyond the
 * limit), refusals.c (who is not let in), private_sessions.c (a client pipe's sessions for one
 * WebSocket each). Pipe thread. */
#ifndef BRIDGE_SRC_PIPES_PRIVATE_H
#define BRIDGE_SRC_PIPES_PRIVATE_H

#include "bridge/event.h"
#include "bridge/id_table.h"
#include "bridge/pipes.h"
#include "bridge/registry.h"
#include "failure.h"
#include "pipecore/tap.h"
#include "sent_by.h"
#include "spin.h"
#include "user_names.h"

typedef struct pipe_session pipe_session;
typedef struct pipe_entry pipe_entry;
typedef struct private_end private_end;

/* What differs by the bridge's role on a pipe. */
typedef struct pipe_role {
  /* Makes the endpoint, or begins to connect; false: `*out_failure` tells. */
  bool (*start)(pipe_entry *pipe, pc_failure *out_failure);
  /* Begins to stop; br_pipe_stopped follows when every session is gone. */
  void (*stop)(pipe_entry *pipe, uint32_t drain_ms);
  void (*destroy)(pipe_entry *pipe);
  /* For open sessions, and those to come; on failure nothing has changed, and `*out_failure`
   * tells. */
  pc_status (*change)(pipe_entry *pipe, const pc_session_change *change, pc_failure *out_failure);
  /* Takes an injection into the whole pipe, and answers it; false: it is for the sessions that
   * there are. NULL: it always is. */
  bool (*inject)(pipe_entry *pipe, const br_command *command);
  /* Of a session; write as pc_session_write, close with a flush, resume after PC_AGAIN. */
  pc_status (*write)(pipe_session *session, br_direction direction, const void *data, uint32_t size,
                     uint64_t tag);
  void (*close)(pipe_session *session);
  void (*resume)(pipe_session *session);
  br_direction heard;   /* of what the peer of a session says; none: a tap hears both      */
  br_direction said;    /* of what the bridge says to it; none: it says nothing by itself */
  bool has_one_session; /* at a time: what is for the pipe is for that one */
} pipe_role;
extern const pipe_role br_role_server;
extern const pipe_role br_role_client;
extern const pipe_role br_role_tap;

/* An injection that waits for somebody to be connected. */
typedef struct away_message {
  struct away_message *next;
  uint64_t command_id;
  uint32_t size_bytes;
  uint8_t by_bytes;
  uint8_t data[]; /* the payload, then who sent it */
} away_message;

typedef struct away_queue {
  away_message *first, *last;
  uint32_t count;
  uint64_t bytes;
  uint64_t refused_count; /* since it was last empty */
} away_queue;

/* Of role client. */
typedef struct client_end {
  pc_client *client;
  away_queue away;
  pc_status told_failure; /* the last one that an error event told … */
  uint64_t told_ns;       /* … and when                              */
  private_end *privates;
  uint32_t private_count;
  bool is_stopped; /* but for its private sessions */
} client_end;

/* Of role client: a session that one WebSocket has for itself, from its first try to connect to its
 * end. */
struct private_end {
  pc_client *client;
  pipe_entry *pipe;
  pipe_session *session;        /* NULL: not yet, or no more */
  private_end *previous, *next; /* of the pipe */
  private_end *next_ended;
  br_sent_by by;
  uint64_t command_id;    /* of the command that is not answered yet; 0: it is */
  uint64_t give_up_ns;    /* trying */
  uint64_t unread_bytes;  /* charged: told, and not taken on by the WebSocket's side */
  uint64_t written_bytes; /* charged: of the WebSocket's, which its side was not told of */
  uint64_t guest_max_bytes;
  pc_limits limits;     /* that it began with */
  uint64_t guest_bytes; /* charged: of other people's, which are not written yet */
  size_t flush_bytes;   /* queued when flush_timer was started */
  pc_timer flush_timer;
  bool is_held;      /* by its window: a message waits in the session */
  bool is_finishing; /* the WebSocket has gone */
};

/* Clients that a pipe's rules refused. */
typedef struct br_refusals {
  uint64_t untold_count; /* of which no error event told yet */
  pc_peer last;
  pc_admission admission;
  pc_timer timer; /* while it runs, nothing is told */
} br_refusals;

/* Of role tap. */
typedef struct tap_end {
  pc_tap *tap;
  uint64_t untold_count; /* clients without an upstream of which no error event told yet */
  uint64_t told_ns;      /* when the last one did; 0: never                              */
} tap_end;

/* One pipe. */
struct pipe_entry {
  br_pipes *owner;
  const br_pipe_config *config;
  const pipe_role *role;
  union { /* the role's */
    pc_server *server;
    client_end client;
    tap_end tap;
  };
  br_pipe_live *live;
  br_counters *counters;
  br_link *link;
  pipe_session *first; /* open sessions */
  br_refusals refusals;
  pipe_entry *previous, *next; /* of br_pipes */
  pipe_entry *next_stopped;
  br_pipe_config *owned_config; /* `config`, unless it is the program's configuration */
  uint16_t index;
  bool is_removed; /* as this asked: */
  br_command remove_command;
};

struct pipe_session {
  br_session_info *info; /* the HTTP thread's but for the counters */
  uint64_t id;
  pipe_entry *pipe;
  union { /* the role's */
    pc_session *session;
    pc_tap_session *pair;
  };
  private_end *private_end;      /* NULL: it is everybody's */
  pipe_session *previous, *next; /* of the pipe; of one that is everybody's */
  pipe_session *next_waiting;    /* for the event queue to be half empty */
  uint64_t refused_count;        /* messages that the full write queue refused, in this episode */
  uint64_t untold_count;         /* skipped messages of which no error event told yet */
  uint64_t untold_bytes;
  br_dropped dropped[2]; /* of which no event told yet, by pc_direction */
  uint64_t told_ns;      /* when the last one did; 0: never */
  uint64_t lost_count;   /* injections answered as queued, never written */
  uint64_t lost_bytes;
  bool is_waiting;
  bool is_closed; /* gone while it waited */
};

/* A record that found the queue full and must not be lost. */
typedef struct overdue_record {
  struct overdue_record *next;
  br_event event; /* payload behind it */
} overdue_record;

/* The way into the event queue. */
typedef struct emitter {
  br_queue *queue;
  overdue_record *overdue_first, *overdue_last;
  bool has_pushed; /* since the reader was last told */
  bool is_full;    /* since a record found no room, until the queue is half empty */
  uint64_t run_start_ns;
  uint64_t turn_ns; /* pc_loop_now_ns of the stamp below */
  uint64_t wall_ns;
} emitter;

/* One injection on its way to the kernel. */
typedef struct injection {
  struct injection *previous, *next; /* those not yet answered, oldest first; or the free list */
  uint64_t command_id;
  uint64_t asked_ns;
  uint64_t deadline_ns;
  uint64_t session;
  uint32_t size_bytes;
  uint32_t remaining; /* accepted writes that have not ended */
  uint16_t flags;     /* br_event_flags */
  uint8_t by_bytes;
  bool is_answered;
  bool is_own; /* of the WebSocket that the session belongs to */
  br_direction direction;
  uint16_t pipe;
  br_result result;
} injection;

struct br_pipes {
  br_pipes_options options;
  pc_loop *loop;
  pipe_entry *first, *last; /* all, oldest first */
  pipe_entry **by_index;    /* owned; BR_PIPE_INDEXES, NULL: not there any more */
  pipe_entry *stopped;      /* to be destroyed */
  size_t running_count;     /* pipes that have not stopped */
  bool is_stopping;
  br_id_table sessions;
  uint64_t next_session_id;
  emitter out;
  br_spin spin;
  br_user_names user_names;
  pipe_session *waiting_sessions_first, *waiting_sessions_last;
  private_end *ended_privates;
  injection *waiting_first, *waiting_last;
  injection *free_injections;
  pc_timer answer_timer;
  pc_posted stop_request;
};

/* ---- emit.c ---- */
/* `payload`, here and below: what lies behind the header, with who sent it. False: the queue is
 * full, or was and is not half empty yet; nothing was taken. */
bool br_emit_message(br_pipes *pipes, const br_event *event, const void *payload);
/* Never refuses: waits its turn in memory when the queue is full. */
void br_emit_always(br_pipes *pipes, const br_event *event, const void *payload);
/* Nanoseconds since 1970-01-01 UTC, as events of this turn have them. */
uint64_t br_emit_wall_ns(br_pipes *pipes);
/* printf-like `error` event. */
__attribute__((format(printf, 4, 5))) void br_emit_error(br_pipes *pipes, uint16_t pipe,
                                                         uint64_t session, const char *detail, ...);
/* Pushes what is overdue. True: none left. */
bool br_emit_overdue(br_pipes *pipes);
void br_emit_fini(br_pipes *pipes);

/* ---- injection.c ---- */
void br_command_handle(const void *record, size_t size, void *user);
/* A write with this tag ended. */
void br_injection_written(pipe_session *session, uint64_t tag, pc_status status);
/* Answers a command of which nothing more is to come. */
void br_injection_answer(br_pipes *pipes, const br_command *command, br_result result);
/* Writes what was answered before as queued, and announces it. PC_OK, or as pc_session_write. */
pc_status br_injection_deliver(pipe_session *session, const br_command *command,
                               const void *payload);
void br_injection_timer(pc_timer *timer, void *user);
void br_injection_fini(br_pipes *pipes);

/* ---- away.c ---- */
/* Whether injections must wait, since nobody is there or others wait already. */
bool br_away_is_needed(const pipe_entry *pipe);
/* Keeps it and answers `queued`, or refuses it. */
void br_away_append(pipe_entry *pipe, const br_command *command);
/* Writes what the session takes, in order. */
void br_away_deliver(pipe_entry *pipe);
/* Tells what nobody will get any more, and lets it go. */
void br_away_give_up(pipe_entry *pipe);

/* ---- oversize.c ---- */
/* A message over the limit was skipped: counts it, and tells at most once a second. */
void br_session_count_skipped(pipe_session *session, uint64_t size_bytes);
/* The end of a session: tells what was not told, and what it did wrong. */
void br_session_explain_end(pipe_session *session, pc_status status);

/* ---- refusals.c ---- */
void br_refusals_init(pipe_entry *pipe);
/* Counts one, and tells at most once a second. */
void br_refusals_count(pipe_entry *pipe, const pc_peer *peer, pc_admission admission);
/* Tells what was not told; none comes any more. */
void br_refusals_end(pipe_entry *pipe);

/* ---- pipes.c ---- */
/* ---- pipe_changes.c ---- */
/* Makes one of `config`, which must outlive it. On failure `error` says what, where and what to
 * do. */
pc_status br_pipe_start(br_pipes *pipes, const br_pipe_config *config, uint16_t index,
                        pipe_entry **out_pipe, char *error, size_t error_size);
/* The role's: the pipe that it stopped has ended. */
void br_pipe_stopped(pipe_entry *pipe);
/* Lets go of the pipes that have. */
void br_pipes_reap(br_pipes *pipes);
/* Of all of them; when both threads have ended. */
void br_pipes_release(br_pipes *pipes);
/* One of BR_COMMAND_PIPE_*. */
void br_command_pipe(br_pipes *pipes, const br_command *command);
/* As a queue's handler: frees what a command owns that nobody will handle. */
void br_command_release(const void *record, size_t size, void *user);

/* ---- role_client.c ---- */
/* Of a pipe that stops: the last of its private sessions may have ended. */
void br_client_end_if_done(pipe_entry *pipe);

/* ---- private_sessions.c ---- */
/* Begins to connect; always answers. */
void br_private_connect(br_pipes *pipes, const br_command *command);
/* The WebSocket's side took on what it was told. */
void br_private_taken(pipe_session *session, const br_command *command);
/* Writes what was accepted, and closes. */
void br_private_finish(pipe_session *session);
/* Of messages of other people: whether one fits beside the WebSocket's own; it was accepted. */
bool br_private_takes_guest(const pipe_session *session, uint32_t size_bytes);
void br_private_accepted_guest(pipe_session *session, uint32_t size_bytes);
/* As pipe_role.change, of what the pipe itself may become. */
void br_privates_change(pipe_entry *pipe, const pc_session_change *change);
/* A message has left the write queue, written or not. */
void br_private_written(pipe_session *session, bool is_guest, uint32_t size_bytes);
void br_privates_stop(pipe_entry *pipe, uint32_t drain_ms);
/* Frees those that have ended. Not from a callback. */
void br_privates_sweep(br_pipes *pipes);

/* ---- role_server.c ---- */
/* Tells why clients have to wait. */
void br_pipe_accept_failed(pipe_entry *pipe, const pc_failure *failure);

/* ---- pipe_sessions.c ---- */
/* What roles with sessions of pipecore's give them; their `user` is the pipe_entry. */
extern const pc_session_events br_session_events;
/* Likewise their functions of pipe_role. */
pc_status br_session_plain_write(pipe_session *session, br_direction direction, const void *data,
                                 uint32_t size, uint64_t tag);
void br_session_plain_close(pipe_session *session);
void br_session_plain_resume(pipe_session *session);
/* Who is there, and what for. */
typedef struct session_beginning {
  const pc_peer *peer;
  const pc_peer_details *details;
  const pc_peer *upstream;  /* of a tap, else NULL */
  private_end *private_end; /* or NULL */
} session_beginning;
/* Somebody is there: a session, announced. NULL: no memory, which was told. */
pipe_session *br_session_open(pipe_entry *pipe, const session_beginning *beginning);
/* Of all events of the session. */
static inline uint16_t br_session_flags(const pipe_session *session) {
  return session->private_end ? BR_FLAG_PRIVATE : 0;
}
/* What is to be known of a peer. */
uint32_t br_pipe_peer_parts(const pipe_entry *pipe);
/* As on_message. */
pc_status br_session_hear(pipe_session *session, br_direction direction, const pc_message *message);
/* Announces the end, and frees it. */
void br_session_close(pipe_session *session, pc_close_reason reason, pc_status status);

/* ---- overflow.c ---- */
/* The event queue refused a message of the session. PC_AGAIN: present it again, the session pauses.
 * PC_OK: it was dropped, as the pipe is set to. */
pc_status br_session_overflow(pipe_session *session, br_direction direction, uint32_t size_bytes);
/* Tells what was dropped and not told yet. */
void br_session_tell_dropped(pipe_session *session);
/* Ends its waiting, and frees it: at once, or where it waits. */
void br_session_free(pipe_session *session);
/* Once a turn: when the queue is half empty, what waits goes on, in the order in which it came to
 * wait. */
void br_pipes_resume(br_pipes *pipes);
void br_overflow_fini(br_pipes *pipes);

/* ---- pipe_sessions.c ---- */
/* Of a pipe or session. */
static inline br_traffic *br_counters_traffic(br_counters *counters, br_direction direction) {
  return direction == BR_DIRECTION_C2S ? &counters->c2s : &counters->s2c;
}
/* Counts a message that was heard, or accepted for a peer. */
void br_session_count_accepted(pipe_session *session, br_direction direction, uint32_t size_bytes);
/* Counts an accepted or refused message to a peer, and tells of refusals once an episode. */
void br_session_count_written(pipe_session *session, br_direction direction, pc_status status,
                              uint32_t size_bytes);

#endif
