/* The parts of the fake backend: fake.c (life, the wait, the table), fake_listener.c (endpoints,
 * accepting, connecting), fake_channel.c (reading, writing), fake_end.c (the ends that a test
 * holds). The loop's thread. */
#ifndef PIPECORE_FAKE_FAKE_PRIVATE_H
#define PIPECORE_FAKE_FAKE_PRIVATE_H

#include "../src/loop_private.h"
#include "fake_pipe.h"
#include "pipecore/fake.h"

typedef struct fake_connection fake_connection;

typedef enum fake_kind { FAKE_ACCEPT, FAKE_CONNECT, FAKE_READ, FAKE_WRITE, FAKE_KINDS } fake_kind;

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
  pc_peer owner; /* who listens */
  pc_accept *accept;
};

/* One end of a connection: a channel, or what a test holds. */
typedef struct fake_end {
  fake_connection *connection;
  struct fake_end *other;
  fake_pipe input;            /* what the other end wrote */
  uint32_t max_message_bytes; /* of a channel */
  pc_read *read;
  pc_write *write;
  pc_peer_details *details; /* of who is at this end; NULL: none known */
  bool is_closed;
} fake_end;

/* Freed when both ends are closed. */
struct fake_connection {
  pc_backend_state *state;
  fake_connection *next; /* oldest first */
  pc_listener *waits_at; /* until accepted */
  pc_type type;
  pc_peer peer; /* the client */
  fake_end client;
  fake_end server;
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

/* ---- fake.c ---- */
/* True once for each failure that was ordered. */
bool pc_fake_failure_take(pc_backend_state *state, fake_kind kind, pc_status *out_status);

/* ---- fake_listener.c ---- */
pc_status pc_fake_listener_open(pc_backend_state *state, const pc_listen *listen,
                                pc_listener **out_listener, pc_failure *out_failure);
/* Clients that were never let in are sent away. */
void pc_fake_listener_close(pc_listener *listener);
fake_connection *pc_fake_first_waiting(const pc_listener *listener);
/* NULL: nobody listens there. */
pc_listener *pc_fake_listener_find(const pc_backend_state *state, const char *path);
/* A connection that waits to be accepted; neither end is a channel yet. NULL: no memory. */
fake_connection *pc_fake_connection_open(pc_listener *listener, const pc_peer *peer);
void pc_fake_accept_channel(pc_listener *listener, pc_accept *accept);
void pc_fake_connect_channel(pc_backend_state *state, pc_connect *connect);
void pc_fake_unlisten_channel(pc_listener *listener, pc_operation *done);
bool pc_fake_has_waiting(pc_listener *listener);
/* An accept that can be performed becomes ready. */
void pc_fake_listener_wait(pc_listener *listener);

/* ---- fake_channel.c ---- */
void pc_fake_end_close(fake_end *end);
void pc_fake_channel_read(pc_channel *channel, pc_read *read);
void pc_fake_channel_write(pc_channel *channel, pc_write *write);
void pc_fake_channel_end_output(pc_channel *channel);
void pc_fake_channel_cancel(pc_channel *channel, pc_operation *operation);
void pc_fake_channel_close(pc_channel *channel, pc_close *close_operation);
void pc_fake_channel_describe(pc_channel *channel, uint32_t parts, pc_peer_details *out_details);
/* A read that can be performed becomes ready. */
void pc_fake_channel_wait(fake_end *end);
void pc_fake_channel_submit(fake_end *end);
void pc_fake_viewed_free(pc_backend_state *state);

#endif
