/* Who is waited for: those who were caught up a moment ago, and those who read fast. */
#include "test.h"

#include "pace.h"

#define MS UINT64_C(1000000)
#define START_NS (UINT64_C(5000) * MS)

/* What a reader just fast enough takes in a window. */
static const uint64_t enough = WEB_PACE_BYTES_PER_S / 1000 * (WEB_PACE_WINDOW_NS / MS);

static void pace_is_trusted_right_after_it_was_caught_up(void **state) {
  (void)state;
  web_pace pace = {0};
  web_pace_catch_up(&pace, START_NS);
  assert_true(web_pace_is_trusted(&pace, START_NS));
  assert_true(web_pace_is_trusted(&pace, START_NS + WEB_PACE_WINDOW_NS - 1));
}

static void pace_of_one_that_takes_nothing_ends_with_the_first_window(void **state) {
  (void)state;
  web_pace pace = {0};
  web_pace_catch_up(&pace, START_NS);
  assert_false(web_pace_is_trusted(&pace, START_NS + WEB_PACE_WINDOW_NS));
  assert_false(web_pace_is_trusted(&pace, START_NS + 100 * WEB_PACE_WINDOW_NS));
}

static void pace_of_one_that_trickles_is_not_trusted(void **state) {
  (void)state;
  web_pace pace = {0};
  web_pace_catch_up(&pace, START_NS);
  for (uint64_t window = 1; window < 10; window++) {
    web_pace_take(&pace, enough - 1);
    assert_false(web_pace_is_trusted(&pace, START_NS + window * WEB_PACE_WINDOW_NS));
  }
}

static void pace_of_a_fast_reader_is_trusted_as_long_as_it_is_fast(void **state) {
  (void)state;
  web_pace pace = {0};
  web_pace_catch_up(&pace, START_NS);
  for (uint64_t window = 1; window < 10; window++) {
    web_pace_take(&pace, enough);
    assert_true(web_pace_is_trusted(&pace, START_NS + window * WEB_PACE_WINDOW_NS));
  }
  assert_true(web_pace_is_trusted(&pace, START_NS + 10 * WEB_PACE_WINDOW_NS - 1));
  assert_false(web_pace_is_trusted(&pace, START_NS + 10 * WEB_PACE_WINDOW_NS));
}

static void pace_counts_from_the_last_time_it_was_caught_up(void **state) {
  (void)state;
  web_pace pace = {0};
  web_pace_take(&pace, 1000 * enough);
  web_pace_catch_up(&pace, START_NS);
  assert_false(web_pace_is_trusted(&pace, START_NS + WEB_PACE_WINDOW_NS));
}

static void pace_of_a_window_that_nobody_looked_at_is_its_mean(void **state) {
  (void)state;
  web_pace pace = {0};
  web_pace_catch_up(&pace, START_NS);
  web_pace_take(&pace, 1000 * enough);
  assert_true(web_pace_is_trusted(&pace, START_NS + 1000 * WEB_PACE_WINDOW_NS));
  web_pace_take(&pace, 999 * enough);
  assert_false(web_pace_is_trusted(&pace, START_NS + 2000 * WEB_PACE_WINDOW_NS));
}

static void pace_of_zeroes_is_not_trusted(void **state) {
  (void)state;
  web_pace pace = {0};
  assert_false(web_pace_is_trusted(&pace, START_NS));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(pace_is_trusted_right_after_it_was_caught_up),
      cmocka_unit_test(pace_of_one_that_takes_nothing_ends_with_the_first_window),
      cmocka_unit_test(pace_of_one_that_trickles_is_not_trusted),
      cmocka_unit_test(pace_of_a_fast_reader_is_trusted_as_long_as_it_is_fast),
      cmocka_unit_test(pace_counts_from_the_last_time_it_was_caught_up),
      cmocka_unit_test(pace_of_a_window_that_nobody_looked_at_is_its_mean),
      cmocka_unit_test(pace_of_zeroes_is_not_trusted),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
