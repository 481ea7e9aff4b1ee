/* The input buffer: it keeps bytes in order, and no memory when it is empty. */
#include "test.h"

#include <stdlib.h>
#include <string.h>

#include "src/input_buffer.h"

static void empty_buffer_holds_no_memory(void **state) {
  (void)state;
  pc_chunk_pool pool = {.free = {NULL}};
  pc_input_buffer buffer = {.data = NULL};
  assert_int_equal(pc_input_buffer_size(&buffer), 0);
  assert_true(pc_input_buffer_append(&buffer, &pool, "", 0));
  assert_null(buffer.data);
  assert_true(pc_input_buffer_append(&buffer, &pool, "abc", 3));
  assert_int_equal(pool.borrowed_count, 1);
  pc_input_buffer_consume(&buffer, &pool, 3);
  assert_null(buffer.data);
  assert_int_equal(pool.borrowed_count, 0);
  pc_input_buffer_clear(&buffer, &pool);
  pc_chunk_pool_fini(&pool);
}

static void bytes_stay_in_order_while_the_buffer_grows_and_moves(void **state) {
  (void)state;
  enum { SIZE = 100 * 1000 };
  uint8_t *bytes = malloc(SIZE);
  for (size_t index = 0; index < SIZE; index++) {
    bytes[index] = (uint8_t)(index * 31 >> 3);
  }
  pc_chunk_pool pool = {.free = {NULL}};
  pc_input_buffer buffer = {.data = NULL};
  size_t appended = 0;
  size_t consumed = 0;
  uint32_t random = 5;
  while (consumed < SIZE) {
    random = random * 1664525u + 1013904223u;
    size_t part = random >> 20;
    if (random & 0x80 || appended == consumed) {
      part = part < SIZE - appended ? part : SIZE - appended;
      assert_true(pc_input_buffer_append(&buffer, &pool, bytes + appended, part));
      appended += part;
    } else {
      part = part < appended - consumed ? part : appended - consumed;
      pc_input_buffer_consume(&buffer, &pool, part);
      consumed += part;
    }
    assert_int_equal(pc_input_buffer_size(&buffer), appended - consumed);
    if (appended > consumed) {
      assert_memory_equal(pc_input_buffer_data(&buffer), bytes + consumed, appended - consumed);
    }
  }
  assert_int_equal(pool.borrowed_count, 0);
  pc_chunk_pool_fini(&pool);
  free(bytes);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(empty_buffer_holds_no_memory),
      cmocka_unit_test(bytes_stay_in_order_while_the_buffer_grows_and_moves),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
