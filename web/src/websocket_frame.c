/* What RFC 6455 says of single frames from the server's side: header, close payload, close codes.
 * Pure; any thread. */
#include <string.h>

#include "web/text.h"
#include "web/websocket_codec.h"

enum { FRAME_FINAL = 0x80, LENGTH_16 = 126, LENGTH_64 = 127, CLOSE_MAX = 125 };

size_t web_ws_write_header(uint8_t header[WEB_WS_HEADER_MAX], web_ws_opcode opcode,
                           size_t payload) {
  header[0] = (uint8_t)(FRAME_FINAL | opcode);
  if (payload < LENGTH_16) {
    header[1] = (uint8_t)payload;
    return 2;
  }
  if (payload <= UINT16_MAX) {
    header[1] = LENGTH_16;
    header[2] = (uint8_t)(payload >> 8);
    header[3] = (uint8_t)payload;
    return 4;
  }
  header[1] = LENGTH_64;
  uint64_t length = payload;
  for (unsigned index = 0; index < 8; index++) {
    header[2 + index] = (uint8_t)(length >> (56 - 8 * index));
  }
  return 10;
}

size_t web_ws_pack(uint8_t header[WEB_WS_HEADER_MAX], web_ws_opcode opcode, const void **payload,
                   size_t *size, web_deflater *deflater) {
  const uint8_t *packed =
      deflater != NULL ? web_deflater_pack(deflater, *payload, *size, size) : NULL;
  *payload = packed != NULL ? packed : *payload;
  size_t header_size = web_ws_write_header(header, opcode, *size);
  header[0] |= packed != NULL ? WEB_WS_COMPRESSED : 0;
  return header_size;
}

size_t web_ws_write_close(uint8_t payload[125], uint16_t code, const char *reason) {
  if (code == WEB_WS_NO_STATUS) {
    return 0;
  }
  payload[0] = (uint8_t)(code >> 8);
  payload[1] = (uint8_t)code;
  size_t size = reason == NULL ? 0 : strlen(reason);
  if (size > CLOSE_MAX - 2) {
    size = CLOSE_MAX - 2;
    /* Not through a character: its first byte and what follows stay out together. */
    while (size != 0 && ((uint8_t)reason[size] & 0xc0) == 0x80) {
      size--;
    }
  }
  /* An empty reason is better than one that is no text: the peer would have to fail the
   * connection. */
  if (!web_utf8_is_valid((const uint8_t *)reason, size)) {
    size = 0;
  }
  if (size != 0) {
    memcpy(payload + 2, reason, size);
  }
  return 2 + size;
}

bool web_ws_is_valid_close_code(uint16_t code) {
  /* 1004 has no meaning; 1005, 1006 and 1015 never travel; 1012 to 1014 came with the IANA
   * registry. */
  bool is_defined = (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014);
  return is_defined || (code >= 3000 && code <= 4999);
}
