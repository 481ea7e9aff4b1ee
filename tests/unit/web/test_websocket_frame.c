/* What the server writes: frame headers, close payloads, the handshake's answer. */
#include "test.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "web/text.h"
#include "web/websocket_codec.h"

static void assert_header(web_ws_opcode opcode, size_t payload, const char *expected, size_t size) {
  uint8_t header[WEB_WS_HEADER_MAX];
  memset(header, 0xee, sizeof header);
  assert_int_equal(web_ws_write_header(header, opcode, payload), size);
  assert_memory_equal(header, expected, size);
  for (size_t index = size; index < sizeof header; index++) {
    assert_int_equal(header[index], 0xee);
  }
}

static void frame_header_has_the_shortest_length(void **state) {
  (void)state;
  assert_header(WEB_WS_TEXT, 0, "\x81\x00", 2);
  assert_header(WEB_WS_TEXT, 5, "\x81\x05", 2);
  assert_header(WEB_WS_BINARY, 125, "\x82\x7d", 2);
  assert_header(WEB_WS_BINARY, 126, "\x82\x7e\x00\x7e", 4);
  assert_header(WEB_WS_TEXT, 127, "\x81\x7e\x00\x7f", 4);
  assert_header(WEB_WS_TEXT, 256, "\x81\x7e\x01\x00", 4);
  assert_header(WEB_WS_TEXT, 65535, "\x81\x7e\xff\xff", 4);
  assert_header(WEB_WS_BINARY, 65536, "\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00", 10);
  assert_header(WEB_WS_BINARY, 0x12345678, "\x82\x7f\x00\x00\x00\x00\x12\x34\x56\x78", 10);
  assert_header(WEB_WS_PING, 0, "\x89\x00", 2);
  assert_header(WEB_WS_PONG, 3, "\x8a\x03", 2);
  assert_header(WEB_WS_CLOSE, 2, "\x88\x02", 2);
}

static void close_payload_is_code_and_reason(void **state) {
  (void)state;
  uint8_t payload[125];
  assert_int_equal(web_ws_write_close(payload, 1001, "bye"), 5);
  assert_memory_equal(payload,
                      "\x03\xe9"
                      "bye",
                      5);
  assert_int_equal(web_ws_write_close(payload, 4999, NULL), 2);
  assert_memory_equal(payload, "\x13\x87", 2);
  assert_int_equal(web_ws_write_close(payload, 1000, ""), 2);
}

static void close_payload_without_status_is_empty(void **state) {
  (void)state;
  uint8_t payload[125];
  assert_int_equal(web_ws_write_close(payload, WEB_WS_NO_STATUS, "ignored"), 0);
}

static void close_payload_holds_123_bytes_of_reason_and_is_cut_behind_them(void **state) {
  (void)state;
  for (size_t length = 0; length < 200; length++) {
    char reason[201];
    memset(reason, 'r', length);
    reason[length] = '\0';
    uint8_t payload[125];
    size_t size = web_ws_write_close(payload, 1000, reason);
    assert_int_equal(size, length < 123 ? length + 2 : 125);
    assert_memory_equal(payload + 2, reason, size - 2);
  }
}

static void close_payload_is_cut_between_characters(void **state) {
  (void)state;
  static const char *const characters[] = {"\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80"};
  for (size_t index = 0; index < 3; index++) {
    size_t width = strlen(characters[index]);
    for (size_t lead = 0; lead < 8; lead++) {
      char reason[256] = {0};
      memset(reason, 'x', lead);
      for (size_t at = lead; at + width < 200; at += width) {
        memcpy(reason + at, characters[index], width);
      }
      uint8_t payload[125];
      size_t size = web_ws_write_close(payload, 1000, reason);
      assert_true(web_utf8_is_valid(payload + 2, size - 2));
      assert_int_equal(size - 2, 123 - (123 - lead) % width);
    }
  }
}

static void close_payload_leaves_out_a_reason_that_is_no_text(void **state) {
  (void)state;
  uint8_t payload[125];
  assert_int_equal(web_ws_write_close(payload, 1000, "bad \xff"), 2);
}

static void accept_key_of_the_rfcs_example(void **state) {
  (void)state;
  char accept[29];
  assert_true(web_ws_accept_key("dGhlIHNhbXBsZSBub25jZQ==", accept));
  assert_string_equal(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  assert_true(web_ws_accept_key("x3JJHMbDL1EzLkh9GBhXDw==", accept));
  assert_string_equal(accept, "HSmrc0sMlYUkAGmm5OPpG2HaGWk=");
}

static void accept_key_must_be_16_bytes_in_base64(void **state) {
  (void)state;
  static const char *const keys[] = {"",
                                     "dGhlIHNhbXBsZSBub25jZQ",
                                     "dGhlIHNhbXBsZSBub25jZQ=",
                                     "dGhlIHNhbXBsZSBub25jZQ===",
                                     "dGhlIHNhbXBsZSBub25jZWE=",
                                     "dGhlIHNhbXBsZSBub25jZWFi",
                                     "dGhlIHNhbXBsZSBub24*ZQ==",
                                     " GhlIHNhbXBsZSBub25jZQ==",
                                     "dGhlIHNhbXBs\xc3\xa9SBub25jZQ",
                                     "SGVsbG8sIHdvcmxkIQ==",
                                     "========================",
                                     "dGhlIHNhbXBsZSBub25jZQ==dGhlIHNhbXBsZSBub25jZQ=="};
  for (size_t index = 0; index < sizeof keys / sizeof keys[0]; index++) {
    char accept[29] = "untouched";
    assert_false(web_ws_accept_key(keys[index], accept));
    assert_string_equal(accept, "untouched");
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(frame_header_has_the_shortest_length),
      cmocka_unit_test(close_payload_is_code_and_reason),
      cmocka_unit_test(close_payload_without_status_is_empty),
      cmocka_unit_test(close_payload_holds_123_bytes_of_reason_and_is_cut_behind_them),
      cmocka_unit_test(close_payload_is_cut_between_characters),
      cmocka_unit_test(close_payload_leaves_out_a_reason_that_is_no_text),
      cmocka_unit_test(accept_key_of_the_rfcs_example),
      cmocka_unit_test(accept_key_must_be_16_bytes_in_base64),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
