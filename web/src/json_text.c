/* JSON strings and numbers for the event stream, eight bytes at a time. Pure; any thread. */
#include "web/text.h"

#include "word.h"

/* High bit set in each byte that JSON wants escaped: below 0x20, '"' and '\'. Exact up to the first
 * such byte, which is all that is asked: a borrow can only come out of one. */
static inline uint64_t escape_mask(uint64_t word) {
  uint64_t quote = word ^ (WORD_ONES * '"');
  uint64_t backslash = word ^ (WORD_ONES * '\\');
  uint64_t control = (word - WORD_ONES * 0x20) & ~word;
  return (control | ((quote - WORD_ONES) & ~quote) | ((backslash - WORD_ONES) & ~backslash)) &
         WORD_HIGH_BITS;
}

/* The vector types of gcc and clang: compiled to what the machine has, or to words. */
typedef uint8_t block_half __attribute__((vector_size(16)));
enum { BLOCK_BYTES = 2 * sizeof(block_half) };

static inline block_half escapes_in(block_half bytes) {
  return (block_half)((bytes < 0x20) | (bytes == '"') | (bytes == '\\'));
}

/* Copies a block in any case: the bound leaves six bytes for each that is still to come. Returns
 * whether no byte of it wants an escape. */
static inline bool copy_clean_block(uint8_t *cursor, const uint8_t *data) {
  block_half halves[2];
  memcpy(halves, data, sizeof halves);
  memcpy(cursor, halves, sizeof halves);
  block_half escapes = escapes_in(halves[0]) | escapes_in(halves[1]);
  uint64_t words[2];
  memcpy(words, &escapes, sizeof words);
  return (words[0] | words[1]) == 0;
}

static uint8_t *write_escape(uint8_t *cursor, uint8_t byte) {
  static const char hex[16] = "0123456789abcdef";
  static const char letters[0x20] = {
      ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};
  uint8_t letter = byte < 0x20 ? (uint8_t)letters[byte] : byte;
  *cursor++ = '\\';
  if (letter != 0) {
    *cursor++ = letter;
    return cursor;
  }
  memcpy(cursor, "u00", 3);
  cursor[3] = (uint8_t)hex[byte >> 4];
  cursor[4] = (uint8_t)hex[byte & 0xf];
  return cursor + 5;
}

static inline bool needs_escape(uint8_t byte) {
  return byte < 0x20 || byte == '"' || byte == '\\';
}

/* One word, or what of it is clean and the escape behind that. */
static inline void write_word(uint8_t **cursor, const uint8_t **data) {
  uint64_t word = word_load(*data);
  uint64_t mask = escape_mask(word);
  word_store(*cursor, word);
  if (mask == 0) {
    *data += 8;
    *cursor += 8;
  } else {
    unsigned clean = word_first_byte(mask);
    *cursor = write_escape(*cursor + clean, (*data)[clean]);
    *data += clean + 1;
  }
}

uint8_t *web_json_write_string(uint8_t *cursor, const uint8_t *data, size_t size) {
  const uint8_t *end = size == 0 ? data : data + size;
  *cursor++ = '"';
  while (end - data >= BLOCK_BYTES) {
    if (copy_clean_block(cursor, data)) {
      data += BLOCK_BYTES;
      cursor += BLOCK_BYTES;
      continue;
    }
    /* Where one escape is, more are near: JSON in a string has one every few bytes. */
    for (int words = 0; words < 4 && end - data >= 8; words++) {
      write_word(&cursor, &data);
    }
  }
  while (end - data >= 8) {
    write_word(&cursor, &data);
  }
  for (; data != end; data++) {
    if (needs_escape(*data)) {
      cursor = write_escape(cursor, *data);
    } else {
      *cursor++ = *data;
    }
  }
  *cursor++ = '"';
  return cursor;
}

/* The eight decimal digits of a value below 10^8, first digit lowest, each a byte 0-9: halves of
 * four digits, then pairs, then single digits, all of one kind at once. The factors are 2^20/100
 * and 2^10/10 rounded up, exact for values below 10^4 and 100. */
static inline uint64_t eight_digits(uint32_t value) {
  uint64_t halves = (uint64_t)(value / 10000) | (uint64_t)(value % 10000) << 32;
  uint64_t upper = (halves * 10486 >> 20) & UINT64_C(0x0000007f0000007f);
  uint64_t pairs = upper | (halves - upper * 100) << 16;
  uint64_t tens = (pairs * 103 >> 10) & UINT64_C(0x000f000f000f000f);
  return tens | (pairs - tens * 10) << 8;
}

uint8_t *web_json_write_u64(uint8_t *cursor, uint64_t value) {
  const uint64_t ascii = WORD_ONES * '0';
  const uint32_t eight = 100000000;
  uint32_t chunks[3];
  unsigned count = 0;
  do {
    chunks[count++] = (uint32_t)(value % eight);
    value /= eight;
  } while (value != 0);
  uint64_t lead = eight_digits(chunks[--count]);
  /* The last digit is written even if it is a zero. */
  unsigned zeros = word_first_byte(lead | UINT64_C(1) << 56);
  word_store(cursor, (lead | ascii) >> (8 * zeros));
  cursor += 8 - zeros;
  while (count != 0) {
    word_store(cursor, eight_digits(chunks[--count]) | ascii);
    cursor += 8;
  }
  return cursor;
}
