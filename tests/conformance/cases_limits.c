/* Cases of a server's limits in time and number: how many clients at once, how many a second, how
 * long one may be silent. Time is the loop's: the fake's is set, that of the others passes. */
#include <string.h>

#include "suite.h"

enum { IDLE_MS = 320, STEP_MS = 20 };

static uint64_t now_ms(const suite_fixture *fixture) {
  return pc_loop_now_ns(fixture->loop) / 1000000;
}

/* Lets time pass until the condition holds. */
#define PASS_UNTIL(fixture, condition)                             \
  do {                                                             \
    uint64_t pass_deadline = clock_ms() + (uint64_t)DEADLINE_MS;   \
    while (!(condition)) {                                         \
      suite_backend_under_test.pass_time(fixture, 10);             \
      if (clock_ms() > pass_deadline) {                            \
        fail_msg("not within %d ms: %s", DEADLINE_MS, #condition); \
      }                                                            \
    }                                                              \
  } while (0)

/* ---- how many at once ---- */

static suite_fixture *fixture_with_instances(uint32_t max_instances) {
  suite_fixture *fixture = fixture_create(PC_TYPE_BYTE, PC_FRAMING_LINE);
  fixture->does_echo = true;
  fixture->options.limits.max_instances = max_instances;
  fixture_start(fixture);
  return fixture;
}

static void full_server_says_so_only_when_a_client_has_to_wait(void **state) {
  (void)state;
  suite_fixture *fixture = fixture_with_instances(1);
  for (unsigned index = 0; index < 3; index++) { /* one after the other */
    session_record *record;
    suite_client *client = client_connect(fixture, &record);
    client_close(client);
    TURN_UNTIL(fixture, record->disconnected_count == 1);
  }
  suite_client *inside = client_connect(fixture, NULL);
  turn_some(fixture);
  assert_int_equal(fixture->error_count, 0);
  suite_client *outside = client_connect_only(fixture);
  PASS_UNTIL(fixture, fixture->error_count == 1);
  assert_int_equal(fixture->last_error.status, PC_E_BUSY);
  assert_non_null(fixture->last_error.advice);
  client_close(inside);
  client_write_text(fixture, outside, "in at last\n");
  client_expect_text(fixture, outside, "in at last\n");
  client_close(outside);
  fixture_destroy(fixture);
}

static void full_server_says_so_once_as_long_as_clients_wait(void **state) {
  (void)state;
  suite_fixture *fixture = fixture_with_instances(1);
  suite_client *clients[5];
  clients[0] = client_connect(fixture, NULL);
  for (unsigned index = 1; index < 5; index++) {
    clients[index] = client_connect_only(fixture);
  }
  PASS_UNTIL(fixture, fixture->error_count == 1);
  for (unsigned index = 0; index < 4; index++) {
    client_close(clients[index]);
    client_write_text(fixture, clients[index + 1], "next\n");
    client_expect_text(fixture, clients[index + 1], "next\n");
  }
  assert_int_equal(fixture->error_count, 1);
  client_close(clients[4]);
  fixture_destroy(fixture);
}

static void full_server_says_so_at_most_once_a_second(void **state) {
  (void)state;
  suite_fixture *fixture = fixture_with_instances(1);
  uint64_t start = now_ms(fixture);
  unsigned episodes = 0;
  while (now_ms(fixture) - start < 500) { /* each time somebody waits, then nobody */
    suite_client *inside = client_connect(fixture, NULL);
    suite_client *outside = client_connect_only(fixture);
    session_record *first = fixture->sessions[fixture->session_count - 1];
    client_close(inside);
    TURN_UNTIL(fixture, first->disconnected_count == 1 && fixture->open_count == 1);
    session_record *second = fixture->sessions[fixture->session_count - 1];
    client_close(outside);
    TURN_UNTIL(fixture, second->disconnected_count == 1);
    suite_backend_under_test.pass_time(fixture, 10);
    episodes++;
  }
  assert_true(episodes >= 1);
  assert_in_range(fixture->error_count, 1, 1 + (now_ms(fixture) - start) / 1000);
  fixture_destroy(fixture);
}

static void full_server_says_so_again_when_clients_wait_again(void **state) {
  (void)state;
  suite_fixture *fixture = fixture_with_instances(1);
  for (unsigned episode = 1; episode <= 2; episode++) {
    suite_client *inside = client_connect(fixture, NULL);
    suite_client *outside = client_connect_only(fixture);
    PASS_UNTIL(fixture, fixture->error_count == episode);
    client_close(inside);
    client_write_text(fixture, outside, "in\n");
    client_expect_text(fixture, outside, "in\n");
    client_close(outside);
    TURN_UNTIL(fixture, fixture->open_count == 0);
    suite_backend_under_test.pass_time(fixture, 1100);
  }
  assert_int_equal(fixture->error_count, 2);
  fixture_destroy(fixture);
}

static void stop_on_error(pc_server *server, const pc_failure *failure, void *user) {
  suite_fixture *fixture = user;
  fixture->error_count++;
  fixture->last_error = *failure;
  pc_server_stop(server, 0);
}

static void owner_may_stop_the_server_when_told_of_a_limit(void **state) {
  (void)state;
  suite_fixture *fixture = fixture_create(PC_TYPE_BYTE, PC_FRAMING_LINE);
  fixture->options.limits.max_instances = 1;
  fixture->options.on.on_error = stop_on_error;
  fixture_start(fixture);
  suite_client *inside = client_connect(fixture, NULL);
  suite_client *outside = client_connect_only(fixture);
  /* Perhaps told when there is room again: then accepting must not go on. */
  client_close(inside);
  PASS_UNTIL(fixture, fixture->stopped_count == 1);
  assert_int_equal(fixture->error_count, 1);
  assert_int_equal(fixture->session_count, 1);
  client_expect_end(fixture, outside);
  client_close(outside);
  pc_server_destroy(fixture->server);
  fixture->server = NULL;
  fixture_destroy(fixture);
}

/* ---- how many a second ---- */

static uint64_t connected_ms[16];

static void note_connected(suite_fixture *fixture, session_record *record) {
  (void)record;
  connected_ms[fixture->session_count - 1] = now_ms(fixture);
}

static void clients_over_the_rate_wait_their_turn(void **state) {
  (void)state;
  enum { RATE = 20, BURST = 3, CLIENTS = 8, INTERVAL_MS = 1000 / RATE };
  suite_fixture *fixture = fixture_create(PC_TYPE_BYTE, PC_FRAMING_LINE);
  fixture->on_connected = note_connected;
  fixture->options.limits.accept_rate = RATE;
  fixture->options.limits.accept_burst = BURST;
  fixture_start(fixture);
  suite_client *clients[CLIENTS];
  for (unsigned index = 0; index < CLIENTS; index++) {
    clients[index] = client_connect_only(fixture);
    client_write_text(fixture, clients[index], "waiting\n");
  }
  TURN_UNTIL(fixture, fixture->session_count >= BURST);
  PASS_UNTIL(fixture, fixture->session_count == CLIENTS);
  for (unsigned index = BURST; index < CLIENTS; index++) {
    /* A millisecond for what is rounded. */
    assert_true(connected_ms[index] - connected_ms[0] + 1 >= (index - BURST + 1) * INTERVAL_MS);
  }
  assert_int_equal(fixture->error_count, 1);
  assert_int_equal(fixture->last_error.status, PC_E_RATE);
  for (unsigned index = 0; index < CLIENTS; index++) {
    TURN_UNTIL(fixture, fixture->sessions[index]->message_count == 1);
    client_close(clients[index]);
  }
  fixture_destroy(fixture);
}

static void clients_below_the_rate_are_let_in_at_once(void **state) {
  (void)state;
  suite_fixture *fixture = fixture_create(PC_TYPE_BYTE, PC_FRAMING_LINE);
  fixture->options.limits.accept_rate = 50;
  fixture_start(fixture);
  for (unsigned index = 0; index < 60; index++) {
    session_record *record;
    suite_client *client = client_connect(fixture, &record);
    client_close(client);
    suite_backend_under_test.pass_time(fixture, STEP_MS);
  }
  assert_int_equal(fixture->error_count, 0);
  fixture_destroy(fixture);
}

/* ---- how long in silence ---- */

static suite_fixture *fixture_with_idle(pc_type type) {
  suite_fixture *fixture =
      fixture_create(type, type == PC_TYPE_BYTE ? PC_FRAMING_LINE : PC_FRAMING_NONE);
  fixture->options.limits.idle_timeout_ms = IDLE_MS;
  fixture->on_connected = note_connected;
  fixture_start(fixture);
  return fixture;
}

static void silent_session_ends_when_its_time_is_over_and_not_before(void **state) {
  (void)state;
  suite_fixture *fixture = fixture_with_idle(PC_TYPE_BYTE);
  session_record *record;
  suite_client *client = client_connect(fixture, &record);
  uint64_t start = connected_ms[0];
  while (record->disconnected_count == 0) {
    uint64_t before = now_ms(fixture);
    assert_true(before - start < (uint64_t)DEADLINE_MS);
    suite_backend_under_test.pass_time(fixture, 10);
    if (record->disconnected_count == 1) {
      assert_true(now_ms(fixture) - start >= IDLE_MS);
    }
    if (!suite_backend_under_test.is_of_system) {
      assert_true(now_ms(fixture) - start <= IDLE_MS + IDLE_MS / 16 + 20);
    }
  }
  assert_int_equal(record->reason, PC_CLOSE_LIMIT);
  assert_int_equal(record->status, PC_E_TIMEOUT);
  client_expect_end(fixture, client);
  client_close(client);
  fixture_destroy(fixture);
}

/* Whether a machine with other things to do let more than a time-out pass between two steps of a
 * test: that test then says nothing. */
static bool is_stalled(suite_fixture *fixture, uint64_t *last) {
  uint64_t now = now_ms(fixture);
  bool is_late = now - *last >= IDLE_MS;
  *last = now;
  if (is_late) {
    print_message("the machine stood still for longer than the time-out\n");
  }
  return is_late;
}

/* For three time-outs: every step one end says something, `speak`. */
static void expect_kept_open(suite_fixture *fixture, const session_record *record,
                             suite_client *client, void (*speak)(suite_fixture *, suite_client *)) {
  uint64_t start = now_ms(fixture);
  uint64_t last = start;
  bool is_void = false;
  while (!is_void && now_ms(fixture) - start < 3 * IDLE_MS) {
    speak(fixture, client);
    suite_backend_under_test.pass_time(fixture, IDLE_MS / 4);
    is_void = is_stalled(fixture, &last);
    assert_true(is_void || record->disconnected_count == 0);
  }
  PASS_UNTIL(fixture, record->disconnected_count == 1);
  assert_int_equal(record->status, PC_E_TIMEOUT);
  client_close(client);
  fixture_destroy(fixture);
}

static void client_speaks(suite_fixture *fixture, suite_client *client) {
  client_write_text(fixture, client, "x"); /* not even a whole line */
  turn_some(fixture);
}

static void client_says_nothing(suite_fixture *fixture, suite_client *client) {
  client_write(fixture, client, "", 0);
  turn_some(fixture);
}

static void server_speaks(suite_fixture *fixture, suite_client *client) {
  assert_int_equal(pc_session_write(fixture->sessions[0]->session, "tick\n", 5, 1), PC_OK);
  client_expect_text(fixture, client, "tick\n");
}

static void session_on_which_either_end_speaks_is_kept_open(void **state) {
  (void)state;
  session_record *record;
  suite_fixture *fixture = fixture_with_idle(PC_TYPE_BYTE);
  suite_client *client = client_connect(fixture, &record);
  expect_kept_open(fixture, record, client, client_speaks);
  fixture = fixture_with_idle(PC_TYPE_BYTE);
  client = client_connect(fixture, &record);
  expect_kept_open(fixture, record, client, server_speaks);
}

static void empty_message_is_something_said(void **state) {
  (void)state;
  session_record *record;
  suite_fixture *fixture = fixture_with_idle(PC_TYPE_MESSAGE);
  suite_client *client = client_connect(fixture, &record);
  expect_kept_open(fixture, record, client, client_says_nothing);
}

static void only_those_that_are_silent_end(void **state) {
  (void)state;
  enum { CLIENTS = 12 };
  suite_fixture *fixture = fixture_with_idle(PC_TYPE_BYTE);
  suite_client *clients[CLIENTS];
  session_record *records[CLIENTS];
  for (unsigned index = 0; index < CLIENTS; index++) {
    clients[index] = client_connect(fixture, &records[index]);
  }
  uint64_t start = now_ms(fixture);
  uint64_t last = start;
  bool is_void = false;
  while (!is_void && now_ms(fixture) - start < 2 * IDLE_MS) {
    for (unsigned index = 0; index < CLIENTS; index += 3) {
      client_write_text(fixture, clients[index], "here\n");
    }
    suite_backend_under_test.pass_time(fixture, IDLE_MS / 8);
    is_void = is_stalled(fixture, &last);
  }
  for (unsigned index = 0; index < CLIENTS; index++) {
    assert_true(is_void || records[index]->disconnected_count == (index % 3 != 0));
    client_close(clients[index]);
  }
  fixture_destroy(fixture);
}

static void client_that_does_not_read_is_silent_however_much_is_written_to_it(void **state) {
  (void)state;
  static uint8_t block[60000];
  suite_fixture *fixture = fixture_with_idle(PC_TYPE_BYTE);
  session_record *record;
  suite_client *client = client_connect(fixture, &record);
  uint64_t start = now_ms(fixture);
  while (record->disconnected_count == 0 && now_ms(fixture) - start < (uint64_t)DEADLINE_MS) {
    if (record->session) {
      (void)!pc_session_write(record->session, block, sizeof block, 0);
    }
    suite_backend_under_test.pass_time(fixture, 10);
  }
  assert_int_equal(record->disconnected_count, 1);
  assert_int_equal(record->reason, PC_CLOSE_LIMIT);
  assert_int_equal(record->status, PC_E_TIMEOUT);
  client_close(client);
  fixture_destroy(fixture);
}

static void session_whose_owner_takes_nothing_is_not_silent(void **state) {
  (void)state;
  suite_fixture *fixture = fixture_with_idle(PC_TYPE_BYTE);
  fixture->is_take_limited = true;
  session_record *record;
  suite_client *client = client_connect(fixture, &record);
  client_write_text(fixture, client, "said in time\n");
  suite_backend_under_test.pass_time(fixture, 3 * IDLE_MS);
  assert_int_equal(record->disconnected_count, 0);
  fixture->is_take_limited = false;
  pc_session_resume(record->session);
  TURN_UNTIL(fixture, record->message_count == 1);
  PASS_UNTIL(fixture, record->disconnected_count == 1);
  assert_int_equal(record->status, PC_E_TIMEOUT);
  client_close(client);
  fixture_destroy(fixture);
}

static void without_a_limit_silence_is_for_ever(void **state) {
  (void)state;
  suite_fixture *fixture = fixture_create(PC_TYPE_BYTE, PC_FRAMING_LINE);
  fixture_start(fixture);
  session_record *record;
  suite_client *client = client_connect(fixture, &record);
  suite_backend_under_test.pass_time(fixture, 3 * IDLE_MS);
  assert_int_equal(record->disconnected_count, 0);
  client_close(client);
  fixture_destroy(fixture);
}

const struct CMUnitTest cases_limits[] = {
    cmocka_unit_test(full_server_says_so_only_when_a_client_has_to_wait),
    cmocka_unit_test(full_server_says_so_once_as_long_as_clients_wait),
    cmocka_unit_test(full_server_says_so_at_most_once_a_second),
    cmocka_unit_test(full_server_says_so_again_when_clients_wait_again),
    cmocka_unit_test(owner_may_stop_the_server_when_told_of_a_limit),
    cmocka_unit_test(clients_over_the_rate_wait_their_turn),
    cmocka_unit_test(clients_below_the_rate_are_let_in_at_once),
    cmocka_unit_test(silent_session_ends_when_its_time_is_over_and_not_before),
    cmocka_unit_test(session_on_which_either_end_speaks_is_kept_open),
    cmocka_unit_test(empty_message_is_something_said),
    cmocka_unit_test(only_those_that_are_silent_end),
    cmocka_unit_test(client_that_does_not_read_is_silent_however_much_is_written_to_it),
    cmocka_unit_test(session_whose_owner_takes_nothing_is_not_silent),
    cmocka_unit_test(without_a_limit_silence_is_for_ever),
    {0}};
