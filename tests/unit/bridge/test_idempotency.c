/* Keys of requests: what is known of them, for how long, and of how many. */
#include "test.h"

#include <stdio.h>
#include <string.h>

#include "idempotency.h"

enum { MS = 1000000 };

static br_fingerprint print_of(const char *text) {
  br_fingerprint fingerprint = {{0}};
  br_fingerprint_add(&fingerprint, text, strlen(text));
  return fingerprint;
}

static int set_up(void **state) {
  *state = br_keys_create();
  return *state ? 0 : -1;
}

static int tear_down(void **state) {
  br_keys_destroy(*state);
  return 0;
}

static br_key_state find(br_keys *keys, const char *text, const char *request, uint64_t now_ns,
                         br_key **out_key) {
  br_fingerprint fingerprint = print_of(request);
  return br_keys_find(keys, text, &fingerprint, now_ns, out_key);
}

static br_key *begin(br_keys *keys, const char *text, const char *request) {
  br_fingerprint fingerprint = print_of(request);
  return br_keys_begin(keys, text, &fingerprint);
}

static void key_goes_from_new_to_under_way_to_answered(void **state) {
  br_keys *keys = *state;
  br_key *key = NULL;
  assert_int_equal(find(keys, "k", "a", 1, &key), BR_KEY_NEW);
  br_key *begun = begin(keys, "k", "a");
  assert_non_null(begun);
  assert_int_equal(find(keys, "k", "a", 1, &key), BR_KEY_UNDER_WAY);
  assert_int_equal(find(keys, "k", "b", 1, &key), BR_KEY_OTHER);
  assert_int_equal(find(keys, "K", "a", 1, &key), BR_KEY_NEW);
  br_keys_answer(keys, begun, 201, "told", 4, 1);
  assert_int_equal(find(keys, "k", "a", 2, &key), BR_KEY_ANSWERED);
  size_t size;
  assert_memory_equal(br_key_body(key, &size), "told", 4);
  assert_int_equal(size, 4);
  assert_int_equal(br_key_status(key), 201);
  assert_int_equal(find(keys, "k", "b", 2, &key), BR_KEY_OTHER);
}

static void key_that_is_forgotten_is_new_again(void **state) {
  br_keys *keys = *state;
  br_key *key;
  br_keys_forget(keys, begin(keys, "k", "a"));
  assert_int_equal(find(keys, "k", "b", 1, &key), BR_KEY_NEW);
}

static void key_is_remembered_for_its_time(void **state) {
  br_keys *keys = *state;
  br_key *key;
  uint64_t keep_ns = (uint64_t)BR_KEYS_KEEP_MS * MS;
  br_keys_answer(keys, begin(keys, "k", "a"), 201, "", 0, 5);
  assert_int_equal(find(keys, "k", "a", 5 + keep_ns - 1, &key), BR_KEY_ANSWERED);
  assert_int_equal(find(keys, "k", "a", 5 + keep_ns, &key), BR_KEY_NEW);
  /* One that is under way has all the time. */
  assert_non_null(begin(keys, "k", "a"));
  assert_int_equal(find(keys, "k", "a", 5 + 9 * keep_ns, &key), BR_KEY_UNDER_WAY);
}

static void keys_are_bounded_and_the_oldest_answer_goes_first(void **state) {
  br_keys *keys = *state;
  br_key *key;
  char text[16];
  for (int number = 0; number < BR_KEYS_MAX; number++) {
    (void)snprintf(text, sizeof text, "k%d", number);
    br_keys_answer(keys, begin(keys, text, "a"), 201, "x", 1, 5);
  }
  assert_int_equal(find(keys, "k0", "a", 5, &key), BR_KEY_ANSWERED);
  assert_non_null(begin(keys, "new", "a"));
  assert_int_equal(find(keys, "k0", "a", 5, &key), BR_KEY_NEW);
  assert_int_equal(find(keys, "k1", "a", 5, &key), BR_KEY_ANSWERED);
}

static void keys_under_way_are_never_forgotten_for_others(void **state) {
  br_keys *keys = *state;
  br_key *first = NULL;
  char text[16];
  for (int number = 0; number < BR_KEYS_MAX; number++) {
    (void)snprintf(text, sizeof text, "k%d", number);
    br_key *key = begin(keys, text, "a");
    assert_non_null(key);
    first = first ? first : key;
  }
  assert_null(begin(keys, "new", "a"));
  br_keys_forget(keys, first);
  assert_non_null(begin(keys, "new", "a"));
}

static void answers_are_bounded_in_bytes(void **state) {
  static char body[BR_KEYS_ANSWER_BYTES];
  br_keys *keys = *state;
  br_key *key;
  char text[16];
  int fitting = BR_KEYS_BYTES / BR_KEYS_ANSWER_BYTES;
  for (int number = 0; number <= fitting; number++) {
    (void)snprintf(text, sizeof text, "k%d", number);
    br_keys_answer(keys, begin(keys, text, "a"), 201, body, sizeof body, 5);
  }
  assert_int_equal(find(keys, "k0", "a", 5, &key), BR_KEY_NEW);
  assert_int_equal(find(keys, "k1", "a", 5, &key), BR_KEY_ANSWERED);
  (void)snprintf(text, sizeof text, "k%d", fitting);
  assert_int_equal(find(keys, text, "a", 5, &key), BR_KEY_ANSWERED);
}

static void fingerprints_tell_parts_and_bytes_apart(void **state) {
  (void)state;
  static const char *const parts[][2] = {{"", "ab"},        {"a", "b"}, {"ab", ""},
                                         {"a", "c"},        {"b", "a"}, {"aaaaaaaa", "b"},
                                         {"aaaaaaaaa", "b"}};
  enum { COUNT = sizeof parts / sizeof parts[0] };
  br_fingerprint prints[COUNT] = {{{0}}};
  for (size_t index = 0; index < COUNT; index++) {
    br_fingerprint_add(&prints[index], parts[index][0], strlen(parts[index][0]));
    br_fingerprint_add(&prints[index], parts[index][1], strlen(parts[index][1]));
    for (size_t other = 0; other < index; other++) {
      assert_true(prints[index].words[0] != prints[other].words[0]);
      assert_true(prints[index].words[1] != prints[other].words[1]);
    }
  }
}

#define KEYS_TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      KEYS_TEST(key_goes_from_new_to_under_way_to_answered),
      KEYS_TEST(key_that_is_forgotten_is_new_again),
      KEYS_TEST(key_is_remembered_for_its_time),
      KEYS_TEST(keys_are_bounded_and_the_oldest_answer_goes_first),
      KEYS_TEST(keys_under_way_are_never_forgotten_for_others),
      KEYS_TEST(answers_are_bounded_in_bytes),
      cmocka_unit_test(fingerprints_tell_parts_and_bytes_apart),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
