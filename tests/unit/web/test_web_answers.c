/* WebSockets whose messages are answered later: how their end waits for that. Over real loopback
 * sockets, the server stepped by the test. */
#include "test.h"

#include <stdlib.h>
#include <string.h>

#include "web/observer.h"
#include "web/server.h"
#include "web_client.h"

enum {
  TEXT = 0x81,
  CLOSE = 0x88,
  SHORT_MS = 30,
  LONG_MS = 60000, /* longer than a test waits for anything */
  MESSAGE_MAX = 10
};

typedef struct fixture {
  web_server *server;
  web_client client;
  web_socket *socket; /* while it is there */
  int messages;
  uint16_t close_code;
} fixture;

static void on_open(web_socket *socket, void *user) {
  fixture *f = user;
  f->socket = socket;
  web_socket_expect_answers(socket);
  web_socket_set_max_message_bytes(socket, MESSAGE_MAX);
}

static void on_message(web_socket *socket, web_ws_opcode opcode, const uint8_t *data, size_t size,
                       void *user) {
  fixture *f = user;
  (void)socket;
  (void)opcode;
  (void)data;
  (void)size;
  f->messages++;
}

static void on_close(web_socket *socket, uint16_t code, void *user) {
  fixture *f = user;
  (void)socket;
  f->socket = NULL;
  f->close_code = code;
}

static void handle_socket(web_request *request, void *user) {
  static const web_socket_events events = {
      .on_open = on_open, .on_message = on_message, .on_close = on_close};
  web_status status = web_socket_accept(request, NULL, &events, user);
  (void)status;
}

static const web_route routes[] = {{"GET", "/ws", handle_socket}};

static void begin(fixture *f, uint32_t answer_time_ms) {
  static const char *const listen[] = {"127.0.0.1:0"};
  *f = (fixture){0};
  web_server_options options = {.listen = listen,
                                .listen_count = 1,
                                .routes = routes,
                                .route_count = 1,
                                .user = f,
                                .limits = {.answer_time_ms = answer_time_ms}};
  assert_int_equal(web_server_create(&options, &f->server, NULL, 0), WEB_OK);
  web_client_open(&f->client, f->server, web_server_port(f->server, 0));
  web_client_upgrade(&f->client, "/ws", "");
}

static void end(fixture *f) {
  web_client_close(&f->client);
  web_client_expect_none(f->server);
  assert_null(f->socket);
  web_server_destroy(f->server);
}

/* A question and, in the same segment, `last`; returns when both were heard. */
static void ask_and_send(fixture *f, const void *last, size_t size) {
  uint8_t bytes[256];
  size_t question = web_client_write_frame(bytes, TEXT, "why?", 4);
  memcpy(bytes + question, last, size);
  web_client_send(&f->client, bytes, question + size);
  while (f->messages == 0) {
    web_client_step(&f->client);
  }
}

static void expect_text(fixture *f, const char *text) {
  web_frame frame = web_client_frame(&f->client);
  assert_int_equal(frame.opcode, 1);
  assert_string_equal((char *)frame.data, text);
  web_frame_free(&frame);
}

static void answer_leaves_before_the_close_frame_of_the_peer_is_answered(void **state) {
  fixture f;
  uint8_t frame[64];
  (void)state;
  begin(&f, SHORT_MS);
  ask_and_send(&f, frame, web_client_write_frame(frame, CLOSE, "\x0f\xa0", 2));
  assert_int_equal(web_socket_send(f.socket, WEB_WS_TEXT, "because", 7), WEB_OK);
  expect_text(&f, "because");
  web_client_expect_close_frame(&f.client, 4000);
  web_client_expect_close(&f.client);
  end(&f);
  assert_int_equal(f.close_code, 4000);
}

static void answer_leaves_before_a_broken_rule_ends_the_connection(void **state) {
  fixture f;
  (void)state;
  begin(&f, SHORT_MS);
  ask_and_send(&f, "\xf1\x80", 2);
  assert_int_equal(web_socket_send(f.socket, WEB_WS_TEXT, "because", 7), WEB_OK);
  expect_text(&f, "because");
  web_client_expect_close_frame(&f.client, 1002);
  end(&f);
}

static void message_behind_the_end_is_not_heard_while_answers_are_waited_for(void **state) {
  fixture f;
  uint8_t frame[64];
  (void)state;
  begin(&f, SHORT_MS);
  ask_and_send(&f, frame, web_client_write_frame(frame, CLOSE, "\x03\xe8", 2));
  web_client_send_frame(&f.client, TEXT, "late", 4);
  web_client_expect_close_frame(&f.client, 1000);
  assert_int_equal(f.messages, 1);
  end(&f);
}

static void close_without_a_message_before_it_is_answered_at_once(void **state) {
  fixture f;
  (void)state;
  begin(&f, LONG_MS);
  web_client_send_frame(&f.client, CLOSE, "\x03\xe8", 2);
  web_client_expect_close_frame(&f.client, 1000);
  end(&f);
}

static void owner_that_closes_ends_the_wait_with_the_code_that_was_first(void **state) {
  fixture f;
  uint8_t frame[64];
  (void)state;
  begin(&f, LONG_MS);
  ask_and_send(&f, frame, web_client_write_frame(frame, CLOSE, "\x0f\xa0", 2));
  web_socket_close(f.socket, WEB_WS_TRY_AGAIN_LATER, "no more");
  web_client_expect_close_frame(&f.client, 4000);
  end(&f);
}

static void peer_that_goes_while_its_answer_is_waited_for_is_gone(void **state) {
  fixture f;
  uint8_t frame[64];
  (void)state;
  begin(&f, LONG_MS);
  ask_and_send(&f, frame, web_client_write_frame(frame, CLOSE, "\x0f\xa0", 2));
  end(&f);
  assert_int_equal(f.close_code, 4000);
}

static void message_over_the_sockets_own_limit_is_1009(void **state) {
  fixture f;
  (void)state;
  begin(&f, LONG_MS);
  web_client_send_frame(&f.client, TEXT, "0123456789", MESSAGE_MAX);
  while (f.messages == 0) {
    web_client_step(&f.client);
  }
  web_socket_close(f.socket, WEB_WS_NORMAL, "");
  web_client_expect_close_frame(&f.client, 1000);
  end(&f);
  begin(&f, LONG_MS);
  web_client_send_frame(&f.client, TEXT, "0123456789+", MESSAGE_MAX + 1);
  web_client_expect_close_frame(&f.client, 1009);
  end(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(answer_leaves_before_the_close_frame_of_the_peer_is_answered),
      cmocka_unit_test(answer_leaves_before_a_broken_rule_ends_the_connection),
      cmocka_unit_test(message_behind_the_end_is_not_heard_while_answers_are_waited_for),
      cmocka_unit_test(close_without_a_message_before_it_is_answered_at_once),
      cmocka_unit_test(owner_that_closes_ends_the_wait_with_the_code_that_was_first),
      cmocka_unit_test(peer_that_goes_while_its_answer_is_waited_for_is_gone),
      cmocka_unit_test(message_over_the_sockets_own_limit_is_1009),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
