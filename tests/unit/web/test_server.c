/* Requests over real loopback sockets, the server stepped by the test. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "web/server.h"
#include "web_client.h"

typedef struct fixture {
  web_server *server;
  uint16_t port;
  web_request *pending;
  int abandoned;
  int handled;
} fixture;

static void on_abandon(web_request *request, void *user) {
  fixture *f = user;
  assert_ptr_equal(request, f->pending);
  f->pending = NULL;
  f->abandoned++;
}

static void handle_hello(web_request *request, void *user) {
  ((fixture *)user)->handled++;
  web_response_header(request, "X-Extra", "yes");
  web_respond(request, 200, "text/plain", "hello", 5);
}

static void handle_echo(web_request *request, void *user) {
  size_t size = 0;
  const uint8_t *body = web_request_body(request, &size);
  const char *name = web_request_param(request, "name");
  const char *query = web_request_query(request, "q");
  ((fixture *)user)->handled++;
  web_response_header(request, "X-Name", name);
  web_response_header(request, "X-Query", query != NULL ? query : "none");
  web_respond(request, 201, "application/octet-stream", body, size);
}

static void handle_later(web_request *request, void *user) {
  fixture *f = user;
  f->pending = request;
  web_request_on_abandon(request, on_abandon, f);
}

static const web_route routes[] = {{"GET", "/hello", handle_hello},
                                   {"POST", "/echo/{name}", handle_echo},
                                   {"GET", "/later", handle_later},
                                   {"POST", "/later", handle_later}};

/* "<h1>pipebridge</h1>\n" */
static const uint8_t page[] = {0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03,
                               0xb3, 0xc9, 0x30, 0xb4, 0x2b, 0xc8, 0x2c, 0x48, 0x4d, 0x2a,
                               0xca, 0x4c, 0x49, 0x4f, 0xb5, 0xd1, 0x07, 0x72, 0xb9, 0x00,
                               0xc8, 0x11, 0xf4, 0xb5, 0x14, 0x00, 0x00, 0x00};
static const web_asset assets[] = {
    {"/", "text/html; charset=utf-8", "\"p1\"", page, sizeof page, false},
    {"/app.123.js", "text/javascript", "\"a1\"", page, sizeof page, true}};

static web_server_options options_of(fixture *f) {
  static const char *const listen[] = {"127.0.0.1:0"};
  web_server_options options = {.listen = listen,
                                .listen_count = 1,
                                .routes = routes,
                                .route_count = sizeof routes / sizeof routes[0],
                                .assets = assets,
                                .asset_count = 2,
                                .user = f};
  return options;
}

static void fixture_start(fixture *f, const web_server_options *options) {
  char error[512] = "";
  if (web_server_create(options, &f->server, error, sizeof error) != WEB_OK) {
    fail_msg("%s", error);
  }
  f->port = web_server_port(f->server, 0);
  assert_int_not_equal(f->port, 0);
}

static int set_up(void **state) {
  fixture *f = calloc(1, sizeof *f);
  web_server_options options = options_of(f);
  options.limits.max_body_bytes = 100000;
  options.limits.request_timeout_ms = 300;
  fixture_start(f, &options);
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

static void assert_problem(web_reply *reply, unsigned status, const char *code) {
  char expected[128];
  (void)snprintf(expected, sizeof expected, "\"status\":%u,\"code\":\"%s\"", status, code);
  assert_int_equal(reply->status, status);
  if (strstr(reply->body, expected) == NULL) {
    fail_msg("%s does not have %s", reply->body, expected);
  }
  char *type = web_reply_header(reply, "Content-Type");
  assert_string_equal(type, "application/problem+json");
  free(type);
  web_reply_free(reply);
}

static void assert_header(const web_reply *reply, const char *name, const char *value) {
  char *found = web_reply_header(reply, name);
  if (found == NULL || strcmp(found, value) != 0) {
    fail_msg("%s is %s instead of %s", name, found != NULL ? found : "missing", value);
  }
  free(found);
}

/* ---- answers ---- */

static void request_is_answered_with_safety_headers_and_keeps_the_connection(void **state) {
  fixture *f = *state;
  web_client client;
  web_client_open(&client, f->server, f->port);
  for (int i = 0; i < 3; i++) {
    web_reply reply = web_client_ask(&client, "GET", "/hello", "", NULL);
    assert_int_equal(reply.status, 200);
    assert_string_equal(reply.body, "hello");
    assert_header(&reply, "Content-Type", "text/plain");
    assert_header(&reply, "X-Extra", "yes");
    assert_header(&reply, "X-Content-Type-Options", "nosniff");
    assert_header(&reply, "Referrer-Policy", "no-referrer");
    assert_header(&reply, "Cross-Origin-Resource-Policy", "same-origin");
    assert_header(&reply, "Cache-Control", "no-store");
    assert_null(web_reply_header(&reply, "Access-Control-Allow-Origin"));
    assert_null(web_reply_header(&reply, "Connection"));
    web_reply_free(&reply);
  }
  assert_int_equal(f->handled, 3);
  web_client_close(&client);
}

static void pipelined_requests_are_answered_in_order(void **state) {
  fixture *f = *state;
  char text[512];
  (void)snprintf(text, sizeof text,
                 "GET /hello HTTP/1.1\r\nHost: localhost:%u\r\n\r\n"
                 "POST /echo/x HTTP/1.1\r\nHost: localhost:%u\r\nContent-Length: 3\r\n\r\nabc"
                 "GET /nothing HTTP/1.1\r\nHost: localhost:%u\r\n\r\n",
                 f->port, f->port, f->port);
  web_client client;
  web_client_open(&client, f->server, f->port);
  web_client_send_text(&client, text);
  web_reply reply = web_client_reply(&client, false);
  assert_string_equal(reply.body, "hello");
  web_reply_free(&reply);
  reply = web_client_reply(&client, false);
  assert_string_equal(reply.body, "abc");
  web_reply_free(&reply);
  reply = web_client_reply(&client, false);
  assert_problem(&reply, 404, "not_found");
  web_client_close(&client);
}

static void head_is_answered_like_get_without_a_body(void **state) {
  fixture *f = *state;
  web_client client;
  web_client_open(&client, f->server, f->port);
  web_reply reply = web_client_ask(&client, "HEAD", "/hello", "", NULL);
  assert_int_equal(reply.status, 200);
  assert_header(&reply, "Content-Length", "5");
  web_reply_free(&reply);
  reply = web_client_ask(&client, "GET", "/hello", "", NULL);
  assert_string_equal(reply.body, "hello");
  web_reply_free(&reply);
  web_client_close(&client);
}

static void parameters_and_bodies_reach_the_handler(void **state) {
  fixture *f = *state;
  web_client client;
  web_client_open(&client, f->server, f->port);
  char *body = malloc(100001);
  memset(body, 'x', 100000);
  body[100000] = '\0';
  web_reply reply = web_client_ask(&client, "POST", "/echo/a%2Fb?q=c%20d", "", body);
  assert_int_equal(reply.status, 201);
  assert_header(&reply, "X-Name", "a/b");
  assert_header(&reply, "X-Query", "c d");
  assert_int_equal(reply.body_size, 100000);
  assert_memory_equal(reply.body, body, 100000);
  free(body);
  web_reply_free(&reply);
  web_client_close(&client);
}

static void chunked_body_reaches_the_handler(void **state) {
  fixture *f = *state;
  web_client client;
  web_client_open(&client, f->server, f->port);
  char text[256];
  (void)snprintf(text, sizeof text,
                 "POST /echo/x HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nTransfer-Encoding: chunked\r\n\r\n"
                 "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
                 f->port);
  for (const char *at = text; *at != '\0'; at++) {
    web_client_send(&client, at, 1);
    if (at - text > 20) {
      web_client_step(&client);
    }
  }
  web_reply reply = web_client_reply(&client, false);
  assert_int_equal(reply.status, 201);
  assert_string_equal(reply.body, "abcde");
  web_reply_free(&reply);
  web_client_close(&client);
}

static void unknown_path_is_404_and_unknown_method_405_with_allow(void **state) {
  fixture *f = *state;
  web_client client;
  web_client_open(&client, f->server, f->port);
  web_reply reply = web_client_ask(&client, "GET", "/nothing", "", NULL);
  assert_problem(&reply, 404, "not_found");
  reply = web_client_ask(&client, "DELETE", "/later", "", NULL);
  assert_header(&reply, "Allow", "GET, HEAD, POST");
  assert_problem(&reply, 405, "method_not_allowed");
  reply = web_client_ask(&client, "OPTIONS", "/hello", "", NULL);
  assert_header(&reply, "Allow", "GET, HEAD");
  assert_problem(&reply, 405, "method_not_allowed");
  reply = web_client_ask(&client, "GET", "/%zz", "", NULL);
  assert_problem(&reply, 400, "target_malformed");
  web_client_close(&client);
}

/* ---- bodies over the bound ---- */

static void declared_body_over_the_bound_is_answered_before_it_is_sent(void **state) {
  fixture *f = *state;
  char text[256];
  (void)snprintf(text, sizeof text,
                 "POST /echo/x HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nContent-Length: 100001\r\n"
                 "Expect: 100-continue\r\n\r\n",
                 f->port);
  web_client client;
  web_client_open(&client, f->server, f->port);
  web_client_send_text(&client, text);
  web_reply reply = web_client_reply(&client, false);
  assert_problem(&reply, 413, "too_large");
  web_client_expect_close(&client);
  assert_int_equal(f->handled, 0);
  web_client_close(&client);
}

static void chunked_body_over_the_bound_is_answered_with_413(void **state) {
  fixture *f = *state;
  char text[256];
  char piece[1024];
  web_client client;
  web_client_open(&client, f->server, f->port);
  (void)snprintf(
      text, sizeof text,
      "POST /echo/x HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nTransfer-Encoding: chunked\r\n\r\n", f->port);
  web_client_send_text(&client, text);
  memset(piece, 'y', sizeof piece);
  for (int i = 0; i < 150; i++) {
    web_client_send_text(&client, "400\r\n");
    web_client_send(&client, piece, sizeof piece);
    web_client_send_text(&client, "\r\n");
  }
  web_client_send_text(&client, "0\r\n\r\n");
  web_reply reply = web_client_reply(&client, false);
  assert_problem(&reply, 413, "too_large");
  assert_int_equal(f->handled, 0);
  web_client_close(&client);
}

static void chunked_body_without_end_is_cut_off(void **state) {
  fixture *f = *state;
  char text[256];
  static char piece[0x10000];
  web_client client;
  web_client_open(&client, f->server, f->port);
  (void)snprintf(
      text, sizeof text,
      "POST /echo/x HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nTransfer-Encoding: chunked\r\n\r\n", f->port);
  web_client_send_text(&client, text);
  for (int i = 0; i < 2000 && !client.is_closed; i++) {
    web_client_send_text(&client, "10000\r\n");
    web_client_send(&client, piece, sizeof piece);
    web_client_send_text(&client, "\r\n");
  }
  assert_true(client.is_closed);
  web_client_close(&client);
}

/* ---- later answers ---- */

static void wait_for_pending(web_client *client, fixture *f) {
  for (int i = 0; i < 200 && f->pending == NULL; i++) {
    web_client_step(client);
  }
  assert_non_null(f->pending);
}

static void reply_is_late(web_client *client) {
  web_reply reply = web_client_reply(client, false);
  assert_int_equal(reply.status, 200);
  assert_string_equal(reply.body, "late");
  web_reply_free(&reply);
}

static void later_answer_is_sent_and_the_connection_goes_on(void **state) {
  fixture *f = *state;
  web_client client;
  char text[128];
  (void)snprintf(text, sizeof text, "GET /later HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n\r\n", f->port);
  web_client_open(&client, f->server, f->port);
  for (int i = 0; i < 3; i++) {
    web_client_send_text(&client, text);
    wait_for_pending(&client, f);
    web_respond(f->pending, 200, "text/plain", "late", 4);
    f->pending = NULL;
    reply_is_late(&client);
  }
  assert_int_equal(f->abandoned, 0);
  web_client_close(&client);
}

static void hundred_parallel_later_answers_all_arrive(void **state) {
  fixture *f = *state;
  web_client clients[100];
  web_request *pending[100];
  for (int i = 0; i < 100; i++) {
    char text[128];
    (void)snprintf(text, sizeof text,
                   "POST /later HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nContent-Length: 2\r\n\r\nhi",
                   f->port);
    web_client_open(&clients[i], f->server, f->port);
    web_client_send_text(&clients[i], text);
    wait_for_pending(&clients[i], f);
    pending[i] = f->pending;
    f->pending = NULL;
  }
  for (int i = 99; i >= 0; i--) {
    char text[16];
    int size = snprintf(text, sizeof text, "%d", i);
    web_respond(pending[i], 200, "text/plain", text, (size_t)size);
  }
  for (int i = 0; i < 100; i++) {
    web_reply reply = web_client_reply(&clients[i], false);
    assert_int_equal(atoi(reply.body), i);
    web_reply_free(&reply);
    web_client_close(&clients[i]);
  }
}

static void request_that_nobody_answers_gets_504_and_is_abandoned_once(void **state) {
  fixture *f = *state;
  web_client client;
  web_client_open(&client, f->server, f->port);
  web_reply reply = web_client_ask(&client, "GET", "/later", "", NULL);
  assert_problem(&reply, 504, "timed_out");
  assert_int_equal(f->abandoned, 1);
  web_reply after = web_client_ask(&client, "GET", "/hello", "", NULL);
  assert_int_equal(after.status, 200);
  web_reply_free(&after);
  web_client_close(&client);
}

static void pending_request_of_a_client_that_went_is_abandoned_at_its_deadline(void **state) {
  fixture *f = *state;
  web_client client;
  web_client other;
  web_client_open(&client, f->server, f->port);
  char text[128];
  (void)snprintf(text, sizeof text, "GET /later HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n\r\n", f->port);
  web_client_send_text(&client, text);
  wait_for_pending(&client, f);
  web_client_abort(&client);
  web_client_open(&other, f->server, f->port);
  for (int i = 0; i < 400 && f->abandoned == 0; i++) {
    web_client_step(&other);
  }
  assert_int_equal(f->abandoned, 1);
  web_client_close(&other);
}

static void stop_answers_pending_requests_with_503(void **state) {
  fixture *f = *state;
  web_client client;
  char text[128];
  (void)snprintf(text, sizeof text, "GET /later HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n\r\n", f->port);
  web_client_open(&client, f->server, f->port);
  web_client_send_text(&client, text);
  wait_for_pending(&client, f);
  web_server_stop(f->server);
  assert_int_equal(web_server_run(f->server), WEB_OK);
  client.server = NULL;
  web_reply reply = web_client_reply(&client, false);
  assert_problem(&reply, 503, "stopping");
  assert_int_equal(f->abandoned, 1);
  web_client_close(&client);
}

/* ---- guard ---- */

static void assert_refused(fixture *f, const char *head, unsigned status, const char *code) {
  web_client client;
  web_client_open(&client, f->server, f->port);
  web_client_send_text(&client, head);
  web_reply reply = web_client_reply(&client, false);
  assert_problem(&reply, status, code);
  web_client_close(&client);
}

static void foreign_hosts_origins_and_sites_are_refused(void **state) {
  fixture *f = *state;
  char text[256];
  assert_refused(f, "GET /hello HTTP/1.1\r\nHost: evil.example\r\n\r\n", 403, "host_not_allowed");
  assert_refused(f, "GET /hello HTTP/1.1\r\n\r\n", 400, "host_missing");
  assert_refused(f, "GET / HTTP/1.1\r\nHost: 127.0.0.1:1\r\n\r\n", 403, "host_not_allowed");
  (void)snprintf(text, sizeof text,
                 "GET /hello HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nHost: 127.0.0.1:%u\r\n\r\n", f->port,
                 f->port);
  assert_refused(f, text, 400, "host_repeated");
  (void)snprintf(text, sizeof text,
                 "POST /echo/x HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nOrigin: http://evil.example\r\n"
                 "Content-Length: 5\r\n\r\n",
                 f->port);
  assert_refused(f, text, 403, "origin_not_allowed");
  (void)snprintf(text, sizeof text,
                 "GET /hello HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nSec-Fetch-Site: cross-site\r\n\r\n",
                 f->port);
  assert_refused(f, text, 403, "site_not_allowed");
  assert_int_equal(f->handled, 0);
  web_server_stats stats;
  web_server_get_stats(f->server, &stats);
  assert_int_equal(stats.refused, 6);
}

static void link_from_another_site_to_the_dashboard_is_followed(void **state) {
  fixture *f = *state;
  web_client client;
  web_client_open(&client, f->server, f->port);
  web_reply reply = web_client_ask(
      &client, "GET", "/", "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\n", NULL);
  assert_int_equal(reply.status, 200);
  web_reply_free(&reply);
  web_client_close(&client);
}

static void request_of_http_1_0_without_host_is_served_and_closed(void **state) {
  fixture *f = *state;
  web_client client;
  web_client_open(&client, f->server, f->port);
  web_client_send_text(&client, "GET /hello HTTP/1.0\r\n\r\n");
  web_reply reply = web_client_reply(&client, false);
  assert_int_equal(reply.status, 200);
  web_reply_free(&reply);
  web_client_expect_close(&client);
  web_client_close(&client);
}

/* ---- assets ---- */

static void asset_is_served_as_gzip_or_plain_by_what_the_client_takes(void **state) {
  fixture *f = *state;
  web_client client;
  web_client_open(&client, f->server, f->port);
  web_reply reply = web_client_ask(&client, "GET", "/", "Accept-Encoding: gzip, br\r\n", NULL);
  assert_int_equal(reply.status, 200);
  assert_header(&reply, "Content-Encoding", "gzip");
  assert_header(&reply, "Content-Type", "text/html; charset=utf-8");
  assert_header(&reply, "Cache-Control", "no-cache");
  assert_header(&reply, "ETag", "\"p1\"");
  assert_int_equal(reply.body_size, sizeof page);
  char *policy = web_reply_header(&reply, "Content-Security-Policy");
  assert_non_null(strstr(policy, "default-src 'self'"));
  assert_non_null(strstr(policy, "frame-ancestors 'none'"));
  free(policy);
  web_reply_free(&reply);
  reply = web_client_ask(&client, "GET", "/", "", NULL);
  assert_null(web_reply_header(&reply, "Content-Encoding"));
  assert_string_equal(reply.body, "<h1>pipebridge</h1>\n");
  web_reply_free(&reply);
  web_client_close(&client);
}

static void asset_that_the_client_has_is_not_sent_again(void **state) {
  fixture *f = *state;
  web_client client;
  web_client_open(&client, f->server, f->port);
  web_reply reply =
      web_client_ask(&client, "GET", "/app.123.js", "If-None-Match: \"a1\"\r\n", NULL);
  assert_int_equal(reply.status, 304);
  assert_header(&reply, "Cache-Control", "public, max-age=31536000, immutable");
  web_reply_free(&reply);
  reply = web_client_ask(&client, "GET", "/app.123.js", "If-None-Match: \"a2\"\r\n", NULL);
  assert_int_equal(reply.status, 200);
  web_reply_free(&reply);
  reply = web_client_ask(&client, "POST", "/app.123.js", "", "x");
  assert_header(&reply, "Allow", "GET, HEAD");
  assert_problem(&reply, 405, "method_not_allowed");
  web_client_close(&client);
}

/* ---- listeners ---- */

static void two_listeners_with_port_0_have_ports_of_their_own(void **state) {
  (void)state;
  static const char *const listen[] = {"127.0.0.1:0", "127.0.0.1:0"};
  fixture f = {0};
  web_server_options options = options_of(&f);
  options.listen = listen;
  options.listen_count = 2;
  fixture_start(&f, &options);
  uint16_t second = web_server_port(f.server, 1);
  assert_int_not_equal(second, 0);
  assert_int_not_equal(second, f.port);
  for (int i = 0; i < 2; i++) {
    web_client client;
    web_client_open(&client, f.server, i == 0 ? f.port : second);
    web_reply reply = web_client_ask(&client, "GET", "/hello", "", NULL);
    assert_int_equal(reply.status, 200);
    web_reply_free(&reply);
    web_client_close(&client);
  }
  web_server_destroy(f.server);
}

static void localhost_listens_on_one_port_in_both_families(void **state) {
  (void)state;
  static const char *const listen[] = {"localhost:0"};
  fixture f = {0};
  web_server_options options = options_of(&f);
  options.listen = listen;
  fixture_start(&f, &options);
  web_client client;
  if (access("/proc/net/if_inet6", F_OK) != 0) {
    web_server_destroy(f.server);
    skip();
  }
  web_client_open_ipv6(&client, f.server, f.port);
  char text[128];
  (void)snprintf(text, sizeof text, "GET /hello HTTP/1.1\r\nHost: [::1]:%u\r\n\r\n", f.port);
  web_client_send_text(&client, text);
  web_reply reply = web_client_reply(&client, false);
  assert_int_equal(reply.status, 200);
  web_reply_free(&reply);
  web_client_close(&client);
  web_server_destroy(f.server);
}

static void taken_port_is_told_with_what_to_do(void **state) {
  fixture *f = *state;
  char address[32];
  const char *listen[] = {address};
  char error[512] = "";
  web_server *second = NULL;
  web_server_options options = options_of(f);
  (void)snprintf(address, sizeof address, "127.0.0.1:%u", f->port);
  options.listen = listen;
  assert_int_equal(web_server_create(&options, &second, error, sizeof error), WEB_E_IN_USE);
  assert_non_null(strstr(error, address));
  assert_non_null(strstr(error, "choose another port"));
  assert_null(second);
}

static void client_over_the_connection_limit_is_told_503(void **state) {
  (void)state;
  fixture f = {0};
  web_client clients[3];
  web_server_options options = options_of(&f);
  options.limits.max_connections = 2;
  fixture_start(&f, &options);
  for (int i = 0; i < 2; i++) {
    web_client_open(&clients[i], f.server, f.port);
    web_reply reply = web_client_ask(&clients[i], "GET", "/hello", "", NULL);
    assert_int_equal(reply.status, 200);
    web_reply_free(&reply);
  }
  web_client_open(&clients[2], f.server, f.port);
  web_reply reply = web_client_reply(&clients[2], false);
  assert_problem(&reply, 503, "too_many_connections");
  web_client_expect_close(&clients[2]);
  assert_int_equal(clients[2].size, 0);
  for (int i = 0; i < 3; i++) {
    web_client_close(&clients[i]);
  }
  web_server_destroy(f.server);
}

static void repeated_or_contradicting_lengths_are_refused(void **state) {
  fixture *f = *state;
  static const char *const lengths[] = {
      "Content-Length: 3\r\nContent-Length: 4\r\n", "Content-Length: 3\r\nContent-Length: 3\r\n",
      "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
      "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n"};
  for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
    char text[256];
    (void)snprintf(text, sizeof text, "POST /echo/x HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n%s\r\n",
                   f->port, lengths[i]);
    assert_refused(f, text, 400, "length_repeated");
  }
  assert_int_equal(f->handled, 0);
}

/* libmicrohttpd overlooks an end that comes together with half a request, for as long as
 * connections may be idle. */
static void client_that_ends_in_the_middle_of_a_request_is_let_go_at_once(void **state) {
  (void)state;
  fixture f = {0};
  web_client idle;
  web_server_stats stats;
  web_server_options options = options_of(&f);
  fixture_start(&f, &options);
  web_client_open(&idle, f.server, f.port);
  web_reply reply = web_client_ask(&idle, "GET", "/hello", "", NULL);
  web_reply_free(&reply);
  static const char *const halves[] = {"GET", "GET /hello HTTP/1.1\r\nHost: 127.",
                                       "POST /echo/x HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc"};
  for (int i = 0; i < 60; i++) {
    web_client client;
    web_client_open(&client, f.server, f.port);
    web_client_send_text(&client, halves[i % 3]);
    web_client_close(&client);
  }
  for (int i = 0; i < 10; i++) {
    assert_int_equal(web_server_turn(f.server, 5), WEB_OK);
  }
  web_server_get_stats(f.server, &stats);
  assert_int_equal(stats.connections, 1);
  web_client_close(&idle);
  web_server_destroy(f.server);
}

static void client_that_closes_its_half_gets_its_answer(void **state) {
  fixture *f = *state;
  web_client client;
  char text[128];
  web_client_open(&client, f->server, f->port);
  (void)snprintf(text, sizeof text, "GET /later HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n\r\n", f->port);
  web_client_send_text(&client, text);
  assert_int_equal(shutdown(client.fd, SHUT_WR), 0);
  wait_for_pending(&client, f);
  for (int i = 0; i < 10; i++) {
    web_client_step(&client);
  }
  web_respond(f->pending, 200, "text/plain", "late", 4);
  f->pending = NULL;
  reply_is_late(&client);
  web_client_expect_close(&client);
  web_client_close(&client);
}

static void oversized_headers_are_refused(void **state) {
  fixture *f = *state;
  web_client client;
  web_client_open(&client, f->server, f->port);
  char *head = calloc(1, 40000);
  int used =
      snprintf(head, 40000, "GET /hello HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nX-Long: ", f->port);
  memset(head + used, 'a', 30000);
  strcat(head, "\r\n\r\n");
  web_client_send_text(&client, head);
  web_reply reply = web_client_reply(&client, false);
  assert_true(reply.status == 431 || reply.status == 413);
  web_reply_free(&reply);
  free(head);
  web_client_close(&client);
}

#define SERVER_TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      SERVER_TEST(request_is_answered_with_safety_headers_and_keeps_the_connection),
      SERVER_TEST(pipelined_requests_are_answered_in_order),
      SERVER_TEST(head_is_answered_like_get_without_a_body),
      SERVER_TEST(parameters_and_bodies_reach_the_handler),
      SERVER_TEST(chunked_body_reaches_the_handler),
      SERVER_TEST(unknown_path_is_404_and_unknown_method_405_with_allow),
      SERVER_TEST(declared_body_over_the_bound_is_answered_before_it_is_sent),
      SERVER_TEST(chunked_body_over_the_bound_is_answered_with_413),
      SERVER_TEST(chunked_body_without_end_is_cut_off),
      SERVER_TEST(later_answer_is_sent_and_the_connection_goes_on),
      SERVER_TEST(hundred_parallel_later_answers_all_arrive),
      SERVER_TEST(request_that_nobody_answers_gets_504_and_is_abandoned_once),
      SERVER_TEST(pending_request_of_a_client_that_went_is_abandoned_at_its_deadline),
      SERVER_TEST(stop_answers_pending_requests_with_503),
      SERVER_TEST(foreign_hosts_origins_and_sites_are_refused),
      SERVER_TEST(link_from_another_site_to_the_dashboard_is_followed),
      SERVER_TEST(request_of_http_1_0_without_host_is_served_and_closed),
      SERVER_TEST(asset_is_served_as_gzip_or_plain_by_what_the_client_takes),
      SERVER_TEST(asset_that_the_client_has_is_not_sent_again),
      cmocka_unit_test(two_listeners_with_port_0_have_ports_of_their_own),
      cmocka_unit_test(localhost_listens_on_one_port_in_both_families),
      SERVER_TEST(taken_port_is_told_with_what_to_do),
      cmocka_unit_test(client_over_the_connection_limit_is_told_503),
      SERVER_TEST(repeated_or_contradicting_lengths_are_refused),
      cmocka_unit_test(client_that_ends_in_the_middle_of_a_request_is_let_go_at_once),
      SERVER_TEST(client_that_closes_its_half_gets_its_answer),
      SERVER_TEST(oversized_headers_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
