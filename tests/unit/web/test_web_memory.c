/* What happens when there is no memory: the same scenario again and again, each time with another
 * allocation of the library failing. The linker puts these functions in place of malloc and its
 * kin; libmicrohttpd's own are not touched. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "web/observer.h"
#include "web/server.h"
#include "web_client.h"

void *real_malloc(size_t size) __asm__("__real_malloc");
void *real_calloc(size_t count, size_t size) __asm__("__real_calloc");
void *real_realloc(void *memory, size_t size) __asm__("__real_realloc");
void *wrapped_malloc(size_t size) __asm__("__wrap_malloc");
void *wrapped_calloc(size_t count, size_t size) __asm__("__wrap_calloc");
void *wrapped_realloc(void *memory, size_t size) __asm__("__wrap_realloc");

/* Only what the server allocates counts, not the test's clients. */
static bool is_counting;
static unsigned allocation_count;
static unsigned fail_at;

static bool allocation_fails(void) {
  return is_counting && allocation_count++ == fail_at;
}

void *wrapped_malloc(size_t size) {
  return allocation_fails() ? NULL : real_malloc(size);
}

void *wrapped_calloc(size_t count, size_t size) {
  return allocation_fails() ? NULL : real_calloc(count, size);
}

void *wrapped_realloc(void *memory, size_t size) {
  return allocation_fails() ? NULL : real_realloc(memory, size);
}

/* ---- the owner ---- */

enum { HELLO, ECHO, LATER, SOCKET, STREAM, PAGE, CLIENTS };

typedef struct scenario {
  web_server *server;
  web_log *frames;
  web_log *lines;
  web_request *pending;
  uint64_t seq;
  int past;
  int later;
  int answered;
  int abandoned;
  int accepted;
  int opened;
  int closed;
  int streams;
  int ended;
} scenario;

static void handle_hello(web_request *request, void *user) {
  (void)user;
  web_response_header(request, "X-Extra", "yes");
  web_respond(request, 200, "text/plain", "hello", 5);
}

static void handle_echo(web_request *request, void *user) {
  size_t size = 0;
  const uint8_t *body = web_request_body(request, &size);
  (void)user;
  web_respond(request, 200, "text/plain", body, size);
}

static void on_abandon(web_request *request, void *user) {
  scenario *s = user;
  (void)request;
  s->pending = NULL;
  s->abandoned++;
}

static void handle_later(web_request *request, void *user) {
  scenario *s = user;
  s->pending = request;
  s->later++;
  web_request_on_abandon(request, on_abandon, s);
}

static void catch_up(void *user, web_buffer *out) {
  scenario *s = user;
  if (s->past-- > 0) {
    for (int i = 0; i < 1000; i++) {
      web_buffer_append_format(out, "past %d\n", i);
    }
  }
}

static void encode_gap(void *user, const web_span *missed, web_buffer *out) {
  (void)user;
  web_buffer_append_format(out, "gap %llu\n", (unsigned long long)missed->count);
}

static web_source source_of(scenario *s, web_log *log) {
  return (web_source){.log = log, .catch_up = catch_up, .encode_gap = encode_gap, .user = s};
}

static void on_open(web_socket *socket, void *user) {
  scenario *s = user;
  web_source source = source_of(s, s->frames);
  s->opened++;
  web_socket_observe(socket, &source);
}

static void on_message(web_socket *socket, web_ws_opcode opcode, const uint8_t *data, size_t size,
                       void *user) {
  (void)user;
  if (web_socket_send(socket, opcode, data, size) != WEB_OK) {
    web_socket_close(socket, WEB_WS_INTERNAL_ERROR, "no room");
  }
}

static void on_close(web_socket *socket, uint16_t code, void *user) {
  (void)socket;
  (void)code;
  ((scenario *)user)->closed++;
}

static void handle_socket(web_request *request, void *user) {
  static const web_socket_events events = {
      .on_open = on_open, .on_message = on_message, .on_close = on_close};
  scenario *s = user;
  s->accepted += web_socket_accept(request, NULL, &events, s) == WEB_OK ? 1 : 0;
}

static void on_end(void *user) {
  ((scenario *)user)->ended++;
}

static void handle_stream(web_request *request, void *user) {
  scenario *s = user;
  web_source source = source_of(s, s->lines);
  s->streams++;
  web_stream_start(request, "application/x-ndjson", &source, on_end);
}

static const web_route routes[] = {{"GET", "/hello", handle_hello},
                                   {"POST", "/echo", handle_echo},
                                   {"GET", "/later", handle_later},
                                   {"GET", "/ws", handle_socket},
                                   {"GET", "/stream", handle_stream}};

/* ---- the scenario ---- */

static void turns(scenario *s, int count) {
  is_counting = true;
  for (int i = 0; i < count; i++) {
    assert_int_equal(web_server_turn(s->server, 1), WEB_OK);
  }
  is_counting = false;
}

static void produce_into(web_log *log, uint64_t seq) {
  web_span span = {.first_seq = seq, .last_seq = seq, .count = 1};
  char *out = (char *)web_log_reserve(log, 4000);
  assert_non_null(out);
  memset(out, 'e', 4000);
  web_log_commit(log, 4000, &span);
}

static bool server_start(scenario *s) {
  static const char *const listen[] = {"127.0.0.1:0"};
  char error[256] = "";
  web_server_options options = {.listen = listen,
                                .listen_count = 1,
                                .routes = routes,
                                .route_count = sizeof routes / sizeof routes[0],
                                .user = s,
                                .limits = {.close_timeout_ms = 50, .request_timeout_ms = 1000}};
  is_counting = true;
  web_status status = web_server_create(&options, &s->server, error, sizeof error);
  if (status == WEB_OK) {
    status = web_log_create(s->server, WEB_LOG_WS_TEXT, 16384, &s->frames);
  }
  if (status == WEB_OK) {
    status = web_log_create(s->server, WEB_LOG_PLAIN, 16384, &s->lines);
  }
  is_counting = false;
  assert_true(status == WEB_OK || status == WEB_E_NO_MEMORY);
  if (s->server == NULL) {
    assert_int_not_equal(error[0], '\0');
  }
  return status == WEB_OK;
}

static void clients_ask(scenario *s, web_client clients[CLIENTS]) {
  uint16_t port = web_server_port(s->server, 0);
  char text[1024];
  static const char *const lines[CLIENTS] = {
      "GET /hello HTTP/1.1",  "POST /echo HTTP/1.1\r\nContent-Length: 5",
      "GET /later HTTP/1.1",  NULL,
      "GET /stream HTTP/1.1", "GET /nothing HTTP/1.1"};
  for (int i = 0; i < CLIENTS; i++) {
    web_client_open(&clients[i], s->server, port);
    if (i == SOCKET) {
      web_client_write_handshake(&clients[i], "/ws", "", text, sizeof text);
    } else {
      (void)snprintf(text, sizeof text, "%s\r\nHost: 127.0.0.1:%u\r\n\r\n%s", lines[i], port,
                     i == ECHO ? "hello" : "");
    }
    web_client_send_text(&clients[i], text);
    turns(s, 3);
  }
}

static void observers_are_fed(scenario *s, web_client clients[CLIENTS]) {
  uint8_t frame[64];
  for (int i = 0; i < 20; i++) {
    s->seq++;
    produce_into(s->frames, s->seq);
    produce_into(s->lines, s->seq);
    turns(s, i % 10 == 0 ? 1 : 0); /* between those they fall behind */
  }
  web_client_send(&clients[SOCKET], frame, web_client_write_frame(frame, 0x01, "Hel", 3));
  web_client_send(&clients[SOCKET], frame, web_client_write_frame(frame, 0x80, "lo", 2));
  web_client_send(&clients[SOCKET], frame, web_client_write_frame(frame, 0x89, "p", 1));
  turns(s, 3);
}

static void scenario_run(void) {
  scenario s = {.past = 4};
  web_client clients[CLIENTS];
  if (server_start(&s)) {
    clients_ask(&s, clients);
    observers_are_fed(&s, clients);
    if (s.pending != NULL) {
      s.answered++;
      is_counting = true;
      web_respond(s.pending, 200, "text/plain", "late", 4);
      is_counting = false;
    }
    turns(&s, 3);
    for (int i = 0; i < CLIENTS; i++) {
      web_client_close(&clients[i]);
    }
    is_counting = true;
    web_client_expect_none(s.server);
    is_counting = false;
    assert_int_equal(web_log_observer_count(s.frames), 0);
    assert_int_equal(web_log_observer_count(s.lines), 0);
    assert_int_equal(s.closed, s.accepted);
    assert_int_equal(s.ended, s.streams);
    assert_int_equal(s.answered + s.abandoned, s.later);
  }
  web_log_destroy(s.frames);
  web_log_destroy(s.lines);
  web_server_destroy(s.server);
}

static void any_allocation_may_fail_and_every_callback_still_comes_once(void **state) {
  (void)state;
  fail_at = UINT32_MAX;
  allocation_count = 0;
  scenario_run();
  unsigned whole = allocation_count;
  assert_true(whole > 30);
  for (fail_at = 0; fail_at < whole; fail_at++) {
    allocation_count = 0;
    scenario_run();
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(any_allocation_may_fail_and_every_callback_still_comes_once),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
