/* Compression of messages. Any bytes expand, in any pieces and into any rooms, to what they expand
 * to at once, or are refused as then; and what is compressed expands to what it was. Input: seed of
 * the pieces and rooms, how often the rest is repeated before it is compressed, then the bytes. */
#include <string.h>

#include "fuzz.h"
#include "web/deflate.h"

enum { OUT_MAX = 256 * 1024, REPEATED_MAX = 64 * 1024 };

typedef struct expansion {
  uint8_t data[OUT_MAX];
  size_t size;
  web_inflate_result result; /* FULL: more than fits */
} expansion;

static size_t next_size(uint32_t *seed, size_t left) {
  if (*seed == 0 || left == 0) {
    return left;
  }
  *seed = (*seed * 1664525 + 1013904223) | 1;
  size_t size = 1 + (*seed >> 16) % ((*seed & 0x100) != 0 ? 8 : 5000);
  return size < left ? size : left;
}

/* One piece of input, or with `data` NULL its end. */
static void expand_piece(expansion *out, web_inflater *inflater, const uint8_t *data, size_t size,
                         uint32_t *seed) {
  do {
    size_t room = next_size(seed, OUT_MAX - out->size);
    if (room == 0) {
      out->result = WEB_INFLATE_FULL;
      return;
    }
    size_t written = room;
    out->result = data == NULL
                      ? web_inflater_finish(inflater, out->data + out->size, &written)
                      : web_inflater_run(inflater, &data, &size, out->data + out->size, &written);
    FUZZ_CHECK(written <= room);
    out->size += written;
  } while (out->result == WEB_INFLATE_FULL);
}

static void expand(expansion *out, web_inflaters *pool, const uint8_t *data, size_t size,
                   uint32_t seed) {
  web_inflater *inflater = web_inflaters_take(pool);
  FUZZ_CHECK(inflater != NULL);
  out->size = 0;
  out->result = WEB_INFLATE_DONE;
  while (size > 0 && out->result == WEB_INFLATE_DONE) {
    size_t part = next_size(&seed, size);
    expand_piece(out, inflater, data, part, &seed);
    data += part;
    size -= part;
  }
  if (out->result == WEB_INFLATE_DONE) {
    expand_piece(out, inflater, NULL, 0, &seed);
  }
  web_inflaters_give(pool, inflater);
}

static void check_round(web_inflaters *pool, const uint8_t *data, size_t size, size_t times,
                        uint32_t seed) {
  static expansion out;
  static uint8_t repeated[REPEATED_MAX];
  size_t whole = 0;
  for (; times > 0 && whole + size <= sizeof repeated; times--) {
    memcpy(repeated + whole, data, size);
    whole += size;
  }
  web_deflater *deflater = web_deflater_create(
      WEB_DEFLATE_MIN_BITS + seed % (WEB_DEFLATE_MAX_BITS - WEB_DEFLATE_MIN_BITS + 1));
  FUZZ_CHECK(deflater != NULL);
  size_t packed_size = 0;
  const uint8_t *packed = web_deflater_pack(deflater, repeated, whole, &packed_size);
  if (packed != NULL) {
    FUZZ_CHECK(packed_size < whole);
    expand(&out, pool, packed, packed_size, seed);
    FUZZ_CHECK(out.result == WEB_INFLATE_DONE && out.size == whole);
    FUZZ_CHECK(memcmp(out.data, repeated, whole) == 0);
  }
  web_deflater_destroy(deflater);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static expansion whole;
  static expansion cut;
  web_inflaters pool = {0};
  if (size < 2) {
    return 0;
  }
  uint32_t seed = data[0];
  expand(&whole, &pool, data + 2, size - 2, 0);
  expand(&cut, &pool, data + 2, size - 2, seed + 1);
  FUZZ_CHECK(whole.result == cut.result);
  if (whole.result == WEB_INFLATE_DONE) {
    FUZZ_CHECK(whole.size == cut.size && memcmp(whole.data, cut.data, whole.size) == 0);
  }
  check_round(&pool, data + 2, size - 2, data[1], seed);
  web_inflaters_fini(&pool);
  return 0;
}
