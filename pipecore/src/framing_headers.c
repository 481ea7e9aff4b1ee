/* Framing `headers`: lines "Name: value\r\n", an empty line, then as many bytes as Content-Length
 * says, as in the base protocols of the Language Server Protocol and the Debug Adapter Protocol.
 * Pure; any thread.
 *
 * Each line is read once, as soon as it is whole, so that what is no header is told at its first
 * line end and not only when the block is full. Strict where a mistake would cut the stream
 * wrongly: one Content-Length, digits only, lines that end with \r\n. Any other header is looked
 * over. */
#include <string.h>

#include "framing_kind.h"

/* So many digits fit 64 bits; a length over the limit is skipped exactly. */
enum { DIGITS_MAX = 18 };

static const char length_name[] = "content-length";

static bool is_blank(uint8_t byte) {
  return byte == ' ' || byte == '\t';
}

/* A character of a field name (RFC 9110, token). */
static bool is_name_byte(uint8_t byte) {
  return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
         (byte >= 'a' && byte <= 'z') || (byte && strchr("!#$%&'*+-.^_`|~", byte));
}

static bool is_length_name(const uint8_t *name, size_t size) {
  if (size != sizeof length_name - 1) {
    return false;
  }
  for (size_t index = 0; index < size; index++) {
    uint8_t lower = (uint8_t)(name[index] | (name[index] >= 'A' && name[index] <= 'Z' ? 0x20 : 0));
    if (lower != (uint8_t)length_name[index]) {
      return false;
    }
  }
  return true;
}

static bool length_parse(const uint8_t *value, size_t size, uint64_t *out_length) {
  while (size > 0 && is_blank(value[0])) {
    value++;
    size--;
  }
  while (size > 0 && is_blank(value[size - 1])) {
    size--;
  }
  if (size == 0 || size > DIGITS_MAX) {
    return false;
  }
  uint64_t length = 0;
  for (size_t index = 0; index < size; index++) {
    if (value[index] < '0' || value[index] > '9') {
      return false;
    }
    length = length * 10 + (uint64_t)(value[index] - '0');
  }
  *out_length = length;
  return true;
}

/* One line without its end. False: it is no header. */
static bool line_take(pc_frame_decoder *decoder, const uint8_t *line, size_t size) {
  size_t name_size = 0;
  while (name_size < size && is_name_byte(line[name_size])) {
    name_size++;
  }
  if (name_size == 0 || name_size == size || line[name_size] != ':' ||
      memchr(line, '\r', size) != NULL) {
    return false;
  }
  if (!is_length_name(line, name_size)) {
    return true;
  }
  bool is_second = decoder->has_length;
  decoder->has_length = true;
  return !is_second &&
         length_parse(line + name_size + 1, size - name_size - 1, &decoder->payload_bytes);
}

/* Reads the lines from prefix_bytes on. PC_OK: prefix_bytes is the whole block. */
static pc_status block_read(pc_frame_decoder *decoder, const uint8_t *data, size_t size) {
  size_t end = size < PC_FRAME_HEADERS_MAX_BYTES ? size : PC_FRAME_HEADERS_MAX_BYTES;
  while (decoder->scanned_bytes < end) {
    const uint8_t *found =
        memchr(data + decoder->scanned_bytes, '\n', end - decoder->scanned_bytes);
    if (!found) {
      decoder->scanned_bytes = end;
      break;
    }
    const uint8_t *line = data + decoder->prefix_bytes;
    size_t line_size = (size_t)(found - line);
    if (line_size == 0 || line[line_size - 1] != '\r') {
      return PC_E_MALFORMED;
    }
    decoder->scanned_bytes = (size_t)(found - data) + 1;
    decoder->prefix_bytes = (uint32_t)decoder->scanned_bytes;
    if (line_size == 1) {
      return decoder->has_length ? PC_OK : PC_E_MALFORMED;
    }
    if (!line_take(decoder, line, line_size - 1)) {
      return PC_E_MALFORMED;
    }
  }
  return end == PC_FRAME_HEADERS_MAX_BYTES ? PC_E_MALFORMED : PC_AGAIN;
}

pc_status pc_decode_headers(PC_DECODE_PARAMETERS) {
  if (!decoder->is_prefix_whole) {
    pc_status status = block_read(decoder, data, size);
    if (status != PC_OK) {
      return status;
    }
    decoder->scanned_bytes = 0;
    decoder->has_length = false;
  }
  pc_status status = pc_frame_take(decoder, decoder->prefix_bytes, decoder->payload_bytes, data,
                                   size, out_frame, out_consumed);
  if (status == PC_OK) {
    decoder->prefix_bytes = 0;
  }
  return status;
}

static void headers_encode(const uint8_t *data, uint32_t size, pc_frame_dress *dress) {
  static const char name[] = "Content-Length: ";
  (void)data;
  uint8_t digits[10];
  unsigned count = 0;
  do {
    digits[count++] = (uint8_t)('0' + size % 10);
    size /= 10;
  } while (size > 0);
  memcpy(dress->prefix, name, sizeof name - 1);
  uint8_t *out = dress->prefix + sizeof name - 1;
  while (count > 0) {
    *out++ = digits[--count];
  }
  memcpy(out, "\r\n\r\n", 4);
  dress->prefix_bytes = (uint8_t)(out + 4 - dress->prefix);
}

const pc_framing_kind pc_framing_kind_headers = {.name = "headers",
                                                 .max_message_bytes = UINT32_MAX,
                                                 .has_prefix = true,
                                                 .skip = pc_frame_skip_counted,
                                                 .encode = headers_encode};
