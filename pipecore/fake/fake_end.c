/* The ends of the fake backend that a test holds, and its knobs. For tests; the loop's thread. */
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

static fake_end *end_of(pc_fake_end *end) {
  return (fake_end *)(void *)end;
}

pc_status pc_fake_connect(pc_loop *loop, const char *path, const pc_peer *peer,
                          pc_fake_end **out_end) {
  pc_listener *listener = pc_fake_listener_find(state_of(loop), path);
  if (!listener) {
    return PC_E_NOT_FOUND;
  }
  fake_connection *connection = pc_fake_connection_open(listener, peer);
  if (!connection) {
    return PC_E_NO_MEMORY;
  }
  *out_end = (pc_fake_end *)(void *)&connection->client;
  return PC_OK;
}

/* ---- the server of another program ---- */

static pc_listener *listener_of(pc_fake_listener *listener) {
  return (pc_listener *)(void *)listener;
}

pc_status pc_fake_listen(pc_loop *loop, const char *path, pc_type type, const pc_peer *peer,
                         pc_fake_listener **out_listener) {
  pc_listen listen = {.path = path, .type = type};
  pc_listener *listener;
  pc_failure failure;
  pc_status status = pc_fake_listener_open(state_of(loop), &listen, &listener, &failure);
  if (status == PC_OK) {
    listener->owner = peer ? *peer : listener->owner;
    *out_listener = (pc_fake_listener *)(void *)listener;
  }
  return status;
}

pc_status pc_fake_accept(pc_fake_listener *listener, pc_fake_end **out_end) {
  fake_connection *connection = pc_fake_first_waiting(listener_of(listener));
  if (!connection) {
    return PC_AGAIN;
  }
  connection->waits_at = NULL;
  *out_end = (pc_fake_end *)(void *)&connection->server;
  return PC_OK;
}

void pc_fake_unlisten(pc_fake_listener *listener) {
  pc_fake_listener_close(listener_of(listener));
}

/* ---- either end ---- */

pc_status pc_fake_describe(pc_fake_end *end, const pc_peer_details *details) {
  pc_peer_details **kept = &end_of(end)->details;
  if (!*kept && !(*kept = malloc(sizeof *details))) {
    return PC_E_NO_MEMORY;
  }
  **kept = *details;
  return PC_OK;
}

pc_status pc_fake_write(pc_fake_end *end, const void *data, size_t size) {
  const fake_end *held = end_of(end);
  fake_pipe *pipe = &held->other->input;
  bool is_stream = held->connection->type == PC_TYPE_BYTE;
  PC_CHECK(!pipe->is_ended);
  if (pipe->is_broken) {
    return PC_E_BROKEN;
  }
  if (is_stream && size == 0) {
    return PC_OK;
  }
  if (pc_fake_pipe_room(pipe, held->connection->state->capacity_bytes, size, is_stream) < size) {
    return PC_AGAIN;
  }
  return pc_fake_pipe_put(pipe, data, size) ? PC_OK : PC_E_NO_MEMORY;
}

pc_status pc_fake_read(pc_fake_end *end, void *data, size_t capacity, size_t *out_size) {
  fake_end *held = end_of(end);
  fake_pipe *pipe = &held->input;
  if (!pipe->first) {
    return pipe->is_ended ? PC_E_BROKEN : PC_AGAIN;
  }
  if (held->connection->type == PC_TYPE_BYTE) {
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

void pc_fake_half_close(pc_fake_end *end) {
  end_of(end)->other->input.is_ended = true;
}

void pc_fake_close(pc_fake_end *end) {
  pc_fake_end_close(end_of(end));
}

/* ---- knobs ---- */

void pc_fake_fail(pc_loop *loop, const char *operation, pc_status status, unsigned count) {
  static const char *const names[FAKE_KINDS] = {"accept", "connect", "read", "write"};
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
