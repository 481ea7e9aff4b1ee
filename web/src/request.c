/* A request from its first line to its answer. HTTP thread.
 *
 * Success: begin (target) → step NEW (guard, size) → step RECEIVING (body, piece by piece) →
 * handler → answer at once, or suspended until somebody answers → step queues the answer → end.
 * Failures: refused by the guard, body over the bound (413), no route (404, 405), nobody answers in
 * time (504), server stops (503), client gone (end, without an answer). Each ends in
 * web_request_end. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "asset.h"
#include "check.h"
#include "guard.h"
#include "request_state.h"
#include "server_state.h"
#include "socket.h"
#include "stream.h"

/* Headers that a handler adds to one answer. */
#define ANSWER_HEADERS_MAX 4096
/* How much of a body over the bound is read and thrown away, so that the client sees the 413 and
 * not a reset connection. */
#define DISCARD_MAX (4U << 20)

static void request_on_deadline(web_timer *timer, void *user) {
  (void)timer;
  web_request_give_up(user, 504, "timed_out",
                      "no answer within the request time-out; the other side of the pipe may be "
                      "stuck, try again");
}

web_request *web_request_begin(web_server *server, web_connection *connection, const char *target) {
  size_t length = strlen(target);
  web_request *request = calloc(1, sizeof *request + WEB_TARGET_STORAGE(length));
  if (request == NULL) {
    return NULL;
  }
  request->server = server;
  request->connection = connection;
  request->phase = WEB_REQUEST_NEW;
  request->port = web_engine_port(connection);
  request->is_target_valid =
      web_target_parse(target, length, request->target_storage, &request->target);
  request->deadline = (web_timer){.routine = request_on_deadline, .user = request};
  web_buffer_init(&request->body, server->limits.max_body_bytes);
  web_buffer_init(&request->headers, ANSWER_HEADERS_MAX);
  server->stats.requests++;
  server->requests_open++;
  return request;
}

void web_request_end(web_request *request) {
  WEB_CHECK(request->phase != WEB_REQUEST_WAITING);
  request->server->requests_open--;
  if (request->socket != NULL) {
    web_socket_abandon(request->socket);
  }
  if (request->stream != NULL) {
    web_stream_end(request->stream);
  }
  web_engine_answer_destroy(request->answer);
  web_buffer_fini(&request->body);
  web_buffer_fini(&request->headers);
  free(request);
}

/* ---- NEW ---- */

static bool request_is_navigation(const web_request *request) {
  const char *mode = web_request_header(request, "Sec-Fetch-Mode");
  return mode != NULL && strcasecmp(mode, "navigate") == 0 &&
         (strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0) &&
         strcmp(request->target.path, "/") == 0;
}

/* False: refused, and answered so. */
static bool request_pass_guard(web_request *request) {
  web_guard_facts facts = {.port = request->port,
                           .is_http11 = request->is_http11,
                           .is_navigation =
                               request->is_target_valid && request_is_navigation(request),
                           .host_count = web_engine_header_count(request->connection, "Host"),
                           .host = web_request_header(request, "Host"),
                           .authority = request->target.authority,
                           .authority_size = request->target.authority_size,
                           .origin_count = web_engine_header_count(request->connection, "Origin"),
                           .origin = web_request_header(request, "Origin"),
                           .fetch_site = web_request_header(request, "Sec-Fetch-Site")};
  web_guard_verdict verdict = web_guard_check(&facts);
  if (verdict.status == 0) {
    return true;
  }
  request->server->stats.refused++;
  web_respond_problem(request, verdict.status, verdict.code, "%s", verdict.detail);
  return false;
}

static void request_refuse_size(web_request *request) {
  web_respond_problem(request, 413, "too_large",
                      "the body is over the limit of %u bytes (http.max_body_bytes)",
                      request->server->limits.max_body_bytes);
}

/* What Content-Length says; libmicrohttpd has refused what is no number. */
static bool request_declares_too_much(const web_request *request) {
  const char *length = web_request_header(request, "Content-Length");
  return length != NULL && strtoull(length, NULL, 10) > request->server->limits.max_body_bytes;
}

/* Two lengths, or a length and chunks, are how a request is smuggled past somebody who reads it
 * another way (RFC 9112 §6.3). libmicrohttpd would take one of them. */
static bool request_has_one_length(const web_request *request) {
  size_t lengths = web_engine_header_count(request->connection, "Content-Length");
  size_t codings = web_engine_header_count(request->connection, "Transfer-Encoding");
  return lengths + codings <= 1;
}

/* False without an answer: there was no memory for one, and the connection is closed. */
static bool request_queue(web_request *request) {
  web_answer *answer = request->answer;
  request->answer = NULL;
  request->phase = WEB_REQUEST_ANSWERED;
  return answer != NULL && web_engine_queue(request->connection, request->status, answer);
}

/* The headers are there. An answer given here closes the connection, which is what a refused one
 * deserves; everything else goes on to the body first. */
static bool request_start(web_request *request) {
  if (!request_pass_guard(request)) {
    return request_queue(request);
  }
  if (!request->is_target_valid) {
    web_respond_problem(request, 400, "target_malformed",
                        "the request target must be a path with valid percent escapes and at most "
                        "%d parameters",
                        WEB_QUERY_MAX);
    return request_queue(request);
  }
  if (!request_has_one_length(request)) {
    web_respond_problem(request, 400, "length_repeated",
                        "a request has one Content-Length or one Transfer-Encoding, not both and "
                        "none twice");
    return request_queue(request);
  }
  if (request_declares_too_much(request)) {
    request_refuse_size(request);
    return request_queue(request);
  }
  request->phase = WEB_REQUEST_RECEIVING;
  return true;
}

/* ---- RECEIVING ---- */

static bool request_receive(web_request *request, const uint8_t *data, size_t size) {
  if (!request->body.failed) {
    web_buffer_append(&request->body, data, size);
  }
  if (request->body.failed) {
    request->discarded_bytes += size;
  }
  return request->discarded_bytes <= DISCARD_MAX;
}

static void request_route(web_request *request) {
  web_server *server = request->server;
  if (request->body.failed) {
    request_refuse_size(request);
    return;
  }
  web_router_find(server->routes, server->route_count, request->method, &request->target,
                  &request->match);
  if (request->match.route != NULL) {
    request->match.route->handler(request, server->user);
    return;
  }
  if (web_asset_respond(request)) {
    return;
  }
  if (request->match.allow[0] != '\0') {
    web_response_header(request, "Allow", request->match.allow);
    web_respond_problem(request, 405, "method_not_allowed", "%s is not one of: %s", request->method,
                        request->match.allow);
    return;
  }
  web_respond_problem(request, 404, "not_found", "there is nothing at this path");
}

static void request_wait(web_request *request) {
  web_server *server = request->server;
  request->phase = WEB_REQUEST_WAITING;
  web_server_start_timer(server, WEB_TIMERS_REQUEST, &request->deadline,
                         server->limits.request_timeout_ms);
  web_engine_suspend(request->connection);
}

static bool request_handle(web_request *request) {
  request->phase = WEB_REQUEST_HANDLING;
  if (request->server->is_stopping) {
    web_respond_problem(request, 503, "stopping", "the server stops");
  } else {
    request_route(request);
  }
  if (request->is_answered) {
    return request_queue(request);
  }
  request_wait(request);
  return true;
}

bool web_request_step(web_request *request, const char *method, bool is_http11, const uint8_t *data,
                      size_t size) {
  switch (request->phase) {
  case WEB_REQUEST_NEW:
    request->method = method;
    request->is_http11 = is_http11;
    return request_start(request);
  case WEB_REQUEST_RECEIVING:
    return size > 0 ? request_receive(request, data, size) : request_handle(request);
  case WEB_REQUEST_RESUMED:
    return request_queue(request);
  case WEB_REQUEST_HANDLING:
  case WEB_REQUEST_WAITING:
  case WEB_REQUEST_ANSWERED:
    break;
  }
  return false;
}

/* ---- answering ---- */

static bool headers_give(const web_buffer *headers, web_answer *answer) {
  const char *at = (const char *)headers->data;
  const char *end = at + headers->size;
  while (at < end) {
    const char *value = at + strlen(at) + 1;
    if (!web_engine_answer_header(answer, at, value)) {
      return false;
    }
    at = value + strlen(value) + 1;
  }
  return true;
}

void web_request_answer(web_request *request, unsigned status, web_answer *answer) {
  web_server_check_thread(request->server);
  WEB_CHECK(!request->is_answered);
  request->is_answered = true;
  if (answer != NULL && (request->headers.failed ||
                         (request->headers.size > 0 && !headers_give(&request->headers, answer)))) {
    web_engine_answer_destroy(answer);
    answer = NULL;
  }
  if (answer == NULL) {
    answer = web_engine_answer("", 0, WEB_BODY_STATIC);
    status = 500;
  }
  request->answer = answer;
  request->status = status;
  if (request->phase == WEB_REQUEST_WAITING) {
    request->phase = WEB_REQUEST_RESUMED;
    web_server_stop_timer(request->server, WEB_TIMERS_REQUEST, &request->deadline);
    web_engine_resume(request->server->engine, request->connection);
  }
}

void web_request_give_up(web_request *request, unsigned status, const char *code,
                         const char *detail) {
  WEB_CHECK(request->phase == WEB_REQUEST_WAITING);
  if (request->on_abandon != NULL) {
    request->on_abandon(request, request->on_abandon_user);
  }
  web_respond_problem(request, status, code, "%s", detail);
}
