/* The live event stream: NDJSON, or the WebSocket subprotocol pipebridge.v1.json. HTTP thread. */
#include "api_private.h"

/* False: answered with the error. */
static bool parse_options(br_api *api, web_request *request, br_observe_options *options) {
  *options = (br_observe_options){.start = BR_START_NOW};
  if (!br_api_since(api, request, "since", &options->start, &options->since)) {
    return false;
  }
  options->filter = br_api_filter(api, request, "");
  return options->filter != NULL;
}

static void on_open(web_socket *socket, void *user) {
  web_source source = br_hub_observer_source(user);
  web_socket_observe(socket, &source);
}

static void on_message(web_socket *socket, web_ws_opcode opcode, const uint8_t *data, size_t size,
                       void *user) {
  static const char answer[] = "{\"type\":\"error\",\"code\":\"unknown_command\",\"detail\":\"This "
                               "version takes no commands "
                               "here; POST to /api/v1/pipes/{pipe}/messages injects.\"}";
  (void)opcode;
  (void)data;
  (void)size;
  (void)user;
  if (web_socket_send(socket, WEB_WS_TEXT, answer, sizeof answer - 1) != WEB_OK) {
    web_socket_close(socket, WEB_WS_POLICY, "asks more than it reads the answers of");
  }
}

static void on_close(web_socket *socket, uint16_t code, void *user) {
  (void)socket;
  (void)code;
  br_hub_observer_destroy(user);
}

static void on_stream_end(void *user) {
  br_hub_observer_destroy(user);
}

void br_handle_events(web_request *request, void *user) {
  static const char *const protocols[] = {"pipebridge.v1.json", NULL};
  static const web_socket_events events = {
      .on_open = on_open, .on_message = on_message, .on_close = on_close};
  br_api *api = user;
  br_observe_options options;
  if (!parse_options(api, request, &options)) {
    return;
  }
  bool is_websocket = web_request_wants_websocket(request);
  br_observer *observer;
  switch (br_hub_observer_create(api->hub, &options, is_websocket, &observer)) {
  case BR_OBSERVE_TOO_MANY:
    web_respond_problem(request, 503, "too_many_filters",
                        "Too many different filters are observed at once; use one of those.");
    return;
  case BR_OBSERVE_NO_MEMORY:
    web_respond_problem(request, 503, "no_memory", "The bridge is out of memory; try again.");
    return;
  case BR_OBSERVE_OK:
    break;
  }
  if (!is_websocket) {
    web_source source = br_hub_observer_source(observer);
    web_stream_start(request, "application/x-ndjson", &source, on_stream_end);
  } else if (web_socket_accept(request, protocols, &events, observer) != WEB_OK) {
    br_hub_observer_destroy(observer);
  }
}
