/* Cases of a pc_client: a server that is there, that comes late, that goes and comes again; and its
 * stop. */
#include "client_fixture.h"

#include <stdlib.h>
#include <string.h>

static const pc_type both_types[] = {PC_TYPE_BYTE, PC_TYPE_MESSAGE};

static pc_framing framing_of(pc_type type) {
  return type == PC_TYPE_BYTE ? PC_FRAMING_LINE : PC_FRAMING_NONE;
}

static void session_write_text(session_record *record, const char *text, uint64_t tag) {
  assert_int_equal(pc_session_write(record->session, text, (uint32_t)strlen(text), tag), PC_OK);
}

static void client_talks_with_a_server_that_is_there(void **state) {
  (void)state;
  for (int index = 0; index < 2; index++) {
    bool is_stream = both_types[index] == PC_TYPE_BYTE;
    client_fixture *fixture =
        client_fixture_create(both_types[index], framing_of(both_types[index]));
    server_listen(fixture);
    client_fixture_start(fixture);
    assert_null(pc_client_session(fixture->client));
    suite_client *server = server_accept(fixture);
    session_record *record = last_session(fixture);
    assert_ptr_equal(pc_client_session(fixture->client), record->session);
    assert_null(pc_session_server(record->session));
    session_write_text(record, "from the client", 7);
    client_expect_text(fixture->suite, server, is_stream ? "from the client\n" : "from the client");
    client_write_text(fixture->suite, server, is_stream ? "from the server\n" : "from the server");
    TURN_UNTIL(fixture->suite, record->message_count == 1);
    expect_message_text(record, 0, "from the server");
    assert_int_equal(record->written_count, 1);
    assert_int_equal(record->written_tags[0], 7);
    assert_int_equal(fixture->waiting_count, 0);
    client_close(server);
    client_fixture_destroy(fixture);
  }
}

static void messages_of_no_bytes_and_of_the_largest_size_pass_both_ways(void **state) {
  (void)state;
  enum { LARGEST = 64 * 1024 };
  static uint8_t sent[LARGEST];
  static uint8_t got[LARGEST];
  pattern_fill(sent, sizeof sent, 5);
  client_fixture *fixture = client_fixture_create(PC_TYPE_MESSAGE, PC_FRAMING_NONE);
  server_listen(fixture);
  client_fixture_start(fixture);
  suite_client *server = server_accept(fixture);
  session_record *record = last_session(fixture);
  assert_int_equal(pc_session_write(record->session, "", 0, 1), PC_OK);
  assert_int_equal(pc_session_write(record->session, sent, LARGEST, 2), PC_OK);
  assert_int_equal(client_read(fixture->suite, server, got, sizeof got), 0);
  assert_int_equal(client_read(fixture->suite, server, got, sizeof got), LARGEST);
  assert_memory_equal(got, sent, LARGEST);
  client_write(fixture->suite, server, "", 0);
  client_write(fixture->suite, server, sent, LARGEST);
  TURN_UNTIL(fixture->suite, record->message_count == 2);
  expect_message(record, 0, "", 0);
  expect_message(record, 1, sent, LARGEST);
  assert_int_equal(record->disconnected_count, 0);
  client_close(server);
  client_fixture_destroy(fixture);
}

static void client_waits_for_a_server_that_comes_late(void **state) {
  (void)state;
  for (int index = 0; index < 2; index++) {
    client_fixture *fixture = client_fixture_create(both_types[index], PC_FRAMING_NONE);
    client_fixture_start(fixture);
    PASS_UNTIL(fixture, fixture->waiting_count >= 5);
    assert_int_equal(fixture->waiting.failure.status, PC_E_NOT_FOUND);
    assert_string_equal(fixture->waiting.failure.action, "connect");
    assert_int_equal(fixture->waiting.failed_count, fixture->waiting_count);
    assert_true(fixture->waiting.delay_ms >= 1 && fixture->waiting.delay_ms <= 20);
    assert_int_equal(fixture->suite->session_count, 0);
    server_listen(fixture);
    suite_client *server = server_accept(fixture);
    client_write_text(fixture->suite, server, "welcome");
    TURN_UNTIL(fixture->suite, last_session(fixture)->message_count == 1);
    expect_message_text(last_session(fixture), 0, "welcome");
    client_close(server);
    client_fixture_destroy(fixture);
  }
}

static void client_comes_back_to_a_server_that_comes_back(void **state) {
  (void)state;
  for (int index = 0; index < 2; index++) {
    client_fixture *fixture = client_fixture_create(both_types[index], PC_FRAMING_NONE);
    client_fixture_start(fixture);
    for (unsigned round = 0; round < 5; round++) {
      server_listen(fixture);
      suite_client *server = server_accept(fixture);
      session_record *record = last_session(fixture);
      assert_int_equal(fixture->suite->session_count, round + 1);
      client_write_text(fixture->suite, server, "goodbye");
      client_close(server);
      server_unlisten(fixture);
      unsigned waiting_count = fixture->waiting_count;
      TURN_UNTIL(fixture->suite, record->disconnected_count == 1);
      assert_int_equal(record->reason, PC_CLOSE_PEER);
      expect_message_text(record, 0, "goodbye");
      assert_int_equal(fixture->waiting_count, waiting_count + 1);
      assert_int_equal(fixture->waiting.failure.status, PC_OK);
      assert_int_equal(fixture->waiting.failed_count, 0);
      PASS_UNTIL(fixture, fixture->waiting.failed_count >= 1);
    }
    client_fixture_destroy(fixture);
  }
}

static void session_that_its_owner_closes_or_refuses_is_followed_by_another(void **state) {
  (void)state;
  client_fixture *fixture = client_fixture_create(PC_TYPE_BYTE, PC_FRAMING_NONE);
  server_listen(fixture);
  client_fixture_start(fixture);
  suite_client *first = server_accept(fixture);
  session_record *record = last_session(fixture);
  fixture->suite->does_refuse = true;
  pc_session_close(record->session, false);
  PASS_UNTIL(fixture, fixture->suite->session_count >= 3);
  assert_int_equal(record->reason, PC_CLOSE_LOCAL);
  assert_int_equal(fixture->suite->sessions[1]->reason, PC_CLOSE_REFUSED);
  fixture->suite->does_refuse = false;
  PASS_UNTIL(fixture, fixture->suite->open_count == 1);
  suite_client *end = NULL;
  while ((end = suite_backend_under_test.clients->accept(fixture->listener)) != NULL) {
    client_close(end);
  }
  client_close(first);
  client_fixture_destroy(fixture);
}

static void server_of_the_other_type_is_told_and_tried_again(void **state) {
  (void)state;
  client_fixture *fixture = client_fixture_create(PC_TYPE_BYTE, PC_FRAMING_NONE);
  fixture->listener = suite_backend_under_test.clients->listen(fixture->suite, fixture->suite->path,
                                                               PC_TYPE_MESSAGE);
  client_fixture_start(fixture);
  PASS_UNTIL(fixture, fixture->waiting_count >= 2);
  assert_int_equal(fixture->waiting.failure.status, PC_E_BAD_MODE);
  server_unlisten(fixture);
  PASS_UNTIL(fixture, fixture->waiting.failure.status == PC_E_NOT_FOUND);
  server_listen(fixture);
  client_close(server_accept(fixture));
  client_fixture_destroy(fixture);
}

static void stop_while_it_waits_connects_or_talks_is_told_once_and_last(void **state) {
  (void)state;
  client_fixture *fixture = client_fixture_create(PC_TYPE_BYTE, PC_FRAMING_NONE);
  client_fixture_start(fixture); /* connects */
  client_fixture_stop(fixture, 0);
  assert_int_equal(fixture->waiting_count, 0);

  fixture->stopped_count = 0;
  fixture->options.reconnect =
      (pc_reconnect){.first_delay_ms = 60 * 1000, .max_delay_ms = 60 * 1000};
  client_fixture_start(fixture);
  TURN_UNTIL(fixture->suite, fixture->waiting_count == 1); /* waits */
  client_fixture_stop(fixture, 0);

  fixture->stopped_count = 0;
  server_listen(fixture);
  client_fixture_start(fixture); /* connects, with success */
  client_fixture_stop(fixture, 1000);
  for (unsigned index = 0; index < fixture->suite->session_count; index++) {
    assert_int_equal(fixture->suite->sessions[index]->reason, PC_CLOSE_STOP);
  }
  client_fixture_destroy(fixture);
}

static void stop_writes_what_was_accepted_first(void **state) {
  (void)state;
  enum { PARTS = 60, PART_BYTES = 16 * 1024 };
  static uint8_t sent[PART_BYTES];
  static uint8_t got[PART_BYTES];
  client_fixture *fixture = client_fixture_create(PC_TYPE_BYTE, PC_FRAMING_NONE);
  server_listen(fixture);
  client_fixture_start(fixture);
  suite_client *server = server_accept(fixture);
  session_record *record = last_session(fixture);
  for (unsigned part = 0; part < PARTS; part++) {
    pattern_fill(sent, sizeof sent, part);
    assert_int_equal(pc_session_write(record->session, sent, sizeof sent, part), PC_OK);
    turn_now(fixture->suite);
  }
  assert_true(record->written_count < PARTS); /* more than a socket holds */
  pc_client_stop(fixture->client, (uint32_t)DEADLINE_MS);
  for (unsigned part = 0; part < PARTS; part++) {
    pattern_fill(sent, sizeof sent, part);
    client_read_exactly(fixture->suite, server, got, sizeof got);
    assert_memory_equal(got, sent, sizeof sent);
  }
  client_expect_end(fixture->suite, server);
  TURN_UNTIL(fixture->suite, fixture->stopped_count == 1);
  assert_int_equal(record->reason, PC_CLOSE_STOP);
  assert_int_equal(record->written_count, PARTS);
  pc_client_destroy(fixture->client);
  fixture->client = NULL;
  client_close(server);
  client_fixture_destroy(fixture);
}

static void stop_on_message(suite_fixture *suite, session_record *record,
                            const pc_message *message) {
  (void)record;
  (void)message;
  pc_client_stop(((client_fixture *)suite->owner)->client, 0);
}

static void stop_from_a_callback_is_honoured(void **state) {
  (void)state;
  client_fixture *fixture = client_fixture_create(PC_TYPE_MESSAGE, PC_FRAMING_NONE);
  fixture->suite->on_message = stop_on_message;
  server_listen(fixture);
  client_fixture_start(fixture);
  suite_client *server = server_accept(fixture);
  client_write_text(fixture->suite, server, "stop");
  client_write_text(fixture->suite, server, "not heard");
  TURN_UNTIL(fixture->suite, fixture->stopped_count == 1);
  assert_int_equal(last_session(fixture)->message_count, 1);
  pc_client_destroy(fixture->client);
  fixture->client = NULL;
  client_close(server);
  client_fixture_destroy(fixture);
}

static void client_keeps_its_session_when_its_terms_change(void **state) {
  (void)state;
  client_fixture *fixture = client_fixture_create(PC_TYPE_BYTE, PC_FRAMING_LINE);
  server_listen(fixture);
  client_fixture_start(fixture);
  suite_client *server = server_accept(fixture);
  session_record *record = last_session(fixture);
  pc_session_change change = {.framing = PC_FRAMING_LENGTH16_BE};
  assert_int_equal(pc_client_change(fixture->client, &change, NULL), PC_OK);
  client_write(fixture->suite, server, "\0\3new", 5);
  TURN_UNTIL(fixture->suite, record->message_count == 1);
  expect_message_text(record, 0, "new");
  change.limits.max_message_bytes = 65536; /* 16 bits cannot say it */
  assert_int_equal(pc_client_change(fixture->client, &change, NULL), PC_E_INVALID_ARG);
  client_close(server);
  TURN_UNTIL(fixture->suite, record->disconnected_count == 1);
  server = server_accept(fixture); /* the next session has them too */
  record = last_session(fixture);
  client_write(fixture->suite, server, "\0\4next", 6);
  TURN_UNTIL(fixture->suite, record->message_count == 1);
  expect_message_text(record, 0, "next");
  client_close(server);
  client_fixture_destroy(fixture);
}

static void client_and_server_of_one_loop_talk(void **state) {
  (void)state;
  enum { ROUNDS = 200 };
  for (int index = 0; index < 2; index++) {
    client_fixture *fixture =
        client_fixture_create(both_types[index], framing_of(both_types[index]));
    suite_fixture *suite = fixture->suite;
    client_fixture_start(fixture);
    PASS_UNTIL(fixture, fixture->waiting_count >= 1);
    fixture_start(suite);
    suite->does_echo = true; /* both ends, so that a message goes round and round */
    PASS_UNTIL(fixture, suite->session_count == 2);
    session_record *mine = pc_session_user(pc_client_session(fixture->client));
    session_record *other = suite->sessions[mine == suite->sessions[0]];
    session_write_text(mine, "round", 1);
    TURN_UNTIL(suite, mine->message_count >= ROUNDS);
    assert_true(other->message_count >= ROUNDS);
    expect_message_text(mine, ROUNDS - 1, "round");
    client_fixture_stop(fixture, 0);
    TURN_UNTIL(suite, other->disconnected_count == 1);
    client_fixture_destroy(fixture);
  }
}

const struct CMUnitTest cases_client[] = {
    cmocka_unit_test(client_talks_with_a_server_that_is_there),
    cmocka_unit_test(messages_of_no_bytes_and_of_the_largest_size_pass_both_ways),
    cmocka_unit_test(client_waits_for_a_server_that_comes_late),
    cmocka_unit_test(client_comes_back_to_a_server_that_comes_back),
    cmocka_unit_test(session_that_its_owner_closes_or_refuses_is_followed_by_another),
    cmocka_unit_test(server_of_the_other_type_is_told_and_tried_again),
    cmocka_unit_test(stop_while_it_waits_connects_or_talks_is_told_once_and_last),
    cmocka_unit_test(stop_writes_what_was_accepted_first),
    cmocka_unit_test(stop_from_a_callback_is_honoured),
    cmocka_unit_test(client_keeps_its_session_when_its_terms_change),
    cmocka_unit_test(client_and_server_of_one_loop_talk),
    {0}};
