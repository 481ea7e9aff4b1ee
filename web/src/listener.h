/* Listening sockets: accepting clients for the engine. HTTP thread. */
#ifndef WEB_SRC_LISTENER_H
#define WEB_SRC_LISTENER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "poller.h"
#include "web/server.h"

typedef struct web_listener {
  web_poll_entry entry;
  web_server *server;
  size_t listen_index; /* which of the options' addresses it serves */
  uint16_t port;
  bool is_watched;
  web_timer retry;         /* runs while it pauses */
  uint64_t quiet_until_ns; /* of pausing nothing is said before */
} web_listener;

/* Binds every address of the options. On failure writes what, where and what to do into `error`. A
 * missing IPv6 is only logged while another listener works. */
WEB_MUST_USE web_status web_listeners_open(web_server *server, const web_server_options *options,
                                           char *error, size_t error_size);
/* Stops accepting. May be called twice. */
void web_listeners_close(web_server *server);

#endif
