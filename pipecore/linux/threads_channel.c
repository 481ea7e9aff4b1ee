/* Listening, accepting, connecting, reading and writing by the threads of instances: the loop's
 * side and thread.
 *
 * Success: an accept makes an instance, whose thread waits for the client; a read or a write asks
 * that thread, and its answer makes the operation ready. What a cancelled read brings after all is
 * kept for the next one. Failures: no instance (told with the accept, which takes no client then);
 * those that the answers tell. */
#include <stdlib.h>

#include "../src/check.h"
#include "peer.h"
#include "system.h"
#include "threads.h"

struct pc_listener {
  pc_linux_endpoint endpoint;
  threads_instance model;  /* what an instance begins with */
  threads_instance *spare; /* waits for the next client */
  pc_accept *accept;       /* pending */
  pc_operation *done;      /* of unlisten */
};

static threads_instance *instance_of(pc_channel *channel) {
  return (threads_instance *)(void *)channel;
}

/* ---- accepting ---- */

static void listener_finish(pc_listener *listener) {
  pc_loop *loop = listener->model.state->loop;
  pc_linux_endpoint_close(&listener->endpoint);
  pc_loop_complete(loop, listener->done, PC_OK);
  free(listener);
}

static void instance_on_accepted(pc_posted *posted, void *user) {
  (void)user;
  threads_instance *instance = PC_CONTAINER_OF(posted, threads_instance, accepted.done);
  pc_listener *listener = instance->listener;
  pc_accept *accept = listener->accept;
  if (!accept) {
    return; /* unlistened: the client is sent away, as those that still wait */
  }
  listener->accept = NULL;
  accept->failure = instance->accepted.failure;
  if (accept->failure.status == PC_OK) {
    listener->spare = NULL;
    instance->listener = NULL;
    accept->channel = (pc_channel *)(void *)instance;
    accept->peer = instance->accepted.peer;
  }
  pc_loop_complete(instance->state->loop, &accept->operation, accept->failure.status);
}

void pc_threads_accept(pc_listener *listener, pc_accept *accept) {
  pc_loop *loop = listener->model.state->loop;
  PC_CHECK(listener->accept == NULL);
  pc_loop_issue(loop, &accept->operation, listener);
  if (!listener->spare) {
    pc_status status =
        pc_threads_instance_create(&listener->model, &listener->spare, &accept->failure);
    if (status != PC_OK) {
      pc_loop_complete(loop, &accept->operation, status);
      return;
    }
  }
  listener->accept = accept;
  pc_threads_ask(listener->spare, THREADS_ACCEPT);
}

bool pc_threads_has_waiting(pc_listener *listener) {
  return pc_linux_is_readable(listener->endpoint.fd);
}

void pc_threads_unlisten(pc_listener *listener, pc_operation *done) {
  pc_loop *loop = listener->model.state->loop;
  pc_loop_issue(loop, done, NULL);
  listener->done = done;
  if (listener->accept) {
    pc_loop_abort(loop, &listener->accept->operation);
    listener->accept = NULL;
  }
  if (!listener->spare) {
    listener_finish(listener);
    return;
  }
  listener->spare->end.does_discard = true;
  pc_threads_ask(listener->spare, THREADS_CLOSE);
}

/* ---- reading ---- */

static bool read_perform(pc_operation *operation) {
  threads_instance *instance = operation->target;
  pc_read *read = instance->read;
  instance->read = NULL;
  instance->read_state = THREADS_READ_IDLE;
  read->views = instance->input.views;
  read->view_count = instance->input.view_count;
  operation->status = instance->input.status;
  return true;
}

static void instance_on_read(pc_posted *posted, void *user) {
  (void)user;
  threads_instance *instance = PC_CONTAINER_OF(posted, threads_instance, input.done);
  instance->read_state = THREADS_READ_DONE;
  if (instance->read) {
    pc_loop_complete_by(instance->state->loop, &instance->read->operation, read_perform);
  }
}

void pc_threads_read(pc_channel *opaque, pc_read *read) {
  threads_instance *instance = instance_of(opaque);
  pc_loop *loop = instance->state->loop;
  PC_CHECK(instance->read == NULL);
  pc_loop_issue(loop, &read->operation, instance);
  instance->read = read;
  switch (instance->read_state) {
  case THREADS_READ_IDLE:
    instance->read_state = THREADS_READ_ASKED;
    instance->input.is_little = read->is_little;
    pc_threads_ask(instance, THREADS_READ);
    break;
  case THREADS_READ_ASKED: /* for a read that was cancelled */
    break;
  case THREADS_READ_DONE:
    pc_loop_complete_by(loop, &read->operation, read_perform);
    break;
  }
}

/* ---- writing ---- */

static void instance_on_written(pc_posted *posted, void *user) {
  (void)user;
  threads_instance *instance = PC_CONTAINER_OF(posted, threads_instance, output.done);
  pc_write *write = instance->write;
  instance->write = NULL;
  write->bytes = instance->output.bytes;
  write->messages = instance->output.messages;
  pc_loop_complete(instance->state->loop, &write->operation, instance->output.status);
}

void pc_threads_write(pc_channel *opaque, pc_write *write) {
  threads_instance *instance = instance_of(opaque);
  PC_CHECK(instance->write == NULL);
  pc_loop_issue(instance->state->loop, &write->operation, instance);
  instance->write = write;
  pc_threads_ask(instance, THREADS_WRITE);
}

/* What is appended to the queue from here on lies behind these bytes, which stay until the write is
 * over. */
void pc_threads_write_gather(threads_instance *instance) {
  instance->output.span_count = pc_write_queue_gather(
      instance->write->queue, instance->output.spans, PC_LINUX_SEND_SPANS, PC_LINUX_SEND_MESSAGES);
}

void pc_threads_end_output(pc_channel *opaque) {
  const threads_instance *instance = instance_of(opaque);
  PC_CHECK(instance->write == NULL);
  shutdown(instance->fd, SHUT_WR); /* fails only of a peer that is gone */
}

/* ---- both ---- */

void pc_threads_describe(pc_channel *opaque, uint32_t parts, pc_peer_details *out_details) {
  pc_linux_peer_describe(instance_of(opaque)->fd, parts, out_details);
}

/* A write that the thread does not know of yet. */
static bool write_is_collected(const threads_instance *instance) {
  return instance->write && (instance->asks & THREADS_WRITE);
}

static void write_take_back(threads_instance *instance) {
  pc_write *write = instance->write;
  instance->asks &= ~(unsigned)THREADS_WRITE;
  instance->write = NULL;
  pc_loop_abort(instance->state->loop, &write->operation);
}

void pc_threads_cancel(pc_channel *opaque, pc_operation *operation) {
  threads_instance *instance = instance_of(opaque);
  if (instance->read && operation == &instance->read->operation) {
    instance->read = NULL;
    pc_loop_abort(instance->state->loop, operation);
  } else if (instance->write && operation == &instance->write->operation) {
    if (write_is_collected(instance)) {
      write_take_back(instance);
    } else {
      pc_threads_ask(instance, THREADS_CANCEL_WRITE);
    }
  }
}

static void instance_on_closed(pc_posted *posted, void *user) {
  (void)user;
  threads_instance *instance = PC_CONTAINER_OF(posted, threads_instance, end.done);
  pc_listener *listener = instance->listener;
  pc_connect *connect = instance->connect;
  pc_close *close_operation = instance->close;
  pc_loop *loop = instance->state->loop;
  pc_threads_instance_destroy(instance);
  if (listener) {
    listener_finish(listener);
  } else if (connect) {
    pc_loop_complete(loop, &connect->operation, connect->operation.status);
  } else {
    pc_loop_complete(loop, &close_operation->operation, PC_OK);
  }
}

void pc_threads_close(pc_channel *opaque, pc_close *close_operation) {
  threads_instance *instance = instance_of(opaque);
  pc_loop_issue(instance->state->loop, &close_operation->operation, instance);
  instance->close = close_operation;
  instance->end.does_discard = close_operation->discard_input;
  if (instance->read) {
    pc_threads_cancel(opaque, &instance->read->operation);
  }
  if (write_is_collected(instance)) {
    write_take_back(instance);
  }
  pc_threads_ask(instance, THREADS_CLOSE); /* which ends a write that is with the thread */
}

/* ---- beginning ---- */

static void instance_on_connected(pc_posted *posted, void *user);

/* What an instance begins with. */
static threads_instance model_of(pc_backend_state *state, pc_type type,
                                 uint32_t max_message_bytes) {
  return (threads_instance){.state = state,
                            .type = type,
                            .max_message_bytes = max_message_bytes,
                            .listening_fd = -1,
                            .accepted.done.routine = instance_on_accepted,
                            .connected.routine = instance_on_connected,
                            .input.done.routine = instance_on_read,
                            .output.done.routine = instance_on_written,
                            .end.done.routine = instance_on_closed};
}

static void instance_on_connected(pc_posted *posted, void *user) {
  (void)user;
  threads_instance *instance = PC_CONTAINER_OF(posted, threads_instance, connected);
  pc_connect *connect = instance->connect;
  if (connect->operation.status != PC_OK) {
    pc_threads_ask(instance, THREADS_CLOSE); /* and told when the thread is gone */
    return;
  }
  instance->connect = NULL;
  connect->channel = (pc_channel *)(void *)instance;
  pc_loop_complete(instance->state->loop, &connect->operation, PC_OK);
}

void pc_threads_connect(pc_backend_state *state, pc_connect *connect) {
  pc_loop_issue(state->loop, &connect->operation, state);
  threads_instance model = model_of(state, connect->type, connect->max_message_bytes);
  model.connect = connect;
  threads_instance *instance = NULL;
  pc_status status = pc_threads_instance_create(&model, &instance, &connect->failure);
  if (status != PC_OK) {
    pc_connect_fail(connect, connect->failure);
    pc_loop_complete(state->loop, &connect->operation, status);
    return;
  }
  pc_threads_ask(instance, THREADS_CONNECT);
}

pc_status pc_threads_listen(pc_backend_state *state, const pc_listen *listen,
                            pc_listener **out_listener, pc_failure *out_failure) {
  pc_listener *listener = calloc(1, sizeof *listener);
  if (!listener) {
    *out_failure = (pc_failure){.status = PC_E_NO_MEMORY, .action = "listen"};
    return PC_E_NO_MEMORY;
  }
  pc_status status = pc_linux_endpoint_open(listen, &listener->endpoint, out_failure);
  if (status != PC_OK) {
    free(listener);
    return status;
  }
  listener->model = model_of(state, listen->type, listen->max_message_bytes);
  listener->model.listener = listener;
  listener->model.listening_fd = listener->endpoint.fd;
  *out_listener = listener;
  return PC_OK;
}
