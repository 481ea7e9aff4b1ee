/* pc_session: one connection of a pipe from its beginning to its end, whichever end is ours. A
 * pc_server has one for each client, a pc_client has one at a time.
 *
 * Life of a session: on_connected (first) → on_message*, on_written* → on_disconnected (last,
 * once). A callback may call any function of this header and of its owner's, except the owner's
 * destroy; none is called back from inside it. A `pc_session *` is valid from on_connected until
 * on_disconnected has returned.
 *
 * All functions: the loop's thread, but the names (any thread). */
#ifndef PIPECORE_SESSION_H
#define PIPECORE_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipecore/declarations.h"
#include "pipecore/framing.h"
#include "pipecore/peer.h"
#include "pipecore/pipe.h"
#include "pipecore/status.h"

PC_DECLARATIONS_BEGIN

typedef struct pc_session pc_session;

typedef enum pc_close_reason {
  PC_CLOSE_PEER,    /* the other end closed or died                                        */
  PC_CLOSE_LOCAL,   /* pc_session_close                                                    */
  PC_CLOSE_ERROR,   /* the system said no, or the peer broke the framing: status says what */
  PC_CLOSE_LIMIT,   /* a limit of the options was reached: status says which               */
  PC_CLOSE_STOP,    /* the owner's stop: pc_server_stop, …                                 */
  PC_CLOSE_REFUSED, /* on_connected returned false                                         */
  PC_CLOSE_UPSTREAM /* of a tap: its upstream closed or died                               */
} pc_close_reason;
const char *pc_close_reason_name(pc_close_reason reason); /* "peer", "local", … */

/* What becomes of a message from the peer that is over max_message_bytes. */
typedef enum pc_oversize {
  PC_OVERSIZE_CLOSE, /* the session ends: PC_CLOSE_LIMIT, PC_E_TOO_BIG                       */
  PC_OVERSIZE_SKIP   /* it is let go without being kept, on_skipped tells, the session goes on */
} pc_oversize;
const char *pc_oversize_name(pc_oversize oversize); /* "close", "skip" */

typedef enum pc_message_flags {
  PC_MESSAGE_INCOMPLETE = 1 /* the peer closed in the middle of this frame: the rest never came */
} pc_message_flags;

/* A borrowed view, valid during the callback. size_bytes may be 0. */
typedef struct pc_message {
  const uint8_t *data;
  uint32_t size_bytes;
  uint32_t flags;
} pc_message;

typedef struct pc_limits {
  uint32_t max_instances;         /* a server's clients at once; others wait in the backlog   */
  uint32_t max_message_bytes;     /* of one message, either way; of length16* 65,535 at most  */
  uint32_t max_write_queue_bytes; /* accepted for one session and not yet the kernel's        */
  /* No byte passes either way for so long: the session ends, PC_CLOSE_LIMIT and PC_E_TIMEOUT, at
   * most a sixteenth later. 0: it may be silent for ever. What the owner does not take (PC_AGAIN)
   * is no silence. */
  uint32_t idle_timeout_ms;
  uint32_t accept_rate;  /* a server's new clients a second, in the long run; 0: as they come */
  uint32_t accept_burst; /* at once, after a pause; 0: as many as accept_rate                 */
} pc_limits;
/* Default, minimum and maximum of each limit. */
extern const pc_limits pc_limits_default;
extern const pc_limits pc_limits_min;
extern const pc_limits pc_limits_max;

/* What may change while there are sessions (pc_server_change, …), for those that are open and those
 * to come. */
typedef struct pc_session_change {
  /* Byte type: bytes that are no message yet are cut by the new one, and it dresses what is written
   * from here on. What is being skipped ends there. */
  pc_framing framing;
  /* All of them; a 0 means the default. Who is there stays, whatever max_instances says, and so
   * does who was being accepted. The idle time begins anew. Of the message type max_message_bytes
   * must be as it was: reads are made for it. */
  pc_limits limits;
  pc_oversize oversize;
} pc_session_change;

/* NULL: of no interest to the owner. on_message is always needed. */
typedef struct pc_session_events {
  /* The peer is there. Returns false to refuse it (on_disconnected follows with PC_CLOSE_REFUSED);
   * NULL refuses nobody. */
  bool (*on_connected)(pc_session *session, const pc_peer *peer, void *user);
  /* A whole message. PC_OK: taken. PC_AGAIN: not taken; the session stops reading, and presents
   * this message and what follows it again after pc_session_resume. */
  pc_status (*on_message)(pc_session *session, const pc_message *message, void *user);
  /* A message of `size_bytes` was over the limit and is gone; only for PC_OVERSIZE_SKIP, else NULL.
   * Told at the message's end, so in order with on_message; or, with the bytes that came of it,
   * right before on_disconnected if the session ended in the middle of it. */
  void (*on_skipped)(pc_session *session, uint64_t size_bytes, void *user);
  /* The peer sends no more, after its last message; may be NULL. True: the session stays for what
   * is written to it, until pc_session_end_output or pc_session_close, or until a write finds the
   * peer gone. False, or NULL: it ends when what was accepted is written, for which there are 2
   * s. */
  bool (*on_input_end)(pc_session *session, void *user);
  /* The message written with `tag` left for the kernel (PC_OK), or never will (an error). Exactly
   * once per accepted pc_session_write, in order, before on_disconnected. */
  void (*on_written)(pc_session *session, uint64_t tag, pc_status status, void *user);
  /* Last call for this session. `status` details PC_CLOSE_ERROR and PC_CLOSE_LIMIT. */
  void (*on_disconnected)(pc_session *session, pc_close_reason reason, pc_status status,
                          void *user);
} pc_session_events;

/* Dresses the message by the pipe's framing and hands it to the kernel, or queues it. The bytes are
 * copied. PC_OK: accepted, on_written follows. PC_E_QUOTA, PC_E_TOO_BIG, PC_E_NOT_CONNECTED,
 * PC_E_NO_MEMORY, PC_E_ACCESS (an inbound pipe): not accepted, nothing follows, the session is
 * unharmed. Against max_write_queue_bytes a message is charged its bytes and 16 more; an empty
 * queue takes any message that is not too big. */
PC_MUST_USE pc_status pc_session_write(pc_session *session, const void *data, uint32_t size,
                                       uint64_t tag);
/* Begins to close; on_disconnected follows from the loop. With `flush`, what was accepted is
 * written first (a peer that never reads holds this up at most 2 s). No on_message comes after this
 * call. */
void pc_session_close(pc_session *session, bool flush);
/* Ends our output: when what was accepted is written, the peer is told that nothing more comes, and
 * its messages go on coming. pc_session_write answers PC_E_NOT_CONNECTED from here on. If the input
 * has ended as well, the session ends then (PC_CLOSE_PEER). */
void pc_session_end_output(pc_session *session);
/* After PC_AGAIN: presents what was not taken, then reads on. From the loop, not inside this call.
 * Nothing happens if the session is not paused. */
void pc_session_resume(pc_session *session);

/* Whether pc_session_write may accept: not closing, and the peer still receives. */
bool pc_session_is_open(const pc_session *session);
/* Bytes accepted by pc_session_write and not yet the kernel's. */
size_t pc_session_queued_bytes(const pc_session *session);

/* `parts` (pc_peer_part, or-ed) of who is at the other end, as far as they can be known now: a
 * process that is gone has its groups only, and after pc_session_close nothing is known. Costs some
 * system calls for each part. */
void pc_session_describe_peer(const pc_session *session, uint32_t parts,
                              pc_peer_details *out_details);

/* Owner's pointer of a session; NULL at first. */
void pc_session_set_user(pc_session *session, void *session_user);
void *pc_session_user(const pc_session *session);

PC_DECLARATIONS_END

#endif
