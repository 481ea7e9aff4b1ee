/* pc_server: an endpoint, and accepting its clients as sessions of its host. The loop's thread.
 *
 * Success: one accept is always issued while there is room for a client, with the memory of its
 * session at hand; its completion begins the session. Stop takes the listener down, ends every
 * session, and tells on_stopped when the last one is gone. Failures: whatever keeps the endpoint
 * from being made (told by pc_server_start); no descriptors or memory for a client (on_error once
 * for each episode, which ends when none failed for a second; accepting pauses until a session
 * leaves or a while passed, clients wait in the backlog); a limit (server_hold.c); a client that
 * the rules refuse (its channel is closed with the memory of a session that nobody else hears
 * of). */
#include "pipecore/server.h"

#include <stdlib.h>

#include "check.h"
#include "server_private.h"

enum { SERVER_TIMERS = PC_HOST_TIMERS + 1 };

static void accept_next(pc_server *server);

/* ---- the end ---- */

static void server_on_stopped(pc_operation *operation) {
  pc_server *server = PC_CONTAINER_OF(operation, pc_server, stopped);
  server->is_stopped = true;
  if (server->on_stopped) {
    server->on_stopped(server, server->host.terms.user);
  }
}

static void server_end_if_done(pc_server *server) {
  if (server->host.is_stopping && server->host.session_count == 0 && !server->listener &&
      server->unlisten.state == PC_OPERATION_IDLE && server->stopped.state == PC_OPERATION_IDLE) {
    pc_loop_defer(server->host.loop, &server->stopped);
  }
}

static void server_on_unlistened(pc_operation *operation) {
  server_end_if_done(PC_CONTAINER_OF(operation, pc_server, unlisten));
}

void pc_server_stop(pc_server *server, uint32_t drain_ms) {
  pc_loop_check_thread(server->host.loop);
  if (server->host.is_stopping) {
    return;
  }
  pc_timer_stop(server->host.loop, &server->accept_timer);
  server->host.backend->unlisten(server->listener, &server->unlisten);
  server->listener = NULL;
  pc_host_stop(&server->host, drain_ms);
}

void pc_server_destroy(pc_server *server) {
  if (!server) {
    return;
  }
  PC_CHECK(server->is_stopped && server->accept_timer.index == 0);
  pc_host_fini(&server->host);
  pc_loop_release_timers(server->host.loop, SERVER_TIMERS);
  pc_loop_disown(server->host.loop);
  pc_session_discard(server->spare);
  free(server->admission_memory);
  free(server);
}

/* ---- sessions ---- */

uint32_t pc_server_session_count(const pc_server *server) {
  return server->host.session_count;
}

static void server_on_session_gone(pc_host *host) {
  pc_server *server = PC_CONTAINER_OF(host, pc_server, host);
  accept_next(server); /* there is room again, and perhaps a descriptor */
  server_end_if_done(server);
}

pc_server *pc_session_server(const pc_session *session) {
  return session->host->on_session_gone == server_on_session_gone
             ? PC_CONTAINER_OF(session->host, pc_server, host)
             : NULL;
}

/* ---- accept ---- */

static const char *accept_advice(pc_status status) {
  switch (status) {
  case PC_E_NO_DESCRIPTORS:
    return "raise the limit of open files; new clients wait until one leaves";
  case PC_E_NO_MEMORY:
    return "new clients wait until there is memory";
  default:
    return "it is tried again, and new clients wait";
  }
}

static void accept_pause(pc_server *server, pc_status status, pc_failure failure) {
  uint64_t now_ns = pc_loop_now_ns(server->host.loop);
  uint64_t since_ns = now_ns - server->accept_failed_ns;
  bool is_told = server->accept_failed_ns != 0 && since_ns < PC_ACCEPT_EPISODE_NS;
  server->accept_failed_ns = now_ns;
  pc_timer_start_reserved(server->host.loop, &server->accept_timer, PC_ACCEPT_RETRY_MS);
  if (is_told) {
    return;
  }
  failure.status = status;
  failure.action = failure.action ? failure.action : "accept";
  failure.advice = failure.advice ? failure.advice : accept_advice(status);
  if (server->on_error) {
    server->on_error(server, &failure, server->host.terms.user);
  }
}

static void accept_next(pc_server *server) {
  if (server->host.is_stopping || server->accept.operation.state != PC_OPERATION_IDLE ||
      pc_server_is_held(server) || server->host.is_stopping) {
    return;
  }
  if (!server->spare) {
    server->spare = pc_session_create(&server->host);
    if (!server->spare) {
      accept_pause(server, PC_E_NO_MEMORY, (pc_failure){.status = PC_E_NO_MEMORY});
      return;
    }
  }
  pc_timer_stop(server->host.loop, &server->accept_timer);
  server->accept.room = pc_server_room(server) - 1;
  server->host.backend->accept(server->listener, &server->accept);
}

static void server_on_accept(pc_operation *operation) {
  pc_server *server = PC_CONTAINER_OF(operation, pc_server, accept.operation);
  if (operation->status != PC_OK && server->host.is_stopping) {
    return;
  }
  if (operation->status != PC_OK) {
    accept_pause(server, operation->status, server->accept.failure);
    return;
  }
  pc_session *session = server->spare;
  server->spare = NULL;
  pc_rate_take(&server->rate, pc_loop_now_ns(server->host.loop));
  const pc_peer *peer = &server->accept.peer;
  pc_admission admission = pc_server_admit(server, server->accept.channel, peer);
  if (admission == PC_ADMISSION_GRANTED) {
    pc_host_add(&server->host, session, server->accept.channel, peer);
  } else {
    pc_host_refuse(&server->host, session, server->accept.channel);
    if (server->on_refused) {
      server->on_refused(server, peer, admission, server->host.terms.user);
    }
  }
  accept_next(server);
}

void pc_server_linger(pc_server *server, int change) {
  server->lingering_count += (uint32_t)change;
  accept_next(server);
}

static void server_on_accept_timer(pc_timer *timer, void *user) {
  (void)timer;
  accept_next(user);
}

/* ---- change ---- */

pc_status pc_server_change(pc_server *server, const pc_session_change *change,
                           pc_failure *out_failure) {
  pc_loop_check_thread(server->host.loop);
  pc_session_terms terms = server->host.terms;
  pc_failure failure = {.status = PC_OK};
  if (!pc_session_terms_change(&terms, change, &failure)) {
    return pc_failure_tell(out_failure, failure);
  }
  const pc_limits *old = &server->host.terms.limits;
  if (old->accept_rate != terms.limits.accept_rate ||
      old->accept_burst != terms.limits.accept_burst) {
    pc_rate_init(&server->rate, terms.limits.accept_rate, terms.limits.accept_burst);
  }
  pc_host_change(&server->host, &terms);
  accept_next(server); /* there may be room now */
  return PC_OK;
}

/* ---- start ---- */

static pc_server *server_create(pc_loop *loop, const pc_server_options *options,
                                const pc_session_terms *terms) {
  pc_server *server = calloc(1, sizeof *server);
  if (!server) {
    return NULL;
  }
  pc_host_init(&server->host, loop, terms, server_on_session_gone);
  if (options->transport == PC_TRANSPORT_FIFO) {
    server->host.backend = server->host.backend->fifo;
  }
  pc_rate_init(&server->rate, terms->limits.accept_rate, terms->limits.accept_burst);
  server->on_error = options->on.on_error;
  server->on_refused = options->on.on_refused;
  server->on_stopped = options->on.on_stopped;
  server->accept_timer = (pc_timer){.routine = server_on_accept_timer, .user = server};
  pc_operation_init(&server->accept.operation, server_on_accept);
  pc_operation_init(&server->unlisten, server_on_unlistened);
  pc_operation_init(&server->stopped, server_on_stopped);
  return server;
}

pc_status pc_server_open(pc_loop *loop, const pc_server_options *options, bool is_passing,
                         pc_server **out_server, pc_failure *out_failure) {
  pc_loop_check_thread(loop);
  pc_session_terms terms;
  pc_failure failure = {.status = PC_OK};
  if (!pc_server_options_complete(options, &terms, &failure)) {
    return pc_failure_tell(out_failure, failure);
  }
  if (options->transport == PC_TRANSPORT_FIFO && !pc_loop_backend(loop)->fifo) {
    return pc_failure_tell(out_failure,
                           (pc_failure){.status = PC_E_NOT_SUPPORTED,
                                        .action = "listen",
                                        .advice = "this loop's backend has no FIFOs: use "
                                                  "another one"});
  }
  failure = (pc_failure){.status = PC_E_NO_MEMORY, .action = "start"};
  pc_server *server = server_create(loop, options, &terms);
  if (!server) {
    goto fail;
  }
  server->spare = pc_session_create(&server->host);
  if (!server->spare) {
    goto fail_server;
  }
  if (!pc_server_admission_init(server, &options->admission)) {
    goto fail_spare;
  }
  if (!pc_loop_reserve_timers(loop, SERVER_TIMERS)) {
    goto fail_admission;
  }
  pc_listen listen = {.path = options->path,
                      .type = terms.type,
                      .access = terms.access,
                      .max_message_bytes = terms.limits.max_message_bytes,
                      .is_passing = is_passing,
                      .is_abstract = pc_server_is_abstract(options),
                      .security = options->security};
  failure.status = server->host.backend->listen(pc_loop_backend_state(loop), &listen,
                                                &server->listener, &failure);
  if (failure.status != PC_OK) {
    goto fail_timers;
  }
  pc_loop_adopt(loop);
  accept_next(server);
  *out_server = server;
  return PC_OK;

fail_timers:
  pc_loop_release_timers(loop, SERVER_TIMERS);
fail_admission:
  free(server->admission_memory);
fail_spare:
  pc_session_discard(server->spare);
fail_server:
  free(server);
fail:
  return pc_failure_tell(out_failure, failure);
}

pc_status pc_server_start(pc_loop *loop, const pc_server_options *options, pc_server **out_server,
                          pc_failure *out_failure) {
  return pc_server_open(loop, options, false, out_server, out_failure);
}
