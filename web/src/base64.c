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
