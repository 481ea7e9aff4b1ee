/* The sending half of one observer, the same for a WebSocket and an event stream. HTTP thread.
 *
 * What goes out, in this order: the rest of a log piece that went out in part; the outbox; the log
 * from the cursor on, up to its head. One system call per pass takes all of it. Bytes of the outbox
 * so only ever stand between two pieces. Whoever has something new is queued in the server's ready
 * list and sent to at the end of the turn; nothing is sent inside a call of the owner's. */
#ifndef WEB_SRC_SENDER_H
#define WEB_SRC_SENDER_H

#include <stdbool.h>
#include <stddef.h>

#include "log_ring.h"
#include "outbox.h"
#include "pace.h"
#include "poller.h"
#include "web/observer.h"

typedef enum web_sender_mode {
  WEB_SENDER_SILENT,      /* observes nothing */
  WEB_SENDER_CATCHING_UP, /* draws from source.catch_up */
  WEB_SENDER_DRY,         /* its source has no log, and had nothing at the last look */
  WEB_SENDER_FOLLOWING    /* reads the log by its cursor */
} web_sender_mode;

typedef enum web_sender_result {
  WEB_SENDER_IDLE,    /* nothing is left to send */
  WEB_SENDER_MORE,    /* the pass was full, the kernel was not */
  WEB_SENDER_BLOCKED, /* the kernel is full: wait until writable */
  WEB_SENDER_BEHIND,  /* it missed something, and its source does not tell of gaps */
  WEB_SENDER_STALLED, /* the kernel has been full for limits.stall_timeout_ms; not from a pass */
  WEB_SENDER_GONE,    /* the peer is */
  WEB_SENDER_FAILED   /* no memory for what must come next */
} web_sender_result;

typedef struct web_sender web_sender;
struct web_sender {
  web_server *server;
  web_poll_entry entry;
  unsigned base_interest; /* of the entry, when not blocked */
  bool is_live;           /* the entry's handle is ours to write to */
  bool is_blocked;
  bool was_blocked;    /* and has not been sent to since */
  bool is_ready;       /* in the server's ready list */
  bool is_torn;        /* there was no memory for the rest of a piece: the peer must go */
  uint64_t ready_pass; /* the last pass before it became ready */

  web_sender_mode mode;
  web_source source;
  web_log_cursor cursor; /* while FOLLOWING */
  web_outbox outbox;
  size_t private_bytes; /* at most so many bytes of the outbox were put there by web_sender_put */

  web_timer stall_timer; /* while blocked */
  size_t unread_bytes;   /* by the peer, at the last look; SIZE_MAX: none yet */
  web_pace pace;
  web_sender *log_previous, *log_next;
  web_sender *ready_previous, *ready_next;

  /* After each pass, for its owner, who may destroy the sender. */
  void (*on_sent)(web_sender *sender, web_sender_result result);
};

/* From now on it may be written to; polls with `interest`. */
WEB_MUST_USE web_status web_sender_open(web_sender *sender, web_handle handle, unsigned interest);
/* Ends everything; the handle is its owner's. Also for one that was never opened. */
void web_sender_close(web_sender *sender);

void web_sender_observe(web_sender *sender, const web_source *source);
/* With nothing else to be sent: puts the next piece from the past before all that comes. */
void web_sender_draw_ahead(web_sender *sender);
/* Ends observing; a piece that went out in part will be completed. False: no memory to do so. */
bool web_sender_unobserve(web_sender *sender);
/* Queues bytes of its own, however many. WEB_FULL: `max_bytes` of such wait already. */
WEB_MUST_USE web_status web_sender_put(web_sender *sender, const void *head, size_t head_size,
                                       const void *body, size_t body_size, size_t max_bytes);
/* Something is new for it. */
void web_sender_wake(web_sender *sender);
/* Likewise, and a source without a log has something. */
void web_sender_draw_again(web_sender *sender);
/* What the owner polls for, beside what sending needs. */
void web_sender_set_interest(web_sender *sender, unsigned interest);
/* From the owner's on_ready: the handle is writable. */
void web_sender_unblock(web_sender *sender);

/* Whether it is far behind although it reads fast. */
bool web_sender_is_pressed(web_sender *sender);

/* Sends once to each that is ready. The loop's. */
void web_senders_pass(web_server *server);

#endif
