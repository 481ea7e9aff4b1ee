/* pc_server: accepts clients and keeps the list of sessions. The loop's thread.
 *
 * Success: one accept is always issued while there is room for a client, with the memory of its session
 * at hand; its completion begins the session. Stop takes the listener down, ends every session, and tells
 * on_stopped when the last one is gone.
 * Failures: whatever keeps the endpoint from being made (told by pc_server_start); no descriptors or memory
 * for a client (on_error once for each episode; accepting pauses until a session leaves or a while passed,
 * clients wait in the backlog); max_instances reached (likewise, without an error). */
#include "pipecore/server.h"

#include <stdlib.h>

#include "check.h"
#include "server_private.h"

enum { SERVER_TIMERS = 3 };

static void accept_next(pc_server *server);

/* ---- the end ---- */

static void server_on_stopped(pc_operation *operation) {
  pc_server *server = PC_CONTAINER_OF(operation, pc_server, stopped);
  server->is_stopped = true;
  server->options.on.on_stopped(server, server->options.user);
}

static void server_end_if_done(pc_server *server) {
  if (server->is_stopping && server->session_count == 0 && !server->listener &&
      server->unlisten.state == PC_OPERATION_IDLE && server->stopped.state == PC_OPERATION_IDLE) {
    pc_timer_stop(server->loop, &server->drain_timer);
    pc_loop_defer(server->loop, &server->stopped);
  }
}

static void server_on_unlistened(pc_operation *operation) {
  server_end_if_done(PC_CONTAINER_OF(operation, pc_server, unlisten));
}

static void server_on_drain_timer(pc_timer *timer, void *user) {
  (void)timer;
  pc_server *server = user;
  for (pc_session *session = server->sessions; session; session = session->link.next) {
    pc_session_abort(session);
  }
}

void pc_server_stop(pc_server *server, uint32_t drain_ms) {
  pc_loop_check_thread(server->loop);
  if (server->is_stopping) {
    return;
  }
  server->is_stopping = true;
  pc_timer_stop(server->loop, &server->accept_timer);
  server->backend->unlisten(server->listener, &server->unlisten);
  server->listener = NULL;
  for (pc_session *session = server->sessions; session; session = session->link.next) {
    pc_session_end(session, PC_CLOSE_STOP, PC_OK, drain_ms > 0);
  }
  pc_timer_start_reserved(server->loop, &server->drain_timer, drain_ms);
}

void pc_server_destroy(pc_server *server) {
  if (!server) {
    return;
  }
  PC_CHECK(server->is_stopped && server->accept_timer.index == 0 &&
           server->flush_timer.index == 0 && server->drain_timer.index == 0);
  pc_loop_release_timers(server->loop, SERVER_TIMERS);
  pc_loop_disown(server->loop);
  pc_session_discard(server->spare);
  free(server);
}

/* ---- sessions ---- */

void pc_server_start_flush_deadline(pc_server *server, pc_session *session) {
  session->has_flush_deadline = true;
  session->flush_deadline_ns = pc_loop_now_ns(server->loop) + (uint64_t)PC_FLUSH_LIMIT_MS * 1000000;
  session->flush_link = (session_link){.previous = server->flushing_last};
  if (server->flushing_last) {
    server->flushing_last->flush_link.next = session;
  } else {
    server->flushing_first = session;
    pc_timer_start_reserved(server->loop, &server->flush_timer, PC_FLUSH_LIMIT_MS);
  }
  server->flushing_last = session;
}

void pc_server_stop_flush_deadline(pc_server *server, pc_session *session) {
  if (!session->has_flush_deadline) {
    return;
  }
  session->has_flush_deadline = false;
  session_link link = session->flush_link;
  *(link.previous ? &link.previous->flush_link.next : &server->flushing_first) = link.next;
  *(link.next ? &link.next->flush_link.previous : &server->flushing_last) = link.previous;
  if (!server->flushing_first) {
    pc_timer_stop(server->loop, &server->flush_timer);
  }
}

static void server_on_flush_timer(pc_timer *timer, void *user) {
  (void)timer;
  pc_server *server = user;
  uint64_t now_ns = pc_loop_now_ns(server->loop);
  while (server->flushing_first && server->flushing_first->flush_deadline_ns <= now_ns) {
    pc_session_abort(server->flushing_first); /* takes it off the list */
  }
  if (server->flushing_first) {
    uint64_t left_ns = server->flushing_first->flush_deadline_ns - now_ns;
    pc_timer_start_reserved(server->loop, &server->flush_timer, (left_ns + 999999) / 1000000);
  }
}

static void server_add(pc_server *server, pc_session *session) {
  session->link = (session_link){.next = server->sessions};
  if (server->sessions) {
    server->sessions->link.previous = session;
  }
  server->sessions = session;
  server->session_count++;
}

void pc_server_remove(pc_server *server, pc_session *session) {
  session_link link = session->link;
  *(link.previous ? &link.previous->link.next : &server->sessions) = link.next;
  if (link.next) {
    link.next->link.previous = link.previous;
  }
  server->session_count--;
  free(session);
  accept_next(server); /* there is room again, and perhaps a descriptor */
  server_end_if_done(server);
}

uint32_t pc_server_session_count(const pc_server *server) {
  return server->session_count;
}

/* ---- accept ---- */

static void accept_pause(pc_server *server, pc_status status, int native) {
  pc_timer_start_reserved(server->loop, &server->accept_timer, PC_ACCEPT_RETRY_MS);
  if (server->is_accept_failing) {
    return;
  }
  server->is_accept_failing = true;
  pc_failure failure = {.status = status,
                        .native = native,
                        .action = "accept",
                        .advice =
                            status == PC_E_NO_DESCRIPTORS
                                ? "raise the limit of open files; new clients wait until one leaves"
                                : "new clients wait until there is memory"};
  server->options.on.on_error(server, &failure, server->options.user);
}

static void accept_next(pc_server *server) {
  if (server->is_stopping || server->accept.operation.state != PC_OPERATION_IDLE ||
      server->session_count >= server->options.limits.max_instances) {
    return;
  }
  if (!server->spare) {
    server->spare = pc_session_create(server);
    if (!server->spare) {
      accept_pause(server, PC_E_NO_MEMORY, 0);
      return;
    }
  }
  pc_timer_stop(server->loop, &server->accept_timer);
  server->accept.room = server->options.limits.max_instances - server->session_count - 1;
  server->backend->accept(server->listener, &server->accept);
}

static void server_on_accept(pc_operation *operation) {
  pc_server *server = PC_CONTAINER_OF(operation, pc_server, accept.operation);
  if (operation->status != PC_OK && server->is_stopping) {
    return;
  }
  if (operation->status != PC_OK) {
    accept_pause(server, operation->status, server->accept.native);
    return;
  }
  server->is_accept_failing = false;
  pc_session *session = server->spare;
  server->spare = NULL;
  server_add(server, session);
  pc_session_begin(session, server->accept.channel, &server->accept.peer);
  if (server->is_stopping) { /* the client was in when the stop came */
    pc_session_end(session, PC_CLOSE_STOP, PC_OK, false);
  }
  accept_next(server);
}

static void server_on_accept_timer(pc_timer *timer, void *user) {
  (void)timer;
  accept_next(user);
}

/* ---- start ---- */

static pc_server *server_create(pc_loop *loop, const pc_server_options *options) {
  pc_server *server = calloc(1, sizeof *server);
  if (!server) {
    return NULL;
  }
  server->loop = loop;
  server->backend = pc_loop_backend(loop);
  server->options = *options;
  server->options.path = NULL;
  server->accept_timer = (pc_timer){.routine = server_on_accept_timer, .user = server};
  server->flush_timer = (pc_timer){.routine = server_on_flush_timer, .user = server};
  server->drain_timer = (pc_timer){.routine = server_on_drain_timer, .user = server};
  pc_operation_init(&server->accept.operation, server_on_accept);
  pc_operation_init(&server->unlisten, server_on_unlistened);
  pc_operation_init(&server->stopped, server_on_stopped);
  return server;
}

static pc_status failure_tell(pc_failure *out_failure, pc_failure failure) {
  if (out_failure) {
    *out_failure = failure;
  }
  return failure.status;
}

pc_status pc_server_start(pc_loop *loop, const pc_server_options *given, pc_server **out_server,
                          pc_failure *out_failure) {
  pc_loop_check_thread(loop);
  pc_server_options options = *given;
  pc_failure failure = {.status = PC_OK};
  if (!pc_server_options_complete(&options, &failure)) {
    return failure_tell(out_failure, failure);
  }
  failure = (pc_failure){.status = PC_E_NO_MEMORY, .action = "start"};
  pc_server *server = server_create(loop, &options);
  if (!server) {
    goto fail;
  }
  server->spare = pc_session_create(server);
  if (!server->spare) {
    goto fail_server;
  }
  if (!pc_loop_reserve_timers(loop, SERVER_TIMERS)) {
    goto fail_spare;
  }
  pc_listen listen = {.path = options.path,
                      .type = options.type,
                      .max_message_bytes = options.limits.max_message_bytes,
                      .security = options.security};
  failure.status =
      server->backend->listen(pc_loop_backend_state(loop), &listen, &server->listener, &failure);
  if (failure.status != PC_OK) {
    goto fail_timers;
  }
  pc_loop_adopt(loop);
  accept_next(server);
  *out_server = server;
  return PC_OK;

fail_timers:
  pc_loop_release_timers(loop, SERVER_TIMERS);
fail_spare:
  pc_session_discard(server->spare);
fail_server:
  free(server);
fail:
  return failure_tell(out_failure, failure);
}
