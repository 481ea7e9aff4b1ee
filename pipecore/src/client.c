/* pc_client: one session after the other with a server of another program. The loop's thread.
 *
 * Success: memory for a session → connect → the session → its end → a delay → connect …; stop ends
 * what there is and tells on_stopped. Failures: whatever is in the way of a connection, and no
 * memory: told by on_waiting, tried again later. */
#include "pipecore/client.h"

#include <stdlib.h>
#include <string.h>

#include "backend.h"
#include "backoff.h"
#include "check.h"
#include "host.h"

enum {
  CLIENT_TIMERS = PC_HOST_TIMERS + 1,
  /* A session that lasted so long was no failure: the next delay is a first one. */
  STABLE_NS = 1000 * 1000 * 1000
};

const pc_reconnect pc_reconnect_default = {.first_delay_ms = 100, .max_delay_ms = 5000};
const pc_reconnect pc_reconnect_min = {.first_delay_ms = 1, .max_delay_ms = 1};
const pc_reconnect pc_reconnect_max = {.first_delay_ms = 60 * 1000, .max_delay_ms = 3600 * 1000};

struct pc_client {
  pc_host host;
  void (*on_waiting)(pc_client *client, const pc_waiting *waiting, void *user);
  void (*on_stopped)(pc_client *client, void *user);
  char *path;

  pc_connect connect;
  pc_session *spare; /* for the connection that is tried */
  pc_timer timer;    /* until the next try               */
  pc_backoff backoff;
  uint64_t failed_count;
  uint64_t session_begin_ns;

  pc_operation stopped;
  bool is_stopped;
};

/* ---- the end ---- */

static void client_on_stopped(pc_operation *operation) {
  pc_client *client = PC_CONTAINER_OF(operation, pc_client, stopped);
  client->is_stopped = true;
  if (client->on_stopped) {
    client->on_stopped(client, client->host.terms.user);
  }
}

static void client_end_if_done(pc_client *client) {
  if (client->host.is_stopping && client->host.session_count == 0 &&
      client->connect.operation.state == PC_OPERATION_IDLE &&
      client->stopped.state == PC_OPERATION_IDLE) {
    pc_loop_defer(client->host.loop, &client->stopped);
  }
}

void pc_client_stop(pc_client *client, uint32_t drain_ms) {
  pc_loop_check_thread(client->host.loop);
  if (client->host.is_stopping) {
    return;
  }
  pc_timer_stop(client->host.loop, &client->timer);
  pc_host_stop(&client->host, drain_ms);
  client_end_if_done(client);
}

static void client_free(pc_client *client) {
  if (client) {
    pc_session_discard(client->spare);
    free(client->path);
    free(client);
  }
}

void pc_client_destroy(pc_client *client) {
  if (!client) {
    return;
  }
  PC_CHECK(client->is_stopped && client->timer.index == 0);
  pc_host_fini(&client->host);
  pc_loop_release_timers(client->host.loop, CLIENT_TIMERS);
  pc_loop_disown(client->host.loop);
  client_free(client);
}

/* ---- connecting ---- */

static void client_wait(pc_client *client, const pc_failure *failure) {
  pc_waiting waiting = {.failure = *failure,
                        .delay_ms = pc_backoff_next(&client->backoff),
                        .failed_count = client->failed_count};
  pc_timer_start_reserved(client->host.loop, &client->timer, waiting.delay_ms);
  if (client->on_waiting) {
    client->on_waiting(client, &waiting, client->host.terms.user);
  }
}

static void client_fail(pc_client *client, const pc_failure *failure) {
  client->failed_count++;
  client_wait(client, failure);
}

static void client_connect(pc_client *client) {
  if (!client->spare) {
    client->spare = pc_session_create(&client->host);
  }
  if (!client->spare) {
    pc_failure failure = {.status = PC_E_NO_MEMORY, .action = "connect"};
    client_fail(client, &failure);
    return;
  }
  client->host.backend->connect(pc_loop_backend_state(client->host.loop), &client->connect);
}

static void client_on_timer(pc_timer *timer, void *user) {
  (void)timer;
  client_connect(user);
}

static void client_on_connect(pc_operation *operation) {
  pc_client *client = PC_CONTAINER_OF(operation, pc_client, connect.operation);
  if (operation->status == PC_OK) {
    pc_session *session = client->spare;
    client->spare = NULL;
    client->failed_count = 0;
    client->session_begin_ns = pc_loop_now_ns(client->host.loop);
    pc_host_add(&client->host, session, client->connect.channel, &client->connect.peer);
  } else if (client->host.is_stopping) {
    client_end_if_done(client);
  } else {
    client_fail(client, &client->connect.failure);
  }
}

static void client_on_session_gone(pc_host *host) {
  pc_client *client = PC_CONTAINER_OF(host, pc_client, host);
  if (host->is_stopping) {
    client_end_if_done(client);
    return;
  }
  if (pc_loop_now_ns(host->loop) - client->session_begin_ns >= STABLE_NS) {
    pc_backoff_reset(&client->backoff);
  }
  client_wait(client, &(pc_failure){.status = PC_OK});
}

pc_session *pc_client_session(const pc_client *client) {
  return client->host.sessions;
}

pc_status pc_client_change(pc_client *client, const pc_session_change *change,
                           pc_failure *out_failure) {
  pc_loop_check_thread(client->host.loop);
  pc_session_terms terms = client->host.terms;
  pc_failure failure = {.status = PC_OK};
  if (!pc_session_terms_change(&terms, change, &failure)) {
    return pc_failure_tell(out_failure, failure);
  }
  pc_host_change(&client->host, &terms);
  return PC_OK;
}

/* ---- start ---- */

static bool reconnect_complete(pc_reconnect *reconnect) {
  if (reconnect->max_delay_ms == 0) {
    uint32_t fallback = pc_reconnect_default.max_delay_ms;
    reconnect->max_delay_ms =
        reconnect->first_delay_ms > fallback ? reconnect->first_delay_ms : fallback;
  }
  if (reconnect->first_delay_ms == 0) {
    uint32_t fallback = pc_reconnect_default.first_delay_ms;
    reconnect->first_delay_ms =
        reconnect->max_delay_ms < fallback ? reconnect->max_delay_ms : fallback;
  }
  return reconnect->first_delay_ms <= pc_reconnect_max.first_delay_ms &&
         reconnect->max_delay_ms <= pc_reconnect_max.max_delay_ms &&
         reconnect->first_delay_ms <= reconnect->max_delay_ms;
}

static bool options_complete(const pc_client_options *options, pc_session_terms *out_terms,
                             pc_reconnect *reconnect, pc_failure *out_failure) {
  if (!options->path || options->path[0] == '\0') {
    return pc_options_refuse(out_failure, PC_E_NAME, "check path", "give the endpoint's path");
  }
  if (!reconnect_complete(reconnect)) {
    return pc_options_refuse(out_failure, PC_E_INVALID_ARG, "check reconnect",
                             "keep each delay below its maximum, the first not over the longest");
  }
  *out_terms = (pc_session_terms){.type = options->type,
                                  .framing = options->framing,
                                  .limits = options->limits,
                                  .oversize = options->oversize,
                                  .on = options->on.session,
                                  .user = options->user};
  return pc_session_terms_complete(out_terms, out_failure);
}

static pc_client *client_create(pc_loop *loop, const pc_client_options *options,
                                const pc_session_terms *terms, const pc_reconnect *reconnect) {
  pc_client *client = calloc(1, sizeof *client);
  if (!client) {
    return NULL;
  }
  pc_host_init(&client->host, loop, terms, client_on_session_gone);
  client->path = strdup(options->path);
  client->spare = pc_session_create(&client->host);
  client->on_waiting = options->on.on_waiting;
  client->on_stopped = options->on.on_stopped;
  client->timer = (pc_timer){.routine = client_on_timer, .user = client};
  client->connect.path = client->path;
  client->connect.type = terms->type;
  client->connect.max_message_bytes = terms->limits.max_message_bytes;
  pc_operation_init(&client->connect.operation, client_on_connect);
  pc_operation_init(&client->stopped, client_on_stopped);
  uint64_t seed = options->seed ? options->seed : pc_loop_now_ns(loop) ^ (uintptr_t)client;
  pc_backoff_init(&client->backoff, reconnect->first_delay_ms, reconnect->max_delay_ms, seed);
  return client;
}

pc_status pc_client_start(pc_loop *loop, const pc_client_options *options, pc_client **out_client,
                          pc_failure *out_failure) {
  pc_loop_check_thread(loop);
  pc_session_terms terms;
  pc_reconnect reconnect = options->reconnect;
  pc_failure failure = {.status = PC_OK};
  if (!options_complete(options, &terms, &reconnect, &failure)) {
    return pc_failure_tell(out_failure, failure);
  }
  if (!pc_loop_backend(loop)->connect) {
    return pc_failure_tell(out_failure,
                           (pc_failure){.status = PC_E_NOT_SUPPORTED,
                                        .action = "start",
                                        .advice = "use a loop of another strategy or backend"});
  }
  pc_client *client = client_create(loop, options, &terms, &reconnect);
  if (!client || !client->path || !client->spare || !pc_loop_reserve_timers(loop, CLIENT_TIMERS)) {
    client_free(client);
    return pc_failure_tell(out_failure, (pc_failure){.status = PC_E_NO_MEMORY, .action = "start"});
  }
  pc_loop_adopt(loop);
  client_connect(client);
  *out_client = client;
  return PC_OK;
}
