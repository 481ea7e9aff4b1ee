/* Cases of messages from a client: boundaries, sizes, framing, the end of the input. */
#include "suite.h"

#include <stdlib.h>
#include <string.h>

static const pc_type both_types[] = {PC_TYPE_BYTE, PC_TYPE_MESSAGE};

static void case_08_echo_one_message_each_way(void **state) {
  (void)state;
  for (int index = 0; index < 2; index++) {
    suite_fixture *fixture = fixture_create(both_types[index], PC_FRAMING_NONE);
    fixture->does_echo = true;
    fixture_start(fixture);
    session_record *record;
    suite_client *client = client_connect(fixture, &record);
    client_write_text(fixture, client, "hello");
    client_expect_text(fixture, client, "hello");
    expect_message_text(record, 0, "hello");
    client_close(client);
    TURN_UNTIL(fixture, record->disconnected_count == 1);
    assert_int_equal(record->reason, PC_CLOSE_PEER);
    assert_int_equal(record->status, PC_OK);
    assert_int_equal(record->written_count, 1);
    assert_int_equal(record->written_statuses[0], PC_OK);
    fixture_destroy(fixture);
  }
}

static void case_09_message_boundaries_are_kept(void **state) {
  (void)state;
  static const uint32_t sizes[] = {1, 2, 4095, 4096, 4097, 65536};
  static uint8_t data[65536];
  suite_fixture *fixture = fixture_create(PC_TYPE_MESSAGE, PC_FRAMING_NONE);
  fixture_start(fixture);
  session_record *record;
  suite_client *client = client_connect(fixture, &record);
  for (unsigned index = 0; index < 6; index++) {
    pattern_fill(data, sizes[index], index);
    client_write(fixture, client, data, sizes[index]);
  }
  TURN_UNTIL(fixture, record->message_count == 6);
  for (unsigned index = 0; index < 6; index++) {
    pattern_fill(data, sizes[index], index);
    expect_message(record, index, data, sizes[index]);
  }
  client_close(client);
  fixture_destroy(fixture);
}

/* the same from the server to the client, all in one turn */
static void case_09_written_boundaries_are_kept(void **state) {
  (void)state;
  static const uint32_t sizes[] = {1, 0, 4096, 65536, 0, 4097, 2};
  static uint8_t data[65536];
  static uint8_t got[65536];
  suite_fixture *fixture = fixture_create(PC_TYPE_MESSAGE, PC_FRAMING_NONE);
  fixture_start(fixture);
  session_record *record;
  suite_client *client = client_connect(fixture, &record);
  for (unsigned index = 0; index < 7; index++) {
    pattern_fill(data, sizes[index], index);
    assert_int_equal(pc_session_write(record->session, data, sizes[index], index), PC_OK);
  }
  for (unsigned index = 0; index < 7; index++) {
    pattern_fill(data, sizes[index], index);
    assert_int_equal(client_read(fixture, client, got, sizeof got), sizes[index]);
    assert_memory_equal(got, data, sizes[index]);
  }
  TURN_UNTIL(fixture, record->written_count == 7);
  client_close(client);
  fixture_destroy(fixture);
}

static void case_10_bytes_arrive_whole_and_in_order_without_boundaries(void **state) {
  (void)state;
  suite_fixture *fixture = fixture_create(PC_TYPE_BYTE, PC_FRAMING_NONE);
  fixture_start(fixture);
  session_record *record;
  suite_client *client = client_connect(fixture, &record);
  client_write_text(fixture, client, "one");
  client_write_text(fixture, client, "two");
  client_write_text(fixture, client, "three");
  TURN_UNTIL(fixture, record->bytes == 11);
  char all[16] = "";
  for (unsigned index = 0; index < record->message_count; index++) {
    strcat(all, (const char *)record->messages[index].data);
  }
  assert_string_equal(all, "onetwothree");
  client_close(client);
  fixture_destroy(fixture);
}

static void case_14_message_of_no_bytes_is_a_message(void **state) {
  (void)state;
  suite_fixture *fixture = fixture_create(PC_TYPE_MESSAGE, PC_FRAMING_NONE);
  fixture->does_echo = true;
  fixture_start(fixture);
  session_record *record;
  suite_client *client = client_connect(fixture, &record);
  client_write_text(fixture, client, "a");
  client_write_text(fixture, client, "");
  client_write_text(fixture, client, "b");
  TURN_UNTIL(fixture, record->message_count == 3);
  expect_message_text(record, 0, "a");
  expect_message_text(record, 1, "");
  expect_message_text(record, 2, "b");
  client_expect_text(fixture, client, "a");
  client_expect_text(fixture, client, "");
  client_expect_text(fixture, client, "b");
  assert_int_equal(record->disconnected_count, 0);
  client_close(client);
  fixture_destroy(fixture);
}

static void case_15_message_of_no_bytes_then_close_are_two_things(void **state) {
  (void)state;
  suite_fixture *fixture = fixture_create(PC_TYPE_MESSAGE, PC_FRAMING_NONE);
  fixture_start(fixture);
  suite_client *client = client_connect_only(fixture);
  client_write_text(fixture, client, "");
  client_close(client);
  TURN_UNTIL(fixture, fixture->session_count == 1 && fixture->open_count == 0);
  const session_record *record = fixture->sessions[0];
  assert_int_equal(record->message_count, 1);
  expect_message_text(record, 0, "");
  assert_int_equal(record->reason, PC_CLOSE_PEER);
  fixture_destroy(fixture);
}

static void case_18_write_over_the_limit_is_too_big_and_harms_nothing(void **state) {
  (void)state;
  for (int index = 0; index < 2; index++) {
    suite_fixture *fixture = fixture_create(both_types[index], PC_FRAMING_NONE);
    fixture->options.limits.max_message_bytes = 100;
    fixture_start(fixture);
    session_record *record;
    suite_client *client = client_connect(fixture, &record);
    char data[101];
    memset(data, 'x', sizeof data);
    assert_int_equal(pc_session_write(record->session, data, 101, 1), PC_E_TOO_BIG);
    assert_int_equal(pc_session_write(record->session, data, 100, 2), PC_OK);
    char got[101];
    client_read_exactly(fixture, client, got, 100);
    assert_memory_equal(got, data, 100);
    TURN_UNTIL(fixture, record->written_count == 1);
    assert_int_equal(record->written_tags[0], 2);
    client_close(client);
    fixture_destroy(fixture);
  }
}

/* What is sent, then the session must end by the limit, with `whole` messages delivered before. */
static void limit_expect(pc_type type, pc_framing framing, const void *data, size_t size,
                         unsigned whole) {
  suite_fixture *fixture = fixture_create(type, framing);
  fixture->options.limits.max_message_bytes = 16;
  fixture_start(fixture);
  session_record *record;
  suite_client *client = client_connect(fixture, &record);
  client_write(fixture, client, data, size);
  TURN_UNTIL(fixture, record->disconnected_count == 1);
  assert_int_equal(record->reason, PC_CLOSE_LIMIT);
  assert_int_equal(record->status, PC_E_TOO_BIG);
  assert_int_equal(record->message_count, whole);
  client_expect_end(fixture, client);
  client_close(client);
  fixture_destroy(fixture);
}

static void message_over_the_limit_ends_the_session(void **state) {
  (void)state;
  limit_expect(PC_TYPE_MESSAGE, PC_FRAMING_NONE, "0123456789abcdefX", 17, 0);
  limit_expect(PC_TYPE_BYTE, PC_FRAMING_LINE, "ok\n0123456789abcdefX", 20, 1);
  limit_expect(PC_TYPE_BYTE, PC_FRAMING_NUL,
               "ok\0"
               "0123456789abcdefX",
               20, 1);
  limit_expect(PC_TYPE_BYTE, PC_FRAMING_LENGTH32_BE, "\0\0\0\2ok\0\0\0\21", 10, 1);
  limit_expect(PC_TYPE_BYTE, PC_FRAMING_LENGTH32_LE, "\2\0\0\0ok\21\0\0\0", 10, 1);
  limit_expect(PC_TYPE_BYTE, PC_FRAMING_LENGTH16_BE, "\0\2ok\0\21", 6, 1);
  limit_expect(PC_TYPE_BYTE, PC_FRAMING_LENGTH16_LE, "\2\0ok\21\0", 6, 1);
  limit_expect(PC_TYPE_BYTE, PC_FRAMING_VARINT, "\2ok\21", 4, 1);
  limit_expect(PC_TYPE_BYTE, PC_FRAMING_HEADERS,
               "Content-Length: 2\r\n\r\nokContent-Length: 17\r\n\r\n", 45, 1);
}

static void malformed_expect(pc_framing framing, const char *data, size_t size) {
  suite_fixture *fixture = fixture_create(PC_TYPE_BYTE, framing);
  fixture_start(fixture);
  for (size_t split = 0; split < size; split++) {
    session_record *record;
    suite_client *client = client_connect(fixture, &record);
    client_write(fixture, client, data, split);
    turn_some(fixture);
    client_write(fixture, client, data + split, size - split);
    TURN_UNTIL(fixture, record->disconnected_count == 1);
    assert_int_equal(record->reason, PC_CLOSE_ERROR);
    assert_int_equal(record->status, PC_E_MALFORMED);
    assert_int_equal(record->message_count, 1);
    client_expect_end(fixture, client);
    client_close(client);
  }
  fixture_destroy(fixture);
}

static void bytes_that_break_the_framing_end_the_session(void **state) {
  (void)state;
  malformed_expect(PC_FRAMING_VARINT, "\2ok\x80\x80\x80\x80\x10", 8);
  malformed_expect(PC_FRAMING_HEADERS, "Content-Length: 2\r\n\r\nok{\"id\":1}\n", 32);
}

/* The length of the framing itself is the limit, whatever was asked for. */
static void length16_refuses_to_write_what_it_cannot_say(void **state) {
  (void)state;
  static uint8_t data[65536];
  suite_fixture *fixture = fixture_create(PC_TYPE_BYTE, PC_FRAMING_LENGTH16_BE);
  fixture_start(fixture);
  session_record *record;
  suite_client *client = client_connect(fixture, &record);
  assert_int_equal(pc_session_write(record->session, data, 65536, 1), PC_E_TOO_BIG);
  assert_int_equal(pc_session_write(record->session, data, 65535, 2), PC_OK);
  uint8_t got[2];
  client_read_exactly(fixture, client, got, sizeof got);
  assert_memory_equal(got, "\xff\xff", 2);
  client_close(client);
  fixture_destroy(fixture);
}

static void message_at_the_limit_passes(void **state) {
  (void)state;
  for (int index = 0; index < 2; index++) {
    suite_fixture *fixture =
        fixture_create(both_types[index], index ? PC_FRAMING_NONE : PC_FRAMING_LINE);
    fixture->options.limits.max_message_bytes = 16;
    fixture_start(fixture);
    session_record *record;
    suite_client *client = client_connect(fixture, &record);
    client_write_text(fixture, client, index ? "0123456789abcdef" : "0123456789abcdef\n");
    TURN_UNTIL(fixture, record->message_count == 1);
    expect_message_text(record, 0, "0123456789abcdef");
    client_close(client);
    fixture_destroy(fixture);
  }
}

typedef struct framed_example {
  pc_framing framing;
  const char *wire;
  size_t size;
} framed_example;

/* "ab", "", "cde" in each framing */
static const framed_example framed_examples[] = {
    {PC_FRAMING_LINE, "ab\n\ncde\n", 8},
    {PC_FRAMING_NUL, "ab\0\0cde", 8},
    {PC_FRAMING_LENGTH32_BE, "\0\0\0\2ab\0\0\0\0\0\0\0\3cde", 17},
    {PC_FRAMING_LENGTH32_LE, "\2\0\0\0ab\0\0\0\0\3\0\0\0cde", 17},
    {PC_FRAMING_LENGTH16_BE, "\0\2ab\0\0\0\3cde", 11},
    {PC_FRAMING_LENGTH16_LE, "\2\0ab\0\0\3\0cde", 11},
    {PC_FRAMING_VARINT, "\2ab\0\3cde", 8},
    {PC_FRAMING_HEADERS,
     "Content-Length: 2\r\n\r\nabContent-Length: 0\r\n\r\nContent-Length: 3\r\n\r\ncde", 68},
};
enum { FRAMED_EXAMPLES = sizeof framed_examples / sizeof framed_examples[0] };

static void frames_are_cut_whatever_way_they_come_in(void **state) {
  (void)state;
  for (unsigned example = 0; example < FRAMED_EXAMPLES; example++) {
    const framed_example *framed = &framed_examples[example];
    suite_fixture *fixture = fixture_create(PC_TYPE_BYTE, framed->framing);
    fixture_start(fixture);
    for (size_t split = 0; split <= framed->size; split++) {
      session_record *record;
      suite_client *client = client_connect(fixture, &record);
      client_write(fixture, client, framed->wire, split);
      turn_some(fixture);
      client_write(fixture, client, framed->wire + split, framed->size - split);
      TURN_UNTIL(fixture, record->message_count == 3);
      expect_message_text(record, 0, "ab");
      expect_message_text(record, 1, "");
      expect_message_text(record, 2, "cde");
      client_close(client);
    }
    fixture_destroy(fixture);
  }
}

static void frames_come_one_byte_at_a_time(void **state) {
  (void)state;
  for (unsigned example = 0; example < FRAMED_EXAMPLES; example++) {
    const framed_example *framed = &framed_examples[example];
    suite_fixture *fixture = fixture_create(PC_TYPE_BYTE, framed->framing);
    fixture_start(fixture);
    session_record *record;
    suite_client *client = client_connect(fixture, &record);
    for (size_t index = 0; index < framed->size; index++) {
      client_write(fixture, client, framed->wire + index, 1);
      turn_some(fixture);
    }
    TURN_UNTIL(fixture, record->message_count == 3);
    expect_message_text(record, 2, "cde");
    client_close(client);
    fixture_destroy(fixture);
  }
}

/* Writes are dressed: what the server says is cut by the client in the same way. */
static void written_messages_are_framed(void **state) {
  (void)state;
  for (unsigned example = 0; example < FRAMED_EXAMPLES; example++) {
    const framed_example *framed = &framed_examples[example];
    suite_fixture *fixture = fixture_create(PC_TYPE_BYTE, framed->framing);
    fixture_start(fixture);
    session_record *record;
    suite_client *client = client_connect(fixture, &record);
    assert_int_equal(pc_session_write(record->session, "ab", 2, 1), PC_OK);
    assert_int_equal(pc_session_write(record->session, "", 0, 2), PC_OK);
    assert_int_equal(pc_session_write(record->session, "cde", 3, 3), PC_OK);
    char got[68];
    client_read_exactly(fixture, client, got, framed->size);
    assert_memory_equal(got, framed->wire, framed->size);
    client_close(client);
    fixture_destroy(fixture);
  }
}

static void incomplete_expect(pc_framing framing, const char *wire, size_t size,
                              const char *payload) {
  suite_fixture *fixture = fixture_create(PC_TYPE_BYTE, framing);
  fixture_start(fixture);
  session_record *record;
  suite_client *client = client_connect(fixture, &record);
  client_write(fixture, client, wire, size);
  turn_some(fixture);
  client_close(client);
  TURN_UNTIL(fixture, record->disconnected_count == 1);
  assert_int_equal(record->reason, PC_CLOSE_PEER);
  assert_int_equal(record->message_count, 2);
  expect_message_text(record, 0, "ab");
  assert_int_equal(record->messages[0].flags, 0);
  expect_message_text(record, 1, payload);
  assert_int_equal(record->messages[1].flags, PC_MESSAGE_INCOMPLETE);
  fixture_destroy(fixture);
}

static void frame_cut_short_by_the_client_is_delivered_as_incomplete(void **state) {
  (void)state;
  incomplete_expect(PC_FRAMING_LINE, "ab\ncd", 5, "cd");
  incomplete_expect(PC_FRAMING_NUL, "ab\0cd", 5, "cd");
  incomplete_expect(PC_FRAMING_LENGTH32_BE, "\0\0\0\2ab\0\0\0\3cd", 12, "cd");
  incomplete_expect(PC_FRAMING_LENGTH32_LE, "\2\0\0\0ab\3\0\0\0cd", 12, "cd");
  incomplete_expect(PC_FRAMING_LENGTH32_BE, "\0\0\0\2ab\0\0", 8, "");
  incomplete_expect(PC_FRAMING_LENGTH16_BE, "\0\2ab\0\3cd", 8, "cd");
  incomplete_expect(PC_FRAMING_LENGTH16_LE, "\2\0ab\3", 5, "");
  incomplete_expect(PC_FRAMING_VARINT, "\2ab\x83\0cd", 7, "cd");
  incomplete_expect(PC_FRAMING_VARINT, "\2ab\x83", 4, "");
  incomplete_expect(PC_FRAMING_HEADERS, "Content-Length: 2\r\n\r\nabContent-Length: 3\r\n\r\ncd",
                    46, "cd");
  incomplete_expect(PC_FRAMING_HEADERS, "Content-Length: 2\r\n\r\nabContent-Length: 3\r\n", 42, "");
}

/* Every byte is copied a bounded number of times: else this takes minutes. */
static void large_frame_in_small_pieces_is_delivered_whole(void **state) {
  (void)state;
  enum { SIZE = 4 * 1024 * 1024 };
  uint8_t *data = malloc(SIZE);
  pattern_fill(data, SIZE, 7);
  for (int index = 0; index < SIZE; index++) {
    data[index] |= 0x80; /* no line end */
  }
  suite_fixture *fixture = fixture_create(PC_TYPE_BYTE, PC_FRAMING_LINE);
  fixture->options.limits.max_message_bytes = SIZE;
  fixture_start(fixture);
  session_record *record;
  suite_client *client = client_connect(fixture, &record);
  for (size_t done = 0; done < SIZE; done += 1000) {
    client_write(fixture, client, data + done, SIZE - done < 1000 ? SIZE - done : 1000);
  }
  client_write_text(fixture, client, "\nnext\n");
  TURN_UNTIL(fixture, record->message_count == 2);
  expect_message(record, 0, data, SIZE);
  expect_message_text(record, 1, "next");
  client_close(client);
  fixture_destroy(fixture);
  free(data);
}

const struct CMUnitTest cases_messages[] = {
    cmocka_unit_test(case_08_echo_one_message_each_way),
    cmocka_unit_test(case_09_message_boundaries_are_kept),
    cmocka_unit_test(case_09_written_boundaries_are_kept),
    cmocka_unit_test(case_10_bytes_arrive_whole_and_in_order_without_boundaries),
    cmocka_unit_test(case_14_message_of_no_bytes_is_a_message),
    cmocka_unit_test(case_15_message_of_no_bytes_then_close_are_two_things),
    cmocka_unit_test(case_18_write_over_the_limit_is_too_big_and_harms_nothing),
    cmocka_unit_test(message_over_the_limit_ends_the_session),
    cmocka_unit_test(bytes_that_break_the_framing_end_the_session),
    cmocka_unit_test(length16_refuses_to_write_what_it_cannot_say),
    cmocka_unit_test(message_at_the_limit_passes),
    cmocka_unit_test(frames_are_cut_whatever_way_they_come_in),
    cmocka_unit_test(frames_come_one_byte_at_a_time),
    cmocka_unit_test(written_messages_are_framed),
    cmocka_unit_test(frame_cut_short_by_the_client_is_delivered_as_incomplete),
    cmocka_unit_test(large_frame_in_small_pieces_is_delivered_whole),
    {0}};
