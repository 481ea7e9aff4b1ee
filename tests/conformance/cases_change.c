/* Cases of terms that change while there are sessions. */
#include <string.h>

#include "suite.h"

static pc_session_change change_of(const suite_fixture *fixture) {
  return (pc_session_change){.framing = fixture->options.framing,
                             .limits = fixture->options.limits,
                             .oversize = fixture->options.oversize};
}

static void change(suite_fixture *fixture, const pc_session_change *wanted) {
  pc_failure failure = {.status = PC_OK};
  assert_int_equal(pc_server_change(fixture->server, wanted, &failure), PC_OK);
}

static suite_fixture *fixture_begin(pc_framing framing) {
  suite_fixture *fixture = fixture_create(PC_TYPE_BYTE, framing);
  fixture->options.limits.max_message_bytes = 64;
  fixture_start(fixture);
  return fixture;
}

static void new_framing_cuts_what_comes_and_dresses_what_is_written(void **state) {
  (void)state;
  suite_fixture *fixture = fixture_begin(PC_FRAMING_LINE);
  session_record *open, *later;
  suite_client *first = client_connect(fixture, &open);
  client_write_text(fixture, first, "a line\n");
  TURN_UNTIL(fixture, open->message_count == 1);
  pc_session_change wanted = change_of(fixture);
  wanted.framing = PC_FRAMING_LENGTH16_BE;
  change(fixture, &wanted);
  suite_client *second = client_connect(fixture, &later);
  client_write(fixture, first, "\0\3one", 5);
  client_write(fixture, second, "\0\3two", 5);
  TURN_UNTIL(fixture, open->message_count == 2 && later->message_count == 1);
  expect_message_text(open, 1, "one");
  expect_message_text(later, 0, "two");
  assert_int_equal(pc_session_write(open->session, "back", 4, 0), PC_OK);
  char got[6];
  client_read_exactly(fixture, first, got, sizeof got);
  assert_memory_equal(got, "\0\4back", 6);
  assert_int_equal(open->disconnected_count + later->disconnected_count, 0);
  client_close(first);
  client_close(second);
  fixture_destroy(fixture);
}

static void bytes_that_are_no_message_yet_are_cut_by_the_new_framing(void **state) {
  (void)state;
  suite_fixture *fixture = fixture_begin(PC_FRAMING_LINE);
  session_record *record;
  suite_client *client = client_connect(fixture, &record);
  client_write(fixture, client, "whole\none\0two\0rest", 18);
  TURN_UNTIL(fixture, record->message_count == 1);
  pc_session_change wanted = change_of(fixture);
  wanted.framing = PC_FRAMING_NUL;
  change(fixture, &wanted);
  assert_int_equal(record->message_count, 1); /* never inside the call */
  TURN_UNTIL(fixture, record->message_count == 3);
  expect_message_text(record, 1, "one");
  expect_message_text(record, 2, "two");
  wanted.framing = PC_FRAMING_NONE;
  change(fixture, &wanted);
  TURN_UNTIL(fixture, record->message_count == 4);
  expect_message_text(record, 3, "rest");
  client_write_text(fixture, client, "and on");
  TURN_UNTIL(fixture, record->message_count == 5);
  client_close(client);
  fixture_destroy(fixture);
}

static void change_while_the_owner_takes_nothing_loses_nothing(void **state) {
  (void)state;
  suite_fixture *fixture = fixture_begin(PC_FRAMING_LINE);
  fixture->is_take_limited = true;
  fixture->take_count = 1;
  session_record *record;
  suite_client *client = client_connect(fixture, &record);
  client_write(fixture, client, "taken\nkept\nboth\0x", 17);
  TURN_UNTIL(fixture, record->message_count == 1);
  turn_some(fixture);
  pc_session_change wanted = change_of(fixture);
  wanted.framing = PC_FRAMING_NUL;
  change(fixture, &wanted);
  turn_some(fixture);
  assert_int_equal(record->message_count, 1);
  fixture->is_take_limited = false;
  pc_session_resume(record->session);
  TURN_UNTIL(fixture, record->message_count == 2);
  expect_message_text(record, 1, "kept\nboth");
  client_close(client);
  TURN_UNTIL(fixture, record->disconnected_count == 1);
  expect_message_text(record, 2, "x");
  assert_int_equal(record->messages[2].flags, PC_MESSAGE_INCOMPLETE);
  fixture_destroy(fixture);
}

static void message_limit_holds_from_the_next_message_on(void **state) {
  (void)state;
  suite_fixture *fixture = fixture_begin(PC_FRAMING_LINE);
  session_record *record;
  suite_client *client = client_connect(fixture, &record);
  pc_session_change wanted = change_of(fixture);
  wanted.limits.max_message_bytes = 100;
  change(fixture, &wanted);
  char line[101];
  memset(line, 'x', 100);
  line[100] = '\n';
  client_write(fixture, client, line, sizeof line);
  TURN_UNTIL(fixture, record->message_count == 1);
  assert_int_equal(pc_session_write(record->session, line, 100, 0), PC_OK);
  wanted.limits.max_message_bytes = 10;
  wanted.oversize = PC_OVERSIZE_SKIP;
  change(fixture, &wanted);
  assert_int_equal(pc_session_write(record->session, line, 11, 0), PC_E_TOO_BIG);
  client_write_text(fixture, client, "12345678901\nshort\n");
  TURN_UNTIL(fixture, record->message_count == 2);
  assert_int_equal(record->skipped_count, 1);
  expect_message_text(record, 1, "short");
  client_close(client);
  fixture_destroy(fixture);
}

static void more_instances_let_in_who_waits(void **state) {
  (void)state;
  suite_fixture *fixture = fixture_create(PC_TYPE_BYTE, PC_FRAMING_LINE);
  fixture->options.limits.max_instances = 1;
  fixture->does_echo = true;
  fixture_start(fixture);
  suite_client *inside = client_connect(fixture, NULL);
  suite_client *outside = client_connect_only(fixture);
  turn_some(fixture);
  assert_int_equal(fixture->open_count, 1);
  pc_session_change wanted = change_of(fixture);
  wanted.limits.max_instances = 2;
  change(fixture, &wanted);
  client_write_text(fixture, outside, "in\n");
  client_expect_text(fixture, outside, "in\n");
  wanted.limits.max_instances = 1; /* who is there stays */
  change(fixture, &wanted);
  turn_some(fixture);
  assert_int_equal(fixture->open_count, 2);
  client_close(inside);
  client_close(outside);
  fixture_destroy(fixture);
}

static void idle_time_can_be_given_and_taken_away(void **state) {
  (void)state;
  suite_fixture *fixture = fixture_begin(PC_FRAMING_LINE);
  session_record *record;
  suite_client *client = client_connect(fixture, &record);
  pc_session_change wanted = change_of(fixture);
  wanted.limits.idle_timeout_ms = 200;
  change(fixture, &wanted);
  wanted.limits.idle_timeout_ms = 0;
  change(fixture, &wanted);
  suite_backend_under_test.pass_time(fixture, 300);
  assert_int_equal(record->disconnected_count, 0);
  wanted.limits.idle_timeout_ms = 100;
  change(fixture, &wanted);
  uint64_t deadline = clock_ms() + (uint64_t)DEADLINE_MS;
  while (record->disconnected_count == 0 && clock_ms() < deadline) {
    suite_backend_under_test.pass_time(fixture, 10);
  }
  assert_int_equal(record->disconnected_count, 1);
  assert_int_equal(record->reason, PC_CLOSE_LIMIT);
  client_close(client);
  fixture_destroy(fixture);
}

static void change_that_cannot_be_changes_nothing(void **state) {
  (void)state;
  suite_fixture *fixture = fixture_create(PC_TYPE_MESSAGE, PC_FRAMING_NONE);
  fixture->options.limits.max_message_bytes = 64;
  fixture->does_echo = true;
  fixture_start(fixture);
  pc_session_change right = change_of(fixture);
  pc_session_change wrong[] = {right, right, right};
  wrong[0].limits.max_message_bytes = 65;
  wrong[1].framing = PC_FRAMING_LINE;
  wrong[2].limits.max_write_queue_bytes = 1;
  for (unsigned index = 0; index < 3; index++) {
    pc_failure failure = {.status = PC_OK};
    assert_int_equal(pc_server_change(fixture->server, &wrong[index], &failure), PC_E_INVALID_ARG);
    assert_non_null(failure.advice);
    assert_int_equal(pc_server_change(fixture->server, &wrong[index], NULL), PC_E_INVALID_ARG);
  }
  right.limits.max_write_queue_bytes = 4096;
  change(fixture, &right);
  suite_client *client = client_connect(fixture, NULL);
  client_write_text(fixture, client, "as before");
  client_expect_text(fixture, client, "as before");
  client_close(client);
  fixture_destroy(fixture);
}

const struct CMUnitTest cases_change[] = {
    cmocka_unit_test(new_framing_cuts_what_comes_and_dresses_what_is_written),
    cmocka_unit_test(bytes_that_are_no_message_yet_are_cut_by_the_new_framing),
    cmocka_unit_test(change_while_the_owner_takes_nothing_loses_nothing),
    cmocka_unit_test(message_limit_holds_from_the_next_message_on),
    cmocka_unit_test(more_instances_let_in_who_waits),
    cmocka_unit_test(idle_time_can_be_given_and_taken_away),
    cmocka_unit_test(change_that_cannot_be_changes_nothing),
    {0},
};
