/* Cuts a byte stream into messages and dresses messages for it. Pure; any thread.
 *
 * It runs once per message on the read path, so a delimiter is searched by memchr, at most once per byte:
 * `scanned_bytes` remembers what an incomplete message was searched for already. No search goes beyond
 * the limit, so that a peer that never ends its line costs no more than the limit. */
#include "pipecore/framing.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { LENGTH32_BYTES = 4 };

typedef struct framing_entry {
  pc_framing framing;
  const char *name;
} framing_entry;

static const framing_entry framing_table[] = {
    {PC_FRAMING_NONE, "none"},
    {PC_FRAMING_LINE, "line"},
    {PC_FRAMING_NUL, "nul"},
    {PC_FRAMING_LENGTH32_BE, "length32be"},
    {PC_FRAMING_LENGTH32_LE, "length32le"},
};

void pc_frame_decoder_init(pc_frame_decoder *decoder, pc_framing framing,
                           uint32_t max_message_bytes) {
  *decoder = (pc_frame_decoder){.framing = framing, .max_message_bytes = max_message_bytes};
}

static pc_status none_decode(const pc_frame_decoder *decoder, const uint8_t *data, size_t size,
                             pc_frame *out_frame, size_t *out_consumed) {
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

static pc_status delimited_decode(pc_frame_decoder *decoder, uint8_t delimiter, const uint8_t *data,
                                  size_t size, pc_frame *out_frame, size_t *out_consumed) {
  size_t scanned = decoder->scanned_bytes;
  bool is_over = size > decoder->max_message_bytes;
  size_t end = is_over ? (size_t)decoder->max_message_bytes + 1 : size;
  assert(scanned <= end); /* the caller shows no fewer bytes than before */
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

static uint32_t length32_load(const uint8_t *data, bool is_big_endian) {
  return is_big_endian ? (uint32_t)data[0] << 24 | (uint32_t)data[1] << 16 |
                             (uint32_t)data[2] << 8 | (uint32_t)data[3]
                       : (uint32_t)data[3] << 24 | (uint32_t)data[2] << 16 |
                             (uint32_t)data[1] << 8 | (uint32_t)data[0];
}

static pc_status length32_decode(const pc_frame_decoder *decoder, bool is_big_endian,
                                 const uint8_t *data, size_t size, pc_frame *out_frame,
                                 size_t *out_consumed) {
  if (size < LENGTH32_BYTES) {
    return PC_AGAIN;
  }
  uint32_t length = length32_load(data, is_big_endian);
  if (length > decoder->max_message_bytes) {
    return PC_E_TOO_BIG;
  }
  if (size - LENGTH32_BYTES < length) {
    return PC_AGAIN;
  }
  *out_frame = (pc_frame){.data = data + LENGTH32_BYTES, .size_bytes = length};
  *out_consumed = LENGTH32_BYTES + (size_t)length;
  return PC_OK;
}

pc_status pc_frame_decode(pc_frame_decoder *decoder, const uint8_t *data, size_t size,
                          pc_frame *out_frame, size_t *out_consumed) {
  switch (decoder->framing) {
  case PC_FRAMING_NONE:
    return none_decode(decoder, data, size, out_frame, out_consumed);
  case PC_FRAMING_LINE:
    return delimited_decode(decoder, '\n', data, size, out_frame, out_consumed);
  case PC_FRAMING_NUL:
    return delimited_decode(decoder, '\0', data, size, out_frame, out_consumed);
  case PC_FRAMING_LENGTH32_BE:
    return length32_decode(decoder, true, data, size, out_frame, out_consumed);
  case PC_FRAMING_LENGTH32_LE:
    return length32_decode(decoder, false, data, size, out_frame, out_consumed);
  }
  abort(); /* the framing of a decoder is set by pc_frame_decoder_init only */
}

static void delimiter_encode(uint8_t delimiter, const uint8_t *data, uint32_t size,
                             pc_frame_dress *dress) {
  if (size == 0 || data[size - 1] != delimiter) {
    dress->suffix[0] = delimiter;
    dress->suffix_bytes = 1;
  }
}

static void length32_encode(bool is_big_endian, uint32_t length, pc_frame_dress *dress) {
  for (unsigned index = 0; index < LENGTH32_BYTES; index++) {
    unsigned shift = 8 * (is_big_endian ? LENGTH32_BYTES - 1 - index : index);
    dress->prefix[index] = (uint8_t)(length >> shift);
  }
  dress->prefix_bytes = LENGTH32_BYTES;
}

void pc_frame_encode(pc_framing framing, const uint8_t *data, uint32_t size,
                     pc_frame_dress *out_dress) {
  *out_dress = (pc_frame_dress){.prefix_bytes = 0};
  switch (framing) {
  case PC_FRAMING_NONE:
    break;
  case PC_FRAMING_LINE:
    delimiter_encode('\n', data, size, out_dress);
    break;
  case PC_FRAMING_NUL:
    delimiter_encode('\0', data, size, out_dress);
    break;
  case PC_FRAMING_LENGTH32_BE:
    length32_encode(true, size, out_dress);
    break;
  case PC_FRAMING_LENGTH32_LE:
    length32_encode(false, size, out_dress);
    break;
  }
}

const char *pc_framing_name(pc_framing framing) {
  for (size_t index = 0; index < sizeof framing_table / sizeof framing_table[0]; index++) {
    if (framing_table[index].framing == framing) {
      return framing_table[index].name;
    }
  }
  return "unknown";
}

bool pc_framing_from_name(const char *name, pc_framing *out_framing) {
  for (size_t index = 0; index < sizeof framing_table / sizeof framing_table[0]; index++) {
    if (strcmp(framing_table[index].name, name) == 0) {
      *out_framing = framing_table[index].framing;
      return true;
    }
  }
  return false;
}
