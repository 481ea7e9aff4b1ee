/* Broadcast logs and their observers over real loopback sockets, the server stepped by the test.
 *
 * Events are lines "e SEQ …", gaps "g FROM TO COUNT"; a ledger reads what one observer got and
 * holds received + gaps = produced against it. */
#include "test.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "web/observer.h"
#include "web/server.h"
#include "web_client.h"

enum { LOG_BYTES = 256 * 1024 };

typedef struct fixture {
  web_server *server;
  uint16_t port;
  web_log *frames;
  web_log *lines;
  uint64_t seq;       /* of the last event */
  uint64_t past_next; /* catch_up: the next event; 0: begin at the log's head */
  web_socket *socket;
  int closed;
  int ended;
  bool observes_nothing;
} fixture;

/* ---- the ledger ---- */

typedef struct ledger {
  uint64_t next_seq; /* that must come */
  uint64_t received;
  uint64_t missed;
  uint64_t gaps;
} ledger;

static void ledger_read_line(ledger *l, const char *line) {
  uint64_t seq = 0;
  uint64_t to = 0;
  uint64_t count = 0;
  if (sscanf(line, "e %" SCNu64, &seq) == 1) {
    assert_int_equal(seq, l->next_seq);
    l->next_seq++;
    l->received++;
  } else {
    assert_int_equal(sscanf(line, "g %" SCNu64 " %" SCNu64 " %" SCNu64, &seq, &to, &count), 3);
    assert_int_equal(seq, l->next_seq);
    assert_int_equal(to - seq + 1, count);
    l->next_seq = to + 1;
    l->missed += count;
    l->gaps++;
  }
}

/* Whole lines only; returns the bytes read. */
static size_t ledger_read(ledger *l, const char *text, size_t size) {
  size_t at = 0;
  const char *end = NULL;
  while ((end = memchr(text + at, '\n', size - at)) != NULL) {
    ledger_read_line(l, text + at);
    at = (size_t)(end - text) + 1;
  }
  return at;
}

static void ledger_read_frames(ledger *l, web_client *client) {
  while (web_client_has_frame(client)) {
    web_frame frame = web_client_frame(client);
    assert_true(frame.is_final);
    if (frame.opcode == 1 && frame.data[0] != '#') {
      assert_int_equal(ledger_read(l, (char *)frame.data, frame.size), frame.size);
    }
    web_frame_free(&frame);
  }
}

static void ledger_read_stream(ledger *l, web_client *client) {
  web_client_take(client, ledger_read(l, client->data, client->size));
}

static void assert_balanced(const ledger *l, uint64_t produced) {
  assert_int_equal(l->received + l->missed, produced);
}

/* ---- the owner's side ---- */

static void produce_into(web_log *log, uint64_t first, uint64_t count, size_t padding) {
  size_t bound = (padding + 32) * (size_t)count;
  char *start = (char *)web_log_reserve(log, bound);
  assert_non_null(start);
  char *at = start;
  for (uint64_t i = 0; i < count; i++) {
    at += sprintf(at, "e %" PRIu64 " ", first + i);
    memset(at, 'x', padding);
    at += padding;
    *at++ = '\n';
  }
  web_span span = {.first_seq = first, .last_seq = first + count - 1, .count = count};
  web_log_commit(log, (size_t)(at - start), &span);
}

/* One piece of `count` events in both logs. */
static void produce(fixture *f, uint64_t count, size_t padding) {
  produce_into(f->frames, f->seq + 1, count, padding);
  produce_into(f->lines, f->seq + 1, count, padding);
  f->seq += count;
}

static void source_catch_up(void *user, web_buffer *out) {
  fixture *f = user;
  for (int i = 0; i < 100 && f->past_next <= f->seq; i++) {
    web_buffer_append_format(out, "e %" PRIu64 " past\n", f->past_next++);
  }
}

static void source_encode_gap(void *user, const web_span *missed, web_buffer *out) {
  (void)user;
  web_buffer_append_format(out, "g %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", missed->first_seq,
                           missed->last_seq, missed->count);
}

static web_source source_of(fixture *f, web_log *log) {
  return (web_source){.log = log,
                      .catch_up = f->past_next > 0 ? source_catch_up : NULL,
                      .encode_gap = source_encode_gap,
                      .user = f};
}

static void on_open(web_socket *socket, void *user) {
  fixture *f = user;
  f->socket = socket;
  if (!f->observes_nothing) {
    web_source source = source_of(f, f->frames);
    web_socket_observe(socket, &source);
  }
}

static void on_close(web_socket *socket, uint16_t code, void *user) {
  (void)socket;
  (void)code;
  ((fixture *)user)->closed++;
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
  web_source source = source_of(f, f->lines);
  web_stream_start(request, "application/x-ndjson", &source, on_end);
}

static void handle_hello(web_request *request, void *user) {
  (void)user;
  web_respond(request, 200, "text/plain", "hello", 5);
}

static const web_route routes[] = {{"GET", "/ws", handle_socket},
                                   {"GET", "/stream", handle_stream},
                                   {"GET", "/hello", handle_hello}};

static int set_up(void **state) {
  fixture *f = calloc(1, sizeof *f);
  web_server_options options = {.routes = routes,
                                .route_count = sizeof routes / sizeof routes[0],
                                .user = f,
                                .limits = {.close_timeout_ms = 300}};
  f->server = web_client_serve(options, &f->port);
  assert_int_equal(web_log_create(f->server, WEB_LOG_WS_TEXT, LOG_BYTES, &f->frames), WEB_OK);
  assert_int_equal(web_log_create(f->server, WEB_LOG_PLAIN, LOG_BYTES, &f->lines), WEB_OK);
  *state = f;
  return 0;
}

static void settle(fixture *f) {
  web_client_expect_none(f->server);
  assert_int_equal(web_log_observer_count(f->frames), 0);
  assert_int_equal(web_log_observer_count(f->lines), 0);
}

static int tear_down(void **state) {
  fixture *f = *state;
  settle(f);
  web_log_destroy(f->frames);
  web_log_destroy(f->lines);
  web_server_destroy(f->server);
  free(f);
  return 0;
}

static void turns(fixture *f, int count) {
  for (int i = 0; i < count; i++) {
    assert_int_equal(web_server_turn(f->server, 0), WEB_OK);
  }
}

static void open_socket(web_client *client, fixture *f) {
  web_client_open(client, f->server, f->port);
  web_client_upgrade(client, "/ws", "");
  turns(f, 2);
}

/* Takes the head of the answer; the body follows. */
static void open_stream(web_client *client, fixture *f, const char *version) {
  char text[256];
  web_client_open(client, f->server, f->port);
  (void)snprintf(text, sizeof text, "GET /stream %s\r\nHost: 127.0.0.1:%u\r\n\r\n", version,
                 f->port);
  web_client_send_text(client, text);
  char *end = NULL;
  for (int i = 0; i < 2000 && (end = strstr(client->data, "\r\n\r\n")) == NULL; i++) {
    web_client_step(client);
  }
  assert_non_null(end);
  assert_int_equal(strncmp(client->data, "HTTP/1.1 200", 12), 0);
  web_client_take(client, (size_t)(end - client->data) + 4);
  turns(f, 2);
}

static void expect_frames_to(ledger *l, web_client *client, uint64_t seq) {
  for (int i = 0; i < 20000 && l->next_seq <= seq; i++) {
    web_client_step(client);
    ledger_read_frames(l, client);
  }
  assert_int_equal(l->next_seq, seq + 1);
}

static void expect_lines_to(ledger *l, web_client *client, uint64_t seq) {
  for (int i = 0; i < 20000 && l->next_seq <= seq; i++) {
    web_client_step(client);
    ledger_read_stream(l, client);
  }
  assert_int_equal(l->next_seq, seq + 1);
}

/* ---- live ---- */

static void each_commit_is_one_message_to_every_observer(void **state) {
  fixture *f = *state;
  web_client clients[10];
  for (int i = 0; i < 10; i++) {
    open_socket(&clients[i], f);
  }
  assert_int_equal(web_log_observer_count(f->frames), 10);
  for (int i = 0; i < 5; i++) {
    produce(f, 3, 10);
  }
  for (int i = 0; i < 10; i++) {
    ledger l = {.next_seq = 1};
    for (int j = 0; j < 5; j++) {
      web_frame frame = web_client_frame(&clients[i]);
      assert_int_equal(ledger_read(&l, (char *)frame.data, frame.size), frame.size);
      assert_int_equal(l.received, 3 * (j + 1));
      web_frame_free(&frame);
    }
    web_client_close(&clients[i]);
  }
}

static void observer_begins_at_the_head_without_a_past(void **state) {
  fixture *f = *state;
  web_client client;
  ledger l = {.next_seq = 11};
  produce(f, 10, 10);
  open_socket(&client, f);
  produce(f, 5, 10);
  expect_frames_to(&l, &client, 15);
  assert_balanced(&l, 5);
  web_client_close(&client);
}

static void observer_of_the_past_goes_over_to_the_log_without_a_hole(void **state) {
  fixture *f = *state;
  web_client socket;
  web_client stream;
  ledger l = {.next_seq = 1};
  ledger m = {.next_seq = 1};
  for (int i = 0; i < 100; i++) {
    produce(f, 100, 10);
  }
  f->past_next = 1;
  open_socket(&socket, f);
  for (int i = 0; i < 50; i++) {
    produce(f, 10, 10);
    turns(f, 1);
    web_client_receive(&socket);
  }
  expect_frames_to(&l, &socket, f->seq);
  produce(f, 1, 10);
  expect_frames_to(&l, &socket, f->seq);
  assert_balanced(&l, 10501);
  assert_int_equal(l.gaps, 0);
  turns(f, 5); /* so that the first observer has found that it has caught up */
  f->past_next = 1;
  open_stream(&stream, f, "HTTP/1.1");
  produce(f, 1, 10);
  expect_lines_to(&m, &stream, f->seq);
  assert_balanced(&m, 10502);
  web_client_close(&socket);
  web_client_close(&stream);
}

static void stream_and_socket_carry_the_same_events(void **state) {
  fixture *f = *state;
  web_client socket;
  web_client stream;
  web_client old;
  ledger l = {.next_seq = 1};
  ledger m = {.next_seq = 1};
  ledger n = {.next_seq = 1};
  open_socket(&socket, f);
  open_stream(&stream, f, "HTTP/1.1");
  open_stream(&old, f, "HTTP/1.0");
  for (int i = 0; i < 2000; i++) {
    produce(f, 5, 100);
    turns(f, 1);
    web_client_receive(&socket);
    web_client_receive(&stream);
    web_client_receive(&old);
  }
  expect_frames_to(&l, &socket, f->seq);
  expect_lines_to(&m, &stream, f->seq);
  expect_lines_to(&n, &old, f->seq);
  assert_int_equal(l.received, 10000);
  assert_int_equal(m.received, 10000);
  assert_int_equal(n.received, 10000);
  web_client_close(&socket);
  web_client_close(&stream);
  web_client_close(&old);
}

/* ---- slow observers ---- */

static void slow_observers_among_fast_ones_lose_nothing_uncounted(void **state) {
  fixture *f = *state;
  web_client fast[3];
  web_client slow_socket;
  web_client slow_stream;
  ledger fast_ledgers[3] = {{.next_seq = 1}, {.next_seq = 1}, {.next_seq = 1}};
  ledger socket_ledger = {.next_seq = 1};
  ledger stream_ledger = {.next_seq = 1};
  open_socket(&slow_socket, f);
  open_stream(&slow_stream, f, "HTTP/1.1");
  web_client_narrow(&slow_socket);
  web_client_narrow(&slow_stream);
  for (int i = 0; i < 3; i++) {
    open_socket(&fast[i], f);
  }
  for (int i = 0; i < 4000; i++) {
    produce(f, 25, 100);
    turns(f, 1);
    for (int j = 0; j < 3; j++) {
      web_client_receive(&fast[j]);
      ledger_read_frames(&fast_ledgers[j], &fast[j]);
    }
  }
  assert_int_equal(f->seq, 100000);
  for (int j = 0; j < 3; j++) {
    expect_frames_to(&fast_ledgers[j], &fast[j], f->seq);
    assert_int_equal(fast_ledgers[j].received, f->seq);
    web_client_close(&fast[j]);
  }
  expect_frames_to(&socket_ledger, &slow_socket, f->seq);
  expect_lines_to(&stream_ledger, &slow_stream, f->seq);
  assert_balanced(&socket_ledger, f->seq);
  assert_balanced(&stream_ledger, f->seq);
  assert_true(socket_ledger.gaps > 0);
  assert_true(stream_ledger.gaps > 0);
  web_client_close(&slow_socket);
  web_client_close(&slow_stream);
}

static void observer_that_stalls_again_and_again_stays_balanced(void **state) {
  fixture *f = *state;
  web_client client;
  ledger l = {.next_seq = 1};
  open_socket(&client, f);
  web_client_narrow(&client);
  for (int round = 0; round < 20; round++) {
    for (int i = 0; i < 400; i++) {
      produce(f, 1 + (uint64_t)(i % 40), 37 + (size_t)(i % 7) * 100);
      turns(f, 1);
    }
    for (int i = 0; i < round * 3; i++) {
      web_client_step(&client);
      ledger_read_frames(&l, &client);
    }
  }
  expect_frames_to(&l, &client, f->seq);
  assert_balanced(&l, f->seq);
  assert_true(l.gaps > 1);
  web_client_close(&client);
}

static void private_messages_stand_between_pieces_also_for_a_slow_peer(void **state) {
  fixture *f = *state;
  web_client client;
  ledger l = {.next_seq = 1};
  int sent = 0;
  int came = 0;
  open_socket(&client, f);
  web_client_narrow(&client);
  for (int i = 0; i < 3000; i++) {
    char text[64];
    int size = snprintf(text, sizeof text, "# %d", sent);
    produce(f, 20, 300);
    web_status status = web_socket_send(f->socket, WEB_WS_TEXT, text, (size_t)size);
    assert_true(status == WEB_OK || status == WEB_FULL);
    sent += status == WEB_OK ? 1 : 0;
    turns(f, 1);
  }
  while (came < sent || l.next_seq <= f->seq) {
    web_frame frame = web_client_frame(&client);
    if (frame.data[0] == '#') {
      assert_int_equal(atoi((char *)frame.data + 2), came);
      came++;
    } else {
      assert_int_equal(ledger_read(&l, (char *)frame.data, frame.size), frame.size);
    }
    web_frame_free(&frame);
  }
  assert_balanced(&l, f->seq);
  assert_true(l.gaps > 0);
  web_client_close(&client);
}

/* Fills the peer until the kernel takes no more: the last piece then went out in part. */
static void fill(fixture *f, web_client *client) {
  web_client_narrow(client);
  for (int i = 0; i < 16; i++) {
    produce(f, 100, 500);
    turns(f, 1);
  }
}

static void close_of_a_full_peer_completes_the_piece_first(void **state) {
  fixture *f = *state;
  web_client client;
  ledger l = {.next_seq = 1};
  open_socket(&client, f);
  fill(f, &client);
  web_socket_close(f->socket, 4000, "enough");
  bool is_closed = false;
  while (!is_closed) {
    web_frame frame = web_client_frame(&client);
    is_closed = frame.opcode == 8;
    if (!is_closed) {
      assert_int_equal(ledger_read(&l, (char *)frame.data, frame.size), frame.size);
    }
    web_frame_free(&frame);
  }
  assert_true(l.received > 0);
  web_client_close(&client);
}

static void observer_that_changes_its_source_gets_whole_pieces_of_both(void **state) {
  fixture *f = *state;
  web_client client;
  ledger l = {.next_seq = 1};
  web_log *other = NULL;
  assert_int_equal(web_log_create(f->server, WEB_LOG_WS_TEXT, LOG_BYTES, &other), WEB_OK);
  open_socket(&client, f);
  fill(f, &client);
  web_source source = source_of(f, other);
  web_socket_observe(f->socket, &source);
  assert_int_equal(web_log_observer_count(f->frames), 0);
  assert_int_equal(web_log_observer_count(other), 1);
  produce_into(other, 1000001, 5, 10);
  uint64_t last = 0;
  while (last != 1000005) {
    web_frame frame = web_client_frame(&client);
    assert_int_equal(frame.data[frame.size - 1], '\n');
    if (strncmp((char *)frame.data, "e 1000001", 9) == 0) {
      l.next_seq = 1000001;
    }
    assert_int_equal(ledger_read(&l, (char *)frame.data, frame.size), frame.size);
    last = l.next_seq - 1;
    web_frame_free(&frame);
  }
  web_socket_observe(f->socket, NULL);
  assert_int_equal(web_log_observer_count(other), 0);
  web_log_destroy(other);
  web_client_close(&client);
}

static void observer_that_stops_can_go_on_exactly_there(void **state) {
  fixture *f = *state;
  web_client client;
  ledger l = {.next_seq = 1};
  open_socket(&client, f);
  fill(f, &client);
  uint64_t next = web_socket_next_seq(f->socket);
  next = next != 0 ? next : f->seq + 1;
  web_socket_observe(f->socket, NULL);
  assert_int_equal(web_socket_next_seq(f->socket), 0);
  produce(f, 10, 10);
  f->past_next = next;
  web_source source = source_of(f, f->frames);
  assert_int_equal(web_socket_send(f->socket, WEB_WS_TEXT, "#", 1), WEB_OK);
  web_socket_observe(f->socket, &source);
  bool is_told = false;
  while (l.next_seq <= f->seq) {
    web_frame frame = web_client_frame(&client);
    if (frame.data[0] == '#') {
      assert_int_equal(l.next_seq, next);
      is_told = true;
    } else {
      assert_int_equal(ledger_read(&l, (char *)frame.data, frame.size), frame.size);
    }
    web_frame_free(&frame);
  }
  assert_true(is_told);
  assert_int_equal(l.received, f->seq);
  web_client_close(&client);
}

static void first_piece_of_the_past_stands_before_what_is_sent_next(void **state) {
  fixture *f = *state;
  web_client client;
  f->observes_nothing = true;
  open_socket(&client, f);
  produce(f, 3, 10);
  f->past_next = 1;
  web_source source = source_of(f, f->frames);
  web_socket_observe(f->socket, &source);
  assert_int_equal(web_socket_send(f->socket, WEB_WS_TEXT, "#", 1), WEB_OK);
  web_frame first = web_client_frame(&client);
  web_frame second = web_client_frame(&client);
  assert_memory_equal(first.data, "e 1 past", 8);
  assert_int_equal(second.data[0], '#');
  web_frame_free(&first);
  web_frame_free(&second);
  web_client_close(&client);
}

/* ---- streams ---- */

static void stream_answers_with_the_head_of_an_endless_body(void **state) {
  fixture *f = *state;
  web_client client;
  char text[128];
  web_client_open(&client, f->server, f->port);
  (void)snprintf(text, sizeof text, "GET /stream HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n\r\n", f->port);
  web_client_send_text(&client, text);
  while (strstr(client.data, "\r\n\r\n") == NULL) {
    web_client_step(&client);
  }
  assert_non_null(strstr(client.data, "Content-Type: application/x-ndjson\r\n"));
  assert_non_null(strstr(client.data, "Cache-Control: no-store\r\n"));
  assert_non_null(strstr(client.data, "Connection: close\r\n"));
  assert_null(strstr(client.data, "Content-Length"));
  assert_null(strstr(client.data, "Transfer-Encoding"));
  web_client_close(&client);
}

static void head_of_a_stream_is_answered_and_ended(void **state) {
  fixture *f = *state;
  web_client client;
  web_client_open(&client, f->server, f->port);
  web_reply reply = web_client_ask(&client, "HEAD", "/stream", "", NULL);
  assert_int_equal(reply.status, 200);
  web_reply_free(&reply);
  web_client_close(&client);
  settle(f);
  assert_int_equal(f->ended, 1);
}

/* Suspended connections tell libmicrohttpd nothing; our own poller must. */
static void client_that_leaves_an_idle_stream_is_noticed_without_any_event(void **state) {
  fixture *f = *state;
  for (int i = 0; i < 20; i++) {
    web_client client;
    open_stream(&client, f, "HTTP/1.1");
    if (i % 2 == 0) {
      web_client_close(&client);
    } else {
      web_client_abort(&client);
    }
  }
  settle(f);
  assert_int_equal(f->ended, 20);
}

static uint32_t connections_of(fixture *f) {
  web_server_stats stats;
  web_server_get_stats(f->server, &stats);
  return stats.connections;
}

/* libmicrohttpd 0.9.75 forgets the ended stream's connection if an older one is idle. */
static void stream_that_ends_beside_an_idle_connection_is_closed(void **state) {
  fixture *f = *state;
  web_client idle;
  web_client stream;
  web_client_open(&idle, f->server, f->port);
  web_reply reply = web_client_ask(&idle, "GET", "/hello", "", NULL);
  web_reply_free(&reply);
  open_stream(&stream, f, "HTTP/1.1");
  assert_int_equal(connections_of(f), 2);
  web_client_close(&stream);
  for (int i = 0; i < 400 && connections_of(f) > 1; i++) {
    assert_int_equal(web_server_turn(f->server, 5), WEB_OK);
  }
  assert_int_equal(connections_of(f), 1);
  web_client_close(&idle);
}

static void client_that_leaves_a_blocked_stream_is_noticed(void **state) {
  fixture *f = *state;
  web_client client;
  open_stream(&client, f, "HTTP/1.1");
  fill(f, &client);
  web_client_abort(&client);
  settle(f);
  assert_int_equal(f->ended, 1);
}

static void requests_are_answered_while_streams_run(void **state) {
  fixture *f = *state;
  web_client stream;
  web_client client;
  ledger l = {.next_seq = 1};
  open_stream(&stream, f, "HTTP/1.1");
  web_client_open(&client, f->server, f->port);
  for (int i = 0; i < 50; i++) {
    produce(f, 10, 100);
    web_reply reply = web_client_ask(&client, "GET", "/hello", "", NULL);
    assert_string_equal(reply.body, "hello");
    web_reply_free(&reply);
  }
  expect_lines_to(&l, &stream, f->seq);
  web_client_close(&stream);
  web_client_close(&client);
}

/* ---- stop and leaks ---- */

static void stop_sends_the_last_events_and_ends_everybody(void **state) {
  fixture *f = *state;
  web_client sockets[5];
  web_client streams[5];
  web_client full;
  for (int i = 0; i < 5; i++) {
    open_socket(&sockets[i], f);
    open_stream(&streams[i], f, "HTTP/1.1");
  }
  produce(f, 10, 100);
  web_server_stop(f->server);
  open_socket(&full, f);
  fill(f, &full);
  uint64_t before = web_server_now_ns(f->server);
  assert_int_equal(web_server_run(f->server), WEB_OK);
  assert_true(web_server_now_ns(f->server) - before < 2000000000U);
  assert_int_equal(f->closed, 6);
  assert_int_equal(f->ended, 5);
  for (int i = 0; i < 5; i++) {
    ledger l = {.next_seq = 1};
    ledger m = {.next_seq = 1};
    sockets[i].server = NULL;
    streams[i].server = NULL;
    web_client_expect_close(&sockets[i]);
    web_client_expect_close(&streams[i]);
    ledger_read_frames(&l, &sockets[i]);
    ledger_read_stream(&m, &streams[i]);
    assert_balanced(&l, f->seq);
    assert_balanced(&m, f->seq);
    web_client_close(&sockets[i]);
    web_client_close(&streams[i]);
  }
  web_client_close(&full);
  web_log_destroy(f->frames);
  web_log_destroy(f->lines);
  web_server_destroy(f->server);
  free(f);
}

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

static void two_thousand_streams_leave_nothing(void **state) {
  fixture *f = *state;
  size_t before = descriptor_count();
  for (int i = 0; i < 2000; i++) {
    web_client client;
    open_stream(&client, f, "HTTP/1.1");
    if (i % 10 == 0) {
      produce(f, 5, 100);
    }
    if (i % 2 == 0) {
      web_client_close(&client);
    } else {
      web_client_abort(&client);
    }
  }
  settle(f);
  assert_int_equal(f->ended, 2000);
  assert_int_equal(descriptor_count(), before);
}

#define LOG_TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      LOG_TEST(each_commit_is_one_message_to_every_observer),
      LOG_TEST(observer_begins_at_the_head_without_a_past),
      LOG_TEST(observer_of_the_past_goes_over_to_the_log_without_a_hole),
      LOG_TEST(stream_and_socket_carry_the_same_events),
      LOG_TEST(slow_observers_among_fast_ones_lose_nothing_uncounted),
      LOG_TEST(observer_that_stalls_again_and_again_stays_balanced),
      LOG_TEST(private_messages_stand_between_pieces_also_for_a_slow_peer),
      LOG_TEST(close_of_a_full_peer_completes_the_piece_first),
      LOG_TEST(observer_that_changes_its_source_gets_whole_pieces_of_both),
      LOG_TEST(observer_that_stops_can_go_on_exactly_there),
      LOG_TEST(first_piece_of_the_past_stands_before_what_is_sent_next),
      LOG_TEST(stream_answers_with_the_head_of_an_endless_body),
      LOG_TEST(head_of_a_stream_is_answered_and_ended),
      LOG_TEST(client_that_leaves_an_idle_stream_is_noticed_without_any_event),
      LOG_TEST(stream_that_ends_beside_an_idle_connection_is_closed),
      LOG_TEST(client_that_leaves_a_blocked_stream_is_noticed),
      LOG_TEST(requests_are_answered_while_streams_run),
      cmocka_unit_test_setup(stop_sends_the_last_events_and_ends_everybody, set_up),
      LOG_TEST(two_thousand_streams_leave_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
