/* Cases of one direction that ends before the other: the peer's (on_input_end) and ours
 * (pc_session_end_output). */
#include "suite.h"

#include <string.h>

static const pc_type both_types[] = {PC_TYPE_BYTE, PC_TYPE_MESSAGE};

static unsigned input_end_count;

static bool keep_at_input_end(pc_session *session, void *user) {
  const suite_fixture *fixture = user;
  const session_record *record = pc_session_user(session);
  assert_false(fixture->is_in_callback);
  assert_int_equal(record->disconnected_count, 0);
  input_end_count++;
  return true;
}

static suite_fixture *half_fixture(pc_type type) {
  suite_fixture *fixture = fixture_create(type, PC_FRAMING_NONE);
  input_end_count = 0;
  fixture->options.on.session.on_input_end = keep_at_input_end;
  fixture_start(fixture);
  return fixture;
}

static void write_text(session_record *record, const char *text, pc_status expected) {
  assert_int_equal(pc_session_write(record->session, text, (uint32_t)strlen(text), 1), expected);
}

static void session_kept_at_the_end_of_its_input_writes_until_it_ends_its_output(void **state) {
  (void)state;
  for (int index = 0; index < 2; index++) {
    suite_fixture *fixture = half_fixture(both_types[index]);
    session_record *record;
    suite_client *client = client_connect(fixture, &record);
    client_write_text(fixture, client, "last words");
    client_half_close(client);
    TURN_UNTIL(fixture, input_end_count == 1);
    expect_message_text(record, 0, "last words");
    turn_some(fixture);
    assert_int_equal(record->disconnected_count, 0);
    write_text(record, "an answer, late", PC_OK);
    pc_session_end_output(record->session);
    client_expect_text(fixture, client, "an answer, late");
    client_expect_end(fixture, client);
    TURN_UNTIL(fixture, record->disconnected_count == 1);
    assert_int_equal(record->reason, PC_CLOSE_PEER);
    assert_int_equal(record->written_count, 1);
    assert_int_equal(input_end_count, 1);
    client_close(client);
    fixture_destroy(fixture);
  }
}

static void output_ends_behind_what_was_accepted_and_the_peer_is_heard_on(void **state) {
  (void)state;
  enum { PARTS = 64, PART_BYTES = 16 * 1024 };
  static uint8_t sent[PART_BYTES];
  static uint8_t got[PART_BYTES];
  for (int index = 0; index < 2; index++) {
    suite_fixture *fixture = half_fixture(both_types[index]);
    session_record *record;
    suite_client *client = client_connect(fixture, &record);
    unsigned accepted = 0;
    for (; accepted < PARTS - 1; accepted++) { /* more than a socket holds */
      pattern_fill(sent, sizeof sent, accepted);
      assert_int_equal(pc_session_write(record->session, sent, sizeof sent, accepted), PC_OK);
      turn_now(fixture);
    }
    pc_session_end_output(record->session);
    pc_session_end_output(record->session);
    write_text(record, "too late", PC_E_NOT_CONNECTED);
    for (unsigned part = 0; part < accepted; part++) {
      pattern_fill(sent, sizeof sent, part);
      client_read_exactly(fixture, client, got, sizeof got);
      assert_memory_equal(got, sent, sizeof sent);
    }
    client_expect_end(fixture, client);
    client_write_text(fixture, client, "still here");
    TURN_UNTIL(fixture, record->message_count == 1);
    expect_message_text(record, 0, "still here");
    assert_int_equal(record->written_count, accepted);
    assert_int_equal(record->disconnected_count, 0);
    client_close(client);
    TURN_UNTIL(fixture, record->disconnected_count == 1);
    assert_int_equal(record->reason, PC_CLOSE_PEER);
    assert_int_equal(input_end_count, 1);
    fixture_destroy(fixture);
  }
}

static void kept_session_ends_when_a_write_finds_its_peer_gone(void **state) {
  (void)state;
  for (int index = 0; index < 2; index++) {
    suite_fixture *fixture = half_fixture(both_types[index]);
    session_record *record;
    suite_client *client = client_connect(fixture, &record);
    client_close(client);
    TURN_UNTIL(fixture, input_end_count == 1);
    turn_some(fixture);
    assert_int_equal(record->disconnected_count, 0);
    write_text(record, "for nobody", PC_OK);
    TURN_UNTIL(fixture, record->disconnected_count == 1);
    assert_int_equal(record->reason, PC_CLOSE_PEER);
    assert_int_equal(record->written_count, 1);
    assert_int_equal(record->written_statuses[0], PC_E_BROKEN);
    fixture_destroy(fixture);
  }
}

static void paused_session_is_told_the_end_of_its_input_last(void **state) {
  (void)state;
  suite_fixture *fixture = half_fixture(PC_TYPE_MESSAGE);
  session_record *record;
  suite_client *client = client_connect(fixture, &record);
  fixture->is_take_limited = true;
  fixture->take_count = 0;
  client_write_text(fixture, client, "one");
  client_write_text(fixture, client, "two");
  client_half_close(client);
  turn_some(fixture);
  assert_int_equal(input_end_count, 0);
  fixture->is_take_limited = false;
  pc_session_resume(record->session);
  TURN_UNTIL(fixture, input_end_count == 1);
  assert_int_equal(record->message_count, 2);
  pc_session_close(record->session, false);
  TURN_UNTIL(fixture, record->disconnected_count == 1);
  assert_int_equal(record->reason, PC_CLOSE_LOCAL);
  client_close(client);
  fixture_destroy(fixture);
}

const struct CMUnitTest cases_half_close[] = {
    cmocka_unit_test(session_kept_at_the_end_of_its_input_writes_until_it_ends_its_output),
    cmocka_unit_test(output_ends_behind_what_was_accepted_and_the_peer_is_heard_on),
    cmocka_unit_test(kept_session_ends_when_a_write_finds_its_peer_gone),
    cmocka_unit_test(paused_session_is_told_the_end_of_its_input_last),
    {0}};
