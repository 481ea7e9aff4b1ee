/* Observers must cost little next to what is measured: numbers are compared as text and counted up,
 * and what comes next is expected where the message before had it.
 *
 * JSON: batches are read by looking for `"seq":`, which cannot stand inside a JSON string (its
 * quotes would be escaped): once per event, in the bridge's order of fields, seq before text. */
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

/* Of web/PROTOCOL.md, "WebSocket pipebridge.v1.bin". */
enum {
  BINARY_HEADER_BYTES = 16,
  BINARY_EVENT_BYTES = 56,
  BINARY_TYPE_OFFSET = 1,
  BINARY_KIND_OFFSET = 4,
  BINARY_SEQ_OFFSET = 8,
  BINARY_SNAPSHOT = 1,
  BINARY_MESSAGE = 2,
  BINARY_GAP = 6
};

void bench_ledger_init(bench_ledger *ledger, const bench_format *format) {
  *ledger = (bench_ledger){.format = format, .is_greeted = !format->has_greeting};
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

/* What gaps told since the last message must be just what is missing, but for an event or two that
 * are no messages: the writer's session opening, the one before it closing. */
static void missing_enter(bench_ledger *ledger, uint64_t missing) {
  if (ledger->format->may_lose) {
    ledger->gaps += missing > 0;
    ledger->pending_missed = missing;
  }
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

void bench_ledger_enter_message(bench_ledger *ledger, const char *text) {
  const char *digits = text + BENCH_NUMBER_OFFSET;
  if (memcmp(digits, ledger->next_digits, BENCH_DIGITS) == 0) {
    ledger->next_number++;
    digits_advance(ledger->next_digits);
  } else {
    uint64_t number = bench_digits_read(digits);
    if (number < ledger->next_number) {
      ledger->sequence_errors++;
      return;
    }
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
    bench_ledger_enter_message(ledger, text);
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

static void greeting_enter(bench_ledger *ledger, const char *text, size_t size) {
  BENCH_CHECK(find(text, size < 96 ? size : 96, "\"snapshot\""));
  ledger->next_seq = number_after(text, size, seq_key) + 1;
  ledger->is_greeted = true;
}

static void json_enter(bench_ledger *ledger, const char *payload, size_t size) {
  if (ledger->is_greeted) {
    batch_enter(ledger, payload, size);
  } else {
    greeting_enter(ledger, payload, size);
  }
}

const bench_format bench_format_json = {.has_greeting = true, .enter = json_enter};

/* ---- pipebridge.v1.bin ---- */

static uint32_t u32_read(const char *data) {
  uint32_t value;
  memcpy(&value, data, sizeof value); /* little-endian, as every machine that this runs on */
  return value;
}

static uint64_t u64_read(const char *data) {
  uint64_t value;
  memcpy(&value, data, sizeof value);
  return value;
}

static void binary_event_enter(bench_ledger *ledger, const char *event, size_t size) {
  uint64_t seq = u64_read(event + BINARY_SEQ_OFFSET);
  const char *payload = event + BINARY_EVENT_BYTES;
  if (event[BINARY_KIND_OFFSET] == BINARY_GAP) {
    gap_enter(ledger, payload, size - BINARY_EVENT_BYTES);
    return;
  }
  ledger->sequence_errors += seq != ledger->next_seq;
  ledger->next_seq = seq + 1;
  if (event[BINARY_KIND_OFFSET] == BINARY_MESSAGE) {
    BENCH_CHECK(size == BINARY_EVENT_BYTES + BENCH_PAYLOAD_BYTES);
    bench_ledger_enter_message(ledger, payload);
  }
}

static void binary_enter(bench_ledger *ledger, const char *payload, size_t size) {
  const char *end = payload + size;
  BENCH_CHECK(size >= BINARY_HEADER_BYTES);
  const char *event = payload + BINARY_HEADER_BYTES;
  if (payload[BINARY_TYPE_OFFSET] == BINARY_SNAPSHOT) {
    greeting_enter(ledger, event, (size_t)(end - event));
    return;
  }
  while (event < end) {
    BENCH_CHECK(end - event >= BINARY_EVENT_BYTES);
    size_t event_bytes = u32_read(event);
    BENCH_CHECK(event_bytes >= BINARY_EVENT_BYTES && event_bytes <= (size_t)(end - event));
    binary_event_enter(ledger, event, event_bytes);
    event += event_bytes;
  }
}

const bench_format bench_format_binary = {.has_greeting = true, .enter = binary_enter};

/* ---- plain messages ---- */

static void plain_enter(bench_ledger *ledger, const char *payload, size_t size) {
  BENCH_CHECK(size == BENCH_PAYLOAD_BYTES);
  bench_ledger_enter_message(ledger, payload);
}

const bench_format bench_format_plain = {.enter = plain_enter};

size_t bench_ledger_enter_stretch(bench_ledger *ledger, const uint8_t *frames, size_t size) {
  enum { FRAME_BYTES = 2 + BENCH_PAYLOAD_BYTES };
  size_t used = 0;
  if (ledger->format != &bench_format_plain || ledger->on_time) {
    return 0;
  }
  for (; size - used >= FRAME_BYTES; used += FRAME_BYTES) {
    const uint8_t *frame = frames + used;
    bool is_expected = (frame[0] == 0x81 || frame[0] == 0x82) && frame[1] == BENCH_PAYLOAD_BYTES &&
                       memcmp(frame + 2, ledger->next_digits, BENCH_DIGITS) == 0;
    if (!is_expected) {
      break;
    }
    ledger->next_number++;
    digits_advance(ledger->next_digits);
  }
  ledger->frames += used / FRAME_BYTES;
  ledger->received += used / FRAME_BYTES;
  return used;
}

/* ---- all ---- */

void bench_ledger_enter(bench_ledger *ledger, const uint8_t *payload, size_t size) {
  ledger->frames++;
  ledger->format->enter(ledger, (const char *)payload, size);
}

bool bench_ledger_is_complete(bench_ledger *ledger, uint64_t produced) {
  if (ledger->next_number + ledger->pending_missed < produced) {
    return false;
  }
  missing_enter(ledger,
                produced - ledger->next_number); /* the end itself may be among the missed */
  return true;
}
