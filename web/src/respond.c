/* The public side of requests: what handlers ask and how they answer. HTTP thread. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "header_list.h"
#include "request_state.h"
#include "response.h"

#define DETAIL_MAX 1024

const char *web_request_param(const web_request *request, const char *name) {
  return web_route_match_param(&request->match, name);
}

const char *web_request_query(const web_request *request, const char *name) {
  return web_target_query(&request->target, name);
}

const char *web_request_header(const web_request *request, const char *name) {
  return web_engine_header(request->connection, name);
}

const uint8_t *web_request_body(const web_request *request, size_t *out_size) {
  *out_size = request->body.size;
  return request->body.data;
}

uint8_t *web_request_take_body(web_request *request, size_t *out_size) {
  uint8_t *body = request->body.data;
  *out_size = request->body.size;
  web_buffer_init(&request->body, request->body.max_size);
  return body;
}

const char *web_request_address(const web_request *request) {
  return web_engine_address(request->connection);
}

web_server *web_request_server(const web_request *request) {
  return request->server;
}

bool web_request_wants_websocket(const web_request *request) {
  char upgrade[128];
  return web_engine_header_list(request->connection, "Upgrade", upgrade, sizeof upgrade) &&
         web_header_has_token(upgrade, "websocket");
}

void web_request_on_abandon(web_request *request, void (*on_abandon)(web_request *, void *user),
                            void *user) {
  request->on_abandon = on_abandon;
  request->on_abandon_user = user;
}

void web_response_header(web_request *request, const char *name, const char *value) {
  web_buffer_append(&request->headers, name, strlen(name) + 1);
  web_buffer_append(&request->headers, value, strlen(value) + 1);
}

static void body_respond(web_request *request, unsigned status, const char *content_type,
                         const void *body, size_t size, web_body_ownership ownership) {
  web_answer *answer = web_engine_answer(body, size, ownership);
  if (answer != NULL && !web_response_dress(answer, content_type, "no-store", web_policy_none)) {
    web_engine_answer_destroy(answer);
    answer = NULL;
  }
  web_request_answer(request, status, answer);
}

void web_respond(web_request *request, unsigned status, const char *content_type, const void *body,
                 size_t size) {
  body_respond(request, status, content_type, body, size, WEB_BODY_COPY);
}

void web_respond_move(web_request *request, unsigned status, const char *content_type, void *body,
                      size_t size) {
  body_respond(request, status, content_type, body, size, WEB_BODY_MOVE);
}

void web_respond_problem(web_request *request, unsigned status, const char *code,
                         const char *detail, ...) {
  char text[DETAIL_MAX];
  va_list arguments;
  va_start(arguments, detail);
  (void)vsnprintf(text, sizeof text, detail, arguments);
  va_end(arguments);
  size_t size = 0;
  char *body = web_problem_format(status, code, text, &size);
  if (body == NULL) {
    web_request_answer(request, 500, NULL);
    return;
  }
  body_respond(request, status, "application/problem+json", body, size, WEB_BODY_MOVE);
}
