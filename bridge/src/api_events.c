/* The live event stream: NDJSON, server-sent events, or a WebSocket. HTTP thread. */
#include <string.h>

#include "api_private.h"

static const char *const protocols[] = {"pipebridge.v1.bin", "pipebridge.v1.json", NULL};

static br_observe_format format_choose(const web_request *request) {
  if (web_request_wants_websocket(request)) {
    const char *protocol = web_request_subprotocol(request, protocols);
    return protocol == protocols[0] ? BR_OBSERVE_BINARY : BR_OBSERVE_JSON;
  }
  const char *accept = web_request_header(request, "Accept");
  return accept && strstr(accept, "text/event-stream") ? BR_OBSERVE_SSE : BR_OBSERVE_NDJSON;
}

/* False: answered with the error. */
static bool parse_options(br_api *api, web_request *request, br_observe_options *options) {
  *options = (br_observe_options){.format = format_choose(request), .start = BR_START_NOW};
  /* A browser comes back to the same address, whose `since` is old by then. */
  const char *last = web_request_header(request, "Last-Event-ID");
  const char *since = last && *last ? last : web_request_query(request, "since");
  if (!br_api_since(api, request, last && *last ? "Last-Event-ID" : "since", since, &options->start,
                    &options->since)) {
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

void br_api_respond_unobserved(web_request *request, br_observe_result result) {
  if (result == BR_OBSERVE_TOO_MANY) {
    web_respond_problem(request, 503, "too_many_filters",
                        "Too many different filters are observed at once; use one of those.");
  } else {
    web_respond_problem(request, 503, "no_memory", "The bridge is out of memory; try again.");
  }
}

void br_handle_events(web_request *request, void *user) {
  static const web_socket_events events = {
      .on_open = on_open, .on_message = on_message, .on_close = on_close};
  br_api *api = user;
  br_observe_options options;
  if (!parse_options(api, request, &options)) {
    return;
  }
  br_observer *observer;
  br_observe_result result = br_hub_observer_create(api->hub, &options, &observer);
  if (result != BR_OBSERVE_OK) {
    br_api_respond_unobserved(request, result);
    return;
  }
  if (!web_request_wants_websocket(request)) {
    bool is_sse = options.format == BR_OBSERVE_SSE;
    web_source source = br_hub_observer_source(observer);
    (void)web_stream_start(request, is_sse ? "text/event-stream" : "application/x-ndjson", &source,
                           on_stream_end);
  } else if (web_socket_accept(request, protocols, &events, observer) != WEB_OK) {
    br_hub_observer_destroy(observer);
  }
}
