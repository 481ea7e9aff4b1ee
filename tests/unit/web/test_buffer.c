/* The bounded buffer. */
#include "test.h"

#include <stdlib.h>
#include <string.h>

#include "web/buffer.h"

static void buffer_append_puts_pieces_one_behind_the_other(void **state) {
  (void)state;
  web_buffer buffer;
  web_buffer_init(&buffer, 4096);
  web_buffer_append(&buffer, "ab", 2);
  web_buffer_append_text(&buffer, "cd");
  web_buffer_append_format(&buffer, "%d-%s", 12, "ef");
  web_buffer_append(&buffer, NULL, 0);
  assert_false(buffer.failed);
  assert_int_equal(buffer.size, 9);
  assert_memory_equal(buffer.data, "abcd12-ef", 9);
  web_buffer_fini(&buffer);
}

static void buffer_takes_exactly_its_bound(void **state) {
  (void)state;
  for (size_t max_size = 0; max_size < 1200; max_size++) {
    web_buffer buffer;
    web_buffer_init(&buffer, max_size);
    for (size_t index = 0; index < max_size; index++) {
      uint8_t byte = (uint8_t)index;
      web_buffer_append(&buffer, &byte, 1);
    }
    assert_false(buffer.failed);
    assert_int_equal(buffer.size, max_size);
    assert_true(buffer.capacity <= max_size);
    for (size_t index = 0; index < max_size; index++) {
      assert_int_equal(buffer.data[index], (uint8_t)index);
    }
    web_buffer_append(&buffer, "x", 1);
    assert_true(buffer.failed);
    assert_int_equal(buffer.size, max_size);
    web_buffer_fini(&buffer);
  }
}

static void buffer_format_may_fill_the_bound_to_the_last_byte(void **state) {
  (void)state;
  web_buffer buffer;
  web_buffer_init(&buffer, 600);
  web_buffer_append_format(&buffer, "%0600d", 7);
  assert_false(buffer.failed);
  assert_int_equal(buffer.size, 600);
  assert_int_equal(buffer.data[599], '7');
  web_buffer_append_format(&buffer, "%s", "");
  assert_false(buffer.failed);
  web_buffer_append_format(&buffer, "%d", 1);
  assert_true(buffer.failed);
  web_buffer_fini(&buffer);
}

static void buffer_after_a_failure_appends_nothing_so_there_is_no_hole(void **state) {
  (void)state;
  web_buffer buffer;
  web_buffer_init(&buffer, 8);
  web_buffer_append_text(&buffer, "12345");
  web_buffer_append_text(&buffer, "6789");
  web_buffer_append_text(&buffer, "a");
  web_buffer_append_format(&buffer, "%c", 'b');
  assert_null(web_buffer_reserve(&buffer, 1));
  assert_true(buffer.failed);
  assert_int_equal(buffer.size, 5);
  web_buffer_fini(&buffer);
}

static void buffer_clear_forgets_content_and_failure_but_keeps_memory(void **state) {
  (void)state;
  web_buffer buffer;
  web_buffer_init(&buffer, 8);
  web_buffer_append_text(&buffer, "12345");
  web_buffer_append_text(&buffer, "6789");
  const uint8_t *data = buffer.data;
  web_buffer_clear(&buffer);
  assert_false(buffer.failed);
  assert_int_equal(buffer.size, 0);
  web_buffer_append_text(&buffer, "abcdefgh");
  assert_false(buffer.failed);
  assert_ptr_equal(buffer.data, data);
  web_buffer_fini(&buffer);
}

static void buffer_commit_takes_what_was_used_of_the_reservation(void **state) {
  (void)state;
  web_buffer buffer;
  web_buffer_init(&buffer, 1 << 20);
  uint8_t *room = web_buffer_reserve(&buffer, 1000);
  assert_non_null(room);
  memset(room, 'x', 1000);
  web_buffer_commit(&buffer, 3);
  web_buffer_append_text(&buffer, "y");
  assert_int_equal(buffer.size, 4);
  assert_memory_equal(buffer.data, "xxxy", 4);
  web_buffer_fini(&buffer);
}

static void buffer_reserve_of_more_than_can_be_counted_fails(void **state) {
  (void)state;
  web_buffer buffer;
  web_buffer_init(&buffer, 100);
  web_buffer_append_text(&buffer, "1");
  assert_null(web_buffer_reserve(&buffer, SIZE_MAX));
  assert_true(buffer.failed);
  web_buffer_fini(&buffer);
}

static void buffer_fini_may_be_called_twice_and_unused(void **state) {
  (void)state;
  web_buffer buffer;
  web_buffer_init(&buffer, 100);
  web_buffer_fini(&buffer);
  web_buffer_append_text(&buffer, "1");
  web_buffer_fini(&buffer);
  web_buffer_fini(&buffer);
  assert_null(buffer.data);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(buffer_append_puts_pieces_one_behind_the_other),
      cmocka_unit_test(buffer_takes_exactly_its_bound),
      cmocka_unit_test(buffer_format_may_fill_the_bound_to_the_last_byte),
      cmocka_unit_test(buffer_after_a_failure_appends_nothing_so_there_is_no_hole),
      cmocka_unit_test(buffer_clear_forgets_content_and_failure_but_keeps_memory),
      cmocka_unit_test(buffer_commit_takes_what_was_used_of_the_reservation),
      cmocka_unit_test(buffer_reserve_of_more_than_can_be_counted_fails),
      cmocka_unit_test(buffer_fini_may_be_called_twice_and_unused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
