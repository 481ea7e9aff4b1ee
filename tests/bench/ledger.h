/* One observer's book: which messages came, which are told missing, and that nothing else happened. Fed with
 * the payload of WebSocket messages, of the bridge (pipebridge.v1.json) or of the relay (a line each).
 * Pure; one thread. */
#ifndef TESTS_BENCH_LEDGER_H
#define TESTS_BENCH_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench.h"

typedef struct bench_ledger {
  bool is_relay;
  bool has_snapshot;
  uint64_t next_seq;              /* of the bridge's events: what must come next             */
  uint64_t next_number;           /* of the messages                                         */
  char next_digits[BENCH_DIGITS]; /* the same as it will stand in the message          */
  uint64_t pending_missed;        /* events told missing since the last message              */
  uint64_t received;              /* messages                                                */
  uint64_t missed;                /* messages told missing                                   */
  uint64_t gaps;                  /* how often                                               */
  uint64_t frames;                /* WebSocket messages                                      */
  uint64_t sequence_errors;       /* what may not be: out of order, twice, lost without word */
  size_t stride_bytes;            /* where the next event of a batch probably begins         */
  size_t text_bytes;              /* where its text probably is                              */
  /* Called with the time of writing of each message, if set. */
  void (*on_time)(uint64_t time_ns, void *user);
  void *user;
} bench_ledger;

void bench_ledger_init(bench_ledger *ledger, bool is_relay);
void bench_ledger_enter(bench_ledger *ledger, const uint8_t *payload, size_t size);
/* Whether all of `produced` messages came or are told missing; then `received + missed` is that number. */
bool bench_ledger_is_complete(bench_ledger *ledger, uint64_t produced);

#endif
