/* Messages compressed and expanded one by one: all that goes in comes out, whatever the room and
 * the pieces. */
#include "test.h"

#include <stdlib.h>
#include <string.h>

#include "web/deflate.h"

enum { TEXT_BYTES = 20000, SMALL_BYTES = 100 };

static void fill_with_text(uint8_t *data, size_t size) {
  for (size_t index = 0; index < size; index++) {
    data[index] = (uint8_t) "{\"seq\":17,\"kind\":\"message\"}"[(index + index / 97) % 27];
  }
}

static void fill_with_noise(uint8_t *data, size_t size) {
  uint32_t state = 1;
  for (size_t index = 0; index < size; index++) {
    state = state * 1664525 + 1013904223;
    data[index] = (uint8_t)(state >> 24);
  }
}

/* Expands `packed` in pieces of `step`, into rooms of `room`; returns the bytes, or SIZE_MAX if it
 * is bad. */
static size_t expand(web_inflaters *pool, const uint8_t *packed, size_t size, size_t step,
                     size_t room, uint8_t *out, size_t out_size) {
  web_inflater *inflater = web_inflaters_take(pool);
  web_inflate_result result = WEB_INFLATE_DONE;
  size_t total = 0;
  assert_non_null(inflater);
  while (size > 0 && result != WEB_INFLATE_BAD) {
    size_t part = step < size ? step : size;
    size_t left = part;
    do {
      size_t written = room;
      assert_true(total + room <= out_size);
      result = web_inflater_run(inflater, &packed, &left, out + total, &written);
      total += written;
    } while (result == WEB_INFLATE_FULL);
    size -= part;
  }
  if (result != WEB_INFLATE_BAD) {
    do {
      size_t written = room;
      assert_true(total + room <= out_size);
      result = web_inflater_finish(inflater, out + total, &written);
      total += written;
    } while (result == WEB_INFLATE_FULL);
  }
  web_inflaters_give(pool, inflater);
  return result == WEB_INFLATE_BAD ? SIZE_MAX : total;
}

static void message_comes_out_as_it_went_in_by_every_window(void **state) {
  static uint8_t text[TEXT_BYTES];
  static uint8_t out[TEXT_BYTES + SMALL_BYTES];
  web_inflaters pool = {0};
  (void)state;
  fill_with_text(text, sizeof text);
  for (unsigned bits = WEB_DEFLATE_MIN_BITS; bits <= WEB_DEFLATE_MAX_BITS; bits++) {
    web_deflater *deflater = web_deflater_create(bits);
    assert_non_null(deflater);
    for (int again = 0; again < 3; again++) {
      size_t size = 0;
      const uint8_t *packed = web_deflater_pack(deflater, text, sizeof text, &size);
      assert_non_null(packed);
      assert_true(size < sizeof text / 3);
      assert_int_equal(expand(&pool, packed, size, size, SMALL_BYTES, out, sizeof out),
                       sizeof text);
      assert_memory_equal(out, text, sizeof text);
    }
    web_deflater_destroy(deflater);
  }
  web_inflaters_fini(&pool);
}

static void pieces_and_rooms_of_any_size_give_the_same(void **state) {
  static const size_t sizes[] = {1, 2, 3, 7, 64, 1000};
  static uint8_t text[TEXT_BYTES];
  static uint8_t out[TEXT_BYTES + 1000];
  enum { COUNT = sizeof sizes / sizeof sizes[0] };
  web_inflaters pool = {0};
  web_deflater *deflater = web_deflater_create(WEB_DEFLATE_MAX_BITS);
  size_t size = 0;
  (void)state;
  fill_with_text(text, sizeof text);
  const uint8_t *packed = web_deflater_pack(deflater, text, sizeof text, &size);
  assert_non_null(packed);
  for (size_t one = 0; one < COUNT * COUNT; one++) {
    memset(out, 0, sizeof out);
    assert_int_equal(
        expand(&pool, packed, size, sizes[one / COUNT], sizes[one % COUNT], out, sizeof out),
        sizeof text);
    assert_memory_equal(out, text, sizeof text);
  }
  assert_int_equal(pool.count, 1);
  web_deflater_destroy(deflater);
  web_inflaters_fini(&pool);
}

static void what_does_not_pay_is_left_as_it_is(void **state) {
  static uint8_t data[TEXT_BYTES];
  web_deflater *deflater = web_deflater_create(WEB_DEFLATE_MAX_BITS);
  size_t size = 12345;
  (void)state;
  fill_with_noise(data, sizeof data);
  assert_null(web_deflater_pack(deflater, data, sizeof data, &size));
  fill_with_text(data, sizeof data);
  assert_null(web_deflater_pack(deflater, data, WEB_DEFLATE_MIN_BYTES - 1, &size));
  assert_int_equal(size, 12345);
  /* And what was given up leaves nothing behind in the next. */
  assert_non_null(web_deflater_pack(deflater, data, WEB_DEFLATE_MIN_BYTES, &size));
  assert_true(size < WEB_DEFLATE_MIN_BYTES);
  web_deflater_destroy(deflater);
}

typedef struct inflate_case {
  const char *name;
  const char *data;
  size_t size;
  size_t expected; /* bytes; SIZE_MAX: bad */
} inflate_case;

#define CASE(name, text, expected) \
  { name, text, sizeof(text) - 1, expected }

/* The examples of RFC 7692 §7.2.3 among them. */
static const inflate_case inflate_cases[] = {
    CASE("Hello", "\xf2\x48\xcd\xc9\xc9\x07\x00", 5),
    CASE("no compression", "\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00", 5),
    CASE("a last block", "\xf3\x48\xcd\xc9\xc9\x07\x00\x00", 5),
    CASE("a last block and nothing behind it", "\xf3\x48\xcd\xc9\xc9\x07\x00", 5),
    CASE("two blocks", "\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00", 5),
    CASE("an empty message", "\x00", 0),
    CASE("no byte at all", "", 0),
    CASE("cut in a block", "\xf2\x48\xcd", SIZE_MAX),
    CASE("cut in a length", "\x00\x05\x00", SIZE_MAX),
    CASE("a block of the reserved type", "\xff\xff\xff", SIZE_MAX),
    CASE("a length that contradicts itself", "\x00\x05\x00\x00\x00", SIZE_MAX),
    CASE("a distance before the beginning", "\x4b\x04\xa2\x00\x00", SIZE_MAX),
};

static void what_others_compress_is_expanded_or_refused(void **state) {
  uint8_t out[256];
  web_inflaters pool = {0};
  (void)state;
  for (size_t index = 0; index < sizeof inflate_cases / sizeof inflate_cases[0]; index++) {
    const inflate_case *c = &inflate_cases[index];
    for (size_t step = 1; step <= c->size + 1; step++) {
      size_t got = expand(&pool, (const uint8_t *)c->data, c->size, step, 16, out, sizeof out);
      if (got != c->expected) {
        fail_msg("%s in pieces of %zu: %zu instead of %zu", c->name, step, got, c->expected);
      }
      if (got == 5) {
        assert_memory_equal(out, "Hello", 5);
      }
    }
  }
  web_inflaters_fini(&pool);
}

static void many_inflaters_at_once_are_kept_only_in_part(void **state) {
  web_inflater *taken[40];
  web_inflaters pool = {0};
  (void)state;
  for (size_t index = 0; index < 40; index++) {
    taken[index] = web_inflaters_take(&pool);
    assert_non_null(taken[index]);
  }
  for (size_t index = 0; index < 40; index++) {
    web_inflaters_give(&pool, taken[index]);
  }
  web_inflaters_give(&pool, NULL);
  assert_true(pool.count > 0 && pool.count < 40);
  web_inflaters_fini(&pool);
  assert_null(pool.first);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(message_comes_out_as_it_went_in_by_every_window),
      cmocka_unit_test(pieces_and_rooms_of_any_size_give_the_same),
      cmocka_unit_test(what_does_not_pay_is_left_as_it_is),
      cmocka_unit_test(what_others_compress_is_expanded_or_refused),
      cmocka_unit_test(many_inflaters_at_once_are_kept_only_in_part),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
