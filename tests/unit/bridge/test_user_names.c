/* Names of users: found, not found, and believed for a minute. */
#include "test.h"

#include <string.h>

#include "user_names.h"

static const uint64_t minute_ns = UINT64_C(60) * 1000000000;

static void users_of_this_machine_have_names(void **state) {
  (void)state;
  static br_user_names names;
  assert_string_equal(br_user_names_find(&names, 0, 1), "root");
  assert_string_equal(br_user_names_find(&names, 0, 2), "root");
}

static void users_that_nobody_is_have_none(void **state) {
  (void)state;
  static br_user_names names;
  assert_string_equal(br_user_names_find(&names, -1, 1), "");
  assert_string_equal(br_user_names_find(&names, 987654321, 1), "");
  assert_string_equal(br_user_names_find(&names, INT64_MAX, 1), "");
}

static void name_is_believed_for_a_minute_and_of_its_own_user_only(void **state) {
  (void)state;
  static br_user_names names;
  (void)br_user_names_find(&names, 0, 1);
  strcpy(names.names[0].name, "kept");
  assert_string_equal(br_user_names_find(&names, 0, minute_ns), "kept");
  assert_string_equal(br_user_names_find(&names, 0, minute_ns + 1), "root");
  strcpy(names.names[0].name, "kept");
  assert_string_equal(br_user_names_find(&names, (int64_t)BR_USER_NAMES * 99999999, minute_ns), "");
  assert_string_equal(br_user_names_find(&names, 0, minute_ns), "root");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(users_of_this_machine_have_names),
      cmocka_unit_test(users_that_nobody_is_have_none),
      cmocka_unit_test(name_is_believed_for_a_minute_and_of_its_own_user_only),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
