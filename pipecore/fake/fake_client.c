/* Client ends of the fake backend, and its knobs. For tests; the loop's thread. */
#include "pipecore/fake.h"

#include <stdlib.h>
#include <string.h>

#include "../src/check.h"
#include "fake_private.h"

static pc_backend_state *state_of(pc_loop *loop) {
  pc_loop_check_thread(loop);
  PC_CHECK(pc_loop_backend(loop) == &pc_backend_fake);
  return pc_loop_backend_state(loop);
}

static fake_connection *connection_of(pc_fake_client *client) {
  return (fake_connection *)(void *)client;
}

pc_status pc_fake_connect(pc_loop *loop, const char *path, const pc_peer *peer,
                          pc_fake_client **out_client) {
  pc_backend_state *state = state_of(loop);
  pc_listener *listener = state->listeners;
  while (listener && strcmp(listener->path, path) != 0) {
    listener = listener->next;
  }
  if (!listener) {
    return PC_E_NOT_FOUND;
  }
  fake_connection *connection = calloc(1, sizeof *connection);
  if (!connection) {
    return PC_E_NO_MEMORY;
  }
  connection->state = state;
  connection->waits_at = listener;
  connection->type = listener->type;
  connection->max_message_bytes = listener->max_message_bytes;
  connection->peer = peer ? *peer : (pc_peer){.pid = -1, .uid = -1, .gid = -1};
  fake_connection **link = &state->connections;
  while (*link) {
    link = &(*link)->next;
  }
  *link = connection;
  *out_client = (pc_fake_client *)(void *)connection;
  return PC_OK;
}

pc_status pc_fake_write(pc_fake_client *client, const void *data, size_t size) {
  fake_connection *connection = connection_of(client);
  fake_pipe *pipe = &connection->to_server;
  bool is_stream = connection->type == PC_TYPE_BYTE;
  PC_CHECK(!pipe->is_ended);
  if (pipe->is_broken) {
    return PC_E_BROKEN;
  }
  if (is_stream && size == 0) {
    return PC_OK;
  }
  if (pc_fake_pipe_room(pipe, connection->state->capacity_bytes, size, is_stream) < size) {
    return PC_AGAIN;
  }
  return pc_fake_pipe_put(pipe, data, size) ? PC_OK : PC_E_NO_MEMORY;
}

pc_status pc_fake_read(pc_fake_client *client, void *data, size_t capacity, size_t *out_size) {
  fake_connection *connection = connection_of(client);
  fake_pipe *pipe = &connection->to_client;
  if (!pipe->first) {
    return pipe->is_ended ? PC_E_BROKEN : PC_AGAIN;
  }
  if (connection->type == PC_TYPE_BYTE) {
    *out_size = pc_fake_pipe_read(pipe, data, capacity);
    return PC_OK;
  }
  if (pipe->first->size > capacity) {
    return PC_MORE_DATA;
  }
  fake_node *node = pc_fake_pipe_take(pipe);
  memcpy(data, node->data, node->size);
  *out_size = node->size;
  free(node);
  return PC_OK;
}

void pc_fake_half_close(pc_fake_client *client) {
  connection_of(client)->to_server.is_ended = true;
}

void pc_fake_close(pc_fake_client *client) {
  fake_connection *connection = connection_of(client);
  connection->to_server.is_ended = true;
  connection->to_client.is_broken = true;
  connection->is_client_closed = true;
  pc_fake_pipe_clear(&connection->to_client);
  pc_fake_connection_release(connection);
}

void pc_fake_fail(pc_loop *loop, const char *operation, pc_status status, unsigned count) {
  static const char *const names[FAKE_KINDS] = {"accept", "read", "write"};
  int kind = 0;
  while (kind < FAKE_KINDS && strcmp(names[kind], operation) != 0) {
    kind++;
  }
  PC_CHECK(kind < FAKE_KINDS); /* no operation has this name */
  /* cppcheck-suppress arrayIndexOutOfBoundsCond ; the check above does not return */
  state_of(loop)->failures[kind] = (fake_failure){.status = status, .count = count};
}

void pc_fake_set_capacity(pc_loop *loop, size_t capacity_bytes) {
  state_of(loop)->capacity_bytes = capacity_bytes;
}

void pc_fake_advance(pc_loop *loop, uint64_t ms) {
  state_of(loop)->now_ns += ms * 1000000;
}
