/* The queue between two threads: a multi-producer single-consumer byte ring, after the many-to-one
 * ring buffers of low-latency messaging. Lock-free code stands here and nowhere else.
 *
 * Positions count bytes since the beginning and never wrap; `position & mask` is the place in the
 * ring. A record is a header and its payload, rounded up to 8 bytes. Its life: free (all zero) →
 * reserved (the head moved over it; its state still says free) → committed → handed over → zeroed →
 * free (the tail moved over it). The consumer zeroes, because the ring's bytes decide where the
 * next commit is seen: what a past payload left there must not look like a state. tests/model/
 * proves the hand-over and the sleep. */
#include "bridge/queue.h"

#include <stdalign.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

enum {
  QUEUE_MIN_BYTES = 4 << 10,
  QUEUE_MAX_BYTES = 1 << 30,
  CACHE_LINE_BYTES = 64,
  ALIGN_BYTES = 8,
  LARGEST_SHARE = 4 /* padding and record together then always fit an empty ring */
};

enum { STATE_FREE = 0, STATE_RECORD = 1, STATE_PADDING = 2 };

typedef struct record_header {
  _Atomic uint32_t state;
  uint32_t size_bytes; /* of the payload; of a padding, less this header */
} record_header;

_Static_assert(sizeof(record_header) == ALIGN_BYTES, "a padding has room for its header anywhere");

struct br_queue {
  /* Written by producers. */
  alignas(CACHE_LINE_BYTES) _Atomic uint64_t head; /* the next byte to reserve */
  _Atomic uint64_t cached_tail; /* what a producer last saw of `tail`; may be older */
  /* Written by the consumer. */
  alignas(CACHE_LINE_BYTES) _Atomic uint64_t tail; /* bytes before it are free and zero */
  /* Written when the consumer falls asleep or is woken. */
  alignas(CACHE_LINE_BYTES) _Atomic uint32_t sleeping;
  _Atomic uint32_t waiting; /* a producer waits for room */
  /* Constant. */
  alignas(CACHE_LINE_BYTES) uint8_t *ring;
  size_t capacity_bytes;
  size_t max_record_bytes;
};

/* The sleep protocol is the store-buffer pattern: a producer stores a commit and looks at
 * `sleeping`, the consumer stores `sleeping` and looks for a commit; one of them must see the
 * other's store. A fence between store and look on both sides makes sure. ThreadSanitizer does not
 * model fences: in its builds stores and looks are themselves sequentially consistent instead. */
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define QUEUE_WITHOUT_FENCES 1
#endif
#elif defined(__SANITIZE_THREAD__)
#define QUEUE_WITHOUT_FENCES 1
#endif

#ifdef QUEUE_WITHOUT_FENCES
#define ORDER_COMMIT memory_order_seq_cst
#define ORDER_SLEEP memory_order_seq_cst
#define ORDER_LOOK memory_order_seq_cst
static inline void sleep_fence(void) {
}
#else
#define ORDER_COMMIT memory_order_release
#define ORDER_SLEEP memory_order_relaxed
#define ORDER_LOOK memory_order_relaxed
static inline void sleep_fence(void) {
  atomic_thread_fence(memory_order_seq_cst);
}
#endif

br_queue *br_queue_create(size_t capacity_bytes) {
  bool is_power_of_two = (capacity_bytes & (capacity_bytes - 1)) == 0;
  if (capacity_bytes < QUEUE_MIN_BYTES || capacity_bytes > QUEUE_MAX_BYTES || !is_power_of_two) {
    return NULL;
  }
  br_queue *queue = aligned_alloc(CACHE_LINE_BYTES, sizeof *queue);
  if (!queue) {
    return NULL;
  }
  /* calloc, so that a large ring takes memory only as far as it was ever filled. */
  uint8_t *ring = calloc(1, capacity_bytes);
  if (!ring) {
    free(queue);
    return NULL;
  }
  *queue = (br_queue){
      .ring = ring,
      .capacity_bytes = capacity_bytes,
      .max_record_bytes = capacity_bytes / LARGEST_SHARE - sizeof(record_header),
  };
  return queue;
}

void br_queue_destroy(br_queue *queue) {
  if (queue) {
    free(queue->ring);
    free(queue);
  }
}

size_t br_queue_max_record_bytes(const br_queue *queue) {
  return queue->max_record_bytes;
}

static size_t record_span(size_t size) {
  return sizeof(record_header) + ((size + ALIGN_BYTES - 1) & ~(size_t)(ALIGN_BYTES - 1));
}

static record_header *queue_record_at(const br_queue *queue, uint64_t position) {
  return (record_header *)(void *)(queue->ring + (position & (queue->capacity_bytes - 1)));
}

/* Whether the bytes up to `end` are free. Positions may be compared with a head that another
 * producer has moved meanwhile, even beyond `end`: hence the sign. */
static bool queue_has_room(br_queue *queue, uint64_t end) {
  int64_t capacity = (int64_t)queue->capacity_bytes;
  /* Acquire pairs with the release of cached_tail below: the consumer's zeroes come before our
   * bytes. */
  uint64_t tail = atomic_load_explicit(&queue->cached_tail, memory_order_acquire);
  if ((int64_t)(end - tail) <= capacity) {
    return true;
  }
  /* Acquire pairs with the release of tail in br_queue_drain, for the same reason. */
  tail = atomic_load_explicit(&queue->tail, memory_order_acquire);
  /* Release pairs with the acquire above, in another producer. */
  atomic_store_explicit(&queue->cached_tail, tail, memory_order_release);
  return (int64_t)(end - tail) <= capacity;
}

br_queue_result br_queue_reserve(br_queue *queue, size_t size, void **out_record) {
  if (size > queue->max_record_bytes) {
    return BR_QUEUE_TOO_BIG;
  }
  size_t span = record_span(size);
  size_t padding;
  /* Relaxed, as is the exchange: the head only divides the ring among producers. The bytes were
   * made ours by the tail, and become the consumer's by the state. */
  uint64_t head = atomic_load_explicit(&queue->head, memory_order_relaxed);
  do {
    size_t to_end = queue->capacity_bytes - (size_t)(head & (queue->capacity_bytes - 1));
    padding = span > to_end ? to_end : 0;
    if (!queue_has_room(queue, head + padding + span)) {
      return BR_QUEUE_FULL;
    }
  } while (!atomic_compare_exchange_weak_explicit(&queue->head, &head, head + padding + span,
                                                  memory_order_relaxed, memory_order_relaxed));
  if (padding > 0) {
    record_header *header = queue_record_at(queue, head);
    header->size_bytes = (uint32_t)(padding - sizeof *header);
    /* Release pairs with the acquire of state in br_queue_drain. The record behind it brings the
     * wake-up. */
    atomic_store_explicit(&header->state, STATE_PADDING, memory_order_release);
  }
  record_header *header = queue_record_at(queue, head + padding);
  header->size_bytes = (uint32_t)size;
  *out_record = header + 1;
  return BR_QUEUE_OK;
}

void br_queue_commit(br_queue *queue, void *record) {
  (void)queue;
  record_header *header = (record_header *)record - 1;
  /* Otherwise it was committed twice, or never reserved. */
  BR_CHECK(atomic_load_explicit(&header->state, memory_order_relaxed) == STATE_FREE);
  /* Pairs with the acquire of state in br_queue_drain. */
  atomic_store_explicit(&header->state, STATE_RECORD, ORDER_COMMIT);
}

bool br_queue_wake_needed(br_queue *queue) {
  sleep_fence(); /* pairs with that in br_queue_prepare_sleep */
  if (atomic_load_explicit(&queue->sleeping, ORDER_LOOK) == 0) {
    return false;
  }
  /* Of several producers one wakes. Release pairs with the acquire in br_queue_awake. */
  return atomic_exchange_explicit(&queue->sleeping, 0, memory_order_release) != 0;
}

size_t br_queue_drain(br_queue *queue, size_t max_bytes, br_queue_handler handler, void *user) {
  uint64_t begin = atomic_load_explicit(&queue->tail, memory_order_relaxed);
  uint64_t position = begin;
  size_t count = 0;
  for (;;) {
    record_header *header = queue_record_at(queue, position);
    /* Acquire pairs with the release in br_queue_commit (or of a padding in br_queue_reserve). */
    uint32_t state = atomic_load_explicit(&header->state, memory_order_acquire);
    if (state == STATE_FREE) {
      break;
    }
    size_t span = record_span(header->size_bytes);
    if (state == STATE_PADDING) {
      memset(header, 0, sizeof *header); /* nobody wrote behind it */
      position += span;
      continue;
    }
    if (count > 0 && position - begin + span > max_bytes) {
      break;
    }
    handler(header + 1, header->size_bytes, user);
    memset(header, 0, span);
    position += span;
    count++;
  }
  if (position != begin) {
    /* Pairs with the acquire of tail in queue_has_room: the zeroes are there before the space is
     * free. */
    atomic_store_explicit(&queue->tail, position, ORDER_COMMIT);
  }
  return count;
}

uint64_t br_queue_position(const br_queue *queue) {
  return atomic_load_explicit(&queue->tail, memory_order_relaxed);
}

bool br_queue_is_empty(const br_queue *queue) {
  uint64_t tail = atomic_load_explicit(&queue->tail, memory_order_relaxed);
  const record_header *header = queue_record_at(queue, tail);
  return atomic_load_explicit(&header->state, memory_order_relaxed) == STATE_FREE;
}

bool br_queue_prepare_sleep(br_queue *queue) {
  atomic_store_explicit(&queue->sleeping, 1, ORDER_SLEEP);
  sleep_fence(); /* pairs with that in br_queue_wake_needed */
  uint64_t tail = atomic_load_explicit(&queue->tail, memory_order_relaxed);
  const record_header *header = queue_record_at(queue, tail);
  if (atomic_load_explicit(&header->state, ORDER_LOOK) == STATE_FREE) {
    return true;
  }
  /* A producer may have seen the 1 and be about to wake us: once too often, which is harmless. */
  atomic_store_explicit(&queue->sleeping, 0, memory_order_relaxed);
  return false;
}

void br_queue_awake(br_queue *queue) {
  /* Acquire pairs with the release in br_queue_wake_needed: what was committed before is seen
   * now. */
  (void)atomic_exchange_explicit(&queue->sleeping, 0, memory_order_acquire);
}

/* The same pattern the other way round: the producer stores `waiting` and looks at the tail, the
 * consumer stores the tail and looks at `waiting`. */
static bool queue_is_half_empty(const br_queue *queue) {
  uint64_t tail = atomic_load_explicit(&queue->tail, ORDER_LOOK);
  uint64_t head = atomic_load_explicit(&queue->head, memory_order_relaxed);
  return (int64_t)(head - tail) <= (int64_t)(queue->capacity_bytes / 2);
}

bool br_queue_prepare_wait(br_queue *queue) {
  atomic_store_explicit(&queue->waiting, 1, ORDER_SLEEP);
  sleep_fence(); /* pairs with that in br_queue_room_wanted */
  if (!queue_is_half_empty(queue)) {
    return true;
  }
  /* The consumer may have seen the 1 and be about to wake us: once too often, which is harmless. */
  atomic_store_explicit(&queue->waiting, 0, memory_order_relaxed);
  return false;
}

bool br_queue_room_wanted(br_queue *queue) {
  sleep_fence(); /* pairs with that in br_queue_prepare_wait */
  return atomic_load_explicit(&queue->waiting, ORDER_LOOK) != 0 && queue_is_half_empty(queue) &&
         atomic_exchange_explicit(&queue->waiting, 0, memory_order_relaxed) != 0;
}

size_t br_queue_used_bytes(const br_queue *queue) {
  /* In this order, and with the acquire that pairs with the release in br_queue_drain, the head is
   * never seen behind the tail. It may be seen far ahead of it. */
  uint64_t tail = atomic_load_explicit(&queue->tail, memory_order_acquire);
  uint64_t head = atomic_load_explicit(&queue->head, memory_order_relaxed);
  uint64_t used = head - tail;
  return used < queue->capacity_bytes ? (size_t)used : queue->capacity_bytes;
}
