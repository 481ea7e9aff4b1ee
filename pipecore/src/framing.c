/* Cuts a byte stream into messages and dresses messages for it: the table of framings, and `none`.
 * Pure; any thread.
 *
 * pc_frame_decode runs once per message on the read path and only hands on; framing_delimiter.c,
 * framing_length.c and framing_headers.c have the rest. */
#include "pipecore/framing.h"

#include <string.h>

#include "check.h"
#include "framing_kind.h"

static pc_status none_decode(PC_DECODE_PARAMETERS) {
  if (size == 0) {
    return PC_AGAIN;
  }
  if (decoder->max_message_bytes == 0) {
    return PC_E_TOO_BIG;
  }
  size_t taken = size < decoder->max_message_bytes ? size : decoder->max_message_bytes;
  *out_frame = (pc_frame){.data = data, .size_bytes = (uint32_t)taken};
  *out_consumed = taken;
  return PC_OK;
}

static size_t none_skip(pc_frame_decoder *decoder, const uint8_t *data, size_t size) {
  (void)data;
  decoder->skipped_bytes += size;
  decoder->is_skipping = false;
  return size;
}

static void none_encode(const uint8_t *data, uint32_t size, pc_frame_dress *dress) {
  (void)data;
  (void)size;
  (void)dress;
}

static const pc_framing_kind kind_none = {
    .name = "none", .max_message_bytes = UINT32_MAX, .skip = none_skip, .encode = none_encode};

static const pc_framing_kind *const kinds[] = {
    [PC_FRAMING_NONE] = &kind_none,
    [PC_FRAMING_LINE] = &pc_framing_kind_line,
    [PC_FRAMING_NUL] = &pc_framing_kind_nul,
    [PC_FRAMING_LENGTH32_BE] = &pc_framing_kind_length32_be,
    [PC_FRAMING_LENGTH32_LE] = &pc_framing_kind_length32_le,
    [PC_FRAMING_LENGTH16_BE] = &pc_framing_kind_length16_be,
    [PC_FRAMING_LENGTH16_LE] = &pc_framing_kind_length16_le,
    [PC_FRAMING_VARINT] = &pc_framing_kind_varint,
    [PC_FRAMING_HEADERS] = &pc_framing_kind_headers,
};
enum { KIND_COUNT = sizeof kinds / sizeof kinds[0] };

static bool is_framing(pc_framing framing) {
  return (unsigned)framing < KIND_COUNT;
}

void pc_frame_decoder_init(pc_frame_decoder *decoder, pc_framing framing,
                           uint32_t max_message_bytes) {
  PC_CHECK(is_framing(framing));
  *decoder = (pc_frame_decoder){.framing = framing, .max_message_bytes = max_message_bytes};
}

pc_status pc_frame_decode(pc_frame_decoder *decoder, const uint8_t *data, size_t size,
                          pc_frame *out_frame, size_t *out_consumed) {
  switch (decoder->framing) {
  case PC_FRAMING_NONE:
    return none_decode(decoder, data, size, out_frame, out_consumed);
  case PC_FRAMING_LINE:
    return pc_decode_line(decoder, data, size, out_frame, out_consumed);
  case PC_FRAMING_NUL:
    return pc_decode_nul(decoder, data, size, out_frame, out_consumed);
  case PC_FRAMING_LENGTH32_BE:
    return pc_decode_length32_be(decoder, data, size, out_frame, out_consumed);
  case PC_FRAMING_LENGTH32_LE:
    return pc_decode_length32_le(decoder, data, size, out_frame, out_consumed);
  case PC_FRAMING_LENGTH16_BE:
    return pc_decode_length16_be(decoder, data, size, out_frame, out_consumed);
  case PC_FRAMING_LENGTH16_LE:
    return pc_decode_length16_le(decoder, data, size, out_frame, out_consumed);
  case PC_FRAMING_VARINT:
    return pc_decode_varint(decoder, data, size, out_frame, out_consumed);
  case PC_FRAMING_HEADERS:
    return pc_decode_headers(decoder, data, size, out_frame, out_consumed);
  }
  pc_check_failed("framing of a decoder", __FILE__, __LINE__); /* pc_frame_decoder_init sets it */
}

pc_status pc_frame_skip(pc_frame_decoder *decoder, const uint8_t *data, size_t size,
                        size_t *out_consumed) {
  if (!decoder->is_skipping) {
    decoder->is_skipping = true;
    decoder->skipped_bytes = 0;
  }
  *out_consumed = kinds[decoder->framing]->skip(decoder, data, size);
  return decoder->is_skipping ? PC_AGAIN : PC_OK;
}

size_t pc_frame_begun_prefix_bytes(const pc_frame_decoder *decoder, size_t size) {
  if (!kinds[decoder->framing]->has_prefix) {
    return 0;
  }
  return decoder->is_prefix_whole && decoder->prefix_bytes < size ? decoder->prefix_bytes : size;
}

void pc_frame_encode(pc_framing framing, const uint8_t *data, uint32_t size,
                     pc_frame_dress *out_dress) {
  PC_CHECK(is_framing(framing) && size <= kinds[framing]->max_message_bytes);
  out_dress->prefix_bytes = 0;
  out_dress->suffix_bytes = 0;
  kinds[framing]->encode(data, size, out_dress);
}

uint32_t pc_framing_max_message_bytes(pc_framing framing) {
  return is_framing(framing) ? kinds[framing]->max_message_bytes : 0;
}

const char *pc_framing_name(pc_framing framing) {
  return is_framing(framing) ? kinds[framing]->name : "unknown";
}

bool pc_framing_from_name(const char *name, pc_framing *out_framing) {
  for (unsigned index = 0; index < KIND_COUNT; index++) {
    if (strcmp(kinds[index]->name, name) == 0) {
      *out_framing = (pc_framing)index;
      return true;
    }
  }
  return false;
}
