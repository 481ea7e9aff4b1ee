/* Framings whose messages end with a byte: `line` and `nul`. Pure; any thread.
 *
 * The delimiter is searched by memchr, at most once per byte: `scanned_bytes` remembers what an
 * incomplete message was searched for already. No search goes beyond the limit, so that a peer that
 * never ends its line costs no more than the limit. */
#include <string.h>

#include "check.h"
#include "framing_kind.h"

static inline pc_status delimited_decode(pc_frame_decoder *decoder, uint8_t delimiter,
                                         const uint8_t *data, size_t size, pc_frame *out_frame,
                                         size_t *out_consumed) {
  size_t scanned = decoder->scanned_bytes;
  bool is_over = size > decoder->max_message_bytes;
  size_t end = is_over ? (size_t)decoder->max_message_bytes + 1 : size;
  PC_CHECK(scanned <= end); /* the caller shows no fewer bytes than before */
  /* memchr takes no NULL, not even for no bytes. */
  const uint8_t *found = end > scanned ? memchr(data + scanned, delimiter, end - scanned) : NULL;
  if (!found) {
    decoder->scanned_bytes = end;
    return is_over ? PC_E_TOO_BIG : PC_AGAIN;
  }
  size_t length = (size_t)(found - data);
  decoder->scanned_bytes = 0;
  *out_frame = (pc_frame){.data = data, .size_bytes = (uint32_t)length};
  *out_consumed = length + 1;
  return PC_OK;
}

static size_t delimited_skip(pc_frame_decoder *decoder, uint8_t delimiter, const uint8_t *data,
                             size_t size) {
  size_t scanned = decoder->scanned_bytes; /* of the bytes that decode saw */
  PC_CHECK(scanned <= size);
  decoder->scanned_bytes = 0;
  const uint8_t *found = size > scanned ? memchr(data + scanned, delimiter, size - scanned) : NULL;
  if (!found) {
    decoder->skipped_bytes += size;
    return size;
  }
  decoder->is_skipping = false;
  decoder->skipped_bytes += (size_t)(found - data);
  return (size_t)(found - data) + 1;
}

static void delimiter_encode(uint8_t delimiter, const uint8_t *data, uint32_t size,
                             pc_frame_dress *dress) {
  if (size == 0 || data[size - 1] != delimiter) {
    dress->suffix[0] = delimiter;
    dress->suffix_bytes = 1;
  }
}

pc_status pc_decode_line(PC_DECODE_PARAMETERS) {
  return delimited_decode(decoder, '\n', data, size, out_frame, out_consumed);
}

static size_t line_skip(pc_frame_decoder *decoder, const uint8_t *data, size_t size) {
  return delimited_skip(decoder, '\n', data, size);
}

static void line_encode(const uint8_t *data, uint32_t size, pc_frame_dress *dress) {
  delimiter_encode('\n', data, size, dress);
}

pc_status pc_decode_nul(PC_DECODE_PARAMETERS) {
  return delimited_decode(decoder, '\0', data, size, out_frame, out_consumed);
}

static size_t nul_skip(pc_frame_decoder *decoder, const uint8_t *data, size_t size) {
  return delimited_skip(decoder, '\0', data, size);
}

static void nul_encode(const uint8_t *data, uint32_t size, pc_frame_dress *dress) {
  delimiter_encode('\0', data, size, dress);
}

const pc_framing_kind pc_framing_kind_line = {
    .name = "line", .max_message_bytes = UINT32_MAX, .skip = line_skip, .encode = line_encode};
const pc_framing_kind pc_framing_kind_nul = {
    .name = "nul", .max_message_bytes = UINT32_MAX, .skip = nul_skip, .encode = nul_encode};
