/* From an upgrade request to an open WebSocket. HTTP thread.
 *
 * Success: web_socket_accept → handshake judged → 101 queued → libmicrohttpd has sent it and hands
 * the socket over → web_socket_open. Failures: a bad handshake is answered with its error; a client
 * that goes before the 101 is sent: web_request_end → web_socket_abandon. */
#include "handshake.h"
#include "request_state.h"
#include "server_state.h"
#include "socket.h"

#define LIST_MAX 512

static web_handshake_verdict request_judge(const web_request *request,
                                           const char *const *protocols) {
  web_connection *connection = request->connection;
  char upgrade[LIST_MAX];
  char connection_list[LIST_MAX];
  char version[LIST_MAX];
  char protocol[LIST_MAX];
  char extensions[LIST_MAX];
  char key[LIST_MAX];
  bool fits =
      web_engine_header_list(connection, "Upgrade", upgrade, sizeof upgrade) &&
      web_engine_header_list(connection, "Connection", connection_list, sizeof connection_list) &&
      web_engine_header_list(connection, "Sec-WebSocket-Version", version, sizeof version) &&
      web_engine_header_list(connection, "Sec-WebSocket-Protocol", protocol, sizeof protocol) &&
      web_engine_header_list(connection, "Sec-WebSocket-Extensions", extensions,
                             sizeof extensions) &&
      web_engine_header_list(connection, "Sec-WebSocket-Key", key, sizeof key);
  if (!fits) {
    return (web_handshake_verdict){
        .status = 400, .code = "bad_handshake", .detail = "a header of the handshake is too long"};
  }
  web_handshake_facts facts = {.method = request->method,
                               .is_http11 = request->is_http11,
                               .has_body = request->body.size > 0,
                               .upgrade = upgrade,
                               .connection = connection_list,
                               .version = version,
                               .protocol = protocol,
                               .extensions = extensions,
                               .allows_deflate = request->server->compresses,
                               .key_count =
                                   web_engine_header_count(connection, "Sec-WebSocket-Key"),
                               .key = key};
  return web_handshake_check(&facts, protocols);
}

const char *web_request_subprotocol(const web_request *request, const char *const *protocols) {
  return request_judge(request, protocols).protocol;
}

unsigned web_request_deflate_bits(const web_request *request) {
  char offers[LIST_MAX];
  web_extension extension = {0};
  bool is_readable = request->server->compresses &&
                     web_engine_header_list(request->connection, "Sec-WebSocket-Extensions", offers,
                                            sizeof offers) &&
                     web_extension_choose(offers, true, &extension);
  return is_readable ? extension.deflate_bits : 0;
}

static void request_refuse(web_request *request, const web_handshake_verdict *verdict) {
  if (verdict->status == 405) {
    web_response_header(request, "Allow", "GET");
  }
  if (verdict->status == 426) {
    web_response_header(request, "Connection", "Upgrade");
    web_response_header(request, "Upgrade", "websocket");
    web_response_header(request, "Sec-WebSocket-Version", "13");
  }
  web_respond_problem(request, verdict->status, verdict->code, "%s", verdict->detail);
}

static web_answer *upgrade_answer(web_socket *socket, const web_handshake_verdict *verdict) {
  web_answer *answer = web_engine_upgrade(socket);
  if (answer != NULL &&
      !(web_engine_answer_header(answer, "Upgrade", "websocket") &&
        web_engine_answer_header(answer, "Sec-WebSocket-Accept", verdict->accept) &&
        (verdict->extension.answer[0] == '\0' ||
         web_engine_answer_header(answer, "Sec-WebSocket-Extensions", verdict->extension.answer)) &&
        (verdict->protocol == NULL ||
         web_engine_answer_header(answer, "Sec-WebSocket-Protocol", verdict->protocol)))) {
    web_engine_answer_destroy(answer);
    answer = NULL;
  }
  return answer;
}

bool web_socket_can_accept(web_request *request, const char *const *protocols) {
  web_handshake_verdict verdict = request_judge(request, protocols);
  if (verdict.status != 101) {
    request_refuse(request, &verdict);
  }
  return verdict.status == 101;
}

web_status web_socket_accept(web_request *request, const char *const *protocols,
                             const web_socket_events *events, void *user) {
  web_handshake_verdict verdict = request_judge(request, protocols);
  if (verdict.status != 101) {
    request_refuse(request, &verdict);
    return WEB_E_INVALID_ARG;
  }
  web_socket *socket = web_socket_create(request->server, verdict.protocol, events, user);
  if (socket != NULL && verdict.extension.deflate_bits != 0) {
    web_socket_allow_deflate(socket, verdict.extension.deflate_bits);
  }
  web_answer *answer = socket != NULL ? upgrade_answer(socket, &verdict) : NULL;
  if (answer == NULL) {
    /* Without on_close, as the caller is told by the result. */
    web_socket_discard(socket);
    web_respond_problem(request, 503, "no_memory", "out of memory; close something and try again");
    return WEB_E_NO_MEMORY;
  }
  request->socket = socket;
  web_request_answer(request, 101, answer);
  return WEB_OK;
}
