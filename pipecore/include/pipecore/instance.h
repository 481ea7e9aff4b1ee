/* pc_instance: one end of a named pipe, as CreateNamedPipe and CreateFile give it. The low level:
 * what a program does itself that pc_server (server.h) does for it otherwise. Source: the Win32
 * documentation of named pipes and of overlapped input and output; where Linux forces something
 * else, pipecore's README.md says so.
 *
 * A server's end is listening (from its creation on: a client may come first) → connected → closing
 * (the client closed; what it sent can still be read) → disconnected → listening …
 *
 * Reads and writes have three forms. Blocking: `overlapped` is NULL. Overlapped: the record says
 * PC_PENDING until the operation is over, then its event is set. With a completion routine (*_ex):
 * it is queued to the issuing thread and runs in that thread's alertable waits (event.h) only.
 * Record and bytes are the caller's, and stay untouched where they are until then. A call that
 * answers with an error started nothing: no event, no routine. One that answers PC_OK or
 * PC_MORE_DATA is over, and its event is set, its routine queued all the same. Operations of one
 * direction complete in the order of their issue.
 *
 * Any thread, several at once too. Calls that say "blocks" answer PC_E_WOULD_DEADLOCK inside a
 * completion routine. */
#ifndef PIPECORE_INSTANCE_H
#define PIPECORE_INSTANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipecore/declarations.h"
#include "pipecore/event.h"
#include "pipecore/peer.h"
#include "pipecore/pipe.h"
#include "pipecore/status.h"

PC_DECLARATIONS_BEGIN

typedef struct pc_instance pc_instance;

/* What happens to a client that comes when no instance listens. */
typedef enum pc_when_full {
  PC_WHEN_FULL_QUEUE, /* it waits its turn, as long as it likes */
  PC_WHEN_FULL_BUSY   /* PC_E_BUSY at once, or after its time-out PC_E_TIMEOUT */
} pc_when_full;

enum {
  PC_INSTANCES_UNLIMITED = 255,
  PC_DEFAULT_TIMEOUT_MS = 50 /* for pc_pipe_options.default_timeout_ms of 0 */
};

typedef struct pc_pipe_options {
  const char *path; /* of the endpoint; copied */
  /* `path` is "@name": a name without a file, which whoever shares the network namespace reaches,
   * so that pc_instance_get_peer is all there is to keep anybody out. Not of Win32. */
  bool is_abstract;
  pc_type type;
  pc_type read_mode; /* PC_TYPE_MESSAGE only with that type */
  pc_access access;
  bool is_first_instance; /* PC_E_IN_USE if there is one already */
  /* 1 to 254, or PC_INSTANCES_UNLIMITED, which 0 means too. What the first instance says counts. */
  uint32_t max_instances;
  uint32_t out_quota_bytes;    /* written and not yet read, advisory; 0 means 65,536       */
  uint32_t in_quota_bytes;     /* only told back, pc_instance_get_info; 0 means 65,536     */
  uint32_t max_message_bytes;  /* of what is written, 16 MiB at most; 0 means 65,536       */
  uint32_t default_timeout_ms; /* for PC_TIMEOUT_DEFAULT; 0 means PC_DEFAULT_TIMEOUT_MS   */
  pc_when_full when_full;
  pc_security security;
} pc_pipe_options;

/* ---- operations ---- */
typedef struct pc_overlapped pc_overlapped;
/* `status`: PC_OK, PC_MORE_DATA or an error; `bytes` moved. On the issuing thread, in an alertable
 * wait. */
typedef void (*pc_completion_routine)(pc_status status, uint32_t bytes, pc_overlapped *overlapped);

struct pc_overlapped { /* caller's memory; zeroed before first use */
  /* Reset when the operation starts, set when it is over; NULL: none. The *_ex calls leave it
   * alone. */
  pc_event *event;
  void *user; /* never touched */
  /* The library's from here on. */
  uint64_t reserved[16];
};
/* How it stands: PC_PENDING, or its result. Never blocks. */
pc_status pc_overlapped_status(const pc_overlapped *overlapped);
/* GetOverlappedResultEx: waits at most `timeout_ms` (negative: no limit) for the end of an
 * operation. PC_PENDING: not over (only with a time-out of 0). PC_E_TIMEOUT. Else the operation's
 * result, and `*out_bytes` (may be NULL) what it moved, also with PC_MORE_DATA or PC_E_ABORTED.
 * Blocks, unless `timeout_ms` is 0. */
pc_status pc_overlapped_result(pc_overlapped *overlapped, int timeout_ms, uint32_t *out_bytes);

/* ---- a server's end ---- */
/* CreateNamedPipe. PC_E_BUSY: max_instances are there. PC_E_ACCESS: `type` or `access` differ from
 * the first instance's, or no right to the path. PC_E_IN_USE: first instance wished and not had, or
 * the path is somebody else's. PC_E_NAME, PC_E_INVALID_ARG, PC_E_NO_MEMORY, PC_E_NO_DESCRIPTORS,
 * PC_E_SYSTEM. `out_failure` may be NULL. */
PC_MUST_USE pc_status pc_instance_create(const pc_pipe_options *options, pc_instance **out_instance,
                                         pc_failure *out_failure);
/* ConnectNamedPipe. PC_OK: a client is there (also one that came first; one that is gone again is
 * told of once, and what it left can be read). PC_PENDING: overlapped. PC_E_BROKEN: closing,
 * disconnect first. PC_E_INVALID_ARG: a client's end. PC_E_NO_DESCRIPTORS. Blocks without
 * `overlapped`. */
PC_MUST_USE pc_status pc_instance_connect(pc_instance *instance, pc_overlapped *overlapped);
/* DisconnectNamedPipe: pending operations end with PC_E_NOT_CONNECTED, unread input is dropped.
 * PC_E_NOT_CONNECTED: it was disconnected already. PC_E_LISTENING: no client came yet.
 * PC_E_INVALID_ARG: a client's end. */
PC_MUST_USE pc_status pc_instance_disconnect(pc_instance *instance);

/* ---- a client's end ---- */
/* `timeout_ms` of the next three has the values of NMPWAIT_*; any other is that many
 * milliseconds. */
enum {
  PC_TIMEOUT_DEFAULT = 0,    /* the server's default_timeout_ms if it is in this process, else 50 */
  PC_TIMEOUT_NOT_AT_ALL = 1, /* PC_E_BUSY at once */
  PC_TIMEOUT_NONE = -1       /* waits as long as it takes */
};
/* A path that begins with @ is an abstract name: a file of that name is ./@name. */
/* WaitNamedPipe, CreateFile and SetNamedPipeHandleState in one, without the race between them.
 * PC_E_NOT_FOUND: no such pipe, at once. PC_E_BUSY, PC_E_TIMEOUT: no instance listens.
 * PC_E_BAD_MODE: `type` is not the pipe's. PC_E_ACCESS, PC_E_NAME, PC_E_INVALID_ARG,
 * PC_E_NO_MEMORY, PC_E_NO_DESCRIPTORS, PC_E_SYSTEM. Blocks. */
PC_MUST_USE pc_status pc_instance_open(const char *path, pc_type type, int timeout_ms,
                                       pc_instance **out_instance);
/* WaitNamedPipe: PC_OK says that an instance listened a moment ago, no more. Errors as of
 * pc_instance_open. Blocks. */
PC_MUST_USE pc_status pc_instance_wait(const char *path, pc_type type, int timeout_ms);
/* CallNamedPipe: open, transact, close. PC_MORE_DATA: the reply was longer, its rest is lost.
 * `timeout_ms` is for the opening; the reply is waited for without limit. Errors as of those.
 * Blocks. */
PC_MUST_USE pc_status pc_instance_call(const char *path, const void *request,
                                       uint32_t request_bytes, void *reply, uint32_t capacity,
                                       int timeout_ms, uint32_t *out_bytes);

/* ---- both ends ---- */
/* CloseHandle: the last call of all. What was written stays readable for the other end; what pended
 * is over (PC_E_ABORTED) when this returns, and its routines run in the next alertable waits of
 * their threads. Accepts NULL. */
void pc_instance_close(pc_instance *instance);

/* ReadFile, ReadFileEx. PC_OK, PC_MORE_DATA (the message is longer: the next read goes on in it),
 * PC_PENDING, PC_E_BROKEN (the other end closed and all was read), PC_E_NOT_CONNECTED
 * (disconnected), PC_E_LISTENING, PC_E_ACCESS (this end only writes), PC_E_NO_MEMORY. Message mode:
 * one message or a part of it. Byte mode: what is there, at least one byte. A read of 0 bytes waits
 * until there is something, takes no bytes, and ends with PC_OK (message mode: PC_MORE_DATA; or an
 * empty message, which is taken, PC_OK). `*out_bytes` (may be NULL) is for PC_OK and PC_MORE_DATA,
 * here and below. The first blocks without `overlapped`; the second needs it, and a routine. */
PC_MUST_USE pc_status pc_instance_read(pc_instance *instance, void *data, uint32_t capacity,
                                       uint32_t *out_bytes, pc_overlapped *overlapped);
PC_MUST_USE pc_status pc_instance_read_ex(pc_instance *instance, void *data, uint32_t capacity,
                                          pc_overlapped *overlapped, pc_completion_routine routine);
/* WriteFile, WriteFileEx: over when the kernel has the bytes. A message is written whole or not at
 * all; PC_E_TOO_BIG: over max_message_bytes, or than the system's send buffer. No bytes: an empty
 * message, or on a byte pipe nothing. PC_E_BROKEN: the other end closed. PC_E_ACCESS: this end only
 * reads. The others as of reads. */
PC_MUST_USE pc_status pc_instance_write(pc_instance *instance, const void *data, uint32_t size,
                                        uint32_t *out_bytes, pc_overlapped *overlapped);
PC_MUST_USE pc_status pc_instance_write_ex(pc_instance *instance, const void *data, uint32_t size,
                                           pc_overlapped *overlapped,
                                           pc_completion_routine routine);
/* TransactNamedPipe: writes a message and reads the next one. PC_E_BAD_MODE: not a message pipe in
 * message read mode. PC_E_BUSY: something unread is there already. PC_E_ACCESS: a one-way pipe. The
 * others as of writes and reads. Blocks without `overlapped`. */
PC_MUST_USE pc_status pc_instance_transact(pc_instance *instance, const void *request,
                                           uint32_t request_bytes, void *reply, uint32_t capacity,
                                           uint32_t *out_bytes, pc_overlapped *overlapped);
/* PeekNamedPipe: copies of the next message (byte mode: of what is there) without taking it.
 * `*out_available_bytes` of all that is there, `*out_left_bytes` of this message beyond the copy
 * (byte type: 0). Outputs may be NULL. Nothing there is PC_OK with zeros; errors as of reads. Never
 * blocks. */
PC_MUST_USE pc_status pc_instance_peek(pc_instance *instance, void *data, uint32_t capacity,
                                       uint32_t *out_bytes, uint32_t *out_available_bytes,
                                       uint32_t *out_left_bytes);
/* FlushFileBuffers with a time-out (milliseconds; negative: none): returns when the other end has
 * read all; a server's end without a client, or whose client has closed, has nothing to wait for
 * (PC_OK). PC_E_BROKEN (it closed meanwhile, over unread bytes), PC_E_NOT_CONNECTED (disconnected
 * meanwhile): it never will. PC_E_TIMEOUT. Blocks. */
PC_MUST_USE pc_status pc_instance_flush(pc_instance *instance, int timeout_ms);
/* Nothing more is written: the other end reads what was, then PC_E_BROKEN, and may write on. A
 * second call changes nothing. PC_E_BUSY: a write is pending. Not of Win32, whose pipes end both
 * ways at once. */
PC_MUST_USE pc_status pc_instance_end_output(pc_instance *instance);
/* CancelIoEx: `overlapped`, or with NULL all that is pending of any thread. Each ends once, with
 * PC_E_ABORTED, unless it was over already. PC_E_NOT_FOUND: nothing was pending. */
PC_MUST_USE pc_status pc_instance_cancel(pc_instance *instance, pc_overlapped *overlapped);

typedef enum pc_instance_state {
  PC_INSTANCE_LISTENING,
  PC_INSTANCE_CONNECTED,
  PC_INSTANCE_CLOSING, /* the other end closed */
  PC_INSTANCE_DISCONNECTED
} pc_instance_state;

typedef struct pc_instance_info {
  pc_type type;
  pc_type read_mode;
  pc_instance_state state;
  bool is_server_end;
  uint32_t out_quota_bytes; /* 0 on a client's end: not known there */
  uint32_t in_quota_bytes;  /* these three likewise                     */
  uint32_t max_instances;
  uint32_t current_instances;
} pc_instance_info;
/* GetNamedPipeInfo and GetNamedPipeHandleState. */
void pc_instance_get_info(pc_instance *instance, pc_instance_info *out_info);
/* SetNamedPipeHandleState. PC_E_INVALID_ARG: message mode on a byte pipe. */
PC_MUST_USE pc_status pc_instance_set_read_mode(pc_instance *instance, pc_type read_mode);
/* GetNamedPipeClientProcessId and its kin: who is at the other end. PC_E_LISTENING,
 * PC_E_NOT_CONNECTED: nobody. */
PC_MUST_USE pc_status pc_instance_get_peer(pc_instance *instance, pc_peer *out_peer);
/* What more is known of it: `parts` is pc_peer_part, or-ed. Errors as before. Costs some system
 * calls for each part. */
PC_MUST_USE pc_status pc_instance_describe_peer(pc_instance *instance, uint32_t parts,
                                                pc_peer_details *out_details);

PC_DECLARATIONS_END

#endif
