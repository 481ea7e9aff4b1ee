/* Streams that their owner fills by himself, without a log, and that end. The server is stepped by
 * the test. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "web/observer.h"
#include "web/server.h"
#include "web_client.h"

enum { BIG_BYTES = 4 << 20 };

typedef struct fixture {
  web_server *server;
  uint16_t port;
  web_stream *stream;
  const char *next; /* what there is to say */
  size_t left;      /* so many more bytes of x */
  int draws;
  int ended;
} fixture;

static void catch_up(void *user, web_buffer *out) {
  fixture *f = user;
  f->draws++;
  if (f->next) {
    web_buffer_append_text(out, f->next);
    f->next = NULL;
  }
  size_t size = f->left < 65536 ? f->left : 65536;
  uint8_t *room = size > 0 ? web_buffer_reserve(out, size) : NULL;
  if (room) {
    memset(room, 'x', size);
    web_buffer_commit(out, size);
    f->left -= size;
  }
}

static void on_end(void *user) {
  fixture *f = user;
  f->ended++;
  f->stream = NULL;
}

static void handle(web_request *request, void *user) {
  fixture *f = user;
  web_source source = {.catch_up = catch_up, .user = f};
  f->stream = web_stream_start(request, "text/plain", &source, on_end);
}

static const web_route routes[] = {{"POST", "/stream", handle}};

static int set_up(void **state) {
  fixture *f = calloc(1, sizeof *f);
  web_server_options options = {.routes = routes, .route_count = 1, .user = f};
  f->server = web_client_serve(options, &f->port);
  *state = f;
  return 0;
}

static int tear_down(void **state) {
  fixture *f = *state;
  web_client_expect_none(f->server);
  web_server_destroy(f->server);
  free(f);
  return 0;
}

static void ask(web_client *client, fixture *f) {
  char text[128];
  (void)snprintf(text, sizeof text,
                 "POST /stream HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nContent-Length: 0\r\n\r\n",
                 f->port);
  web_client_open(client, f->server, f->port);
  web_client_send_text(client, text);
}

static void expect_text(web_client *client, const char *text) {
  while (!client->data || !strstr(client->data, text)) {
    web_client_step(client);
  }
}

static void stream_says_what_its_owner_has_each_time_it_is_woken(void **state) {
  fixture *f = *state;
  web_client client;
  f->next = "first\n";
  ask(&client, f);
  expect_text(&client, "first\n");
  for (int i = 0; i < 5; i++) {
    web_client_step(&client);
  }
  int draws = f->draws;
  web_client_step(&client);
  assert_int_equal(f->draws, draws); /* nobody asks who has nothing */
  f->next = "second\n";
  web_stream_wake(f->stream);
  expect_text(&client, "first\nsecond\n");
  assert_int_equal(f->ended, 0);
  web_client_close(&client);
}

static void stream_that_is_finished_says_all_it_has_and_closes(void **state) {
  fixture *f = *state;
  web_client client;
  f->next = "first\n";
  ask(&client, f);
  expect_text(&client, "first\n");
  f->left = BIG_BYTES;
  web_stream_finish(f->stream);
  web_reply reply = web_client_reply(&client, false);
  assert_int_equal(reply.status, 200);
  assert_int_equal(reply.body_size, BIG_BYTES + strlen("first\n"));
  web_reply_free(&reply);
  web_client_expect_close(&client);
  assert_int_equal(f->ended, 1);
  web_client_close(&client);
}

static void stream_finished_before_it_began_still_says_what_there_is(void **state) {
  fixture *f = *state;
  web_client client;
  ask(&client, f);
  while (!f->stream) {
    web_client_step(&client);
  }
  f->next = "all\n";
  web_stream_finish(f->stream);
  web_reply reply = web_client_reply(&client, false);
  assert_string_equal(reply.body, "all\n");
  web_reply_free(&reply);
  web_client_close(&client);
}

static void stream_ends_when_its_client_goes(void **state) {
  fixture *f = *state;
  web_client client;
  f->next = "first\n";
  ask(&client, f);
  expect_text(&client, "first\n");
  web_client_close(&client);
  web_client_expect_none(f->server);
  assert_int_equal(f->ended, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(stream_says_what_its_owner_has_each_time_it_is_woken, set_up,
                                      tear_down),
      cmocka_unit_test_setup_teardown(stream_that_is_finished_says_all_it_has_and_closes, set_up,
                                      tear_down),
      cmocka_unit_test_setup_teardown(stream_finished_before_it_began_still_says_what_there_is,
                                      set_up, tear_down),
      cmocka_unit_test_setup_teardown(stream_ends_when_its_client_goes, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
