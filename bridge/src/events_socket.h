/* A WebSocket of GET /api/v1/events: what it shows, and the commands that come by it. HTTP
 * thread. */
#ifndef BRIDGE_SRC_EVENTS_SOCKET_H
#define BRIDGE_SRC_EVENTS_SOCKET_H

#include "api_private.h"

/* The subprotocols, best first; NULL-ended. */
extern const char *const br_events_protocols[];

/* Answers the upgrade request with a socket that observes by `options`, whose filter is taken
 * over. */
void br_events_socket_accept(br_api *api, web_request *request, const br_observe_options *options);

#endif
