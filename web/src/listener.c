/* Listening sockets. HTTP thread.
 *
 * Success: ready → accept, a bounded number per turn → web_engine_add_client.
 * Failures: over max_connections a client is told 503 and closed; out of descriptors or memory the
 * listener pauses for a moment instead of spinning on a socket that stays ready. */
#include "listener.h"

#include <stdio.h>
#include <stdlib.h>

#include "check.h"
#include "listen_address.h"
#include "net.h"
#include "server_state.h"

#define ACCEPTS_PER_TURN 64
#define PAUSE_MS 100
#define PAUSE_QUIET_NS (60 * 1000 * WEB_NS_PER_MS)
/* "localhost:0" wants the same port in both families, and the second may be taken. */
#define SAME_PORT_TRIES 16

static const char busy_body[] =
    "{\"type\":\"about:blank\",\"title\":\"Service Unavailable\",\"status\":503,"
    "\"code\":\"too_many_connections\",\"detail\":\"all connections are in use; close some and try "
    "again\"}\n";

/* Written by hand: libmicrohttpd would only leave the client waiting. */
static void listener_refuse(web_server *server, web_handle client) {
  char head[256];
  int size = snprintf(head, sizeof head,
                      "HTTP/1.1 503 Service Unavailable\r\n"
                      "Content-Type: application/problem+json\r\n"
                      "Content-Length: %zu\r\n"
                      "Retry-After: 1\r\n"
                      "Connection: close\r\n"
                      "\r\n",
                      sizeof busy_body - 1);
  web_bytes parts[2] = {{.data = head, .size = (size_t)size},
                        {.data = busy_body, .size = sizeof busy_body - 1}};
  size_t sent = 0;
  web_status status = web_net_send(client, parts, 2, &sent);
  (void)status; /* it is closed whether it could be told or not */
  web_net_close(client);
  server->stats.turned_away++;
}

static void listener_resume(web_timer *timer, void *user) {
  (void)timer;
  web_listener *listener = user;
  web_poller_set(listener->server->poller, &listener->entry, WEB_POLL_READ);
}

static void listener_pause(web_listener *listener) {
  web_server *server = listener->server;
  if (server->now_ns >= listener->quiet_until_ns) {
    listener->quiet_until_ns = server->now_ns + PAUSE_QUIET_NS;
    web_server_log(server,
                   "port %u: out of descriptors or memory, new connections wait; raise LimitNOFILE "
                   "or close some",
                   listener->port);
  }
  web_poller_set(server->poller, &listener->entry, 0);
  web_timer_start(server, &listener->retry, PAUSE_MS);
}

static void listener_on_ready(web_poll_entry *entry, unsigned ready) {
  web_listener *listener = WEB_CONTAINER_OF(entry, web_listener, entry);
  web_server *server = listener->server;
  (void)ready;
  for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
    web_handle client = WEB_HANDLE_NONE;
    web_status status = web_net_accept(entry->handle, &client);
    if (status == WEB_FULL) {
      listener_pause(listener);
    }
    if (status != WEB_OK) {
      return;
    }
    if (server->stats.connections >= server->limits.max_connections) {
      listener_refuse(server, client);
    } else {
      web_engine_add_client(server->engine, client);
      server->is_engine_ready = true;
    }
  }
}

static const char *listen_hint(web_status status) {
  switch (status) {
  case WEB_E_IN_USE:
    return "another program listens there (a bridge that already runs?); end it or choose another "
           "port";
  case WEB_E_ACCESS:
    return "not permitted; ports below 1024 need privileges, choose a higher one";
  case WEB_CLOSED:
    return "this system has no such address (is IPv6 off?); leave it out";
  default:
    return web_status_text(status);
  }
}

static void listener_add(web_server *server, size_t listen_index, web_handle handle,
                         uint16_t port) {
  web_listener *listener = &server->listeners[server->listener_count++];
  *listener = (web_listener){.entry = {.on_ready = listener_on_ready, .handle = handle},
                             .server = server,
                             .listen_index = listen_index,
                             .port = port,
                             .retry = {.routine = listener_resume, .user = listener}};
}

/* Binds all addresses that one text names, on one port. An address that this system lacks stays
 * WEB_HANDLE_NONE. On failure none stays open. */
static web_status addresses_bind(web_address *addresses, size_t count, web_handle *out_handles,
                                 uint16_t *out_port) {
  uint16_t port = addresses[0].port;
  for (size_t i = 0; i < count; i++) {
    addresses[i].port = port;
    out_handles[i] = WEB_HANDLE_NONE;
    web_status status = web_net_listen(&addresses[i], &out_handles[i], &port);
    if (status != WEB_OK && status != WEB_CLOSED) {
      for (size_t j = 0; j < i; j++) {
        if (out_handles[j] != WEB_HANDLE_NONE) {
          web_net_close(out_handles[j]);
        }
      }
      return status;
    }
  }
  *out_port = port;
  return WEB_OK;
}

static web_status text_listen(web_server *server, size_t index, const char *text, char *error,
                              size_t error_size) {
  web_address addresses[WEB_ADDRESSES_MAX];
  web_handle handles[WEB_ADDRESSES_MAX];
  size_t count = web_listen_address_parse(text, addresses, error, error_size);
  if (count == 0) {
    return WEB_E_INVALID_ARG;
  }
  uint16_t wanted = addresses[0].port;
  uint16_t port = 0;
  web_status status = WEB_OK;
  int tries = wanted == 0 && count > 1 ? SAME_PORT_TRIES : 1;
  do {
    addresses[0].port = wanted;
    status = addresses_bind(addresses, count, handles, &port);
  } while (status == WEB_E_IN_USE && --tries > 0);
  for (size_t i = 0; status == WEB_OK && i < count; i++) {
    if (handles[i] != WEB_HANDLE_NONE) {
      listener_add(server, index, handles[i], port);
    } else {
      web_server_log(server, "not listening on %s%s: %s", text, count > 1 ? " (one family)" : "",
                     listen_hint(WEB_CLOSED));
    }
  }
  if (status != WEB_OK) {
    (void)snprintf(error, error_size, "cannot listen on \"%s\": %s", text, listen_hint(status));
  }
  return status;
}

static web_status listeners_watch(web_server *server) {
  for (size_t i = 0; i < server->listener_count; i++) {
    web_listener *listener = &server->listeners[i];
    web_status status = web_poller_add(server->poller, &listener->entry, WEB_POLL_READ);
    if (status != WEB_OK) {
      return status;
    }
    listener->is_watched = true;
  }
  return WEB_OK;
}

web_status web_listeners_open(web_server *server, const web_server_options *options, char *error,
                              size_t error_size) {
  server->listeners = calloc(options->listen_count * WEB_ADDRESSES_MAX + 1, sizeof(web_listener));
  if (server->listeners == NULL) {
    (void)snprintf(error, error_size, "cannot listen: out of memory");
    return WEB_E_NO_MEMORY;
  }
  for (size_t i = 0; i < options->listen_count; i++) {
    web_status status = text_listen(server, i, options->listen[i], error, error_size);
    if (status != WEB_OK) {
      return status;
    }
  }
  if (server->listener_count == 0) {
    (void)snprintf(error, error_size,
                   "no address to listen on is left; give at least one, such as 127.0.0.1:7117");
    return WEB_E_INVALID_ARG;
  }
  web_status status = listeners_watch(server);
  if (status != WEB_OK) {
    (void)snprintf(error, error_size, "cannot watch the listeners: %s", web_status_text(status));
  }
  return status;
}

void web_listeners_close(web_server *server) {
  for (size_t i = 0; i < server->listener_count; i++) {
    web_listener *listener = &server->listeners[i];
    if (listener->entry.handle != WEB_HANDLE_NONE) {
      web_timer_stop(server, &listener->retry);
      if (listener->is_watched) {
        web_poller_remove(server->poller, &listener->entry);
      }
      web_net_close(listener->entry.handle);
      listener->entry.handle = WEB_HANDLE_NONE;
    }
  }
}
