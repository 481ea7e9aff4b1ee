/* The fake backend: endpoints and connections in memory, a clock that is set, failures on order.
 * For tests; the loop's thread. It never sleeps. */
#include <stdlib.h>

#include "../src/check.h"
#include "fake_private.h"

enum { DEFAULT_CAPACITY_BYTES = 64 * 1024, NS_PER_MS = 1000000 };

/* True once for each failure that was ordered. */
bool pc_fake_failure_take(pc_backend_state *state, fake_kind kind, pc_status *out_status) {
  fake_failure *failure = &state->failures[kind];
  if (failure->count == 0) {
    return false;
  }
  failure->count--;
  *out_status = failure->status;
  return true;
}

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
  pc_fake_viewed_free(state);
  free(state);
}

static uint64_t fake_now_ns(pc_backend_state *state) {
  return state->now_ns;
}

static void fake_submit(pc_backend_state *state, bool waits_next) {
  (void)waits_next;
  for (fake_connection *connection = state->connections; connection;
       connection = connection->next) {
    pc_fake_channel_submit(&connection->client);
    pc_fake_channel_submit(&connection->server);
  }
}

static pc_status fake_wait(pc_backend_state *state, int timeout_ms) {
  (void)timeout_ms;
  for (pc_listener *listener = state->listeners; listener; listener = listener->next) {
    pc_fake_listener_wait(listener);
  }
  for (fake_connection *connection = state->connections; connection;
       connection = connection->next) {
    pc_fake_channel_wait(&connection->client);
    pc_fake_channel_wait(&connection->server);
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
    .listen = pc_fake_listener_open,
    .accept = pc_fake_accept_channel,
    .unlisten = pc_fake_unlisten_channel,
    .has_waiting = pc_fake_has_waiting,
    .connect = pc_fake_connect_channel,
    .read = pc_fake_channel_read,
    .write = pc_fake_channel_write,
    .end_output = pc_fake_channel_end_output,
    .cancel = pc_fake_channel_cancel,
    .close = pc_fake_channel_close,
    .describe = pc_fake_channel_describe,
};
