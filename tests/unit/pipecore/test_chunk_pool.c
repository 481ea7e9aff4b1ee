/* Chunks of each size come back, and no more are kept than the pool may. */
#include "test.h"

#include <string.h>

#include "src/chunk_pool.h"

static void chunk_that_was_given_is_taken_again(void **state) {
  (void)state;
  pc_chunk_pool pool = {0};
  for (size_t size = PC_CHUNK_BYTES; size <= (size_t)PC_CHUNK_BYTES << (PC_CHUNK_SIZES - 1);
       size *= 2) {
    void *chunk = pc_chunk_pool_take(&pool, size);
    assert_non_null(chunk);
    memset(chunk, 1, size);
    pc_chunk_pool_give(&pool, chunk, size);
    assert_ptr_equal(pc_chunk_pool_take(&pool, size), chunk);
    pc_chunk_pool_give(&pool, chunk, size);
  }
  pc_chunk_pool_fini(&pool);
}

static void chunk_larger_than_any_size_is_not_kept(void **state) {
  (void)state;
  pc_chunk_pool pool = {0};
  size_t size = (size_t)PC_CHUNK_BYTES << PC_CHUNK_SIZES;
  pc_chunk_pool_give(&pool, pc_chunk_pool_take(&pool, size), size);
  assert_int_equal(pool.free_bytes, 0);
  assert_int_equal(pool.borrowed_count, 0);
  pc_chunk_pool_fini(&pool);
}

static void chunk_pool_keeps_no_more_than_its_bound(void **state) {
  (void)state;
  enum { COUNT = 2 * PC_CHUNK_POOL_KEEP_BYTES / PC_CHUNK_BYTES };
  static void *chunks[COUNT];
  pc_chunk_pool pool = {0};
  for (size_t index = 0; index < COUNT; index++) {
    chunks[index] = pc_chunk_pool_take(&pool, PC_CHUNK_BYTES);
    assert_non_null(chunks[index]);
  }
  for (size_t index = 0; index < COUNT; index++) {
    pc_chunk_pool_give(&pool, chunks[index], PC_CHUNK_BYTES);
  }
  assert_int_equal(pool.free_bytes, PC_CHUNK_POOL_KEEP_BYTES);
  pc_chunk_pool_fini(&pool);
  assert_int_equal(pool.free_bytes, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(chunk_that_was_given_is_taken_again),
      cmocka_unit_test(chunk_larger_than_any_size_is_not_kept),
      cmocka_unit_test(chunk_pool_keeps_no_more_than_its_bound),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
