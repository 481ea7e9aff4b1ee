/* The whole service: two threads, two queues, and what joins them. Main thread; the functions named
 * pipe_thread_* and http_thread_* run on those.
 *
 * Success: start makes pipes, then listeners, then the threads; stop ends the pipes first, so that
 * observers still see how each session ended. Failures: all at start, told with what, where and
 * what to do; whatever was made is taken back. */
#include "bridge/bridge.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "bridge/api.h"
#include "bridge/hub.h"
#include "bridge/pipes.h"
#include "bridge/queue.h"
#include "check.h"
#include "host.h"
#include "spin.h"
#include "web/dashboard.h"
#include "web/server.h"

enum { COMMAND_QUEUE_MIN_BYTES = 1 << 20 };

struct br_bridge {
  const br_config *config;
  char run[BR_RUN_TEXT_BYTES];
  br_queue *events;
  br_queue *commands;
  br_pipes *pipes;
  br_hub *hub;
  br_api *api;
  web_server *server;
  pthread_t pipe_thread;
  pthread_t http_thread;
  bool has_pipe_thread;
  bool has_http_thread;
  br_spin http_spin;
  atomic_uint_fast64_t http_turns;
  uint64_t seen_pipe_turns;
  uint64_t seen_http_turns;
};

/* ---- between the two threads ---- */

static void wake_http(void *user) {
  br_bridge *bridge = user;
  web_server_wake(bridge->server);
}

static void wake_pipes(void *user) {
  br_bridge *bridge = user;
  br_pipes_wake(bridge->pipes);
}

static void on_room(void *user) {
  br_bridge *bridge = user;
  if (bridge->pipes) {
    br_pipes_made_room(bridge->pipes);
  }
}

static void on_record(const br_event *record, void *user) {
  br_bridge *bridge = user;
  br_api_on_record(bridge->api, record);
}

/* ---- the HTTP thread ---- */

static bool http_do_work(void *user) {
  br_bridge *bridge = user;
  atomic_fetch_add_explicit(&bridge->http_turns, 1, memory_order_relaxed);
  uint64_t position = br_queue_position(bridge->events);
  bool has_more = br_hub_do_work(bridge->hub);
  if (br_queue_position(bridge->events) != position) {
    br_spin_note(&bridge->http_spin, br_host_mono_ns());
  }
  br_api_do_work(bridge->api);
  return has_more;
}

static bool http_prepare_sleep(void *user) {
  br_bridge *bridge = user;
  if (br_spin_goes_on(&bridge->http_spin, br_host_mono_ns())) {
    br_host_yield();
    return false;
  }
  return br_api_prepare_sleep(bridge->api) && br_hub_prepare_sleep(bridge->hub);
}

static void http_awake(void *user) {
  br_bridge *bridge = user;
  br_queue_awake(bridge->events);
}

static void http_log(const char *line, void *user) {
  (void)user;
  (void)fprintf(stderr, "pipebridge: %s\n", line);
}

static void *http_thread_main(void *user) {
  br_bridge *bridge = user;
  if (web_server_run(bridge->server) != WEB_OK) {
    br_give_up("the HTTP thread's wait failed: nobody could be served any more");
  }
  return NULL;
}

static void *pipe_thread_main(void *user) {
  br_bridge *bridge = user;
  br_pipes_run(bridge->pipes);
  return NULL;
}

/* ---- start ---- */

static bool bridge_fail(char *error, size_t error_size, const char *what) {
  (void)snprintf(error, error_size, "%s", what);
  return false;
}

/* The nanosecond in which a run began names it: no two runs on a machine share one. */
static void run_name(char out_run[BR_RUN_TEXT_BYTES]) {
  struct timespec now;
  (void)timespec_get(&now, TIME_UTC);
  uint64_t ns = (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
  (void)snprintf(out_run, BR_RUN_TEXT_BYTES, "%016" PRIx64, ns);
}

/* A queue takes records of up to a quarter of its size: the largest message must be one. (The
 * events' queue has a configured size, which the configuration's rules hold to the same.) */
static size_t command_queue_bytes(const br_config *config) {
  size_t bytes = COMMAND_QUEUE_MIN_BYTES;
  while (bytes / 4 < (size_t)config->events.max_message_bytes + 4096) {
    bytes *= 2;
  }
  return bytes;
}

static bool bridge_make_server(br_bridge *bridge, char *error, size_t error_size) {
  const br_http_config *http = &bridge->config->http;
  web_server_options options = {
      .listen = (const char *const *)http->listen,
      .listen_count = http->listen_count,
      .routes = br_api_routes,
      .route_count = br_api_route_count,
      .user = bridge->api,
      .assets = web_dashboard_assets,
      .asset_count = web_dashboard_asset_count,
      .agent = {.do_work = http_do_work,
                .prepare_sleep = http_prepare_sleep,
                .awake = http_awake,
                .user = bridge},
      .limits = {.max_connections = http->max_connections,
                 .max_body_bytes = http->max_body_bytes,
                 .request_timeout_ms = http->request_timeout_ms,
                 .ping_interval_ms = http->ping_interval_ms,
                 .stall_timeout_ms = http->stall_timeout_ms},
      .compresses = http->compression == BR_COMPRESSION_ON,
      .on_log = http_log,
  };
  return web_server_create(&options, &bridge->server, error, error_size) == WEB_OK;
}

/* What is not the usual: another strategy, or a backend that was refused. */
static void backend_tell(const br_pipes *pipes, pc_strategy strategy) {
  char text[512];
  if (strategy != PC_STRATEGY_COMPLETION) {
    (void)fprintf(stderr, "pipebridge: the pipes are served by strategy %s\n",
                  pc_strategy_name(strategy));
  } else if (br_pipes_refusal(pipes, text, sizeof text)) {
    (void)fprintf(stderr, "pipebridge: the pipes are served by %s\n", text);
  }
}

static bool bridge_make(br_bridge *bridge, char *error, size_t error_size) {
  const br_config *config = bridge->config;
  bridge->events = br_queue_create(config->events.queue_bytes);
  bridge->commands = br_queue_create(command_queue_bytes(config));
  bridge->api = br_api_create(&(br_api_options){
      .config = config, .commands = bridge->commands, .wake_pipes = wake_pipes, .user = bridge});
  if (!bridge->events || !bridge->commands || !bridge->api) {
    return bridge_fail(error, error_size, "out of memory: events.queue_bytes may be too large");
  }
  run_name(bridge->run);
  bridge->pipes = br_pipes_create(&(br_pipes_options){.config = config,
                                                      .events = bridge->events,
                                                      .commands = bridge->commands,
                                                      .wake_reader = wake_http,
                                                      .user = bridge},
                                  error, error_size);
  if (!bridge->pipes) {
    return false;
  }
  backend_tell(bridge->pipes, config->pipe_thread.strategy);
  bridge->hub = br_hub_create(&(br_hub_options){.config = config,
                                                .pipes = bridge->pipes,
                                                .events = bridge->events,
                                                .run = bridge->run,
                                                .on_room = on_room,
                                                .on_record = on_record,
                                                .user = bridge});
  if (!bridge->hub) {
    return bridge_fail(error, error_size, "out of memory: events.memory_bytes may be too large");
  }
  br_api_attach(bridge->api, bridge->hub, br_pipes_backend_name(bridge->pipes));
  if (!bridge_make_server(bridge, error, error_size)) {
    return false;
  }
  br_hub_attach(bridge->hub, bridge->server);
  return true;
}

static bool bridge_run(br_bridge *bridge, char *error, size_t error_size) {
  if (pthread_create(&bridge->http_thread, NULL, http_thread_main, bridge) != 0) {
    return bridge_fail(error, error_size, "cannot start the HTTP thread");
  }
  bridge->has_http_thread = true;
  if (pthread_create(&bridge->pipe_thread, NULL, pipe_thread_main, bridge) != 0) {
    return bridge_fail(error, error_size, "cannot start the pipe thread");
  }
  bridge->has_pipe_thread = true;
  (void)pthread_setname_np(bridge->http_thread, "pb-http");
  (void)pthread_setname_np(bridge->pipe_thread, "pb-pipe");
  return true;
}

bool br_bridge_start(const br_config *config, br_bridge **out_bridge, char *error,
                     size_t error_size) {
  br_bridge *bridge = calloc(1, sizeof *bridge);
  if (!bridge) {
    return bridge_fail(error, error_size, "out of memory");
  }
  bridge->config = config;
  bridge->http_spin.limit_ns = (uint64_t)config->events.spin_us * 1000;
  if (!bridge_make(bridge, error, error_size) || !bridge_run(bridge, error, error_size)) {
    br_bridge_stop(bridge);
    return false;
  }
  *out_bridge = bridge;
  return true;
}

uint16_t br_bridge_port(const br_bridge *bridge, size_t index) {
  return web_server_port(bridge->server, index);
}

bool br_bridge_is_healthy(br_bridge *bridge) {
  uint64_t pipe_turns = br_pipes_turn_count(bridge->pipes);
  uint64_t http_turns = atomic_load_explicit(&bridge->http_turns, memory_order_relaxed);
  bool is_healthy = pipe_turns != bridge->seen_pipe_turns && http_turns != bridge->seen_http_turns;
  bridge->seen_pipe_turns = pipe_turns;
  bridge->seen_http_turns = http_turns;
  br_pipes_wake(bridge->pipes);
  web_server_wake(bridge->server);
  return is_healthy;
}

static void hub_drain(br_bridge *bridge) {
  while (bridge->hub && br_hub_do_work(bridge->hub)) {
  }
}

void br_bridge_stop(br_bridge *bridge) {
  if (!bridge) {
    return;
  }
  if (bridge->has_pipe_thread) {
    br_pipes_stop(bridge->pipes);
    (void)pthread_join(bridge->pipe_thread, NULL);
  }
  if (bridge->has_http_thread) {
    web_server_stop(bridge->server);
    (void)pthread_join(bridge->http_thread, NULL);
  }
  /* What the pipes said last still owns memory, and tells of theirs. */
  hub_drain(bridge);
  br_pipes_destroy(bridge->pipes);
  bridge->pipes = NULL;
  hub_drain(bridge);
  br_hub_destroy(bridge->hub);
  web_server_destroy(bridge->server);
  br_api_destroy(bridge->api);
  br_queue_destroy(bridge->commands);
  br_queue_destroy(bridge->events);
  free(bridge);
}
