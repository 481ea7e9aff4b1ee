/* Who looks again before it sleeps: a thread whose work comes in quick succession, and no other. */
#include "test.h"

#include "spin.h"

#define LIMIT_NS UINT64_C(50000)
#define START_NS UINT64_C(1000000)

static void spin_begins_once_work_has_come_in_quick_succession(void **state) {
  (void)state;
  br_spin spin = {.limit_ns = LIMIT_NS};
  br_spin_note(&spin, START_NS);
  assert_false(br_spin_goes_on(&spin, START_NS));
  br_spin_note(&spin, START_NS + 10);
  assert_false(br_spin_goes_on(&spin, START_NS + 10));
  br_spin_note(&spin, START_NS + 20);
  assert_true(br_spin_goes_on(&spin, START_NS + 20));
}

static void spin_ends_at_its_limit(void **state) {
  (void)state;
  br_spin spin = {.limit_ns = LIMIT_NS};
  for (uint64_t count = 0; count < 5; count++) {
    br_spin_note(&spin, START_NS + count);
  }
  assert_true(br_spin_goes_on(&spin, START_NS + 4 + LIMIT_NS - 1));
  assert_false(br_spin_goes_on(&spin, START_NS + 4 + LIMIT_NS));
}

static void spin_is_not_worth_it_at_a_low_rate(void **state) {
  (void)state;
  br_spin spin = {.limit_ns = LIMIT_NS};
  for (uint64_t count = 0; count < 100; count++) {
    uint64_t now_ns = START_NS + count * LIMIT_NS;
    br_spin_note(&spin, now_ns);
    assert_false(br_spin_goes_on(&spin, now_ns));
  }
}

static void spin_of_limit_zero_never_goes_on(void **state) {
  (void)state;
  br_spin spin = {0};
  for (uint64_t count = 0; count < 100; count++) {
    br_spin_note(&spin, START_NS);
    assert_false(br_spin_goes_on(&spin, START_NS));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(spin_begins_once_work_has_come_in_quick_succession),
      cmocka_unit_test(spin_ends_at_its_limit),
      cmocka_unit_test(spin_is_not_worth_it_at_a_low_rate),
      cmocka_unit_test(spin_of_limit_zero_never_goes_on),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
