/* Cases of messages over the limit where the server is to skip them. */
#include "suite.h"

#include <stdlib.h>
#include <string.h>

enum { LIMIT = 16 };

static const struct {
  pc_type type;
  pc_framing framing;
} kinds[] = {
    {PC_TYPE_BYTE, PC_FRAMING_LINE},        {PC_TYPE_BYTE, PC_FRAMING_NUL},
    {PC_TYPE_BYTE, PC_FRAMING_LENGTH32_BE}, {PC_TYPE_BYTE, PC_FRAMING_LENGTH32_LE},
    {PC_TYPE_BYTE, PC_FRAMING_LENGTH16_BE}, {PC_TYPE_BYTE, PC_FRAMING_LENGTH16_LE},
    {PC_TYPE_BYTE, PC_FRAMING_VARINT},      {PC_TYPE_BYTE, PC_FRAMING_HEADERS},
    {PC_TYPE_MESSAGE, PC_FRAMING_NONE},
};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

static suite_fixture *skipping_create(unsigned kind) {
  suite_fixture *fixture = fixture_create(kinds[kind].type, kinds[kind].framing);
  fixture->options.limits.max_message_bytes = LIMIT;
  fixture->options.oversize = PC_OVERSIZE_SKIP;
  return fixture;
}

/* A message of `size` equal bytes as the client writes it; the caller frees it. */
static uint8_t *wire_make(pc_framing framing, char letter, uint32_t size, size_t *out_size) {
  pc_frame_dress dress;
  uint8_t *message = malloc(size + 1);
  uint8_t *wire = malloc(sizeof dress.prefix + size + sizeof dress.suffix);
  assert_true(message && wire);
  memset(message, letter, size + 1);
  pc_frame_encode(framing, message, size, &dress);
  memcpy(wire, dress.prefix, dress.prefix_bytes);
  memcpy(wire + dress.prefix_bytes, message, size);
  memcpy(wire + dress.prefix_bytes + size, dress.suffix, dress.suffix_bytes);
  free(message);
  *out_size = (size_t)dress.prefix_bytes + size + dress.suffix_bytes;
  return wire;
}

static void say(suite_fixture *fixture, suite_client *client, char letter, uint32_t size) {
  size_t wire_size;
  uint8_t *wire = wire_make(fixture->options.framing, letter, size, &wire_size);
  client_write(fixture, client, wire, wire_size);
  free(wire);
}

static void message_over_the_limit_is_skipped_and_the_session_goes_on(void **state) {
  (void)state;
  for (unsigned kind = 0; kind < KINDS; kind++) {
    suite_fixture *fixture = skipping_create(kind);
    fixture_start(fixture);
    session_record *record;
    suite_client *client = client_connect(fixture, &record);
    say(fixture, client, 'x', 1000);
    say(fixture, client, 'a', 2);
    say(fixture, client, 'x', LIMIT + 1);
    say(fixture, client, 'x', 30000);
    say(fixture, client, 'b', LIMIT);
    TURN_UNTIL(fixture, record->message_count == 2);
    expect_message_text(record, 0, "aa");
    expect_message_text(record, 1, "bbbbbbbbbbbbbbbb");
    assert_int_equal(record->skipped_count, 3);
    assert_int_equal(record->skipped[0].bytes, 1000);
    assert_int_equal(record->skipped[0].after, 0);
    assert_int_equal(record->skipped[1].bytes, LIMIT + 1);
    assert_int_equal(record->skipped[1].after, 1);
    assert_int_equal(record->skipped[2].bytes, 30000);
    assert_int_equal(record->disconnected_count, 0);
    assert_int_equal(pc_session_write(record->session, "ok", 2, 1), PC_OK);
    TURN_UNTIL(fixture, record->written_count == 1);
    client_close(client);
    TURN_UNTIL(fixture, record->disconnected_count == 1);
    assert_int_equal(record->reason, PC_CLOSE_PEER);
    assert_int_equal(record->skipped_count, 3);
    fixture_destroy(fixture);
  }
}

static void message_is_skipped_wherever_its_bytes_are_split(void **state) {
  (void)state;
  for (unsigned kind = 0; kind < KINDS && kinds[kind].type == PC_TYPE_BYTE; kind++) {
    suite_fixture *fixture = skipping_create(kind);
    fixture_start(fixture);
    size_t size;
    uint8_t *wire = wire_make(kinds[kind].framing, 'x', LIMIT + 4, &size);
    for (size_t split = 0; split <= size; split++) {
      session_record *record;
      suite_client *client = client_connect(fixture, &record);
      say(fixture, client, 'a', 1);
      client_write(fixture, client, wire, split);
      turn_some(fixture);
      client_write(fixture, client, wire + split, size - split);
      say(fixture, client, 'b', 1);
      TURN_UNTIL(fixture, record->message_count == 2);
      expect_message_text(record, 1, "b");
      assert_int_equal(record->skipped_count, 1);
      assert_int_equal(record->skipped[0].bytes, LIMIT + 4);
      assert_int_equal(record->skipped[0].after, 1);
      client_close(client);
    }
    free(wire);
    fixture_destroy(fixture);
  }
}

/* Far more than any buffer of a session holds. */
static void large_message_is_skipped_as_it_comes(void **state) {
  (void)state;
  enum { SIZE = 20 * 1024 * 1024 };
  for (unsigned kind = 0; kind < KINDS && kinds[kind].type == PC_TYPE_BYTE; kind++) {
    if (pc_framing_max_message_bytes(kinds[kind].framing) < SIZE) {
      continue;
    }
    suite_fixture *fixture = skipping_create(kind);
    fixture_start(fixture);
    session_record *record;
    suite_client *client = client_connect(fixture, &record);
    say(fixture, client, 'x', SIZE);
    say(fixture, client, 'b', 1);
    TURN_UNTIL(fixture, record->message_count == 1);
    expect_message_text(record, 0, "b");
    assert_int_equal(record->skipped_count, 1);
    assert_int_equal(record->skipped[0].bytes, SIZE);
    client_close(client);
    fixture_destroy(fixture);
  }
}

static void skipped_message_without_end_is_told_before_the_session_ends(void **state) {
  (void)state;
  for (unsigned kind = 0; kind < KINDS && kinds[kind].type == PC_TYPE_BYTE; kind++) {
    for (int is_ours = 0; is_ours < 2; is_ours++) {
      suite_fixture *fixture = skipping_create(kind);
      fixture_start(fixture);
      session_record *record;
      suite_client *client = client_connect(fixture, &record);
      size_t size;
      uint8_t *wire = wire_make(kinds[kind].framing, 'x', 100, &size);
      size_t suffix = wire[size - 1] != 'x'; /* a delimiter */
      client_write(fixture, client, wire, size - suffix - 10);
      free(wire);
      suite_backend_under_test.pass_time(fixture, is_ours ? 100 : 0); /* it shall be read */
      assert_int_equal(record->skipped_count, 0);
      if (is_ours) {
        pc_session_close(record->session, true);
      } else {
        client_close(client);
      }
      TURN_UNTIL(fixture, record->disconnected_count == 1);
      assert_int_equal(record->reason, is_ours ? PC_CLOSE_LOCAL : PC_CLOSE_PEER);
      assert_int_equal(record->message_count, 0);
      assert_int_equal(record->skipped_count, 1);
      assert_int_equal(record->skipped[0].bytes, 90);
      if (is_ours) {
        client_close(client);
      }
      fixture_destroy(fixture);
    }
  }
}

static void skipping_waits_for_an_owner_that_is_full(void **state) {
  (void)state;
  for (unsigned kind = 0; kind < KINDS; kind++) {
    suite_fixture *fixture = skipping_create(kind);
    fixture->is_take_limited = true;
    fixture->take_count = 1;
    fixture_start(fixture);
    session_record *record;
    suite_client *client = client_connect(fixture, &record);
    say(fixture, client, 'a', 1);
    say(fixture, client, 'b', 2);
    say(fixture, client, 'x', 500);
    say(fixture, client, 'c', 3);
    TURN_UNTIL(fixture, record->message_count == 1);
    turn_some(fixture);
    assert_int_equal(record->message_count, 1);
    assert_int_equal(record->skipped_count, 0);
    for (unsigned taken = 2; taken <= 3; taken++) {
      fixture->take_count = 1;
      pc_session_resume(record->session);
      TURN_UNTIL(fixture, record->message_count == taken);
      turn_some(fixture);
    }
    expect_message_text(record, 1, "bb");
    expect_message_text(record, 2, "ccc");
    assert_int_equal(record->skipped_count, 1);
    assert_int_equal(record->skipped[0].bytes, 500);
    assert_int_equal(record->skipped[0].after, 2);
    client_close(client);
    TURN_UNTIL(fixture, record->disconnected_count == 1);
    fixture_destroy(fixture);
  }
}

static void skipping_without_a_callback_is_refused(void **state) {
  (void)state;
  suite_fixture *fixture = skipping_create(0);
  fixture->options.on.session.on_skipped = NULL;
  pc_server *server = NULL;
  pc_failure failure = {.status = PC_OK};
  assert_int_equal(pc_server_start(fixture->loop, &fixture->options, &server, &failure),
                   PC_E_INVALID_ARG);
  assert_non_null(failure.advice);
  assert_null(server);
  fixture->options.oversize = (pc_oversize)7;
  assert_int_equal(pc_server_start(fixture->loop, &fixture->options, &server, &failure),
                   PC_E_INVALID_ARG);
  fixture_destroy(fixture);
}

const struct CMUnitTest cases_oversize[] = {
    cmocka_unit_test(message_over_the_limit_is_skipped_and_the_session_goes_on),
    cmocka_unit_test(message_is_skipped_wherever_its_bytes_are_split),
    cmocka_unit_test(large_message_is_skipped_as_it_comes),
    cmocka_unit_test(skipped_message_without_end_is_told_before_the_session_ends),
    cmocka_unit_test(skipping_waits_for_an_owner_that_is_full),
    cmocka_unit_test(skipping_without_a_callback_is_refused),
    {0}};
