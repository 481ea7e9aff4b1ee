/* A raw HTTP client for tests. */
#include "test.h"

#include "web_client.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define DEADLINE_S 20
#define STEP_MS 5

static uint64_t now_s(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec;
}

static void client_connect(web_client *client, web_server *server, const struct sockaddr *address,
                           socklen_t size) {
  memset(client, 0, sizeof *client);
  client->server = server;
  client->fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_true(client->fd >= 0);
  assert_int_equal(connect(client->fd, address, size), 0);
  client->capacity = 4096;
  client->memory = calloc(1, client->capacity);
  assert_non_null(client->memory);
  client->data = client->memory;
}

web_server *web_client_serve(web_server_options options, uint16_t *out_port) {
  static const char *const listen[] = {"127.0.0.1:0"};
  char error[512] = "";
  web_server *server = NULL;
  options.listen = listen;
  options.listen_count = 1;
  if (web_server_create(&options, &server, error, sizeof error) != WEB_OK) {
    fail_msg("%s", error);
  }
  *out_port = web_server_port(server, 0);
  return server;
}

void web_client_open(web_client *client, web_server *server, uint16_t port) {
  struct sockaddr_in address = {
      .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port)};
  client_connect(client, server, (struct sockaddr *)&address, sizeof address);
}

void web_client_open_ipv6(web_client *client, web_server *server, uint16_t port) {
  struct sockaddr_in6 address = {
      .sin6_family = AF_INET6, .sin6_addr = in6addr_loopback, .sin6_port = htons(port)};
  client_connect(client, server, (struct sockaddr *)&address, sizeof address);
}

static bool is_peer_of(int fd, const struct sockaddr_in *own) {
  struct sockaddr_in peer;
  socklen_t size = sizeof peer;
  return getpeername(fd, (struct sockaddr *)&peer, &size) == 0 && peer.sin_family == AF_INET &&
         peer.sin_port == own->sin_port;
}

void web_client_narrow(web_client *client) {
  const int bytes = 64 * 1024;
  struct sockaddr_in own;
  socklen_t size = sizeof own;
  int found = -1;
  assert_int_equal(getsockname(client->fd, (struct sockaddr *)&own, &size), 0);
  for (int fd = 3; fd < 1024 && found < 0; fd++) {
    found = fd != client->fd && is_peer_of(fd, &own) ? fd : -1;
  }
  assert_true(found >= 0);
  assert_int_equal(setsockopt(client->fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes), 0);
  assert_int_equal(setsockopt(found, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes), 0);
}

void web_client_close(web_client *client) {
  if (client->fd >= 0) {
    (void)close(client->fd);
    client->fd = -1;
  }
  free(client->memory);
  client->memory = NULL;
  client->data = NULL;
}

void web_client_abort(web_client *client) {
  struct linger now = {.l_onoff = 1, .l_linger = 0};
  (void)setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  web_client_close(client);
}

/* Room for a large read behind what is there. */
static char *client_make_room(web_client *client, size_t room) {
  size_t taken = (size_t)(client->data - client->memory);
  if (client->capacity - taken - client->size < room) {
    memmove(client->memory, client->data, client->size);
    while (client->capacity - client->size < room) {
      client->capacity *= 2;
    }
    client->memory = realloc(client->memory, client->capacity);
    assert_non_null(client->memory);
    client->data = client->memory;
  }
  return client->data + client->size;
}

void web_client_receive(web_client *client) {
  const size_t room = 65536;
  while (!client->is_closed) {
    ssize_t got = recv(client->fd, client_make_room(client, room + 1), room, MSG_DONTWAIT);
    if (got > 0) {
      client->size += (size_t)got;
    } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
      client->is_closed = true;
    } else if (errno == EAGAIN) {
      break;
    }
  }
  client->data[client->size] = '\0';
}

void web_client_step(web_client *client) {
  if (client->server != NULL) {
    assert_int_equal(web_server_turn(client->server, STEP_MS), WEB_OK);
  } else {
    struct pollfd entry = {.fd = client->fd, .events = POLLIN};
    (void)poll(&entry, 1, STEP_MS);
  }
  web_client_receive(client);
}

void web_client_expect_none(web_server *server) {
  web_server_stats stats;
  uint64_t give_up = now_s() + DEADLINE_S;
  web_server_get_stats(server, &stats);
  while (stats.connections > 0) {
    assert_true(now_s() < give_up);
    assert_int_equal(web_server_turn(server, STEP_MS), WEB_OK);
    web_server_get_stats(server, &stats);
  }
  assert_int_equal(stats.websockets, 0);
  assert_int_equal(stats.streams, 0);
}

void web_client_send(web_client *client, const void *data, size_t size) {
  const char *at = data;
  uint64_t give_up = now_s() + DEADLINE_S;
  while (size > 0) {
    ssize_t sent = send(client->fd, at, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent > 0) {
      at += sent;
      size -= (size_t)sent;
    } else if (errno != EAGAIN) {
      client->is_closed = true; /* the server may close while we still send */
      web_client_receive(client);
      return;
    } else {
      web_client_step(client);
    }
    assert_true(now_s() < give_up);
  }
}

void web_client_send_text(web_client *client, const char *text) {
  web_client_send(client, text, strlen(text));
}

void web_client_expect_bytes(web_client *client, size_t size) {
  uint64_t give_up = now_s() + DEADLINE_S;
  while (client->size < size) {
    assert_false(client->is_closed);
    assert_true(now_s() < give_up);
    web_client_step(client);
  }
}

void web_client_expect_close(web_client *client) {
  uint64_t give_up = now_s() + DEADLINE_S;
  while (!client->is_closed) {
    assert_true(now_s() < give_up);
    web_client_step(client);
  }
}

void web_client_take(web_client *client, size_t size) {
  assert_true(size <= client->size);
  client->data += size;
  client->size -= size;
}

char *web_reply_header(const web_reply *reply, const char *name) {
  size_t size = strlen(name);
  const char *line = strstr(reply->head, "\r\n");
  while (line != NULL && line[2] != '\0') {
    line += 2;
    if (strncasecmp(line, name, size) == 0 && line[size] == ':') {
      const char *value = line + size + 1 + strspn(line + size + 1, " ");
      return strndup(value, strcspn(value, "\r"));
    }
    line = strstr(line, "\r\n");
  }
  return NULL;
}

void web_reply_free(web_reply *reply) {
  free(reply->head);
  free(reply->body);
  memset(reply, 0, sizeof *reply);
}

static void reply_take_body(web_client *client, web_reply *reply, size_t size) {
  reply->body = calloc(1, size + 1);
  assert_non_null(reply->body);
  memcpy(reply->body, client->data, size);
  reply->body_size = size;
  web_client_take(client, size);
}

web_reply web_client_reply(web_client *client, bool is_head) {
  web_reply reply = {0};
  uint64_t give_up = now_s() + DEADLINE_S;
  char *end = NULL;
  while ((end = strstr(client->data, "\r\n\r\n")) == NULL) {
    assert_false(client->is_closed);
    assert_true(now_s() < give_up);
    web_client_step(client);
  }
  size_t head_size = (size_t)(end - client->data) + 4;
  reply.head = strndup(client->data, head_size);
  assert_int_equal(sscanf(reply.head, "HTTP/1.%*c %u", &reply.status), 1);
  web_client_take(client, head_size);
  if (is_head || reply.status < 200 || reply.status == 204 || reply.status == 304) {
    reply.body = calloc(1, 1);
    return reply;
  }
  char *length = web_reply_header(&reply, "Content-Length");
  if (length != NULL) {
    size_t size = strtoul(length, NULL, 10);
    web_client_expect_bytes(client, size);
    reply_take_body(client, &reply, size);
  } else {
    web_client_expect_close(client);
    reply_take_body(client, &reply, client->size);
  }
  free(length);
  return reply;
}

static uint16_t client_port(const web_client *client) {
  struct sockaddr_in6 address;
  socklen_t size = sizeof address;
  assert_int_equal(getpeername(client->fd, (struct sockaddr *)&address, &size), 0);
  return ntohs(address.sin6_port); /* at the same place in both families */
}

web_reply web_client_ask(web_client *client, const char *method, const char *target,
                         const char *headers, const char *body) {
  size_t body_size = body != NULL ? strlen(body) : 0;
  size_t room = strlen(target) + strlen(headers) + body_size + 256;
  char *text = calloc(1, room);
  assert_non_null(text);
  int used = snprintf(text, room, "%s %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n%s", method, target,
                      client_port(client), headers);
  if (body != NULL) {
    used += snprintf(text + used, room - (size_t)used, "Content-Length: %zu\r\n", body_size);
  }
  used += snprintf(text + used, room - (size_t)used, "\r\n%s", body != NULL ? body : "");
  web_client_send(client, text, (size_t)used);
  free(text);
  return web_client_reply(client, strcmp(method, "HEAD") == 0);
}

/* ---- WebSockets ---- */

void web_client_write_handshake(const web_client *client, const char *target, const char *headers,
                                char *out, size_t out_size) {
  int size = snprintf(out, out_size,
                      "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nUpgrade: websocket\r\n"
                      "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s\r\n",
                      target, client_port(client), headers);
  assert_true(size > 0 && (size_t)size < out_size);
}

void web_client_upgrade(web_client *client, const char *target, const char *headers) {
  char text[2048];
  web_client_write_handshake(client, target, headers, text, sizeof text);
  web_client_send_text(client, text);
  web_reply reply = web_client_reply(client, false);
  assert_int_equal(reply.status, 101);
  char *accept = web_reply_header(&reply, "Sec-WebSocket-Accept");
  assert_string_equal(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="); /* RFC 6455 section 1.3 */
  free(accept);
  web_reply_free(&reply);
}

size_t web_client_write_frame(uint8_t *out, unsigned first_byte, const void *payload, size_t size) {
  static const uint8_t mask[4] = {0x37, 0xfa, 0x21, 0x3d};
  const uint8_t *data = payload;
  size_t at = 0;
  out[at++] = (uint8_t)first_byte;
  if (size < 126) {
    out[at++] = (uint8_t)(0x80 | size);
  } else {
    size_t bytes = size < 65536 ? 2 : 8;
    out[at++] = bytes == 2 ? 0xfe : 0xff;
    for (size_t i = 0; i < bytes; i++) {
      out[at++] = (uint8_t)((uint64_t)size >> (8 * (bytes - 1 - i)));
    }
  }
  memcpy(out + at, mask, 4);
  at += 4;
  for (size_t i = 0; i < size; i++) {
    out[at++] = data[i] ^ mask[i % 4];
  }
  return at;
}

void web_client_send_frame(web_client *client, unsigned first_byte, const void *payload,
                           size_t size) {
  uint8_t *frame = malloc(size + 64);
  assert_non_null(frame);
  size_t whole = web_client_write_frame(frame, first_byte, payload, size);
  web_client_send(client, frame, whole);
  free(frame);
}

/* 0: its header is not all there. */
static size_t frame_header(const web_client *client, uint64_t *out_size) {
  const uint8_t *data = (const uint8_t *)client->data;
  size_t bytes = 0;
  if (client->size < 2) {
    return 0;
  }
  assert_int_equal(data[1] & 0x80, 0); /* a server does not mask */
  *out_size = data[1];
  if (data[1] >= 126) {
    bytes = data[1] == 126 ? 2 : 8;
    *out_size = 0;
  }
  if (client->size < 2 + bytes) {
    return 0;
  }
  for (size_t i = 0; i < bytes; i++) {
    *out_size = *out_size << 8 | data[2 + i];
  }
  return 2 + bytes;
}

bool web_client_has_frame(const web_client *client) {
  uint64_t size = 0;
  size_t header = frame_header(client, &size);
  return header > 0 && client->size >= header + size;
}

web_frame web_client_frame(web_client *client) {
  uint64_t give_up = now_s() + DEADLINE_S;
  uint64_t size = 0;
  while (!web_client_has_frame(client)) {
    assert_false(client->is_closed);
    assert_true(now_s() < give_up);
    web_client_step(client);
  }
  size_t header = frame_header(client, &size);
  web_frame frame = {.is_final = (client->data[0] & 0x80) != 0,
                     .opcode = (uint8_t)client->data[0] & 0x0fU,
                     .size = (size_t)size};
  assert_int_equal(client->data[0] & 0x70, 0);
  frame.data = calloc(1, frame.size + 1);
  assert_non_null(frame.data);
  memcpy(frame.data, client->data + header, frame.size);
  web_client_take(client, header + frame.size);
  return frame;
}

void web_frame_free(web_frame *frame) {
  free(frame->data);
  frame->data = NULL;
}

void web_client_expect_close_frame(web_client *client, unsigned code) {
  web_frame frame = web_client_frame(client);
  assert_int_equal(frame.opcode, 8);
  assert_true(frame.size >= 2);
  assert_int_equal((unsigned)frame.data[0] << 8 | frame.data[1], code);
  web_frame_free(&frame);
}
