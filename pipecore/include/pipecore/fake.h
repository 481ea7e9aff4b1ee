/* The in-memory backend (PC_BACKEND_FAKE): tests hold the other program's end of a connection, a
 * client of a pc_server or the server of a pc_client, on the loop's thread, without a system call.
 * A path names an endpoint inside one loop. The backend never sleeps, whatever time-out a turn has:
 * time passes by pc_fake_advance only. All functions: the loop's thread. */
#ifndef PIPECORE_FAKE_H
#define PIPECORE_FAKE_H

#include "pipecore/declarations.h"
#include "pipecore/loop.h"
#include "pipecore/session.h"

PC_DECLARATIONS_BEGIN

typedef struct pc_fake_end pc_fake_end;           /* the test's end of a connection  */
typedef struct pc_fake_listener pc_fake_listener; /* an endpoint that the test has   */

/* A client's end. PC_E_NOT_FOUND: nobody listens there. `peer` is who it is; NULL: nobody known. */
PC_MUST_USE pc_status pc_fake_connect(pc_loop *loop, const char *path, const pc_peer *peer,
                                      pc_fake_end **out_end);

/* An endpoint for clients; `peer` is who listens, NULL: nobody known. PC_E_IN_USE. */
PC_MUST_USE pc_status pc_fake_listen(pc_loop *loop, const char *path, pc_type type,
                                     const pc_peer *peer, pc_fake_listener **out_listener);
/* The server's end of the client that came first. PC_AGAIN: none waits. */
PC_MUST_USE pc_status pc_fake_accept(pc_fake_listener *listener, pc_fake_end **out_end);
/* Takes the endpoint away; clients that were not accepted are sent away, the others stay. */
void pc_fake_unlisten(pc_fake_listener *listener);

/* What the other end may find out about who is at this one; copied. PC_E_NO_MEMORY. */
PC_MUST_USE pc_status pc_fake_describe(pc_fake_end *end, const pc_peer_details *details);

/* Bytes (byte type) or one message. PC_AGAIN: the other end does not read and the pipe is full.
 * PC_E_BROKEN: the other end closed. */
PC_MUST_USE pc_status pc_fake_write(pc_fake_end *end, const void *data, size_t size);
/* What the other end wrote: a message, or up to `capacity` bytes. PC_AGAIN: nothing there.
 * PC_MORE_DATA: the message is longer; nothing was taken. PC_E_BROKEN: it closed, or ended its
 * output, and all was read. */
PC_MUST_USE pc_status pc_fake_read(pc_fake_end *end, void *data, size_t capacity, size_t *out_size);
/* Ends what this end sends; it can still read. */
void pc_fake_half_close(pc_fake_end *end);
/* Closes this end; `end` is gone. */
void pc_fake_close(pc_fake_end *end);

/* Makes the next `count` operations of the named kind ("accept", "connect", "read", "write") end
 * with `status`. A write that shall end with PC_AGAIN is one that finds the pipe full. */
void pc_fake_fail(pc_loop *loop, const char *operation, pc_status status, unsigned count);
/* Bytes that a pipe holds in each direction; 64 KiB at first. A larger message passes an empty
 * pipe. */
void pc_fake_set_capacity(pc_loop *loop, size_t capacity_bytes);
/* The fake's clock, from which timers run. */
void pc_fake_advance(pc_loop *loop, uint64_t ms);

PC_DECLARATIONS_END

#endif
