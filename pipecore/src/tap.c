/* pc_tap: a server whose clients are relayed to an upstream each. The loop's thread.
 *
 * Success: its server accepts; tap_session.c does the rest for each client; stop ends the server
 * and the sessions with upstreams, and tells on_stopped when the last pair is gone. Failures:
 * whatever keeps the endpoint from being made; a loop that has no taps. */
#include "pipecore/tap.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "tap_private.h"

enum { TAP_TIMERS = PC_HOST_TIMERS + 1 };

/* ---- the end of the tap ---- */

static void tap_on_stopped(pc_operation *operation) {
  pc_tap *tap = PC_CONTAINER_OF(operation, pc_tap, stopped);
  pc_timer_stop(tap->loop, &tap->insertion_timer);
  tap->is_stopped = true;
  if (tap->on.on_stopped) {
    tap->on.on_stopped(tap, tap->user);
  }
}

void pc_tap_end_if_done(pc_tap *tap) {
  if (tap->is_stopping && tap->is_server_stopped && tap->pair_count == 0 &&
      tap->upstreams.session_count == 0 && tap->stopped.state == PC_OPERATION_IDLE) {
    pc_loop_defer(tap->loop, &tap->stopped);
  }
}

static void upstreams_on_session_gone(pc_host *host) {
  pc_tap_end_if_done(PC_CONTAINER_OF(host, pc_tap, upstreams));
}

static void server_on_stopped(pc_server *server, void *user) {
  (void)server;
  pc_tap *tap = user;
  tap->is_server_stopped = true;
  pc_tap_end_if_done(tap);
}

void pc_tap_stop(pc_tap *tap, uint32_t drain_ms) {
  pc_loop_check_thread(tap->loop);
  if (!tap->is_stopping) {
    tap->is_stopping = true;
    pc_server_stop(tap->server, drain_ms);
    pc_host_stop(&tap->upstreams, drain_ms);
  }
}

static void tap_free(pc_tap *tap) {
  if (tap) {
    free(tap->upstream);
    free(tap);
  }
}

void pc_tap_destroy(pc_tap *tap) {
  if (!tap) {
    return;
  }
  PC_CHECK(tap->is_stopped && tap->insertion_timer.index == 0 && !tap->insertions.oldest);
  pc_server_destroy(tap->server);
  pc_host_fini(&tap->upstreams);
  pc_loop_release_timers(tap->loop, TAP_TIMERS);
  pc_loop_disown(tap->loop);
  tap_free(tap);
}

static pc_session_terms upstream_terms(const pc_tap *tap) {
  pc_session_terms terms = tap->server->host.terms;
  terms.on.on_connected = pc_tap_on_upstream;
  terms.limits.idle_timeout_ms = 0; /* all that passes keeps the client's session awake already */
  return terms;
}

/* ---- its server ---- */

static void server_on_error(pc_server *server, const pc_failure *failure, void *user) {
  (void)server;
  pc_tap *tap = user;
  if (tap->on.on_error) {
    tap->on.on_error(tap, failure, tap->user);
  }
}

static void server_on_refused(pc_server *server, const pc_peer *peer, pc_admission admission,
                              void *user) {
  (void)server;
  pc_tap *tap = user;
  if (tap->on.on_refused) {
    tap->on.on_refused(tap, peer, admission, tap->user);
  }
}

/* ---- change ---- */

pc_status pc_tap_change(pc_tap *tap, const pc_session_change *change, pc_failure *out_failure) {
  pc_session_change both = *change;
  both.oversize = PC_OVERSIZE_SKIP;
  pc_status status = pc_server_change(tap->server, &both, out_failure);
  if (status == PC_OK) {
    pc_session_terms terms = upstream_terms(tap);
    pc_host_change(&tap->upstreams, &terms);
  }
  return status;
}

/* ---- start ---- */

static bool options_check(pc_loop *loop, const pc_tap_options *options, pc_failure *out_failure) {
  const pc_backend *backend = pc_loop_backend(loop);
  if (!options->on.on_message) {
    return pc_options_refuse(out_failure, PC_E_INVALID_ARG, "check options", "set on_message");
  }
  if (!options->upstream || options->upstream[0] == '\0') {
    return pc_options_refuse(out_failure, PC_E_NAME, "check upstream",
                             "give the path of the endpoint to connect to");
  }
  if (!backend->connect || !backend->end_input) {
    return pc_options_refuse(out_failure, PC_E_NOT_SUPPORTED, "tap",
                             "use a loop of the completion strategy");
  }
  return true;
}

static pc_tap *tap_create(pc_loop *loop, const pc_tap_options *options) {
  pc_tap *tap = calloc(1, sizeof *tap);
  if (tap) {
    tap->loop = loop;
    tap->on = options->on;
    tap->user = options->user;
    tap->type = options->type;
    tap->upstream = strdup(options->upstream);
    tap->insertion_timer = (pc_timer){.routine = pc_tap_on_insertion_timer, .user = tap};
    pc_operation_init(&tap->stopped, tap_on_stopped);
  }
  return tap;
}

static pc_status tap_listen(pc_tap *tap, const pc_tap_options *options, pc_failure *out_failure) {
  pc_server_options server = {.path = options->path,
                              .type = options->type,
                              .framing = options->framing,
                              .limits = options->limits,
                              .oversize = PC_OVERSIZE_SKIP,
                              .security = options->security,
                              .admission = options->admission,
                              .on = {.session = pc_tap_session_events,
                                     .on_error = server_on_error,
                                     .on_refused = server_on_refused,
                                     .on_stopped = server_on_stopped},
                              .user = tap};
  server.on.session.on_connected = pc_tap_on_client;
  return pc_server_open(tap->loop, &server, true, &tap->server, out_failure);
}

pc_status pc_tap_start(pc_loop *loop, const pc_tap_options *options, pc_tap **out_tap,
                       pc_failure *out_failure) {
  pc_loop_check_thread(loop);
  pc_failure ignored = {.status = PC_OK};
  pc_failure *failure = out_failure ? out_failure : &ignored;
  if (!options_check(loop, options, failure)) {
    return failure->status;
  }
  *failure = (pc_failure){.status = PC_E_NO_MEMORY, .action = "start"};
  pc_tap *tap = tap_create(loop, options);
  if (!tap || !tap->upstream || !pc_loop_reserve_timers(loop, TAP_TIMERS)) {
    tap_free(tap);
    return PC_E_NO_MEMORY;
  }
  pc_status status = tap_listen(tap, options, failure);
  if (status != PC_OK) {
    pc_loop_release_timers(loop, TAP_TIMERS);
    tap_free(tap);
    return status;
  }
  pc_session_terms terms = upstream_terms(tap);
  tap->max_message_bytes = terms.limits.max_message_bytes;
  pc_host_init(&tap->upstreams, loop, &terms, upstreams_on_session_gone);
  pc_loop_adopt(loop);
  *out_tap = tap;
  return PC_OK;
}
