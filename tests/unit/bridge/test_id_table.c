/* The table from ids to pointers: against a plain array as the model. */
#include "test.h"

#include "bridge/id_table.h"

enum { IDS = 4096 };

static void id_table_empty_finds_nothing(void **state) {
  (void)state;
  br_id_table table = {0};
  assert_null(br_id_table_get(&table, 1));
  assert_null(br_id_table_remove(&table, 1));
  br_id_table_fini(&table);
}

static void id_table_finds_what_was_put(void **state) {
  (void)state;
  br_id_table table = {0};
  static int values[IDS];
  for (uint64_t id = 1; id < IDS; id++) {
    assert_true(br_id_table_put(&table, id, &values[id]));
  }
  for (uint64_t id = 1; id < IDS; id++) {
    assert_ptr_equal(br_id_table_get(&table, id), &values[id]);
  }
  assert_null(br_id_table_get(&table, IDS));
  assert_int_equal(table.count, IDS - 1);
  br_id_table_fini(&table);
}

static void id_table_agrees_with_a_model_over_random_steps(void **state) {
  (void)state;
  br_id_table table = {0};
  static int values[IDS];
  static bool is_there[IDS];
  size_t count = 0;
  uint32_t random = 12345;
  for (int step = 0; step < 200000; step++) {
    random = random * 1664525u + 1013904223u;
    uint64_t id = 1 + (random >> 8) % (IDS - 1);
    if (is_there[id]) {
      assert_ptr_equal(br_id_table_remove(&table, id), &values[id]);
      count--;
    } else {
      assert_null(br_id_table_get(&table, id));
      assert_true(br_id_table_put(&table, id, &values[id]));
      count++;
    }
    is_there[id] = !is_there[id];
    assert_int_equal(table.count, count);
  }
  for (uint64_t id = 1; id < IDS; id++) {
    assert_ptr_equal(br_id_table_get(&table, id), is_there[id] ? &values[id] : NULL);
  }
  br_id_table_fini(&table);
}

static void id_table_does_not_grow_as_sessions_come_and_go(void **state) {
  (void)state;
  br_id_table table = {0};
  int value;
  for (uint64_t id = 1; id < 1000000; id++) {
    assert_true(br_id_table_put(&table, id, &value));
    assert_ptr_equal(br_id_table_remove(&table, id), &value);
  }
  assert_true(table.capacity <= 16);
  br_id_table_fini(&table);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(id_table_empty_finds_nothing),
      cmocka_unit_test(id_table_finds_what_was_put),
      cmocka_unit_test(id_table_agrees_with_a_model_over_random_steps),
      cmocka_unit_test(id_table_does_not_grow_as_sessions_come_and_go),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
