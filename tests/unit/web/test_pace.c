/* Who is waited for: those who were caught up a moment ago, and those who read fast. */
#include "test.h"

#include "pace.h"

#define MS UINT64_C(1000000)
#define START_NS (UINT64_C(5000) * MS)

/* What a reader just fast enough takes in a window. */
static const uint64_t enough = WEB_PACE_BYTES_PER_S / 1000 * (WEB_PACE_WINDOW_NS / MS);

/* As the sender asks. */
static bool is_trusted(web_pace *pace, uint64_t now_ns, uint32_t observers, size_t unread_bytes) {
  if (web_pace_is_due(pace, now_ns, observers)) {
    web_pace_judge(pace, now_ns, observers, unread_bytes);
  }
  return web_pace_is_trusted(pace, now_ns, observers);
}

/* One that was caught up at START_NS, and whose window of grace is over. */
static web_pace measured_pace(void) {
  web_pace pace = {0};
  web_pace_catch_up(&pace, START_NS - WEB_PACE_WINDOW_NS);
  assert_true(is_trusted(&pace, START_NS, 1, 0));
  return pace;
}

static void pace_is_trusted_right_after_it_was_caught_up(void **state) {
  (void)state;
  web_pace pace = {0};
  web_pace_catch_up(&pace, START_NS);
  assert_true(is_trusted(&pace, START_NS, 1, 0));
  assert_true(is_trusted(&pace, START_NS + WEB_PACE_WINDOW_NS - 1, 1, 0));
}

static void pace_of_one_that_takes_nothing_ends_with_the_second_window(void **state) {
  (void)state;
  web_pace pace = {0};
  web_pace_catch_up(&pace, START_NS);
  assert_true(is_trusted(&pace, START_NS + WEB_PACE_WINDOW_NS, 1, 500));
  assert_false(is_trusted(&pace, START_NS + 2 * WEB_PACE_WINDOW_NS, 1, 500));
  assert_false(is_trusted(&pace, START_NS + 100 * WEB_PACE_WINDOW_NS, 1, 500));
}

static void pace_of_one_that_trickles_is_not_trusted(void **state) {
  (void)state;
  web_pace pace = measured_pace();
  for (uint64_t window = 1; window < 10; window++) {
    web_pace_take(&pace, enough - 1);
    assert_false(is_trusted(&pace, START_NS + window * WEB_PACE_WINDOW_NS, 1, 0));
  }
}

static void pace_of_a_fast_reader_is_trusted_as_long_as_it_is_fast(void **state) {
  (void)state;
  web_pace pace = measured_pace();
  for (uint64_t window = 1; window < 10; window++) {
    web_pace_take(&pace, enough);
    assert_true(is_trusted(&pace, START_NS + window * WEB_PACE_WINDOW_NS, 1, 0));
  }
  assert_true(is_trusted(&pace, START_NS + 10 * WEB_PACE_WINDOW_NS - 1, 1, 0));
  assert_false(is_trusted(&pace, START_NS + 10 * WEB_PACE_WINDOW_NS, 1, 0));
}

static void pace_counts_what_was_read_and_not_what_lies_in_the_kernel(void **state) {
  (void)state;
  web_pace pace = measured_pace();
  web_pace_take(&pace, 3 * enough);
  assert_false(is_trusted(&pace, START_NS + WEB_PACE_WINDOW_NS, 1, 2 * enough + 1));
  assert_true(is_trusted(&pace, START_NS + 2 * WEB_PACE_WINDOW_NS, 1, enough + 1));
  assert_true(is_trusted(&pace, START_NS + 3 * WEB_PACE_WINDOW_NS, 1, 1));
  assert_false(is_trusted(&pace, START_NS + 4 * WEB_PACE_WINDOW_NS, 1, 0));
}

static void pace_counts_from_the_last_time_it_was_caught_up(void **state) {
  (void)state;
  web_pace pace = measured_pace();
  web_pace_take(&pace, 1000 * enough);
  web_pace_catch_up(&pace, START_NS + MS);
  assert_true(is_trusted(&pace, START_NS + MS + WEB_PACE_WINDOW_NS, 1, 0));
  assert_false(is_trusted(&pace, START_NS + MS + 2 * WEB_PACE_WINDOW_NS, 1, 0));
}

static void pace_of_a_window_that_nobody_looked_at_is_its_mean(void **state) {
  (void)state;
  web_pace pace = measured_pace();
  web_pace_take(&pace, 1000 * enough);
  assert_true(is_trusted(&pace, START_NS + 1000 * WEB_PACE_WINDOW_NS, 1, 0));
  web_pace_take(&pace, 999 * enough);
  assert_false(is_trusted(&pace, START_NS + 2000 * WEB_PACE_WINDOW_NS, 1, 0));
}

static void pace_of_zeroes_is_not_trusted(void **state) {
  (void)state;
  web_pace pace = {0};
  assert_false(is_trusted(&pace, START_NS, 1, 0));
}

/* A thousand share what the machine carries: each has its turn later, and takes less. */
static void pace_of_a_crowd_is_a_share_in_a_longer_window(void **state) {
  (void)state;
  enum { CROWD = 1000 };
  const uint64_t window_ns = WEB_PACE_WINDOW_NS * (1 + CROWD / WEB_PACE_WINDOW_OBSERVERS);
  const uint64_t share = WEB_PACE_ALL_BYTES_PER_S / CROWD / 1000 * (window_ns / MS);
  web_pace pace = {0};
  web_pace_catch_up(&pace, START_NS);
  assert_true(is_trusted(&pace, START_NS + window_ns, CROWD, 0));
  web_pace_take(&pace, share);
  assert_true(is_trusted(&pace, START_NS + 2 * window_ns, CROWD, 0));
  web_pace_take(&pace, share - 1);
  assert_false(is_trusted(&pace, START_NS + 3 * window_ns, CROWD, 0));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(pace_is_trusted_right_after_it_was_caught_up),
      cmocka_unit_test(pace_of_one_that_takes_nothing_ends_with_the_second_window),
      cmocka_unit_test(pace_of_one_that_trickles_is_not_trusted),
      cmocka_unit_test(pace_of_a_fast_reader_is_trusted_as_long_as_it_is_fast),
      cmocka_unit_test(pace_counts_what_was_read_and_not_what_lies_in_the_kernel),
      cmocka_unit_test(pace_counts_from_the_last_time_it_was_caught_up),
      cmocka_unit_test(pace_of_a_window_that_nobody_looked_at_is_its_mean),
      cmocka_unit_test(pace_of_zeroes_is_not_trusted),
      cmocka_unit_test(pace_of_a_crowd_is_a_share_in_a_longer_window),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
