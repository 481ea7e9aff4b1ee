/* Accepting by instances that wait for a client. The loop's thread.
 *
 * Success: a spare instance listens all the time, so the pipe is there as long as the listener is;
 * an accept is a connect of it, and hands it over with its client when the next spare is there.
 * Failures: the first instance's (told by listen); no memory for the next spare (told with the
 * accept; the client keeps its instance and is handed over later); no descriptor for a client
 * (likewise; it waits on). */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "overlapped.h"

struct pc_listener {
  pc_backend_state *state;
  pc_pipe_options options;
  overlapped_channel *spare;
  bool is_connected; /* the spare has its client */
  pc_accept *accept; /* pending, or ready to be performed */
  char path[];
};

static pc_status spare_make(pc_listener *listener, overlapped_channel **out_spare,
                            pc_failure *out_failure) {
  overlapped_channel *channel = pc_overlapped_channel_create(
      listener->state, listener->options.type, listener->options.max_message_bytes);
  if (!channel) {
    *out_failure = (pc_failure){.status = PC_E_NO_MEMORY, .action = "make an instance"};
    return out_failure->status;
  }
  pc_status status = pc_instance_create(&listener->options, &channel->instance, out_failure);
  if (status != PC_OK) {
    pc_overlapped_channel_destroy(channel);
    return status;
  }
  channel->listener = listener;
  *out_spare = channel;
  return PC_OK;
}

/* ---- accepting ---- */

static bool accept_end(pc_listener *listener, pc_failure failure) {
  pc_accept *accept = listener->accept;
  listener->accept = NULL;
  accept->failure = failure;
  accept->operation.status = failure.status;
  return true;
}

static bool accept_perform(pc_operation *operation) {
  pc_listener *listener = operation->target;
  pc_accept *accept = listener->accept;
  overlapped_channel *next;
  pc_failure failure = {.status = PC_OK};
  if (spare_make(listener, &next, &failure) != PC_OK) {
    return accept_end(listener, failure);
  }
  overlapped_channel *channel = listener->spare;
  listener->spare = next;
  listener->is_connected = false;
  channel->listener = NULL;
  accept->channel = (pc_channel *)(void *)channel;
  if (pc_instance_get_peer(channel->instance, &accept->peer) != PC_OK) {
    accept->peer = (pc_peer){.pid = -1, .uid = -1, .gid = -1};
  }
  return accept_end(listener, (pc_failure){.status = PC_OK});
}

void pc_overlapped_listener_event(pc_listener *listener, pc_status status) {
  pc_loop *loop = listener->state->loop;
  listener->is_connected = status == PC_OK;
  if (!listener->accept) {
    return;
  }
  if (status == PC_OK) {
    pc_loop_complete_by(loop, &listener->accept->operation, accept_perform);
    return;
  }
  pc_operation *operation = &listener->accept->operation;
  accept_end(listener, (pc_failure){.status = status});
  pc_loop_complete(loop, operation, status);
}

void pc_overlapped_accept(pc_listener *listener, pc_accept *accept) {
  overlapped_call *call = &listener->spare->input;
  pc_loop_issue(listener->state->loop, &accept->operation, listener);
  PC_CHECK(listener->accept == NULL && !call->is_out);
  listener->accept = accept;
  pc_status status = listener->is_connected
                         ? PC_OK
                         : pc_overlapped_call_issued(
                               call, pc_instance_connect(listener->spare->instance, &call->record));
  if (status != PC_PENDING) {
    pc_overlapped_listener_event(listener, status);
  }
}

bool pc_overlapped_has_waiting(pc_listener *listener) {
  pc_instance_info info;
  pc_instance_get_info(listener->spare->instance, &info); /* which takes in who is there */
  return info.state != PC_INSTANCE_LISTENING;
}

/* ---- listening ---- */

static pc_listener *listener_create(pc_backend_state *state, const pc_listen *listen) {
  size_t size = strlen(listen->path) + 1;
  pc_listener *listener = calloc(1, sizeof *listener + size);
  if (listener) {
    listener->state = state;
    memcpy(listener->path, listen->path, size);
    listener->options = (pc_pipe_options){.path = listener->path,
                                          .is_abstract = listen->is_abstract,
                                          .type = listen->type,
                                          .read_mode = listen->type,
                                          .is_first_instance = true,
                                          .max_instances = PC_INSTANCES_UNLIMITED,
                                          .out_quota_bytes = OVERLAPPED_QUOTA_BYTES,
                                          .in_quota_bytes = OVERLAPPED_QUOTA_BYTES,
                                          .max_message_bytes = listen->max_message_bytes,
                                          .when_full = PC_WHEN_FULL_QUEUE,
                                          .security = listen->security};
  }
  return listener;
}

pc_status pc_overlapped_listen(pc_backend_state *state, const pc_listen *listen,
                               pc_listener **out_listener, pc_failure *out_failure) {
  *out_failure = (pc_failure){.status = PC_E_NO_MEMORY, .action = "listen"};
  pc_listener *listener = listener_create(state, listen);
  if (!listener || !pc_overlapped_reserve(state, listen->type, listen->max_message_bytes)) {
    free(listener);
    return PC_E_NO_MEMORY;
  }
  pc_status status = spare_make(listener, &listener->spare, out_failure);
  if (status != PC_OK) {
    free(listener);
    return status;
  }
  listener->options.is_first_instance = false;
  *out_listener = listener;
  return PC_OK;
}

/* The pipe itself goes with its last instance: clients that come while sessions drain are sent away
 * then. */
void pc_overlapped_unlisten(pc_listener *listener, pc_operation *done) {
  pc_loop *loop = listener->state->loop;
  pc_loop_issue(loop, done, NULL);
  if (listener->accept) {
    pc_loop_abort(loop, &listener->accept->operation);
  }
  pc_overlapped_channel_destroy(listener->spare);
  free(listener);
  pc_loop_complete(loop, done, PC_OK);
}
