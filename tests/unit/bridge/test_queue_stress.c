/* The queue between real threads: nothing is lost, doubled, torn or out of its producer's order,
 * and a consumer that really sleeps is always woken. Each case runs for RUN_MS, so that it is short
 * in every build; a wait of PATIENCE_MS means a lost wake-up. */
#include "test.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "bridge/queue.h"

enum {
  RUN_MS = 400,
  PATIENCE_MS = 10000,
  PRODUCERS_MAX = 8,
  BATCH_MAX = 16,
  SPINS_MAX = 2000,
  DELAY_MAX = 128
};

/* One test record; the payload behind it is made from `seed`. */
typedef struct record_head {
  uint32_t producer;
  uint32_t is_last;
  uint64_t sequence;
  uint64_t seed;
  uint64_t checksum; /* of the payload */
} record_head;

typedef struct stress_setup {
  br_queue *queue;
  int event_fd; /* -1: the consumer never sleeps */
  unsigned producer_count;
  bool is_lockstep; /* a producer waits until its batch is consumed */
  uint64_t end_ns;
  _Atomic uint64_t consumed[PRODUCERS_MAX]; /* the consumer's progress, by producer */
  _Atomic bool has_failed;                  /* somebody gave up: all end */
  /* The consumer's. */
  uint64_t last_count;
  uint64_t wrong_count;
} stress_setup;

typedef struct producer {
  stress_setup *stress;
  uint32_t index;
  uint64_t random;
  uint64_t pushed_count;
  uint64_t full_count;
  uint64_t wake_count;
  pthread_t thread;
} producer;

static uint64_t now_ns(void) {
  struct timespec now;
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

static uint64_t random_next(uint64_t *state) {
  *state ^= *state << 13;
  *state ^= *state >> 7;
  *state ^= *state << 17;
  return *state;
}

/* Fills or checks: the same bytes come out for the same seed. */
static uint64_t payload_make(uint8_t *payload, size_t size, uint64_t seed) {
  uint64_t sum = seed;
  for (size_t index = 0; index < size; index++) {
    payload[index] = (uint8_t)(seed >> (8 * (index % 8))) ^ (uint8_t)index;
    sum = sum * 31 + payload[index];
  }
  return sum;
}

static uint64_t payload_sum(const uint8_t *payload, size_t size, uint64_t seed) {
  uint64_t sum = seed;
  for (size_t index = 0; index < size; index++) {
    sum = sum * 31 + payload[index];
  }
  return sum;
}

static bool wait_gives_up(stress_setup *stress, uint64_t patience_end_ns) {
  if (atomic_load(&stress->has_failed)) {
    return true;
  }
  if (now_ns() > patience_end_ns) {
    atomic_store(&stress->has_failed, true);
    return true;
  }
  (void)sched_yield();
  return false;
}

static bool producer_push(producer *self, size_t payload_size, bool is_last) {
  stress_setup *stress = self->stress;
  uint64_t patience_end_ns = now_ns() + (uint64_t)PATIENCE_MS * 1000000;
  void *place;
  while (br_queue_reserve(stress->queue, sizeof(record_head) + payload_size, &place) !=
         BR_QUEUE_OK) {
    self->full_count++;
    /* What the batch has committed so far may be all that can be drained. */
    if (br_queue_wake_needed(stress->queue) && stress->event_fd >= 0) {
      self->wake_count++;
      (void)eventfd_write(stress->event_fd, 1);
    }
    if (wait_gives_up(stress, patience_end_ns)) {
      return false;
    }
  }
  record_head *head = place;
  head->producer = self->index;
  head->is_last = is_last;
  head->sequence = ++self->pushed_count;
  head->seed = random_next(&self->random);
  head->checksum = payload_make((uint8_t *)(head + 1), payload_size, head->seed);
  br_queue_commit(stress->queue, place);
  return true;
}

static size_t producer_payload_size(producer *self) {
  uint64_t random = random_next(&self->random);
  size_t largest = br_queue_max_record_bytes(self->stress->queue) - sizeof(record_head);
  return random % 64 == 0 ? (size_t)(random >> 32) % (largest + 1) : (size_t)(random >> 32) % 100;
}

/* Spins first, and then a little longer at random: the next commit shall meet the consumer just as
 * it falls asleep. */
static bool producer_wait_consumed(producer *self) {
  uint64_t patience_end_ns = now_ns() + (uint64_t)PATIENCE_MS * 1000000;
  unsigned spins = 0;
  while (atomic_load(&self->stress->consumed[self->index]) < self->pushed_count) {
    if (++spins > SPINS_MAX && wait_gives_up(self->stress, patience_end_ns)) {
      return false;
    }
  }
  volatile uint64_t delay = random_next(&self->random) % DELAY_MAX;
  while (delay > 0) {
    delay--;
  }
  return true;
}

static void *producer_run(void *argument) {
  producer *self = argument;
  stress_setup *stress = self->stress;
  bool is_last = false;
  while (!is_last) {
    is_last = now_ns() >= stress->end_ns;
    uint64_t random = random_next(&self->random);
    uint64_t batch = is_last || random % 2 == 0 ? 1 : 1 + (random >> 32) % BATCH_MAX;
    for (uint64_t index = 0; index < batch; index++) {
      if (!producer_push(self, producer_payload_size(self), is_last)) {
        return NULL;
      }
    }
    if (br_queue_wake_needed(stress->queue)) {
      self->wake_count++;
      (void)eventfd_write(stress->event_fd, 1);
    }
    if (stress->is_lockstep && !producer_wait_consumed(self)) {
      return NULL;
    }
  }
  return NULL;
}

static void on_record(const void *record, size_t size, void *user) {
  stress_setup *stress = user;
  record_head head;
  if (size < sizeof head) {
    stress->wrong_count++;
    return;
  }
  memcpy(&head, record, sizeof head);
  const uint8_t *payload = (const uint8_t *)record + sizeof head;
  if (head.producer >= stress->producer_count ||
      head.sequence != atomic_load(&stress->consumed[head.producer]) + 1 ||
      head.checksum != payload_sum(payload, size - sizeof head, head.seed)) {
    stress->wrong_count++;
    return;
  }
  stress->last_count += head.is_last;
  atomic_store(&stress->consumed[head.producer], head.sequence);
}

/* False: nobody woke us for so long that the wake-up must have been lost. */
static bool consumer_sleep(int event_fd) {
  struct pollfd waited = {.fd = event_fd, .events = POLLIN};
  eventfd_t count;
  return poll(&waited, 1, PATIENCE_MS) == 1 && eventfd_read(event_fd, &count) == 0;
}

/* Returns how often it slept. */
static uint64_t consumer_run(stress_setup *stress, size_t max_bytes) {
  uint64_t slept_count = 0;
  uint64_t progress_ns = now_ns();
  while (stress->last_count < stress->producer_count && !atomic_load(&stress->has_failed)) {
    if (br_queue_drain(stress->queue, max_bytes, on_record, stress) > 0) {
      progress_ns = now_ns();
    } else if (stress->event_fd < 0) {
      (void)wait_gives_up(stress, progress_ns + (uint64_t)PATIENCE_MS * 1000000);
    } else if (br_queue_prepare_sleep(stress->queue)) {
      slept_count++;
      if (!consumer_sleep(stress->event_fd)) {
        atomic_store(&stress->has_failed, true);
      }
      br_queue_awake(stress->queue);
    }
  }
  return slept_count;
}

static void stress_run(unsigned producer_count, size_t capacity_bytes, bool does_sleep,
                       bool is_lockstep) {
  stress_setup stress = {
      .queue = br_queue_create(capacity_bytes),
      .event_fd = does_sleep ? eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) : -1,
      .producer_count = producer_count,
      .is_lockstep = is_lockstep,
      .end_ns = now_ns() + (uint64_t)RUN_MS * 1000000,
  };
  assert_non_null(stress.queue);
  assert_true(!does_sleep || stress.event_fd >= 0);
  producer producers[PRODUCERS_MAX];
  for (unsigned index = 0; index < producer_count; index++) {
    producers[index] =
        (producer){.stress = &stress, .index = index, .random = 0x9e3779b97f4a7c15U * (index + 1)};
    assert_int_equal(
        pthread_create(&producers[index].thread, NULL, producer_run, &producers[index]), 0);
  }
  uint64_t slept_count = consumer_run(&stress, capacity_bytes / 4);
  uint64_t pushed_count = 0;
  uint64_t full_count = 0;
  uint64_t wake_count = 0;
  bool is_all_consumed = true;
  for (unsigned index = 0; index < producer_count; index++) {
    (void)pthread_join(producers[index].thread, NULL);
    pushed_count += producers[index].pushed_count;
    full_count += producers[index].full_count;
    wake_count += producers[index].wake_count;
    is_all_consumed &= producers[index].pushed_count == atomic_load(&stress.consumed[index]);
  }
  print_message("%u producers: %llu records, %llu times full, %llu sleeps, %llu wake-ups\n",
                producer_count, (unsigned long long)pushed_count, (unsigned long long)full_count,
                (unsigned long long)slept_count, (unsigned long long)wake_count);
  assert_false(atomic_load(&stress.has_failed));
  assert_int_equal(stress.wrong_count, 0);
  assert_true(is_all_consumed);
  assert_int_equal(br_queue_used_bytes(stress.queue), 0);
  if (does_sleep) {
    assert_true(slept_count > 0);
    /* Each wake-up ends one sleep; a sleep that was called off may have had its wake-up, too. */
    assert_true(wake_count >= slept_count);
    (void)close(stress.event_fd);
  }
  br_queue_destroy(stress.queue);
}

static void queue_one_producer_keeps_order_and_bytes(void **state) {
  (void)state;
  stress_run(1, 1 << 16, false, false);
}

static void queue_one_producer_in_the_smallest_ring_keeps_order_and_bytes(void **state) {
  (void)state;
  stress_run(1, 4096, false, false);
}

static void queue_eight_producers_keep_order_and_bytes(void **state) {
  (void)state;
  stress_run(PRODUCERS_MAX, 1 << 16, false, false);
}

static void queue_eight_producers_in_the_smallest_ring_keep_order_and_bytes(void **state) {
  (void)state;
  stress_run(PRODUCERS_MAX, 4096, false, false);
}

static void queue_sleeping_consumer_is_always_woken_by_one_producer(void **state) {
  (void)state;
  stress_run(1, 1 << 16, true, true);
}

static void queue_sleeping_consumer_is_always_woken_by_three_producers(void **state) {
  (void)state;
  stress_run(3, 1 << 16, true, true);
}

static void queue_sleeping_consumer_is_always_woken_when_the_ring_is_full(void **state) {
  (void)state;
  stress_run(2, 4096, true, false);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(queue_one_producer_keeps_order_and_bytes),
      cmocka_unit_test(queue_one_producer_in_the_smallest_ring_keeps_order_and_bytes),
      cmocka_unit_test(queue_eight_producers_keep_order_and_bytes),
      cmocka_unit_test(queue_eight_producers_in_the_smallest_ring_keep_order_and_bytes),
      cmocka_unit_test(queue_sleeping_consumer_is_always_woken_by_one_producer),
      cmocka_unit_test(queue_sleeping_consumer_is_always_woken_by_three_producers),
      cmocka_unit_test(queue_sleeping_consumer_is_always_woken_when_the_ring_is_full),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
