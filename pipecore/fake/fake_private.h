/* The parts of the fake backend: fake.c (the backend), fake_client.c (the client ends). The loop's thread. */
#ifndef PIPECORE_FAKE_FAKE_PRIVATE_H
#define PIPECORE_FAKE_FAKE_PRIVATE_H

#include "../src/loop_private.h"
#include "fake_pipe.h"

typedef struct fake_connection fake_connection;

typedef enum fake_kind { FAKE_ACCEPT, FAKE_READ, FAKE_WRITE, FAKE_KINDS } fake_kind;

typedef struct fake_failure {
  pc_status status;
  unsigned count;
} fake_failure;

struct pc_listener {
  pc_backend_state *state;
  pc_listener *next;
  char *path;
  pc_type type;
  uint32_t max_message_bytes;
  pc_accept *accept;
};

/* Both ends of a connection; freed when both are closed. */
struct fake_connection {
  pc_backend_state *state;
  fake_connection *next; /* oldest first */
  pc_listener *waits_at; /* until accepted */
  pc_type type;
  uint32_t max_message_bytes;
  pc_peer peer;
  fake_pipe to_server;
  fake_pipe to_client;
  pc_read *read;
  pc_write *write;
  bool is_server_closed;
  bool is_client_closed;
};

struct pc_backend_state {
  pc_loop *loop;
  uint64_t now_ns;
  size_t capacity_bytes;
  pc_listener *listeners;
  fake_connection *connections;
  fake_failure failures[FAKE_KINDS];
  fake_node *viewed; /* what the last read showed, freed before the next one */
  pc_view views[4];
};

/* Frees a connection that both ends closed. */
void pc_fake_connection_release(fake_connection *connection);

#endif
