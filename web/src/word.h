/* Eight bytes at a time, in portable C: the first byte in memory is the lowest of the word, on any
 * machine (compilers make one load or store of it). Pure; any thread. */
#ifndef WEB_SRC_WORD_H
#define WEB_SRC_WORD_H

#include <stdint.h>
#include <string.h>

#define WORD_ONES UINT64_C(0x0101010101010101)
#define WORD_HIGH_BITS UINT64_C(0x8080808080808080)

static inline uint64_t word_load(const uint8_t *data) {
  return (uint64_t)data[0] | (uint64_t)data[1] << 8 | (uint64_t)data[2] << 16 |
         (uint64_t)data[3] << 24 | (uint64_t)data[4] << 32 | (uint64_t)data[5] << 40 |
         (uint64_t)data[6] << 48 | (uint64_t)data[7] << 56;
}

static inline void word_store(uint8_t *data, uint64_t word) {
  for (unsigned index = 0; index < 8; index++) {
    data[index] = (uint8_t)(word >> (8 * index));
  }
}

/* Index of the lowest byte with a bit set; `mask` is not 0. */
static inline unsigned word_first_byte(uint64_t mask) {
  return (unsigned)__builtin_ctzll(mask) / 8;
}

#endif
