/* The parts of an instance: instance.c (its life), instance_server.c (connect, disconnect),
 * instance_io.c (how requests are issued and progress), instance_read.c, instance_write.c,
 * instance_peek.c, instance_transact.c, instance_flush.c, instance_open.c, instance_wait.c. Any
 * thread; the instance's lock where it says so. */
#ifndef PIPECORE_LINUX_INSTANCE_PRIVATE_H
#define PIPECORE_LINUX_INSTANCE_PRIVATE_H

#include "pipe.h"
#include "request.h"

struct pc_instance {
  pc_port_source source; /* `interest` is under `lock` */
  /* As made: */
  pc_pipe *pipe; /* NULL on a client's end */
  pc_type type;
  pc_access access;
  uint32_t out_quota_bytes;
  uint32_t in_quota_bytes;
  uint32_t max_message_bytes; /* on a client's end: what the system takes */
  /* Under the pipe's lock: */
  pc_link listening;
  bool is_listed; /* among those that wait for a client */
  /* Under the port's lock: */
  uint32_t references; /* its handle, and threads that try or abort a request of it */

  pc_lock lock;
  /* Under it: */
  bool is_presented;       /* a connect said that its client is there */
  bool was_reset;          /* the other end closed and left some of ours unread */
  bool has_ended;          /* the input was read to its end */
  int fd;                  /* -1: no client */
  uint32_t message_offset; /* of the first message in the pipe, bytes that were read */
  pc_instance_state state; /* CLOSING is not kept: see pc_instance_state_now */
  pc_type read_mode;
  pc_list connects; /* of pc_request; the first one is at it, the others wait for it */
  pc_list reads;
  pc_list writes;
};

/* ---- instance.c ---- */
/* An instance without a client. NULL: no memory. */
PC_MUST_USE pc_instance *pc_instance_make(void);
void pc_instance_unreference(pc_instance *instance);
/* Its client is there: the descriptor is the instance's from here on. */
void pc_instance_attach(pc_instance *instance, int fd);
/* Ends all that pends with `status` and lets the other end go. */
void pc_instance_detach(pc_instance *instance, pc_status status) PC_REQUIRES(instance->lock);
/* Takes the lock, after a look whether a client has come meanwhile. */
void pc_instance_enter(pc_instance *instance) PC_ACQUIRES(instance->lock);
/* As `state`, with CLOSING. */
pc_instance_state pc_instance_state_now(pc_instance *instance) PC_REQUIRES(instance->lock);
/* PC_OK: there is a client, or at least what it left. */
pc_status pc_instance_check(const pc_instance *instance) PC_REQUIRES(instance->lock);

/* ---- instance_server.c ---- */
/* Those that wait for a client learn that there is no way to one. */
void pc_instance_connect_fail(pc_instance *instance, pc_status status);

/* ---- instance_io.c ---- */
/* Lets progress what pends. Takes the lock. */
void pc_instance_try(pc_instance *instance);
void pc_instance_progress_reads(pc_instance *instance) PC_REQUIRES(instance->lock);
void pc_instance_progress_writes(pc_instance *instance) PC_REQUIRES(instance->lock);
/* The first attempt of a new read or write: PC_PENDING, or it is over (unless an error: it was
 * never begun). */
PC_MUST_USE pc_status pc_instance_issue_read(pc_instance *instance, pc_request *request)
    PC_REQUIRES(instance->lock);
PC_MUST_USE pc_status pc_instance_issue_write(pc_instance *instance, pc_request *request)
    PC_REQUIRES(instance->lock);
/* Issues a request that was begun, and waits for its end if it `blocks`. */
typedef pc_status (*pc_instance_issue)(pc_instance *instance, pc_request *request);
PC_MUST_USE pc_status pc_instance_run(pc_request *request, bool blocks, uint32_t *out_bytes,
                                      pc_instance_issue issue_one);
/* Cancels `overlapped` (NULL: all that pends). PC_E_NOT_FOUND: nothing did. Takes the lock. */
pc_status pc_instance_abort(pc_instance *instance, const pc_overlapped *overlapped);
void pc_instance_end_all(pc_list *queue, pc_status status);

/* ---- direct.c: blocking reads and writes ---- */
/* Whether the calling thread can sleep on a socket of its own. */
PC_MUST_USE bool pc_direct_is_possible(void);
/* Waits for what the request (queued as `is_direct`) waits for, until it is over or better off with
 * the port. */
void pc_direct_wait(pc_request *request);

/* ---- instance_open.c ---- */
/* Whether one may block for that path. */
PC_MUST_USE pc_status pc_instance_open_check(const char *path);
/* A time-out of the interface in milliseconds: negative: none; 0: not at all. */
int pc_instance_open_timeout(const char *path, int timeout_ms);
PC_MUST_USE pc_status pc_instance_open_socket(const char *path, pc_type type, int timeout_ms,
                                              int *out_fd);

/* ---- instance_read.c, instance_write.c: one attempt; PC_PENDING: not now ---- */
pc_status pc_instance_read_once(pc_instance *instance, pc_request *request)
    PC_REQUIRES(instance->lock);
pc_status pc_instance_write_once(pc_instance *instance, pc_request *request)
    PC_REQUIRES(instance->lock);
/* What a recvmsg brings, or why it does not: PC_PENDING, PC_E_BROKEN … Over resets. */
pc_status pc_instance_receive(pc_instance *instance, void *data, uint32_t size, int flags,
                              size_t *out_size, bool *out_has_credentials)
    PC_REQUIRES(instance->lock);
/* Where the next MSG_PEEK begins, in bytes from the first message's begin; negative: at its begin,
 * ever. */
void pc_instance_peek_offset_set(pc_instance *instance, int offset) PC_REQUIRES(instance->lock);

#endif
