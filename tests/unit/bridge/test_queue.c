/* The queue's behaviours, on one thread; test_queue_stress.c has the threads. */
#include "test.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "bridge/queue.h"

enum {
  CAPACITY = 4096, /* the smallest */
  HEADER = 8,
  LARGEST = CAPACITY / 4 - HEADER,
  NO_LIMIT = CAPACITY,
  SEEN_MAX = CAPACITY / HEADER
};

/* What the handler was given: each record's size and the byte that it was filled with. */
typedef struct seen_records {
  size_t sizes[SEEN_MAX];
  uint8_t fills[SEEN_MAX];
  size_t count;
} seen_records;

static void on_record(const void *record, size_t size, void *user) {
  seen_records *seen = user;
  const uint8_t *bytes = record;
  assert_true(seen->count < SEEN_MAX);
  assert_int_equal((uintptr_t)record % 8, 0);
  for (size_t index = 1; index < size; index++) {
    assert_int_equal(bytes[index], bytes[0]);
  }
  seen->sizes[seen->count] = size;
  seen->fills[seen->count++] = size > 0 ? bytes[0] : 0;
}

static void on_record_ignored(const void *record, size_t size, void *user) {
  (void)record;
  (void)size;
  (void)user;
}

static br_queue_result queue_push(br_queue *queue, uint8_t fill, size_t size) {
  void *record = NULL;
  br_queue_result result = br_queue_reserve(queue, size, &record);
  if (result == BR_QUEUE_OK) {
    memset(record, fill, size);
    br_queue_commit(queue, record);
  }
  return result;
}

static void queue_push_ok(br_queue *queue, uint8_t fill, size_t size) {
  assert_int_equal(queue_push(queue, fill, size), BR_QUEUE_OK);
}

static size_t queue_discard(br_queue *queue) {
  return br_queue_drain(queue, NO_LIMIT, on_record_ignored, NULL);
}

/* Moves head and tail of an empty queue to `offset` in the ring. */
static void queue_move_to(br_queue *queue, size_t offset) {
  size_t step = 64;
  for (; offset >= step; offset -= step) {
    queue_push_ok(queue, 0xff, step - HEADER);
    assert_int_equal(queue_discard(queue), 1);
  }
  for (; offset > 0; offset -= HEADER) {
    queue_push_ok(queue, 0xff, 0);
    assert_int_equal(queue_discard(queue), 1);
  }
}

static int queue_setup(void **state) {
  *state = br_queue_create(CAPACITY);
  return *state ? 0 : -1;
}

static int queue_teardown(void **state) {
  br_queue_destroy(*state);
  return 0;
}

static void queue_create_refuses_other_than_a_power_of_two_in_bounds(void **state) {
  (void)state;
  static const size_t refused[] = {0, 1, 2048, 4095, 4097, 4096 * 3, SIZE_MAX, (size_t)2 << 30};
  for (size_t index = 0; index < sizeof refused / sizeof refused[0]; index++) {
    assert_null(br_queue_create(refused[index]));
  }
  br_queue *queue = br_queue_create((size_t)1 << 20);
  assert_non_null(queue);
  assert_int_equal(br_queue_max_record_bytes(queue), ((size_t)1 << 18) - HEADER);
  br_queue_destroy(queue);
}

static void queue_destroy_accepts_null(void **state) {
  (void)state;
  br_queue_destroy(NULL);
}

static void queue_is_empty_until_a_commit_and_after_a_drain(void **state) {
  br_queue *queue = *state;
  void *record;
  uint64_t position = br_queue_position(queue);
  assert_true(br_queue_is_empty(queue));
  assert_int_equal(br_queue_reserve(queue, 8, &record), BR_QUEUE_OK);
  assert_true(br_queue_is_empty(queue));
  br_queue_commit(queue, record);
  assert_false(br_queue_is_empty(queue));
  assert_int_equal(br_queue_position(queue), position);
  (void)queue_discard(queue);
  assert_true(br_queue_is_empty(queue));
  assert_true(br_queue_position(queue) > position);
}

static void queue_drain_of_an_empty_queue_is_nothing(void **state) {
  br_queue *queue = *state;
  assert_int_equal(queue_discard(queue), 0);
  assert_int_equal(br_queue_used_bytes(queue), 0);
}

static void queue_hands_over_in_the_order_of_reservation(void **state) {
  br_queue *queue = *state;
  void *first;
  void *second;
  assert_int_equal(br_queue_reserve(queue, 3, &first), BR_QUEUE_OK);
  assert_int_equal(br_queue_reserve(queue, 5, &second), BR_QUEUE_OK);
  memset(second, 2, 5);
  br_queue_commit(queue, second);
  seen_records seen = {.count = 0};
  /* The second waits behind the first. */
  assert_int_equal(br_queue_drain(queue, NO_LIMIT, on_record, &seen), 0);
  memset(first, 1, 3);
  br_queue_commit(queue, first);
  queue_push_ok(queue, 3, 1);
  assert_int_equal(br_queue_drain(queue, NO_LIMIT, on_record, &seen), 3);
  assert_int_equal(seen.count, 3);
  for (size_t index = 0; index < 3; index++) {
    assert_int_equal(seen.fills[index], index + 1);
  }
  assert_int_equal(seen.sizes[0], 3);
  assert_int_equal(seen.sizes[1], 5);
  assert_int_equal(seen.sizes[2], 1);
}

static void queue_keeps_a_record_of_size_zero(void **state) {
  br_queue *queue = *state;
  seen_records seen = {.count = 0};
  queue_push_ok(queue, 0, 0);
  queue_push_ok(queue, 7, 1);
  assert_int_equal(br_queue_drain(queue, NO_LIMIT, on_record, &seen), 2);
  assert_int_equal(seen.sizes[0], 0);
  assert_int_equal(seen.sizes[1], 1);
}

static void queue_uncommitted_record_is_not_handed_over(void **state) {
  br_queue *queue = *state;
  void *record;
  assert_int_equal(br_queue_reserve(queue, 8, &record), BR_QUEUE_OK);
  memset(record, 0xff, 8);
  assert_int_equal(queue_discard(queue), 0);
  br_queue_commit(queue, record);
  assert_int_equal(queue_discard(queue), 1);
}

static void queue_push_over_the_largest_returns_too_big(void **state) {
  br_queue *queue = *state;
  void *record;
  assert_int_equal(br_queue_max_record_bytes(queue), LARGEST);
  assert_int_equal(br_queue_reserve(queue, LARGEST + 1, &record), BR_QUEUE_TOO_BIG);
  assert_int_equal(br_queue_reserve(queue, SIZE_MAX, &record), BR_QUEUE_TOO_BIG);
  assert_int_equal(br_queue_used_bytes(queue), 0);
  queue_push_ok(queue, 1, LARGEST);
  assert_int_equal(queue_discard(queue), 1);
}

static void queue_push_when_full_returns_full(void **state) {
  br_queue *queue = *state;
  size_t pushed = 0;
  while (queue_push(queue, (uint8_t)pushed, 56) == BR_QUEUE_OK) {
    pushed++;
  }
  assert_int_equal(pushed, CAPACITY / 64);
  assert_int_equal(br_queue_used_bytes(queue), CAPACITY);
  void *record = &pushed;
  assert_int_equal(br_queue_reserve(queue, 0, &record), BR_QUEUE_FULL);
  assert_ptr_equal(record, &pushed);
  seen_records seen = {.count = 0};
  assert_int_equal(br_queue_drain(queue, NO_LIMIT, on_record, &seen), pushed);
  for (size_t index = 0; index < pushed; index++) {
    assert_int_equal(seen.fills[index], index);
  }
}

static void queue_takes_again_what_one_drained_record_left(void **state) {
  br_queue *queue = *state;
  seen_records seen = {.count = 0};
  while (queue_push(queue, 1, 56) == BR_QUEUE_OK) {
  }
  assert_int_equal(br_queue_drain(queue, 1, on_record, &seen), 1);
  assert_int_equal(queue_push(queue, 1, 57), BR_QUEUE_FULL);
  queue_push_ok(queue, 1, 56);
  assert_int_equal(queue_push(queue, 1, 0), BR_QUEUE_FULL);
}

static void queue_record_never_wraps_at_any_offset(void **state) {
  (void)state;
  static const size_t sizes[] = {0, 1, 7, 8, 9, 64, 500, LARGEST};
  for (size_t offset = 0; offset < CAPACITY; offset += HEADER) {
    br_queue *queue = br_queue_create(CAPACITY);
    assert_non_null(queue);
    queue_move_to(queue, offset);
    for (size_t index = 0; index < sizeof sizes / sizeof sizes[0]; index++) {
      queue_push_ok(queue, 0xa5, sizes[index]);
    }
    seen_records seen = {.count = 0};
    assert_int_equal(br_queue_drain(queue, NO_LIMIT, on_record, &seen), 8);
    for (size_t index = 0; index < sizeof sizes / sizeof sizes[0]; index++) {
      assert_int_equal(seen.sizes[index], sizes[index]);
      assert_int_equal(seen.fills[index], sizes[index] > 0 ? 0xa5 : 0);
    }
    assert_int_equal(br_queue_used_bytes(queue), 0);
    br_queue_destroy(queue);
  }
}

static void queue_largest_record_fits_an_empty_queue_at_any_offset(void **state) {
  (void)state;
  for (size_t offset = 0; offset < CAPACITY; offset += HEADER) {
    br_queue *queue = br_queue_create(CAPACITY);
    assert_non_null(queue);
    queue_move_to(queue, offset);
    queue_push_ok(queue, 1, LARGEST);
    queue_push_ok(queue, 2, LARGEST);
    queue_push_ok(queue, 3, LARGEST);
    assert_int_equal(queue_discard(queue), 3);
    br_queue_destroy(queue);
  }
}

static void queue_padding_counts_as_used_until_drained(void **state) {
  br_queue *queue = *state;
  queue_move_to(queue, CAPACITY - 64);
  queue_push_ok(queue, 1, 64);
  assert_int_equal(br_queue_used_bytes(queue), 64 + 64 + HEADER);
  assert_int_equal(queue_discard(queue), 1);
  assert_int_equal(br_queue_used_bytes(queue), 0);
}

static void queue_full_while_padding_would_not_fit(void **state) {
  br_queue *queue = *state;
  queue_move_to(queue, 128);
  for (size_t used = 128; used < CAPACITY - 64; used += 64) {
    queue_push_ok(queue, 1, 56);
  }
  /* 64 bytes to the end, 128 before the tail: 128 + header does not fit in either. */
  assert_int_equal(queue_push(queue, 2, 128), BR_QUEUE_FULL);
  assert_int_equal(br_queue_used_bytes(queue), CAPACITY - 128 - 64);
  queue_push_ok(queue, 2, 120);
  assert_int_equal(br_queue_used_bytes(queue), CAPACITY);
}

static void queue_record_is_zero_when_reserved_on_every_lap(void **state) {
  br_queue *queue = *state;
  size_t size = 1;
  for (size_t lap = 0; lap < 2000; lap++) {
    size = (size * 7 + lap) % LARGEST;
    void *record;
    assert_int_equal(br_queue_reserve(queue, size, &record), BR_QUEUE_OK);
    const uint8_t *bytes = record;
    for (size_t index = 0; index < size; index++) {
      assert_int_equal(bytes[index], 0);
    }
    memset(record, 0xff, size);
    br_queue_commit(queue, record);
    assert_int_equal(queue_discard(queue), 1);
  }
}

static void queue_payload_like_a_header_is_never_taken_for_one(void **state) {
  br_queue *queue = *state;
  /* Little- or big-endian, each word of it reads as "committed, empty". */
  static const uint32_t forged[] = {1, 0, 1, 0, 1, 0, 1, 0};
  for (size_t lap = 0; lap < 500; lap++) {
    void *record;
    assert_int_equal(br_queue_reserve(queue, sizeof forged, &record), BR_QUEUE_OK);
    memcpy(record, forged, sizeof forged);
    br_queue_commit(queue, record);
    assert_int_equal(queue_discard(queue), 1);
    /* A shift against the last lap, and a look where nothing is committed. */
    assert_int_equal(br_queue_reserve(queue, 8 * (lap % 5), &record), BR_QUEUE_OK);
    assert_int_equal(queue_discard(queue), 0);
    br_queue_commit(queue, record);
    assert_int_equal(queue_discard(queue), 1);
  }
}

static void queue_drain_stops_at_max_bytes(void **state) {
  br_queue *queue = *state;
  for (uint8_t fill = 1; fill <= 10; fill++) {
    queue_push_ok(queue, fill, 56);
  }
  seen_records seen = {.count = 0};
  assert_int_equal(br_queue_drain(queue, 64 * 3, on_record, &seen), 3);
  assert_int_equal(br_queue_used_bytes(queue), 64 * 7);
  assert_int_equal(br_queue_drain(queue, 64 * 3 - 1, on_record, &seen), 2);
  assert_int_equal(br_queue_drain(queue, 64 * 3 + 1, on_record, &seen), 3);
  assert_int_equal(br_queue_drain(queue, NO_LIMIT, on_record, &seen), 2);
  for (size_t index = 0; index < 10; index++) {
    assert_int_equal(seen.fills[index], index + 1);
  }
}

static void queue_drain_hands_over_at_least_one_record(void **state) {
  br_queue *queue = *state;
  queue_push_ok(queue, 1, LARGEST);
  queue_push_ok(queue, 2, 0);
  seen_records seen = {.count = 0};
  assert_int_equal(br_queue_drain(queue, 0, on_record, &seen), 1);
  assert_int_equal(br_queue_drain(queue, 0, on_record, &seen), 1);
  assert_int_equal(br_queue_drain(queue, 0, on_record, &seen), 0);
}

static void push_from_handler(const void *record, size_t size, void *user) {
  (void)record;
  (void)size;
  queue_push_ok(user, 9, 1);
}

static void queue_handler_may_push(void **state) {
  br_queue *queue = *state;
  queue_push_ok(queue, 1, 1);
  assert_int_equal(br_queue_drain(queue, 1, push_from_handler, queue), 1);
  seen_records seen = {.count = 0};
  assert_int_equal(br_queue_drain(queue, NO_LIMIT, on_record, &seen), 1);
  assert_int_equal(seen.fills[0], 9);
}

static void queue_commit_needs_no_wake_while_the_consumer_is_awake(void **state) {
  br_queue *queue = *state;
  queue_push_ok(queue, 1, 1);
  assert_false(br_queue_wake_needed(queue));
}

static void queue_commit_wakes_a_sleeping_consumer_once(void **state) {
  br_queue *queue = *state;
  assert_true(br_queue_prepare_sleep(queue));
  queue_push_ok(queue, 1, 1);
  assert_true(br_queue_wake_needed(queue));
  queue_push_ok(queue, 2, 1);
  assert_false(br_queue_wake_needed(queue));
  br_queue_awake(queue);
  assert_int_equal(queue_discard(queue), 2);
}

static void queue_prepare_sleep_with_records_stays_awake(void **state) {
  br_queue *queue = *state;
  queue_push_ok(queue, 1, 1);
  assert_false(br_queue_prepare_sleep(queue));
  assert_false(br_queue_wake_needed(queue));
}

static void queue_prepare_sleep_with_records_behind_a_limited_drain_stays_awake(void **state) {
  br_queue *queue = *state;
  queue_push_ok(queue, 1, 1);
  queue_push_ok(queue, 2, 1);
  seen_records seen = {.count = 0};
  assert_int_equal(br_queue_drain(queue, 0, on_record, &seen), 1);
  assert_false(br_queue_prepare_sleep(queue));
}

static void
queue_prepare_sleep_with_an_uncommitted_record_sleeps_and_its_commit_wakes(void **state) {
  br_queue *queue = *state;
  void *record;
  assert_int_equal(br_queue_reserve(queue, 1, &record), BR_QUEUE_OK);
  assert_true(br_queue_prepare_sleep(queue));
  br_queue_commit(queue, record);
  assert_true(br_queue_wake_needed(queue));
}

static void queue_prepare_sleep_behind_a_padding_sleeps_after_one_more_drain(void **state) {
  br_queue *queue = *state;
  queue_move_to(queue, CAPACITY - 64);
  void *record;
  assert_int_equal(br_queue_reserve(queue, 64, &record), BR_QUEUE_OK);
  assert_false(br_queue_prepare_sleep(queue));
  assert_int_equal(queue_discard(queue), 0);
  assert_true(br_queue_prepare_sleep(queue));
  br_queue_commit(queue, record);
  assert_true(br_queue_wake_needed(queue));
}

static void queue_awake_ends_the_need_of_a_wake(void **state) {
  br_queue *queue = *state;
  assert_true(br_queue_prepare_sleep(queue));
  br_queue_awake(queue);
  queue_push_ok(queue, 1, 1);
  assert_false(br_queue_wake_needed(queue));
}

static void queue_fill(br_queue *queue) {
  while (queue_push(queue, 1, 100) == BR_QUEUE_OK) {
  }
}

static void queue_producer_waits_while_more_than_half_full(void **state) {
  br_queue *queue = *state;
  queue_fill(queue);
  assert_true(br_queue_prepare_wait(queue));
  assert_false(br_queue_room_wanted(queue));
}

static void queue_waiting_producer_is_woken_once_at_half(void **state) {
  br_queue *queue = *state;
  queue_fill(queue);
  assert_true(br_queue_prepare_wait(queue));
  bool is_wanted = false;
  while (!is_wanted && br_queue_drain(queue, 1, on_record_ignored, NULL) == 1) {
    is_wanted = br_queue_room_wanted(queue);
    assert_true(is_wanted == (br_queue_used_bytes(queue) <= CAPACITY / 2));
  }
  assert_true(is_wanted);
  (void)queue_discard(queue);
  assert_false(br_queue_room_wanted(queue));
}

static void queue_producer_does_not_wait_at_half(void **state) {
  br_queue *queue = *state;
  queue_push_ok(queue, 1, LARGEST);
  assert_false(br_queue_prepare_wait(queue));
  (void)queue_discard(queue);
  assert_false(br_queue_room_wanted(queue));
}

#define queue_test(name) cmocka_unit_test_setup_teardown(name, queue_setup, queue_teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(queue_create_refuses_other_than_a_power_of_two_in_bounds),
      cmocka_unit_test(queue_destroy_accepts_null),
      queue_test(queue_is_empty_until_a_commit_and_after_a_drain),
      queue_test(queue_drain_of_an_empty_queue_is_nothing),
      queue_test(queue_hands_over_in_the_order_of_reservation),
      queue_test(queue_keeps_a_record_of_size_zero),
      queue_test(queue_uncommitted_record_is_not_handed_over),
      queue_test(queue_push_over_the_largest_returns_too_big),
      queue_test(queue_push_when_full_returns_full),
      queue_test(queue_takes_again_what_one_drained_record_left),
      cmocka_unit_test(queue_record_never_wraps_at_any_offset),
      cmocka_unit_test(queue_largest_record_fits_an_empty_queue_at_any_offset),
      queue_test(queue_padding_counts_as_used_until_drained),
      queue_test(queue_full_while_padding_would_not_fit),
      queue_test(queue_record_is_zero_when_reserved_on_every_lap),
      queue_test(queue_payload_like_a_header_is_never_taken_for_one),
      queue_test(queue_drain_stops_at_max_bytes),
      queue_test(queue_drain_hands_over_at_least_one_record),
      queue_test(queue_handler_may_push),
      queue_test(queue_commit_needs_no_wake_while_the_consumer_is_awake),
      queue_test(queue_commit_wakes_a_sleeping_consumer_once),
      queue_test(queue_prepare_sleep_with_records_stays_awake),
      queue_test(queue_prepare_sleep_with_records_behind_a_limited_drain_stays_awake),
      queue_test(queue_prepare_sleep_with_an_uncommitted_record_sleeps_and_its_commit_wakes),
      queue_test(queue_prepare_sleep_behind_a_padding_sleeps_after_one_more_drain),
      queue_test(queue_awake_ends_the_need_of_a_wake),
      queue_test(queue_producer_waits_while_more_than_half_full),
      queue_test(queue_waiting_producer_is_woken_once_at_half),
      queue_test(queue_producer_does_not_wait_at_half),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
