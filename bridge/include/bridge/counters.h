/* Counters of a pipe or a session, and where a client pipe stands: written by the pipe thread
 * alone, read by any. Relaxed: a number orders nothing. */
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
  br_traffic s2c;           /* what the bridge says counts when it is accepted */
  br_traffic skipped;       /* from the peer, over the limit of a pipe that skips such */
  _Atomic uint64_t refused; /* messages to the peer that a full queue refused */
  br_traffic dropped;       /* messages, either way, that observers were not told of */
  br_traffic lost;          /* injections answered as queued that their session ended before */
} br_counters;

/* How often each limit of a pipe was reached; called as the limits are. */
typedef struct br_limit_counters {
  _Atomic uint64_t max_message_bytes;     /* messages over it, either way                   */
  _Atomic uint64_t max_instances;         /* times that clients began to wait for one       */
  _Atomic uint64_t max_write_queue_bytes; /* messages that did not fit                      */
  _Atomic uint64_t idle_timeout_ms;       /* sessions that it ended                         */
  _Atomic uint64_t accept_rate;           /* times that clients began to wait their turn    */
} br_limit_counters;

/* What a tap could not deliver, since who should have it was gone. */
typedef struct br_undelivered {
  _Atomic uint64_t c2s_bytes;
  _Atomic uint64_t s2c_bytes;
  _Atomic uint64_t descriptors;
  _Atomic uint64_t clients; /* sent away, since their upstream could not be had */
} br_undelivered;

/* Where a pipe of role client stands. */
typedef struct br_link {
  _Atomic uint64_t is_connected;
  _Atomic uint64_t next_try_wall_ns; /* while it is not; 0: now          */
  _Atomic uint64_t failed_count;     /* tries that failed since it was   */
  _Atomic int32_t failure;           /* pc_status of the last one        */
  br_traffic queued;                 /* injections that wait for somebody */
} br_link;

/* What is to be known of a pipe as it is now. */
typedef struct br_pipe_live {
  br_counters counters;
  br_link link;
  br_limit_counters limits;
  _Atomic uint64_t refused_clients; /* by the rules of `clients` */
  br_undelivered undelivered;
} br_pipe_live;

static inline uint64_t br_count(const _Atomic uint64_t *counter) {
  return atomic_load_explicit(counter, memory_order_relaxed);
}

static inline void br_count_set(_Atomic uint64_t *counter, uint64_t value) {
  atomic_store_explicit(counter, value, memory_order_relaxed);
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
