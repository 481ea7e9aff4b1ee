/* Many WebSocket observers on one thread of their own: reads as fast as it can and keeps each one's
 * ledger. */
#ifndef TESTS_BENCH_RECEIVER_H
#define TESTS_BENCH_RECEIVER_H

#include <stddef.h>
#include <stdint.h>

#include "ledger.h"
#include "target.h"

typedef struct bench_receiver bench_receiver;

typedef struct bench_receiver_options {
  const bench_target *target;
  uint32_t observers;
  /* When each message of each observer was written; the receiver's thread. */
  void (*on_time)(uint64_t time_ns, void *user);
  void *user;
} bench_receiver_options;

/* Connects all observers, waits until each has been greeted if it will be, and starts the
 * thread. */
bench_receiver *bench_receiver_start(const bench_receiver_options *options);
/* Waits until every observer has all of `produced` messages or was told what it missed. Returns
 * when the last one had it; fails the benchmark after `timeout_s`. */
uint64_t bench_receiver_wait(bench_receiver *receiver, uint64_t produced, unsigned timeout_s);
/* How many messages each observer had so far, on average. */
uint64_t bench_receiver_heard(const bench_receiver *receiver);
/* After bench_receiver_wait: ends the thread and all observers, and sums their ledgers (NULL: not
 * wanted). Fails the benchmark if any observer's sequence is wrong or received + missed is not
 * `produced`. */
void bench_receiver_stop(bench_receiver *receiver, uint64_t produced, bench_ledger *out_sum);

#endif
