/* What each framing is made of: a function that decodes, and one constant table for the rest, in
 * framing_*.c. Private to those files. Pure.
 *
 * `decode` is called by name and not through the table: an optimised build puts it into
 * pc_frame_decode's switch, which a pointer cannot have (line: 5.0 instead of 5.4 ns for a short
 * message). */
#ifndef PIPECORE_SRC_FRAMING_KIND_H
#define PIPECORE_SRC_FRAMING_KIND_H

#include "pipecore/framing.h"

typedef struct pc_framing_kind {
  const char *name;
  uint32_t max_message_bytes; /* that it has a way to say        */
  bool has_prefix;            /* a length or headers come before */
  /* Returns how many bytes are done with; adds the payload among them to skipped_bytes; clears
   * is_skipping at the end of the frame. */
  size_t (*skip)(pc_frame_decoder *decoder, const uint8_t *data, size_t size);
  /* The dress has no bytes yet. */
  void (*encode)(const uint8_t *data, uint32_t size, pc_frame_dress *dress);
} pc_framing_kind;

#define PC_DECODE_PARAMETERS                                                        \
  pc_frame_decoder *decoder, const uint8_t *data, size_t size, pc_frame *out_frame, \
      size_t *out_consumed
pc_status pc_decode_line(PC_DECODE_PARAMETERS);
pc_status pc_decode_nul(PC_DECODE_PARAMETERS);
pc_status pc_decode_length32_be(PC_DECODE_PARAMETERS);
pc_status pc_decode_length32_le(PC_DECODE_PARAMETERS);
pc_status pc_decode_length16_be(PC_DECODE_PARAMETERS);
pc_status pc_decode_length16_le(PC_DECODE_PARAMETERS);
pc_status pc_decode_varint(PC_DECODE_PARAMETERS);
pc_status pc_decode_headers(PC_DECODE_PARAMETERS);

extern const pc_framing_kind pc_framing_kind_line;
extern const pc_framing_kind pc_framing_kind_nul;
extern const pc_framing_kind pc_framing_kind_length32_be;
extern const pc_framing_kind pc_framing_kind_length32_le;
extern const pc_framing_kind pc_framing_kind_length16_be;
extern const pc_framing_kind pc_framing_kind_length16_le;
extern const pc_framing_kind pc_framing_kind_varint;
extern const pc_framing_kind pc_framing_kind_headers;

/* For framings with a prefix, once it is read: the frame if it is all there. What is not is
 * remembered in the decoder. */
static inline pc_status pc_frame_take(pc_frame_decoder *decoder, size_t prefix_bytes,
                                      uint64_t payload_bytes, const uint8_t *data, size_t size,
                                      pc_frame *out_frame, size_t *out_consumed) {
  bool is_over = payload_bytes > decoder->max_message_bytes;
  if (is_over || size - prefix_bytes < payload_bytes) {
    decoder->prefix_bytes = (uint32_t)prefix_bytes;
    decoder->payload_bytes = payload_bytes;
    decoder->is_prefix_whole = true;
    return is_over ? PC_E_TOO_BIG : PC_AGAIN;
  }
  decoder->is_prefix_whole = false;
  *out_frame = (pc_frame){.data = data + prefix_bytes, .size_bytes = (uint32_t)payload_bytes};
  *out_consumed = prefix_bytes + (size_t)payload_bytes;
  return PC_OK;
}

/* `skip` of framings with a prefix: by what pc_frame_take remembered. In framing_length.c. */
size_t pc_frame_skip_counted(pc_frame_decoder *decoder, const uint8_t *data, size_t size);

#endif
