/* Skipping: a message over the limit is let go whole, wherever the stream is split, and what stands
 * around it is cut as if it had never been there. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipecore/framing.h"

enum { LIMIT = 5, STREAM_MAX = 512 };

static const pc_framing framings[] = {
    PC_FRAMING_LINE,        PC_FRAMING_NUL,         PC_FRAMING_LENGTH32_BE, PC_FRAMING_LENGTH32_LE,
    PC_FRAMING_LENGTH16_BE, PC_FRAMING_LENGTH16_LE, PC_FRAMING_VARINT,      PC_FRAMING_HEADERS};
enum { FRAMING_COUNT = sizeof framings / sizeof framings[0] };

/* What came out: messages, and "<n>" for n bytes that were skipped. */
typedef struct outcome {
  char text[STREAM_MAX];
  size_t size;
} outcome;

typedef struct stream_reader {
  pc_frame_decoder decoder;
  uint8_t kept[STREAM_MAX];
  size_t kept_bytes;
  size_t kept_most;
  outcome out;
} stream_reader;

static size_t stream_add(uint8_t *stream, size_t at, pc_framing framing, const char *message) {
  pc_frame_dress dress;
  uint32_t size = (uint32_t)strlen(message);
  pc_frame_encode(framing, (const uint8_t *)message, size, &dress);
  assert_true(at + dress.prefix_bytes + size + dress.suffix_bytes <= STREAM_MAX);
  memcpy(stream + at, dress.prefix, dress.prefix_bytes);
  at += dress.prefix_bytes;
  memcpy(stream + at, message, size);
  at += size;
  memcpy(stream + at, dress.suffix, dress.suffix_bytes);
  return at + dress.suffix_bytes;
}

static void outcome_add(outcome *out, const void *text, size_t size) {
  assert_true(out->size + size + 1 < sizeof out->text);
  memcpy(out->text + out->size, text, size);
  out->size += size;
  out->text[out->size++] = '|';
}

/* One step on `size` bytes; returns how many are done with, 0 if more are wanted. */
static size_t reader_step(stream_reader *reader, const uint8_t *data, size_t size) {
  pc_frame frame;
  size_t consumed = 0;
  if (!reader->decoder.is_skipping) {
    pc_status status = pc_frame_decode(&reader->decoder, data, size, &frame, &consumed);
    if (status == PC_OK) {
      outcome_add(&reader->out, frame.data, frame.size_bytes);
      return consumed;
    }
    if (status == PC_AGAIN) {
      return 0;
    }
    assert_int_equal(status, PC_E_TOO_BIG);
  }
  pc_status status = pc_frame_skip(&reader->decoder, data, size, &consumed);
  assert_int_equal(reader->decoder.is_skipping, status == PC_AGAIN);
  if (status == PC_OK) {
    char told[32];
    int told_bytes =
        snprintf(told, sizeof told, "<%llu>", (unsigned long long)reader->decoder.skipped_bytes);
    outcome_add(&reader->out, told, (size_t)told_bytes);
  } else {
    assert_int_equal(consumed, size);
  }
  return consumed;
}

/* Takes `size` more bytes, each time shown in memory of exactly the size, so that a sanitizer sees
 * a look beyond. */
static void reader_take(stream_reader *reader, const uint8_t *data, size_t size) {
  memcpy(reader->kept + reader->kept_bytes, data, size);
  reader->kept_bytes += size;
  size_t done = 1;
  while (reader->kept_bytes > 0 && done > 0) {
    uint8_t *shown = malloc(reader->kept_bytes);
    assert_non_null(shown);
    memcpy(shown, reader->kept, reader->kept_bytes);
    done = reader_step(reader, shown, reader->kept_bytes);
    free(shown);
    reader->kept_bytes -= done;
    memmove(reader->kept, reader->kept + done, reader->kept_bytes);
  }
  if (reader->kept_bytes > reader->kept_most) {
    reader->kept_most = reader->kept_bytes;
  }
}

static void assert_cut(pc_framing framing, const uint8_t *stream, size_t size,
                       const char *expected) {
  for (size_t first = 0; first <= size; first++) {
    for (size_t chunk = 1; chunk <= size; chunk += 1 + chunk / 8) {
      static stream_reader reader;
      reader = (stream_reader){0};
      pc_frame_decoder_init(&reader.decoder, framing, LIMIT);
      reader_take(&reader, stream, first);
      for (size_t at = first; at < size; at += chunk) {
        reader_take(&reader, stream + at, size - at < chunk ? size - at : chunk);
      }
      if (strcmp(reader.out.text, expected) != 0) {
        fail_msg("%s, %zu bytes first, then %zu at once: %s, not %s", pc_framing_name(framing),
                 first, chunk, reader.out.text, expected);
      }
      assert_int_equal(reader.kept_bytes, 0);
    }
  }
}

static void skip_lets_one_message_go_wherever_the_stream_is_split(void **state) {
  (void)state;
  static const char *const messages[] = {
      "", "one", "12345", "123456", "two", "", "1234567890123456789012345", "123456", "end"};
  for (size_t index = 0; index < FRAMING_COUNT; index++) {
    uint8_t stream[STREAM_MAX];
    size_t size = 0;
    for (size_t message = 0; message < sizeof messages / sizeof messages[0]; message++) {
      size = stream_add(stream, size, framings[index], messages[message]);
    }
    assert_cut(framings[index], stream, size, "|one|12345|<6>|two||<25>|<6>|end|");
  }
}

static void skip_keeps_nothing_of_the_message(void **state) {
  (void)state;
  for (size_t index = 0; index < FRAMING_COUNT; index++) {
    static stream_reader reader;
    reader = (stream_reader){0};
    pc_frame_decoder_init(&reader.decoder, framings[index], LIMIT);
    char message[301];
    memset(message, 'x', 300);
    message[300] = '\0';
    uint8_t stream[STREAM_MAX];
    size_t size = stream_add(stream, 0, framings[index], message);
    size = stream_add(stream, size, framings[index], "after");
    for (size_t at = 0; at < size; at++) {
      reader_take(&reader, stream + at, 1);
    }
    assert_string_equal(reader.out.text, "<300>|after|");
    pc_frame_dress dress;
    pc_frame_encode(framings[index], (const uint8_t *)message, 300, &dress);
    assert_true(reader.kept_most <= LIMIT + (size_t)dress.prefix_bytes);
  }
}

static void skip_counts_what_came_of_a_message_that_never_ends(void **state) {
  (void)state;
  for (size_t index = 0; index < FRAMING_COUNT; index++) {
    static stream_reader reader;
    reader = (stream_reader){0};
    pc_frame_decoder_init(&reader.decoder, framings[index], LIMIT);
    uint8_t stream[STREAM_MAX];
    size_t size = stream_add(stream, 0, framings[index], "12345678901234567890");
    pc_frame_dress dress;
    pc_frame_encode(framings[index], (const uint8_t *)"x", 1, &dress);
    reader_take(&reader, stream, size - dress.suffix_bytes - 3);
    assert_true(reader.decoder.is_skipping);
    assert_int_equal(reader.decoder.skipped_bytes, 17);
    assert_string_equal(reader.out.text, "");
  }
}

static void skip_of_the_largest_length_does_not_overflow(void **state) {
  (void)state;
  static const char *const longest[] = {"\xff\xff\xff\xff", "\xff\xff\xff\xff\x0f",
                                        "Content-Length: 999999999999999999\r\n\r\n"};
  static const pc_framing of[] = {PC_FRAMING_LENGTH32_BE, PC_FRAMING_VARINT, PC_FRAMING_HEADERS};
  for (size_t index = 0; index < 3; index++) {
    static stream_reader reader;
    reader = (stream_reader){0};
    pc_frame_decoder_init(&reader.decoder, of[index], LIMIT);
    reader_take(&reader, (const uint8_t *)longest[index], strlen(longest[index]));
    for (int count = 0; count < 10; count++) {
      reader_take(&reader, (const uint8_t *)"abcdefgh", 8);
    }
    assert_true(reader.decoder.is_skipping);
    assert_int_equal(reader.decoder.skipped_bytes, 80);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(skip_lets_one_message_go_wherever_the_stream_is_split),
      cmocka_unit_test(skip_keeps_nothing_of_the_message),
      cmocka_unit_test(skip_counts_what_came_of_a_message_that_never_ends),
      cmocka_unit_test(skip_of_the_largest_length_does_not_overflow),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
