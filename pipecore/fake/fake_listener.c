/* Endpoints of the fake backend: listening, accepting, connecting inside one loop. The loop's
 * thread.
 *
 * Success: a connection is made at once and waits at its listener, as in a backlog, until it is
 * accepted; its client's end can be used before. Failures: nobody listens; the other type; no
 * memory; those on order. */
#include <stdlib.h>
#include <string.h>

#include "../src/check.h"
#include "fake_private.h"

/* ---- listening ---- */

pc_status pc_fake_listener_open(pc_backend_state *state, const pc_listen *listen,
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
                            .max_message_bytes = listen->max_message_bytes,
                            .owner = {.pid = -1, .uid = -1, .gid = -1}};
  state->listeners = listener;
  *out_listener = listener;
  return PC_OK;
}

fake_connection *pc_fake_first_waiting(const pc_listener *listener) {
  fake_connection *connection = listener->state->connections;
  while (connection && connection->waits_at != listener) {
    connection = connection->next;
  }
  return connection;
}

void pc_fake_listener_close(pc_listener *listener) {
  pc_backend_state *state = listener->state;
  fake_connection *connection = pc_fake_first_waiting(listener);
  while (connection) {
    connection->waits_at = NULL;
    pc_fake_end_close(&connection->server);
    connection = pc_fake_first_waiting(listener);
  }
  pc_listener **link = &state->listeners;
  while (*link != listener) {
    link = &(*link)->next;
  }
  *link = listener->next;
  free(listener->path);
  free(listener);
}

void pc_fake_unlisten_channel(pc_listener *listener, pc_operation *done) {
  pc_loop *loop = listener->state->loop;
  pc_loop_issue(loop, done, NULL);
  if (listener->accept) {
    pc_loop_abort(loop, &listener->accept->operation);
  }
  pc_fake_listener_close(listener);
  pc_loop_complete(loop, done, PC_OK);
}

bool pc_fake_has_waiting(pc_listener *listener) {
  return pc_fake_first_waiting(listener) != NULL;
}

/* ---- accepting ---- */

static bool accept_perform(pc_operation *operation) {
  pc_listener *listener = operation->target;
  pc_accept *accept = listener->accept;
  fake_connection *connection = pc_fake_first_waiting(listener);
  if (!pc_fake_failure_take(listener->state, FAKE_ACCEPT, &operation->status)) {
    if (!connection) {
      return false;
    }
    connection->waits_at = NULL;
    connection->server.max_message_bytes = listener->max_message_bytes;
    accept->channel = (pc_channel *)(void *)&connection->server;
    accept->peer = connection->peer;
    operation->status = PC_OK;
  }
  listener->accept = NULL;
  return true;
}

void pc_fake_accept_channel(pc_listener *listener, pc_accept *accept) {
  PC_CHECK(listener->accept == NULL);
  pc_loop_issue(listener->state->loop, &accept->operation, listener);
  listener->accept = accept;
}

void pc_fake_listener_wait(pc_listener *listener) {
  if (listener->accept && listener->accept->operation.state == PC_OPERATION_PENDING &&
      (listener->state->failures[FAKE_ACCEPT].count > 0 || pc_fake_first_waiting(listener))) {
    pc_loop_complete_by(listener->state->loop, &listener->accept->operation, accept_perform);
  }
}

/* ---- connecting ---- */

pc_listener *pc_fake_listener_find(const pc_backend_state *state, const char *path) {
  pc_listener *listener = state->listeners;
  while (listener && strcmp(listener->path, path) != 0) {
    listener = listener->next;
  }
  return listener;
}

fake_connection *pc_fake_connection_open(pc_listener *listener, const pc_peer *peer) {
  pc_backend_state *state = listener->state;
  fake_connection *connection = calloc(1, sizeof *connection);
  if (!connection) {
    return NULL;
  }
  *connection = (fake_connection){
      .state = state,
      .waits_at = listener,
      .type = listener->type,
      .peer = peer ? *peer : (pc_peer){.pid = -1, .uid = -1, .gid = -1},
      .client = {.connection = connection, .other = &connection->server},
      .server = {.connection = connection, .other = &connection->client},
  };
  fake_connection **link = &state->connections;
  while (*link) {
    link = &(*link)->next;
  }
  *link = connection;
  return connection;
}

static pc_status connect_try(pc_backend_state *state, pc_connect *connect) {
  pc_status ordered;
  if (pc_fake_failure_take(state, FAKE_CONNECT, &ordered)) {
    return ordered;
  }
  pc_listener *listener = pc_fake_listener_find(state, connect->path);
  if (!listener || listener->type != connect->type) {
    return listener ? PC_E_BAD_MODE : PC_E_NOT_FOUND;
  }
  fake_connection *connection = pc_fake_connection_open(listener, NULL);
  if (!connection) {
    return PC_E_NO_MEMORY;
  }
  connection->client.max_message_bytes = connect->max_message_bytes;
  connect->channel = (pc_channel *)(void *)&connection->client;
  connect->peer = listener->owner;
  return PC_OK;
}

static bool connect_perform(pc_operation *operation) {
  pc_connect *connect = PC_CONTAINER_OF(operation, pc_connect, operation);
  operation->status = connect_try(operation->target, connect);
  connect->failure = (pc_failure){.status = operation->status, .action = "connect"};
  return true;
}

void pc_fake_connect_channel(pc_backend_state *state, pc_connect *connect) {
  pc_loop_issue(state->loop, &connect->operation, state);
  pc_loop_complete_by(state->loop, &connect->operation, connect_perform);
}
