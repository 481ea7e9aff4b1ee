/* Framings with a length before each message: 16 and 32 bits of either byte order, and varint
 * (unsigned LEB128, https://protobuf.dev/programming-guides/encoding/#varints). Pure; any
 * thread. */
#include "framing_kind.h"

enum { VARINT_MAX_BYTES = 5, VARINT_LAST_MAX = 0x0f /* 32 bits are 4 × 7 and 4 */ };

/* ---- lengths of a fixed size ---- */

static inline uint32_t length_load(const uint8_t *data, unsigned bytes, bool is_big_endian) {
  uint32_t length = 0;
  for (unsigned index = 0; index < bytes; index++) {
    length = length << 8 | data[is_big_endian ? index : bytes - 1 - index];
  }
  return length;
}

static inline pc_status length_decode(pc_frame_decoder *decoder, unsigned bytes, bool is_big_endian,
                                      const uint8_t *data, size_t size, pc_frame *out_frame,
                                      size_t *out_consumed) {
  if (size < bytes) {
    return PC_AGAIN;
  }
  return pc_frame_take(decoder, bytes, length_load(data, bytes, is_big_endian), data, size,
                       out_frame, out_consumed);
}

static inline void length_encode(unsigned bytes, bool is_big_endian, uint32_t length,
                                 pc_frame_dress *dress) {
  for (unsigned index = 0; index < bytes; index++) {
    unsigned shift = 8 * (is_big_endian ? bytes - 1 - index : index);
    dress->prefix[index] = (uint8_t)(length >> shift);
  }
  dress->prefix_bytes = (uint8_t)bytes;
}

/* The functions and the table of one such framing. */
#define LENGTH_KIND(id, text, bytes, is_big_endian, max)                                      \
  pc_status pc_decode_##id(PC_DECODE_PARAMETERS) {                                            \
    return length_decode(decoder, bytes, is_big_endian, data, size, out_frame, out_consumed); \
  }                                                                                           \
  static void id##_encode(const uint8_t *data, uint32_t size, pc_frame_dress *dress) {        \
    (void)data;                                                                               \
    length_encode(bytes, is_big_endian, size, dress);                                         \
  }                                                                                           \
  const pc_framing_kind pc_framing_kind_##id = {.name = text,                                 \
                                                .max_message_bytes = max,                     \
                                                .has_prefix = true,                           \
                                                .skip = pc_frame_skip_counted,                \
                                                .encode = id##_encode}

LENGTH_KIND(length32_be, "length32be", 4, true, UINT32_MAX);
LENGTH_KIND(length32_le, "length32le", 4, false, UINT32_MAX);
LENGTH_KIND(length16_be, "length16be", 2, true, UINT16_MAX);
LENGTH_KIND(length16_le, "length16le", 2, false, UINT16_MAX);

/* ---- varint ---- */

/* More bytes than a number needs are allowed, as protobuf's readers do, but not more than five. */
pc_status pc_decode_varint(PC_DECODE_PARAMETERS) {
  uint32_t length = 0;
  for (unsigned index = 0; index < size; index++) {
    uint8_t byte = data[index];
    if (index == VARINT_MAX_BYTES - 1 && byte > VARINT_LAST_MAX) {
      return PC_E_MALFORMED;
    }
    length |= (uint32_t)(byte & 0x7f) << 7 * index;
    if (!(byte & 0x80)) {
      return pc_frame_take(decoder, index + 1, length, data, size, out_frame, out_consumed);
    }
  }
  return PC_AGAIN;
}

static void varint_encode(const uint8_t *data, uint32_t size, pc_frame_dress *dress) {
  (void)data;
  uint8_t count = 0;
  for (; size > 0x7f; size >>= 7) {
    dress->prefix[count++] = (uint8_t)(size | 0x80);
  }
  dress->prefix[count++] = (uint8_t)size;
  dress->prefix_bytes = count;
}

const pc_framing_kind pc_framing_kind_varint = {.name = "varint",
                                                .max_message_bytes = UINT32_MAX,
                                                .has_prefix = true,
                                                .skip = pc_frame_skip_counted,
                                                .encode = varint_encode};

/* ---- skipping, for every framing with a prefix ---- */

size_t pc_frame_skip_counted(pc_frame_decoder *decoder, const uint8_t *data, size_t size) {
  (void)data;
  size_t prefix = decoder->prefix_bytes < size ? decoder->prefix_bytes : size;
  decoder->prefix_bytes -= (uint32_t)prefix;
  size_t rest = size - prefix;
  size_t part = decoder->payload_bytes < rest ? (size_t)decoder->payload_bytes : rest;
  decoder->payload_bytes -= part;
  decoder->skipped_bytes += part;
  if (decoder->prefix_bytes == 0 && decoder->payload_bytes == 0) {
    decoder->is_skipping = false;
    decoder->is_prefix_whole = false;
  }
  return prefix + part;
}
