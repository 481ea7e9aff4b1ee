/* Client ends for the in-memory backend (PC_BACKEND_FAKE): tests drive a pc_server with them, on the
 * loop's thread, without a system call. A path names an endpoint inside one loop. */
#ifndef PIPECORE_FAKE_H
#define PIPECORE_FAKE_H

#include "pipecore/loop.h"
#include "pipecore/server.h"

typedef struct pc_fake_client pc_fake_client;

PC_MUST_USE pc_status pc_fake_connect(pc_loop *loop, const char *path, const pc_peer *peer,
                                      pc_fake_client **out_client);
/* Bytes (byte type) or one message. PC_AGAIN: the server does not read and the pipe is full. */
PC_MUST_USE pc_status pc_fake_write(pc_fake_client *client, const void *data, size_t size);
/* What the server wrote: a message, or up to `capacity` bytes. PC_AGAIN: nothing there.
 * PC_E_BROKEN: the server closed and all was read. */
PC_MUST_USE pc_status pc_fake_read(pc_fake_client *client, void *data, size_t capacity,
                                   size_t *out_size);
void pc_fake_close(pc_fake_client *client);

/* Makes the next `count` operations of the named kind ("accept", "read", "write") end with `status`. */
void pc_fake_fail(pc_loop *loop, const char *operation, pc_status status, unsigned count);
/* The fake's clock, from which timers run. */
void pc_fake_advance(pc_loop *loop, uint64_t ms);

#endif
