/* Cases of what a tap's owner puts between the messages that pass. */
#include "tap.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void a_message_is_put_into_either_direction(void **state) {
  (void)state;
  for (int kind = 0; kind < 2; kind++) {
    tap_fixture *fixture =
        tap_create(kind ? PC_TYPE_MESSAGE : PC_TYPE_BYTE, kind ? PC_FRAMING_NONE : PC_FRAMING_LINE);
    tap_begin(fixture);
    int client;
    int server;
    tap_record *record = tap_pair(fixture, &client, &server);
    assert_int_equal(pc_tap_session_write(record->session, PC_DIRECTION_C2S, "to it", 5, 11),
                     PC_OK);
    assert_int_equal(pc_tap_session_write(record->session, PC_DIRECTION_S2C, "to you", 6, 12),
                     PC_OK);
    assert_int_equal(pc_tap_session_write(record->session, PC_DIRECTION_S2C, "untold", 6, 0),
                     PC_OK);
    tap_expect(fixture, server, kind ? "to it" : "to it\n");
    tap_expect(fixture, client, kind ? "to you" : "to you\n");
    TAP_UNTIL(fixture, record->written_count == 2);
    for (unsigned index = 0; index < 2; index++) {
      assert_int_equal(record->statuses[index], PC_OK);
      assert_int_equal(record->tags[index],
                       record->directions[index] == PC_DIRECTION_C2S ? 11 : 12);
    }
    assert_int_equal(record->seen[0].count + record->seen[1].count, 0);
    close(client);
    close(server);
    tap_destroy(fixture);
  }
}

static void new_framing_shows_what_passes_and_finds_the_place_between(void **state) {
  (void)state;
  int client;
  int server;
  tap_record *record;
  tap_fixture *fixture = tap_create_pair(PC_TYPE_BYTE, PC_FRAMING_NUL, &client, &server, &record);
  tap_send(fixture, client, "one\ntw", 6);
  tap_expect(fixture, server, "one\ntw");
  assert_int_equal(pc_tap_session_write(record->session, PC_DIRECTION_C2S, "mine", 4, 1), PC_OK);
  pc_session_change change = {.framing = PC_FRAMING_LINE, .limits = fixture->options.limits};
  assert_int_equal(pc_tap_change(fixture->tap, &change, NULL), PC_OK);
  TAP_UNTIL(fixture, record->seen[PC_DIRECTION_C2S].count == 1);
  assert_int_equal(record->written_count, 0); /* a message is passing */
  tap_send(fixture, client, "o\n", 2);
  tap_expect(fixture, server, "o\nmine\n");
  tap_send(fixture, server, "back\n", 5);
  tap_expect(fixture, client, "back\n");
  tap_expect_seen(fixture, record, PC_DIRECTION_C2S, "one|two|");
  tap_expect_seen(fixture, record, PC_DIRECTION_S2C, "back|");
  tap_destroy_pair(fixture, client, server);
}

static void what_waits_and_is_too_big_since_a_change_is_told(void **state) {
  (void)state;
  int client;
  int server;
  tap_record *record;
  tap_fixture *fixture = tap_create_pair(PC_TYPE_BYTE, PC_FRAMING_LINE, &client, &server, &record);
  tap_send(fixture, client, "half", 4);
  tap_expect(fixture, server, "half");
  assert_int_equal(pc_tap_session_write(record->session, PC_DIRECTION_C2S, "mine", 4, 7), PC_OK);
  pc_session_change change = {.framing = PC_FRAMING_LINE, .limits = fixture->options.limits};
  change.limits.max_message_bytes = 3;
  assert_int_equal(pc_tap_change(fixture->tap, &change, NULL), PC_OK);
  tap_send(fixture, client, "\n", 1);
  TAP_UNTIL(fixture, record->written_count == 1);
  assert_int_equal(record->tags[0], 7);
  assert_int_equal(record->statuses[0], PC_E_TOO_BIG);
  tap_expect(fixture, server, "\n");
  tap_destroy_pair(fixture, client, server);
}

static void it_waits_for_the_end_of_the_message_that_passes(void **state) {
  (void)state;
  int client;
  int server;
  tap_record *record;
  tap_fixture *fixture = tap_create_pair(PC_TYPE_BYTE, PC_FRAMING_LINE, &client, &server, &record);
  tap_send(fixture, client, "half a ", 7);
  tap_expect(fixture, server, "half a ");
  assert_int_equal(pc_tap_session_write(record->session, PC_DIRECTION_C2S, "mine", 4, 1), PC_OK);
  assert_int_equal(pc_tap_session_write(record->session, PC_DIRECTION_C2S, "too", 3, 2), PC_OK);
  for (int index = 0; index < 5; index++) {
    tap_turn(fixture);
  }
  assert_int_equal(record->written_count, 0);
  tap_send(fixture, client, "line\nnext line\nand a", 20);
  tap_expect(fixture, server, "line\nmine\ntoo\nnext line\nand a");
  TAP_UNTIL(fixture, record->written_count == 2);
  assert_int_equal(record->tags[0], 1);
  assert_int_equal(record->tags[1], 2);
  tap_expect_seen(fixture, record, PC_DIRECTION_C2S, "half a line|next line|");
  tap_destroy_pair(fixture, client, server);
}

/* Frames of `lengths` pass without a pause, cut anywhere; whatever is put in stands between two. */
enum { STREAM_FRAMES = 3000, STREAM_BYTES = 2 << 20, STREAM_INSERTIONS_MAX = 16 };

/* Frames of changing length, some over the fixture's limit; returns their size. */
static size_t stream_fill(uint8_t *stream, pc_framing framing) {
  size_t size = 0;
  for (uint32_t index = 0; index < STREAM_FRAMES && size < STREAM_BYTES - 8192; index++) {
    uint32_t length = (index * 7919) % (index % 50 == 3 ? 5000 : 700);
    pc_frame_dress dress;
    uint8_t body[5000];
    memset(body, 'a' + (int)(index % 26), length);
    pc_frame_encode(framing, body, length, &dress);
    memcpy(stream + size, dress.prefix, dress.prefix_bytes);
    memcpy(stream + size + dress.prefix_bytes, body, length);
    memcpy(stream + size + dress.prefix_bytes + length, dress.suffix, dress.suffix_bytes);
    size += dress.prefix_bytes + length + dress.suffix_bytes;
  }
  return size;
}

static size_t stream_receive(int server, uint8_t *got, size_t received) {
  ssize_t count = recv(server, got + received, STREAM_BYTES - received, 0);
  return received + (count > 0 ? (size_t)count : 0);
}

/* Says all of it in pieces that fit no frame, with insertions on the way; returns what arrived. */
static size_t stream_pass(tap_fixture *fixture, const tap_record *record, int client, int server,
                          const uint8_t *stream, size_t size, uint8_t *got) {
  size_t at = 0;
  size_t received = 0;
  unsigned inserted = 0;
  for (unsigned step = 1; at < size || received < size; step++) {
    if (at < size) {
      size_t part = step * 37 % 5000 + 1;
      part = part < size - at ? part : size - at;
      ssize_t sent = send(client, stream + at, part, MSG_NOSIGNAL);
      at += sent > 0 ? (size_t)sent : 0;
    }
    if (step % 40 == 0 && inserted < STREAM_INSERTIONS_MAX && at < size) {
      pc_status status =
          pc_tap_session_write(record->session, PC_DIRECTION_C2S, "INSERTED", 8, ++inserted);
      assert_int_equal(status, PC_OK);
    }
    tap_turn(fixture);
    received = stream_receive(server, got, received);
  }
  assert_true(inserted > 0);
  TAP_UNTIL(fixture, record->written_count == inserted);
  return stream_receive(server, got, received);
}

/* Cut as the receiver would cut it: all that was sent, in order, and the insertions whole in
 * between. */
static void stream_judge(pc_framing framing, const uint8_t *stream, size_t size, const uint8_t *got,
                         size_t received, unsigned inserted) {
  pc_frame_decoder decoder;
  pc_frame_decoder_init(&decoder, framing, 8192);
  size_t matched = 0;
  unsigned found = 0;
  for (size_t read = 0; read < received;) {
    pc_frame frame;
    size_t consumed;
    assert_int_equal(pc_frame_decode(&decoder, got + read, received - read, &frame, &consumed),
                     PC_OK);
    if (frame.size_bytes == 8 && memcmp(frame.data, "INSERTED", 8) == 0) {
      found++;
    } else {
      assert_true(matched + consumed <= size);
      assert_memory_equal(got + read, stream + matched, consumed);
      matched += consumed;
    }
    read += consumed;
  }
  assert_int_equal(matched, size);
  assert_int_equal(found, inserted);
}

static void a_stream_that_never_pauses_has_places_for_it(void **state) {
  (void)state;
  static uint8_t stream[STREAM_BYTES];
  static uint8_t got[STREAM_BYTES];
  static const pc_framing framings[] = {PC_FRAMING_LINE, PC_FRAMING_LENGTH32_BE,
                                        PC_FRAMING_HEADERS};
  for (size_t kind = 0; kind < sizeof framings / sizeof *framings; kind++) {
    tap_fixture *fixture = tap_create(PC_TYPE_BYTE, framings[kind]);
    fixture->options.limits.max_message_bytes = 2000; /* and some frames are longer */
    fixture->does_not_keep = true;
    tap_begin(fixture);
    int client;
    int server;
    const tap_record *record = tap_pair(fixture, &client, &server);
    size_t size = stream_fill(stream, framings[kind]);
    size_t received = stream_pass(fixture, record, client, server, stream, size, got);
    stream_judge(framings[kind], stream, size, got, received, record->written_count);
    for (unsigned index = 0; index < record->written_count; index++) {
      assert_int_equal(record->statuses[index], PC_OK);
    }
    close(client);
    close(server);
    tap_destroy(fixture);
  }
}

static void without_a_place_in_time_it_is_given_up(void **state) {
  (void)state;
  int client;
  int server;
  tap_record *record;
  tap_fixture *fixture = tap_create_pair(PC_TYPE_BYTE, PC_FRAMING_LINE, &client, &server, &record);
  tap_send(fixture, server, "login: ", 7);
  tap_expect(fixture, client, "login: ");
  assert_int_equal(pc_tap_session_write(record->session, PC_DIRECTION_S2C, "no place", 8, 5),
                   PC_OK);
  assert_int_equal(pc_tap_session_write(record->session, PC_DIRECTION_C2S, "place", 5, 6), PC_OK);
  tap_expect(fixture, server, "place\n");
  TAP_UNTIL(fixture, record->written_count == 2);
  assert_int_equal(record->statuses[0], PC_OK);
  assert_int_equal(record->tags[1], 5);
  assert_int_equal(record->statuses[1], PC_E_TIMEOUT);
  tap_send(fixture, server, "ok\n", 3);
  tap_expect(fixture, client, "ok\n");
  tap_destroy_pair(fixture, client, server);
}

static void what_waits_is_told_when_the_session_ends(void **state) {
  (void)state;
  for (int kind = 0; kind < 3; kind++) {
    tap_fixture *fixture = tap_create(PC_TYPE_BYTE, PC_FRAMING_LINE);
    tap_begin(fixture);
    int client;
    int server;
    tap_record *record = tap_pair(fixture, &client, &server);
    tap_send(fixture, client, "part", 4);
    tap_expect(fixture, server, "part");
    assert_int_equal(pc_tap_session_write(record->session, PC_DIRECTION_C2S, "x", 1, 9), PC_OK);
    if (kind == 0) {
      close(client);
    } else if (kind == 1) {
      close(server);
    } else {
      pc_tap_session_close(record->session, true);
    }
    TAP_UNTIL(fixture, record->written_count == 1);
    assert_int_equal(record->statuses[0], PC_E_NOT_CONNECTED);
    if (kind != 0) {
      close(client);
    }
    if (kind != 1) {
      close(server);
    }
    TAP_UNTIL(fixture, record->closed_count == 1);
    tap_destroy(fixture);
  }
}

static void an_owner_that_has_not_seen_the_end_of_a_message_waits_too(void **state) {
  (void)state;
  int client;
  int server;
  tap_record *record;
  tap_fixture *fixture = tap_create_pair(PC_TYPE_BYTE, PC_FRAMING_LINE, &client, &server, &record);
  fixture->is_full = true;
  tap_send(fixture, client, "one\ntw", 6);
  tap_expect(fixture, server, "one\ntw");
  fixture->is_full = false;
  assert_int_equal(pc_tap_session_write(record->session, PC_DIRECTION_C2S, "mine", 4, 1), PC_OK);
  pc_tap_session_resume(record->session);
  tap_expect_seen(fixture, record, PC_DIRECTION_C2S, "one|");
  tap_send(fixture, client, "o\n", 2);
  tap_expect(fixture, server, "o\nmine\n");
  tap_destroy_pair(fixture, client, server);
}

static void limits_hold_for_what_is_put_in(void **state) {
  (void)state;
  static uint8_t large[3000];
  tap_fixture *fixture = tap_create(PC_TYPE_BYTE, PC_FRAMING_LINE);
  fixture->options.limits.max_message_bytes = 2000;
  fixture->options.limits.max_write_queue_bytes = 4096;
  tap_begin(fixture);
  int client;
  int server;
  tap_record *record = tap_pair(fixture, &client, &server);
  tap_send(fixture, client, "p", 1);
  tap_expect(fixture, server, "p");
  pc_tap_session *session = record->session;
  assert_int_equal(pc_tap_session_write(session, PC_DIRECTION_C2S, large, 2001, 1), PC_E_TOO_BIG);
  assert_int_equal(pc_tap_session_write(session, PC_DIRECTION_C2S, large, 2000, 2), PC_OK);
  assert_int_equal(pc_tap_session_write(session, PC_DIRECTION_C2S, large, 2000, 3), PC_OK);
  assert_int_equal(pc_tap_session_write(session, PC_DIRECTION_C2S, large, 2000, 4), PC_E_QUOTA);
  shutdown(client, SHUT_WR);
  TAP_UNTIL(fixture, record->written_count == 2);
  assert_int_equal(pc_tap_session_write(session, PC_DIRECTION_C2S, "x", 1, 5), PC_E_NOT_CONNECTED);
  assert_int_equal(pc_tap_session_write(session, PC_DIRECTION_S2C, "x", 1, 6), PC_OK);
  tap_expect(fixture, client, "x\n");
  tap_destroy_pair(fixture, client, server);
}

const struct CMUnitTest tap_cases_insert[] = {
    cmocka_unit_test(a_message_is_put_into_either_direction),
    cmocka_unit_test(new_framing_shows_what_passes_and_finds_the_place_between),
    cmocka_unit_test(what_waits_and_is_too_big_since_a_change_is_told),
    cmocka_unit_test(it_waits_for_the_end_of_the_message_that_passes),
    cmocka_unit_test(a_stream_that_never_pauses_has_places_for_it),
    cmocka_unit_test(without_a_place_in_time_it_is_given_up),
    cmocka_unit_test(what_waits_is_told_when_the_session_ends),
    cmocka_unit_test(an_owner_that_has_not_seen_the_end_of_a_message_waits_too),
    cmocka_unit_test(limits_hold_for_what_is_put_in),
    {0}};
