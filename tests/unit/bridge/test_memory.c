/* The last events in bounded memory. */
#include "test.h"

#include <stdlib.h>
#include <string.h>

#include "bridge/memory.h"

typedef struct sample {
  br_event event;
  uint8_t payload[1024];
} sample;

static sample sample_of(uint64_t seq, uint32_t size) {
  sample made = {.event = {.kind = BR_EVENT_MESSAGE, .session = seq, .size_bytes = size}};
  memset(made.payload, (int)(seq & 0xff), size);
  return made;
}

static void check(const br_memory *memory, uint64_t seq, uint32_t size) {
  const br_event *event = br_memory_get(memory, seq);
  assert_non_null(event);
  assert_int_equal(event->seq, seq);
  assert_int_equal(event->session, seq);
  assert_int_equal(event->size_bytes, size);
  for (uint32_t index = 0; index < size; index++) {
    assert_int_equal(br_event_payload(event)[index], seq & 0xff);
  }
}

static uint32_t size_of(uint64_t seq) {
  return (uint32_t)(seq * 2654435761u >> 7) % 1000;
}

static void memory_empty_holds_nothing(void **state) {
  (void)state;
  br_memory *memory = br_memory_create(4096);
  assert_null(br_memory_get(memory, 0));
  assert_null(br_memory_get(memory, 1));
  assert_int_equal(br_memory_oldest(memory), 1);
  br_memory_destroy(memory);
}

static void memory_keeps_consecutive_events_over_many_laps(void **state) {
  (void)state;
  br_memory *memory = br_memory_create(16 * 1024);
  for (uint64_t seq = 1; seq <= 20000; seq++) {
    sample made = sample_of(seq, size_of(seq));
    const br_event *copy = br_memory_push(memory, &made.event, seq);
    assert_int_equal(copy->seq, seq);
    uint64_t oldest = br_memory_oldest(memory);
    assert_true(oldest <= seq);
    assert_null(br_memory_get(memory, oldest - 1));
    assert_null(br_memory_get(memory, seq + 1));
    check(memory, oldest, size_of(oldest));
    check(memory, seq, size_of(seq));
    if (seq % 97 == 0) {
      for (uint64_t kept = oldest; kept <= seq; kept++) {
        check(memory, kept, size_of(kept));
      }
    }
  }
  br_memory_destroy(memory);
}

static void memory_uses_most_of_its_capacity(void **state) {
  (void)state;
  br_memory *memory = br_memory_create(64 * 1024);
  for (uint64_t seq = 1; seq <= 5000; seq++) {
    sample made = sample_of(seq, 56);
    assert_non_null(br_memory_push(memory, &made.event, seq));
  }
  uint64_t kept = 5001 - br_memory_oldest(memory);
  uint64_t record = (sizeof(br_event) + 56 + 7) / 8 * 8;
  assert_true(kept * record > 64 * 1024 * 9 / 10);
  br_memory_destroy(memory);
}

static void memory_push_larger_than_all_gives_all_up(void **state) {
  (void)state;
  br_memory *memory = br_memory_create(512);
  sample small = sample_of(1, 8);
  assert_non_null(br_memory_push(memory, &small.event, 1));
  sample large = sample_of(2, 1000);
  assert_null(br_memory_push(memory, &large.event, 2));
  assert_null(br_memory_get(memory, 1));
  assert_int_equal(br_memory_oldest(memory), 3);
  sample next = sample_of(3, 8);
  assert_non_null(br_memory_push(memory, &next.event, 3));
  check(memory, 3, 8);
  br_memory_destroy(memory);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(memory_empty_holds_nothing),
      cmocka_unit_test(memory_keeps_consecutive_events_over_many_laps),
      cmocka_unit_test(memory_uses_most_of_its_capacity),
      cmocka_unit_test(memory_push_larger_than_all_gives_all_up),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
