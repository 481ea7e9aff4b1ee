/* pc_tap: owns one endpoint and connects each of its clients to another one, which another program
 * owns. Everything passes in both directions as it came and at once, whatever the framing makes of
 * it: bytes, messages with their boundaries (also empty ones, and any size), descriptors
 * (SCM_RIGHTS), the end of either side's output. Its owner sees the messages of both directions,
 * and can put some of its own in between. To the upstream, the tap's process is the peer.
 *
 * Who does not read is felt at the other end: what waits for one side is bounded by
 * max_write_queue_bytes, then the other side is not read. The same goes for an owner that answers
 * PC_AGAIN. What one side said before it closed or died reaches the other side; what nobody can
 * receive any more is counted (pc_tap_end).
 *
 * Life of a session, a client and its upstream: on_opened (first) → on_message*, on_written* →
 * on_closed (last, once). A callback may call any function of this header except pc_tap_destroy;
 * none is called back from inside it. A `pc_tap_session *` is valid from on_opened until on_closed
 * has returned. All functions: the loop's thread. */
#ifndef PIPECORE_TAP_H
#define PIPECORE_TAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipecore/admission.h"
#include "pipecore/declarations.h"
#include "pipecore/framing.h"
#include "pipecore/loop.h"
#include "pipecore/peer.h"
#include "pipecore/pipe.h"
#include "pipecore/session.h"
#include "pipecore/status.h"

PC_DECLARATIONS_BEGIN

typedef struct pc_tap pc_tap;
typedef struct pc_tap_session pc_tap_session;

typedef enum pc_direction {
  PC_DIRECTION_C2S, /* from the client to the upstream */
  PC_DIRECTION_S2C  /* from the upstream to the client */
} pc_direction;

/* How a session ended. Arrays have a value for each pc_direction. */
typedef struct pc_tap_end {
  pc_close_reason
      reason;       /* of two that merely closed, the first: PC_CLOSE_PEER, PC_CLOSE_UPSTREAM */
  pc_status status; /* details PC_CLOSE_ERROR and PC_CLOSE_LIMIT                              */
  /* What was said and could not be delivered, since who should have it was gone. */
  uint64_t lost_bytes[2];
  /* Likewise; and those that found no room in this process or with the receiver. */
  uint32_t lost_descriptors[2];
} pc_tap_end;

/* NULL: of no interest to the owner. on_message is always needed. */
typedef struct pc_tap_events {
  /* A client is there, and connected to the upstream. Returns false to refuse it (on_closed follows
   * with PC_CLOSE_REFUSED). */
  bool (*on_opened)(pc_tap_session *session, const pc_peer *client, const pc_peer *upstream,
                    void *user);
  /* A whole message, which is on its way to the other side already. PC_OK: taken. PC_AGAIN: not
   * taken; this direction is read no further, and the message is presented again after
   * pc_tap_session_resume. */
  pc_status (*on_message)(pc_tap_session *session, pc_direction direction,
                          const pc_message *message, void *user);
  /* A message of `size_bytes` was over max_message_bytes: it passed, but cannot be shown. Told at
   * its end. */
  void (*on_skipped)(pc_tap_session *session, pc_direction direction, uint64_t size_bytes,
                     void *user);
  /* What passes in this direction does not keep to the framing. It goes on passing, and from here
   * on is shown as PC_FRAMING_NONE would cut it. At most once for each direction and framing. */
  void (*on_unframed)(pc_tap_session *session, pc_direction direction, void *user);
  /* What pc_tap_session_write accepted left for the kernel (PC_OK), or never will: PC_E_TIMEOUT (no
   * message ended within half a second, so there was no place for it), PC_E_TOO_BIG (since
   * pc_tap_change), PC_E_BROKEN, PC_E_NOT_CONNECTED, PC_E_ABORTED, PC_E_NO_MEMORY. Exactly once
   * each, before on_closed. */
  void (*on_written)(pc_tap_session *session, pc_direction direction, uint64_t tag,
                     pc_status status, void *user);
  /* Last call for this session. */
  void (*on_closed)(pc_tap_session *session, const pc_tap_end *end, void *user);
  /* A client was sent away, since its upstream cannot be had. */
  void (*on_unreachable)(pc_tap *tap, const pc_peer *client, const pc_failure *failure, void *user);
  /* As of pc_server_events. */
  void (*on_error)(pc_tap *tap, const pc_failure *failure, void *user);
  void (*on_refused)(pc_tap *tap, const pc_peer *client, pc_admission admission, void *user);
  /* After pc_tap_stop: every session is gone. Last call of all. */
  void (*on_stopped)(pc_tap *tap, void *user);
} pc_tap_events;

typedef struct pc_tap_options {
  const char *path;     /* of the endpoint that clients connect to, as a server's; copied */
  const char *upstream; /* of the endpoint that they mean, as a client's; copied          */
  pc_type type;         /* of both                                         */
  pc_framing framing;   /* byte type: how what passes is shown             */
  /* A 0 means the default. max_message_bytes limits what is shown or written, not what passes. */
  pc_limits limits;
  pc_security security;         /* of `path`          */
  pc_admission_rules admission; /* of clients; copied */
  pc_tap_events on;
  void *user;
} pc_tap_options;

/* Makes the endpoint and begins to listen, as pc_server_start does; the upstream is not looked for
 * before a client is there. PC_E_NOT_SUPPORTED: the loop's backend or strategy has no taps. */
PC_MUST_USE pc_status pc_tap_start(pc_loop *loop, const pc_tap_options *options, pc_tap **out_tap,
                                   pc_failure *out_failure);
/* As pc_server_change; `oversize` means nothing. What passes is not touched, only how it is
 * shown. */
PC_MUST_USE pc_status pc_tap_change(pc_tap *tap, const pc_session_change *change,
                                    pc_failure *out_failure);
/* Begins to stop: no new clients, the endpoint is removed, what waits for either side of a session
 * has `drain_ms` to leave; on_stopped follows from the loop. */
void pc_tap_stop(pc_tap *tap, uint32_t drain_ms);
/* After on_stopped. Accepts NULL. */
void pc_tap_destroy(pc_tap *tap);

/* Puts a message, dressed by the framing, into one direction, between two messages of those that
 * pass there: at once, or when the one that is passing has ended. The bytes are copied. PC_OK:
 * accepted, on_written follows, unless `tag` is 0. PC_E_QUOTA, PC_E_TOO_BIG, PC_E_NOT_CONNECTED,
 * PC_E_NO_MEMORY: not accepted, nothing follows. */
PC_MUST_USE pc_status pc_tap_session_write(pc_tap_session *session, pc_direction direction,
                                           const void *data, uint32_t size, uint64_t tag);
/* Begins to close both sides; on_closed follows from the loop. With `flush`, what waits for either
 * side is written first (at most 2 s). No on_message comes after this call. */
void pc_tap_session_close(pc_tap_session *session, bool flush);
/* After PC_AGAIN: presents what was not taken, in both directions, then reads on. From the loop,
 * not inside this call. */
void pc_tap_session_resume(pc_tap_session *session);

/* As pc_session_describe_peer, of the client. */
void pc_tap_session_describe_client(const pc_tap_session *session, uint32_t parts,
                                    pc_peer_details *out_details);

/* Owner's pointer of a session; NULL at first. */
void pc_tap_session_set_user(pc_tap_session *session, void *session_user);
void *pc_tap_session_user(const pc_tap_session *session);

PC_DECLARATIONS_END

#endif
