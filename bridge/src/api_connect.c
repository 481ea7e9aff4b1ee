/* GET /api/v1/pipes/{pipe}/connect: a WebSocket with a session of its own. HTTP thread.
 *
 * Success: BR_COMMAND_CONNECT → `opened` says that the server is there: only now the upgrade → each
 * of its messages is one WebSocket message and back, within a window each way (private_window.h) →
 * either side closes, and the other follows when it has what was said before. Failures: before the
 * upgrade an answer that says what is in the way: 502, 503; after it a close with its code: 1000
 * the server closed, 1001 the bridge stops, 1009 a message over the pipe's limit, 1011 the session
 * broke. The command queue full: what was to be sent waits, and the WebSocket is not read. */
#include <stdlib.h>
#include <string.h>

#include "api_private.h"
#include "bridge/event.h"
#include "check.h"
#include "failure.h"
#include "pipecore/session.h"
#include "private_window.h"
#include "web/observer.h"
#include "web/text.h"

/* How a session ended, for its WebSocket. */
typedef struct session_end {
  uint16_t code;
  const char *reason; /* static */
} session_end;

/* One of them, from its request until both its WebSocket and its session are gone. */
typedef struct connection {
  br_api *api;
  struct connection *previous, *next; /* of the api */
  web_request *request;               /* that waits for the session */
  web_socket *socket;                 /* while it is open */
  br_ask_waiter waiter;               /* for room in the command queue */
  br_sent_by by;
  uint64_t command_id;  /* that asked for the session, until it is answered; 0: it is */
  uint64_t session;     /* 0: none yet, or none any more */
  size_t unread_bytes;  /* charged: sent to the WebSocket, and the pipe's side was not told that it
                           has it */
  uint64_t taken_bytes; /* … and was to be told of, but found no room */
  uint64_t said_bytes;  /* charged: of the WebSocket, on the way into the pipe */
  uint8_t *held;        /* a message of the WebSocket that found no room; owned */
  size_t held_bytes;
  session_end end; /* once the session is no more */
  uint16_t pipe;
  bool has_held;
  bool is_binary;
  bool is_paused;   /* the WebSocket's input */
  bool is_accepted; /* on_close is to come */
  bool is_gone;     /* the WebSocket is, and the pipe's side is to be told */
} connection;

/* ---- life ---- */

static void on_room(br_ask_waiter *waiter);

static connection *connection_create(br_api *api, uint16_t pipe) {
  connection *one = calloc(1, sizeof *one);
  if (one) {
    *one = (connection){.api = api,
                        .pipe = pipe,
                        .next = api->connections,
                        .waiter = {.on_room = on_room, .user = one}};
    if (one->next) {
      one->next->previous = one;
    }
    api->connections = one;
  }
  return one;
}

static void connection_destroy(connection *one) {
  br_api *api = one->api;
  *(one->previous ? &one->previous->next : &api->connections) = one->next;
  if (one->next) {
    one->next->previous = one->previous;
  }
  if (one->command_id != 0) {
    (void)br_id_table_remove(&api->connecting, one->command_id);
  }
  if (one->session != 0) {
    (void)br_id_table_remove(&api->connected, one->session);
  }
  br_ask_wait_cancel(&api->asker, &one->waiter);
  free(one->held);
  free(one);
}

static void connection_destroy_if_done(connection *one) {
  if (one->command_id == 0 && one->session == 0 && !one->is_accepted) {
    connection_destroy(one);
  }
}

void br_connections_fini(br_api *api) {
  connection *next = NULL;
  for (connection *one = api->connections; one; one = next) {
    next = one->next;
    connection_destroy(one);
  }
  br_id_table_fini(&api->connecting);
  br_id_table_fini(&api->connected);
}

/* ---- to the pipe ---- */

static bool connection_command(connection *one, br_command_kind kind, const void *payload,
                               size_t size) {
  br_command command = {.kind = (uint8_t)kind,
                        .session = one->session,
                        .pipe = one->pipe,
                        .direction = BR_DIRECTION_C2S,
                        .size_bytes = (uint32_t)size};
  br_ask_status status =
      br_ask_send(&one->api->asker, &command, payload, kind == BR_COMMAND_SAY ? &one->by : NULL);
  BR_CHECK(status != BR_ASK_TOO_BIG); /* the queue takes what the pipe's limit allows */
  if (status != BR_ASK_OK) {
    br_ask_wait(&one->api->asker, &one->waiter);
  }
  return status == BR_ASK_OK;
}

static void connection_regulate(connection *one) {
  bool is_full = one->has_held || one->said_bytes >= BR_PRIVATE_WINDOW_BYTES;
  bool has_room = !one->has_held && one->said_bytes <= BR_PRIVATE_WINDOW_BYTES / 2;
  if (!one->socket) {
    return;
  }
  if (is_full && !one->is_paused) {
    one->is_paused = true;
    web_socket_pause(one->socket);
  } else if (has_room && one->is_paused) {
    one->is_paused = false;
    web_socket_resume(one->socket);
  }
}

static bool connection_say(connection *one, const void *data, size_t size) {
  if (!connection_command(one, BR_COMMAND_SAY, data, size)) {
    return false;
  }
  one->said_bytes += br_private_charge(size);
  return true;
}

/* What found no room, in its order. */
static void connection_send_rest(connection *one) {
  if (one->session == 0) {
    return;
  }
  if (one->has_held) {
    if (!connection_say(one, one->held, one->held_bytes)) {
      return;
    }
    free(one->held);
    one->held = NULL;
    one->has_held = false;
  }
  if (one->taken_bytes > 0) {
    br_taken taken = {.bytes = one->taken_bytes};
    if (!connection_command(one, BR_COMMAND_TAKEN, &taken, sizeof taken)) {
      return;
    }
    one->taken_bytes = 0;
  }
  if (one->is_gone) {
    one->is_gone = !connection_command(one, BR_COMMAND_FINISH, NULL, 0);
  }
}

static void on_room(br_ask_waiter *waiter) {
  connection *one = waiter->user;
  connection_send_rest(one);
  connection_regulate(one);
}

static void connection_take(connection *one, uint64_t bytes) {
  one->taken_bytes += bytes;
  connection_send_rest(one);
}

/* Nobody is there any more who would read what the session says, or say something into it. */
static void connection_leave(connection *one) {
  one->is_gone = true;
  connection_send_rest(one);
}

/* ---- the WebSocket ---- */

static void on_open(web_socket *socket, void *user) {
  connection *one = user;
  one->socket = socket;
  const br_pipe_info *pipe = br_registry_pipe_at(br_hub_registry(one->api->hub), one->pipe);
  if (pipe) {
    web_socket_set_max_message_bytes(socket, pipe->config->limits.max_message_bytes);
  }
  web_socket_expect_answers(socket);
  if (one->session == 0) {
    web_socket_finish(socket, one->end.code, one->end.reason);
  } else {
    connection_take(one, BR_PRIVATE_WINDOW_BYTES); /* the session begins to read */
  }
}

static void on_message(web_socket *socket, web_ws_opcode opcode, const uint8_t *data, size_t size,
                       void *user) {
  connection *one = user;
  (void)opcode;
  if (one->session == 0) {
    return; /* it has ended, and the WebSocket is closing */
  }
  if (one->has_held || !connection_say(one, data, size)) {
    BR_CHECK(!one->has_held); /* it is paused then */
    one->held = malloc(size + 1);
    if (!one->held) {
      web_socket_close(socket, WEB_WS_INTERNAL_ERROR, "out of memory");
      return;
    }
    memcpy(one->held, data, size);
    one->held_bytes = size;
    one->has_held = true;
  }
  connection_regulate(one);
}

static void on_sent(web_socket *socket, void *user) {
  connection *one = user;
  size_t unsent_bytes = web_socket_unsent_bytes(socket);
  size_t taken_bytes = one->unread_bytes > unsent_bytes ? one->unread_bytes - unsent_bytes : 0;
  if (taken_bytes >= BR_PRIVATE_WINDOW_BYTES / 2) {
    one->unread_bytes -= taken_bytes;
    connection_take(one, taken_bytes);
  }
}

static void on_close(web_socket *socket, uint16_t code, void *user) {
  connection *one = user;
  (void)socket;
  (void)code;
  one->socket = NULL;
  one->is_accepted = false;
  connection_leave(one);
  connection_destroy_if_done(one);
}

/* ---- from the pipe ---- */

static void respond_unconnected(web_request *request, const br_pipe_config *config,
                                const pc_failure *failure) {
  char text[BR_FAILURE_TEXT_BYTES];
  br_failure_format(failure, text, sizeof text);
  switch (failure->status) {
  case PC_E_QUOTA:
    web_response_header(request, "Retry-After", "1");
    web_respond_problem(request, 503, "too_many_sessions",
                        "Pipe \"%s\" has %u private sessions already (limits.max_instances); "
                        "close one, or raise the limit.",
                        config->name, config->limits.max_instances);
    break;
  case PC_E_BUSY:
    web_response_header(request, "Retry-After", "1");
    web_respond_problem(request, 503, "server_busy",
                        "The server of pipe \"%s\" at %s does not accept connections now; try "
                        "again.",
                        config->name, config->path);
    break;
  case PC_E_ABORTED:
    web_respond_problem(request, 503, "stopping", "Pipe \"%s\" stops being served.", config->name);
    break;
  case PC_E_NO_MEMORY:
  case PC_E_NO_DESCRIPTORS:
    web_response_header(request, "Retry-After", "1");
    web_respond_problem(request, 503, pc_status_name(failure->status), "Cannot connect to %s: %s.",
                        config->path, text);
    break;
  default:
    web_respond_problem(request, 502, "cannot_connect", "Cannot connect to %s: %s.", config->path,
                        text);
    break;
  }
}

static void connection_accept(connection *one) {
  static const web_socket_events events = {
      .on_open = on_open, .on_message = on_message, .on_sent = on_sent, .on_close = on_close};
  web_request *request = one->request;
  one->request = NULL;
  if (request) {
    one->is_accepted = web_socket_accept(request, br_raw_protocols, &events, one) == WEB_OK;
  }
  if (!one->is_accepted) {
    connection_leave(one);
  }
}

static void on_opened(br_api *api, const br_event *event) {
  connection *one = br_id_table_remove(&api->connecting, event->command_id);
  if (!one) {
    return;
  }
  one->command_id = 0;
  one->session = event->session;
  if (!br_id_table_put(&api->connected, event->session, one)) {
    if (one->request) {
      web_respond_problem(one->request, 503, "no_memory",
                          "The bridge is out of memory; try again.");
    }
    connection_leave(one);
    one->session = 0;
    connection_destroy(one);
    return;
  }
  connection_accept(one);
}

static void on_said(connection *one, const br_event *event) {
  const uint8_t *data = br_event_payload(event);
  if (!one->socket) {
    return;
  }
  bool is_text = !one->is_binary && web_utf8_is_valid(data, event->size_bytes);
  web_status status =
      web_socket_send(one->socket, is_text ? WEB_WS_TEXT : WEB_WS_BINARY, data, event->size_bytes);
  BR_CHECK(status != WEB_FULL); /* the window is smaller */
  one->unread_bytes += br_private_charge(event->size_bytes);
  if (status == WEB_E_NO_MEMORY) {
    web_socket_close(one->socket, WEB_WS_INTERNAL_ERROR, "out of memory");
  }
}

/* What a WebSocket is told of the end of its session. */
static session_end end_of(const br_event *event) {
  br_closed closed;
  memcpy(&closed, br_event_payload(event), sizeof closed);
  if (closed.reason == BR_CLOSE_REMOVED) {
    return (session_end){WEB_WS_GOING_AWAY, "the pipe was removed"};
  }
  switch ((pc_close_reason)closed.reason) {
  case PC_CLOSE_PEER:
  case PC_CLOSE_UPSTREAM:
    return (session_end){WEB_WS_NORMAL, "the server closed the session"};
  case PC_CLOSE_LOCAL:
  case PC_CLOSE_REFUSED:
    return (session_end){WEB_WS_NORMAL, "the session was disconnected"};
  case PC_CLOSE_STOP:
    return (session_end){WEB_WS_GOING_AWAY, "the bridge stops serving this pipe"};
  case PC_CLOSE_LIMIT:
    return closed.status == PC_E_TIMEOUT
               ? (session_end){WEB_WS_NORMAL, "nothing was said for limits.idle_timeout_ms"}
               : (session_end){WEB_WS_TOO_BIG, "the server's message is over "
                                               "limits.max_message_bytes of the pipe"};
  case PC_CLOSE_ERROR:
    break;
  }
  return (session_end){WEB_WS_INTERNAL_ERROR, pc_status_text((pc_status)closed.status)};
}

static void on_closed(connection *one, const br_event *event) {
  (void)br_id_table_remove(&one->api->connected, one->session);
  one->session = 0;
  one->end = end_of(event);
  if (one->socket) {
    web_socket_finish(one->socket, one->end.code, one->end.reason);
  }
  connection_destroy_if_done(one);
}

static void on_taken(connection *one, const br_event *record) {
  br_taken taken;
  memcpy(&taken, br_event_payload(record), sizeof taken);
  one->said_bytes -= taken.bytes;
  connection_regulate(one);
}

static void on_unconnected(br_api *api, const br_event *record) {
  connection *one = br_id_table_remove(&api->connecting, record->command_id);
  pc_failure failure;
  memcpy(&failure, br_event_payload(record), sizeof failure);
  one->command_id = 0;
  const br_pipe_info *pipe = br_registry_pipe_at(br_hub_registry(api->hub), one->pipe);
  if (one->request && pipe) {
    respond_unconnected(one->request, pipe->config, &failure);
  } else if (one->request) {
    web_respond_problem(one->request, 404, "pipe_not_found", "Pipe \"%s\" was removed.",
                        br_registry_name(br_hub_registry(api->hub), one->pipe));
  }
  connection_destroy(one);
}

void br_connection_on_record(br_api *api, const br_event *record) {
  if (record->kind == BR_EVENT_OPENED) {
    on_opened(api, record);
    return;
  }
  if (record->kind == BR_RECORD_UNCONNECTED) {
    on_unconnected(api, record);
    return;
  }
  connection *one = br_id_table_get(&api->connected, record->session);
  if (!one) {
    return; /* there was no memory for it */
  }
  if (record->kind == BR_EVENT_MESSAGE) {
    on_said(one, record);
  } else if (record->kind == BR_EVENT_CLOSED) {
    on_closed(one, record);
  } else if (record->kind == BR_RECORD_TAKEN) {
    on_taken(one, record);
  }
}

/* ---- the request ---- */

static void on_abandon(web_request *request, void *user) {
  connection *one = user;
  (void)request;
  one->request = NULL; /* the session will be closed as soon as it is there */
}

static bool connection_ask(connection *one, web_request *request) {
  br_asker *asker = &one->api->asker;
  br_command command = {.kind = BR_COMMAND_CONNECT, .pipe = one->pipe};
  uint64_t id = asker->last_command_id + 1;
  br_ask_status status = BR_ASK_NO_MEMORY;
  if (br_id_table_put(&one->api->connecting, id, one)) {
    one->command_id = id;
    status = br_ask_send(asker, &command, NULL, &one->by);
  }
  if (status != BR_ASK_OK) {
    br_api_respond_unasked(request, status);
    connection_destroy(one);
    return false;
  }
  return true;
}

void br_handle_pipe_connect(web_request *request, void *user) {
  br_api *api = user;
  uint16_t index;
  bool is_binary;
  const br_pipe_info *pipe = br_api_pipe(api, request, web_request_param(request, "pipe"), &index);
  if (!pipe) {
    return;
  }
  const br_pipe_config *config = pipe->config;
  if (config->role != BR_ROLE_CLIENT) {
    web_respond_problem(request, 409, "not_a_client_pipe",
                        "Pipe \"%s\" is of role \"%s\": only one of role \"client\" has a server "
                        "that a private session could be made to. GET /api/v1/pipes/%s/ws is the "
                        "whole pipe as a WebSocket.",
                        config->name, br_role_name(config->role), config->name);
    return;
  }
  /* Where each read is a message, what is text in one may be half a character in the next. */
  bool is_stream = config->type == PC_TYPE_BYTE && config->framing == PC_FRAMING_NONE;
  if (!br_raw_is_upgrade(request) || !br_raw_type(request, is_stream, &is_binary) ||
      !web_socket_can_accept(request, br_raw_protocols)) {
    return;
  }
  connection *one = connection_create(api, index);
  if (!one) {
    br_api_respond_unasked(request, BR_ASK_NO_MEMORY);
    return;
  }
  br_api_sent_by(request, "connect", &one->by);
  one->is_binary = is_binary;
  one->request = request;
  if (connection_ask(one, request)) {
    web_request_on_abandon(request, on_abandon, one);
  }
}
