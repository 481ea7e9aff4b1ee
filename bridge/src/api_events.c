/* The live event stream: NDJSON, server-sent events, or a WebSocket (events_socket.c). HTTP
 * thread. */
#include <string.h>

#include "api_private.h"
#include "events_socket.h"

static br_observe_format format_choose(const web_request *request) {
  if (web_request_wants_websocket(request)) {
    const char *protocol = web_request_subprotocol(request, br_events_protocols);
    return protocol == br_events_protocols[0] ? BR_OBSERVE_BINARY : BR_OBSERVE_JSON;
  }
  const char *accept = web_request_header(request, "Accept");
  return accept && strstr(accept, "text/event-stream") ? BR_OBSERVE_SSE : BR_OBSERVE_NDJSON;
}

/* False: answered with the error. */
static bool parse_options(br_api *api, web_request *request, br_observe_options *options) {
  *options = (br_observe_options){.format = format_choose(request), .start = BR_START_NOW};
  if (web_request_wants_websocket(request)) {
    options->deflate_bits = web_request_deflate_bits(request);
  }
  /* A browser comes back to the same address, whose `since` is old by then. */
  const char *last = web_request_header(request, "Last-Event-ID");
  const char *since = last && *last ? last : web_request_query(request, "since");
  if (!br_api_since(api, request, last && *last ? "Last-Event-ID" : "since", since, &options->start,
                    &options->since) ||
      !br_api_max_lag(request, &options->max_lag_bytes)) {
    return false;
  }
  options->filter = br_api_filter(api, request, "");
  return options->filter != NULL;
}

static void on_stream_end(void *user) {
  br_hub_observer_destroy(user);
}

void br_api_unobserved(br_observe_result result, br_problem *out_problem) {
  if (result == BR_OBSERVE_TOO_MANY) {
    (void)br_problem_set(out_problem, 503, "too_many_filters",
                         "Too many different filters are observed at once; use one of those.");
  } else {
    (void)br_problem_set(out_problem, 503, "no_memory", "The bridge is out of memory; try again.");
  }
}

void br_api_respond_unobserved(web_request *request, br_observe_result result) {
  br_problem problem;
  br_api_unobserved(result, &problem);
  br_problem_respond(request, &problem);
}

static void stream_start(br_api *api, web_request *request, const br_observe_options *options) {
  br_observer *observer;
  br_observe_result result = br_hub_observer_create(api->hub, options, &observer);
  if (result != BR_OBSERVE_OK) {
    br_api_respond_unobserved(request, result);
    return;
  }
  bool is_sse = options->format == BR_OBSERVE_SSE;
  web_source source = br_hub_observer_source(observer);
  (void)web_stream_start(request, is_sse ? "text/event-stream" : "application/x-ndjson", &source,
                         on_stream_end);
}

void br_handle_events(web_request *request, void *user) {
  br_api *api = user;
  br_observe_options options;
  if (!parse_options(api, request, &options)) {
    return;
  }
  if (web_request_wants_websocket(request)) {
    br_events_socket_accept(api, request, &options);
  } else {
    stream_start(api, request, &options);
  }
}
