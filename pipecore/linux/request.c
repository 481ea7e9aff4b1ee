/* How operations begin and end, and how their results are asked for. Any thread.
 *
 * Success: PC_PENDING until pc_request_end, which under the port's lock stores the result, sets the
 * event or posts the routine, and wakes who waits. Asking for the result of one that pends tries it
 * first: an instance's operations progress when somebody waits or asks. Failures: none of their
 * own. */
#include "request.h"

#include "instance_private.h"

static pc_overlapped *overlapped_of(pc_request *request) {
  return PC_CONTAINER_OF(request, pc_overlapped, reserved);
}

static void routine_run(pc_posted *posted, void *user) {
  (void)posted;
  pc_request *request = user;
  request->routine(request->status, request->done, overlapped_of(request));
}

pc_status pc_request_begin(pc_overlapped *overlapped, pc_instance *instance, void *data,
                           uint32_t size) {
  pc_request *request = pc_request_of(overlapped);
  if (pc_request_status(request) == PC_PENDING) {
    return PC_E_INVALID_ARG;
  }
  *request = (pc_request){.instance = instance, .data = data, .size = size};
  return PC_OK;
}

pc_status pc_request_begin_ex(pc_overlapped *overlapped, pc_instance *instance, void *data,
                              uint32_t size, pc_completion_routine routine) {
  pc_alertable *thread;
  if (!overlapped || !routine) {
    return PC_E_INVALID_ARG;
  }
  pc_status status = pc_thread_know(&thread);
  if (status == PC_OK) {
    status = pc_request_begin(overlapped, instance, data, size);
  }
  if (status == PC_OK) {
    pc_request *request = pc_request_of(overlapped);
    request->routine = routine;
    request->thread = thread;
    request->posted = (pc_posted){.routine = routine_run, .user = request};
  }
  return status;
}

void pc_request_pend(pc_request *request, pc_list *queue) {
  pc_list_append(queue, &request->link);
  pc_lock_take(&pc_port_lock);
  if (request->status != PC_PENDING) { /* a transaction pends twice */
    request->status = PC_PENDING;
    if (!request->is_direct) {
      pc_port_pending_add();
    }
    pc_event *event = overlapped_of(request)->event;
    if (request->routine) {
      pc_list_append(&request->thread->requests, &request->thread_link);
    } else if (event) {
      pc_port_event_reset(event);
    }
  }
  pc_lock_drop(&pc_port_lock);
}

void pc_request_entrust(pc_request *request) {
  pc_lock_take(&pc_port_lock);
  request->is_direct = false;
  pc_port_pending_add();
  pc_lock_drop(&pc_port_lock);
}

void pc_request_end(pc_request *request, pc_status status) {
  pc_lock_take(&pc_port_lock);
  bool was_pending = request->status == PC_PENDING;
  pc_event *event = overlapped_of(request)->event;
  request->status = status;
  if (was_pending && !request->is_direct) {
    pc_port_pending_remove();
  }
  if (request->routine) {
    if (was_pending) {
      pc_list_remove(&request->thread->requests, &request->thread_link);
    }
    pc_thread_post(request->thread, &request->posted);
  } else if (event) {
    pc_port_event_set(event);
  }
  pc_waiters_wake(&request->waiters);
  pc_lock_drop(&pc_port_lock);
}

/* ---- results ---- */

struct request_wait {
  pc_port_condition condition;
  const pc_request *request;
};

static bool request_is_over(const pc_port_condition *condition) {
  return PC_CONTAINER_OF((pc_port_condition *)(uintptr_t)condition, struct request_wait, condition)
             ->request->status != PC_PENDING;
}

pc_status pc_request_wait(pc_request *request, uint64_t deadline_ns, uint32_t *out_bytes) {
  pc_lock_take(&pc_port_lock);
  pc_status status = request->status;
  if (status == PC_PENDING) {
    pc_waiter waiter = {.thread = pc_thread_self()};
    struct request_wait wait = {.condition.is_met = request_is_over, .request = request};
    pc_list_append(&request->waiters, &waiter.link);
    status = pc_port_wait(&wait.condition, deadline_ns, false);
    pc_list_remove(&request->waiters, &waiter.link);
    if (status == PC_OK) {
      status = request->status;
    }
  }
  if (status != PC_E_TIMEOUT) { /* no operation ends with that */
    *out_bytes = request->done;
  }
  pc_lock_drop(&pc_port_lock);
  return status;
}

/* Tries what pends before this request and itself. */
static void request_try(pc_request *request) {
  pc_lock_take(&pc_port_lock);
  pc_instance *instance = NULL;
  if (request->status == PC_PENDING) {
    instance = request->instance;
    instance->references++;
  }
  pc_lock_drop(&pc_port_lock);
  if (instance) {
    pc_instance_try(instance);
    pc_instance_unreference(instance);
  }
}

pc_status pc_request_status(const pc_request *request) {
  pc_lock_take(&pc_port_lock);
  pc_status status = request->status;
  pc_lock_drop(&pc_port_lock);
  return status;
}

pc_status pc_overlapped_status(const pc_overlapped *overlapped) {
  pc_request *request = pc_request_of(overlapped);
  request_try(request);
  return pc_request_status(request);
}

pc_status pc_overlapped_result(pc_overlapped *overlapped, int timeout_ms, uint32_t *out_bytes) {
  if (timeout_ms != 0 && pc_thread_is_in_routine()) {
    return PC_E_WOULD_DEADLOCK;
  }
  pc_request *request = pc_request_of(overlapped);
  uint32_t bytes = 0;
  request_try(request);
  pc_status status = pc_request_wait(request, pc_port_deadline_ns(timeout_ms), &bytes);
  if (status == PC_E_TIMEOUT) {
    return timeout_ms == 0 ? PC_PENDING : status;
  }
  if (out_bytes) {
    *out_bytes = bytes;
  }
  return status;
}

/* ---- a thread goes ---- */

void pc_requests_cancel(pc_alertable *self) {
  for (;;) {
    pc_lock_take(&pc_port_lock);
    pc_request *request = NULL;
    pc_instance *instance = NULL;
    if (self->requests.first) {
      request = PC_CONTAINER_OF(self->requests.first, pc_request, thread_link);
      instance = request->instance;
      instance->references++;
    }
    pc_lock_drop(&pc_port_lock);
    if (!request) {
      return;
    }
    pc_instance_abort(instance, overlapped_of(request));
    pc_instance_unreference(instance);
  }
}
