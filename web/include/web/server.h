/* web_server: everything HTTP on one thread: libmicrohttpd, all sockets, WebSockets, event streams,
 * timers.
 *
 * Register routes, then give a thread to web_server_run. Every callback runs on that thread, the
 * HTTP thread, and every function here is for it unless it says "any thread". Before web_server_run
 * the creating thread counts as the HTTP thread. A call from a wrong thread ends the program. */
#ifndef WEB_SERVER_H
#define WEB_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "web/deflate.h"
#include "web/request.h"
#include "web/status.h"

typedef struct web_server web_server;

/* What the owner does once a turn, and how it takes part in falling asleep without losing a
 * wake-up. Every member may be NULL. (The same shape as pipecore's pc_agent; the two libraries do
 * not know each other.) */
typedef struct web_agent {
  /* Once a turn, before the broadcast logs are sent out. Returns true if it has more to do: no
   * sleep. */
  bool (*do_work)(void *user);
  /* Right before a wait that may sleep. False: work arrived meanwhile, do not sleep. */
  bool (*prepare_sleep)(void *user);
  /* Right after that wait, if prepare_sleep returned true. */
  void (*awake)(void *user);
  void *user;
} web_agent;

typedef struct web_limits {
  uint32_t max_connections;             /* HTTP, streams and WebSockets together            */
  uint32_t max_body_bytes;              /* of a request; a route may set less               */
  uint32_t max_websocket_message_bytes; /* from a browser                                   */
  uint32_t max_websocket_outbox_bytes;  /* private answers that one WebSocket has not taken */
  uint32_t connection_memory_bytes;     /* libmicrohttpd's pool for each connection         */
  uint32_t request_timeout_ms;          /* a connection that says nothing, a pending answer */
  uint32_t close_timeout_ms;            /* for the peer's half of the close handshake       */
  uint32_t answer_time_ms; /* what is answered late may take: web_socket_expect_answers */
  uint32_t
      ping_interval_ms; /* a WebSocket that says nothing for so long is pinged; again: it is gone */
  uint32_t stall_timeout_ms; /* an observer that takes nothing for so long is disconnected */
} web_limits;
extern const web_limits web_limits_default;

/* A file of the page, in memory. `data` lives as long as the server. */
typedef struct web_asset {
  const char *path; /* "/", "/app.3fa9.js" */
  const char *content_type;
  const char *etag;    /* quoted */
  const uint8_t *data; /* gzip-compressed */
  size_t size;
  bool is_immutable; /* the name changes with the content */
} web_asset;

typedef struct web_server_options {
  const char *const *listen; /* "127.0.0.1:7117", "[::1]:7117", "localhost:0" …; loopback only */
  size_t listen_count;
  const web_route *routes; /* tried in order; must outlive the server */
  size_t route_count;
  void *user; /* handed to the routes' handlers */
  const web_asset *assets;
  size_t asset_count;
  web_agent agent;
  web_limits limits; /* a 0 means the default */
  bool compresses;   /* permessage-deflate with WebSocket clients that offer it */
  /* One line about something that an operator should know. May be NULL. */
  void (*on_log)(const char *line, void *user);
} web_server_options;

/* Whether web_server_create would take `text` as an address to listen on; if not, `error` says why
 * and what to do. Pure; any thread. */
bool web_listen_is_valid(const char *text, char *error, size_t error_size);
/* Makes the listeners. On failure writes what, where and what to do into `error` (may be NULL). */
WEB_MUST_USE web_status web_server_create(const web_server_options *options,
                                          web_server **out_server, char *error, size_t error_size);
/* Turns until web_server_stop; then closes every WebSocket with 1001, answers pending requests with
 * 503, ends the streams, and returns within two seconds. */
WEB_MUST_USE web_status web_server_run(web_server *server);
/* One turn of at most `timeout_ms` (tests step by it). */
WEB_MUST_USE web_status web_server_turn(web_server *server, int timeout_ms);
/* Any thread, async-signal-safe. */
void web_server_stop(web_server *server);
void web_server_wake(web_server *server);
/* After web_server_run has returned. Accepts NULL. */
void web_server_destroy(web_server *server);

/* The real port of a listener (port 0 was asked for). Any thread. */
uint16_t web_server_port(const web_server *server, size_t listen_index);
uint64_t web_server_now_ns(const web_server *server); /* monotonic, read once a turn */

typedef struct web_server_stats {
  uint64_t requests;
  uint32_t connections;
  uint32_t websockets;
  uint32_t streams;
  uint64_t refused;     /* by the guard */
  uint64_t turned_away; /* over max_connections */
  uint64_t stalled;     /* observers that took nothing any more */
  uint64_t unanswered;  /* WebSockets that did not answer a ping */
} web_server_stats;
void web_server_get_stats(const web_server *server, web_server_stats *out_stats);

/* What compresses by this window; it lives as long as the server. NULL: no memory. */
web_deflater *web_server_deflater(web_server *server, unsigned window_bits);

/* ---- timers: one shot; caller's memory, zeroed before first use ---- */
typedef struct web_timer web_timer;
struct web_timer {
  void (*routine)(web_timer *timer, void *user);
  void *user;
  uint64_t deadline_ns; /* the server's from here on */
  web_timer *previous, *next;
};
void web_timer_start(web_server *server, web_timer *timer, uint64_t delay_ms);
void web_timer_stop(web_server *server, web_timer *timer);

#endif
