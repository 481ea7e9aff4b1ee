/* Traffic counters of a pipe or a session: written by the pipe thread alone, read by any. Relaxed: a number
 * orders nothing. */
#ifndef BRIDGE_COUNTERS_H
#define BRIDGE_COUNTERS_H

#include <stdatomic.h>
#include <stdint.h>

typedef struct br_traffic {
  _Atomic uint64_t messages;
  _Atomic uint64_t bytes;
} br_traffic;

typedef struct br_counters {
  br_traffic c2s;
  br_traffic s2c;           /* accepted for the client */
  br_traffic skipped;       /* from the client, over the limit of a pipe that skips such */
  _Atomic uint64_t refused; /* messages to the client that its full write queue refused */
} br_counters;

static inline uint64_t br_count(const _Atomic uint64_t *counter) {
  return atomic_load_explicit(counter, memory_order_relaxed);
}

/* The one writer's way to add: no locked instruction. */
static inline void br_count_add(_Atomic uint64_t *counter, uint64_t amount) {
  atomic_store_explicit(counter, br_count(counter) + amount, memory_order_relaxed);
}

static inline void br_traffic_add(br_traffic *traffic, uint64_t bytes) {
  br_count_add(&traffic->messages, 1);
  br_count_add(&traffic->bytes, bytes);
}

#endif
