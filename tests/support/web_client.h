/* A raw HTTP client for tests: bytes out, bytes in, and the server stepped meanwhile on the same
 * thread, so that nothing depends on timing. Every wait has a deadline and fails the test. */
#ifndef TESTS_SUPPORT_WEB_CLIENT_H
#define TESTS_SUPPORT_WEB_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "web/server.h"

typedef struct web_client {
  web_server *server; /* stepped while waiting; NULL: it runs on its own thread */
  int fd;
  bool is_closed; /* the server has closed */
  char *data;     /* what came and was not taken yet; NUL-ended; in `memory` */
  size_t size;
  char *memory;
  size_t capacity;
} web_client;

typedef struct web_reply {
  unsigned status;
  char *head; /* status line and headers, NUL-ended */
  char *body; /* NUL-ended; binary too */
  size_t body_size;
} web_reply;

/* A server at a free port of 127.0.0.1, by `options` but for where it listens. Whoever made it
 * destroys it, after web_client_expect_none. */
web_server *web_client_serve(web_server_options options, uint16_t *out_port);

/* To 127.0.0.1, or ::1. */
void web_client_open(web_client *client, web_server *server, uint16_t port);
void web_client_open_ipv6(web_client *client, web_server *server, uint16_t port);
/* Once the server, which must run in this process, has accepted: the kernel from now on holds only
 * some 100 KB for this client. */
void web_client_narrow(web_client *client);
void web_client_close(web_client *client);
/* Ends with a reset. */
void web_client_abort(web_client *client);

void web_client_send(web_client *client, const void *data, size_t size);
void web_client_send_text(web_client *client, const char *text);
/* One turn of the server (or a short wait), and what came is in data. */
void web_client_step(web_client *client);
/* Steps until the server has no connection any more: all clients have closed. */
void web_client_expect_none(web_server *server);
/* Only takes what came. */
void web_client_receive(web_client *client);
/* Until `size` bytes are there. */
void web_client_expect_bytes(web_client *client, size_t size);
/* Until the server has closed. */
void web_client_expect_close(web_client *client);
/* Drops the first bytes of data. */
void web_client_take(web_client *client, size_t size);

/* The next answer: by Content-Length, chunked, or until closed; none for 1xx, 204, 304 and HEAD. */
web_reply web_client_reply(web_client *client, bool is_head);
/* Sends "METHOD TARGET HTTP/1.1" with a right Host, `headers` (each ended by CRLF) and `body`. */
web_reply web_client_ask(web_client *client, const char *method, const char *target,
                         const char *headers, const char *body);
/* ---- WebSockets ---- */
typedef struct web_frame {
  bool is_final;
  unsigned opcode;
  uint8_t *data; /* NUL-ended */
  size_t size;
} web_frame;

/* The text of a right handshake, `headers` (each ended by CRLF) in it. */
void web_client_write_handshake(const web_client *client, const char *target, const char *headers,
                                char *out, size_t out_size);
/* Sends it and takes the 101. */
void web_client_upgrade(web_client *client, const char *target, const char *headers);
/* A masked frame, at most 64 bytes longer than its payload; returns its size. `first_byte` is FIN
 * and opcode. */
size_t web_client_write_frame(uint8_t *out, unsigned first_byte, const void *payload, size_t size);
void web_client_send_frame(web_client *client, unsigned first_byte, const void *payload,
                           size_t size);
/* Whether a whole frame is there. */
bool web_client_has_frame(const web_client *client);
web_frame web_client_frame(web_client *client);
void web_frame_free(web_frame *frame);
/* The next frame is a close with that code. */
void web_client_expect_close_frame(web_client *client, unsigned code);

/* The value, allocated, or NULL. */
char *web_reply_header(const web_reply *reply, const char *name);
void web_reply_free(web_reply *reply);

#endif
