/* The inside of a web_stream. HTTP thread.
 *
 *   HEADING (libmicrohttpd sends the head)
 *   ─▶ STREAMING (suspended; the sender writes to its socket)
 *   ─▶ OVER (resumed; libmicrohttpd closes) ─▶ web_request_end */
#ifndef WEB_SRC_STREAM_H
#define WEB_SRC_STREAM_H

#include "engine.h"
#include "sender.h"
#include "web/observer.h"

typedef enum web_stream_state {
  WEB_STREAM_HEADING,
  WEB_STREAM_STREAMING,
  WEB_STREAM_OVER
} web_stream_state;

struct web_stream {
  web_sender sender;
  web_server *server;
  web_stream_state state;
  bool is_finishing; /* the owner has no more to say */
  web_connection *connection;
  void (*on_end)(void *user);
  void *user;
  web_stream *previous, *next; /* in server->streams */
};

/* libmicrohttpd asks for the body. True: the connection is suspended now; false: there is no
 * more. */
bool web_stream_on_body(web_stream *stream);
/* The request is over, however it came to that: the last call. */
void web_stream_end(web_stream *stream);
/* For the orderly stop: lets all find that the server stops, once they have sent what they had;
 * ends the others. */
void web_streams_wake_all(web_server *server);
void web_streams_finish_all(web_server *server);

#endif
