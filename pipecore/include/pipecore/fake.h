/* Client ends for the in-memory backend (PC_BACKEND_FAKE): tests drive a pc_server with them, on the
 * loop's thread, without a system call. A path names an endpoint inside one loop. The backend never
 * sleeps, whatever time-out a turn has: time passes by pc_fake_advance only. */
#ifndef PIPECORE_FAKE_H
#define PIPECORE_FAKE_H

#include "pipecore/declarations.h"
#include "pipecore/loop.h"
#include "pipecore/session.h"

PC_DECLARATIONS_BEGIN

typedef struct pc_fake_client pc_fake_client;

/* PC_E_NOT_FOUND: nobody listens there. `peer` NULL: nobody known. */
PC_MUST_USE pc_status pc_fake_connect(pc_loop *loop, const char *path, const pc_peer *peer,
                                      pc_fake_client **out_client);
/* Bytes (byte type) or one message. PC_AGAIN: the server does not read and the pipe is full.
 * PC_E_BROKEN: the server closed. */
PC_MUST_USE pc_status pc_fake_write(pc_fake_client *client, const void *data, size_t size);
/* What the server wrote: a message, or up to `capacity` bytes. PC_AGAIN: nothing there.
 * PC_MORE_DATA: the message is longer; nothing was taken. PC_E_BROKEN: the server closed and all was read. */
PC_MUST_USE pc_status pc_fake_read(pc_fake_client *client, void *data, size_t capacity,
                                   size_t *out_size);
/* Ends what the client sends; it can still read. */
void pc_fake_half_close(pc_fake_client *client);
void pc_fake_close(pc_fake_client *client);

/* Makes the next `count` operations of the named kind ("accept", "read", "write") end with `status`. A write
 * that shall end with PC_AGAIN is one that finds the pipe full. */
void pc_fake_fail(pc_loop *loop, const char *operation, pc_status status, unsigned count);
/* Bytes that a pipe holds in each direction; 64 KiB at first. A larger message passes an empty pipe. */
void pc_fake_set_capacity(pc_loop *loop, size_t capacity_bytes);
/* The fake's clock, from which timers run. */
void pc_fake_advance(pc_loop *loop, uint64_t ms);

PC_DECLARATIONS_END

#endif
