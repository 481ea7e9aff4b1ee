/* Framings with a length or headers before each message: every way to say a length, and every way
 * to say it wrong, wherever the stream is split. */
#include "test.h"

#include <stdlib.h>
#include <string.h>

#include "pipecore/framing.h"

enum { LIMIT = 1000 };

typedef struct prefix_case {
  const char *bytes;
  size_t size;
  pc_status status;
  size_t prefix_bytes; /* PC_OK and PC_AGAIN */
  uint32_t size_bytes; /* PC_OK              */
} prefix_case;
#define BYTES(text) text, sizeof(text) - 1

/* Shows what grows byte by byte from `first` bytes on, each time in memory of exactly that size. */
static pc_status decode_growing(pc_frame_decoder *decoder, const prefix_case *example, size_t first,
                                uint32_t *out_size, size_t *out_prefix) {
  pc_status status = PC_AGAIN;
  for (size_t size = first; size <= example->size && status == PC_AGAIN; size++) {
    uint8_t *shown = malloc(size + (size == 0));
    assert_non_null(shown);
    memcpy(shown, example->bytes, size);
    pc_frame frame = {0};
    size_t consumed = 0;
    status = pc_frame_decode(decoder, shown, size, &frame, &consumed);
    if (status == PC_OK) {
      assert_int_equal(consumed, size);
      *out_size = frame.size_bytes;
      *out_prefix = (size_t)(frame.data - shown);
    } else {
      *out_prefix = pc_frame_begun_prefix_bytes(decoder, size);
    }
    free(shown);
  }
  return status;
}

static void cases_hold(pc_framing framing, const prefix_case *cases, size_t count) {
  for (size_t index = 0; index < count; index++) {
    const prefix_case *example = &cases[index];
    for (size_t first = 0; first <= example->size; first++) {
      pc_frame_decoder decoder;
      pc_frame_decoder_init(&decoder, framing, LIMIT);
      uint32_t size = 0;
      size_t prefix = 0;
      pc_status status = decode_growing(&decoder, example, first, &size, &prefix);
      if (status != example->status || size != example->size_bytes ||
          (status >= 0 && prefix != example->prefix_bytes)) {
        fail_msg("case %zu, %zu bytes first: %s, prefix %zu, size %u", index, first,
                 pc_status_name(status), prefix, size);
      }
    }
  }
}

static const prefix_case varint_cases[] = {
    {BYTES("\x00"), PC_OK, 1, 0},
    {BYTES("\x03"
           "abc"),
     PC_OK, 1, 3},
    {BYTES("\x80\x00"), PC_OK, 2, 0}, /* longer than it need be */
    {BYTES("\x81\x80\x80\x80\x00x"), PC_OK, 5, 1},
    {BYTES("\x80"), PC_AGAIN, 1, 0},
    {BYTES("\x80\x80\x80\x80"), PC_AGAIN, 4, 0},
    {BYTES("\x80\x01"
           "abc"),
     PC_AGAIN, 2, 0},
    {BYTES("\xe8\x07"), PC_AGAIN, 2, 0}, /* 1000 */
    {BYTES("\xe9\x07"), PC_E_TOO_BIG, 0, 0},
    {BYTES("\xff\xff\xff\xff\x0f"), PC_E_TOO_BIG, 0, 0},
    {BYTES("\x80\x80\x80\x80\x10"), PC_E_MALFORMED, 0, 0}, /* 33 bits */
    {BYTES("\x80\x80\x80\x80\x80"), PC_E_MALFORMED, 0, 0}, /* a sixth byte */
    {BYTES("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), PC_E_MALFORMED, 0, 0},
};

static void varint_every_form_is_read_or_refused(void **state) {
  (void)state;
  cases_hold(PC_FRAMING_VARINT, varint_cases, sizeof varint_cases / sizeof varint_cases[0]);
}

static const prefix_case headers_good[] = {
    {BYTES("Content-Length: 2\r\n\r\nab"), PC_OK, 21, 2},
    {BYTES("content-length:0\r\n\r\n"), PC_OK, 20, 0},
    {BYTES("CONTENT-LENGTH: \t 3 \t\r\n\r\nabc"), PC_OK, 25, 3},
    {BYTES("Content-Length: 0000000000000003\r\n\r\nabc"), PC_OK, 36, 3},
    {BYTES(
         "Content-Type: application/vscode-jsonrpc; charset=utf-8\r\nContent-Length: 2\r\n\r\nab"),
     PC_OK, 78, 2},
    {BYTES("Content-Length: 2\r\nX-Empty:\r\nContent-Lengthy: 9\r\n\r\n\r\n"), PC_OK, 51, 2},
    {BYTES("Content-Length: 1000\r\n\r\n"), PC_AGAIN, 24, 0},
    {BYTES("Content-Length: 2\r\n\r"), PC_AGAIN, 20, 0},
    {BYTES("Content-Len"), PC_AGAIN, 11, 0},
    {BYTES("Content-Length: 3\r\n\r\nab"), PC_AGAIN, 21, 0},
    {BYTES("Content-Length: 1001\r\n\r\n"), PC_E_TOO_BIG, 0, 0},
    {BYTES("Content-Length: 4294967296\r\n\r\n"), PC_E_TOO_BIG, 0, 0},
    {BYTES("Content-Length: 999999999999999999\r\n\r\n"), PC_E_TOO_BIG, 0, 0},
};

static const prefix_case headers_bad[] = {
    {BYTES("\r\n"), PC_E_MALFORMED, 0, 0},
    {BYTES("\n"), PC_E_MALFORMED, 0, 0},
    {BYTES("{\"jsonrpc\":\"2.0\"}\n"), PC_E_MALFORMED, 0, 0},
    {BYTES("{\"jsonrpc\":\"2.0\"}\r\n"), PC_E_MALFORMED, 0, 0},
    {BYTES("Content-Type: text\r\n\r\n"), PC_E_MALFORMED, 0, 0},
    {BYTES("Content-Length: 2\n\nab"), PC_E_MALFORMED, 0, 0},
    {BYTES("Content-Length: 2\r\n\nab"), PC_E_MALFORMED, 0, 0},
    {BYTES("Content-Length: 2\r\r\n\r\nab"), PC_E_MALFORMED, 0, 0},
    {BYTES("Content-Length: 2\rX: y\r\n\r\nab"), PC_E_MALFORMED, 0, 0},
    {BYTES("Content-Length: 2\r\nContent-Length: 2\r\n\r\nab"), PC_E_MALFORMED, 0, 0},
    {BYTES("Content-Length: 2\r\ncontent-length: 3\r\n\r\nab"), PC_E_MALFORMED, 0, 0},
    {BYTES("Content-Length\r\n"), PC_E_MALFORMED, 0, 0},
    {BYTES("Content-Length : 2\r\n"), PC_E_MALFORMED, 0, 0},
    {BYTES(" Content-Length: 2\r\n"), PC_E_MALFORMED, 0, 0},
    {BYTES(": 2\r\n"), PC_E_MALFORMED, 0, 0},
    {BYTES("Content-Length:\r\n"), PC_E_MALFORMED, 0, 0},
    {BYTES("Content-Length: \r\n"), PC_E_MALFORMED, 0, 0},
    {BYTES("Content-Length: -2\r\n"), PC_E_MALFORMED, 0, 0},
    {BYTES("Content-Length: +2\r\n"), PC_E_MALFORMED, 0, 0},
    {BYTES("Content-Length: 0x2\r\n"), PC_E_MALFORMED, 0, 0},
    {BYTES("Content-Length: 2.0\r\n"), PC_E_MALFORMED, 0, 0},
    {BYTES("Content-Length: 2 3\r\n"), PC_E_MALFORMED, 0, 0},
    {BYTES("Content-Length: 2,2\r\n"), PC_E_MALFORMED, 0, 0},
    {BYTES("Content-Length: 2\0\r\n"), PC_E_MALFORMED, 0, 0},
    {BYTES("Content-Length: 9999999999999999999\r\n"), PC_E_MALFORMED, 0, 0},
    {BYTES("Cont\0ent: 2\r\n"), PC_E_MALFORMED, 0, 0},
    {BYTES("Kopf-L\xc3\xa4nge: 2\r\n"), PC_E_MALFORMED, 0, 0},
};

static void headers_every_form_is_read(void **state) {
  (void)state;
  cases_hold(PC_FRAMING_HEADERS, headers_good, sizeof headers_good / sizeof headers_good[0]);
}

static void headers_malformed_are_refused_at_the_end_of_the_line(void **state) {
  (void)state;
  cases_hold(PC_FRAMING_HEADERS, headers_bad, sizeof headers_bad / sizeof headers_bad[0]);
}

/* A block of `size` bytes with its empty line, all in one long header and a length of 0. */
static pc_status headers_block_decode(size_t size, size_t step) {
  static const char length[] = "Content-Length: 0\r\n";
  char block[PC_FRAME_HEADERS_MAX_BYTES + 100];
  memset(block, 'x', sizeof block);
  memcpy(block, length, sizeof length - 1);
  memcpy(block + sizeof length - 1, "X: ", 3);
  memcpy(block + size - 4, "\r\n\r\n", 4);
  pc_frame_decoder decoder;
  pc_frame_decoder_init(&decoder, PC_FRAMING_HEADERS, LIMIT);
  pc_status status = PC_AGAIN;
  for (size_t shown = step; status == PC_AGAIN; shown = shown + step < size ? shown + step : size) {
    pc_frame frame;
    size_t consumed;
    status = pc_frame_decode(&decoder, (const uint8_t *)block, shown, &frame, &consumed);
    assert_true(status != PC_AGAIN || shown < size);
  }
  return status;
}

static void headers_block_is_bounded(void **state) {
  (void)state;
  static const size_t steps[] = {1, 2, 1000, PC_FRAME_HEADERS_MAX_BYTES};
  for (size_t index = 0; index < sizeof steps / sizeof steps[0]; index++) {
    assert_int_equal(headers_block_decode(PC_FRAME_HEADERS_MAX_BYTES, steps[index]), PC_OK);
    assert_int_equal(headers_block_decode(PC_FRAME_HEADERS_MAX_BYTES + 1, steps[index]),
                     PC_E_MALFORMED);
  }
  assert_int_equal(headers_block_decode(PC_FRAME_HEADERS_MAX_BYTES + 50, 4), PC_E_MALFORMED);
}

static void headers_are_not_read_twice(void **state) {
  (void)state;
  char bytes[] = "Content-Length: 4\r\nX: y\r\n\r\nabcd";
  pc_frame_decoder decoder;
  pc_frame_decoder_init(&decoder, PC_FRAMING_HEADERS, LIMIT);
  pc_frame frame;
  size_t consumed;
  const uint8_t *data = (const uint8_t *)bytes;
  assert_int_equal(pc_frame_decode(&decoder, data, 21, &frame, &consumed), PC_AGAIN);
  memset(bytes, '?', 19); /* the line that was read already */
  assert_int_equal(pc_frame_decode(&decoder, data, 28, &frame, &consumed), PC_AGAIN);
  memset(bytes, '?', 27); /* the whole block */
  assert_int_equal(pc_frame_decode(&decoder, data, sizeof bytes - 1, &frame, &consumed), PC_OK);
  assert_int_equal(frame.size_bytes, 4);
  assert_memory_equal(frame.data, "abcd", 4);
}

static void encode_is(pc_framing framing, uint32_t size, const void *prefix, size_t prefix_bytes) {
  pc_frame_dress dress;
  pc_frame_encode(framing, NULL, size, &dress);
  assert_int_equal(dress.prefix_bytes, prefix_bytes);
  assert_memory_equal(dress.prefix, prefix, prefix_bytes);
  assert_int_equal(dress.suffix_bytes, 0);
}

static void encode_writes_the_shortest_prefix(void **state) {
  (void)state;
  encode_is(PC_FRAMING_LENGTH16_BE, 0x0102, BYTES("\x01\x02"));
  encode_is(PC_FRAMING_LENGTH16_LE, 0x0102, BYTES("\x02\x01"));
  encode_is(PC_FRAMING_LENGTH16_BE, 0xffff, BYTES("\xff\xff"));
  encode_is(PC_FRAMING_VARINT, 0, BYTES("\x00"));
  encode_is(PC_FRAMING_VARINT, 127, BYTES("\x7f"));
  encode_is(PC_FRAMING_VARINT, 128, BYTES("\x80\x01"));
  encode_is(PC_FRAMING_VARINT, 300, BYTES("\xac\x02"));
  encode_is(PC_FRAMING_VARINT, UINT32_MAX, BYTES("\xff\xff\xff\xff\x0f"));
  encode_is(PC_FRAMING_HEADERS, 0, BYTES("Content-Length: 0\r\n\r\n"));
  encode_is(PC_FRAMING_HEADERS, 1024, BYTES("Content-Length: 1024\r\n\r\n"));
  encode_is(PC_FRAMING_HEADERS, UINT32_MAX, BYTES("Content-Length: 4294967295\r\n\r\n"));
}

static void length16_carries_65535_bytes_and_no_more(void **state) {
  (void)state;
  static uint8_t bytes[2 + UINT16_MAX] = {0xff, 0xff};
  assert_int_equal(pc_framing_max_message_bytes(PC_FRAMING_LENGTH16_BE), UINT16_MAX);
  assert_int_equal(pc_framing_max_message_bytes(PC_FRAMING_LENGTH16_LE), UINT16_MAX);
  assert_int_equal(pc_framing_max_message_bytes(PC_FRAMING_LINE), UINT32_MAX);
  pc_frame_decoder decoder;
  pc_frame_decoder_init(&decoder, PC_FRAMING_LENGTH16_LE, UINT32_MAX);
  pc_frame frame;
  size_t consumed;
  assert_int_equal(pc_frame_decode(&decoder, bytes, sizeof bytes - 1, &frame, &consumed), PC_AGAIN);
  assert_int_equal(pc_frame_decode(&decoder, bytes, sizeof bytes, &frame, &consumed), PC_OK);
  assert_int_equal(frame.size_bytes, UINT16_MAX);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(varint_every_form_is_read_or_refused),
      cmocka_unit_test(headers_every_form_is_read),
      cmocka_unit_test(headers_malformed_are_refused_at_the_end_of_the_line),
      cmocka_unit_test(headers_block_is_bounded),
      cmocka_unit_test(headers_are_not_read_twice),
      cmocka_unit_test(encode_writes_the_shortest_prefix),
      cmocka_unit_test(length16_carries_65535_bytes_and_no_more),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
