/* The inside of a web_request, for the files that take it through its life. HTTP thread.
 *
 *   begin ─▶ NEW ─▶ RECEIVING ─▶ HANDLING ─▶ ANSWERED ─▶ end
 *             │                    │  ▲          ▲
 *             └─ refused ──────────┼──┼──────────┤
 *                                  ▼  │          │
 *                               WAITING ─▶ RESUMED    (suspended; deadline 504, stop
 * 503) */
#ifndef WEB_SRC_REQUEST_STATE_H
#define WEB_SRC_REQUEST_STATE_H

#include "engine.h"
#include "router.h"
#include "target.h"
#include "web/buffer.h"
#include "web/server.h"

typedef enum web_request_phase {
  WEB_REQUEST_NEW,       /* the first line is there */
  WEB_REQUEST_RECEIVING, /* the headers are there, the body comes */
  WEB_REQUEST_HANDLING,  /* the handler runs */
  WEB_REQUEST_WAITING,   /* the handler has returned without an answer; suspended */
  WEB_REQUEST_RESUMED,   /* the answer is there, libmicrohttpd has not asked for it yet */
  WEB_REQUEST_ANSWERED
} web_request_phase;

struct web_request {
  web_server *server;
  web_connection *connection;
  web_request_phase phase;
  uint16_t port;
  bool is_http11;
  bool is_target_valid;
  bool is_answered;   /* `answer` is there, or could not be made */
  const char *method; /* the connection's */
  web_target target;
  web_route_match match;
  web_buffer body;
  size_t discarded_bytes; /* of a body over the bound */

  web_buffer headers; /* of the answer: name NUL value NUL … */
  web_answer *answer; /* until it is queued */
  unsigned status;
  web_socket *socket; /* that its answer will open; NULL once it is open */
  web_stream *stream; /* that is its answer */

  void (*on_abandon)(web_request *request, void *user);
  void *on_abandon_user;
  web_timer deadline; /* runs while WAITING */

  char target_storage[];
};

/* ---- called by the engine ---- */
/* NULL: no memory. */
web_request *web_request_begin(web_server *server, web_connection *connection, const char *target);
/* What libmicrohttpd's access handler does. False: close the connection. */
bool web_request_step(web_request *request, const char *method, bool is_http11, const uint8_t *data,
                      size_t size);
void web_request_end(web_request *request);

/* ---- called by the server, and by those who answer in other ways ---- */
/* Ends a WAITING request with a problem of the server's own. */
void web_request_give_up(web_request *request, unsigned status, const char *code,
                         const char *detail);
/* Puts `answer` (NULL: no memory, becomes 500) on its way. Takes it over. */
void web_request_answer(web_request *request, unsigned status, web_answer *answer);

#endif
