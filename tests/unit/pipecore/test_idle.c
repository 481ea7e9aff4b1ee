/* The wheel of silent sessions against a model that looks at every one of them, at random. */
#include "test.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "src/idle.h"

enum { NS_PER_MS = 1000000, ENTRIES = 64 };

typedef struct watched {
  pc_idle_entry entry;
  bool is_watched;
} watched;

static uint32_t random_state;

static uint32_t random_below(uint32_t limit) {
  random_state = random_state * 1664525u + 1013904223u;
  return (random_state >> 8) % limit;
}

static watched *watched_of(pc_idle_entry *entry) {
  return (watched *)(void *)((char *)entry - offsetof(watched, entry));
}

static void without_a_time_out_nothing_is_watched(void **state) {
  (void)state;
  pc_idle idle;
  pc_idle_entry entry = {0};
  pc_idle_init(&idle, 0);
  pc_idle_add(&idle, &entry, 5);
  assert_int_equal(pc_idle_wait_ns(&idle, 5), 0);
  assert_null(pc_idle_take(&idle, UINT64_MAX));
  pc_idle_remove(&idle, &entry);
}

static void silent_entry_is_taken_within_a_sixteenth_after_its_time(void **state) {
  (void)state;
  for (uint32_t timeout_ms = 1; timeout_ms <= 86400000; timeout_ms = timeout_ms * 7 + 1) {
    uint64_t timeout_ns = (uint64_t)timeout_ms * NS_PER_MS;
    for (uint64_t start = 0; start < 3; start++) {
      pc_idle idle;
      pc_idle_entry entry = {0};
      uint64_t now_ns = start * timeout_ns / 3 + 12345;
      uint64_t end_ns = now_ns + timeout_ns;
      pc_idle_init(&idle, timeout_ms);
      pc_idle_add(&idle, &entry, now_ns);
      while (true) { /* a timer that is always in time */
        uint64_t wait_ns = pc_idle_wait_ns(&idle, now_ns);
        assert_true(wait_ns > 0);
        now_ns += wait_ns;
        if (pc_idle_take(&idle, now_ns)) {
          break;
        }
      }
      assert_in_range(now_ns, end_ns, end_ns + timeout_ns / PC_IDLE_STEPS);
      assert_int_equal(idle.count, 0);
    }
  }
}

static void expect_taken_are_over(pc_idle *idle, watched *all, uint64_t now_ns) {
  pc_idle_entry *entry;
  while ((entry = pc_idle_take(idle, now_ns))) {
    watched *one = watched_of(entry);
    assert_true(one->is_watched);
    assert_true(now_ns >= entry->active_ns + idle->timeout_ns);
    one->is_watched = false;
    if (random_below(4) == 0) { /* as a session is whose owner takes nothing */
      pc_idle_add(idle, entry, now_ns);
      one->is_watched = true;
    }
  }
  unsigned count = 0;
  for (unsigned index = 0; index < ENTRIES; index++) {
    count += all[index].is_watched;
    assert_true(!all[index].is_watched ||
                now_ns < all[index].entry.active_ns + idle->timeout_ns + 2 * idle->tick_ns);
  }
  assert_int_equal(idle->count, count);
}

static void entries_come_speak_and_go_as_the_model_says(void **state) {
  (void)state;
  for (uint32_t seed = 1; seed <= 50; seed++) {
    random_state = seed;
    pc_idle idle;
    watched all[ENTRIES];
    memset(all, 0, sizeof all);
    pc_idle_init(&idle, 100 + random_below(1000));
    uint64_t now_ns = random_below(1000000000);
    for (unsigned step = 0; step < 3000; step++) {
      watched *one = &all[random_below(ENTRIES)];
      switch (random_below(5)) {
      case 0:
        if (!one->is_watched) {
          pc_idle_add(&idle, &one->entry, now_ns);
          one->is_watched = true;
        }
        break;
      case 1:
        pc_idle_remove(&idle, &one->entry);
        one->is_watched = false;
        break;
      case 2:
        /* Seldom, the loop did not turn for several rounds of the wheel. */
        now_ns += random_below(200) == 0 ? idle.timeout_ns * random_below(50)
                                         : random_below((uint32_t)idle.tick_ns);
        expect_taken_are_over(&idle, all, now_ns);
        break;
      default:
        one->entry.active_ns = one->is_watched ? now_ns : one->entry.active_ns;
        break;
      }
    }
  }
}

static void entry_that_was_never_added_can_be_removed(void **state) {
  (void)state;
  pc_idle idle;
  pc_idle_entry entry = {0};
  pc_idle_init(&idle, 100);
  pc_idle_remove(&idle, &entry);
  pc_idle_add(&idle, &entry, 1);
  pc_idle_remove(&idle, &entry);
  pc_idle_remove(&idle, &entry);
  assert_int_equal(idle.count, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(without_a_time_out_nothing_is_watched),
      cmocka_unit_test(silent_entry_is_taken_within_a_sixteenth_after_its_time),
      cmocka_unit_test(entries_come_speak_and_go_as_the_model_says),
      cmocka_unit_test(entry_that_was_never_added_can_be_removed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
