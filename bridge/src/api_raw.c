/* GET /api/v1/pipes/{pipe}/ws: a pipe as a WebSocket, message by message and nothing else. HTTP
 * thread.
 *
 * Success: what the other end of the pipe says comes as one message each; each message that is sent
 * here is injected as one. Injections are events as all others, with their results; here they are
 * not answered. Failures: before the upgrade as of any route; after it the socket is closed: 1009 a
 * message over the pipe's limit, 1013 the queue to the pipe thread is full or messages were missed,
 * 1003 the pipe takes none, 1001 it was removed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api_private.h"

typedef struct raw_socket {
  br_api *api;
  web_socket *socket; /* NULL: not open yet */
  struct raw_socket *previous, *next;
  br_observer *observer;
  const br_pipe_config *config; /* while the request is handled */
  br_sent_by by;
  uint64_t session; /* 0: all of the pipe */
  uint16_t pipe;
  uint8_t said; /* br_direction of what is injected; none: nothing can be */
} raw_socket;

/* The pipe is there, and may have changed; or it has gone. */
static void raw_look_at_pipe(raw_socket *raw) {
  const br_pipe_info *pipe = br_registry_pipe_at(br_hub_registry(raw->api->hub), raw->pipe);
  if (pipe) {
    web_socket_set_max_message_bytes(raw->socket, pipe->config->limits.max_message_bytes);
  } else {
    web_socket_close(raw->socket, WEB_WS_GOING_AWAY, "the pipe was removed");
  }
}

void br_raw_sockets_look_at_pipe(br_api *api, uint16_t index) {
  for (raw_socket *raw = api->raw_sockets; raw;) {
    raw_socket *next = raw->next; /* a close may end it at once */
    if (raw->pipe == index) {
      raw_look_at_pipe(raw);
    }
    raw = next;
  }
}

static void on_open(web_socket *socket, void *user) {
  raw_socket *raw = user;
  web_source source = br_hub_observer_source(raw->observer);
  raw->socket = socket;
  raw->next = raw->api->raw_sockets;
  if (raw->next) {
    raw->next->previous = raw;
  }
  raw->api->raw_sockets = raw;
  web_socket_expect_answers(socket);
  web_socket_observe(socket, &source);
  raw_look_at_pipe(raw);
}

static void on_message(web_socket *socket, web_ws_opcode opcode, const uint8_t *data, size_t size,
                       void *user) {
  raw_socket *raw = user;
  br_command command = {.kind = BR_COMMAND_INJECT,
                        .session = raw->session,
                        .pipe = raw->pipe,
                        .direction = raw->said,
                        .size_bytes = (uint32_t)size};
  (void)opcode;
  if (raw->said == BR_DIRECTION_NONE) {
    web_socket_close(socket, WEB_WS_UNSUPPORTED_DATA, "nothing can be sent into this pipe");
  } else if (br_ask_send(&raw->api->asker, &command, data, &raw->by) != BR_ASK_OK) {
    web_socket_close(socket, WEB_WS_TRY_AGAIN_LATER, "the queue to the pipe thread is full");
  }
}

static void on_close(web_socket *socket, uint16_t code, void *user) {
  raw_socket *raw = user;
  (void)code;
  if (socket == raw->socket) { /* else it never opened */
    *(raw->previous ? &raw->previous->next : &raw->api->raw_sockets) = raw->next;
    if (raw->next) {
      raw->next->previous = raw->previous;
    }
  }
  br_hub_observer_destroy(raw->observer);
  free(raw);
}

/* What is shown: by default what the pipe's other end says. */
static bool filter_write(web_request *request, const raw_socket *raw, char *out_text, size_t size) {
  const char *direction = web_request_query(request, "direction");
  const char *heard = raw->config->role == BR_ROLE_CLIENT ? "s2c" : "c2s";
  char session[32] = " -flag:private"; /* those are not this WebSocket's */
  if (raw->session != 0) {
    (void)snprintf(session, sizeof session, " session:%llu", (unsigned long long)raw->session);
  }
  if (!direction && raw->config->role == BR_ROLE_TAP) {
    web_respond_problem(
        request, 400, "direction_needed",
        "Pipe \"%s\" is a tap: say ?direction=c2s (hear clients, speak to them), s2c "
        "(hear the upstream, speak to it), or both (hear).",
        raw->config->name);
    return false;
  }
  if (!direction) {
    (void)snprintf(out_text, size, "pipe:%s%s kind:message direction:%s", raw->config->name,
                   session, heard);
  } else if (strcmp(direction, "both") == 0) {
    (void)snprintf(out_text, size, "pipe:%s%s kind:message,injected", raw->config->name, session);
  } else if (strcmp(direction, "c2s") == 0 || strcmp(direction, "s2c") == 0) {
    (void)snprintf(out_text, size, "pipe:%s%s kind:message,injected direction:%s",
                   raw->config->name, session, direction);
  } else {
    web_respond_problem(request, 400, "bad_direction", "direction=%s is none of c2s, s2c, both.",
                        direction);
    return false;
  }
  return true;
}

/* noVNC and its kin offer this one, and mean that all messages are binary. */
const char *const br_raw_protocols[] = {"binary", NULL};

bool br_raw_type(web_request *request, bool is_binary, bool *out_is_binary) {
  const char *type = web_request_query(request, "type");
  if (type && strcmp(type, "text") != 0 && strcmp(type, "binary") != 0) {
    web_respond_problem(request, 400, "bad_type", "type=%s is neither text nor binary.", type);
    return false;
  }
  *out_is_binary = type ? strcmp(type, "binary") == 0
                        : is_binary || web_request_subprotocol(request, br_raw_protocols) != NULL;
  return true;
}

static bool format_parse(web_request *request, br_observe_format *out_format) {
  bool is_binary;
  if (!br_raw_type(request, false, &is_binary)) {
    return false;
  }
  *out_format = is_binary ? BR_OBSERVE_RAW_BINARY : BR_OBSERVE_RAW;
  return true;
}

/* Into a tap one speaks as the side that one does not hear. */
static br_direction direction_said(web_request *request, const br_pipe_config *config) {
  const char *heard = web_request_query(request, "direction");
  if (config->role != BR_ROLE_TAP || !heard) {
    return br_api_direction_said(config);
  }
  return strcmp(heard, "c2s") == 0   ? BR_DIRECTION_S2C
         : strcmp(heard, "s2c") == 0 ? BR_DIRECTION_C2S
                                     : BR_DIRECTION_NONE;
}

static bool session_parse(br_api *api, web_request *request, raw_socket *raw) {
  const char *text = web_request_query(request, "session");
  if (!text) {
    return true;
  }
  const br_session_info *session = NULL;
  if (br_api_parse_u64(text, &raw->session)) {
    session = br_registry_session(br_hub_registry(api->hub), raw->session);
  }
  if (session && session->pipe == raw->pipe) {
    return true;
  }
  web_respond_problem(request, 404, "session_not_found",
                      "There is no open session \"%s\" on pipe \"%s\".", text, raw->config->name);
  return false;
}

/* A pipe whose sessions are all private has nothing to show to others. */
static bool raw_is_possible(web_request *request, const raw_socket *raw) {
  const br_pipe_config *config = raw->config;
  if (config->role == BR_ROLE_CLIENT && !config->shared && raw->session == 0) {
    web_respond_problem(request, 409, "not_shared",
                        "Pipe \"%s\" has private sessions only (\"shared\": false): GET "
                        "/api/v1/pipes/%s/connect makes one, ?session= shows one that is there.",
                        config->name, config->name);
    return false;
  }
  return true;
}

/* False: answered with the error. */
static bool raw_prepare(web_request *request, raw_socket *raw) {
  char text[256];
  br_filter_error error;
  br_observe_options options = {.start = BR_START_NOW,
                                .deflate_bits = web_request_deflate_bits(request)};
  if (!session_parse(raw->api, request, raw) || !raw_is_possible(request, raw) ||
      !format_parse(request, &options.format) || !filter_write(request, raw, text, sizeof text)) {
    return false;
  }
  options.filter = br_filter_compile(text, strlen(text), &error);
  br_observe_result result = options.filter
                                 ? br_hub_observer_create(raw->api->hub, &options, &raw->observer)
                                 : BR_OBSERVE_NO_MEMORY;
  if (result != BR_OBSERVE_OK) {
    br_api_respond_unobserved(request, result);
  }
  return result == BR_OBSERVE_OK;
}

bool br_raw_is_upgrade(web_request *request) {
  if (!web_request_wants_websocket(request)) {
    web_response_header(request, "Connection", "Upgrade");
    web_response_header(request, "Upgrade", "websocket");
    web_respond_problem(request, 426, "websocket_only",
                        "This is a WebSocket; GET /api/v1/events is a stream for curl.");
    return false;
  }
  return true;
}

void br_handle_pipe_socket(web_request *request, void *user) {
  static const web_socket_events events = {
      .on_open = on_open, .on_message = on_message, .on_close = on_close};
  br_api *api = user;
  uint16_t index;
  const br_pipe_info *pipe = br_api_pipe(api, request, web_request_param(request, "pipe"), &index);
  if (!pipe) {
    return;
  }
  if (!br_raw_is_upgrade(request)) {
    return;
  }
  raw_socket *raw = calloc(1, sizeof *raw);
  if (!raw) {
    br_api_respond_unobserved(request, BR_OBSERVE_NO_MEMORY);
    return;
  }
  *raw = (raw_socket){.api = api, .config = pipe->config, .pipe = index};
  br_api_sent_by(request, "raw", &raw->by);
  raw->said = (uint8_t)direction_said(request, pipe->config);
  if (!raw_prepare(request, raw)) {
    free(raw);
  } else if (web_socket_accept(request, br_raw_protocols, &events, raw) != WEB_OK) {
    br_hub_observer_destroy(raw->observer);
    free(raw);
  }
}
