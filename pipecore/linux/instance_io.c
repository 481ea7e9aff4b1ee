/* How reads and writes are issued, wait in their queues, progress and are cancelled. Any thread.
 *
 * Success: with nothing before it a request is tried at once; else it pends behind the others of
 * its direction. The leader of the port, or whoever asks for a result, lets a queue progress: in
 * order, until the system has no more for it. Failures: the end this is says no (PC_E_ACCESS); no
 * client; no memory to watch the socket. All before a request began. What ends one that pends is
 * told by its record. */
#include <sys/epoll.h>

#include "instance_private.h"

/* ---- queues ---- */

static pc_request *queue_take(pc_list *queue) {
  pc_request *request = PC_CONTAINER_OF(queue->first, pc_request, link);
  pc_list_remove(queue, &request->link);
  return request;
}

void pc_instance_end_all(pc_list *queue, pc_status status) {
  while (queue->first) {
    pc_request_end(queue_take(queue), status);
  }
}

static pc_request *queue_first(const pc_list *queue) {
  return PC_CONTAINER_OF(queue->first, pc_request, link);
}

void pc_instance_progress_reads(pc_instance *instance) {
  while (instance->reads.first) {
    pc_status status = pc_instance_read_once(instance, queue_first(&instance->reads));
    if (status == PC_PENDING) {
      return;
    }
    pc_request_end(queue_take(&instance->reads), status);
  }
}

/* A transaction was written: it goes on as a read of the reply. */
static pc_status transaction_turn(pc_instance *instance, pc_request *request)
    PC_REQUIRES(instance->lock) {
  request->is_transaction = false;
  request->data = request->reply;
  request->size = request->reply_capacity;
  request->done = 0;
  return pc_instance_issue_read(instance, request);
}

void pc_instance_progress_writes(pc_instance *instance) {
  while (instance->writes.first) {
    pc_status status = pc_instance_write_once(instance, queue_first(&instance->writes));
    if (status == PC_PENDING) {
      return;
    }
    pc_request *request = queue_take(&instance->writes);
    if (status == PC_OK && request->is_transaction) {
      status = transaction_turn(instance, request);
      if (status < 0) {
        pc_request_end(request, status);
      }
    } else {
      pc_request_end(request, status);
    }
  }
}

void pc_instance_try(pc_instance *instance) {
  pc_instance_enter(instance);
  pc_instance_progress_reads(instance);
  pc_instance_progress_writes(instance);
  pc_lock_drop(&instance->lock);
}

/* ---- issuing ---- */

/* Puts the request in its queue, watched for what it waits for. */
static pc_status request_queue(pc_instance *instance, pc_request *request, pc_list *queue,
                               uint32_t events) PC_REQUIRES(instance->lock) {
  /* Its own thread sees to it only where nobody else does. */
  request->is_direct = request->is_direct && !queue->first && !instance->source.interest;
  pc_status status =
      request->is_direct ? PC_OK : pc_port_want(&instance->source, instance->fd, events);
  if (status != PC_OK) {
    return status;
  }
  if (request->is_direct) {
    request->direct_fd = instance->fd;
    request->direct_events = events;
  }
  pc_request_pend(request, queue);
  return PC_PENDING;
}

pc_status pc_instance_issue_read(pc_instance *instance, pc_request *request) {
  pc_status status = PC_PENDING;
  if (!instance->reads.first) {
    status = pc_instance_read_once(instance, request);
  }
  if (status == PC_PENDING) {
    return request_queue(instance, request, &instance->reads, EPOLLIN);
  }
  if (status >= 0) {
    pc_request_end(request, status);
  }
  return status;
}

pc_status pc_instance_issue_write(pc_instance *instance, pc_request *request) {
  pc_status status = PC_PENDING;
  if (!instance->writes.first) {
    status = pc_instance_write_once(instance, request);
  }
  if (status == PC_PENDING) {
    return request_queue(instance, request, &instance->writes, EPOLLOUT);
  }
  if (status == PC_OK && request->is_transaction) {
    return transaction_turn(instance, request);
  }
  if (status >= 0) {
    pc_request_end(request, status);
  }
  return status;
}

static bool end_may(const pc_instance *instance, pc_access forbidden) {
  return !instance->pipe || instance->access != forbidden;
}

static pc_status request_issue(pc_instance *instance, pc_request *request,
                               pc_instance_issue issue_one) {
  pc_instance_enter(instance);
  pc_status status = pc_instance_check(instance);
  if (status == PC_OK) {
    status = issue_one(instance, request);
  }
  pc_lock_drop(&instance->lock);
  return status;
}

pc_status pc_instance_run(pc_request *request, bool blocks, uint32_t *out_bytes,
                          pc_instance_issue issue_one) {
  pc_status status = request_issue(request->instance, request, issue_one);
  uint32_t bytes = 0;
  if (status == PC_PENDING && blocks) {
    if (request->is_direct) {
      pc_direct_wait(request);
    }
    status = pc_request_wait(request, UINT64_MAX, &bytes);
  } else if (status == PC_OK || status == PC_MORE_DATA) {
    bytes = request->done;
  }
  if (out_bytes && (status == PC_OK || status == PC_MORE_DATA)) {
    *out_bytes = bytes;
  }
  return status;
}

static pc_status bytes_run(pc_instance *instance, void *data, uint32_t size, uint32_t *out_bytes,
                           pc_overlapped *overlapped, pc_instance_issue issue_one) {
  if (!overlapped && pc_thread_is_in_routine()) {
    return PC_E_WOULD_DEADLOCK;
  }
  pc_overlapped own = {.event = NULL};
  pc_overlapped *record = overlapped ? overlapped : &own;
  pc_request *request = pc_request_of(record);
  pc_status status = pc_request_begin(record, instance, data, size);
  if (status != PC_OK) {
    return status;
  }
  request->is_direct = !overlapped && pc_direct_is_possible();
  return pc_instance_run(request, !overlapped, out_bytes, issue_one);
}

pc_status pc_instance_read(pc_instance *instance, void *data, uint32_t capacity,
                           uint32_t *out_bytes, pc_overlapped *overlapped) {
  if (!end_may(instance, PC_ACCESS_OUTBOUND)) {
    return PC_E_ACCESS;
  }
  return bytes_run(instance, data, capacity, out_bytes, overlapped, pc_instance_issue_read);
}

static pc_status write_check(const pc_instance *instance, uint32_t size) {
  if (!end_may(instance, PC_ACCESS_INBOUND)) {
    return PC_E_ACCESS;
  }
  bool is_too_big = instance->type == PC_TYPE_MESSAGE && size > instance->max_message_bytes;
  return is_too_big ? PC_E_TOO_BIG : PC_OK;
}

/* The library only reads what a write gives it. */
static void *bytes_of(const void *data) {
  return (void *)(uintptr_t)data;
}

pc_status pc_instance_write(pc_instance *instance, const void *data, uint32_t size,
                            uint32_t *out_bytes, pc_overlapped *overlapped) {
  pc_status status = write_check(instance, size);
  return status == PC_OK ? bytes_run(instance, bytes_of(data), size, out_bytes, overlapped,
                                     pc_instance_issue_write)
                         : status;
}

pc_status pc_instance_read_ex(pc_instance *instance, void *data, uint32_t capacity,
                              pc_overlapped *overlapped, pc_completion_routine routine) {
  if (!end_may(instance, PC_ACCESS_OUTBOUND)) {
    return PC_E_ACCESS;
  }
  pc_status status = pc_request_begin_ex(overlapped, instance, data, capacity, routine);
  return status == PC_OK
             ? request_issue(instance, pc_request_of(overlapped), pc_instance_issue_read)
             : status;
}

pc_status pc_instance_write_ex(pc_instance *instance, const void *data, uint32_t size,
                               pc_overlapped *overlapped, pc_completion_routine routine) {
  pc_status status = write_check(instance, size);
  if (status == PC_OK) {
    status = pc_request_begin_ex(overlapped, instance, bytes_of(data), size, routine);
  }
  return status == PC_OK
             ? request_issue(instance, pc_request_of(overlapped), pc_instance_issue_write)
             : status;
}

/* ---- cancelling ---- */

static bool queue_abort(pc_list *queue, const pc_request *wanted) {
  bool was_there = false;
  pc_link *link = queue->first;
  while (link) {
    pc_request *request = PC_CONTAINER_OF(link, pc_request, link);
    link = link->next;
    if (!wanted || request == wanted) {
      pc_list_remove(queue, &request->link);
      pc_request_end(request, PC_E_ABORTED);
      was_there = true;
    }
  }
  return was_there;
}

pc_status pc_instance_abort(pc_instance *instance, const pc_overlapped *overlapped) {
  const pc_request *wanted = overlapped ? pc_request_of(overlapped) : NULL;
  pc_lock_take(&instance->lock);
  bool was_there = queue_abort(&instance->connects, wanted);
  was_there = queue_abort(&instance->reads, wanted) || was_there;
  was_there = queue_abort(&instance->writes, wanted) || was_there;
  pc_lock_drop(&instance->lock);
  return was_there ? PC_OK : PC_E_NOT_FOUND;
}

pc_status pc_instance_cancel(pc_instance *instance, pc_overlapped *overlapped) {
  return pc_instance_abort(instance, overlapped);
}
