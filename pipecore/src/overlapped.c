/* The strategy "overlapped": its wait and its table. The loop's thread; backend_wake any thread.
 *
 * Success: an operation of the low level ends and sets its event; the wait set names those that are
 * set; each makes the operation ready that waits for it. Failures: the wait itself (the turn ends
 * with it); no memory for an event (whoever wants it is told). */
#include "overlapped.h"

#include <stdlib.h>

#include "check.h"

/* ---- operations of the low level ---- */

bool pc_overlapped_call_init(pc_backend_state *state, overlapped_call *call,
                             void (*on_end)(overlapped_call *call)) {
  *call = (overlapped_call){.on_end = on_end};
  if (pc_event_create(false, &call->record.event) != PC_OK) {
    return false;
  }
  if (pc_wait_set_add(state->set, call->record.event, call) != PC_OK) {
    pc_event_destroy(call->record.event);
    call->record.event = NULL;
    return false;
  }
  return true;
}

void pc_overlapped_call_fini(pc_backend_state *state, overlapped_call *call) {
  if (call->record.event) {
    pc_wait_set_remove(state->set, call->record.event);
    pc_event_destroy(call->record.event);
  }
}

pc_status pc_overlapped_call_issued(overlapped_call *call, pc_status status) {
  call->is_out = status == PC_PENDING;
  if (status >= 0 && !call->is_out) { /* over at once: who issued it knows already */
    pc_event_reset(call->record.event);
  }
  return status;
}

pc_status pc_overlapped_call_result(overlapped_call *call, uint32_t *out_bytes) {
  pc_status status = pc_overlapped_result(&call->record, -1, out_bytes);
  call->is_out = false;
  pc_event_reset(call->record.event);
  return status;
}

bool pc_overlapped_reserve(pc_backend_state *state, pc_type type, uint32_t max_message_bytes) {
  bool is_stream = type == PC_TYPE_BYTE;
  size_t message = is_stream ? 0 : max_message_bytes;
  size_t least = is_stream ? OVERLAPPED_READ_BYTES : OVERLAPPED_MESSAGES_BYTES;
  size_t size = message > least ? message : least;
  if (size > state->scratch_bytes) {
    /* Pages that no read ever touches are never given by the system. */
    uint8_t *scratch = malloc(size);
    if (!scratch) {
      return false;
    }
    if (state->retired_scratch) {
      free(state->scratch); /* two in one turn: only the oldest can be looked at */
    } else {
      state->retired_scratch = state->scratch;
    }
    state->scratch = scratch;
    state->scratch_bytes = size;
  }
  if (message > state->assembly_bytes) {
    uint8_t *assembly = malloc(message);
    if (!assembly) {
      return false;
    }
    free(state->assembly);
    state->assembly = assembly;
    state->assembly_bytes = message;
  }
  return true;
}

/* ---- the wait ---- */

static pc_status backend_wait(pc_backend_state *state, int timeout_ms) {
  void *first;
  free(state->retired_scratch);
  state->retired_scratch = NULL;
  pc_status status = pc_wait_set_wait(state->set, timeout_ms, false, &first);
  if (status != PC_OK && status != PC_AGAIN) {
    return status == PC_E_TIMEOUT ? PC_OK : status;
  }
  uint32_t count = pc_wait_set_ready(state->set, state->ended, PC_WAIT_READY_MAX);
  /* No routine runs in this loop, so nothing goes away that is still to be looked at. */
  for (uint32_t index = 0; index < count; index++) {
    overlapped_call *call = state->ended[index];
    pc_event_reset(call->record.event);
    if (call->is_out) {
      call->is_out = false;
      call->on_end(call);
    }
  }
  return PC_OK;
}

static void backend_wake(pc_backend_state *state) {
  pc_wait_set_wake(state->set);
}

/* ---- the table ---- */

static pc_status backend_create(pc_loop *loop, pc_backend_state **out_state,
                                pc_failure *out_failure) {
  *out_failure = (pc_failure){.status = PC_E_NO_MEMORY, .action = "make the loop"};
  pc_backend_state *state = calloc(1, sizeof *state);
  if (!state || !pc_overlapped_reserve(state, PC_TYPE_BYTE, 0)) {
    free(state);
    return out_failure->status;
  }
  state->loop = loop;
  out_failure->status = pc_wait_set_create(&state->set);
  if (out_failure->status != PC_OK) {
    free(state->scratch);
    free(state);
    return out_failure->status;
  }
  *out_state = state;
  return PC_OK;
}

static void backend_destroy(pc_backend_state *state) {
  if (state->fifos) {
    state->fifos_destroy(state);
  }
  pc_wait_set_destroy(state->set);
  free(state->retired_scratch);
  free(state->scratch);
  free(state->assembly);
  free(state);
}

static uint64_t backend_now_ns(pc_backend_state *state) {
  (void)state;
  return pc_backend_now_ns();
}

const pc_backend pc_backend_overlapped = {
    .name = "overlapped",
    .fifo = &pc_backend_overlapped_fifo,
    .create = backend_create,
    .destroy = backend_destroy,
    .now_ns = backend_now_ns,
    .wait = backend_wait,
    .wake = backend_wake,
    .submit = pc_overlapped_submit,
    .listen = pc_overlapped_listen,
    .accept = pc_overlapped_accept,
    .unlisten = pc_overlapped_unlisten,
    .has_waiting = pc_overlapped_has_waiting,
    .connect = pc_overlapped_connect,
    .read = pc_overlapped_read,
    .write = pc_overlapped_write,
    .end_output = pc_overlapped_end_output,
    .cancel = pc_overlapped_cancel,
    .close = pc_overlapped_close,
    .describe = pc_overlapped_describe,
};
