/* Framing: the same stream is cut the same way however it arrives, limits hold, and what is dressed
 * is cut back into what it was. */
#include "test.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pipecore/framing.h"

enum { LIMIT = 7, STREAM_MAX = 512, FRAMES_MAX = 64 };

static const pc_framing cutting[] = {
    PC_FRAMING_LINE,        PC_FRAMING_NUL,         PC_FRAMING_LENGTH32_BE, PC_FRAMING_LENGTH32_LE,
    PC_FRAMING_LENGTH16_BE, PC_FRAMING_LENGTH16_LE, PC_FRAMING_VARINT,      PC_FRAMING_HEADERS};
enum { CUTTING_COUNT = sizeof cutting / sizeof cutting[0] };

typedef struct byte_stream {
  uint8_t bytes[STREAM_MAX];
  size_t size;
} byte_stream;

/* What came out of a stream: the frames one after the other, each with its size before it, and how
 * it ended. */
typedef struct cut_log {
  uint8_t bytes[STREAM_MAX];
  size_t size;
  uint32_t sizes[FRAMES_MAX];
  size_t count;
  pc_status last;
} cut_log;

static void stream_add(byte_stream *stream, const void *bytes, size_t size) {
  assert_true(stream->size + size <= sizeof stream->bytes);
  if (size > 0) {
    memcpy(stream->bytes + stream->size, bytes, size);
    stream->size += size;
  }
}

static void stream_add_message(byte_stream *stream, pc_framing framing, const char *text,
                               uint32_t size) {
  pc_frame_dress dress;
  pc_frame_encode(framing, (const uint8_t *)text, size, &dress);
  stream_add(stream, dress.prefix, dress.prefix_bytes);
  stream_add(stream, text, size);
  stream_add(stream, dress.suffix, dress.suffix_bytes);
}

static void cut_add(cut_log *cut, pc_frame frame) {
  assert_true(cut->count < FRAMES_MAX);
  assert_true(cut->size + frame.size_bytes <= sizeof cut->bytes);
  if (frame.size_bytes > 0) {
    memcpy(cut->bytes + cut->size, frame.data, frame.size_bytes);
  }
  cut->size += frame.size_bytes;
  cut->sizes[cut->count++] = frame.size_bytes;
}

/* Decodes all it can of [*begin, end) from a copy of exactly that size, so that a sanitizer sees
 * every look beyond it. */
static void cut_some(pc_frame_decoder *decoder, const byte_stream *stream, size_t *begin,
                     size_t end, cut_log *cut) {
  for (;;) {
    size_t size = end - *begin;
    uint8_t *shown = malloc(size + (size == 0));
    assert_non_null(shown);
    memcpy(shown, stream->bytes + *begin, size);
    pc_frame frame = {0};
    size_t consumed = 0;
    cut->last = pc_frame_decode(decoder, shown, size, &frame, &consumed);
    if (cut->last == PC_OK) {
      assert_in_range(consumed, 1, size);
      cut_add(cut, frame);
      *begin += consumed;
    }
    free(shown);
    if (cut->last != PC_OK) {
      return;
    }
  }
}

/* Shows the stream growing by `chunk` bytes, beginning with `first` bytes. */
static cut_log cut_stream(pc_framing framing, const byte_stream *stream, size_t first,
                          size_t chunk) {
  pc_frame_decoder decoder;
  pc_frame_decoder_init(&decoder, framing, LIMIT);
  cut_log result = {.last = PC_AGAIN};
  size_t begin = 0;
  size_t end = first;
  for (;;) {
    cut_some(&decoder, stream, &begin, end, &result);
    if (result.last != PC_AGAIN || end == stream->size) {
      return result;
    }
    end = stream->size - end < chunk ? stream->size : end + chunk;
  }
}

static void assert_cut_equal(const cut_log *left, const cut_log *right) {
  assert_int_equal(left->last, right->last);
  assert_int_equal(left->count, right->count);
  assert_memory_equal(left->sizes, right->sizes, left->count * sizeof left->sizes[0]);
  assert_int_equal(left->size, right->size);
  assert_memory_equal(left->bytes, right->bytes, left->size);
}

/* Every split in two, every chunk size, and every chunk size after every first piece. */
static void assert_splits_do_not_matter(pc_framing framing, const byte_stream *stream,
                                        const cut_log *expected) {
  for (size_t first = 0; first <= stream->size; first++) {
    for (size_t chunk = 1; chunk <= stream->size; chunk++) {
      cut_log result = cut_stream(framing, stream, first, chunk);
      assert_cut_equal(&result, expected);
    }
  }
}

static byte_stream varied_stream(pc_framing framing) {
  byte_stream stream = {.size = 0};
  stream_add_message(&stream, framing, "", 0);
  stream_add_message(&stream, framing, "a", 1);
  stream_add_message(&stream, framing, "1234567", LIMIT);
  stream_add_message(&stream, framing, "", 0);
  stream_add_message(&stream, framing, "", 0);
  stream_add_message(&stream, framing, "bcdefg", LIMIT - 1);
  stream_add_message(&stream, framing, "\r", 1);
  stream_add_message(&stream, framing, "\xff\xfe", 2);
  return stream;
}

static const cut_log varied_cut = {
    .bytes = "a1234567bcdefg\r\xff\xfe",
    .size = 17,
    .sizes = {0, 1, LIMIT, 0, 0, LIMIT - 1, 1, 2},
    .count = 8,
    .last = PC_AGAIN,
};

static void framing_stream_split_anywhere_gives_the_same_messages(void **state) {
  (void)state;
  for (size_t index = 0; index < CUTTING_COUNT; index++) {
    byte_stream stream = varied_stream(cutting[index]);
    assert_splits_do_not_matter(cutting[index], &stream, &varied_cut);
  }
}

static void framing_message_over_limit_anywhere_in_a_split_stream_is_too_big(void **state) {
  (void)state;
  for (size_t index = 0; index < CUTTING_COUNT; index++) {
    byte_stream stream = varied_stream(cutting[index]);
    stream_add_message(&stream, cutting[index], "12345678", LIMIT + 1);
    stream_add_message(&stream, cutting[index], "z", 1);
    cut_log expected = varied_cut;
    expected.last = PC_E_TOO_BIG;
    assert_splits_do_not_matter(cutting[index], &stream, &expected);
  }
}

static void framing_unfinished_message_is_again_until_it_ends(void **state) {
  (void)state;
  for (size_t index = 0; index < CUTTING_COUNT; index++) {
    byte_stream whole = {.size = 0};
    stream_add_message(&whole, cutting[index], "abc", 3);
    for (size_t size = 0; size < whole.size; size++) {
      byte_stream part = whole;
      part.size = size;
      cut_log result = cut_stream(cutting[index], &part, size, 1);
      assert_int_equal(result.last, PC_AGAIN);
      assert_int_equal(result.count, 0);
    }
  }
}

static void framing_again_and_too_big_leave_the_outputs_untouched(void **state) {
  (void)state;
  static const uint8_t bytes[] = "12345678";
  pc_frame frame = {.data = bytes, .size_bytes = 77};
  size_t consumed = 88;
  pc_frame_decoder decoder;
  pc_frame_decoder_init(&decoder, PC_FRAMING_LINE, LIMIT);
  assert_int_equal(pc_frame_decode(&decoder, bytes, LIMIT, &frame, &consumed), PC_AGAIN);
  assert_int_equal(pc_frame_decode(&decoder, bytes, 8, &frame, &consumed), PC_E_TOO_BIG);
  assert_ptr_equal(frame.data, bytes);
  assert_int_equal(frame.size_bytes, 77);
  assert_int_equal(consumed, 88);
}

static void framing_too_big_stays_too_big(void **state) {
  (void)state;
  static const uint8_t bytes[] = "12345678\nab\n";
  pc_frame frame;
  size_t consumed;
  pc_frame_decoder decoder;
  pc_frame_decoder_init(&decoder, PC_FRAMING_LINE, LIMIT);
  assert_int_equal(pc_frame_decode(&decoder, bytes, 8, &frame, &consumed), PC_E_TOO_BIG);
  assert_int_equal(pc_frame_decode(&decoder, bytes, sizeof bytes - 1, &frame, &consumed),
                   PC_E_TOO_BIG);
}

static void framing_delimiter_is_not_searched_twice(void **state) {
  (void)state;
  uint8_t bytes[] = "abcdef";
  pc_frame frame;
  size_t consumed;
  pc_frame_decoder decoder;
  pc_frame_decoder_init(&decoder, PC_FRAMING_LINE, LIMIT);
  assert_int_equal(pc_frame_decode(&decoder, bytes, 5, &frame, &consumed), PC_AGAIN);
  assert_int_equal(decoder.scanned_bytes, 5);
  /* A delimiter put where the decoder has looked already stays unseen. */
  bytes[2] = '\n';
  bytes[5] = '\n';
  assert_int_equal(pc_frame_decode(&decoder, bytes, 6, &frame, &consumed), PC_OK);
  assert_int_equal(frame.size_bytes, 5);
  assert_int_equal(decoder.scanned_bytes, 0);
}

static void framing_carriage_return_stays_part_of_the_line(void **state) {
  (void)state;
  pc_frame frame;
  size_t consumed;
  pc_frame_decoder decoder;
  pc_frame_decoder_init(&decoder, PC_FRAMING_LINE, LIMIT);
  assert_int_equal(pc_frame_decode(&decoder, (const uint8_t *)"a\r\nb", 4, &frame, &consumed),
                   PC_OK);
  assert_int_equal(frame.size_bytes, 2);
  assert_int_equal(consumed, 3);
}

static void framing_none_makes_a_message_of_each_read_up_to_the_limit(void **state) {
  (void)state;
  static const uint8_t bytes[] = "a\nb\0cdefgh";
  pc_frame frame;
  size_t consumed;
  pc_frame_decoder decoder;
  pc_frame_decoder_init(&decoder, PC_FRAMING_NONE, LIMIT);
  assert_int_equal(pc_frame_decode(&decoder, bytes, 0, &frame, &consumed), PC_AGAIN);
  assert_int_equal(pc_frame_decode(&decoder, bytes, 5, &frame, &consumed), PC_OK);
  assert_ptr_equal(frame.data, bytes);
  assert_int_equal(frame.size_bytes, 5);
  assert_int_equal(consumed, 5);
  assert_int_equal(pc_frame_decode(&decoder, bytes, 10, &frame, &consumed), PC_OK);
  assert_int_equal(frame.size_bytes, LIMIT);
  assert_int_equal(consumed, LIMIT);
}

static void framing_none_with_limit_zero_is_too_big(void **state) {
  (void)state;
  pc_frame frame;
  size_t consumed;
  pc_frame_decoder decoder;
  pc_frame_decoder_init(&decoder, PC_FRAMING_NONE, 0);
  assert_int_equal(pc_frame_decode(&decoder, (const uint8_t *)"a", 1, &frame, &consumed),
                   PC_E_TOO_BIG);
}

static void framing_length_prefix_is_refused_before_its_payload_arrives(void **state) {
  (void)state;
  static const uint8_t big[] = {0x00, 0x00, 0x00, LIMIT + 1};
  static const uint8_t little[] = {LIMIT + 1, 0x00, 0x00, 0x00};
  static const uint8_t huge[] = {0xff, 0xff, 0xff, 0xff};
  pc_frame frame;
  size_t consumed;
  pc_frame_decoder decoder;
  pc_frame_decoder_init(&decoder, PC_FRAMING_LENGTH32_BE, LIMIT);
  assert_int_equal(pc_frame_decode(&decoder, big, 4, &frame, &consumed), PC_E_TOO_BIG);
  assert_int_equal(pc_frame_decode(&decoder, huge, 4, &frame, &consumed), PC_E_TOO_BIG);
  pc_frame_decoder_init(&decoder, PC_FRAMING_LENGTH32_LE, LIMIT);
  assert_int_equal(pc_frame_decode(&decoder, little, 4, &frame, &consumed), PC_E_TOO_BIG);
  /* Read the other way round it is a length that nobody allows. */
  assert_int_equal(pc_frame_decode(&decoder, big, 4, &frame, &consumed), PC_E_TOO_BIG);
}

static void framing_largest_limit_does_not_overflow(void **state) {
  (void)state;
  static const uint8_t huge[] = {0xff, 0xff, 0xff, 0xff, 'a', '\n'};
  pc_frame frame;
  size_t consumed;
  pc_frame_decoder decoder;
  pc_frame_decoder_init(&decoder, PC_FRAMING_LENGTH32_BE, UINT32_MAX);
  assert_int_equal(pc_frame_decode(&decoder, huge, sizeof huge, &frame, &consumed), PC_AGAIN);
  pc_frame_decoder_init(&decoder, PC_FRAMING_LINE, UINT32_MAX);
  assert_int_equal(pc_frame_decode(&decoder, huge, sizeof huge, &frame, &consumed), PC_OK);
  assert_int_equal(frame.size_bytes, 5);
}

static void framing_decode_of_encode_is_identity_for_every_byte(void **state) {
  (void)state;
  for (size_t index = 0; index < CUTTING_COUNT; index++) {
    bool is_line = cutting[index] == PC_FRAMING_LINE;
    bool is_nul = cutting[index] == PC_FRAMING_NUL;
    for (unsigned value = 0; value < 256; value++) {
      if ((is_line && value == '\n') || (is_nul && value == 0)) {
        continue;
      }
      char text[LIMIT];
      memset(text, (int)value, sizeof text);
      byte_stream stream = {.size = 0};
      stream_add_message(&stream, cutting[index], text, sizeof text);
      cut_log result = cut_stream(cutting[index], &stream, stream.size, 1);
      assert_int_equal(result.count, 1);
      assert_int_equal(result.sizes[0], sizeof text);
      assert_memory_equal(result.bytes, text, sizeof text);
    }
  }
}

static void framing_encode_adds_no_second_delimiter(void **state) {
  (void)state;
  pc_frame_dress dress;
  pc_frame_encode(PC_FRAMING_LINE, (const uint8_t *)"a\n", 2, &dress);
  assert_int_equal(dress.suffix_bytes, 0);
  pc_frame_encode(PC_FRAMING_NUL, (const uint8_t *)"a", 2, &dress);
  assert_int_equal(dress.suffix_bytes, 0);
  pc_frame_encode(PC_FRAMING_LINE, (const uint8_t *)"a", 2, &dress);
  assert_int_equal(dress.suffix_bytes, 1);
  assert_int_equal(dress.suffix[0], '\n');
  pc_frame_encode(PC_FRAMING_NUL, NULL, 0, &dress);
  assert_int_equal(dress.suffix_bytes, 1);
  assert_int_equal(dress.suffix[0], 0);
}

static void framing_encode_writes_the_length_in_its_byte_order(void **state) {
  (void)state;
  static const uint8_t big[] = {0x01, 0x02, 0x03, 0x04};
  static const uint8_t little[] = {0x04, 0x03, 0x02, 0x01};
  pc_frame_dress dress;
  pc_frame_encode(PC_FRAMING_LENGTH32_BE, NULL, 0x01020304, &dress);
  assert_int_equal(dress.prefix_bytes, 4);
  assert_int_equal(dress.suffix_bytes, 0);
  assert_memory_equal(dress.prefix, big, 4);
  pc_frame_encode(PC_FRAMING_LENGTH32_LE, NULL, 0x01020304, &dress);
  assert_memory_equal(dress.prefix, little, 4);
  pc_frame_encode(PC_FRAMING_NONE, NULL, 9, &dress);
  assert_int_equal(dress.prefix_bytes, 0);
  assert_int_equal(dress.suffix_bytes, 0);
}

static void framing_names_go_both_ways(void **state) {
  (void)state;
  static const char *const names[] = {"none",       "line",       "nul",
                                      "length32be", "length32le", "length16be",
                                      "length16le", "varint",     "headers"};
  for (size_t index = 0; index < sizeof names / sizeof names[0]; index++) {
    pc_framing framing;
    assert_true(pc_framing_from_name(names[index], &framing));
    assert_int_equal(framing, (int)index);
    assert_string_equal(pc_framing_name(framing), names[index]);
  }
}

static void framing_unknown_name_is_refused(void **state) {
  (void)state;
  assert_string_equal(pc_framing_name((pc_framing)99), "unknown");
  pc_framing framing = PC_FRAMING_NUL;
  assert_false(pc_framing_from_name("", &framing));
  assert_false(pc_framing_from_name("lines", &framing));
  assert_false(pc_framing_from_name("LINE", &framing));
  assert_int_equal(framing, PC_FRAMING_NUL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(framing_stream_split_anywhere_gives_the_same_messages),
      cmocka_unit_test(framing_message_over_limit_anywhere_in_a_split_stream_is_too_big),
      cmocka_unit_test(framing_unfinished_message_is_again_until_it_ends),
      cmocka_unit_test(framing_again_and_too_big_leave_the_outputs_untouched),
      cmocka_unit_test(framing_too_big_stays_too_big),
      cmocka_unit_test(framing_delimiter_is_not_searched_twice),
      cmocka_unit_test(framing_carriage_return_stays_part_of_the_line),
      cmocka_unit_test(framing_none_makes_a_message_of_each_read_up_to_the_limit),
      cmocka_unit_test(framing_none_with_limit_zero_is_too_big),
      cmocka_unit_test(framing_length_prefix_is_refused_before_its_payload_arrives),
      cmocka_unit_test(framing_largest_limit_does_not_overflow),
      cmocka_unit_test(framing_decode_of_encode_is_identity_for_every_byte),
      cmocka_unit_test(framing_encode_adds_no_second_delimiter),
      cmocka_unit_test(framing_encode_writes_the_length_in_its_byte_order),
      cmocka_unit_test(framing_names_go_both_ways),
      cmocka_unit_test(framing_unknown_name_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
