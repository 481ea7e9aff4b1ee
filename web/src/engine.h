/* libmicrohttpd behind a seam: engine.c is the only file that includes its header, so replacing it,
 * or its version, is one place. HTTP thread only.
 *
 * It runs without a thread of its own: its epoll descriptor (web_engine_handle) is watched by our
 * poller, and web_engine_run lets it work. Connections come from our listeners through
 * web_engine_add_client. */
#ifndef WEB_SRC_ENGINE_H
#define WEB_SRC_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net.h"
#include "web/server.h"

typedef struct web_engine web_engine;
typedef struct MHD_Connection web_connection;
typedef struct MHD_Response web_answer;
typedef struct web_socket web_socket;
typedef struct web_stream web_stream;

WEB_MUST_USE web_status web_engine_create(web_server *server, const web_limits *limits,
                                          web_engine **out_engine);
/* No request may be suspended any more: it would abort the process. Accepts NULL. */
void web_engine_destroy(web_engine *engine);
web_handle web_engine_handle(const web_engine *engine);
/* Takes over the socket, whatever comes back. */
void web_engine_add_client(web_engine *engine, web_handle handle);
/* Works on what is ready; then on what that set going, a bounded number of times. */
void web_engine_run(web_engine *engine);
/* Whether something was resumed or closed that it has not seen yet. */
bool web_engine_is_pending(const web_engine *engine);
/* How long it may be left alone: milliseconds, 0: run it again at once, -1: until its handle is
 * ready. */
int web_engine_timeout_ms(web_engine *engine);

/* ---- a connection, during its request ---- */
/* The first header of that name, any case; NULL if there is none. */
const char *web_engine_header(web_connection *connection, const char *name);
size_t web_engine_header_count(web_connection *connection, const char *name);
/* All headers of that name, joined by ", " in `out`. False: too long, `out` is empty. */
bool web_engine_header_list(web_connection *connection, const char *name, char *out,
                            size_t out_size);
web_handle web_engine_socket(web_connection *connection);
uint16_t web_engine_port(web_connection *connection);
/* Of the client, as text; asked of the system the first time. Lives as long as the connection. */
const char *web_engine_address(web_connection *connection);
/* The engine no longer looks for the client's end: somebody else polls this socket. */
void web_engine_unwatch(web_connection *connection);
void web_engine_suspend(web_connection *connection);
void web_engine_resume(web_engine *engine, web_connection *connection);
/* The same for a streamed body that is over. */
void web_engine_resume_to_end(web_engine *engine, web_connection *connection);

/* ---- answers ---- */
typedef enum web_body_ownership {
  WEB_BODY_COPY,
  WEB_BODY_MOVE,
  WEB_BODY_STATIC
} web_body_ownership;
/* NULL: no memory (a moved body is freed). */
web_answer *web_engine_answer(const void *body, size_t size, web_body_ownership ownership);
/* 101; when it is sent, web_socket_open is called. */
web_answer *web_engine_upgrade(web_socket *socket);
/* A body without length, asked for by web_stream_on_body. */
web_answer *web_engine_stream(web_stream *stream);
/* False: no memory, or not a legal header. */
bool web_engine_answer_header(web_answer *answer, const char *name, const char *value);
/* Queues and lets go of it. False: the connection cannot take an answer now. */
bool web_engine_queue(web_connection *connection, unsigned status, web_answer *answer);
void web_engine_answer_destroy(web_answer *answer);

#endif
