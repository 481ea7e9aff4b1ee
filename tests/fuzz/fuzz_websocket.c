/* The frame codec. Any bytes in any pieces have the outcome that they have in one piece, with
 * nothing after the end. And if the bytes are made into well-masked frames first, so that most of
 * them get past the header, the outcome is that of a slow and plain reading of RFC 6455, frame by
 * frame. Input: what to do (bit 0: make frames; bit 1: messages may be compressed, which the plain
 * reading does not know), message limit, seed of the pieces' sizes, then the stream; to be made
 * into frames: first byte, length, mask seed, payload, again and again. */
#include <stdbool.h>
#include <string.h>

#include "client_frame.h"
#include "fuzz.h"
#include "web/text.h"
#include "web/websocket_codec.h"

enum { HEADER_BYTES = 3, STREAM_MAX = 16 * 1024, EVENTS_MAX = 4 * 1024 * 1024 };

/* All that the codec told, one behind the other: kind, size, bytes. */
typedef struct outcome {
  uint8_t events[EVENTS_MAX];
  size_t size;
  uint16_t code;
} outcome;

static void outcome_add(outcome *all, uint8_t kind, const uint8_t *data, size_t size) {
  FUZZ_CHECK(all->code == 0);
  FUZZ_CHECK(all->size + 1 + sizeof size + size <= EVENTS_MAX);
  all->events[all->size] = kind;
  memcpy(all->events + all->size + 1, &size, sizeof size);
  if (size != 0) {
    memcpy(all->events + all->size + 1 + sizeof size, data, size);
  }
  all->size += 1 + sizeof size + size;
}

static void on_frame(web_ws_opcode opcode, const uint8_t *data, size_t size, void *user) {
  FUZZ_CHECK(opcode != WEB_WS_TEXT || web_utf8_is_valid(data, size));
  FUZZ_CHECK(opcode < WEB_WS_CLOSE || size <= 125);
  outcome_add(user, (uint8_t)opcode, data, size);
}

static void on_close(uint16_t code, const uint8_t *reason, size_t size, void *user) {
  uint8_t payload[125] = {(uint8_t)(code >> 8), (uint8_t)code};
  FUZZ_CHECK(size <= 123);
  memcpy(payload + 2, reason, size);
  outcome_add(user, WEB_WS_CLOSE, payload, size + 2);
}

/* In pieces whose sizes come from `seed`; 0: in one. */
static void run(outcome *all, const uint8_t *stream, size_t size, size_t limit,
                web_inflaters *inflaters, uint32_t seed) {
  static const web_ws_codec_events events = {on_frame, on_frame, on_close};
  all->size = 0;
  all->code = 0;
  web_ws_codec *codec = web_ws_codec_create(&events, all, limit);
  FUZZ_CHECK(codec);
  if (inflaters != NULL) {
    web_ws_codec_allow_deflate(codec, inflaters);
  }
  for (size_t at = 0; at < size;) {
    size_t part = size - at;
    if (seed != 0) {
      seed = (seed * 1664525 + 1013904223) | 1;
      size_t piece = 1 + (seed >> 16) % ((seed & 0x100) != 0 ? 8 : 300);
      part = piece < part ? piece : part;
    }
    uint8_t *copy = malloc(part);
    FUZZ_CHECK(copy);
    memcpy(copy, stream + at, part);
    uint16_t code = web_ws_codec_feed(codec, copy, part);
    free(copy);
    at += part;
    FUZZ_CHECK(all->code == 0 || all->code == code);
    all->code = code;
  }
  web_ws_codec_destroy(codec);
}

/* ---- the plain reading ---- */

typedef struct reading {
  uint8_t message[STREAM_MAX];
  size_t size;
  uint8_t opcode; /* 0: between messages */
} reading;

/* Whether more bytes could still make `data` well-formed. */
static bool can_become_text(const uint8_t *data, size_t size) {
  web_utf8 utf8 = {0};
  return web_utf8_feed(&utf8, data, size);
}

static uint16_t read_close(outcome *all, const uint8_t *payload, size_t size) {
  uint16_t code = WEB_WS_NO_STATUS;
  if (size > 1) {
    code = (uint16_t)(payload[0] << 8 | payload[1]);
  }
  if (size == 1 || (size > 1 && !web_ws_is_valid_close_code(code))) {
    return WEB_WS_PROTOCOL_ERROR;
  }
  if (size > 2 && !web_utf8_is_valid(payload + 2, size - 2)) {
    return WEB_WS_INVALID_DATA;
  }
  on_close(code, payload + 2, size == 0 ? 0 : size - 2, all);
  return WEB_WS_NORMAL;
}

static uint16_t read_data(outcome *all, reading *now, uint8_t first, const uint8_t *payload,
                          size_t size, size_t limit) {
  uint8_t opcode = first & 0x0f;
  if ((opcode == 0) != (now->opcode != 0)) {
    return WEB_WS_PROTOCOL_ERROR;
  }
  if (size > limit - now->size) {
    return WEB_WS_TOO_BIG;
  }
  now->opcode = opcode == 0 ? now->opcode : opcode;
  memcpy(now->message + now->size, payload, size);
  now->size += size;
  bool is_final = (first & 0x80) != 0;
  bool is_text = now->opcode == WEB_WS_TEXT;
  if (is_text && !(is_final ? web_utf8_is_valid(now->message, now->size)
                            : can_become_text(now->message, now->size))) {
    return WEB_WS_INVALID_DATA;
  }
  if (is_final) {
    outcome_add(all, now->opcode, now->message, now->size);
    now->opcode = 0;
    now->size = 0;
  }
  return 0;
}

static uint16_t read_frame(outcome *all, reading *now, uint8_t first, const uint8_t *payload,
                           size_t size, size_t limit) {
  uint8_t opcode = first & 0x0f;
  if ((first & 0x70) != 0 || (opcode > 2 && opcode < 8) || opcode > 10) {
    return WEB_WS_PROTOCOL_ERROR;
  }
  if (opcode < 8) {
    return read_data(all, now, first, payload, size, limit);
  }
  if ((first & 0x80) == 0 || size > 125) {
    return WEB_WS_PROTOCOL_ERROR;
  }
  if (opcode == WEB_WS_CLOSE) {
    return read_close(all, payload, size);
  }
  outcome_add(all, opcode, payload, size);
  return 0;
}

/* Makes frames of the input; `expected` becomes what they mean. Returns the stream's size. */
static size_t make_frames(const uint8_t *data, size_t size, size_t limit, uint8_t *stream,
                          outcome *expected) {
  static reading now;
  now.size = 0;
  now.opcode = 0;
  expected->size = 0;
  expected->code = 0;
  size_t stream_size = 0;
  while (size >= 3 && stream_size + CLIENT_HEADER_MAX + 512 < STREAM_MAX) {
    size_t length = data[1] * (size_t)2 < size - 3 ? data[1] * (size_t)2 : size - 3;
    uint8_t seed = data[2];
    uint8_t mask[4] = {seed, (uint8_t)(seed * 7), (uint8_t)~seed, (uint8_t)(seed ^ 0x55)};
    stream_size += client_frame_write(stream + stream_size, data[0], data + 3, length,
                                      CLIENT_LENGTH_SHORTEST, mask);
    if (expected->code == 0) {
      expected->code = read_frame(expected, &now, data[0], data + 3, length, limit);
    }
    data += 3 + length;
    size -= 3 + length;
  }
  return stream_size;
}

static void check_same(const outcome *one, const outcome *other) {
  FUZZ_CHECK(one->code == other->code);
  FUZZ_CHECK(one->size == other->size);
  FUZZ_CHECK(memcmp(one->events, other->events, one->size) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static uint8_t stream[STREAM_MAX];
  static outcome whole;
  static outcome cut;
  static outcome expected;
  if (size < HEADER_BYTES) {
    return 0;
  }
  size_t limit = 1 + data[1] * (size_t)16;
  uint32_t seed = data[2];
  size_t stream_size = size - HEADER_BYTES;
  bool makes_frames = (data[0] & 1) != 0;
  if (makes_frames) {
    stream_size = make_frames(data + HEADER_BYTES, stream_size, limit, stream, &expected);
  } else {
    stream_size = stream_size < STREAM_MAX ? stream_size : STREAM_MAX;
    memcpy(stream, data + HEADER_BYTES, stream_size);
  }
  web_inflaters inflaters = {0};
  bool is_compressed = (data[0] & 2) != 0;
  run(&whole, stream, stream_size, limit, is_compressed ? &inflaters : NULL, 0);
  run(&cut, stream, stream_size, limit, is_compressed ? &inflaters : NULL, seed + 1);
  web_inflaters_fini(&inflaters);
  check_same(&whole, &cut);
  if (makes_frames && !is_compressed) {
    check_same(&whole, &expected);
  }
  return 0;
}
