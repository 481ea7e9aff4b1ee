/* Text: UTF-8 is judged alike whole and in pieces; a JSON string decodes to what went in and has
 * nothing in it that JSON forbids; base64 decodes to what went in, and reads back; what claims to
 * be base64 or hexadecimal is read within bounds; percent-decoding never grows. Each output is
 * written into memory of exactly its bound. Input: the size of the pieces, then the bytes. */
#include <stdbool.h>
#include <string.h>

#include "fuzz.h"
#include "web/text.h"

static uint8_t *must_allocate(size_t size) {
  uint8_t *memory = malloc(size + (size == 0));
  FUZZ_CHECK(memory);
  return memory;
}

static void check_utf8(const uint8_t *data, size_t size, size_t piece) {
  web_utf8 utf8 = {0};
  bool is_good = true;
  for (size_t at = 0; at < size; at += piece) {
    size_t part = piece < size - at ? piece : size - at;
    bool now = web_utf8_feed(&utf8, data + at, part);
    FUZZ_CHECK(is_good || !now);
    is_good = now;
  }
  FUZZ_CHECK((is_good && web_utf8_is_complete(&utf8)) == web_utf8_is_valid(data, size));
}

static uint8_t hex_value(uint8_t digit) {
  FUZZ_CHECK((digit >= '0' && digit <= '9') || (digit >= 'a' && digit <= 'f'));
  return (uint8_t)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
}

/* One character or escape; moves `text` behind it. */
static uint8_t unescape(const uint8_t **text) {
  static const char letters[] = "b\bt\tn\nf\fr\r\"\"\\\\";
  uint8_t first = *(*text)++;
  FUZZ_CHECK(first >= 0x20 && first != '"');
  if (first != '\\') {
    return first;
  }
  uint8_t letter = *(*text)++;
  if (letter == 'u') {
    FUZZ_CHECK((*text)[0] == '0' && (*text)[1] == '0');
    uint8_t value = (uint8_t)(hex_value((*text)[2]) << 4 | hex_value((*text)[3]));
    *text += 4;
    FUZZ_CHECK(value < 0x20);
    return value;
  }
  const char *found = letters;
  while (found[0] != (char)letter) {
    FUZZ_CHECK(found[0] != '\0');
    found += 2;
  }
  return (uint8_t)found[1];
}

static void check_json(const uint8_t *data, size_t size) {
  uint8_t *out = must_allocate(WEB_JSON_STRING_BOUND(size));
  const uint8_t *end = web_json_write_string(out, data, size);
  FUZZ_CHECK((size_t)(end - out) <= WEB_JSON_STRING_BOUND(size));
  FUZZ_CHECK(out[0] == '"' && end[-1] == '"');
  const uint8_t *text = out + 1;
  for (size_t index = 0; index < size; index++) {
    FUZZ_CHECK(text < end - 1);
    FUZZ_CHECK(unescape(&text) == data[index]);
  }
  FUZZ_CHECK(text == end - 1);
  free(out);
}

static uint32_t base64_value(uint8_t character) {
  static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const char *found = character == '\0' ? NULL : strchr(alphabet, character);
  FUZZ_CHECK(found);
  return (uint32_t)(found - alphabet);
}

static void check_base64(const uint8_t *data, size_t size) {
  uint8_t *out = must_allocate(WEB_BASE64_BOUND(size));
  FUZZ_CHECK(web_base64_write(out, data, size) == out + WEB_BASE64_BOUND(size));
  for (size_t index = 0; index < size; index++) {
    size_t bit = index * 8;
    uint32_t pair = base64_value(out[bit / 6]) << 6 | base64_value(out[bit / 6 + 1]);
    FUZZ_CHECK((uint8_t)(pair >> (4 - bit % 6)) == data[index]);
  }
  free(out);
}

/* What was written reads back; what is anything reads without leaving its bounds, and what it reads
 * to is written as the same text again. */
static void check_base64_reader(const uint8_t *data, size_t size) {
  uint8_t *text = must_allocate(WEB_BASE64_BOUND(size));
  uint8_t *out = must_allocate(WEB_BASE64_READ_BOUND(WEB_BASE64_BOUND(size)));
  size_t read = 0;
  web_base64_write(text, data, size);
  FUZZ_CHECK(web_base64_read((const char *)text, WEB_BASE64_BOUND(size), out, &read));
  FUZZ_CHECK(read == size && memcmp(out, data, size) == 0);
  if (web_base64_read((const char *)data, size, out, &read)) {
    FUZZ_CHECK(WEB_BASE64_BOUND(read) == size);
    web_base64_write(text, out, read);
    FUZZ_CHECK(memcmp(text, data, size) == 0);
  } else {
    FUZZ_CHECK(read <= size);
  }
  free(text);
  free(out);
}

static void check_hex_reader(const uint8_t *data, size_t size) {
  uint8_t *out = must_allocate(WEB_HEX_READ_BOUND(size));
  size_t read = 0;
  bool is_good = web_hex_read((const char *)data, size, out, &read);
  FUZZ_CHECK(read <= (is_good ? WEB_HEX_READ_BOUND(size) : size));
  free(out);
}

static void check_percent(const uint8_t *data, size_t size) {
  char *text = (char *)must_allocate(size + 1);
  memcpy(text, data, size);
  text[size] = '\0';
  size_t before = strlen(text);
  bool has_percent = strchr(text, '%') != NULL;
  bool is_decoded = web_percent_decode(text);
  FUZZ_CHECK(is_decoded || has_percent);
  FUZZ_CHECK(!is_decoded || strlen(text) <= before);
  free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0) {
    return 0;
  }
  size_t piece = data[0] % 40 + (size_t)1;
  /* Memory of exactly its size again, without the first byte: a look behind the end is seen. */
  uint8_t *text = must_allocate(size - 1);
  memcpy(text, data + 1, size - 1);
  check_utf8(text, size - 1, piece);
  check_json(text, size - 1);
  check_base64(text, size - 1);
  check_base64_reader(text, size - 1);
  check_hex_reader(text, size - 1);
  check_percent(text, size - 1);
  free(text);
  return 0;
}
