/* UTF-8, JSON strings and numbers, base64, percent-decoding: each against a slow and plain
 * reference. */
#include "test.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "web/text.h"

static uint32_t random_state = 1;

static uint32_t random_below(uint32_t bound) {
  random_state = random_state * 1664525 + 1013904223;
  return (random_state >> 8) % bound;
}

/* ---- the references ---- */

static size_t encode_code_point(uint32_t point, uint8_t out[4]) {
  if (point < 0x80) {
    out[0] = (uint8_t)point;
    return 1;
  }
  size_t size = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
  static const uint8_t lead[5] = {0, 0, 0xc0, 0xe0, 0xf0};
  for (size_t index = size; index-- > 1; point >>= 6) {
    out[index] = (uint8_t)(0x80 | (point & 0x3f));
  }
  out[0] = (uint8_t)(lead[size] | point);
  return size;
}

/* Decodes naively, encodes again, compares: well-formed is what survives. */
static bool reference_is_valid(const uint8_t *data, size_t size) {
  for (size_t at = 0; at < size;) {
    uint8_t first = data[at];
    size_t length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (first >= 0xf8 || length > size - at) {
      return false;
    }
    uint32_t point = length == 1 ? first : first & (0x7fU >> length);
    for (size_t index = 1; index < length; index++) {
      point = point << 6 | (data[at + index] & 0x3f);
    }
    if (point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) {
      return false;
    }
    uint8_t again[4];
    if (encode_code_point(point, again) != length || memcmp(again, data + at, length) != 0) {
      return false;
    }
    at += length;
  }
  return true;
}

/* Whether some continuation makes it well-formed: tried out. */
static bool reference_can_be_mended(const uint8_t *data, size_t size) {
  static const uint8_t seconds[] = {0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf};
  uint8_t copy[16];
  memcpy(copy, data, size);
  for (size_t more = 0; more <= 3; more++) {
    memset(copy + size, 0x80, 3);
    for (size_t index = 0; index < sizeof seconds; index++) {
      copy[size] = seconds[index];
      if (reference_is_valid(copy, size + more)) {
        return true;
      }
    }
  }
  return false;
}

/* Bytes on both sides of every border in the definition of UTF-8. */
static const uint8_t border_bytes[] = {0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0,
                                       0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0,
                                       0xf1, 0xf3, 0xf4, 0xf5, 0xf7, 0xf8, 0xfe, 0xff};

static void for_each_border_sequence(void (*check)(const uint8_t *data, size_t size)) {
  const size_t count = sizeof border_bytes;
  for (size_t number = 0; number < count * count * count * count; number++) {
    uint8_t data[4] = {border_bytes[number % count], border_bytes[number / count % count],
                       border_bytes[number / count / count % count],
                       border_bytes[number / count / count / count]};
    check(data, sizeof data);
  }
}

/* ---- UTF-8 ---- */

static void check_whole(const uint8_t *data, size_t size) {
  for (size_t part = 1; part <= size; part++) {
    if (web_utf8_is_valid(data, part) != reference_is_valid(data, part)) {
      fail_msg("%02x %02x %02x %02x, %zu of them", data[0], data[1], data[2], data[3], part);
    }
  }
}

static void utf8_agrees_with_the_definition_on_all_borders(void **state) {
  (void)state;
  for_each_border_sequence(check_whole);
}

static void utf8_agrees_with_the_definition_on_all_pairs(void **state) {
  (void)state;
  for (uint32_t pair = 0; pair < 0x10000; pair++) {
    uint8_t data[4] = {(uint8_t)(pair >> 8), (uint8_t)pair, 0x80, 0x80};
    check_whole(data, 4);
  }
}

static void utf8_every_code_point_is_valid_but_surrogates(void **state) {
  (void)state;
  for (uint32_t point = 0; point <= 0x10ffff; point++) {
    uint8_t data[4];
    size_t size = encode_code_point(point, data);
    assert_int_equal(web_utf8_is_valid(data, size), point < 0xd800 || point > 0xdfff);
  }
}

static void check_fail_fast(const uint8_t *data, size_t size) {
  web_utf8 utf8 = {0};
  bool is_good = true;
  for (size_t part = 1; part <= size; part++) {
    is_good = web_utf8_feed(&utf8, data + part - 1, 1);
    bool expected = reference_can_be_mended(data, part);
    if (is_good != expected) {
      fail_msg("%02x %02x %02x %02x: byte %zu is said to be %d", data[0], data[1], data[2], data[3],
               part, (int)is_good);
    }
    assert_int_equal(web_utf8_is_complete(&utf8), reference_is_valid(data, part));
  }
}

static void utf8_feed_fails_at_the_first_byte_that_nothing_can_mend(void **state) {
  (void)state;
  for_each_border_sequence(check_fail_fast);
}

static void utf8_feed_after_a_failure_goes_on_failing(void **state) {
  (void)state;
  web_utf8 utf8 = {0};
  assert_false(web_utf8_feed(&utf8, (const uint8_t *)"\xff", 1));
  assert_false(web_utf8_feed(&utf8, (const uint8_t *)"a", 1));
  assert_false(web_utf8_feed(&utf8, (const uint8_t *)"", 0));
  assert_false(web_utf8_is_complete(&utf8));
}

static size_t random_text(uint8_t *data, size_t size, bool *out_has_error) {
  size_t used = 0;
  *out_has_error = random_below(2) == 0;
  size_t error_at = random_below((uint32_t)size);
  while (size - used >= 4) {
    if (*out_has_error && used >= error_at) {
      data[used++] = (uint8_t)(0xf5 + random_below(11));
      error_at = size;
    } else if (random_below(3) != 0) {
      data[used++] = (uint8_t)random_below(0x80);
    } else {
      uint32_t point = random_below(0x110000);
      used += encode_code_point(point >= 0xd800 && point <= 0xdfff ? 0xe9 : point, data + used);
    }
  }
  *out_has_error = *out_has_error && error_at == size;
  return used;
}

static void utf8_long_texts_are_judged_alike_whole_and_in_any_pieces(void **state) {
  (void)state;
  enum { SIZE = 200 };
  for (int round = 0; round < 5000; round++) {
    uint8_t data[SIZE];
    bool has_error;
    size_t size = random_text(data, 8 + random_below(SIZE - 8), &has_error);
    assert_int_equal(web_utf8_is_valid(data, size), !has_error);
    web_utf8 utf8 = {0};
    bool is_good = true;
    for (size_t at = 0; at < size;) {
      size_t piece = 1 + random_below((uint32_t)(size - at));
      piece = piece < 24 ? piece : random_below(24);
      is_good = web_utf8_feed(&utf8, data + at, piece) && is_good;
      at += piece;
    }
    assert_int_equal(is_good && web_utf8_is_complete(&utf8), !has_error);
  }
}

static void utf8_one_bad_byte_is_found_at_every_place_of_a_long_text(void **state) {
  (void)state;
  for (size_t size = 1; size < 70; size++) {
    for (size_t at = 0; at < size; at++) {
      uint8_t data[70];
      memset(data, 'x', sizeof data);
      assert_true(web_utf8_is_valid(data, size));
      data[at] = 0x80;
      assert_false(web_utf8_is_valid(data, size));
    }
  }
}

/* ---- JSON ---- */

static size_t reference_json(char *out, const uint8_t *data, size_t size) {
  static const char *const named[256] = {
      ['\b'] = "\\b", ['\t'] = "\\t", ['\n'] = "\\n", ['\f'] = "\\f",
      ['\r'] = "\\r", ['"'] = "\\\"", ['\\'] = "\\\\"};
  char *cursor = out;
  *cursor++ = '"';
  for (size_t index = 0; index < size; index++) {
    if (named[data[index]] != NULL) {
      cursor += sprintf(cursor, "%s", named[data[index]]);
    } else if (data[index] < 0x20) {
      cursor += sprintf(cursor, "\\u%04x", data[index]);
    } else {
      *cursor++ = (char)data[index];
    }
  }
  *cursor++ = '"';
  return (size_t)(cursor - out);
}

static void check_json(const uint8_t *data, size_t size) {
  /* Exactly the bound on the heap: the address sanitizer sees a byte too many. */
  uint8_t *room = malloc(WEB_JSON_STRING_BOUND(size));
  char *expected = malloc(WEB_JSON_STRING_BOUND(size) + 8);
  assert_non_null(room);
  assert_non_null(expected);
  size_t expected_size = reference_json(expected, data, size);
  uint8_t *end = web_json_write_string(room, data, size);
  assert_int_equal(end - room, expected_size);
  assert_memory_equal(room, expected, expected_size);
  free(room);
  free(expected);
}

static void json_string_every_byte_at_every_place_of_a_word(void **state) {
  (void)state;
  for (uint32_t byte = 0; byte < 256; byte++) {
    for (size_t size = 1; size <= 18; size++) {
      for (size_t at = 0; at < size; at++) {
        uint8_t data[18];
        memset(data, 'x', sizeof data);
        data[at] = (uint8_t)byte;
        check_json(data, size);
      }
    }
  }
}

static void json_string_of_nothing_is_two_quotes(void **state) {
  (void)state;
  check_json((const uint8_t *)"", 0);
}

static void json_string_mixed_bytes_agree_with_the_reference(void **state) {
  (void)state;
  for (int round = 0; round < 20000; round++) {
    uint8_t data[64];
    size_t size = random_below(sizeof data + 1);
    uint32_t kind = random_below(3);
    for (size_t index = 0; index < size; index++) {
      data[index] = (uint8_t)(kind == 0   ? random_below(256)
                              : kind == 1 ? 0x1e + random_below(5)
                                          : 0x5a + random_below(5));
    }
    check_json(data, size);
  }
}

static void json_string_worst_case_fills_the_bound(void **state) {
  (void)state;
  uint8_t data[40] = {0};
  uint8_t room[WEB_JSON_STRING_BOUND(sizeof data)];
  assert_int_equal(web_json_write_string(room, data, sizeof data) - room, sizeof room);
}

static void check_u64(uint64_t value) {
  uint8_t *room = malloc(WEB_U64_BOUND);
  assert_non_null(room);
  char expected[32];
  int size = snprintf(expected, sizeof expected, "%" PRIu64, value);
  uint8_t *end = web_json_write_u64(room, value);
  assert_int_equal(end - room, size);
  assert_memory_equal(room, expected, (size_t)size);
  free(room);
}

static void json_number_is_right_around_every_power_of_ten_and_two(void **state) {
  (void)state;
  check_u64(0);
  check_u64(UINT64_MAX);
  uint64_t power = 1;
  for (int exponent = 0; exponent < 20; exponent++, power *= 10) {
    for (uint64_t factor = 1; factor < 10; factor++) {
      check_u64(power * factor - 1);
      check_u64(power * factor);
      check_u64(power * factor + 1);
    }
  }
  for (unsigned shift = 0; shift < 64; shift++) {
    check_u64((UINT64_C(1) << shift) - 1);
    check_u64(UINT64_C(1) << shift);
  }
}

static void json_number_agrees_with_printf(void **state) {
  (void)state;
  for (uint64_t value = 0; value < 100000; value++) {
    check_u64(value);
    check_u64(value * 10007);
    check_u64(value * UINT64_C(0x9e3779b97f4a7c15) >> random_below(64));
  }
}

/* ---- base64 ---- */

static void base64_of_the_standards_examples(void **state) {
  (void)state;
  static const struct {
    const char *text;
    const char *expected;
  } cases[] = {{"", ""},
               {"f", "Zg=="},
               {"fo", "Zm8="},
               {"foo", "Zm9v"},
               {"foob", "Zm9vYg=="},
               {"fooba", "Zm9vYmE="},
               {"foobar", "Zm9vYmFy"},
               {"\xfb\xff\xbf", "+/+/"}};
  for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++) {
    uint8_t room[16];
    size_t size = strlen(cases[index].text);
    uint8_t *end = web_base64_write(room, (const uint8_t *)cases[index].text, size);
    assert_int_equal(end - room, strlen(cases[index].expected));
    assert_int_equal(end - room, WEB_BASE64_BOUND(size));
    assert_memory_equal(room, cases[index].expected, strlen(cases[index].expected));
    size_t read;
    assert_true(web_base64_read(cases[index].expected, strlen(cases[index].expected), room, &read));
    assert_int_equal(read, size);
    assert_memory_equal(room, cases[index].text, size);
  }
}

typedef struct refused {
  const char *text;
  size_t offset;
} refused;

static void base64_reader_tells_where_it_is_wrong(void **state) {
  (void)state;
  static const refused cases[] = {
      {"Z", 1},    {"Zg", 2},    {"Zg=", 3},        {"Zg==Zg==", 2},   {"Zh==", 1},
      {"Zm9=", 2}, {"Zm9vZ", 5}, {"Zm-v", 2},       {"Zm9v Zm9", 4},   {"====", 0},
      {"Z===", 1}, {"=g==", 0},  {"Zm9v\nZm9v", 4}, {"\xc3\xa4Zg", 0},
  };
  for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++) {
    uint8_t room[16];
    size_t offset = 99;
    assert_false(web_base64_read(cases[index].text, strlen(cases[index].text), room, &offset));
    assert_int_equal(offset, cases[index].offset);
  }
}

static void hex_reader_reads_pairs_and_tells_where_it_is_wrong(void **state) {
  (void)state;
  static const refused cases[] = {{"0", 1}, {"0g", 1}, {"00 1", 4}, {"0 0", 1}, {"0x00", 1}};
  uint8_t room[16];
  size_t size;
  assert_true(web_hex_read("", 0, room, &size));
  assert_int_equal(size, 0);
  assert_true(web_hex_read(" 00fF\t7e\n", 9, room, &size));
  assert_int_equal(size, 3);
  assert_memory_equal(room, "\0\xff\x7e", 3);
  for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++) {
    assert_false(web_hex_read(cases[index].text, strlen(cases[index].text), room, &size));
    assert_int_equal(size, cases[index].offset);
  }
}

static uint32_t base64_value(uint8_t character) {
  static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const char *found = strchr(alphabet, character);
  assert_non_null(found);
  return (uint32_t)(found - alphabet);
}

static void base64_decodes_back_to_what_went_in_at_every_size(void **state) {
  (void)state;
  for (size_t size = 0; size < 300; size++) {
    uint8_t data[300];
    for (size_t index = 0; index < size; index++) {
      data[index] = (uint8_t)random_below(256);
    }
    size_t bound = WEB_BASE64_BOUND(size);
    uint8_t *room = malloc(bound + (bound == 0));
    assert_non_null(room);
    assert_int_equal(web_base64_write(room, data, size) - room, bound);
    for (size_t index = 0; index < size; index++) {
      size_t bit = index * 8;
      uint32_t pair = base64_value(room[bit / 6]) << 6 | base64_value(room[bit / 6 + 1]);
      assert_int_equal((uint8_t)(pair >> (4 - bit % 6)), data[index]);
    }
    for (size_t index = (size * 8 + 5) / 6; index < bound; index++) {
      assert_int_equal(room[index], '=');
    }
    free(room);
  }
}

/* ---- percent-decoding ---- */

static void percent_decoding_by_table(void **state) {
  (void)state;
  static const struct {
    const char *text;
    const char *expected; /* NULL: refused */
  } cases[] = {{"", ""},
               {"plain", "plain"},
               {"a+b", "a+b"},
               {"%41%62%2f%2F", "Ab//"},
               {"%e2%82%AC", "\xe2\x82\xac"},
               {"%2541", "%41"},
               {"%", NULL},
               {"%4", NULL},
               {"x%4g", NULL},
               {"x%g4", NULL},
               {"%00", NULL},
               {"a%", NULL}};
  for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++) {
    char *text = strdup(cases[index].text);
    assert_non_null(text);
    assert_int_equal(web_percent_decode(text), cases[index].expected != NULL);
    if (cases[index].expected != NULL) {
      assert_string_equal(text, cases[index].expected);
    }
    free(text);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(utf8_agrees_with_the_definition_on_all_borders),
      cmocka_unit_test(utf8_agrees_with_the_definition_on_all_pairs),
      cmocka_unit_test(utf8_every_code_point_is_valid_but_surrogates),
      cmocka_unit_test(utf8_feed_fails_at_the_first_byte_that_nothing_can_mend),
      cmocka_unit_test(utf8_feed_after_a_failure_goes_on_failing),
      cmocka_unit_test(utf8_long_texts_are_judged_alike_whole_and_in_any_pieces),
      cmocka_unit_test(utf8_one_bad_byte_is_found_at_every_place_of_a_long_text),
      cmocka_unit_test(json_string_every_byte_at_every_place_of_a_word),
      cmocka_unit_test(json_string_of_nothing_is_two_quotes),
      cmocka_unit_test(json_string_mixed_bytes_agree_with_the_reference),
      cmocka_unit_test(json_string_worst_case_fills_the_bound),
      cmocka_unit_test(json_number_is_right_around_every_power_of_ten_and_two),
      cmocka_unit_test(json_number_agrees_with_printf),
      cmocka_unit_test(base64_of_the_standards_examples),
      cmocka_unit_test(base64_reader_tells_where_it_is_wrong),
      cmocka_unit_test(hex_reader_reads_pairs_and_tells_where_it_is_wrong),
      cmocka_unit_test(base64_decodes_back_to_what_went_in_at_every_size),
      cmocka_unit_test(percent_decoding_by_table),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
