/* What a WebSocket client sends, made plainly: for tests of the server's side. */
#ifndef TESTS_SUPPORT_CLIENT_FRAME_H
#define TESTS_SUPPORT_CLIENT_FRAME_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define CLIENT_HEADER_MAX 14

/* The length as the header says it: CLIENT_LENGTH_SHORTEST, or a longer form than needed. */
typedef enum client_length {
  CLIENT_LENGTH_SHORTEST = 0,
  CLIENT_LENGTH_16 = 126,
  CLIENT_LENGTH_64 = 127
} client_length;

/* Writes the header of a masked frame, or with `mask` NULL of an unmasked one. Returns its size. */
static inline size_t client_header_write(uint8_t header[CLIENT_HEADER_MAX], uint8_t first,
                                         uint64_t length, client_length form, const uint8_t *mask) {
  if (form == CLIENT_LENGTH_SHORTEST && length > 125) {
    form = length > 65535 ? CLIENT_LENGTH_64 : CLIENT_LENGTH_16;
  }
  unsigned length_bytes = form == CLIENT_LENGTH_64 ? 8 : form == CLIENT_LENGTH_16 ? 2 : 0;
  header[0] = first;
  header[1] = (uint8_t)((mask != NULL ? 0x80 : 0) | (length_bytes == 0 ? (int)length : (int)form));
  for (unsigned index = 0; index < length_bytes; index++) {
    header[2 + index] = (uint8_t)(length >> (8 * (length_bytes - 1 - index)));
  }
  if (mask == NULL) {
    return 2 + length_bytes;
  }
  memcpy(header + 2 + length_bytes, mask, 4);
  return 2 + length_bytes + 4;
}

/* Writes a whole frame of CLIENT_HEADER_MAX + `size` bytes at most. Returns its size. */
static inline size_t client_frame_write(uint8_t *out, uint8_t first, const uint8_t *payload,
                                        size_t size, client_length form, const uint8_t *mask) {
  size_t header_size = client_header_write(out, first, size, form, mask);
  for (size_t index = 0; index < size; index++) {
    out[header_size + index] = (uint8_t)(payload[index] ^ (mask != NULL ? mask[index % 4] : 0));
  }
  return header_size + size;
}

#endif
