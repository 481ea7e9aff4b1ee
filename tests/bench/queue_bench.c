/* How fast records cross from producers to one consumer that sleeps when there are none: the
 * lock-free ring, and beside it in the same run a queue of a mutex, a condition variable and two
 * swapped buffers as the yardstick. The ring's consumer yields LOOKS times before it sleeps, as a
 * loop with other work does; `ring_eager` sleeps at once, and shows what a wake-up that preempts
 * its producer costs when threads outnumber cores. Prints JSON; `ratio` is ring over mutex, each
 * the median of the rounds. Order is verified by sequence numbers. queue_bench [--quick] */
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "bridge/queue.h"

enum {
  CAPACITY_BYTES = 1 << 20,
  DRAIN_BYTES = CAPACITY_BYTES / 8,
  RECORD_MAX_BYTES = 1024,
  PRODUCERS_MAX = 2,
  ROUNDS_MAX = 5,
  LOOKS = 100
};

typedef enum queue_kind { QUEUE_RING, QUEUE_RING_EAGER, QUEUE_MUTEX, QUEUE_KINDS } queue_kind;

/* Under one lock: producers fill one buffer, the consumer empties the other, then they change
 * places. */
typedef struct mutex_queue {
  pthread_mutex_t mutex;
  pthread_cond_t not_empty;
  pthread_cond_t not_full;
  uint8_t *filled;
  uint8_t *emptied;
  size_t filled_bytes;
} mutex_queue;

typedef struct bench_case {
  size_t record_bytes;
  unsigned batch;
  unsigned producer_count;
} bench_case;

typedef struct bench_run {
  bench_case options;
  bool is_ring;
  unsigned looks; /* with nothing there, before the consumer sleeps */
  br_queue *ring;
  int event_fd;
  mutex_queue mutex;
  _Atomic bool is_over;
  _Atomic unsigned ended_count;
  uint64_t expected[PRODUCERS_MAX];
  uint64_t consumed_count;
} bench_run;

typedef struct producer {
  bench_run *run;
  uint64_t index;
  uint64_t sequence;
  pthread_t thread;
} producer;

typedef struct record_head {
  uint64_t producer;
  uint64_t sequence;
} record_head;

static void fail(const char *what) {
  fprintf(stderr, "queue_bench: %s\n", what);
  exit(EXIT_FAILURE);
}

static uint64_t now_ns(void) {
  struct timespec now;
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

static void record_fill(producer *self, uint8_t *place, const uint8_t *payload) {
  record_head head = {.producer = self->index, .sequence = self->sequence++};
  memcpy(place, &head, sizeof head);
  memcpy(place + sizeof head, payload, self->run->options.record_bytes - sizeof head);
}

static void on_record(const void *record, size_t size, void *user) {
  bench_run *run = user;
  record_head head;
  memcpy(&head, record, sizeof head);
  if (size != run->options.record_bytes || run->expected[head.producer]++ != head.sequence) {
    fail("a record is lost or out of order");
  }
  run->consumed_count++;
}

static void ring_wake(bench_run *run) {
  if (br_queue_wake_needed(run->ring)) {
    (void)eventfd_write(run->event_fd, 1);
  }
}

static void ring_produce(producer *self, const uint8_t *payload) {
  bench_run *run = self->run;
  for (unsigned index = 0; index < run->options.batch; index++) {
    void *place;
    while (br_queue_reserve(run->ring, run->options.record_bytes, &place) != BR_QUEUE_OK) {
      ring_wake(run);
      (void)sched_yield();
    }
    record_fill(self, place, payload);
    br_queue_commit(run->ring, place);
  }
  ring_wake(run);
}

static void ring_consume(bench_run *run) {
  unsigned looks = 0;
  while (br_queue_drain(run->ring, DRAIN_BYTES, on_record, run) == 0) {
    if (atomic_load(&run->ended_count) == run->options.producer_count &&
        br_queue_used_bytes(run->ring) == 0) {
      return;
    }
    if (looks++ < run->looks) {
      (void)sched_yield();
    } else if (br_queue_prepare_sleep(run->ring)) {
      struct pollfd waited = {.fd = run->event_fd, .events = POLLIN};
      eventfd_t count;
      if (poll(&waited, 1, -1) != 1 || eventfd_read(run->event_fd, &count) != 0) {
        fail("poll");
      }
      br_queue_awake(run->ring);
    }
  }
}

static void mutex_produce(producer *self, const uint8_t *payload) {
  bench_run *run = self->run;
  mutex_queue *queue = &run->mutex;
  (void)pthread_mutex_lock(&queue->mutex);
  for (unsigned index = 0; index < run->options.batch; index++) {
    while (queue->filled_bytes + run->options.record_bytes > CAPACITY_BYTES / 2) {
      (void)pthread_cond_signal(&queue->not_empty);
      (void)pthread_cond_wait(&queue->not_full, &queue->mutex);
    }
    record_fill(self, queue->filled + queue->filled_bytes, payload);
    queue->filled_bytes += run->options.record_bytes;
  }
  (void)pthread_mutex_unlock(&queue->mutex);
  (void)pthread_cond_signal(&queue->not_empty);
}

static void mutex_consume(bench_run *run) {
  mutex_queue *queue = &run->mutex;
  (void)pthread_mutex_lock(&queue->mutex);
  while (queue->filled_bytes == 0 && atomic_load(&run->ended_count) < run->options.producer_count) {
    (void)pthread_cond_wait(&queue->not_empty, &queue->mutex);
  }
  uint8_t *taken = queue->filled;
  size_t taken_bytes = queue->filled_bytes;
  queue->filled = queue->emptied;
  queue->emptied = taken;
  queue->filled_bytes = 0;
  (void)pthread_cond_broadcast(&queue->not_full);
  (void)pthread_mutex_unlock(&queue->mutex);
  for (size_t at = 0; at < taken_bytes; at += run->options.record_bytes) {
    on_record(taken + at, run->options.record_bytes, run);
  }
}

static void *producer_run(void *argument) {
  producer *self = argument;
  bench_run *run = self->run;
  uint8_t payload[RECORD_MAX_BYTES] = {1, 2, 3};
  while (!atomic_load_explicit(&run->is_over, memory_order_relaxed)) {
    if (run->is_ring) {
      ring_produce(self, payload);
    } else {
      mutex_produce(self, payload);
    }
  }
  /* The consumer looks at the count when it finds nothing: it must be woken to look. */
  (void)pthread_mutex_lock(&run->mutex.mutex);
  atomic_fetch_add(&run->ended_count, 1);
  (void)pthread_mutex_unlock(&run->mutex.mutex);
  (void)pthread_cond_signal(&run->mutex.not_empty);
  (void)eventfd_write(run->event_fd, 1);
  return NULL;
}

static void *consumer_run(void *argument) {
  bench_run *run = argument;
  while (atomic_load(&run->ended_count) < run->options.producer_count) {
    if (run->is_ring) {
      ring_consume(run);
    } else {
      mutex_consume(run);
    }
  }
  while (run->is_ring && br_queue_drain(run->ring, DRAIN_BYTES, on_record, run) > 0) {
  }
  if (!run->is_ring) {
    mutex_consume(run);
  }
  return NULL;
}

static void run_create(bench_run *run, bench_case options, queue_kind kind) {
  *run = (bench_run){
      .options = options,
      .is_ring = kind != QUEUE_MUTEX,
      .looks = kind == QUEUE_RING ? LOOKS : 0,
      .ring = br_queue_create(CAPACITY_BYTES),
      .event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
      .mutex = {.mutex = PTHREAD_MUTEX_INITIALIZER,
                .not_empty = PTHREAD_COND_INITIALIZER,
                .not_full = PTHREAD_COND_INITIALIZER,
                .filled = calloc(1, CAPACITY_BYTES / 2),
                .emptied = calloc(1, CAPACITY_BYTES / 2)},
  };
  if (!run->ring || run->event_fd < 0 || !run->mutex.filled || !run->mutex.emptied) {
    fail("no memory or no descriptor");
  }
}

static void run_destroy(bench_run *run) {
  br_queue_destroy(run->ring);
  free(run->mutex.filled);
  free(run->mutex.emptied);
  (void)close(run->event_fd);
}

/* Records per second. */
static double run_measure(bench_case options, queue_kind kind, unsigned duration_ms) {
  bench_run run;
  run_create(&run, options, kind);
  producer producers[PRODUCERS_MAX];
  pthread_t consumer;
  uint64_t begin_ns = now_ns();
  if (pthread_create(&consumer, NULL, consumer_run, &run) != 0) {
    fail("no thread");
  }
  for (unsigned index = 0; index < options.producer_count; index++) {
    producers[index] = (producer){.run = &run, .index = index};
    if (pthread_create(&producers[index].thread, NULL, producer_run, &producers[index]) != 0) {
      fail("no thread");
    }
  }
  (void)poll(NULL, 0, (int)duration_ms);
  atomic_store(&run.is_over, true);
  uint64_t produced_count = 0;
  for (unsigned index = 0; index < options.producer_count; index++) {
    (void)pthread_join(producers[index].thread, NULL);
    produced_count += producers[index].sequence;
  }
  (void)pthread_join(consumer, NULL);
  double seconds = (double)(now_ns() - begin_ns) / 1e9;
  if (run.consumed_count != produced_count) {
    fail("records are missing");
  }
  run_destroy(&run);
  return (double)produced_count / seconds;
}

static int double_compare(const void *left, const void *right) {
  double difference = *(const double *)left - *(const double *)right;
  return (difference > 0) - (difference < 0);
}

static void case_print(bench_case options, unsigned rounds, unsigned duration_ms, bool is_first) {
  double rates[QUEUE_KINDS][ROUNDS_MAX];
  for (unsigned round = 0; round < rounds; round++) {
    for (unsigned kind = 0; kind < QUEUE_KINDS; kind++) {
      rates[kind][round] = run_measure(options, (queue_kind)kind, duration_ms);
    }
  }
  double medians[QUEUE_KINDS];
  for (unsigned kind = 0; kind < QUEUE_KINDS; kind++) {
    qsort(rates[kind], rounds, sizeof rates[kind][0], double_compare);
    medians[kind] = rates[kind][rounds / 2];
  }
  printf("%s\n    {\"record_bytes\": %zu, \"publish_per\": %u, \"producers\": %u, "
         "\"ring_records_per_s\": %.0f, \"ring_eager_records_per_s\": %.0f, "
         "\"mutex_records_per_s\": %.0f, \"ratio\": %.2f}",
         is_first ? "" : ",", options.record_bytes, options.batch, options.producer_count,
         medians[QUEUE_RING], medians[QUEUE_RING_EAGER], medians[QUEUE_MUTEX],
         medians[QUEUE_RING] / medians[QUEUE_MUTEX]);
  (void)fflush(stdout);
}

int main(int argc, char **argv) {
  bool is_quick = argc == 2 && strcmp(argv[1], "--quick") == 0;
  if (argc > 1 && !is_quick) {
    fail("usage: queue_bench [--quick]");
  }
  static const size_t sizes[] = {64, 1024};
  static const unsigned batches[] = {1, 16};
  unsigned rounds = is_quick ? 1 : ROUNDS_MAX;
  unsigned duration_ms = is_quick ? 20 : 250;
  bool is_first = true;
  printf("{\"benchmark\": \"queue\", \"capacity_bytes\": %d, \"rounds\": %u, \"results\": [",
         CAPACITY_BYTES, rounds);
  for (size_t size = 0; size < 2; size++) {
    for (size_t batch = 0; batch < 2; batch++) {
      for (unsigned producers = 1; producers <= PRODUCERS_MAX; producers++) {
        bench_case options = {sizes[size], batches[batch], producers};
        case_print(options, rounds, duration_ms, is_first);
        is_first = false;
      }
    }
  }
  printf("\n]}\n");
  return EXIT_SUCCESS;
}
