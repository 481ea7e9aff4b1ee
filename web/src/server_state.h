/* The inside of a web_server, for the files that make it up. HTTP thread, but for what says
 * "any". */
#ifndef WEB_SRC_SERVER_STATE_H
#define WEB_SRC_SERVER_STATE_H

#include <stdatomic.h>
#include <stdbool.h>

#include "engine.h"
#include "listener.h"
#include "poller.h"
#include "sender.h"
#include "timer_list.h"
#include "web/buffer.h"
#include "web/observer.h"
#include "web/server.h"

/* What one WebSocket may bring per turn. */
#define WEB_RECEIVE_BYTES (64U << 10)
#define WEB_NS_PER_MS 1000000U

/* What the server's timers are for: in each list all wait equally long, but in the owner's. */
typedef enum web_timer_purpose {
  WEB_TIMERS_OWNER,
  WEB_TIMERS_HEAD,    /* connections whose next request is not there yet          */
  WEB_TIMERS_REQUEST, /* requests that wait for their answer                      */
  WEB_TIMERS_CLOSE,   /* WebSockets that wait for their peer's half of the close  */
  WEB_TIMERS_ANSWER,  /* WebSockets that wait for answers before they close       */
  WEB_TIMERS_PING,    /* WebSockets that say something from time to time, or must */
  WEB_TIMERS_STALL,   /* observers whose connection takes nothing                 */
  WEB_TIMER_PURPOSES
} web_timer_purpose;

struct web_server {
  /* any thread */
  atomic_bool wants_stop;
  _Atomic(const void *) owner; /* thread_mark of the HTTP thread; NULL: not running any more */
  web_poller *poller;          /* for waking */

  /* set at the beginning */
  const web_route *routes;
  size_t route_count;
  const web_asset *assets;
  size_t asset_count;
  web_agent agent;
  web_limits limits;
  void (*on_log)(const char *line, void *user);
  void *user;
  web_listener *listeners;
  size_t listener_count;

  /* the loop */
  web_engine *engine;
  web_poll_entry engine_entry;
  bool is_engine_ready;
  bool has_agent_more;
  bool is_stopping;
  uint64_t engine_due_ns; /* when the engine wants to run by itself; UINT64_MAX: never */
  uint64_t now_ns;
  web_timer_list timers[WEB_TIMER_PURPOSES];

  /* socket.c, stream.c, log.c, sender.c */
  web_socket *sockets;
  web_stream *streams;
  web_log *logs;
  web_sender *ready_first, *ready_last;
  uint64_t pass_number;
  web_buffer scratch; /* one piece at a time, on its way into an outbox */
  bool compresses;
  web_inflaters inflaters;
  web_deflater *deflaters[WEB_DEFLATE_MAX_BITS - WEB_DEFLATE_MIN_BITS +
                          1]; /* of each window that was asked for */
  uint8_t *receive_buffer;    /* WEB_RECEIVE_BYTES, shared by all WebSockets */

  uint32_t requests_open; /* begun, and not yet ended */
  web_server_stats stats;
};

void web_server_start_timer(web_server *server, web_timer_purpose purpose, web_timer *timer,
                            uint32_t delay_ms);
void web_server_stop_timer(web_server *server, web_timer_purpose purpose, web_timer *timer);
/* Ends the program if the calling thread is not the HTTP thread. For every entry of the library. */
void web_server_check_thread(const web_server *server);
/* One line for the operator, without a line end. */
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
void web_server_log(const web_server *server, const char *format, ...);

#endif
