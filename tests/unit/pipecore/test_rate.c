/* How many a second: bursts, pauses and the long run. */
#include "test.h"

#include <stdbool.h>

#include "src/rate.h"

#define NS_PER_S UINT64_C(1000000000)

static void without_a_rate_all_may_come(void **state) {
  (void)state;
  pc_rate rate;
  pc_rate_init(&rate, 0, 0);
  for (unsigned index = 0; index < 1000; index++) {
    assert_int_equal(pc_rate_free(&rate, 7), UINT32_MAX);
    assert_int_equal(pc_rate_wait_ns(&rate, 7), 0);
    pc_rate_take(&rate, 7);
  }
}

static void burst_comes_at_once_and_then_one_at_a_time(void **state) {
  (void)state;
  pc_rate rate;
  uint64_t now_ns = 5 * NS_PER_S;
  pc_rate_init(&rate, 10, 3);
  for (uint32_t left = 3; left > 0; left--) {
    assert_int_equal(pc_rate_free(&rate, now_ns), left);
    assert_int_equal(pc_rate_wait_ns(&rate, now_ns), 0);
    pc_rate_take(&rate, now_ns);
  }
  for (unsigned index = 0; index < 5; index++) {
    assert_int_equal(pc_rate_free(&rate, now_ns), 0);
    assert_int_equal(pc_rate_wait_ns(&rate, now_ns), NS_PER_S / 10);
    assert_int_equal(pc_rate_wait_ns(&rate, now_ns + 1), NS_PER_S / 10 - 1);
    now_ns += NS_PER_S / 10;
    assert_int_equal(pc_rate_free(&rate, now_ns), 1);
    assert_int_equal(pc_rate_wait_ns(&rate, now_ns), 0);
    pc_rate_take(&rate, now_ns);
  }
}

static void pause_gives_the_burst_back_and_no_more(void **state) {
  (void)state;
  pc_rate rate;
  pc_rate_init(&rate, 10, 3);
  uint64_t now_ns = NS_PER_S;
  pc_rate_take(&rate, now_ns);
  pc_rate_take(&rate, now_ns);
  assert_int_equal(pc_rate_free(&rate, now_ns + NS_PER_S / 10), 2);
  assert_int_equal(pc_rate_free(&rate, now_ns + 1000 * NS_PER_S), 3);
}

static void in_the_long_run_no_more_come_than_the_rate_says(void **state) {
  (void)state;
  static const uint32_t rates[] = {1, 3, 7, 1000, 1000 * 1000};
  for (unsigned index = 0; index < sizeof rates / sizeof rates[0]; index++) {
    pc_rate rate;
    uint64_t now_ns = 1;
    uint64_t came = 0;
    pc_rate_init(&rate, rates[index], 5);
    while (now_ns < 3 * NS_PER_S && came < 100000) { /* always as soon as it may */
      now_ns += pc_rate_wait_ns(&rate, now_ns);
      assert_true(pc_rate_free(&rate, now_ns) > 0);
      pc_rate_take(&rate, now_ns);
      came++;
    }
    double seconds = (double)now_ns / (double)NS_PER_S;
    assert_true((double)came <= 6 + seconds * rates[index] * 1.001);
    assert_true((double)came >= seconds * rates[index] * 0.999);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(without_a_rate_all_may_come),
      cmocka_unit_test(burst_comes_at_once_and_then_one_at_a_time),
      cmocka_unit_test(pause_gives_the_burst_back_and_no_more),
      cmocka_unit_test(in_the_long_run_no_more_come_than_the_rate_says),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
