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
  client->data = calloc(1, client->capacity);
  assert_non_null(client->data);
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

void web_client_close(web_client *client) {
  if (client->fd >= 0) {
    (void)close(client->fd);
    client->fd = -1;
  }
  free(client->data);
  client->data = NULL;
}

void web_client_abort(web_client *client) {
  struct linger now = {.l_onoff = 1, .l_linger = 0};
  (void)setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  web_client_close(client);
}

static void client_receive(web_client *client) {
  while (!client->is_closed) {
    if (client->capacity - client->size < 65536) {
      client->capacity = client->capacity * 2 + 65536;
      client->data = realloc(client->data, client->capacity);
      assert_non_null(client->data);
    }
    ssize_t got = recv(client->fd, client->data + client->size, client->capacity - client->size - 1,
                       MSG_DONTWAIT);
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
  client_receive(client);
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
      client_receive(client);
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
  memmove(client->data, client->data + size, client->size - size + 1);
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
