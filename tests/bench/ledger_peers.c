/* What other programs' WebSockets say: plain messages, or the packets of a protocol of their own,
 * which need not end with a WebSocket message. Pure; the receiver's thread. */
#include <string.h>

#include "bench.h"
#include "ledger.h"
#include "peers.h"

/* Takes one packet; returns its bytes, 0: it is not whole yet. */
typedef size_t take_packet(bench_ledger *ledger, const char *data, size_t size);

/* Packet after packet; what is left of the last one is kept for the next message. */
static void stream_enter(bench_ledger *ledger, const char *data, size_t size, take_packet *take) {
  while (ledger->kept_bytes > 0 && size > 0) {
    size_t before = ledger->kept_bytes;
    size_t part = size < sizeof ledger->kept - before ? size : sizeof ledger->kept - before;
    BENCH_CHECK(part > 0); /* no packet is so long */
    memcpy(ledger->kept + before, data, part);
    size_t used = take(ledger, ledger->kept, before + part);
    if (used == 0) {
      ledger->kept_bytes = before + part;
      data += part;
      size -= part;
      continue;
    }
    BENCH_CHECK(used > before);
    ledger->kept_bytes = 0;
    data += used - before;
    size -= used - before;
  }
  for (size_t used; size > 0 && (used = take(ledger, data, size)) > 0;) {
    data += used;
    size -= used;
  }
  if (size > 0) {
    BENCH_CHECK(size <= sizeof ledger->kept);
    memcpy(ledger->kept, data, size);
    ledger->kept_bytes = size;
  }
}

/* ---- messages ---- */

static void announced_enter(bench_ledger *ledger, const char *payload, size_t size) {
  if (size == sizeof BENCH_READY - 1) {
    ledger->is_greeted = true;
    return;
  }
  BENCH_CHECK(size == BENCH_PAYLOAD_BYTES);
  bench_ledger_enter_message(ledger, payload);
}

const bench_format bench_format_announced = {.has_greeting = true, .enter = announced_enter};
const bench_format bench_format_lossy = {.may_lose = true, .enter = announced_enter};

/* ---- lines ---- */

static size_t line_take(bench_ledger *ledger, const char *data, size_t size) {
  const char *end = memchr(data, '\n', size);
  if (!end) {
    return 0;
  }
  announced_enter(ledger, data, (size_t)(end - data));
  return (size_t)(end - data) + 1;
}

static void lines_enter(bench_ledger *ledger, const char *payload, size_t size) {
  stream_enter(ledger, payload, size, line_take);
}

const bench_format bench_format_lines = {.has_greeting = true, .enter = lines_enter};

/* ---- MQTT 3.1.1 ---- */

static size_t mqtt_take(bench_ledger *ledger, const char *data, size_t size) {
  enum { SUBACK = 0x90, PUBLISH = 0x30, TOPIC_BYTES = 3 };
  if (size < 2) {
    return 0;
  }
  size_t length = (unsigned char)data[1];
  BENCH_CHECK(length < 128); /* all of ours are short */
  if (size < 2 + length) {
    return 0;
  }
  unsigned kind = (unsigned char)data[0] & 0xf0;
  ledger->is_greeted |= kind == SUBACK;
  if (kind == PUBLISH) {
    BENCH_CHECK(length == TOPIC_BYTES + BENCH_PAYLOAD_BYTES);
    bench_ledger_enter_message(ledger, data + 2 + TOPIC_BYTES);
  }
  return 2 + length;
}

static void mqtt_enter(bench_ledger *ledger, const char *payload, size_t size) {
  stream_enter(ledger, payload, size, mqtt_take);
}

const bench_format bench_format_mqtt = {
    .has_greeting = true, .may_lose = true, .enter = mqtt_enter};

/* ---- NATS ---- */

static size_t nats_take(bench_ledger *ledger, const char *data, size_t size) {
  const char *end = memmem(data, size, "\r\n", 2);
  size_t head = end ? (size_t)(end - data) + 2 : 0;
  if (!end) {
    return 0;
  }
  if (strncmp(data, "MSG ", 4) == 0) {
    if (size < head + BENCH_PAYLOAD_BYTES + 2) {
      return 0;
    }
    bench_ledger_enter_message(ledger, data + head);
    return head + BENCH_PAYLOAD_BYTES + 2;
  }
  if (strncmp(data, "-ERR", 4) == 0) {
    bench_fail("nats-server: %.*s", (int)(end - data), data);
  }
  ledger->is_greeted |= strncmp(data, "PONG", 4) == 0;
  return head;
}

static void nats_enter(bench_ledger *ledger, const char *payload, size_t size) {
  stream_enter(ledger, payload, size, nats_take);
}

const bench_format bench_format_nats = {
    .has_greeting = true, .may_lose = true, .enter = nats_enter};
