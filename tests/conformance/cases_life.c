/* Cases of a session's life: how it begins, the ways in which it ends, and what is told of it. */
#include "suite.h"

#include <string.h>

static const pc_type both_types[] = {PC_TYPE_BYTE, PC_TYPE_MESSAGE};

static void case_04_client_may_connect_and_write_before_it_is_accepted(void **state) {
  (void)state;
  for (int index = 0; index < 2; index++) {
    suite_fixture *fixture = fixture_create(both_types[index], PC_FRAMING_NONE);
    fixture_start(fixture);
    suite_client *client = client_connect_only(fixture);
    client_write_text(fixture, client, "early");
    TURN_UNTIL(fixture, fixture->session_count == 1 && fixture->sessions[0]->message_count == 1);
    expect_message_text(fixture->sessions[0], 0, "early");
    client_close(client);
    fixture_destroy(fixture);
  }
}

static void case_05_server_waits_and_tells_once_when_a_client_comes(void **state) {
  (void)state;
  suite_fixture *fixture = fixture_create(PC_TYPE_BYTE, PC_FRAMING_LINE);
  fixture_start(fixture);
  turn_some(fixture);
  assert_int_equal(fixture->session_count, 0);
  session_record *record;
  suite_client *client = client_connect(fixture, &record);
  turn_some(fixture);
  assert_int_equal(fixture->session_count, 1);
  assert_int_equal(pc_server_session_count(fixture->server), 1);
  assert_ptr_equal(pc_session_server(record->session), fixture->server);
  client_close(client);
  TURN_UNTIL(fixture, fixture->open_count == 0);
  assert_int_equal(pc_server_session_count(fixture->server), 0);
  fixture_destroy(fixture);
}

static void case_06_client_that_left_early_is_heard(void **state) {
  (void)state;
  suite_fixture *fixture = fixture_create(PC_TYPE_MESSAGE, PC_FRAMING_NONE);
  fixture_start(fixture);
  suite_client *client = client_connect_only(fixture);
  client_write_text(fixture, client, "one");
  client_write_text(fixture, client, "two");
  client_close(client);
  TURN_UNTIL(fixture, fixture->session_count == 1 && fixture->open_count == 0);
  assert_int_equal(fixture->sessions[0]->message_count, 2);
  expect_message_text(fixture->sessions[0], 0, "one");
  expect_message_text(fixture->sessions[0], 1, "two");
  assert_int_equal(fixture->sessions[0]->reason, PC_CLOSE_PEER);
  fixture_destroy(fixture);
}

static void case_07_session_without_a_word_is_connected_and_disconnected(void **state) {
  (void)state;
  for (int index = 0; index < 2; index++) {
    suite_fixture *fixture = fixture_create(both_types[index], PC_FRAMING_NONE);
    fixture_start(fixture);
    client_close(client_connect_only(fixture));
    TURN_UNTIL(fixture, fixture->session_count == 1 && fixture->open_count == 0);
    assert_int_equal(fixture->sessions[0]->message_count, 0);
    assert_int_equal(fixture->sessions[0]->reason, PC_CLOSE_PEER);
    session_record *record;
    suite_client *client = client_connect(fixture, &record); /* the next one is served */
    client_write_text(fixture, client, "x");
    TURN_UNTIL(fixture, record->message_count == 1);
    client_close(client);
    fixture_destroy(fixture);
  }
}

static void case_27_what_was_written_before_close_is_read(void **state) {
  (void)state;
  for (int index = 0; index < 2; index++) {
    suite_fixture *fixture = fixture_create(both_types[index], PC_FRAMING_NONE);
    fixture_start(fixture);
    session_record *record;
    suite_client *client = client_connect(fixture, &record);
    assert_int_equal(pc_session_write(record->session, "one", 3, 1), PC_OK);
    assert_int_equal(pc_session_write(record->session, "two", 3, 2), PC_OK);
    pc_session_close(record->session, true);
    assert_int_equal(record->disconnected_count, 0); /* not inside the call */
    TURN_UNTIL(fixture, record->disconnected_count == 1);
    assert_int_equal(record->reason, PC_CLOSE_LOCAL);
    assert_int_equal(record->written_count, 2);
    assert_int_equal(record->written_statuses[1], PC_OK);
    client_expect_text(fixture, client, "one");
    client_expect_text(fixture, client, "two");
    client_expect_end(fixture, client);
    client_close(client);
    fixture_destroy(fixture);
  }
}

/* Answers "bye" to the first message and closes, while more input is there that nobody reads. */
static void bye_on_message(suite_fixture *fixture, session_record *record,
                           const pc_message *message) {
  (void)fixture;
  (void)message;
  assert_int_equal(pc_session_write(record->session, "bye", 3, 1), PC_OK);
  pc_session_close(record->session, true);
}

/* In its good form: the client reads "bye" and then the end, without a reset before it */
static void case_28_last_words_reach_a_client_whose_input_was_not_read(void **state) {
  (void)state;
  for (int index = 0; index < 2; index++) {
    suite_fixture *fixture = fixture_create(both_types[index], PC_FRAMING_NONE);
    fixture->on_message = bye_on_message;
    fixture_start(fixture);
    session_record *record;
    suite_client *client = client_connect(fixture, &record);
    for (int count = 0; count < 50; count++) {
      client_write_text(fixture, client, "unread");
      client_write_text(fixture, client, "");
    }
    TURN_UNTIL(fixture, record->disconnected_count == 1);
    assert_int_equal(record->message_count, 1);
    client_expect_text(fixture, client, "bye");
    client_expect_end(fixture, client);
    client_close(client);
    fixture_destroy(fixture);
  }
}

static void case_32_hundred_clients_one_after_the_other(void **state) {
  (void)state;
  suite_fixture *fixture = fixture_create(PC_TYPE_BYTE, PC_FRAMING_LINE);
  fixture->does_echo = true;
  fixture->options.limits.max_instances = 1;
  fixture_start(fixture);
  for (int count = 0; count < 100; count++) {
    session_record *record;
    suite_client *client = client_connect(fixture, &record);
    client_write_text(fixture, client, "again\n");
    client_expect_text(fixture, client, "again\n");
    client_close(client);
    TURN_UNTIL(fixture, record->disconnected_count == 1);
  }
  fixture_destroy(fixture);
}

/* The simplest server of the documentation: one instance, and clients that come meanwhile wait
 * their turn. */
static void case_32_one_instance_serves_those_who_wait_in_their_order(void **state) {
  (void)state;
  enum { COUNT = 20 };
  for (int index = 0; index < 2; index++) {
    suite_fixture *fixture =
        fixture_create(both_types[index], index ? PC_FRAMING_NONE : PC_FRAMING_LINE);
    fixture->does_echo = true;
    fixture->options.limits.max_instances = 1;
    fixture_start(fixture);
    suite_client *clients[COUNT];
    for (int number = 0; number < COUNT; number++) {
      clients[number] = client_connect_only(fixture);
      client_write_text(fixture, clients[number], "all at once\n");
    }
    for (unsigned number = 0; number < COUNT; number++) {
      client_expect_text(fixture, clients[number], "all at once\n");
      turn_some(fixture);
      assert_int_equal(fixture->session_count, number + 1);
      assert_int_equal(fixture->open_count, 1);
      client_close(clients[number]);
    }
    TURN_UNTIL(fixture, fixture->open_count == 0);
    assert_int_equal(fixture->session_count, COUNT);
    fixture_destroy(fixture);
  }
}

/* cases 34 and 35, as a queue */
static void case_35_client_over_max_instances_waits_until_one_leaves(void **state) {
  (void)state;
  suite_fixture *fixture = fixture_create(PC_TYPE_BYTE, PC_FRAMING_LINE);
  fixture->does_echo = true;
  fixture->options.limits.max_instances = 2;
  fixture_start(fixture);
  suite_client *first = client_connect(fixture, NULL);
  suite_client *second = client_connect(fixture, NULL);
  suite_client *third = client_connect_only(fixture);
  suite_client *fourth = client_connect_only(fixture);
  client_write_text(fixture, third, "third\n");
  client_write_text(fixture, fourth, "fourth\n");
  turn_some(fixture);
  assert_int_equal(fixture->session_count, 2);
  client_close(first);
  client_expect_text(fixture, third, "third\n");
  assert_int_equal(fixture->session_count, 3);
  client_close(second);
  client_expect_text(fixture, fourth, "fourth\n");
  assert_int_equal(fixture->error_count, 1); /* told once; cases_limits.c */
  client_close(third);
  client_close(fourth);
  fixture_destroy(fixture);
}

static void case_41_close_with_a_read_pending_tells_once(void **state) {
  (void)state;
  suite_fixture *fixture = fixture_create(PC_TYPE_BYTE, PC_FRAMING_LINE);
  fixture_start(fixture);
  session_record *record;
  suite_client *client = client_connect(fixture, &record);
  turn_some(fixture);
  pc_session_close(record->session, false);
  pc_session_close(record->session, false);
  pc_session_close(record->session, true);
  assert_int_equal(pc_session_write(record->session, "x", 1, 1), PC_E_NOT_CONNECTED);
  TURN_UNTIL(fixture, record->disconnected_count == 1);
  turn_some(fixture);
  assert_int_equal(record->disconnected_count, 1);
  assert_int_equal(record->reason, PC_CLOSE_LOCAL);
  client_expect_end(fixture, client);
  client_close(client);
  fixture_destroy(fixture);
}

static void refused_client_is_sent_away(void **state) {
  (void)state;
  suite_fixture *fixture = fixture_create(PC_TYPE_MESSAGE, PC_FRAMING_NONE);
  fixture->does_refuse = true;
  fixture_start(fixture);
  session_record *record;
  suite_client *client = client_connect_only(fixture);
  client_write_text(fixture, client, "let me in");
  TURN_UNTIL(fixture, fixture->session_count == 1 && fixture->open_count == 0);
  record = fixture->sessions[0];
  assert_int_equal(record->reason, PC_CLOSE_REFUSED);
  assert_int_equal(record->message_count, 0);
  client_expect_end(fixture, client);
  client_close(client);
  fixture_destroy(fixture);
}

static void greet_on_connected(suite_fixture *fixture, session_record *record) {
  (void)fixture;
  assert_int_equal(pc_session_write(record->session, "welcome\n", 8, 1), PC_OK);
  pc_session_close(record->session, true);
}

static void owner_may_write_and_close_when_connected(void **state) {
  (void)state;
  suite_fixture *fixture = fixture_create(PC_TYPE_BYTE, PC_FRAMING_LINE);
  fixture->on_connected = greet_on_connected;
  fixture_start(fixture);
  session_record *record;
  suite_client *client = client_connect(fixture, &record);
  client_expect_text(fixture, client, "welcome\n");
  client_expect_end(fixture, client);
  TURN_UNTIL(fixture, record->disconnected_count == 1);
  assert_int_equal(record->reason, PC_CLOSE_LOCAL);
  client_close(client);
  fixture_destroy(fixture);
}

static void close_on_message(suite_fixture *fixture, session_record *record,
                             const pc_message *message) {
  (void)fixture;
  (void)message;
  pc_session_close(record->session, false);
}

static void no_message_comes_after_the_owner_closed(void **state) {
  (void)state;
  for (int index = 0; index < 2; index++) {
    suite_fixture *fixture =
        fixture_create(both_types[index], index ? PC_FRAMING_NONE : PC_FRAMING_LINE);
    fixture->on_message = close_on_message;
    fixture_start(fixture);
    suite_client *client = client_connect_only(fixture);
    for (int count = 0; count < 5; count++) {
      client_write_text(fixture, client, "x\n");
    }
    TURN_UNTIL(fixture, fixture->session_count == 1 && fixture->open_count == 0);
    assert_int_equal(fixture->sessions[0]->message_count, 1);
    assert_int_equal(fixture->sessions[0]->reason, PC_CLOSE_LOCAL);
    client_close(client);
    fixture_destroy(fixture);
  }
}

/* printf x | socat - UNIX-CONNECT:… */
static void client_that_only_ended_its_input_gets_the_answers(void **state) {
  (void)state;
  for (int index = 0; index < 2; index++) {
    suite_fixture *fixture =
        fixture_create(both_types[index], index ? PC_FRAMING_NONE : PC_FRAMING_LINE);
    fixture->does_echo = true;
    fixture_start(fixture);
    suite_client *client = client_connect_only(fixture);
    client_write_text(fixture, client, "one\n");
    client_write_text(fixture, client, "two\n");
    client_half_close(client);
    TURN_UNTIL(fixture, fixture->session_count == 1 && fixture->open_count == 0);
    assert_int_equal(fixture->sessions[0]->reason, PC_CLOSE_PEER);
    client_expect_text(fixture, client, "one\n");
    client_expect_text(fixture, client, "two\n");
    client_expect_end(fixture, client);
    client_close(client);
    fixture_destroy(fixture);
  }
}

/* More than the kernel holds: the answers wait for a slow reader after its input ended. */
static void speak_often(suite_fixture *fixture, suite_client *client, session_record *record) {
  enum { WORDS = 20 };
  for (unsigned count = 1; count <= WORDS; count++) {
    client_write_text(fixture, client, "word\n");
    TURN_UNTIL(fixture, record->message_count == count);
  }
  turn(fixture);
}

/* A backend may read one that speaks often in another way (io_uring does), and must see its end all
 * the same: also one that came while nobody read. */
static void client_that_spoke_often_is_heard_to_its_last_word(void **state) {
  (void)state;
  for (int variant = 0; variant < 8; variant++) {
    pc_type type = both_types[variant % 2];
    bool is_half_closed = variant / 2 % 2;
    bool is_paused = variant / 4;
    suite_fixture *fixture =
        fixture_create(type, type == PC_TYPE_BYTE ? PC_FRAMING_LINE : PC_FRAMING_NONE);
    fixture_start(fixture);
    session_record *record;
    suite_client *client = client_connect(fixture, &record);
    speak_often(fixture, client, record);
    fixture->is_take_limited = is_paused;
    client_write_text(fixture, client, "refused at first\n");
    turn_some(fixture);
    client_write_text(fixture, client, "last\n");
    (is_half_closed ? client_half_close : client_close)(client);
    turn_some(fixture);
    unsigned heard = record->message_count;
    fixture->is_take_limited = false;
    if (is_paused) {
      pc_session_resume(record->session);
    }
    TURN_UNTIL(fixture, record->disconnected_count == 1);
    assert_int_equal(record->message_count, is_paused ? heard + 2 : 22);
    assert_int_equal(record->reason, PC_CLOSE_PEER);
    if (is_half_closed) {
      client_close(client);
    }
    fixture_destroy(fixture);
  }
}

static void answers_that_wait_are_flushed_after_the_input_ended(void **state) {
  (void)state;
  enum { SIZE = 1024 * 1024 };
  static uint8_t answer[64 * 1024];
  static uint8_t got[SIZE];
  pattern_fill(answer, sizeof answer, 3);
  suite_fixture *fixture = fixture_create(PC_TYPE_BYTE, PC_FRAMING_NONE);
  fixture->options.limits.max_write_queue_bytes = 2 * SIZE;
  fixture_start(fixture);
  session_record *record;
  suite_client *client = client_connect(fixture, &record);
  for (uint64_t tag = 0; tag < SIZE / sizeof answer; tag++) {
    assert_int_equal(pc_session_write(record->session, answer, sizeof answer, tag), PC_OK);
  }
  client_half_close(client);
  turn_some(fixture);
  assert_int_equal(record->disconnected_count, 0);
  client_read_exactly(fixture, client, got, SIZE);
  for (size_t done = 0; done < SIZE; done += sizeof answer) {
    assert_memory_equal(got + done, answer, sizeof answer);
  }
  client_expect_end(fixture, client);
  TURN_UNTIL(fixture, record->disconnected_count == 1);
  assert_int_equal(record->reason, PC_CLOSE_PEER);
  assert_int_equal(record->written_count, SIZE / sizeof answer);
  client_close(client);
  fixture_destroy(fixture);
}

/* A flush waits for a client that never reads, but not for ever: 2 s. */
static void flush_to_a_client_that_never_reads_is_bounded(void **state) {
  (void)state;
  static uint8_t data[64 * 1024];
  suite_fixture *fixture = fixture_create(PC_TYPE_BYTE, PC_FRAMING_NONE);
  fixture->options.limits.max_write_queue_bytes = 2 * 1024 * 1024;
  fixture_start(fixture);
  session_record *record;
  suite_client *client = client_connect(fixture, &record);
  unsigned accepted = 0;
  while (pc_session_write(record->session, data, sizeof data, accepted) == PC_OK) {
    accepted++;
    turn_now(fixture);
  }
  pc_session_close(record->session, true);
  uint64_t begin = clock_ms();
  suite_backend_under_test.pass_time(fixture, 1000);
  if (clock_ms() - begin <
      1900) { /* else this machine was away for longer than the flush may take */
    assert_int_equal(record->disconnected_count, 0);
  }
  suite_backend_under_test.pass_time(fixture, 1500);
  assert_int_equal(record->disconnected_count, 1);
  assert_int_equal(record->reason, PC_CLOSE_LOCAL);
  assert_int_equal(record->written_count, accepted);
  assert_int_equal(record->written_statuses[accepted - 1], PC_E_ABORTED);
  client_close(client);
  fixture_destroy(fixture);
}

static void stop_ends_every_session_with_its_reason(void **state) {
  (void)state;
  suite_fixture *fixture = fixture_create(PC_TYPE_BYTE, PC_FRAMING_LINE);
  fixture_start(fixture);
  session_record *records[5];
  suite_client *clients[5];
  for (int index = 0; index < 5; index++) {
    clients[index] = client_connect(fixture, &records[index]);
    assert_int_equal(pc_session_write(records[index]->session, "last", 4, 9), PC_OK);
  }
  suite_client *late = client_connect_only(fixture);
  fixture_stop(fixture, 500);
  for (int index = 0; index < 5; index++) {
    assert_int_equal(records[index]->reason, PC_CLOSE_STOP);
    assert_int_equal(records[index]->written_statuses[0], PC_OK);
    client_expect_text(fixture, clients[index], "last\n");
    client_expect_end(fixture, clients[index]);
    client_close(clients[index]);
  }
  client_expect_end(fixture, late);
  client_close(late);
  fixture_destroy(fixture);
}

static void stop_without_sessions_is_told_from_the_loop(void **state) {
  (void)state;
  suite_fixture *fixture = fixture_create(PC_TYPE_BYTE, PC_FRAMING_LINE);
  fixture_start(fixture);
  pc_server_stop(fixture->server, 0);
  assert_int_equal(fixture->stopped_count, 0);
  pc_server_stop(fixture->server, 0); /* once is enough */
  fixture_destroy(fixture);
}

static void server_starts_again_at_the_same_path(void **state) {
  (void)state;
  suite_fixture *fixture = fixture_create(PC_TYPE_MESSAGE, PC_FRAMING_NONE);
  for (int count = 0; count < 3; count++) {
    fixture_start(fixture);
    suite_client *client = client_connect(fixture, NULL);
    fixture_stop(fixture, 0);
    client_close(client);
    fixture->stopped_count = 0;
  }
  fixture_destroy(fixture);
}

static void case_37_second_server_at_the_path_is_refused_and_the_first_unharmed(void **state) {
  (void)state;
  suite_fixture *fixture = fixture_create(PC_TYPE_BYTE, PC_FRAMING_LINE);
  fixture->does_echo = true;
  fixture_start(fixture);
  pc_server *second = NULL;
  pc_failure failure = {.status = PC_OK};
  assert_int_equal(pc_server_start(fixture->loop, &fixture->options, &second, &failure),
                   PC_E_IN_USE);
  assert_null(second);
  assert_int_equal(failure.status, PC_E_IN_USE);
  assert_non_null(failure.action);
  assert_non_null(failure.advice);
  suite_client *client = client_connect(fixture, NULL);
  client_write_text(fixture, client, "there?\n");
  client_expect_text(fixture, client, "there?\n");
  client_close(client);
  fixture_destroy(fixture);
}

const struct CMUnitTest cases_life[] = {
    cmocka_unit_test(case_04_client_may_connect_and_write_before_it_is_accepted),
    cmocka_unit_test(case_05_server_waits_and_tells_once_when_a_client_comes),
    cmocka_unit_test(case_06_client_that_left_early_is_heard),
    cmocka_unit_test(case_07_session_without_a_word_is_connected_and_disconnected),
    cmocka_unit_test(case_27_what_was_written_before_close_is_read),
    cmocka_unit_test(case_28_last_words_reach_a_client_whose_input_was_not_read),
    cmocka_unit_test(case_32_hundred_clients_one_after_the_other),
    cmocka_unit_test(case_32_one_instance_serves_those_who_wait_in_their_order),
    cmocka_unit_test(case_35_client_over_max_instances_waits_until_one_leaves),
    cmocka_unit_test(case_41_close_with_a_read_pending_tells_once),
    cmocka_unit_test(refused_client_is_sent_away),
    cmocka_unit_test(owner_may_write_and_close_when_connected),
    cmocka_unit_test(no_message_comes_after_the_owner_closed),
    cmocka_unit_test(client_that_only_ended_its_input_gets_the_answers),
    cmocka_unit_test(client_that_spoke_often_is_heard_to_its_last_word),
    cmocka_unit_test(answers_that_wait_are_flushed_after_the_input_ended),
    cmocka_unit_test(flush_to_a_client_that_never_reads_is_bounded),
    cmocka_unit_test(stop_ends_every_session_with_its_reason),
    cmocka_unit_test(stop_without_sessions_is_told_from_the_loop),
    cmocka_unit_test(server_starts_again_at_the_same_path),
    cmocka_unit_test(case_37_second_server_at_the_path_is_refused_and_the_first_unharmed),
    {0}};
