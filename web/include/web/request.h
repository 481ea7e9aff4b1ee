/* Requests and answers. HTTP thread only.
 *
 * A handler is called once per request, when the whole body is there. It answers at once with
 * web_respond*, or keeps the pointer and answers later: the connection is suspended meanwhile. A
 * request that nobody answers within limits.request_timeout_ms gets a 504 from the server. */
#ifndef WEB_REQUEST_H
#define WEB_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct web_request web_request;
typedef struct web_server web_server;
typedef void (*web_handler)(web_request *request, void *user);

typedef struct web_route {
  const char *method;  /* "GET" (HEAD comes with it), "POST", … */
  const char *pattern; /* "/api/v1/sessions/{id}"; a {name} matches one segment */
  web_handler handler;
} web_route;

/* Valid until the request is answered. NULL where there is none. */
const char *web_request_param(const web_request *request, const char *name);  /* percent-decoded */
const char *web_request_query(const web_request *request, const char *name);  /* percent-decoded */
const char *web_request_header(const web_request *request, const char *name); /* any case */
const uint8_t *web_request_body(const web_request *request, size_t *out_size);
/* Hands the body over, which is gone from the request then: the caller's, to be freed. NULL: there
 * is none. */
uint8_t *web_request_take_body(web_request *request, size_t *out_size);
/* Where the client is, as "127.0.0.1:40112" or "[::1]:40112"; "" where unknown. */
const char *web_request_address(const web_request *request);
web_server *web_request_server(const web_request *request);
bool web_request_wants_websocket(const web_request *request);

/* For a handler that answers later: called if the request ends before that (timed out, server
 * stops; a client that went is only noticed so); the pointer is dead afterwards. */
void web_request_on_abandon(web_request *request, void (*on_abandon)(web_request *, void *user),
                            void *user);

/* Adds a header to the coming answer. Before web_respond*. The value is copied. */
void web_response_header(web_request *request, const char *name, const char *value);
/* Answers; the body is copied; the pointer is dead afterwards. */
void web_respond(web_request *request, unsigned status, const char *content_type, const void *body,
                 size_t size);
/* Takes over a heap (malloc) body. */
void web_respond_move(web_request *request, unsigned status, const char *content_type, void *body,
                      size_t size);
/* RFC 9457: {"type":"about:blank","title":…,"status":…,"code":code,"detail":…}. `code` is stable,
 * for programs; `detail` is printf-like, says what, where and what to do. */
#if defined(__GNUC__)
__attribute__((format(printf, 4, 5)))
#endif
void web_respond_problem(web_request *request, unsigned status, const char *code,
                         const char *detail, ...);

#endif
