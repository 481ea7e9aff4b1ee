/* Reads batches by looking for `"seq":`, which cannot stand inside a JSON string (its quotes would be escaped):
 * once per event, in the bridge's order of fields, seq before text. Guesses from the event before save most of
 * the searching, so that the observer costs little next to what is measured. */
#include "ledger.h"

#include <string.h>

#include "bench.h"

static const char seq_key[] = "\"seq\":";
static const char text_key[] = "\"text\":\"";
enum {
  SEQ_KEY_BYTES = sizeof seq_key - 1,
  TEXT_KEY_BYTES = sizeof text_key - 1,
  OTHER_EVENTS_MAX = 2
};

void bench_ledger_init(bench_ledger *ledger, bool is_relay) {
  *ledger = (bench_ledger){.is_relay = is_relay, .has_snapshot = is_relay};
  bench_digits_write(ledger->next_digits, 0);
}

static const char *find(const char *data, size_t size, const char *text) {
  return memmem(data, size, text, strlen(text));
}

static uint64_t number_read(const char *text, const char *end) {
  uint64_t value = 0;
  for (; text < end && *text >= '0' && *text <= '9'; text++) {
    value = value * 10 + (uint64_t)(*text - '0');
  }
  return value;
}

/* The number behind `key`; fails the benchmark if there is none. */
static uint64_t number_after(const char *data, size_t size, const char *key) {
  const char *place = find(data, size, key);
  if (!place) {
    bench_fail("no %s in: %.*s", key, (int)(size < 300 ? size : 300), data);
  }
  return number_read(place + strlen(key), data + size);
}

/* What gaps told since the last message must be just what is missing, but for an event or two that are no
 * messages: the writer's session opening, the one before it closing. */
static void missing_enter(bench_ledger *ledger, uint64_t missing) {
  if (missing > ledger->pending_missed || ledger->pending_missed - missing > OTHER_EVENTS_MAX) {
    ledger->sequence_errors++;
  }
  ledger->missed += missing;
  ledger->next_number += missing;
  ledger->pending_missed = 0;
}

/* Comparing and counting up texts is several times faster than reading numbers. */
static void digits_advance(char digits[BENCH_DIGITS]) {
  for (size_t index = BENCH_DIGITS; index-- > 0;) {
    if (digits[index] != 'f') {
      digits[index] = digits[index] == '9' ? 'a' : (char)(digits[index] + 1);
      return;
    }
    digits[index] = '0';
  }
}

static void message_enter(bench_ledger *ledger, const char *text) {
  const char *digits = text + BENCH_NUMBER_OFFSET;
  if (memcmp(digits, ledger->next_digits, BENCH_DIGITS) == 0) {
    ledger->next_number++;
    digits_advance(ledger->next_digits);
  } else {
    uint64_t number = bench_digits_read(digits);
    missing_enter(ledger, number - ledger->next_number);
    ledger->next_number = number + 1;
    bench_digits_write(ledger->next_digits, ledger->next_number);
  }
  ledger->received++;
  if (ledger->on_time) {
    ledger->on_time(bench_digits_read(text + BENCH_TIME_OFFSET), ledger->user);
  }
}

static void gap_enter(bench_ledger *ledger, const char *event, size_t size) {
  uint64_t from = number_after(event, size, "\"from\":");
  uint64_t to = number_after(event, size, "\"to\":");
  uint64_t count = number_after(event, size, "\"count\":");
  if (from != ledger->next_seq || count != to - from + 1) {
    ledger->sequence_errors++;
  }
  ledger->gaps++;
  ledger->pending_missed += count;
  ledger->next_seq = to + 1;
}

/* One event, from its seq key to the next one's. */
static void event_enter(bench_ledger *ledger, const char *event, size_t size, const char *text) {
  uint64_t seq = number_read(event + SEQ_KEY_BYTES, event + size);
  if (seq != ledger->next_seq) {
    if (find(event, size, "\"kind\":\"gap\"")) {
      gap_enter(ledger, event, size);
      return;
    }
    ledger->sequence_errors++;
  }
  ledger->next_seq = seq + 1;
  if (text) {
    message_enter(ledger, text);
  }
}

static const char *guess_or_find(const char *data, size_t size, size_t guess, const char *key,
                                 size_t key_bytes) {
  if (guess > 0 && guess + key_bytes <= size && memcmp(data + guess, key, key_bytes) == 0) {
    return data + guess;
  }
  return memmem(data, size, key, key_bytes);
}

static void batch_enter(bench_ledger *ledger, const char *data, size_t size) {
  const char *end = data + size;
  const char *event = memmem(data, size, seq_key, SEQ_KEY_BYTES);
  while (event) {
    size_t rest = (size_t)(end - event) - 1;
    const char *next = guess_or_find(event + 1, rest, ledger->stride_bytes, seq_key, SEQ_KEY_BYTES);
    size_t event_bytes = (size_t)((next ? next : end) - event);
    const char *text =
        guess_or_find(event, event_bytes, ledger->text_bytes, text_key, TEXT_KEY_BYTES);
    if (text) {
      ledger->text_bytes = (size_t)(text - event);
      text += TEXT_KEY_BYTES;
      BENCH_CHECK(text + BENCH_PAYLOAD_BYTES < event + event_bytes);
    }
    event_enter(ledger, event, event_bytes, text);
    if (next) {
      ledger->stride_bytes = event_bytes - 1;
    }
    event = next;
  }
}

void bench_ledger_enter(bench_ledger *ledger, const uint8_t *payload, size_t size) {
  const char *text = (const char *)payload;
  ledger->frames++;
  if (ledger->is_relay) {
    BENCH_CHECK(size == BENCH_PAYLOAD_BYTES);
    message_enter(ledger, text);
  } else if (!ledger->has_snapshot) {
    BENCH_CHECK(find(text, size < 64 ? size : 64, "\"snapshot\""));
    ledger->next_seq = number_after(text, size, seq_key) + 1;
    ledger->has_snapshot = true;
  } else {
    batch_enter(ledger, text, size);
  }
}

bool bench_ledger_is_complete(bench_ledger *ledger, uint64_t produced) {
  if (ledger->next_number + ledger->pending_missed < produced) {
    return false;
  }
  missing_enter(ledger,
                produced - ledger->next_number); /* the end itself may be among the missed */
  return true;
}
