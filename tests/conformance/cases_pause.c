/* Cases of an owner that takes nothing for a while (PC_AGAIN): nothing is lost, doubled or out of
 * order, wherever it stops. */
#include "suite.h"

#include <stdio.h>
#include <string.h>

typedef struct pipe_kind {
  pc_type type;
  pc_framing framing;
} pipe_kind;

static const pipe_kind pipe_kinds[] = {{PC_TYPE_BYTE, PC_FRAMING_LINE},
                                       {PC_TYPE_BYTE, PC_FRAMING_NUL},
                                       {PC_TYPE_BYTE, PC_FRAMING_LENGTH32_BE},
                                       {PC_TYPE_MESSAGE, PC_FRAMING_NONE}};
enum { PIPE_KINDS = 4 };

/* Writes one message in the way of its pipe. */
static void framed_write(suite_fixture *fixture, suite_client *client, const char *text) {
  uint8_t wire[64];
  uint32_t size = (uint32_t)strlen(text);
  pc_frame_dress dress = {.prefix_bytes = 0};
  if (fixture->options.type == PC_TYPE_BYTE) {
    pc_frame_encode(fixture->options.framing, (const uint8_t *)text, size, &dress);
  }
  memcpy(wire, dress.prefix, dress.prefix_bytes);
  memcpy(wire + dress.prefix_bytes, text, size);
  memcpy(wire + dress.prefix_bytes + size, dress.suffix, dress.suffix_bytes);
  client_write(fixture, client, wire, (size_t)dress.prefix_bytes + size + dress.suffix_bytes);
}

static void numbers_write(suite_fixture *fixture, suite_client *client, unsigned begin,
                          unsigned end) {
  for (unsigned number = begin; number < end; number++) {
    char text[16];
    snprintf(text, sizeof text, "m%u", number);
    framed_write(fixture, client, number % 7 == 3 ? "" : text);
  }
}

/* The session that was begun, with so many messages, and no more of them soon. */
static session_record *first_session(suite_fixture *fixture, unsigned messages) {
  TURN_UNTIL(fixture, fixture->session_count == 1);
  session_record *record = fixture->sessions[0];
  TURN_UNTIL(fixture, record->message_count == messages);
  turn_some(fixture);
  return record;
}

static void numbers_expect(const session_record *record, unsigned count) {
  assert_int_equal(record->message_count, count);
  for (unsigned number = 0; number < count; number++) {
    char text[16];
    snprintf(text, sizeof text, "m%u", number);
    expect_message_text(record, number, number % 7 == 3 ? "" : text);
  }
}

static void owner_that_pauses_after_any_message_gets_the_rest_later(void **state) {
  (void)state;
  enum { COUNT = 12 };
  for (int kind = 0; kind < PIPE_KINDS; kind++) {
    for (unsigned taken = 0; taken <= COUNT; taken++) {
      suite_fixture *fixture = fixture_create(pipe_kinds[kind].type, pipe_kinds[kind].framing);
      fixture->is_take_limited = true;
      fixture->take_count = taken;
      fixture_start(fixture);
      suite_client *client = client_connect_only(fixture);
      numbers_write(fixture, client, 0, COUNT);
      session_record *record = first_session(fixture, taken);
      numbers_expect(record, taken);
      numbers_write(fixture, client, COUNT, COUNT + 3);
      turn_some(fixture);
      assert_int_equal(record->message_count, taken);
      fixture->is_take_limited = false;
      pc_session_resume(record->session);
      assert_int_equal(record->message_count, taken); /* not inside the call */
      TURN_UNTIL(fixture, record->message_count == COUNT + 3);
      numbers_expect(record, COUNT + 3);
      client_close(client);
      fixture_destroy(fixture);
    }
  }
}

static void owner_that_takes_one_message_at_a_time_gets_all(void **state) {
  (void)state;
  enum { COUNT = 40 };
  for (int kind = 0; kind < PIPE_KINDS; kind++) {
    suite_fixture *fixture = fixture_create(pipe_kinds[kind].type, pipe_kinds[kind].framing);
    fixture->is_take_limited = true;
    fixture_start(fixture);
    session_record *record;
    suite_client *client = client_connect(fixture, &record);
    numbers_write(fixture, client, 0, COUNT);
    turn_some(fixture);
    for (unsigned number = 0; number < COUNT - 1; number++) {
      fixture->take_count = 1;
      pc_session_resume(record->session);
      pc_session_resume(record->session); /* twice is once */
      TURN_UNTIL(fixture, record->message_count == number + 1);
      turn_some(fixture);
      numbers_expect(record, number + 1);
    }
    client_close(client);
    turn_some(fixture);
    assert_int_equal(record->disconnected_count, 0); /* it does not read, so it does not know */
    fixture->is_take_limited = false;
    pc_session_resume(record->session);
    TURN_UNTIL(fixture, record->disconnected_count == 1);
    numbers_expect(record, COUNT);
    fixture_destroy(fixture);
  }
}

static void end_of_the_client_waits_behind_what_was_not_taken(void **state) {
  (void)state;
  for (int kind = 0; kind < PIPE_KINDS; kind++) {
    suite_fixture *fixture = fixture_create(pipe_kinds[kind].type, pipe_kinds[kind].framing);
    fixture->is_take_limited = true;
    fixture->take_count = 2;
    fixture_start(fixture);
    suite_client *client = client_connect_only(fixture);
    numbers_write(fixture, client, 0, 9);
    client_close(client);
    session_record *record = first_session(fixture, 2);
    assert_int_equal(record->message_count, 2);
    assert_int_equal(record->disconnected_count, 0);
    fixture->is_take_limited = false;
    pc_session_resume(record->session);
    TURN_UNTIL(fixture, record->disconnected_count == 1);
    numbers_expect(record, 9);
    assert_int_equal(record->reason, PC_CLOSE_PEER);
    fixture_destroy(fixture);
  }
}

static void incomplete_frame_that_was_not_taken_is_presented_again(void **state) {
  (void)state;
  suite_fixture *fixture = fixture_create(PC_TYPE_BYTE, PC_FRAMING_LINE);
  fixture->is_take_limited = true;
  fixture_start(fixture);
  suite_client *client = client_connect_only(fixture);
  client_write_text(fixture, client, "half a li");
  client_close(client);
  session_record *record = first_session(fixture, 0);
  assert_int_equal(record->message_count, 0);
  pc_session_resume(record->session);
  turn_some(fixture);
  assert_int_equal(record->disconnected_count, 0);
  fixture->is_take_limited = false;
  pc_session_resume(record->session);
  TURN_UNTIL(fixture, record->disconnected_count == 1);
  assert_int_equal(record->message_count, 1);
  expect_message_text(record, 0, "half a li");
  assert_int_equal(record->messages[0].flags, PC_MESSAGE_INCOMPLETE);
  fixture_destroy(fixture);
}

static void message_that_came_in_two_parts_is_presented_again_whole(void **state) {
  (void)state;
  suite_fixture *fixture = fixture_create(PC_TYPE_BYTE, PC_FRAMING_LINE);
  fixture->is_take_limited = true;
  fixture_start(fixture);
  session_record *record;
  suite_client *client = client_connect(fixture, &record);
  client_write_text(fixture, client, "first ha");
  turn_some(fixture);
  client_write_text(fixture, client, "lf\nsecond\nthi");
  turn_some(fixture);
  assert_int_equal(record->message_count, 0);
  fixture->take_count = 1;
  pc_session_resume(record->session);
  TURN_UNTIL(fixture, record->message_count == 1);
  turn_some(fixture);
  assert_int_equal(record->message_count, 1);
  fixture->is_take_limited = false;
  pc_session_resume(record->session);
  client_write_text(fixture, client, "rd\n");
  TURN_UNTIL(fixture, record->message_count == 3);
  expect_message_text(record, 0, "first half");
  expect_message_text(record, 1, "second");
  expect_message_text(record, 2, "third");
  client_close(client);
  fixture_destroy(fixture);
}

/* The read that completes a message which is not taken brings many more. */
static void what_came_behind_the_refused_rest_of_a_message_is_kept(void **state) {
  (void)state;
  enum { COUNT = 300, LINE_BYTES = 10 };
  suite_fixture *fixture = fixture_create(PC_TYPE_BYTE, PC_FRAMING_LINE);
  fixture->is_take_limited = true;
  fixture_start(fixture);
  session_record *record;
  suite_client *client = client_connect(fixture, &record);
  client_write_text(fixture, client, "line ");
  turn_some(fixture);
  char text[COUNT * LINE_BYTES + 1];
  for (unsigned number = 0; number < COUNT; number++) {
    snprintf(text + (size_t)number * LINE_BYTES, LINE_BYTES + 1, "line %04u\n", number);
  }
  client_write_text(fixture, client, text + strlen("line "));
  turn_some(fixture);
  assert_int_equal(record->message_count, 0);
  fixture->is_take_limited = false;
  pc_session_resume(record->session);
  TURN_UNTIL(fixture, record->message_count == COUNT);
  for (unsigned number = 0; number < COUNT; number++) {
    expect_message(record, number, text + (size_t)number * LINE_BYTES, LINE_BYTES - 1);
  }
  client_close(client);
  fixture_destroy(fixture);
}

/* Pipe backpressure: what the owner does not take stays with the client, not in our memory. */
static void paused_session_makes_its_client_wait(void **state) {
  (void)state;
  static uint8_t data[4096];
  static const pc_type types[] = {PC_TYPE_BYTE, PC_TYPE_MESSAGE};
  for (int index = 0; index < 2; index++) {
    suite_fixture *fixture = fixture_create(types[index], PC_FRAMING_NONE);
    fixture->does_not_keep = true;
    fixture->is_take_limited = true;
    fixture_start(fixture);
    session_record *record;
    suite_client *client = client_connect(fixture, &record);
    uint64_t sent = 0;
    for (int idle = 0; idle < 20;) {
      size_t taken = 0;
      pc_status status = suite_backend_under_test.clients->write(client, data, sizeof data, &taken);
      sent += status == PC_OK ? sizeof data : taken;
      idle = status == PC_OK ? 0 : idle + 1;
      turn_now(fixture);
      assert_true(sent < 4 * 1024 * 1024);
    }
    fixture->is_take_limited = false;
    pc_session_resume(record->session);
    TURN_UNTIL(fixture, record->bytes == sent);
    client_close(client);
    fixture_destroy(fixture);
  }
}

static void paused_session_can_be_written_to_and_closed(void **state) {
  (void)state;
  for (int kind = 0; kind < PIPE_KINDS; kind++) {
    suite_fixture *fixture = fixture_create(pipe_kinds[kind].type, pipe_kinds[kind].framing);
    fixture->is_take_limited = true;
    fixture_start(fixture);
    session_record *record;
    suite_client *client = client_connect(fixture, &record);
    numbers_write(fixture, client, 0, 5);
    turn_some(fixture);
    assert_int_equal(pc_session_write(record->session, "out", 3, 1), PC_OK);
    TURN_UNTIL(fixture, record->written_count == 1);
    pc_session_resume(record->session);
    pc_session_close(record->session, true);
    pc_session_resume(record->session);
    TURN_UNTIL(fixture, record->disconnected_count == 1);
    assert_int_equal(record->message_count, 0);
    assert_int_equal(record->reason, PC_CLOSE_LOCAL);
    client_close(client);
    fixture_destroy(fixture);
  }
}

static void paused_session_is_ended_by_stop(void **state) {
  (void)state;
  suite_fixture *fixture = fixture_create(PC_TYPE_MESSAGE, PC_FRAMING_NONE);
  fixture->is_take_limited = true;
  fixture_start(fixture);
  session_record *record;
  suite_client *client = client_connect(fixture, &record);
  client_write_text(fixture, client, "never taken");
  turn_some(fixture);
  client_close(client);
  turn_some(fixture);
  fixture_stop(fixture, 100);
  assert_int_equal(record->reason, PC_CLOSE_STOP);
  fixture_destroy(fixture);
}

static void message_over_the_limit_behind_a_paused_one_still_ends_the_session(void **state) {
  (void)state;
  suite_fixture *fixture = fixture_create(PC_TYPE_MESSAGE, PC_FRAMING_NONE);
  fixture->options.limits.max_message_bytes = 4;
  fixture->is_take_limited = true;
  fixture_start(fixture);
  suite_client *client = client_connect_only(fixture);
  client_write_text(fixture, client, "fits");
  client_write_text(fixture, client, "does not");
  session_record *record = first_session(fixture, 0);
  fixture->is_take_limited = false;
  pc_session_resume(record->session);
  TURN_UNTIL(fixture, record->disconnected_count == 1);
  assert_int_equal(record->message_count, 1);
  assert_int_equal(record->reason, PC_CLOSE_LIMIT);
  client_close(client);
  fixture_destroy(fixture);
}

const struct CMUnitTest cases_pause[] = {
    cmocka_unit_test(owner_that_pauses_after_any_message_gets_the_rest_later),
    cmocka_unit_test(owner_that_takes_one_message_at_a_time_gets_all),
    cmocka_unit_test(end_of_the_client_waits_behind_what_was_not_taken),
    cmocka_unit_test(incomplete_frame_that_was_not_taken_is_presented_again),
    cmocka_unit_test(message_that_came_in_two_parts_is_presented_again_whole),
    cmocka_unit_test(what_came_behind_the_refused_rest_of_a_message_is_kept),
    cmocka_unit_test(paused_session_makes_its_client_wait),
    cmocka_unit_test(paused_session_can_be_written_to_and_closed),
    cmocka_unit_test(paused_session_is_ended_by_stop),
    cmocka_unit_test(message_over_the_limit_behind_a_paused_one_still_ends_the_session),
    {0}};
