/* UTF-8 validation (RFC 3629), whole or over pieces. ASCII goes sixteen bytes at a time, whole
 * characters one at a time; only what a piece's end cuts, or what is wrong, is walked byte by byte.
 * Pure; any thread.
 *
 * The state between two bytes of one character is what the next byte may be, and how many are
 * missing: missing << 16 | lowest << 8 | highest. The first byte narrows the range of the second
 * (Unicode table 3-7), which shuts out overlong forms, surrogates and what is over U+10FFFF. */
#include "web/text.h"

#include "word.h"

#define UTF8_STATE(missing, lowest, highest) \
  ((uint32_t)(missing) << 16 | (uint32_t)(lowest) << 8 | (uint32_t)(highest))
/* No byte lies in this range: every further one fails. */
#define UTF8_FAILED UTF8_STATE(1, 0xff, 0x00)

static inline bool is_continuation(uint8_t byte) {
  return (byte & 0xc0) == 0x80;
}

static inline bool block_is_ascii(const uint8_t *data) {
  uint64_t words[4];
  memcpy(words, data, sizeof words);
  return ((words[0] | words[1] | words[2] | words[3]) & WORD_HIGH_BITS) == 0;
}

static const uint8_t *ascii_end(const uint8_t *data, const uint8_t *end) {
  if (end - data >= 8) {
    /* Between characters of other scripts, ASCII comes in short runs. */
    uint64_t mask = word_load(data) & WORD_HIGH_BITS;
    if (mask != 0) {
      return data + word_first_byte(mask);
    }
    data += 8;
  }
  while (end - data >= 32 && block_is_ascii(data)) {
    data += 32;
  }
  while (end - data >= 8) {
    uint64_t mask = word_load(data) & WORD_HIGH_BITS;
    if (mask != 0) {
      return data + word_first_byte(mask);
    }
    data += 8;
  }
  while (data != end && *data < 0x80) {
    data++;
  }
  return data;
}

/* What the byte after this first byte may be. */
static uint32_t state_after_first(uint8_t byte) {
  if (byte < 0x80) {
    return 0;
  }
  if (byte >= 0xc2 && byte <= 0xdf) {
    return UTF8_STATE(1, 0x80, 0xbf);
  }
  if (byte >= 0xe0 && byte <= 0xef) {
    return UTF8_STATE(2, byte == 0xe0 ? 0xa0 : 0x80, byte == 0xed ? 0x9f : 0xbf);
  }
  if (byte >= 0xf0 && byte <= 0xf4) {
    return UTF8_STATE(3, byte == 0xf0 ? 0x90 : 0x80, byte == 0xf4 ? 0x8f : 0xbf);
  }
  return UTF8_FAILED;
}

/* Size of the well-formed character at `data`, whose first byte is not ASCII; 0 if it is cut or
 * wrong. The same rules as state_after_first, in the order in which texts have them. */
static inline size_t character_size(const uint8_t *data, size_t size) {
  uint8_t first = data[0];
  if (first < 0xe0) {
    return size >= 2 && first >= 0xc2 && is_continuation(data[1]) ? 2 : 0;
  }
  if (first < 0xf0) {
    if (size < 3 || !is_continuation(data[1]) || !is_continuation(data[2])) {
      return 0;
    }
    uint32_t point = (uint32_t)(first & 0x0f) << 12 | (uint32_t)(data[1] & 0x3f) << 6;
    return point >= 0x800 && (point & 0xf800) != 0xd800 ? 3 : 0;
  }
  if (size < 4 || !is_continuation(data[1]) || !is_continuation(data[2]) ||
      !is_continuation(data[3])) {
    return 0;
  }
  uint32_t point = (uint32_t)(first & 0x0f) << 18 | (uint32_t)(data[1] & 0x3f) << 12;
  return point >= 0x10000 && point <= 0x10ffff ? 4 : 0;
}

static const uint8_t *whole_characters_end(const uint8_t *data, const uint8_t *end) {
  while (data != end) {
    data = *data < 0x80 ? ascii_end(data, end) : data;
    while (data != end && *data >= 0x80) {
      size_t size = character_size(data, (size_t)(end - data));
      if (size == 0) {
        return data;
      }
      data += size;
    }
  }
  return data;
}

static uint32_t state_after(uint32_t state, uint8_t byte) {
  if (state == 0) {
    return state_after_first(byte);
  }
  if (byte < (uint8_t)(state >> 8) || byte > (uint8_t)state) {
    return UTF8_FAILED;
  }
  uint32_t missing = (state >> 16) - 1;
  return missing == 0 ? 0 : UTF8_STATE(missing, 0x80, 0xbf);
}

bool web_utf8_feed(web_utf8 *utf8, const uint8_t *data, size_t size) {
  /* No data may mean a null pointer, to which C adds not even nothing. */
  const uint8_t *end = size == 0 ? data : data + size;
  while (data != end) {
    if (utf8->state == 0) {
      data = whole_characters_end(data, end);
    }
    if (data != end) {
      utf8->state = state_after(utf8->state, *data);
      data++;
    }
    if (utf8->state == UTF8_FAILED) {
      return false;
    }
  }
  return utf8->state != UTF8_FAILED;
}

bool web_utf8_is_valid(const uint8_t *data, size_t size) {
  const uint8_t *end = size == 0 ? data : data + size;
  return whole_characters_end(data, end) == end;
}
