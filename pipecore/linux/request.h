/* A request: what the library keeps of an operation, in the caller's pc_overlapped. It is begun, is
 * then at once over or pends in a queue of its instance (guarded by the instance's lock), and ends
 * once. Any thread. */
#ifndef PIPECORE_LINUX_REQUEST_H
#define PIPECORE_LINUX_REQUEST_H

#include "pipecore/instance.h"
#include "port.h"

/* It lies in memory that the caller declared as integers. */
#define PC_MAY_ALIAS __attribute__((may_alias))

typedef struct PC_MAY_ALIAS pc_request {
  pc_link link; /* in a queue of the instance; its lock */
  pc_instance *instance;
  uint8_t *data;
  uint32_t size;
  uint32_t done; /* bytes moved so far */
  union {
    struct { /* a transaction: what comes after the write */
      uint8_t *reply;
      uint32_t reply_capacity;
    };
    struct { /* is_direct */
      int direct_fd;
      uint32_t direct_events;
    };
    struct { /* with a routine */
      pc_posted posted;
      pc_link thread_link; /* among the thread's; the port's lock */
      pc_alertable *thread;
    };
  };
  pc_completion_routine routine;
  pc_list waiters;  /* of pc_waiter; the port's lock */
  pc_status status; /* the port's lock */
  bool is_transaction;
  bool is_direct; /* its thread sleeps on the socket itself (direct.c); the instance's lock */
} pc_request;

_Static_assert(sizeof(pc_request) <= sizeof(((pc_overlapped *)NULL)->reserved),
               "a request fits its record");

static inline pc_request *pc_request_of(const pc_overlapped *overlapped) {
  return (pc_request *)(uintptr_t)overlapped->reserved;
}

/* Makes a new request of the record. PC_E_INVALID_ARG: it is pending. */
PC_MUST_USE pc_status pc_request_begin(pc_overlapped *overlapped, pc_instance *instance, void *data,
                                       uint32_t size);
/* The same, with a routine. Also PC_E_NO_MEMORY. */
PC_MUST_USE pc_status pc_request_begin_ex(pc_overlapped *overlapped, pc_instance *instance,
                                          void *data, uint32_t size, pc_completion_routine routine);
/* It pends, in `queue`. The instance's lock is held. */
void pc_request_pend(pc_request *request, pc_list *queue);
/* One that its own thread saw to pends with the others from here on. Likewise. */
void pc_request_entrust(pc_request *request);
/* It is over: event, routine and waiters learn of it. The instance's lock is held, and the request
 * is in no queue any more. Its memory is the caller's from here on. */
void pc_request_end(pc_request *request, pc_status status);

pc_status pc_request_status(const pc_request *request);
/* Waits for the end. */
PC_MUST_USE pc_status pc_request_wait(pc_request *request, uint64_t deadline_ns,
                                      uint32_t *out_bytes);

/* Cancels what pends with a routine of this thread. */
void pc_requests_cancel(pc_alertable *self);

#endif
