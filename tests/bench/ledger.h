/* One observer's book: which messages came, which are told missing, and that nothing else happened.
 * Fed with the payload of WebSocket messages, in one of the formats that a target speaks. Pure; one
 * thread. */
#ifndef TESTS_BENCH_LEDGER_H
#define TESTS_BENCH_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench.h"

typedef struct bench_ledger bench_ledger;

/* How a target says what was written: a table each. */
typedef struct bench_format {
  bool has_greeting; /* something comes before the first message           */
  bool may_lose;     /* without a word: what is missing is only counted    */
  void (*enter)(bench_ledger *ledger, const char *payload, size_t size);
} bench_format;
extern const bench_format bench_format_plain;  /* a message is a message, as a line each        */
extern const bench_format bench_format_json;   /* pipebridge.v1.json                            */
extern const bench_format bench_format_binary; /* pipebridge.v1.bin                             */

struct bench_ledger {
  const bench_format *format;
  bool is_greeted;
  uint64_t next_seq;              /* of the bridge's events: what must come next             */
  uint64_t next_number;           /* of the messages                                         */
  char next_digits[BENCH_DIGITS]; /* the same as it will stand in the message                */
  uint64_t pending_missed;        /* events told missing since the last message              */
  uint64_t received;              /* messages                                                */
  uint64_t missed;                /* messages told missing                                   */
  uint64_t gaps;                  /* how often                                               */
  uint64_t frames;                /* WebSocket messages                                      */
  uint64_t sequence_errors;       /* what may not be: out of order, twice, lost without word */
  size_t stride_bytes;            /* where the next event of a batch probably begins         */
  size_t text_bytes;              /* where its text probably is                              */
  size_t kept_bytes;              /* of a packet whose rest comes with the next message      */
  char kept[2048];
  /* Called with the time of writing of each message, if set. */
  void (*on_time)(uint64_t time_ns, void *user);
  void *user;
};

void bench_ledger_init(bench_ledger *ledger, const bench_format *format);
/* One WebSocket message. */
void bench_ledger_enter(bench_ledger *ledger, const uint8_t *payload, size_t size);
/* One of the bench's messages, as it was written: formats call it. */
void bench_ledger_enter_message(bench_ledger *ledger, const char *text);
/* Enters what at `frames` is just what is expected: frames of one plain message each, in order.
 * Returns its bytes, maybe none: what else there is goes by bench_ledger_enter. Of anything but
 * plain messages, 0. */
size_t bench_ledger_enter_stretch(bench_ledger *ledger, const uint8_t *frames, size_t size);
/* Whether all of `produced` messages came or are told missing; then `received + missed` is that
 * number. */
bool bench_ledger_is_complete(bench_ledger *ledger, uint64_t produced);

#endif
