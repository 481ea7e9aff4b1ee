/* Peers that say nothing and peers that take nothing, over real loopback sockets, the server
 * stepped by the test. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "web/observer.h"
#include "web/server.h"
#include "web_client.h"

enum {
  PING_MS = 60,
  STALL_MS = 400,
  REQUEST_MS = 500,
  LOG_BYTES = 1024 * 1024,
  PIECE_BYTES = 64 * 1024
};

typedef struct fixture {
  web_server *server;
  uint16_t port;
  web_log *frames;
  web_log *lines;
  uint64_t seq;
  uint16_t close_code;
  int ended;
} fixture;

static void source_encode_gap(void *user, const web_span *missed, web_buffer *out) {
  (void)user;
  web_buffer_append_format(out, "gap of %d\n", (int)missed->count);
}

static void on_open(web_socket *socket, void *user) {
  fixture *f = user;
  web_source source = {.log = f->frames, .encode_gap = source_encode_gap, .user = f};
  web_socket_observe(socket, &source);
}

static void on_close(web_socket *socket, uint16_t code, void *user) {
  fixture *f = user;
  (void)socket;
  f->close_code = code;
  f->ended++;
}

static void on_end(void *user) {
  ((fixture *)user)->ended++;
}

static const web_socket_events events = {.on_open = on_open, .on_close = on_close};

static void handle_socket(web_request *request, void *user) {
  assert_int_equal(web_socket_accept(request, NULL, &events, user), WEB_OK);
}

static void handle_stream(web_request *request, void *user) {
  fixture *f = user;
  web_source source = {.log = f->lines, .encode_gap = source_encode_gap, .user = f};
  web_stream_start(request, "text/plain", &source, on_end);
}

static const web_route routes[] = {{"GET", "/ws", handle_socket},
                                   {"GET", "/stream", handle_stream}};

static int set_up(void **state) {
  fixture *f = calloc(1, sizeof *f);
  web_server_options options = {.routes = routes,
                                .route_count = sizeof routes / sizeof routes[0],
                                .user = f,
                                .limits = {.close_timeout_ms = 300,
                                           .ping_interval_ms = PING_MS,
                                           .stall_timeout_ms = STALL_MS,
                                           .request_timeout_ms = REQUEST_MS}};
  f->server = web_client_serve(options, &f->port);
  assert_int_equal(web_log_create(f->server, WEB_LOG_WS_TEXT, LOG_BYTES, &f->frames), WEB_OK);
  assert_int_equal(web_log_create(f->server, WEB_LOG_PLAIN, LOG_BYTES, &f->lines), WEB_OK);
  *state = f;
  return 0;
}

static int tear_down(void **state) {
  fixture *f = *state;
  web_client_expect_none(f->server);
  web_log_destroy(f->frames);
  web_log_destroy(f->lines);
  web_server_destroy(f->server);
  free(f);
  return 0;
}

static void produce_into(fixture *f, web_log *log) {
  uint8_t *piece = web_log_reserve(log, PIECE_BYTES);
  assert_non_null(piece);
  memset(piece, 'x', PIECE_BYTES);
  web_span span = {.first_seq = f->seq, .last_seq = f->seq, .count = 1};
  web_log_commit(log, PIECE_BYTES, &span);
}

/* More than the kernel and the log hold. */
static void produce_much(fixture *f) {
  for (int i = 0; i < 200; i++) {
    f->seq++;
    produce_into(f, f->frames);
    produce_into(f, f->lines);
    assert_int_equal(web_server_turn(f->server, 0), WEB_OK);
  }
}

static web_server_stats stats_of(fixture *f) {
  web_server_stats stats;
  web_server_get_stats(f->server, &stats);
  return stats;
}

static void turn_for(fixture *f, uint64_t ms) {
  uint64_t end_ns = web_server_now_ns(f->server) + ms * 1000000;
  while (web_server_now_ns(f->server) < end_ns) {
    assert_int_equal(web_server_turn(f->server, 10), WEB_OK);
  }
}

static void open_socket(web_client *client, fixture *f) {
  web_client_open(client, f->server, f->port);
  web_client_upgrade(client, "/ws", "");
  turn_for(f, 1);
}

static void expect_ping(web_client *client) {
  web_frame frame = web_client_frame(client);
  assert_int_equal(frame.opcode, 9);
  assert_int_equal(frame.size, 0);
  web_frame_free(&frame);
}

/* ---- peers that say nothing ---- */

static void silent_socket_that_answers_pings_stays(void **state) {
  fixture *f = *state;
  web_client client;
  open_socket(&client, f);
  for (int i = 0; i < 5; i++) {
    expect_ping(&client);
    web_client_send_frame(&client, 0x8a, "", 0);
  }
  assert_int_equal(f->ended, 0);
  assert_int_equal(stats_of(f).unanswered, 0);
  web_client_close(&client);
}

static void socket_that_talks_is_not_pinged(void **state) {
  fixture *f = *state;
  web_client client;
  open_socket(&client, f);
  for (int i = 0; i < 20; i++) {
    web_client_send_frame(&client, 0x81, "x", 1);
    turn_for(f, PING_MS / 4);
  }
  web_client_receive(&client);
  assert_int_equal(client.size, 0);
  web_client_close(&client);
}

static void socket_that_leaves_a_ping_unanswered_is_closed(void **state) {
  fixture *f = *state;
  web_client client;
  open_socket(&client, f);
  expect_ping(&client);
  web_client_expect_close_frame(&client, WEB_WS_INTERNAL_ERROR);
  assert_int_equal(stats_of(f).unanswered, 1);
  web_client_expect_close(&client);
  assert_int_equal(f->close_code, WEB_WS_INTERNAL_ERROR);
  web_client_close(&client);
}

/* ---- peers that take nothing ---- */

/* Drops what comes until a close frame, and returns its code. */
static unsigned read_to_close(web_client *client) {
  for (;;) {
    web_frame frame = web_client_frame(client);
    unsigned code = frame.opcode == 8 ? (unsigned)(frame.data[0] << 8 | frame.data[1]) : 0;
    bool is_close = frame.opcode == 8;
    web_frame_free(&frame);
    if (is_close) {
      return code;
    }
  }
}

static void socket_that_takes_nothing_is_closed_with_try_again_later(void **state) {
  fixture *f = *state;
  web_client client;
  open_socket(&client, f);
  web_client_narrow(&client);
  produce_much(f);
  for (int i = 0; i < 1000 && stats_of(f).stalled == 0; i++) {
    assert_int_equal(web_server_turn(f->server, 10), WEB_OK);
  }
  assert_int_equal(stats_of(f).stalled, 1);
  assert_int_equal(read_to_close(&client), WEB_WS_TRY_AGAIN_LATER);
  web_client_expect_close(&client);
  assert_int_equal(f->close_code, WEB_WS_TRY_AGAIN_LATER);
  web_client_close(&client);
}

static void stream_that_takes_nothing_is_ended(void **state) {
  fixture *f = *state;
  web_client client;
  web_client_open(&client, f->server, f->port);
  char text[128];
  (void)snprintf(text, sizeof text, "GET /stream HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n\r\n", f->port);
  web_client_send_text(&client, text);
  turn_for(f, 10);
  web_client_narrow(&client);
  produce_much(f);
  for (int i = 0; i < 1000 && f->ended == 0; i++) {
    assert_int_equal(web_server_turn(f->server, 10), WEB_OK);
  }
  assert_int_equal(f->ended, 1);
  assert_int_equal(stats_of(f).stalled, 1);
  web_client_close(&client);
}

static void observer_that_reads_slowly_is_no_stalled_one(void **state) {
  fixture *f = *state;
  web_client client;
  static uint8_t piece[PIECE_BYTES];
  open_socket(&client, f);
  produce_much(f);
  /* Far longer than the time-out, and far less than the kernel holds for it. */
  for (int i = 0; i < 8; i++) {
    turn_for(f, STALL_MS / 4);
    for (int pieces = 0; pieces < 2; pieces++) {
      assert_true(recv(client.fd, piece, sizeof piece, MSG_WAITALL) > 0);
    }
  }
  assert_int_equal(stats_of(f).stalled, 0);
  assert_int_equal(f->ended, 0);
  web_client_close(&client);
}

/* ---- requests that never come to their end ---- */

/* `begin`, and then a byte now and then, until the server has had enough; fails if it has not after
 * many times the limit. */
static void drip(fixture *f, const char *begin) {
  web_client client;
  web_client_open(&client, f->server, f->port);
  web_client_send_text(&client, begin);
  uint64_t begun_ns = web_server_now_ns(f->server);
  while (!client.is_closed) {
    web_client_send(&client, "x", 1);
    turn_for(f, REQUEST_MS / 20);
    web_client_receive(&client);
    assert_true(web_server_now_ns(f->server) - begun_ns < REQUEST_MS * UINT64_C(20000000));
  }
  assert_true(web_server_now_ns(f->server) - begun_ns > REQUEST_MS * UINT64_C(900000));
  web_client_close(&client);
}

static void head_that_drips_in_is_cut_off_in_time(void **state) {
  drip(*state, "GET /stream HTTP/1.1\r\nX: ");
}

static void first_line_that_drips_in_is_cut_off_in_time(void **state) {
  drip(*state, "GET /");
}

static void body_that_drips_in_is_cut_off_in_time(void **state) {
  char head[128];
  fixture *f = *state;
  (void)snprintf(head, sizeof head,
                 "POST /stream HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nContent-Length: 9999\r\n\r\n",
                 f->port);
  drip(f, head);
}

#define LIVENESS_TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      LIVENESS_TEST(silent_socket_that_answers_pings_stays),
      LIVENESS_TEST(socket_that_talks_is_not_pinged),
      LIVENESS_TEST(socket_that_leaves_a_ping_unanswered_is_closed),
      LIVENESS_TEST(socket_that_takes_nothing_is_closed_with_try_again_later),
      LIVENESS_TEST(stream_that_takes_nothing_is_ended),
      LIVENESS_TEST(observer_that_reads_slowly_is_no_stalled_one),
      LIVENESS_TEST(head_that_drips_in_is_cut_off_in_time),
      LIVENESS_TEST(first_line_that_drips_in_is_cut_off_in_time),
      LIVENESS_TEST(body_that_drips_in_is_cut_off_in_time),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
