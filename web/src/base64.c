/* Base64 (RFC 4648 §4), six bytes to one word of eight characters. Pure; any thread. */
#include "web/text.h"

#include "word.h"

static const char base64_alphabet[64] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static inline uint64_t character(uint64_t bits, unsigned shift) {
  return (uint8_t)base64_alphabet[bits >> shift & 0x3f];
}

static inline uint64_t eight_characters(const uint8_t *data) {
  uint64_t bits = (uint64_t)data[0] << 40 | (uint64_t)data[1] << 32 | (uint64_t)data[2] << 24 |
                  (uint64_t)data[3] << 16 | (uint64_t)data[4] << 8 | (uint64_t)data[5];
  return character(bits, 42) | character(bits, 36) << 8 | character(bits, 30) << 16 |
         character(bits, 24) << 24 | character(bits, 18) << 32 | character(bits, 12) << 40 |
         character(bits, 6) << 48 | character(bits, 0) << 56;
}

uint8_t *web_base64_write(uint8_t *cursor, const uint8_t *data, size_t size) {
  for (; size >= 6; size -= 6, data += 6, cursor += 8) {
    word_store(cursor, eight_characters(data));
  }
  if (size == 0) {
    return cursor;
  }
  uint8_t rest[6] = {0};
  memcpy(rest, data, size);
  uint8_t last[8];
  word_store(last, eight_characters(rest));
  size_t characters = (size * 8 + 5) / 6;
  memset(last + characters, '=', sizeof last - characters);
  size_t padded = (size + 2) / 3 * 4;
  memcpy(cursor, last, padded);
  return cursor + padded;
}

/* 0 to 63; 64: not in the alphabet. */
static uint32_t value_of(char character) {
  if (character >= 'A' && character <= 'Z') {
    return (uint32_t)(character - 'A');
  }
  if (character >= 'a' && character <= 'z') {
    return (uint32_t)(character - 'a') + 26;
  }
  if (character >= '0' && character <= '9') {
    return (uint32_t)(character - '0') + 52;
  }
  return character == '+' ? 62 : character == '/' ? 63 : 64;
}

/* Four characters as 24 bits, `missing` of them padding. False: `*at` is moved to the wrong one. */
static bool group_read(const char *text, unsigned missing, size_t *at, uint32_t *out_bits) {
  uint32_t bits = 0;
  for (unsigned index = 0; index < 4; index++) {
    bool is_padding = index >= 4 - missing;
    uint32_t value = is_padding ? 0 : value_of(text[*at + index]);
    if (value == 64) {
      *at += index;
      return false;
    }
    bits = bits << 6 | value;
  }
  if (missing > 0 && (bits & ((1U << 8 * missing) - 1)) != 0) {
    *at += 3 - missing; /* the last character says more than the bytes hold */
    return false;
  }
  *out_bits = bits;
  return true;
}

bool web_base64_read(const char *text, size_t size, uint8_t *out, size_t *out_size) {
  uint8_t *cursor = out;
  size_t at = 0;
  while (at + 4 <= size) {
    bool is_last = at + 4 == size;
    unsigned missing = !is_last || text[at + 3] != '=' ? 0 : text[at + 2] != '=' ? 1 : 2;
    uint32_t bits;
    if (!group_read(text, missing, &at, &bits)) {
      *out_size = at;
      return false;
    }
    for (unsigned index = 0; index < 3 - missing; index++) {
      *cursor++ = (uint8_t)(bits >> (16 - 8 * index));
    }
    at += 4;
  }
  *out_size = at < size ? size : (size_t)(cursor - out);
  return at == size;
}
