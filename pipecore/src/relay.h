/* The relay: what passes between the two sessions of a tap, and what is put in between. Private to
 * session*.c, relay*.c and tap.c; the loop's thread.
 *
 * Each of the two sessions has an end here. What is read from one is appended to the other's write
 * queue before the framing looks at it, and read only while there is room for it, so nothing is
 * ever refused. */
#ifndef PIPECORE_SRC_RELAY_H
#define PIPECORE_SRC_RELAY_H

#include "pipecore/tap.h"
#include "session.h"

/* A message of the owner's: waits for the end of one that passes, then for the kernel. */
typedef struct pc_insertion pc_insertion;

typedef struct pc_relay pc_relay;

typedef struct pc_relay_end {
  pc_relay *relay;
  struct pc_relay_end *other;
  pc_session *session;    /* NULL: not there yet, or gone            */
  pc_direction direction; /* of what its peer says                 */
  bool is_input_over;     /* its peer says no more, and the other end knows */
  bool is_input_cut;      /* nobody receives what its peer says             */
  bool is_reading;        /* in the middle of a read's views                */
  bool is_held;           /* `seen` is not passed on yet                    */
  pc_view seen;           /* the view that is looked at                     */

  /* to its peer */
  pc_insertion *waiting_first; /* for a place between two messages */
  pc_insertion *waiting_last;
  size_t waiting_bytes;
  size_t inserted_bytes; /* in the session's queue */

  /* from its peer */
  uint64_t lost_bytes;
  uint32_t lost_descriptors;
} pc_relay_end;

struct pc_relay {
  pc_relay_end ends[2]; /* the client's, the upstream's */
  bool is_joined;       /* both sessions were there     */
};

struct pc_insertion {
  pc_relay_end *end;
  pc_insertion *next;          /* of the end, while it waits */
  pc_insertion *older, *newer; /* of the tap, likewise       */
  uint64_t deadline_ns;
  uint64_t tag; /* the owner's */
  uint32_t size_bytes;
  uint32_t wire_bytes; /* with its dress */
  uint8_t data[];      /* while it waits */
};

/* Those of all sessions of a tap. Each waits the same time, so the oldest is the first to be given
 * up. */
typedef struct pc_insertion_list {
  pc_insertion *oldest, *newest;
} pc_insertion_list;

/* ---- relay.c: what passes ---- */
void pc_relay_init(pc_relay *relay);

/* Whether anything can be sent to its peer. */
bool pc_relay_takes(const pc_relay_end *end);

/* For session_read.c. */
bool pc_relay_may_read(const pc_relay_end *end);
/* Passes a view on, and takes what is attached to it. Returns it as the owner may see it. */
const pc_view *pc_relay_pass(pc_relay_end *end, const pc_view *view);
/* `done` bytes of that view ended a message, or with `is_between` false none did. */
void pc_relay_pass_held(pc_relay_end *end, size_t done, bool is_between);
/* The views of a read were looked at, or what was kept of them. */
void pc_relay_after_read(pc_relay_end *end);
/* Its peer says no more; with `is_hung_up` it does not listen either. */
void pc_relay_input_end(pc_relay_end *end, bool is_hung_up);
/* A read came too late to be looked at. */
void pc_relay_discard(pc_relay_end *end);

/* For session_write.c. */
/* What is queued for its peer will not leave: counts it. */
void pc_relay_count_lost(pc_relay_end *end);
/* Its peer takes nothing more. */
void pc_relay_output_broken(pc_relay_end *end);
/* There is room again. */
void pc_relay_written(pc_relay_end *end);

/* ---- relay_insert.c: what the owner puts in between ---- */
/* Into what passes to this end's peer. Waits until `deadline_ns` at most, if it has to. */
PC_MUST_USE pc_status pc_relay_insert(pc_relay_end *end, const void *data, uint32_t size,
                                      uint64_t tag, uint64_t deadline_ns);
/* Whether what passes to this end's peer stands between two messages. */
bool pc_relay_is_between(const pc_relay_end *end);
/* Queues those that wait: this is a place for them. */
void pc_relay_insert_waiting(pc_relay_end *end);
/* Ends those that wait. */
void pc_relay_refuse_waiting(pc_relay_end *end, pc_status status);
/* The first that waits, which waits no more. */
pc_insertion *pc_relay_waiting_pop(pc_relay_end *end);

/* ---- tap.c ---- */
pc_insertion_list *pc_tap_insertions(pc_relay *relay);
/* It is on no list any more: tells the owner, and frees it. */
void pc_tap_insertion_end(pc_insertion *insertion, pc_status status);
/* What this end's peer says does not keep to the framing, and is cut no more. */
void pc_tap_unframed(pc_relay_end *end);
/* This end's peer says no more. */
void pc_tap_input_ended(pc_relay_end *end);

#endif
