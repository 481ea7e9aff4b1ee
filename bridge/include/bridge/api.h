/* br_api: the routes of /api/v1 and /healthz. HTTP thread only.
 *
 * Lists are answered from the hub's registry at once. What the pipe thread must do goes to it as a
 * command with an id; the request waits under that id until the result comes back through the event
 * queue. */
#ifndef BRIDGE_API_H
#define BRIDGE_API_H

#include <stddef.h>

#include "bridge/event.h"
#include "bridge/hub.h"
#include "bridge/queue.h"
#include "web/request.h"

typedef struct br_api br_api;

typedef struct br_api_options {
  const br_config *config; /* must outlive the api */
  br_queue *commands;
  void (*wake_pipes)(void *user); /* there are new commands; the pipe thread sleeps */
  void *user;
} br_api_options;

/* NULL: no memory. */
br_api *br_api_create(const br_api_options *options);
/* After the server has ended every request. Accepts NULL. */
void br_api_destroy(br_api *api);
/* `backend`: what serves the pipes, for /healthz; must outlive the api. */
void br_api_attach(br_api *api, br_hub *hub, const char *backend);

/* Once a turn of the HTTP thread's loop. */
void br_api_do_work(br_api *api);
/* Right before it may sleep; false: it has something to do. */
bool br_api_prepare_sleep(br_api *api);

/* Handed to web_server_create, with the api as the handlers' user. */
extern const web_route br_api_routes[];
extern const size_t br_api_route_count;

/* An `injected` event, one of a private session, or a record that is no event came through the
 * queue. */
void br_api_on_record(br_api *api, const br_event *record);

#endif
