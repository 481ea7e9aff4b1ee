/* Owner file of zlib: messages of WebSockets, and the page's files. Pure but for the allocator; one
 * thread at a time. */
#include "web/deflate.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "gunzip.h"

enum {
  MEMORY_LEVEL = 8,
  TAIL_BYTES = 4,       /* an empty block, which RFC 7692 leaves out at a message's end */
  IDLE_MAX = 16,        /* inflaters of 40 KiB that are kept */
  PACKED_KEEP = 1 << 20 /* bytes of output that are kept */
};
#define INFLATE_GZIP (16 + MAX_WBITS)
/* A message must lose an eighth. */
#define GAIN_FRACTION 8

static z_const Bytef *input_of(const void *data) {
  return (z_const Bytef *)(uintptr_t)data; /* zlib only reads it */
}

/* zlib's way of asking for a stream without its own header. */
static int window_without_header(unsigned bits) {
  return -(int)bits;
}

/* ---- out ---- */

struct web_deflater {
  z_stream stream;
  uint8_t *packed; /* owned */
  size_t capacity;
};

web_deflater *web_deflater_create(unsigned window_bits) {
  web_deflater *deflater = calloc(1, sizeof *deflater);
  /* The fastest level: batches of events shrink to a quarter by it, and a tenth less by the usual
   * one at three times the cost. */
  if (deflater != NULL &&
      deflateInit2(&deflater->stream, Z_BEST_SPEED, Z_DEFLATED, window_without_header(window_bits),
                   MEMORY_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK) {
    free(deflater);
    deflater = NULL;
  }
  return deflater;
}

void web_deflater_destroy(web_deflater *deflater) {
  if (deflater != NULL) {
    (void)deflateEnd(&deflater->stream);
    free(deflater->packed);
    free(deflater);
  }
}

static bool deflater_make_room(web_deflater *deflater, size_t size) {
  bool is_too_much = deflater->capacity > PACKED_KEEP && size <= PACKED_KEEP;
  if (deflater->capacity >= size && !is_too_much) {
    return true;
  }
  free(deflater->packed);
  deflater->packed = malloc(size);
  deflater->capacity = deflater->packed != NULL ? size : 0;
  return deflater->packed != NULL;
}

const uint8_t *web_deflater_pack(web_deflater *deflater, const void *data, size_t size,
                                 size_t *out_size) {
  size_t room = size - size / GAIN_FRACTION;
  if (size < WEB_DEFLATE_MIN_BYTES || size > UINT_MAX || !deflater_make_room(deflater, room)) {
    return NULL;
  }
  z_stream *stream = &deflater->stream;
  stream->next_in = input_of(data);
  stream->avail_in = (uInt)size;
  stream->next_out = deflater->packed;
  stream->avail_out = (uInt)room;
  int result = deflate(stream, Z_SYNC_FLUSH);
  /* Room that is left says that the flush is complete. */
  bool pays = result == Z_OK && stream->avail_in == 0 && stream->avail_out > 0;
  size_t written = room - stream->avail_out;
  (void)deflateReset(stream);
  if (!pays) {
    return NULL;
  }
  *out_size = written - TAIL_BYTES;
  return deflater->packed;
}

/* ---- in ---- */

struct web_inflater {
  z_stream stream;
  web_inflater *next;  /* in the pool */
  bool has_input;      /* of this message */
  bool is_behind_last; /* right behind a block that says it is the last */
  uint8_t tail_used;   /* bytes */
};

void web_inflaters_fini(web_inflaters *pool) {
  while (pool->first != NULL) {
    web_inflater *inflater = pool->first;
    pool->first = inflater->next;
    (void)inflateEnd(&inflater->stream);
    free(inflater);
  }
  pool->count = 0;
}

web_inflater *web_inflaters_take(web_inflaters *pool) {
  web_inflater *inflater = pool->first;
  if (inflater != NULL) {
    pool->first = inflater->next;
    pool->count--;
    return inflater;
  }
  inflater = calloc(1, sizeof *inflater);
  if (inflater != NULL &&
      inflateInit2(&inflater->stream, window_without_header(WEB_DEFLATE_MAX_BITS)) != Z_OK) {
    free(inflater);
    inflater = NULL;
  }
  return inflater;
}

void web_inflaters_give(web_inflaters *pool, web_inflater *inflater) {
  if (inflater == NULL) {
    return;
  }
  if (pool->count == IDLE_MAX) {
    (void)inflateEnd(&inflater->stream);
    free(inflater);
    return;
  }
  (void)inflateReset(&inflater->stream);
  inflater->has_input = false;
  inflater->is_behind_last = false;
  inflater->tail_used = 0;
  inflater->next = pool->first;
  pool->first = inflater;
  pool->count++;
}

/* One call of zlib's. A block that says it is the last ends a stream, and another begins behind it
 * (RFC 7692 §7.2.3.5). */
static int inflater_step(web_inflater *inflater) {
  if (inflater->is_behind_last && inflater->stream.avail_in == 0) {
    return Z_BUF_ERROR;
  }
  int result = inflate(&inflater->stream, Z_SYNC_FLUSH);
  inflater->is_behind_last = result == Z_STREAM_END;
  if (result == Z_STREAM_END) {
    return inflateReset(&inflater->stream);
  }
  return result;
}

web_inflate_result web_inflater_run(web_inflater *inflater, const uint8_t **data, size_t *size,
                                    uint8_t *out, size_t *out_size) {
  z_stream *stream = &inflater->stream;
  uInt room = *out_size < UINT_MAX ? (uInt)*out_size : UINT_MAX;
  uInt part = *size < UINT_MAX ? (uInt)*size : UINT_MAX;
  stream->next_in = input_of(*data);
  stream->avail_in = part;
  stream->next_out = out;
  stream->avail_out = room;
  inflater->has_input |= part > 0;
  int result = Z_OK;
  /* Also without input: zlib may still have output. */
  do {
    result = inflater_step(inflater);
  } while (result == Z_OK && stream->avail_in > 0 && stream->avail_out > 0);
  *data += part - stream->avail_in;
  *size -= part - stream->avail_in;
  *out_size = room - stream->avail_out;
  if (result != Z_OK && result != Z_BUF_ERROR) {
    return WEB_INFLATE_BAD;
  }
  return stream->avail_out == 0 || *size > 0 ? WEB_INFLATE_FULL : WEB_INFLATE_DONE;
}

/* Between two blocks, and with no bit over (zlib.h on data_type). */
static bool inflater_is_between_blocks(const web_inflater *inflater) {
  enum { BITS_OVER = 0x3f, AT_BLOCK_END = 0x80 };
  int where = inflater->stream.data_type;
  return (where & AT_BLOCK_END) != 0 && (where & BITS_OVER) == 0;
}

web_inflate_result web_inflater_finish(web_inflater *inflater, uint8_t *out, size_t *out_size) {
  static const uint8_t tail[TAIL_BYTES] = {0x00, 0x00, 0xff, 0xff};
  const uint8_t *data = tail + inflater->tail_used;
  size_t size = TAIL_BYTES - (size_t)inflater->tail_used;
  /* Some send nothing at all for an empty message, and some nothing behind a last block. */
  if (inflater->tail_used == 0 && (!inflater->has_input || inflater->is_behind_last)) {
    *out_size = 0;
    return WEB_INFLATE_DONE;
  }
  web_inflate_result result = web_inflater_run(inflater, &data, &size, out, out_size);
  inflater->tail_used = (uint8_t)(TAIL_BYTES - size);
  if (result == WEB_INFLATE_DONE && !inflater_is_between_blocks(inflater)) {
    return WEB_INFLATE_BAD;
  }
  return result;
}

/* ---- files ---- */

bool web_gunzip(const uint8_t *data, size_t size, uint8_t *out, size_t out_size) {
  z_stream stream = {.next_in = input_of(data),
                     .avail_in = (uInt)size,
                     .next_out = out,
                     .avail_out = (uInt)out_size};
  if (inflateInit2(&stream, INFLATE_GZIP) != Z_OK) {
    return false;
  }
  int result = inflate(&stream, Z_FINISH);
  (void)inflateEnd(&stream);
  return result == Z_STREAM_END && stream.avail_out == 0;
}
