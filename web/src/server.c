/* The loop of the HTTP thread. HTTP thread, but for stop and wake.
 *
 * A turn: wait → libmicrohttpd → sockets (inside the wait's callbacks) → timers → the owner's work
 * → the logs go out → what was resumed. Failures: only the poller's, and they end the loop;
 * everything else is some connection's own. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "check.h"
#include "log.h"
#include "request_state.h"
#include "server_state.h"
#include "socket.h"
#include "stream.h"

#define LINE_MAX_BYTES 512
/* The parts of an orderly stop: the owner's last work, everybody's last bytes, the close
 * handshakes. Together below the two seconds that web_server_run promises. */
#define DRAIN_MS 400
#define FLUSH_MS 600
#define CLOSE_MS 600
#define SETTLE_TURN_MS 20
/* What one piece from the past may come to: a snapshot of very many sessions. */
#define SCRATCH_MAX_BYTES (64U << 20)

const web_limits web_limits_default = {.max_connections = 4096,
                                       .max_body_bytes = 1U << 20,
                                       .max_websocket_message_bytes = 1U << 20,
                                       .max_websocket_outbox_bytes = 256U << 10,
                                       .connection_memory_bytes = 16U << 10,
                                       .request_timeout_ms = 30000,
                                       .close_timeout_ms = 2000,
                                       .answer_time_ms = 250,
                                       .ping_interval_ms = 20000,
                                       .stall_timeout_ms = 60000};

#define DEFLATER_COUNT (sizeof(((web_server *)NULL)->deflaters) / sizeof(web_deflater *))

/* Its address identifies a thread without a call to the system. */
static _Thread_local char thread_mark;

void web_server_check_thread(const web_server *server) {
  const void *owner = atomic_load_explicit(&server->owner, memory_order_relaxed);
  WEB_CHECK(owner == NULL || owner == &thread_mark);
}

void web_server_log(const web_server *server, const char *format, ...) {
  char line[LINE_MAX_BYTES];
  if (server->on_log == NULL) {
    return;
  }
  va_list arguments;
  va_start(arguments, format);
  (void)vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  server->on_log(line, server->user);
}

/* ---- making and ending ---- */

static void limit_default(uint32_t *limit, uint32_t value) {
  if (*limit == 0) {
    *limit = value;
  }
}

static void limits_complete(web_limits *limits) {
  const web_limits *defaults = &web_limits_default;
  limit_default(&limits->max_connections, defaults->max_connections);
  limit_default(&limits->max_body_bytes, defaults->max_body_bytes);
  limit_default(&limits->max_websocket_message_bytes, defaults->max_websocket_message_bytes);
  limit_default(&limits->max_websocket_outbox_bytes, defaults->max_websocket_outbox_bytes);
  limit_default(&limits->connection_memory_bytes, defaults->connection_memory_bytes);
  limit_default(&limits->request_timeout_ms, defaults->request_timeout_ms);
  limit_default(&limits->close_timeout_ms, defaults->close_timeout_ms);
  limit_default(&limits->answer_time_ms, defaults->answer_time_ms);
  limit_default(&limits->ping_interval_ms, defaults->ping_interval_ms);
  limit_default(&limits->stall_timeout_ms, defaults->stall_timeout_ms);
}

static void engine_on_ready(web_poll_entry *entry, unsigned ready) {
  (void)ready;
  web_server *server = WEB_CONTAINER_OF(entry, web_server, engine_entry);
  server->is_engine_ready = true;
}

static web_status server_open(web_server *server, const web_server_options *options, char *error,
                              size_t error_size) {
  server->receive_buffer = malloc(WEB_RECEIVE_BYTES);
  web_status status =
      server->receive_buffer != NULL ? web_poller_create(&server->poller) : WEB_E_NO_MEMORY;
  if (status == WEB_OK) {
    status = web_engine_create(server, &server->limits, &server->engine);
  }
  if (status == WEB_OK) {
    server->engine_entry =
        (web_poll_entry){.on_ready = engine_on_ready, .handle = web_engine_handle(server->engine)};
    status = web_poller_add(server->poller, &server->engine_entry, WEB_POLL_READ);
  }
  if (status != WEB_OK) {
    (void)snprintf(error, error_size,
                   "cannot start the HTTP side: %s; raise the limits on memory and descriptors",
                   web_status_text(status));
    return status;
  }
  return web_listeners_open(server, options, error, error_size);
}

web_status web_server_create(const web_server_options *options, web_server **out_server,
                             char *error, size_t error_size) {
  char ignored[1];
  web_server *server = calloc(1, sizeof *server);
  if (error == NULL) {
    error = ignored;
    error_size = sizeof ignored;
  }
  if (server == NULL) {
    (void)snprintf(error, error_size, "out of memory");
    return WEB_E_NO_MEMORY;
  }
  atomic_init(&server->owner, &thread_mark);
  server->routes = options->routes;
  server->route_count = options->route_count;
  server->assets = options->assets;
  server->asset_count = options->asset_count;
  server->agent = options->agent;
  server->limits = options->limits;
  server->compresses = options->compresses;
  server->on_log = options->on_log;
  server->user = options->user;
  server->now_ns = web_net_now_ns();
  server->engine_due_ns = UINT64_MAX;
  limits_complete(&server->limits);
  web_buffer_init(&server->scratch, SCRATCH_MAX_BYTES);
  web_status status = server_open(server, options, error, error_size);
  if (status != WEB_OK) {
    web_server_destroy(server);
    return status;
  }
  *out_server = server;
  return WEB_OK;
}

/* ---- timers of its own ---- */

void web_server_start_timer(web_server *server, web_timer_purpose purpose, web_timer *timer,
                            uint32_t delay_ms) {
  web_timer_list_insert(&server->timers[purpose], timer,
                        server->now_ns + (uint64_t)delay_ms * WEB_NS_PER_MS);
}

void web_server_stop_timer(web_server *server, web_timer_purpose purpose, web_timer *timer) {
  web_timer_list_remove(&server->timers[purpose], timer);
}

/* ---- a turn ---- */

static int sooner_ms(uint64_t now_ns, uint64_t deadline_ns, int timeout_ms) {
  if (deadline_ns == UINT64_MAX) {
    return timeout_ms;
  }
  if (deadline_ns <= now_ns) {
    return 0;
  }
  /* Rounded up: waking a little early would only turn in vain. */
  uint64_t wait_ms = (deadline_ns - now_ns + WEB_NS_PER_MS - 1) / WEB_NS_PER_MS;
  return timeout_ms < 0 || wait_ms < (uint64_t)timeout_ms ? (int)wait_ms : timeout_ms;
}

static int server_timeout_ms(web_server *server, int timeout_ms) {
  if (server->has_agent_more || server->is_engine_ready || server->ready_first != NULL) {
    return 0;
  }
  int engine_ms = web_engine_timeout_ms(server->engine);
  server->engine_due_ns =
      engine_ms < 0 ? UINT64_MAX : server->now_ns + (uint64_t)engine_ms * WEB_NS_PER_MS;
  timeout_ms = sooner_ms(server->now_ns, server->engine_due_ns, timeout_ms);
  for (size_t index = 0; index < WEB_TIMER_PURPOSES; index++) {
    uint64_t deadline_ns = web_timer_list_deadline(&server->timers[index]);
    timeout_ms = sooner_ms(server->now_ns, deadline_ns, timeout_ms);
  }
  return timeout_ms;
}

static web_status server_wait(web_server *server, int timeout_ms) {
  const web_agent *agent = &server->agent;
  bool has_prepared = false;
  timeout_ms = server_timeout_ms(server, timeout_ms);
  if (timeout_ms != 0 && agent->prepare_sleep != NULL) {
    has_prepared = agent->prepare_sleep(agent->user);
    timeout_ms = has_prepared ? timeout_ms : 0;
  }
  web_status status = web_poller_wait(server->poller, timeout_ms);
  /* Before anybody is called, who may start a timer: the wait was as long as it was. */
  server->now_ns = web_net_now_ns();
  if (has_prepared && agent->awake != NULL) {
    agent->awake(agent->user);
  }
  if (status == WEB_OK) {
    web_poller_dispatch(server->poller);
  }
  return status;
}

static void server_run_engine(web_server *server) {
  if (server->is_engine_ready || server->now_ns >= server->engine_due_ns) {
    server->is_engine_ready = false;
    server->engine_due_ns = UINT64_MAX;
    web_engine_run(server->engine);
  }
}

web_status web_server_turn(web_server *server, int timeout_ms) {
  web_server_check_thread(server);
  web_status status = server_wait(server, timeout_ms);
  if (status != WEB_OK) {
    return status;
  }
  server_run_engine(server);
  for (size_t index = 0; index < WEB_TIMER_PURPOSES; index++) {
    web_timer_list_run(&server->timers[index], server->now_ns);
  }
  const web_agent *agent = &server->agent;
  server->has_agent_more = agent->do_work != NULL && agent->do_work(agent->user);
  web_logs_pass(server);
  if (web_engine_is_pending(server->engine)) {
    web_engine_run(server->engine);
  }
  return WEB_OK;
}

/* ---- running and stopping ---- */

static void server_give_up_requests(web_server *server) {
  const web_timer_list *requests = &server->timers[WEB_TIMERS_REQUEST];
  while (requests->first != NULL) {
    web_request_give_up(requests->first->user, 503, "stopping", "the server stops");
  }
}

/* Turns, while the agent has more (or, without one, while somebody is owed something), for
 * `wait_ms` at most. */
static void server_settle(web_server *server, uint64_t wait_ms) {
  uint64_t give_up_ns = web_net_now_ns() + wait_ms * WEB_NS_PER_MS;
  bool is_settled = false;
  while (!is_settled && web_server_turn(server, SETTLE_TURN_MS) == WEB_OK &&
         server->now_ns < give_up_ns) {
    is_settled = server->agent.do_work != NULL
                     ? !server->has_agent_more
                     : server->sockets == NULL && server->requests_open == 0;
  }
}

/* The owner's last events go into the logs, those to the observers, then the close frames; whoever
 * does not take them in time is cut off. */
static void server_wind_up(web_server *server) {
  static const web_agent none = {0};
  web_listeners_close(server);
  if (server->agent.do_work != NULL) {
    server_settle(server, DRAIN_MS);
  }
  server->agent = none;
  server->has_agent_more = false;
  server->is_stopping = true;
  server->is_engine_ready = true;
  server_give_up_requests(server);
  web_sockets_wake_all(server);
  web_streams_wake_all(server);
  server_settle(server, FLUSH_MS);
  web_sockets_close_all(server);
  web_streams_finish_all(server);
  server_settle(server, CLOSE_MS);
  web_sockets_end_all(server);
  server_give_up_requests(server);
  web_engine_run(server->engine);
  web_engine_destroy(server->engine);
  server->engine = NULL;
}

web_status web_server_run(web_server *server) {
  web_status status = WEB_OK;
  atomic_store_explicit(&server->owner, &thread_mark, memory_order_relaxed);
  while (status == WEB_OK && !atomic_load_explicit(&server->wants_stop, memory_order_relaxed)) {
    status = web_server_turn(server, -1);
  }
  server_wind_up(server);
  atomic_store_explicit(&server->owner, NULL, memory_order_relaxed);
  return status;
}

void web_server_stop(web_server *server) {
  atomic_store_explicit(&server->wants_stop, true, memory_order_relaxed);
  web_poller_wake(server->poller);
}

void web_server_wake(web_server *server) {
  web_poller_wake(server->poller);
}

void web_server_destroy(web_server *server) {
  if (server == NULL) {
    return;
  }
  if (server->engine != NULL) {
    server_wind_up(server);
  }
  web_listeners_close(server);
  web_poller_destroy(server->poller);
  web_buffer_fini(&server->scratch);
  web_inflaters_fini(&server->inflaters);
  for (size_t index = 0; index < DEFLATER_COUNT; index++) {
    web_deflater_destroy(server->deflaters[index]);
  }
  free(server->receive_buffer);
  free(server->listeners);
  free(server);
}

web_deflater *web_server_deflater(web_server *server, unsigned window_bits) {
  WEB_CHECK(window_bits >= WEB_DEFLATE_MIN_BITS && window_bits <= WEB_DEFLATE_MAX_BITS);
  web_deflater **deflater = &server->deflaters[window_bits - WEB_DEFLATE_MIN_BITS];
  if (*deflater == NULL) {
    *deflater = web_deflater_create(window_bits);
  }
  return *deflater;
}

/* ---- facts and timers ---- */

uint16_t web_server_port(const web_server *server, size_t listen_index) {
  for (size_t i = 0; i < server->listener_count; i++) {
    if (server->listeners[i].listen_index == listen_index) {
      return server->listeners[i].port;
    }
  }
  return 0;
}

uint64_t web_server_now_ns(const web_server *server) {
  return server->now_ns;
}

void web_server_get_stats(const web_server *server, web_server_stats *out_stats) {
  *out_stats = server->stats;
}

void web_timer_start(web_server *server, web_timer *timer, uint64_t delay_ms) {
  web_server_check_thread(server);
  web_timer_list_remove(&server->timers[WEB_TIMERS_OWNER], timer);
  web_timer_list_insert(&server->timers[WEB_TIMERS_OWNER], timer,
                        server->now_ns + delay_ms * WEB_NS_PER_MS + 1);
}

void web_timer_stop(web_server *server, web_timer *timer) {
  web_server_check_thread(server);
  web_timer_list_remove(&server->timers[WEB_TIMERS_OWNER], timer);
}
