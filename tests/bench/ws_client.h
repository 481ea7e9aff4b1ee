/* The client's half of a WebSocket, as little as a benchmark needs. Any thread, one at a time. */
#ifndef TESTS_BENCH_WS_CLIENT_H
#define TESTS_BENCH_WS_CLIENT_H

#include <stddef.h>
#include <stdint.h>

#include "bench.h"

/* The key and the answer to it of RFC 6455 §1.3. */
#define BENCH_WS_KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define BENCH_WS_ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

/* Connects to 127.0.0.1. */
int bench_tcp_connect(uint16_t port);
/* The same, shakes hands for `path` and `protocol` (NULL: none), and returns a non-blocking socket.
 * Bytes behind the answer stay in the socket. */
int bench_ws_connect(uint16_t port, const char *path, const char *protocol);

typedef struct bench_ws_frame {
  uint8_t opcode;
  const uint8_t *payload;
  size_t size;
  size_t total; /* with its header */
} bench_ws_frame;
/* Looks for one whole frame of a server; returns 0 when more bytes are needed, else 1. Sets `total`
 * as soon as the header tells it. */
int bench_ws_parse(const uint8_t *data, size_t size, bench_ws_frame *out_frame);

/* Sends a binary message of at most 125 bytes. */
void bench_ws_say(int fd, const char *data, size_t size);
/* A client's text frame of `line`, masked. */
enum { BENCH_WS_FRAME_BYTES = 6 + BENCH_PAYLOAD_BYTES };
void bench_ws_frame_write(char frame[BENCH_WS_FRAME_BYTES], const char line[BENCH_LINE_BYTES]);

#endif
