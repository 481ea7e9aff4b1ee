/* Runs the codec and writes down what it did. */
#include "test.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client_frame.h"
#include "codec_outcome.h"
#include "web/websocket_codec.h"

enum { LONG_STREAM = 600, LONG_STREAM_CUTS = 30, LONG_PAYLOAD = 40 };

uint8_t codec_pattern(size_t index) {
  return (uint8_t)('a' + index % 26);
}

static void outcome_write(codec_outcome *outcome, const char *text) {
  size_t size = strlen(text);
  assert_true(outcome->events_size + size < sizeof outcome->events);
  memcpy(outcome->events + outcome->events_size, text, size + 1);
  outcome->events_size += size;
}

static void outcome_write_long(codec_outcome *outcome, const uint8_t *data, size_t size) {
  bool is_pattern = true;
  for (size_t index = 0; index < size; index++) {
    is_pattern = is_pattern && data[index] == codec_pattern(index);
  }
  char text[32];
  (void)snprintf(text, sizeof text, "(%c%zu)", is_pattern ? '*' : '!', size);
  outcome_write(outcome, text);
}

static void outcome_write_payload(codec_outcome *outcome, const uint8_t *data, size_t size) {
  if (size > LONG_PAYLOAD) {
    outcome_write_long(outcome, data, size);
    return;
  }
  outcome_write(outcome, "(");
  for (size_t index = 0; index < size; index++) {
    char text[8];
    bool is_plain = data[index] >= 0x20 && data[index] < 0x7f && data[index] != '\\';
    (void)snprintf(text, sizeof text, is_plain ? "%c" : "\\%02x", data[index]);
    outcome_write(outcome, text);
  }
  outcome_write(outcome, ")");
}

static void outcome_on_message(web_ws_opcode opcode, const uint8_t *data, size_t size, void *user) {
  assert_true(opcode == WEB_WS_TEXT || opcode == WEB_WS_BINARY);
  outcome_write(user, opcode == WEB_WS_TEXT ? "T" : "B");
  outcome_write_payload(user, data, size);
}

static void outcome_on_control(web_ws_opcode opcode, const uint8_t *data, size_t size, void *user) {
  assert_true(opcode == WEB_WS_PING || opcode == WEB_WS_PONG);
  assert_true(size <= 125);
  outcome_write(user, opcode == WEB_WS_PING ? "i" : "o");
  outcome_write_payload(user, data, size);
}

static void outcome_on_close(uint16_t code, const uint8_t *reason, size_t size, void *user) {
  char text[16];
  (void)snprintf(text, sizeof text, "c%u", code);
  outcome_write(user, text);
  outcome_write_payload(user, reason, size);
}

static uint16_t feed_copy(web_ws_codec *codec, const uint8_t *data, size_t size) {
  uint8_t *copy = malloc(size == 0 ? 1 : size);
  assert_non_null(copy);
  memcpy(copy, data, size);
  uint16_t code = web_ws_codec_feed(codec, copy, size);
  free(copy);
  return code;
}

static void check_end(web_ws_codec *codec, const codec_outcome *outcome) {
  const char *failure = web_ws_codec_failure(codec);
  assert_int_equal(failure != NULL, outcome->code != 0 && outcome->code != WEB_WS_NORMAL);
  assert_true(failure == NULL || strlen(failure) <= 123);
  if (outcome->code != 0) {
    static const uint8_t mask[4] = {1, 2, 3, 4};
    uint8_t frame[CLIENT_HEADER_MAX + 5];
    size_t events_size = outcome->events_size;
    size_t size =
        client_frame_write(frame, 0x81, (const uint8_t *)"after", 5, CLIENT_LENGTH_SHORTEST, mask);
    assert_int_equal(feed_copy(codec, frame, size), outcome->code);
    assert_int_equal(outcome->events_size, events_size);
  }
}

void codec_outcome_of(codec_outcome *outcome, const uint8_t *stream, size_t size, size_t first,
                      size_t step, size_t max_message_bytes) {
  static const web_ws_codec_events events = {outcome_on_message, outcome_on_control,
                                             outcome_on_close};
  outcome->events[0] = '\0';
  outcome->events_size = 0;
  outcome->code = 0;
  outcome->ended_at = 0;
  web_ws_codec *codec = web_ws_codec_create(&events, outcome, max_message_bytes);
  assert_non_null(codec);
  size_t piece = first;
  for (size_t at = 0; at < size; piece = step) {
    piece = piece < size - at ? piece : size - at;
    uint16_t code = feed_copy(codec, stream + at, piece);
    at += piece;
    assert_true(outcome->code == 0 || outcome->code == code);
    if (outcome->code == 0 && code != 0) {
      outcome->code = code;
      outcome->ended_at = at;
    }
  }
  check_end(codec, outcome);
  web_ws_codec_destroy(codec);
}

void codec_outcome_of_any_split(codec_outcome *outcome, const uint8_t *stream, size_t size,
                                size_t max_message_bytes) {
  codec_outcome_of(outcome, stream, size, 1, 1, max_message_bytes);
  codec_outcome *other = malloc(sizeof *other);
  assert_non_null(other);
  for (size_t first = 1; first <= size; first++) {
    if (size > LONG_STREAM && first == LONG_STREAM_CUTS) {
      first = size - LONG_STREAM_CUTS;
    }
    codec_outcome_of(other, stream, size, first, size, max_message_bytes);
    assert_string_equal(other->events, outcome->events);
    assert_int_equal(other->code, outcome->code);
  }
  free(other);
}
