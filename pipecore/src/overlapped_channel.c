/* The life of a channel of the strategy "overlapped". The loop's thread.
 *
 * Success: made around an instance that listens (overlapped_listener.c) or was opened; its two
 * operations have their events in the wait set; closed when both are over. Failures: no memory;
 * what opening an instance says. */
#include <stdlib.h>

#include "check.h"
#include "overlapped.h"

overlapped_channel *pc_overlapped_channel_of(pc_channel *channel) {
  return (overlapped_channel *)(void *)channel;
}

static void channel_on_input(overlapped_call *call) {
  overlapped_channel *channel = PC_CONTAINER_OF(call, overlapped_channel, input);
  uint32_t ignored;
  pc_status status = pc_overlapped_call_result(call, &ignored);
  if (channel->listener) {
    pc_overlapped_listener_event(channel->listener, status);
  } else {
    pc_overlapped_on_input(channel, status);
  }
}

overlapped_channel *pc_overlapped_channel_create(pc_backend_state *state, pc_type type,
                                                 uint32_t max_message_bytes) {
  overlapped_channel *channel = calloc(1, sizeof *channel);
  if (!channel) {
    return NULL;
  }
  channel->state = state;
  channel->type = type;
  channel->max_message_bytes = max_message_bytes;
  if (!pc_overlapped_call_init(state, &channel->input, channel_on_input) ||
      !pc_overlapped_call_init(state, &channel->output, pc_overlapped_on_output)) {
    pc_overlapped_channel_destroy(channel);
    return NULL;
  }
  return channel;
}

void pc_overlapped_channel_destroy(overlapped_channel *channel) {
  if (!channel) {
    return;
  }
  pc_instance_close(channel->instance); /* what pends is over then */
  pc_overlapped_call_fini(channel->state, &channel->input);
  pc_overlapped_call_fini(channel->state, &channel->output);
  free(channel->copy);
  free(channel);
}

/* ---- connecting ---- */

static bool connect_perform(pc_operation *operation) {
  pc_backend_state *state = operation->target;
  pc_connect *connect = PC_CONTAINER_OF(operation, pc_connect, operation);
  overlapped_channel *channel =
      pc_overlapped_reserve(state, connect->type, connect->max_message_bytes)
          ? pc_overlapped_channel_create(state, connect->type, connect->max_message_bytes)
          : NULL;
  pc_status status = PC_E_NO_MEMORY;
  if (channel) {
    status =
        pc_instance_open(connect->path, connect->type, PC_TIMEOUT_NOT_AT_ALL, &channel->instance);
  }
  if (status == PC_OK) {
    status = pc_instance_get_peer(channel->instance, &connect->peer);
  }
  if (status != PC_OK) {
    pc_overlapped_channel_destroy(channel);
    pc_connect_fail(connect, (pc_failure){.status = status});
    return true;
  }
  connect->channel = (pc_channel *)(void *)channel;
  connect->failure = (pc_failure){.status = PC_OK};
  operation->status = PC_OK;
  return true;
}

void pc_overlapped_connect(pc_backend_state *state, pc_connect *connect) {
  pc_loop_issue(state->loop, &connect->operation, state);
  pc_loop_complete_by(state->loop, &connect->operation, connect_perform);
}

/* ---- connected ---- */

void pc_overlapped_end_output(pc_channel *opaque) {
  overlapped_channel *channel = pc_overlapped_channel_of(opaque);
  PC_CHECK(channel->write == NULL);
  (void)!pc_instance_end_output(channel->instance); /* fails only of a peer that is gone */
}

void pc_overlapped_describe(pc_channel *opaque, uint32_t parts, pc_peer_details *out_details) {
  const overlapped_channel *channel = pc_overlapped_channel_of(opaque);
  (void)!pc_instance_describe_peer(channel->instance, parts, out_details);
}

void pc_overlapped_cancel(pc_channel *opaque, pc_operation *operation) {
  overlapped_channel *channel = pc_overlapped_channel_of(opaque);
  if (channel->read && operation == &channel->read->operation) {
    channel->read = NULL;
    pc_loop_abort(channel->state->loop, operation);
  } else if (channel->write && operation == &channel->write->operation) {
    pc_overlapped_write_cancel(channel);
  }
}

static bool close_perform(pc_operation *operation) {
  pc_overlapped_channel_destroy(operation->target);
  operation->status = PC_OK;
  return true;
}

/* Closing an instance lets its last words reach the other end, so what was not read needs nothing
 * of us. */
void pc_overlapped_close(pc_channel *opaque, pc_close *close_operation) {
  overlapped_channel *channel = pc_overlapped_channel_of(opaque);
  pc_loop *loop = channel->state->loop;
  pc_loop_issue(loop, &close_operation->operation, channel);
  if (channel->read) {
    pc_overlapped_cancel(opaque, &channel->read->operation);
  }
  if (channel->write) {
    pc_overlapped_write_abort(channel);
  }
  pc_loop_complete_by(loop, &close_operation->operation, close_perform);
}
