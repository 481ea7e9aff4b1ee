/* The owner of libmicrohttpd. HTTP thread.
 *
 * Success: poller says the engine's handle is ready → MHD_run → access handler (web_request_step) →
 * answer queued → MHD sends it. Failures: what cannot be parsed MHD answers itself (400, 413, 431)
 * and closes; a connection that says nothing for request_timeout_ms is closed.
 *
 * Facts of version 0.9.75 that this file keeps to: nothing wakes MHD after a resume, so `pending`
 * makes us run it again; an answer in the first call of the handler closes the connection; a
 * suspended connection at MHD_stop_daemon aborts the process. */
#include "engine.h"

#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "check.h"
#include "header_list.h"
#include "request_state.h"
#include "server_state.h"
#include "socket.h"
#include "stream.h"

/* Runs of MHD in one turn: enough that a resumed request is answered in the same turn, few enough
 * that requests cannot starve what else the thread serves. */
#define RUNS_PER_TURN 4
/* How long a connection whose client has closed its half may then be silent. */
#define HALF_CLOSED_TIMEOUT_S 1U
/* libmicrohttpd allocates it for a streamed body, which we write ourselves. */
#define STREAM_BLOCK_BYTES 16

struct web_engine {
  struct MHD_Daemon *daemon;
  web_server *server;
  web_handle handle;
  unsigned int timeout_s; /* of an idle connection */
  struct client *ended;   /* clients whose end came since the last run */
  bool pending;           /* something was resumed or closed that MHD has not seen yet */
};

/* ---- connections ---- */

/* A socket's context: what we know of a connection from accept to close. */
typedef struct client {
  web_poll_entry entry; /* watches for the client's end */
  web_engine *engine;
  struct MHD_Connection *connection;
  web_request *request; /* that is under way */
  uint16_t port;        /* local: the guard compares Host and Origin with it */
  bool is_watched;
  bool is_upgraded;                     /* a WebSocket has it now */
  char address[WEB_ADDRESS_TEXT_BYTES]; /* the client's; "": not asked for yet */
  struct client *next_ended;            /* in engine->ended */
  web_timer head_timer; /* until a request's head is there, then until its body is */
} client;

static void client_unwatch(client *watched) {
  if (watched->is_watched) {
    watched->is_watched = false;
    web_poller_remove(watched->engine->server->poller, &watched->entry);
  }
}

/* The client has closed, or closed its half: looked at when MHD has read what came before. */
static void client_on_ready(web_poll_entry *entry, unsigned ready) {
  client *ended = WEB_CONTAINER_OF(entry, client, entry);
  (void)ready;
  client_unwatch(ended);
  ended->next_ended = ended->engine->ended;
  ended->engine->ended = ended;
  ended->engine->pending = true;
}

static void client_forget_end(client *closed) {
  client **place = &closed->engine->ended;
  while (*place != NULL && *place != closed) {
    place = &(*place)->next_ended;
  }
  if (*place == closed) {
    *place = closed->next_ended;
  }
}

static bool client_can_still_ask(const client *ended) {
  return ended->request != NULL && ended->request->phase > WEB_REQUEST_RECEIVING;
}

/* MHD overlooks an end that comes in one go with half a request: after a short read it waits for
 * another edge. One that can ask nothing more is shut, which is such an edge. One that waits for an
 * answer keeps its connection for that, and may then be silent only shortly. */
static void engine_check_ended(web_engine *engine) {
  client *ended = engine->ended;
  engine->ended = NULL;
  while (ended != NULL) {
    client *next = ended->next_ended;
    if (!client_can_still_ask(ended) && web_net_is_at_end(ended->entry.handle)) {
      web_net_shut_down(ended->entry.handle);
      engine->pending = true;
    } else {
      (void)MHD_set_connection_option(ended->connection, MHD_CONNECTION_OPTION_TIMEOUT,
                                      HALF_CLOSED_TIMEOUT_S);
    }
    ended = next;
  }
}

/* MHD counts only silence: a head that drips in byte by byte would hold its connection for ever.
 * Shut, it is an end that MHD sees. */
static void client_on_head_timer(web_timer *timer, void *user) {
  client *slow = user;
  (void)timer;
  web_net_shut_down(slow->entry.handle);
  slow->engine->pending = true;
}

static void client_start_head_timer(client *asking) {
  web_server *server = asking->engine->server;
  web_server_stop_timer(server, WEB_TIMERS_HEAD, &asking->head_timer);
  web_server_start_timer(server, WEB_TIMERS_HEAD, &asking->head_timer,
                         server->limits.request_timeout_ms);
}

static client *client_create(web_engine *engine, struct MHD_Connection *connection) {
  client *created = calloc(1, sizeof *created);
  if (created == NULL) {
    return NULL; /* it has no port then, and the guard lets nothing in */
  }
  web_handle handle = web_engine_socket(connection);
  created->entry = (web_poll_entry){.on_ready = client_on_ready, .handle = handle};
  created->engine = engine;
  created->connection = connection;
  created->port = web_net_local_port(handle);
  created->head_timer = (web_timer){.routine = client_on_head_timer, .user = created};
  client_start_head_timer(created);
  created->is_watched =
      web_poller_add(engine->server->poller, &created->entry, WEB_POLL_HANGUP) == WEB_OK;
  return created;
}

static void client_destroy(client *closed) {
  if (closed != NULL) {
    client_unwatch(closed);
    client_forget_end(closed);
    web_server_stop_timer(closed->engine->server, WEB_TIMERS_HEAD, &closed->head_timer);
    free(closed);
  }
}

static client *client_of(struct MHD_Connection *connection) {
  const union MHD_ConnectionInfo *info =
      MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
  return info != NULL ? info->socket_context : NULL;
}

/* ---- what MHD calls ---- */

/* Comes once per request, before its headers, with the target as sent; what it returns is the
 * request's *con_cls. */
static void *engine_on_target(void *user, const char *target, struct MHD_Connection *connection) {
  web_engine *engine = user;
  client *asking = client_of(connection);
  web_request *request = web_request_begin(engine->server, connection, target);
  if (asking != NULL) {
    asking->request = request;
  }
  return request;
}

/* The target is decoded by target.c, after it was cut. */
static size_t engine_on_unescape(void *user, struct MHD_Connection *connection, char *text) {
  (void)user;
  (void)connection;
  return strlen(text);
}

/* Its head is there, or all of it. */
static void client_got_more(client *asking, web_request_phase before, web_request_phase now) {
  if (asking == NULL || before == now) {
    return;
  }
  if (now == WEB_REQUEST_RECEIVING) {
    client_start_head_timer(asking);
  } else {
    web_server_stop_timer(asking->engine->server, WEB_TIMERS_HEAD, &asking->head_timer);
  }
}

static enum MHD_Result engine_on_request(void *user, struct MHD_Connection *connection,
                                         const char *path, const char *method, const char *version,
                                         const char *data, size_t *size, void **con_cls) {
  (void)user;
  (void)connection;
  (void)path;
  web_request *request = *con_cls;
  if (request == NULL) {
    return MHD_NO; /* there was no memory for it */
  }
  size_t taken = *size;
  *size = 0;
  web_request_phase before = request->phase;
  bool goes_on = web_request_step(request, method, strcmp(version, "HTTP/1.1") == 0,
                                  (const uint8_t *)data, taken);
  client_got_more(client_of(connection), before, request->phase);
  return goes_on ? MHD_YES : MHD_NO;
}

static void engine_on_completed(void *user, struct MHD_Connection *connection, void **con_cls,
                                enum MHD_RequestTerminationCode code) {
  client *asking = client_of(connection);
  (void)user;
  (void)code;
  if (asking != NULL) {
    asking->request = NULL;
    client_start_head_timer(asking);
  }
  if (*con_cls != NULL) {
    web_request_end(*con_cls);
    *con_cls = NULL;
  }
}

static void engine_on_connection(void *user, struct MHD_Connection *connection,
                                 void **socket_context, enum MHD_ConnectionNotificationCode code) {
  web_engine *engine = user;
  if (code == MHD_CONNECTION_NOTIFY_STARTED) {
    *socket_context = client_create(engine, connection);
    engine->server->stats.connections++;
    return;
  }
  const client *closed = *socket_context;
  if (closed == NULL || !closed->is_upgraded) { /* else the WebSocket is still one */
    engine->server->stats.connections--;
  }
  client_destroy(*socket_context);
  *socket_context = NULL;
}

/* ---- the daemon ---- */

static struct MHD_Daemon *daemon_start(web_engine *engine, const web_limits *limits) {
  unsigned int flags =
      MHD_USE_EPOLL | MHD_ALLOW_UPGRADE | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_NO_LISTEN_SOCKET;
  engine->timeout_s = (limits->request_timeout_ms + 999) / 1000;
  return MHD_start_daemon(
      flags, 0, NULL, NULL, engine_on_request, engine, MHD_OPTION_NOTIFY_COMPLETED,
      engine_on_completed, engine, MHD_OPTION_NOTIFY_CONNECTION, engine_on_connection, engine,
      MHD_OPTION_URI_LOG_CALLBACK, engine_on_target, engine, MHD_OPTION_UNESCAPE_CALLBACK,
      engine_on_unescape, engine, MHD_OPTION_CONNECTION_LIMIT,
      (unsigned int)limits->max_connections + 1, MHD_OPTION_CONNECTION_TIMEOUT, engine->timeout_s,
      MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)limits->connection_memory_bytes, MHD_OPTION_END);
}

web_status web_engine_create(web_server *server, const web_limits *limits,
                             web_engine **out_engine) {
  web_engine *engine = calloc(1, sizeof *engine);
  if (engine == NULL) {
    return WEB_E_NO_MEMORY;
  }
  engine->server = server;
  engine->daemon = daemon_start(engine, limits);
  if (engine->daemon == NULL) {
    free(engine);
    return WEB_E_SYSTEM;
  }
  const union MHD_DaemonInfo *info = MHD_get_daemon_info(engine->daemon, MHD_DAEMON_INFO_EPOLL_FD);
  WEB_CHECK(info != NULL);
  engine->handle = info->epoll_fd;
  *out_engine = engine;
  return WEB_OK;
}

void web_engine_destroy(web_engine *engine) {
  if (engine != NULL) {
    MHD_stop_daemon(engine->daemon);
    free(engine);
  }
}

web_handle web_engine_handle(const web_engine *engine) {
  return engine->handle;
}

void web_engine_add_client(web_engine *engine, web_handle handle) {
  /* MHD wants an address, and we never ask for it. */
  struct sockaddr unknown = {.sa_family = AF_UNSPEC};
  (void)MHD_add_connection(engine->daemon, (MHD_socket)handle, &unknown, sizeof unknown);
}

/* Whether a connection can go on at once, as one that was answered and may have been asked the
 * next. */
static bool engine_is_ready(const web_engine *engine) {
  MHD_UNSIGNED_LONG_LONG timeout_ms = 1;
  return MHD_get_timeout(engine->daemon, &timeout_ms) == MHD_YES && timeout_ms == 0;
}

void web_engine_run(web_engine *engine) {
  int runs = 0;
  do {
    engine->pending = false;
    (void)MHD_run(engine->daemon);
    engine_check_ended(engine);
  } while (++runs < RUNS_PER_TURN && (engine->pending || engine_is_ready(engine)));
}

bool web_engine_is_pending(const web_engine *engine) {
  return engine->pending;
}

int web_engine_timeout_ms(web_engine *engine) {
  MHD_UNSIGNED_LONG_LONG timeout_ms = 0;
  if (engine->pending) {
    return 0;
  }
  if (MHD_get_timeout(engine->daemon, &timeout_ms) != MHD_YES) {
    return -1;
  }
  return timeout_ms > 60000 ? 60000 : (int)timeout_ms;
}

/* ---- a connection ---- */

const char *web_engine_header(web_connection *connection, const char *name) {
  return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

typedef struct header_search {
  const char *name;
  size_t count;
  char *out; /* NULL: only count */
  size_t out_size;
  size_t used;
  bool is_too_long;
} header_search;

static enum MHD_Result header_visit(void *user, enum MHD_ValueKind kind, const char *name,
                                    const char *value) {
  header_search *search = user;
  (void)kind;
  if (strcasecmp(name, search->name) != 0) {
    return MHD_YES;
  }
  size_t size = value != NULL ? web_header_size(value) : 0;
  const char *separator = search->count > 0 ? ", " : "";
  search->count++;
  if (search->out == NULL) {
    return MHD_YES;
  }
  if (search->used + strlen(separator) + size + 1 > search->out_size) {
    search->is_too_long = true;
    return MHD_NO;
  }
  memcpy(search->out + search->used, separator, strlen(separator));
  search->used += strlen(separator);
  if (size > 0) {
    memcpy(search->out + search->used, value, size);
  }
  search->used += size;
  search->out[search->used] = '\0';
  return MHD_YES;
}

size_t web_engine_header_count(web_connection *connection, const char *name) {
  header_search search = {.name = name};
  (void)MHD_get_connection_values(connection, MHD_HEADER_KIND, header_visit, &search);
  return search.count;
}

bool web_engine_header_list(web_connection *connection, const char *name, char *out,
                            size_t out_size) {
  header_search search = {.name = name, .out = out, .out_size = out_size};
  out[0] = '\0';
  (void)MHD_get_connection_values(connection, MHD_HEADER_KIND, header_visit, &search);
  if (search.is_too_long) {
    out[0] = '\0';
  }
  return !search.is_too_long;
}

web_handle web_engine_socket(web_connection *connection) {
  const union MHD_ConnectionInfo *info =
      MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
  WEB_CHECK(info != NULL);
  return info->connect_fd;
}

uint16_t web_engine_port(web_connection *connection) {
  const client *known = client_of(connection);
  return known != NULL ? known->port : 0;
}

const char *web_engine_address(web_connection *connection) {
  client *known = client_of(connection);
  if (known == NULL) {
    return "";
  }
  if (known->address[0] == '\0') {
    web_net_peer_address(known->entry.handle, known->address);
  }
  return known->address;
}

void web_engine_unwatch(web_connection *connection) {
  client *known = client_of(connection);
  if (known != NULL) {
    client_unwatch(known);
  }
}

void web_engine_suspend(web_connection *connection) {
  MHD_suspend_connection(connection);
}

/* MHD 0.9.75 closes a body without length from within, and then forgets to clean the connection up
 * as long as another one has been idle for longer. Connections with a time-out of their own it
 * looks at in every run. */
void web_engine_resume_to_end(web_engine *engine, web_connection *connection) {
  (void)MHD_set_connection_option(connection, MHD_CONNECTION_OPTION_TIMEOUT, engine->timeout_s + 1);
  web_engine_resume(engine, connection);
}

void web_engine_resume(web_engine *engine, web_connection *connection) {
  MHD_resume_connection(connection);
  engine->pending = true;
}

/* ---- answers ---- */

web_answer *web_engine_answer(const void *body, size_t size, web_body_ownership ownership) {
  void *data = (void *)(uintptr_t)body; /* MHD only reads it */
  enum MHD_ResponseMemoryMode mode = ownership == WEB_BODY_COPY   ? MHD_RESPMEM_MUST_COPY
                                     : ownership == WEB_BODY_MOVE ? MHD_RESPMEM_MUST_FREE
                                                                  : MHD_RESPMEM_PERSISTENT;
  web_answer *answer = MHD_create_response_from_buffer(size, data, mode);
  if (answer == NULL && ownership == WEB_BODY_MOVE) {
    free(data);
  }
  return answer;
}

/* The WebSocket goes on with a descriptor of its own, so that the library closes its own and gives
 * the connection's memory back. */
static void engine_on_upgrade(void *user, struct MHD_Connection *connection, void *con_cls,
                              const char *early, size_t early_size, MHD_socket handle,
                              struct MHD_UpgradeResponseHandle *upgrade) {
  web_request *request = con_cls;
  client *upgraded = client_of(connection);
  web_handle own = WEB_HANDLE_NONE;
  web_engine_unwatch(connection);
  if (upgraded != NULL && web_net_duplicate(handle, &own) == WEB_OK) {
    upgraded->is_upgraded = true;
    request->socket = NULL; /* it lives on without the request */
    web_socket_open(user, own, (const uint8_t *)early, early_size);
  } /* else it is abandoned with its request */
  (void)MHD_upgrade_action(upgrade, MHD_UPGRADE_ACTION_CLOSE);
  request->server->engine->pending = true;
}

web_answer *web_engine_upgrade(web_socket *socket) {
  return MHD_create_response_for_upgrade(engine_on_upgrade, socket);
}

static ssize_t engine_on_body(void *user, uint64_t position, char *buffer, size_t size) {
  (void)position;
  (void)buffer;
  (void)size;
  return web_stream_on_body(user) ? 0 : MHD_CONTENT_READER_END_OF_STREAM;
}

web_answer *web_engine_stream(web_stream *stream) {
  web_answer *answer = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK_BYTES,
                                                         engine_on_body, stream, NULL);
  if (answer != NULL) {
    (void)MHD_set_response_options(answer, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT, MHD_RO_END);
  }
  return answer;
}

bool web_engine_answer_header(web_answer *answer, const char *name, const char *value) {
  return MHD_add_response_header(answer, name, value) == MHD_YES;
}

bool web_engine_queue(web_connection *connection, unsigned status, web_answer *answer) {
  enum MHD_Result result = MHD_queue_response(connection, status, answer);
  MHD_destroy_response(answer);
  return result == MHD_YES;
}

void web_engine_answer_destroy(web_answer *answer) {
  if (answer != NULL) {
    MHD_destroy_response(answer);
  }
}
