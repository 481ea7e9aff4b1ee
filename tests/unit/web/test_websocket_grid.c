/* What the catalogue says by example, said in full: every first byte, every length, every close
 * code, every place where a character can be cut. */
#include "test.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client_frame.h"
#include "codec_outcome.h"
#include "web/text.h"
#include "web/websocket_codec.h"

static const uint8_t mask[4] = {0x37, 0xfa, 0x21, 0x3d};
enum { LIMIT = 1 << 20 };

static uint32_t random_state = 3;

static uint32_t random_below(uint32_t bound) {
  random_state = random_state * 1664525 + 1013904223;
  return (random_state >> 8) % bound;
}

static void assert_outcome(const codec_outcome *outcome, const char *events, uint16_t code) {
  assert_string_equal(outcome->events, events);
  assert_int_equal(outcome->code, code);
}

/* All 256 first bytes, outside of a message and within one; the rules written as a table of their
 * own. */
static void codec_judges_every_first_byte(void **state) {
  (void)state;
  for (unsigned number = 0; number < 512; number++) {
    bool is_inside = number >= 256;
    uint8_t first = (uint8_t)number;
    uint8_t stream[64];
    size_t size = is_inside ? client_frame_write(stream, 0x01, (const uint8_t *)"", 0, 0, mask) : 0;
    size += client_frame_write(stream + size, first, (const uint8_t *)"", 0, 0, mask);
    const char *events = "";
    uint16_t code = WEB_WS_PROTOCOL_ERROR;
    switch (first) {
    case 0x00:
      code = is_inside ? 0 : code;
      break;
    case 0x80:
      code = is_inside ? 0 : code;
      events = is_inside ? "T()" : "";
      break;
    case 0x01:
    case 0x02:
      code = is_inside ? code : 0;
      break;
    case 0x81:
    case 0x82:
      code = is_inside ? code : 0;
      events = is_inside ? "" : first == 0x81 ? "T()" : "B()";
      break;
    case 0x88:
      code = WEB_WS_NORMAL;
      events = "c1005()";
      break;
    case 0x89:
    case 0x8a:
      code = 0;
      events = first == 0x89 ? "i()" : "o()";
      break;
    default:
      break;
    }
    codec_outcome outcome;
    codec_outcome_of_any_split(&outcome, stream, size, LIMIT);
    assert_outcome(&outcome, events, code);
  }
}

static void codec_judges_every_close_code(void **state) {
  (void)state;
  for (uint32_t code = 0; code <= UINT16_MAX; code++) {
    bool is_valid =
        (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006) ||
        (code >= 3000 && code < 5000);
    assert_int_equal(web_ws_is_valid_close_code((uint16_t)code), is_valid);
    uint8_t payload[2] = {(uint8_t)(code >> 8), (uint8_t)code};
    uint8_t stream[16];
    size_t size = client_frame_write(stream, 0x88, payload, 2, 0, mask);
    char events[16] = "";
    if (is_valid) {
      (void)snprintf(events, sizeof events, "c%u()", code);
    }
    codec_outcome outcome;
    codec_outcome_of(&outcome, stream, size, size, size, LIMIT);
    assert_outcome(&outcome, events, is_valid ? WEB_WS_NORMAL : WEB_WS_PROTOCOL_ERROR);
  }
}

static void pattern_fill(uint8_t *data, size_t size) {
  for (size_t index = 0; index < size; index++) {
    data[index] = codec_pattern(index);
  }
}

/* Every size around the borders, in each of the three forms: right is only the shortest. */
static void codec_takes_each_length_in_its_shortest_form_only(void **state) {
  (void)state;
  static const size_t sizes[] = {0, 1, 2, 124, 125, 126, 127, 128, 65534, 65535, 65536, 65537};
  static const client_length forms[] = {CLIENT_LENGTH_SHORTEST, CLIENT_LENGTH_16, CLIENT_LENGTH_64};
  uint8_t *payload = malloc(70000);
  uint8_t *stream = malloc(70100);
  assert_non_null(payload);
  assert_non_null(stream);
  pattern_fill(payload, 70000);
  for (size_t at = 0; at < sizeof sizes / sizeof sizes[0] * 3; at++) {
    size_t size = sizes[at / 3];
    client_length form = forms[at % 3];
    if (form == CLIENT_LENGTH_16 && size > 65535) {
      continue;
    }
    bool is_shortest =
        form == CLIENT_LENGTH_SHORTEST || (form == CLIENT_LENGTH_16 && size > 125) || size > 65535;
    size_t stream_size = client_frame_write(stream, 0x82, payload, size, form, mask);
    codec_outcome outcome;
    codec_outcome_of_any_split(&outcome, stream, stream_size, LIMIT);
    assert_int_equal(outcome.code, is_shortest ? 0 : WEB_WS_PROTOCOL_ERROR);
    assert_int_equal(outcome.events_size != 0, is_shortest);
    assert_null(strchr(outcome.events, '!'));
  }
  free(payload);
  free(stream);
}

/* Sizes 0 to 300: whichever way a word-wise loop ends, what was masked comes out as it went in. */
static void codec_unmasks_every_size_in_every_phase(void **state) {
  (void)state;
  for (size_t size = 0; size <= 300; size++) {
    uint8_t payload[300];
    uint8_t stream[320];
    pattern_fill(payload, size);
    uint8_t any_mask[4] = {(uint8_t)random_below(256), (uint8_t)random_below(256),
                           (uint8_t)random_below(256), (uint8_t)random_below(256)};
    size_t stream_size = client_frame_write(stream, 0x81, payload, size, 0, any_mask);
    for (size_t step = 1; step < 20; step++) {
      codec_outcome outcome;
      codec_outcome_of(&outcome, stream, stream_size, 1 + step % 9, step, LIMIT);
      assert_int_equal(outcome.code, 0);
      assert_int_equal(outcome.events[0], 'T');
      assert_null(strchr(outcome.events, '!'));
      assert_null(strchr(outcome.events, '\\'));
    }
  }
}

/* Characters of each length, good and bad, cut into two fragments at every place with a ping in
 * between. */
static void codec_judges_text_cut_into_fragments_at_every_place(void **state) {
  (void)state;
  static const char *const texts[] = {"\xc2\x80",
                                      "\xdf\xbf",
                                      "\xe0\xa0\x80",
                                      "\xed\x9f\xbf",
                                      "\xee\x80\x80",
                                      "\xef\xbf\xbf",
                                      "\xf0\x90\x80\x80",
                                      "\xf4\x8f\xbf\xbf",
                                      "a\xc3\xa9z",
                                      "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5",
                                      "\xf0\x9f\x98\x80\xf0\x9f\x98\x80",
                                      "abcdefg\xe2\x82\xachijklmnop\xe2\x82\xac",
                                      "\x80",
                                      "\xbf",
                                      "\xc0\x80",
                                      "\xc1\xbf",
                                      "\xe0\x9f\xbf",
                                      "\xed\xa0\x80",
                                      "\xed\xbf\xbf",
                                      "\xf0\x8f\xbf\xbf",
                                      "\xf4\x90\x80\x80",
                                      "\xf5\x80\x80\x80",
                                      "\xff",
                                      "\xfe\xfe\xff\xff",
                                      "ok\xe2\x82",
                                      "ok\xf0\x9f\x98",
                                      "ok\xc3",
                                      "\xce\xba\xe1\xbd\xb9\xed\xa0\x80z"};
  for (size_t index = 0; index < sizeof texts / sizeof texts[0]; index++) {
    const uint8_t *text = (const uint8_t *)texts[index];
    size_t size = strlen(texts[index]);
    bool is_valid = web_utf8_is_valid(text, size);
    assert_int_equal(is_valid, index < 12);
    for (size_t cut = 0; cut <= size; cut++) {
      uint8_t stream[128];
      size_t stream_size = client_frame_write(stream, 0x01, text, cut, 0, mask);
      stream_size +=
          client_frame_write(stream + stream_size, 0x89, (const uint8_t *)"", 0, 0, mask);
      stream_size +=
          client_frame_write(stream + stream_size, 0x80, text + cut, size - cut, 0, mask);
      codec_outcome outcome;
      codec_outcome_of_any_split(&outcome, stream, stream_size, LIMIT);
      assert_int_equal(outcome.code, is_valid ? 0 : WEB_WS_INVALID_DATA);
      assert_int_equal(strchr(outcome.events, 'T') != NULL, is_valid);
    }
  }
}

/* The failing byte is the first that no continuation mends, wherever in a long frame it stands. */
static void codec_fails_text_at_the_very_byte(void **state) {
  (void)state;
  for (size_t bad_at = 0; bad_at < 200; bad_at++) {
    uint8_t payload[200];
    uint8_t stream[220];
    memset(payload, 'x', sizeof payload);
    payload[bad_at] = 0xff;
    size_t size = client_frame_write(stream, 0x81, payload, sizeof payload, 0, mask);
    codec_outcome outcome;
    codec_outcome_of(&outcome, stream, size, 1, 1, LIMIT);
    assert_int_equal(outcome.code, WEB_WS_INVALID_DATA);
    assert_int_equal(outcome.ended_at, 8 + bad_at + 1);
  }
}

/* A long conversation of everything allowed, in random pieces. */
static void codec_reads_a_long_conversation_alike_in_any_pieces(void **state) {
  (void)state;
  enum { STREAM_MAX = 64 * 1024 };
  uint8_t *stream = malloc(STREAM_MAX);
  codec_outcome *whole = malloc(sizeof *whole);
  codec_outcome *other = malloc(sizeof *other);
  assert_non_null(stream);
  assert_non_null(whole);
  assert_non_null(other);
  for (int round = 0; round < 50; round++) {
    size_t size = 0;
    bool is_inside = false;
    for (int frame = 0; frame < 100; frame++) {
      uint8_t payload[300];
      uint32_t kind = random_below(4);
      size_t payload_size = random_below(kind == 0 ? 126 : 300);
      pattern_fill(payload, payload_size);
      uint8_t any_mask[4] = {(uint8_t)random_below(256), (uint8_t)random_below(256),
                             (uint8_t)random_below(256), (uint8_t)random_below(256)};
      uint8_t first = (uint8_t)(0x89 + random_below(2));
      if (kind != 0) {
        bool is_final = random_below(2) == 0;
        first = (uint8_t)((is_final ? 0x80 : 0) | (is_inside ? 0 : 1 + random_below(2)));
        is_inside = !is_final;
      }
      size += client_frame_write(stream + size, first, payload, payload_size, 0, any_mask);
    }
    codec_outcome_of(whole, stream, size, size, size, LIMIT);
    assert_int_equal(whole->code, 0);
    for (int split = 0; split < 20; split++) {
      codec_outcome_of(other, stream, size, 1 + random_below(400), 1 + random_below(400), LIMIT);
      assert_string_equal(other->events, whole->events);
      assert_int_equal(other->code, 0);
    }
  }
  free(stream);
  free(whole);
  free(other);
}

/* ---- without a copy ---- */

typedef struct pointer_seen {
  const uint8_t *data;
  size_t size;
} pointer_seen;

static void pointer_on_message(web_ws_opcode opcode, const uint8_t *data, size_t size, void *user) {
  (void)opcode;
  *(pointer_seen *)user = (pointer_seen){data, size};
}

static void codec_delivers_a_frame_that_is_whole_in_the_fed_bytes_where_it_lies(void **state) {
  (void)state;
  const web_ws_codec_events events = {.on_message = pointer_on_message};
  pointer_seen seen = {0};
  web_ws_codec *codec = web_ws_codec_create(&events, &seen, LIMIT);
  assert_non_null(codec);
  uint8_t payload[1000];
  uint8_t stream[1020];
  pattern_fill(payload, sizeof payload);
  size_t size = client_frame_write(stream, 0x82, payload, sizeof payload, 0, mask);
  assert_int_equal(web_ws_codec_feed(codec, stream, size), 0);
  assert_ptr_equal(seen.data, stream + 8);
  assert_int_equal(seen.size, sizeof payload);
  web_ws_codec_destroy(codec);
}

static void codec_feed_of_nothing_changes_nothing(void **state) {
  (void)state;
  const web_ws_codec_events events = {.on_message = pointer_on_message};
  pointer_seen seen = {0};
  web_ws_codec *codec = web_ws_codec_create(&events, &seen, LIMIT);
  assert_non_null(codec);
  assert_int_equal(web_ws_codec_feed(codec, NULL, 0), 0);
  assert_null(web_ws_codec_failure(codec));
  web_ws_codec_destroy(codec);
  web_ws_codec_destroy(NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(codec_judges_every_first_byte),
      cmocka_unit_test(codec_judges_every_close_code),
      cmocka_unit_test(codec_takes_each_length_in_its_shortest_form_only),
      cmocka_unit_test(codec_unmasks_every_size_in_every_phase),
      cmocka_unit_test(codec_judges_text_cut_into_fragments_at_every_place),
      cmocka_unit_test(codec_fails_text_at_the_very_byte),
      cmocka_unit_test(codec_reads_a_long_conversation_alike_in_any_pieces),
      cmocka_unit_test(codec_delivers_a_frame_that_is_whole_in_the_fed_bytes_where_it_lies),
      cmocka_unit_test(codec_feed_of_nothing_changes_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
