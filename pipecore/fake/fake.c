/* The fake backend: endpoints and connections in memory, a clock that is set, failures on order. For tests;
 * the loop's thread.
 *
 * Each read shows its bytes in fresh memory that is freed before the next one, so that a sanitizer sees who
 * keeps a view. It never sleeps. */
#include <stdlib.h>
#include <string.h>

#include "../src/check.h"
#include "fake_private.h"

enum {
  DEFAULT_CAPACITY_BYTES = 64 * 1024,
  READ_BYTES = 64 * 1024,
  LITTLE_BYTES = 4096,
  NS_PER_MS = 1000000
};

/* True once for each failure that was ordered. */
static bool failure_take(pc_backend_state *state, fake_kind kind, pc_status *out_status) {
  fake_failure *failure = &state->failures[kind];
  if (failure->count == 0) {
    return false;
  }
  failure->count--;
  *out_status = failure->status;
  return true;
}

static void viewed_free(pc_backend_state *state) {
  while (state->viewed) {
    fake_node *next = state->viewed->next;
    free(state->viewed);
    state->viewed = next;
  }
}

/* ---- life ---- */

static pc_status fake_create(pc_loop *loop, pc_backend_state **out_state, pc_failure *out_failure) {
  pc_backend_state *state = calloc(1, sizeof *state);
  if (!state) {
    *out_failure = (pc_failure){.status = PC_E_NO_MEMORY, .action = "make the fake"};
    return PC_E_NO_MEMORY;
  }
  state->loop = loop;
  state->now_ns = (uint64_t)1000 * NS_PER_MS;
  state->capacity_bytes = DEFAULT_CAPACITY_BYTES;
  *out_state = state;
  return PC_OK;
}

static void fake_destroy(pc_backend_state *state) {
  PC_CHECK(state->connections == NULL && state->listeners == NULL);
  viewed_free(state);
  free(state);
}

static uint64_t fake_now_ns(pc_backend_state *state) {
  return state->now_ns;
}

void pc_fake_connection_release(fake_connection *connection) {
  if (!connection->is_server_closed || !connection->is_client_closed) {
    return;
  }
  fake_connection **link = &connection->state->connections;
  while (*link != connection) {
    link = &(*link)->next;
  }
  *link = connection->next;
  pc_fake_pipe_clear(&connection->to_server);
  pc_fake_pipe_clear(&connection->to_client);
  free(connection);
}

/* ---- listening ---- */

static pc_status fake_listen(pc_backend_state *state, const pc_listen *listen,
                             pc_listener **out_listener, pc_failure *out_failure) {
  for (pc_listener *other = state->listeners; other; other = other->next) {
    if (strcmp(other->path, listen->path) == 0) {
      *out_failure =
          (pc_failure){.status = PC_E_IN_USE, .action = "bind", .advice = "use another path"};
      return PC_E_IN_USE;
    }
  }
  pc_listener *listener = calloc(1, sizeof *listener);
  char *path = strdup(listen->path);
  if (!listener || !path) {
    free(listener);
    free(path);
    *out_failure = (pc_failure){.status = PC_E_NO_MEMORY, .action = "listen"};
    return PC_E_NO_MEMORY;
  }
  *listener = (pc_listener){.state = state,
                            .next = state->listeners,
                            .path = path,
                            .type = listen->type,
                            .max_message_bytes = listen->max_message_bytes};
  state->listeners = listener;
  *out_listener = listener;
  return PC_OK;
}

static fake_connection *listener_first_waiting(const pc_listener *listener) {
  fake_connection *connection = listener->state->connections;
  while (connection && connection->waits_at != listener) {
    connection = connection->next;
  }
  return connection;
}

static bool fake_accept_perform(pc_operation *operation) {
  pc_listener *listener = operation->target;
  pc_accept *accept = listener->accept;
  fake_connection *connection = listener_first_waiting(listener);
  if (!failure_take(listener->state, FAKE_ACCEPT, &operation->status)) {
    if (!connection) {
      return false;
    }
    connection->waits_at = NULL;
    accept->channel = (pc_channel *)(void *)connection;
    accept->peer = connection->peer;
    operation->status = PC_OK;
  }
  listener->accept = NULL;
  return true;
}

static void fake_accept(pc_listener *listener, pc_accept *accept) {
  PC_CHECK(listener->accept == NULL);
  pc_loop_issue(listener->state->loop, &accept->operation, listener);
  listener->accept = accept;
}

static void fake_unlisten(pc_listener *listener, pc_operation *done) {
  pc_backend_state *state = listener->state;
  pc_loop_issue(state->loop, done, NULL);
  if (listener->accept) {
    pc_loop_abort(state->loop, &listener->accept->operation);
  }
  fake_connection *connection = listener_first_waiting(listener);
  while (connection) { /* clients that were never let in are sent away */
    connection->waits_at = NULL;
    connection->is_server_closed = true;
    connection->to_client.is_ended = true;
    connection->to_server.is_broken = true;
    pc_fake_connection_release(connection);
    connection = listener_first_waiting(listener);
  }
  pc_listener **link = &state->listeners;
  while (*link != listener) {
    link = &(*link)->next;
  }
  *link = listener->next;
  free(listener->path);
  free(listener);
  pc_loop_complete(state->loop, done, PC_OK);
}

/* ---- reading ---- */

static fake_connection *connection_of(pc_channel *channel) {
  return (fake_connection *)(void *)channel;
}

static void view_add(pc_backend_state *state, fake_node *node, pc_view *view, uint32_t limit) {
  node->next = state->viewed;
  state->viewed = node;
  *view = (pc_view){.data = node->data + node->begin,
                    .size_bytes = node->size < limit ? (uint32_t)node->size : limit,
                    .message_bytes = (uint32_t)node->size,
                    .is_message_end = node->size <= limit};
}

static bool bytes_view(fake_connection *connection) {
  pc_backend_state *state = connection->state;
  size_t limit = atomic_load_explicit(connection->read->is_little, memory_order_relaxed)
                     ? LITTLE_BYTES
                     : READ_BYTES;
  size_t size = connection->to_server.bytes < limit ? connection->to_server.bytes : limit;
  fake_node *node = malloc(sizeof *node + size);
  if (!node) {
    return false;
  }
  *node = (fake_node){.size = pc_fake_pipe_read(&connection->to_server, node->data, size)};
  view_add(state, node, &state->views[0], UINT32_MAX);
  return true;
}

static uint32_t messages_view(fake_connection *connection) {
  pc_backend_state *state = connection->state;
  uint32_t most = atomic_load_explicit(connection->read->is_little, memory_order_relaxed)
                      ? 1
                      : sizeof state->views / sizeof state->views[0];
  uint32_t count = 0;
  while (count < most && connection->to_server.first) {
    view_add(state, pc_fake_pipe_take(&connection->to_server), &state->views[count++],
             connection->max_message_bytes);
  }
  return count;
}

static bool fake_read_perform(pc_operation *operation) {
  fake_connection *connection = operation->target;
  pc_backend_state *state = connection->state;
  pc_read *read = connection->read;
  viewed_free(state);
  read->views = state->views;
  read->view_count = 0;
  operation->status = PC_OK;
  if (failure_take(state, FAKE_READ, &operation->status)) {
    connection->read = NULL;
    return true;
  }
  if (connection->to_server.first && connection->type == PC_TYPE_MESSAGE) {
    read->view_count = messages_view(connection);
  } else if (connection->to_server.first) {
    operation->status = bytes_view(connection) ? PC_OK : PC_E_NO_MEMORY;
    read->view_count = operation->status == PC_OK;
  } else if (connection->to_server.is_ended) {
    state->views[read->view_count++] = (pc_view){.is_message_end = true, .is_eof = true};
  } else {
    return false;
  }
  connection->read = NULL;
  return true;
}

static void fake_read(pc_channel *channel, pc_read *read) {
  fake_connection *connection = connection_of(channel);
  PC_CHECK(connection->read == NULL);
  pc_loop_issue(connection->state->loop, &read->operation, connection);
  connection->read = read;
}

/* ---- writing ---- */

static void write_end(fake_connection *connection, pc_status status) {
  pc_write *write = connection->write;
  connection->write = NULL;
  pc_loop_complete(connection->state->loop, &write->operation, status);
}

/* Puts what fits of the spans of one message, or of one span of a stream; false: it is full. */
static bool spans_put(fake_connection *connection, const pc_span *spans, unsigned count) {
  bool is_stream = connection->type == PC_TYPE_BYTE;
  size_t size = 0;
  for (unsigned index = 0; index < count; index++) {
    size += spans[index].size_bytes;
  }
  size_t room =
      pc_fake_pipe_room(&connection->to_client, connection->state->capacity_bytes, size, is_stream);
  if (room < size && (room == 0 || !is_stream)) {
    return false;
  }
  uint8_t *bytes = malloc(room + 1);
  size_t filled = 0;
  for (unsigned index = 0; bytes && index < count; index++) {
    size_t part = spans[index].size_bytes;
    part = part < room - filled ? part : room - filled;
    memcpy(bytes + filled, spans[index].data, part);
    filled += part;
  }
  bool is_put = bytes && pc_fake_pipe_put(&connection->to_client, bytes, room);
  free(bytes);
  connection->write->bytes += is_put ? room : 0;
  connection->write->messages += is_put && !is_stream;
  return is_put && room == size;
}

static void write_try(fake_connection *connection) {
  pc_status status;
  if (failure_take(connection->state, FAKE_WRITE, &status)) {
    if (status != PC_AGAIN) {
      write_end(connection, status);
    }
    return;
  }
  if (connection->to_client.is_broken) {
    write_end(connection, PC_E_BROKEN);
    return;
  }
  pc_span spans[PC_WRITE_SPANS_MIN];
  unsigned count = pc_write_queue_gather(connection->write->queue, spans, PC_WRITE_SPANS_MIN, 8);
  unsigned begin = 0;
  bool has_room = true;
  for (unsigned index = 0; index < count && has_room; index++) {
    if (spans[index].is_message_end || connection->type == PC_TYPE_BYTE) {
      has_room = spans_put(connection, spans + begin, index + 1 - begin);
      begin = index + 1;
    }
  }
  if (connection->write->bytes > 0 || connection->write->messages > 0 || count == 0) {
    write_end(connection, PC_OK);
  }
}

static void fake_submit(pc_backend_state *state, bool waits_next) {
  (void)waits_next;
  for (fake_connection *connection = state->connections; connection;
       connection = connection->next) {
    if (connection->write) {
      write_try(connection);
    }
  }
}

static void fake_write(pc_channel *channel, pc_write *write) {
  fake_connection *connection = connection_of(channel);
  PC_CHECK(connection->write == NULL);
  pc_loop_issue(connection->state->loop, &write->operation, connection);
  write->bytes = 0;
  write->messages = 0;
  connection->write = write;
}

/* ---- both ---- */

static void fake_cancel(pc_channel *channel, pc_operation *operation) {
  fake_connection *connection = connection_of(channel);
  pc_loop *loop = connection->state->loop;
  if (connection->read && operation == &connection->read->operation) {
    connection->read = NULL;
    pc_loop_abort(loop, operation);
  } else if (connection->write && operation == &connection->write->operation) {
    connection->write = NULL;
    pc_loop_abort(loop, operation);
  }
}

static void fake_close(pc_channel *channel, pc_close *close_operation) {
  fake_connection *connection = connection_of(channel);
  pc_loop *loop = connection->state->loop;
  pc_loop_issue(loop, &close_operation->operation, NULL);
  if (connection->read) {
    fake_cancel(channel, &connection->read->operation);
  }
  if (connection->write) {
    fake_cancel(channel, &connection->write->operation);
  }
  connection->to_client.is_ended = true;
  connection->to_server.is_broken = true;
  connection->is_server_closed = true;
  pc_fake_pipe_clear(&connection->to_server);
  pc_fake_connection_release(connection);
  pc_loop_complete(loop, &close_operation->operation, PC_OK);
}

static pc_status fake_wait(pc_backend_state *state, int timeout_ms) {
  (void)timeout_ms;
  for (pc_listener *listener = state->listeners; listener; listener = listener->next) {
    if (listener->accept && listener->accept->operation.state == PC_OPERATION_PENDING &&
        (state->failures[FAKE_ACCEPT].count > 0 || listener_first_waiting(listener))) {
      pc_loop_complete_by(state->loop, &listener->accept->operation, fake_accept_perform);
    }
  }
  for (fake_connection *connection = state->connections; connection;
       connection = connection->next) {
    const fake_pipe *input = &connection->to_server;
    if (connection->read && connection->read->operation.state == PC_OPERATION_PENDING &&
        (input->first || input->is_ended || state->failures[FAKE_READ].count > 0)) {
      pc_loop_complete_by(state->loop, &connection->read->operation, fake_read_perform);
    }
  }
  return PC_OK;
}

static void fake_wake(pc_backend_state *state) {
  (void)state; /* it never sleeps */
}

const pc_backend pc_backend_fake = {
    .name = "fake",
    .create = fake_create,
    .destroy = fake_destroy,
    .now_ns = fake_now_ns,
    .wait = fake_wait,
    .wake = fake_wake,
    .submit = fake_submit,
    .listen = fake_listen,
    .accept = fake_accept,
    .unlisten = fake_unlisten,
    .read = fake_read,
    .write = fake_write,
    .cancel = fake_cancel,
    .close = fake_close,
};
