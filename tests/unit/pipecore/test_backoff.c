/* Capped exponential backoff with full jitter. */
#include "test.h"

#include "src/backoff.h"

enum { FIRST_MS = 100, MAX_MS = 5000, ROUNDS = 2000 };

static void delay_is_below_a_ceiling_that_doubles_up_to_the_longest(void **state) {
  (void)state;
  static const uint32_t ceilings[] = {100, 200, 400, 800, 1600, 3200, 5000, 5000};
  for (uint64_t seed = 0; seed < ROUNDS; seed++) {
    pc_backoff backoff;
    pc_backoff_init(&backoff, FIRST_MS, MAX_MS, seed);
    for (unsigned index = 0; index < sizeof ceilings / sizeof *ceilings; index++) {
      uint32_t delay_ms = pc_backoff_next(&backoff);
      assert_in_range(delay_ms, 1, ceilings[index]);
    }
  }
}

/* Full jitter: every delay up to the ceiling is as likely as any other. */
static void delays_are_spread_over_all_that_the_ceiling_allows(void **state) {
  (void)state;
  unsigned quarters[4] = {0};
  for (uint64_t seed = 0; seed < ROUNDS; seed++) {
    pc_backoff backoff;
    pc_backoff_init(&backoff, FIRST_MS, MAX_MS, seed);
    quarters[(pc_backoff_next(&backoff) - 1) / (FIRST_MS / 4)]++;
  }
  for (int index = 0; index < 4; index++) {
    assert_in_range(quarters[index], ROUNDS / 4 * 8 / 10, ROUNDS / 4 * 12 / 10);
  }
}

static void same_seed_gives_the_same_delays_and_another_others(void **state) {
  (void)state;
  pc_backoff one;
  pc_backoff same;
  pc_backoff other;
  unsigned equal_count = 0;
  pc_backoff_init(&one, FIRST_MS, MAX_MS, 42);
  pc_backoff_init(&same, FIRST_MS, MAX_MS, 42);
  pc_backoff_init(&other, FIRST_MS, MAX_MS, 43);
  for (int count = 0; count < 100; count++) {
    uint32_t delay_ms = pc_backoff_next(&one);
    assert_int_equal(pc_backoff_next(&same), delay_ms);
    equal_count += pc_backoff_next(&other) == delay_ms;
  }
  assert_true(equal_count < 10);
}

static void reset_begins_with_the_first_ceiling_again(void **state) {
  (void)state;
  pc_backoff backoff;
  pc_backoff_init(&backoff, 10, 1000, 1);
  for (int count = 0; count < 20; count++) {
    (void)pc_backoff_next(&backoff);
  }
  pc_backoff_reset(&backoff);
  assert_in_range(pc_backoff_next(&backoff), 1, 10);
  assert_in_range(pc_backoff_next(&backoff), 1, 20);
}

static void extremes_stay_in_their_bounds(void **state) {
  (void)state;
  pc_backoff backoff;
  pc_backoff_init(&backoff, 1, 1, 7);
  for (int count = 0; count < 10; count++) {
    assert_int_equal(pc_backoff_next(&backoff), 1);
  }
  pc_backoff_init(&backoff, UINT32_MAX / 3, UINT32_MAX, 7);
  for (int count = 0; count < 10; count++) {
    assert_in_range(pc_backoff_next(&backoff), 1, UINT32_MAX);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(delay_is_below_a_ceiling_that_doubles_up_to_the_longest),
      cmocka_unit_test(delays_are_spread_over_all_that_the_ceiling_allows),
      cmocka_unit_test(same_seed_gives_the_same_delays_and_another_others),
      cmocka_unit_test(reset_begins_with_the_first_ceiling_again),
      cmocka_unit_test(extremes_stay_in_their_bounds),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
