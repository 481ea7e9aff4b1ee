/* What an owner of a WebSocket has against a flood: pausing, and knowing what is still to be sent.
 * The server is stepped by the test. */
#include "test.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "web/observer.h"
#include "web/server.h"
#include "web_client.h"

enum { TEXT = 0x81, CLOSE = 0x88, CLOSE_TIMEOUT_MS = 200, OUTBOX_BYTES = 100000 };

typedef struct fixture {
  web_server *server;
  uint16_t port;
  web_socket *socket;
  unsigned messages;
  unsigned pause_each; /* after so many messages; 0: never */
  bool pauses_at_open;
  bool is_closed;
  uint16_t close_code;
  size_t bytes;
  size_t unsent_bytes; /* at the last on_sent */
} fixture;

static void on_open(web_socket *socket, void *user) {
  fixture *f = user;
  f->socket = socket;
  if (f->pauses_at_open) {
    web_socket_pause(socket);
  }
}

/* Messages are numbers, so that order and completeness show. */
static void on_message(web_socket *socket, web_ws_opcode opcode, const uint8_t *data, size_t size,
                       void *user) {
  fixture *f = user;
  (void)opcode;
  uint32_t number;
  assert_true(size >= sizeof number);
  memcpy(&number, data, sizeof number);
  assert_int_equal(number, f->messages);
  f->messages++;
  f->bytes += size;
  if (f->pause_each > 0 && f->messages % f->pause_each == 0) {
    web_socket_pause(socket);
  }
}

static void on_sent(web_socket *socket, void *user) {
  fixture *f = user;
  f->unsent_bytes = web_socket_unsent_bytes(socket);
}

static void on_close(web_socket *socket, uint16_t code, void *user) {
  fixture *f = user;
  (void)socket;
  f->socket = NULL;
  f->is_closed = true;
  f->close_code = code;
}

static void handle_socket(web_request *request, void *user) {
  static const web_socket_events events = {
      .on_open = on_open, .on_message = on_message, .on_sent = on_sent, .on_close = on_close};
  web_status status = web_socket_accept(request, NULL, &events, user);
  assert_int_equal(status, WEB_OK);
}

static const web_route routes[] = {{"GET", "/ws", handle_socket}};

static int set_up(void **state) {
  fixture *f = calloc(1, sizeof *f);
  web_server_options options = {
      .routes = routes,
      .route_count = 1,
      .user = f,
      .limits = {.max_websocket_outbox_bytes = OUTBOX_BYTES, .close_timeout_ms = CLOSE_TIMEOUT_MS}};
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

static void open_socket(web_client *client, fixture *f) {
  web_client_open(client, f->server, f->port);
  web_client_upgrade(client, "/ws", "");
  for (int i = 0; i < 400 && !f->socket; i++) {
    web_client_step(client);
  }
  assert_non_null(f->socket);
}

/* `count` numbered messages of `size` bytes, one behind the other. */
static uint8_t *numbered_frames(uint32_t count, size_t size, size_t *out_size) {
  uint8_t *frames = malloc(count * (size + 64));
  uint8_t *payload = calloc(1, size);
  *out_size = 0;
  for (uint32_t number = 0; number < count; number++) {
    memcpy(payload, &number, sizeof number);
    *out_size += web_client_write_frame(frames + *out_size, 0x82, payload, size);
  }
  free(payload);
  return frames;
}

static void turn_until(fixture *f, web_client *client, unsigned messages) {
  for (int i = 0; i < 400 && f->messages < messages; i++) {
    web_client_step(client);
  }
  assert_int_equal(f->messages, messages);
}

static void end(web_client *client, fixture *f) {
  web_client_close(client);
  for (int i = 0; i < 400 && !f->is_closed; i++) {
    assert_int_equal(web_server_turn(f->server, 5), WEB_OK);
  }
  assert_true(f->is_closed);
}

/* ---- pausing ---- */

static void socket_paused_after_each_message_takes_one_at_a_time(void **state) {
  fixture *f = *state;
  web_client client;
  open_socket(&client, f);
  f->pause_each = 1;
  size_t size;
  uint8_t *frames = numbered_frames(100, 40, &size);
  web_client_send(&client, frames, size);
  for (unsigned count = 1; count <= 100; count++) {
    turn_until(f, &client, count);
    web_client_step(&client);
    assert_int_equal(f->messages, count);
    web_socket_resume(f->socket);
  }
  free(frames);
  end(&client, f);
}

static void socket_paused_at_its_opening_keeps_what_came_with_the_handshake(void **state) {
  fixture *f = *state;
  web_client client;
  f->pauses_at_open = true;
  web_client_open(&client, f->server, f->port);
  static char request[8192];
  web_client_write_handshake(&client, "/ws", "", request, sizeof request);
  size_t size;
  uint8_t *frames = numbered_frames(20, 100, &size);
  size_t head = strlen(request);
  memcpy(request + head, frames, size);
  web_client_send(&client, request, head + size);
  for (int i = 0; i < 400 && !f->socket; i++) {
    web_client_step(&client);
  }
  web_client_step(&client);
  assert_int_equal(f->messages, 0);
  web_socket_resume(f->socket);
  turn_until(f, &client, 20);
  free(frames);
  end(&client, f);
}

static void peer_of_a_paused_socket_can_send_no_more_than_the_kernel_holds(void **state) {
  enum { COUNT = 500, SIZE = 100000 };
  fixture *f = *state;
  web_client client;
  open_socket(&client, f);
  web_socket_pause(f->socket);
  size_t size;
  size_t sent = 0;
  uint8_t *frames = numbered_frames(COUNT, SIZE, &size);
  for (int idle = 0; idle < 20;) {
    ssize_t got = send(client.fd, frames + sent, size - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
    sent += got > 0 ? (size_t)got : 0;
    idle = got > 0 ? 0 : idle + 1;
    assert_int_equal(web_server_turn(f->server, 1), WEB_OK);
  }
  assert_true(sent < size);
  assert_int_equal(f->messages, 0);
  web_socket_resume(f->socket);
  for (int i = 0; i < 20000 && f->messages < COUNT; i++) {
    ssize_t got = send(client.fd, frames + sent, size - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
    sent += got > 0 ? (size_t)got : 0;
    assert_int_equal(web_server_turn(f->server, 1), WEB_OK);
  }
  assert_int_equal(f->messages, COUNT);
  assert_int_equal(f->bytes, (size_t)COUNT * SIZE);
  free(frames);
  end(&client, f);
}

static void close_of_ours_ends_a_paused_socket_in_order(void **state) {
  fixture *f = *state;
  web_client client;
  open_socket(&client, f);
  f->pause_each = 1;
  size_t size;
  uint8_t *frames = numbered_frames(10, 40, &size);
  web_client_send(&client, frames, size);
  turn_until(f, &client, 1);
  web_socket_close(f->socket, 4001, "enough");
  web_client_expect_close_frame(&client, 4001);
  web_client_send_frame(&client, CLOSE, "\x0f\xa1", 2);
  web_client_expect_close(&client);
  free(frames);
  end(&client, f);
  assert_int_equal(f->messages, 1); /* what was kept is thrown away, its frames are not misread */
  assert_int_equal(f->close_code, 4001);
}

static void close_of_the_peer_is_seen_after_what_it_sent_before(void **state) {
  fixture *f = *state;
  web_client client;
  open_socket(&client, f);
  f->pause_each = 1;
  size_t size;
  uint8_t *frames = numbered_frames(3, 40, &size);
  web_client_send(&client, frames, size);
  web_client_send_frame(&client, CLOSE, "\x03\xe8", 2);
  for (unsigned count = 1; count <= 3; count++) {
    turn_until(f, &client, count);
    assert_false(f->is_closed);
    web_socket_resume(f->socket);
  }
  web_client_expect_close_frame(&client, 1000);
  free(frames);
  end(&client, f);
}

static void peer_that_resets_a_paused_socket_ends_it(void **state) {
  fixture *f = *state;
  web_client client;
  open_socket(&client, f);
  web_socket_pause(f->socket);
  web_client_abort(&client);
  for (int i = 0; i < 400 && !f->is_closed; i++) {
    assert_int_equal(web_server_turn(f->server, 5), WEB_OK);
  }
  assert_int_equal(f->close_code, WEB_WS_ABNORMAL);
}

/* ---- sending ---- */

static void message_over_the_outbox_goes_when_it_has_room_and_on_sent_tells(void **state) {
  enum { SIZE = 20 * OUTBOX_BYTES };
  fixture *f = *state;
  web_client client;
  open_socket(&client, f);
  uint8_t *payload = calloc(1, SIZE);
  assert_int_equal(web_socket_send(f->socket, WEB_WS_BINARY, payload, SIZE), WEB_OK);
  assert_int_equal(web_socket_send(f->socket, WEB_WS_BINARY, payload, 1), WEB_FULL);
  assert_true(web_socket_unsent_bytes(f->socket) > SIZE);
  f->unsent_bytes = SIZE;
  web_frame frame = web_client_frame(&client);
  assert_int_equal(frame.size, SIZE);
  web_frame_free(&frame);
  web_client_step(&client);
  assert_int_equal(f->unsent_bytes, 0);
  assert_int_equal(web_socket_send(f->socket, WEB_WS_BINARY, payload, 1), WEB_OK);
  free(payload);
  end(&client, f);
}

/* A reader that takes several times the close time-out for what was sent before. */
static void finish_waits_for_a_slow_reader(void **state) {
  enum { SIZE = 6000000, STEP = 200000 };
  fixture *f = *state;
  web_client client;
  open_socket(&client, f);
  web_client_narrow(&client);
  uint8_t *payload = calloc(1, SIZE);
  assert_int_equal(web_socket_send(f->socket, WEB_WS_BINARY, payload, SIZE), WEB_OK);
  web_socket_finish(f->socket, 1000, "said all");
  uint64_t begin_ns = web_server_now_ns(f->server);
  for (size_t taken = 0; taken < SIZE; taken = client.size) {
    uint64_t now_ns = web_server_now_ns(f->server);
    while (web_server_now_ns(f->server) < now_ns + UINT64_C(30000000)) {
      assert_int_equal(web_server_turn(f->server, 10), WEB_OK);
    }
    while (client.size < taken + STEP && client.size < SIZE) {
      web_client_step(&client);
      assert_false(client.is_closed && client.size < SIZE);
    }
  }
  assert_true(web_server_now_ns(f->server) - begin_ns > UINT64_C(3000000) * CLOSE_TIMEOUT_MS);
  web_frame frame = web_client_frame(&client);
  assert_int_equal(frame.size, SIZE);
  web_frame_free(&frame);
  web_client_expect_close_frame(&client, 1000);
  free(payload);
  end(&client, f);
}

static void finish_does_not_wait_for_who_never_reads(void **state) {
  enum { SIZE = 6000000 };
  fixture *f = *state;
  web_client client;
  open_socket(&client, f);
  web_client_narrow(&client);
  uint8_t *payload = calloc(1, SIZE);
  assert_int_equal(web_socket_send(f->socket, WEB_WS_BINARY, payload, SIZE), WEB_OK);
  web_socket_finish(f->socket, 1000, "said all");
  uint64_t begin_ns = web_server_now_ns(f->server);
  while (!f->is_closed) {
    assert_int_equal(web_server_turn(f->server, 10), WEB_OK);
    assert_true(web_server_now_ns(f->server) - begin_ns < UINT64_C(20000000) * CLOSE_TIMEOUT_MS);
  }
  free(payload);
  web_client_close(&client);
}

/* The close time-out is counted from the close, not from when the server last had something to
 * do. */
static void close_after_a_long_silence_is_answered(void **state) {
  fixture *f = *state;
  web_client client;
  open_socket(&client, f);
  web_client_step(&client);
  struct pollfd silence = {.fd = client.fd, .events = POLLIN};
  assert_int_equal(poll(&silence, 1, 2 * CLOSE_TIMEOUT_MS), 0);
  web_client_send_frame(&client, CLOSE, "\x03\xe8", 2);
  web_client_expect_close_frame(&client, 1000);
  end(&client, f);
}

#define FLOW_TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      FLOW_TEST(socket_paused_after_each_message_takes_one_at_a_time),
      FLOW_TEST(socket_paused_at_its_opening_keeps_what_came_with_the_handshake),
      FLOW_TEST(peer_of_a_paused_socket_can_send_no_more_than_the_kernel_holds),
      FLOW_TEST(close_of_ours_ends_a_paused_socket_in_order),
      FLOW_TEST(close_of_the_peer_is_seen_after_what_it_sent_before),
      FLOW_TEST(peer_that_resets_a_paused_socket_ends_it),
      FLOW_TEST(close_after_a_long_silence_is_answered),
      FLOW_TEST(message_over_the_outbox_goes_when_it_has_room_and_on_sent_tells),
      FLOW_TEST(finish_waits_for_a_slow_reader),
      FLOW_TEST(finish_does_not_wait_for_who_never_reads),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
