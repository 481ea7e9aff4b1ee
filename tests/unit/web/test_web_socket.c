/* WebSockets over real loopback sockets, the server stepped by the test. */
#include "test.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "web/observer.h"
#include "web/server.h"
#include "web_client.h"

enum { TEXT = 0x81, BINARY = 0x82, CLOSE = 0x88, PING = 0x89, PONG = 0x8a };

typedef struct fixture {
  web_server *server;
  uint16_t port;
  web_socket *socket; /* the last that opened */
  int opened;
  int closed;
  int messages;
  uint16_t close_code;
  size_t last_size;
  bool is_silent; /* echoes nothing */
} fixture;

static void on_open(web_socket *socket, void *user) {
  fixture *f = user;
  f->socket = socket;
  f->opened++;
}

static void on_message(web_socket *socket, web_ws_opcode opcode, const uint8_t *data, size_t size,
                       void *user) {
  fixture *f = user;
  f->messages++;
  f->last_size = size;
  if (!f->is_silent && web_socket_send(socket, opcode, data, size) != WEB_OK) {
    web_socket_close(socket, WEB_WS_POLICY, "reads too little");
  }
}

static void on_close(web_socket *socket, uint16_t code, void *user) {
  fixture *f = user;
  if (f->socket == socket) {
    f->socket = NULL;
  }
  f->close_code = code;
  f->closed++;
}

static const web_socket_events events = {
    .on_open = on_open, .on_message = on_message, .on_close = on_close};

static void handle_socket(web_request *request, void *user) {
  static const char *const protocols[] = {"v2", "v1", NULL};
  web_status status = web_socket_accept(request, protocols, &events, user);
  (void)status;
}

static const web_route routes[] = {{"GET", "/ws", handle_socket}, {"POST", "/ws", handle_socket}};

static int set_up(void **state) {
  fixture *f = calloc(1, sizeof *f);
  web_server_options options = {.routes = routes,
                                .route_count = 2,
                                .user = f,
                                .limits = {.max_websocket_message_bytes = 400000,
                                           .max_websocket_outbox_bytes = 1000000,
                                           .close_timeout_ms = 200}};
  f->server = web_client_serve(options, &f->port);
  *state = f;
  return 0;
}

static int tear_down(void **state) {
  fixture *f = *state;
  web_client_expect_none(f->server);
  web_server_destroy(f->server);
  assert_int_equal(f->opened <= f->closed, 1);
  free(f);
  return 0;
}

static void open_socket(web_client *client, fixture *f) {
  web_client_open(client, f->server, f->port);
  web_client_upgrade(client, "/ws", "");
}

static void expect_text(web_client *client, const char *text) {
  web_frame frame = web_client_frame(client);
  assert_true(frame.is_final);
  assert_int_equal(frame.opcode, 1);
  assert_string_equal((char *)frame.data, text);
  web_frame_free(&frame);
}

/* The peer answers the close, and the server closes the connection. */
static void finish_close(web_client *client, fixture *f, int closed) {
  web_client_expect_close(client);
  web_client_close(client);
  for (int i = 0; i < 400 && f->closed < closed; i++) {
    assert_int_equal(web_server_turn(f->server, 5), WEB_OK);
  }
  assert_int_equal(f->closed, closed);
}

/* ---- handshake ---- */

static void handshake_in_single_bytes_opens(void **state) {
  fixture *f = *state;
  web_client client;
  char text[1024];
  web_client_open(&client, f->server, f->port);
  web_client_write_handshake(&client, "/ws", "", text, sizeof text);
  for (const char *at = text; *at != '\0'; at++) {
    web_client_send(&client, at, 1);
    web_client_step(&client);
  }
  web_reply reply = web_client_reply(&client, false);
  assert_int_equal(reply.status, 101);
  web_reply_free(&reply);
  web_client_send_frame(&client, TEXT, "hello", 5);
  expect_text(&client, "hello");
  web_client_close(&client);
}

static void frames_in_the_segment_of_the_handshake_are_read(void **state) {
  fixture *f = *state;
  web_client client;
  uint8_t segment[2048];
  web_client_open(&client, f->server, f->port);
  web_client_write_handshake(&client, "/ws", "", (char *)segment, sizeof segment);
  size_t size = strlen((char *)segment);
  size += web_client_write_frame(segment + size, TEXT, "one", 3);
  size += web_client_write_frame(segment + size, TEXT, "two", 3);
  web_client_send(&client, segment, size);
  web_reply reply = web_client_reply(&client, false);
  assert_int_equal(reply.status, 101);
  web_reply_free(&reply);
  expect_text(&client, "one");
  expect_text(&client, "two");
  web_client_close(&client);
}

static void large_frame_right_behind_the_handshake_is_read(void **state) {
  fixture *f = *state;
  web_client client;
  size_t payload_size = 300000;
  char *payload = malloc(payload_size);
  uint8_t *segment = malloc(payload_size + 2048);
  memset(payload, 'z', payload_size);
  web_client_open(&client, f->server, f->port);
  web_client_write_handshake(&client, "/ws", "", (char *)segment, 2048);
  size_t size = strlen((char *)segment);
  size += web_client_write_frame(segment + size, TEXT, payload, payload_size);
  web_client_send(&client, segment, size);
  web_reply reply = web_client_reply(&client, false);
  assert_int_equal(reply.status, 101);
  web_reply_free(&reply);
  web_frame frame = web_client_frame(&client);
  assert_int_equal(frame.size, payload_size);
  assert_memory_equal(frame.data, payload, payload_size);
  web_frame_free(&frame);
  free(payload);
  free(segment);
  web_client_close(&client);
}

static void two_hundred_upgrades_with_early_frames_all_echo(void **state) {
  fixture *f = *state;
  for (int i = 0; i < 200; i++) {
    web_client client;
    uint8_t segment[2048];
    char text[16];
    web_client_open(&client, f->server, f->port);
    web_client_write_handshake(&client, "/ws", "", (char *)segment, sizeof segment);
    size_t size = strlen((char *)segment);
    (void)snprintf(text, sizeof text, "%d", i);
    size += web_client_write_frame(segment + size, TEXT, text, strlen(text));
    web_client_send(&client, segment, size);
    web_reply reply = web_client_reply(&client, false);
    web_reply_free(&reply);
    expect_text(&client, text);
    web_client_close(&client);
  }
  assert_int_equal(f->opened, 200);
}

typedef struct handshake_case {
  const char *head; /* %u: the port */
  unsigned status;
} handshake_case;

#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define VERSION "Sec-WebSocket-Version: 13\r\n"
#define HOST "Host: 127.0.0.1:%u\r\n"
#define UPGRADE "Upgrade: websocket\r\nConnection: Upgrade\r\n"

static const handshake_case handshake_cases[] = {
    {"GET /ws HTTP/1.1\r\n" HOST UPGRADE VERSION KEY "\r\n", 101},
    {"GET /ws HTTP/1.1\r\n" HOST "UPGRADE: h2c, WebSocket\r\nconnection: keep-alive, upgrade\r\n"
     "sec-websocket-version: 13\r\nsec-websocket-key:dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
     101},
    {"GET /ws HTTP/1.1\r\n" HOST "Upgrade: websocket\r\nConnection: keep-alive\r\n"
     "Connection: Upgrade\r\n" VERSION KEY "\r\n",
     101},
    {"GET /ws HTTP/1.1\r\n" HOST UPGRADE VERSION KEY
     "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
     101},
    {"GET /ws HTTP/1.1\r\n" HOST UPGRADE VERSION KEY "Origin: http://localhost:%u\r\n\r\n", 101},
    {"POST /ws HTTP/1.1\r\n" HOST UPGRADE VERSION KEY "Content-Length: 0\r\n\r\n", 405},
    {"GET /ws HTTP/1.0\r\n" HOST UPGRADE VERSION KEY "\r\n", 400},
    {"GET /ws HTTP/1.1\r\n" HOST "Connection: Upgrade\r\n" VERSION KEY "\r\n", 400},
    {"GET /ws HTTP/1.1\r\n" HOST "Upgrade: websockets\r\nConnection: Upgrade\r\n" VERSION KEY
     "\r\n",
     400},
    {"GET /ws HTTP/1.1\r\n" HOST "Upgrade: websocket\r\n" VERSION KEY "\r\n", 400},
    {"GET /ws HTTP/1.1\r\n" HOST "Upgrade: websocket\r\nConnection: close\r\n" VERSION KEY "\r\n",
     400},
    {"GET /ws HTTP/1.1\r\n" HOST UPGRADE KEY "\r\n", 426},
    {"GET /ws HTTP/1.1\r\n" HOST UPGRADE "Sec-WebSocket-Version: 8\r\n" KEY "\r\n", 426},
    {"GET /ws HTTP/1.1\r\n" HOST UPGRADE VERSION VERSION KEY "\r\n", 426},
    {"GET /ws HTTP/1.1\r\n" HOST UPGRADE VERSION "\r\n", 400},
    {"GET /ws HTTP/1.1\r\n" HOST UPGRADE VERSION KEY KEY "\r\n", 400},
    {"GET /ws HTTP/1.1\r\n" HOST UPGRADE VERSION "Sec-WebSocket-Key: short\r\n\r\n", 400},
    {"GET /ws HTTP/1.1\r\n" HOST UPGRADE VERSION
     "Sec-WebSocket-Key: !!!hlIHNhbXBsZSBub25jZQ==\r\n\r\n",
     400},
    {"GET /ws HTTP/1.1\r\n" HOST UPGRADE VERSION KEY "Sec-WebSocket-Protocol: v3, V2\r\n\r\n", 400},
    {"GET /ws HTTP/1.1\r\n" HOST UPGRADE VERSION KEY "Origin: http://evil.example\r\n\r\n", 403},
    {"GET /ws HTTP/1.1\r\n" HOST UPGRADE VERSION KEY "Origin: null\r\n\r\n", 403},
    {"GET /ws HTTP/1.1\r\nHost: evil.example:%u\r\n" UPGRADE VERSION KEY "\r\n", 403},
};

static void handshake_is_judged_by_each_rule_of_the_rfc(void **state) {
  fixture *f = *state;
  int accepted = 0;
  for (size_t i = 0; i < sizeof handshake_cases / sizeof handshake_cases[0]; i++) {
    const handshake_case *c = &handshake_cases[i];
    char text[1024];
    web_client client;
    web_client_open(&client, f->server, f->port);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    (void)snprintf(text, sizeof text, c->head, f->port, f->port);
#pragma GCC diagnostic pop
    web_client_send_text(&client, text);
    web_reply reply = web_client_reply(&client, false);
    if (reply.status != c->status) {
      fail_msg("%s: %u instead of %u", text, reply.status, c->status);
    }
    if (reply.status == 426) {
      char *version = web_reply_header(&reply, "Sec-WebSocket-Version");
      assert_string_equal(version, "13");
      free(version);
    }
    accepted += reply.status == 101 ? 1 : 0;
    web_reply_free(&reply);
    web_client_close(&client);
  }
  assert_int_equal(f->opened, accepted);
}

static void subprotocol_is_the_first_of_ours_that_is_offered(void **state) {
  fixture *f = *state;
  web_client client;
  char text[1024];
  web_client_open(&client, f->server, f->port);
  web_client_write_handshake(&client, "/ws",
                             "Sec-WebSocket-Protocol: x, v1\r\n"
                             "Sec-WebSocket-Protocol: v2\r\n",
                             text, sizeof text);
  web_client_send_text(&client, text);
  web_reply reply = web_client_reply(&client, false);
  char *protocol = web_reply_header(&reply, "Sec-WebSocket-Protocol");
  assert_string_equal(protocol, "v2");
  assert_string_equal(web_socket_protocol(f->socket), "v2");
  free(protocol);
  web_reply_free(&reply);
  web_client_close(&client);
}

static void client_that_resets_during_the_handshake_leaves_nothing(void **state) {
  fixture *f = *state;
  for (int i = 0; i < 50; i++) {
    web_client client;
    char text[1024];
    web_client_open(&client, f->server, f->port);
    web_client_write_handshake(&client, "/ws", "", text, sizeof text);
    web_client_send_text(&client, text);
    web_client_abort(&client);
    assert_int_equal(web_server_turn(f->server, 5), WEB_OK);
  }
  web_server_stats stats = {.websockets = 1};
  for (int i = 0; i < 400 && stats.connections + stats.websockets > 0; i++) {
    assert_int_equal(web_server_turn(f->server, 5), WEB_OK);
    web_server_get_stats(f->server, &stats);
  }
  assert_int_equal(stats.connections, 0);
  assert_int_equal(f->closed >= f->opened, 1);
}

/* ---- messages ---- */

static void fragments_and_pings_between_them_are_answered(void **state) {
  fixture *f = *state;
  web_client client;
  open_socket(&client, f);
  web_client_send_frame(&client, 0x01, "Hel", 3);
  web_client_send_frame(&client, PING, "p", 1);
  web_client_send_frame(&client, 0x80, "lo", 2);
  web_frame frame = web_client_frame(&client);
  assert_int_equal(frame.opcode, 10);
  assert_string_equal((char *)frame.data, "p");
  web_frame_free(&frame);
  expect_text(&client, "Hello");
  web_client_close(&client);
}

static void ten_pings_in_one_segment_get_ten_pongs(void **state) {
  fixture *f = *state;
  web_client client;
  uint8_t segment[512];
  size_t size = 0;
  open_socket(&client, f);
  for (int i = 0; i < 10; i++) {
    char text = (char)('0' + i);
    size += web_client_write_frame(segment + size, PING, &text, 1);
  }
  web_client_send(&client, segment, size);
  for (int i = 0; i < 10; i++) {
    web_frame frame = web_client_frame(&client);
    assert_int_equal(frame.opcode, 10);
    assert_int_equal(frame.data[0], '0' + i);
    web_frame_free(&frame);
  }
  web_client_close(&client);
}

/* Without ever waiting for what comes back. */
static void push(web_client *client, fixture *f, const uint8_t *data, size_t size) {
  while (size > 0 && f->closed == 0) {
    ssize_t sent = send(client->fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent > 0) {
      data += sent;
      size -= (size_t)sent;
    }
    assert_int_equal(web_server_turn(f->server, sent > 0 ? 0 : 1), WEB_OK);
  }
}

static void ping_flood_without_reading_ends_with_the_newest_pong(void **state) {
  fixture *f = *state;
  web_client client;
  char payload[125] = "";
  open_socket(&client, f);
  for (int i = 0; i < 100000; i++) {
    uint8_t frame[256];
    (void)snprintf(payload, sizeof payload, "%d", i);
    push(&client, f, frame, web_client_write_frame(frame, PING, payload, sizeof payload));
  }
  int last = -1;
  while (last != 99999) {
    web_frame frame = web_client_frame(&client);
    assert_int_equal(frame.opcode, 10);
    assert_true(atoi((char *)frame.data) > last);
    last = atoi((char *)frame.data);
    web_frame_free(&frame);
  }
  web_client_close(&client);
}

static void peer_that_sends_and_never_reads_is_closed_with_1008(void **state) {
  fixture *f = *state;
  web_client client;
  static char payload[100000];
  static uint8_t frame[sizeof payload + 64];
  memset(payload, 'x', sizeof payload);
  open_socket(&client, f);
  size_t size = web_client_write_frame(frame, TEXT, payload, sizeof payload);
  for (int i = 0; i < 10000 && f->closed == 0; i++) {
    push(&client, f, frame, size);
  }
  assert_int_equal(f->closed, 1);
  assert_int_equal(f->close_code, WEB_WS_POLICY);
  web_client_close(&client);
}

/* ---- closing ---- */

static void close_of_the_peer_is_echoed_and_the_server_closes(void **state) {
  fixture *f = *state;
  web_client client;
  open_socket(&client, f);
  web_client_send_frame(&client, CLOSE,
                        "\x0f\xa0"
                        "bye",
                        5);
  web_client_expect_close_frame(&client, 4000);
  finish_close(&client, f, 1);
  assert_int_equal(f->close_code, 4000);
}

static void close_without_code_is_echoed_without_code(void **state) {
  fixture *f = *state;
  web_client client;
  open_socket(&client, f);
  web_client_send_frame(&client, CLOSE, "", 0);
  web_frame frame = web_client_frame(&client);
  assert_int_equal(frame.opcode, 8);
  assert_int_equal(frame.size, 0);
  web_frame_free(&frame);
  finish_close(&client, f, 1);
  assert_int_equal(f->close_code, WEB_WS_NO_STATUS);
}

static void close_of_ours_waits_for_the_peers_half(void **state) {
  fixture *f = *state;
  web_client client;
  open_socket(&client, f);
  web_client_step(&client);
  assert_int_equal(web_socket_send(f->socket, WEB_WS_TEXT, "last", 4), WEB_OK);
  web_socket_close(f->socket, 4001, "enough");
  assert_int_equal(web_socket_send(f->socket, WEB_WS_TEXT, "late", 4), WEB_CLOSED);
  expect_text(&client, "last");
  web_client_expect_close_frame(&client, 4001);
  web_client_send_frame(&client, TEXT, "ignored", 7);
  web_client_send_frame(&client, CLOSE, "\x0f\xa1", 2);
  finish_close(&client, f, 1);
  assert_int_equal(f->messages, 0);
  assert_int_equal(f->close_code, 4001);
}

static void peer_that_never_answers_the_close_is_cut_off_in_time(void **state) {
  fixture *f = *state;
  web_client client;
  open_socket(&client, f);
  web_client_step(&client);
  web_socket_close(f->socket, WEB_WS_NORMAL, "");
  web_client_expect_close_frame(&client, 1000);
  web_client_expect_close(&client);
  assert_int_equal(f->closed, 1);
  web_client_close(&client);
}

typedef struct violation {
  const char *bytes;
  size_t size;
  unsigned code;
} violation;

static const violation violations[] = {
    {"\x81\x05hello", 7, 1002},                           /* not masked */
    {"\xc1\x80\0\0\0\0", 6, 1002},                        /* RSV1 */
    {"\x83\x80\0\0\0\0", 6, 1002},                        /* unknown opcode */
    {"\x80\x80\0\0\0\0", 6, 1002},                        /* continuation of nothing */
    {"\x09\x80\0\0\0\0", 6, 1002},                        /* fragmented ping */
    {"\x89\xfe\0\x7e\0\0\0\0", 8, 1002},                  /* long ping */
    {"\x88\x81\0\0\0\0\x03", 7, 1002},                    /* close of one byte */
    {"\x88\x82\0\0\0\0\x03\xed", 8, 1002},                /* close with 1005 */
    {"\x81\x82\0\0\0\0\xc3\x28", 8, 1007},                /* not UTF-8 */
    {"\x82\xff\0\0\0\0\0\x06\x1a\x81\0\0\0\0", 14, 1009}, /* one byte over the limit */
};

static void violation_of_the_protocol_is_answered_with_its_code(void **state) {
  fixture *f = *state;
  for (size_t i = 0; i < sizeof violations / sizeof violations[0]; i++) {
    web_client client;
    open_socket(&client, f);
    web_client_send(&client, violations[i].bytes, violations[i].size);
    web_client_expect_close_frame(&client, violations[i].code);
    finish_close(&client, f, (int)i + 1);
    assert_int_equal(f->close_code, violations[i].code);
  }
}

/* Unread input would make the kernel reset the connection and so destroy our last frame. */
static void close_frame_arrives_though_the_peer_still_sends(void **state) {
  fixture *f = *state;
  static uint8_t junk[1 << 20];
  for (int i = 0; i < 20; i++) {
    web_client client;
    open_socket(&client, f);
    memset(junk, 0xff, sizeof junk);
    web_client_send(&client, junk, sizeof junk);
    web_client_expect_close_frame(&client, 1002);
    web_client_close(&client);
  }
}

static void connection_lost_without_close_is_1006(void **state) {
  fixture *f = *state;
  web_client client;
  open_socket(&client, f);
  web_client_abort(&client);
  for (int i = 0; i < 400 && f->closed == 0; i++) {
    assert_int_equal(web_server_turn(f->server, 5), WEB_OK);
  }
  assert_int_equal(f->close_code, WEB_WS_ABNORMAL);
}

static void stop_closes_all_with_1001_and_bounded(void **state) {
  fixture *f = *state;
  web_client clients[20];
  for (int i = 0; i < 20; i++) {
    open_socket(&clients[i], f);
  }
  web_client_step(&clients[19]);
  web_server_stop(f->server);
  uint64_t before = web_server_now_ns(f->server);
  assert_int_equal(web_server_run(f->server), WEB_OK);
  assert_true(web_server_now_ns(f->server) - before < 2000000000U);
  assert_int_equal(f->closed, 20);
  for (int i = 0; i < 20; i++) {
    clients[i].server = NULL;
    web_client_expect_close_frame(&clients[i], 1001);
    web_client_expect_close(&clients[i]);
    web_client_close(&clients[i]);
  }
}

/* ---- leaks ---- */

static size_t descriptor_count(void) {
  size_t count = 0;
  DIR *directory = opendir("/proc/self/fd");
  assert_non_null(directory);
  while (readdir(directory) != NULL) {
    count++;
  }
  (void)closedir(directory);
  return count;
}

static void two_thousand_connects_leave_no_descriptor(void **state) {
  fixture *f = *state;
  size_t before = descriptor_count();
  for (int i = 0; i < 2000; i++) {
    web_client client;
    open_socket(&client, f);
    if (i % 3 == 0) {
      web_client_send_frame(&client, CLOSE, "\x03\xe8", 2);
      web_client_expect_close_frame(&client, 1000);
    }
    if (i % 3 == 1) {
      web_client_abort(&client);
    } else {
      web_client_close(&client);
    }
  }
  for (int i = 0; i < 400 && f->closed < 2000; i++) {
    assert_int_equal(web_server_turn(f->server, 5), WEB_OK);
  }
  web_server_stats stats = {.connections = 1};
  for (int i = 0; i < 400 && stats.connections > 0; i++) {
    assert_int_equal(web_server_turn(f->server, 5), WEB_OK);
    web_server_get_stats(f->server, &stats);
  }
  assert_int_equal(f->opened, 2000);
  assert_int_equal(f->closed, 2000);
  assert_int_equal(stats.websockets, 0);
  assert_int_equal(stats.connections, 0);
  assert_int_equal(descriptor_count(), before);
}

#define SOCKET_TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      SOCKET_TEST(handshake_in_single_bytes_opens),
      SOCKET_TEST(frames_in_the_segment_of_the_handshake_are_read),
      SOCKET_TEST(large_frame_right_behind_the_handshake_is_read),
      SOCKET_TEST(two_hundred_upgrades_with_early_frames_all_echo),
      SOCKET_TEST(handshake_is_judged_by_each_rule_of_the_rfc),
      SOCKET_TEST(subprotocol_is_the_first_of_ours_that_is_offered),
      SOCKET_TEST(client_that_resets_during_the_handshake_leaves_nothing),
      SOCKET_TEST(fragments_and_pings_between_them_are_answered),
      SOCKET_TEST(ten_pings_in_one_segment_get_ten_pongs),
      SOCKET_TEST(ping_flood_without_reading_ends_with_the_newest_pong),
      SOCKET_TEST(peer_that_sends_and_never_reads_is_closed_with_1008),
      SOCKET_TEST(close_of_the_peer_is_echoed_and_the_server_closes),
      SOCKET_TEST(close_without_code_is_echoed_without_code),
      SOCKET_TEST(close_of_ours_waits_for_the_peers_half),
      SOCKET_TEST(peer_that_never_answers_the_close_is_cut_off_in_time),
      SOCKET_TEST(violation_of_the_protocol_is_answered_with_its_code),
      SOCKET_TEST(close_frame_arrives_though_the_peer_still_sends),
      SOCKET_TEST(connection_lost_without_close_is_1006),
      SOCKET_TEST(stop_closes_all_with_1001_and_bounded),
      SOCKET_TEST(two_thousand_connects_leave_no_descriptor),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
