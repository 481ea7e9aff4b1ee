/* The one computation of the opening handshake (RFC 6455 §4.2.2). Owner file of nettle. Pure; any
 * thread. */
#include <string.h>

#include <nettle/base64.h>
#include <nettle/sha1.h>

#include "web/text.h"
#include "web/websocket_codec.h"

enum { KEY_TEXT_SIZE = 24, KEY_SIZE = 16 };

static bool key_is_16_bytes_in_base64(const char *key) {
  if (strlen(key) != KEY_TEXT_SIZE) {
    return false;
  }
  struct base64_decode_ctx decoder;
  uint8_t decoded[BASE64_DECODE_LENGTH(KEY_TEXT_SIZE)];
  size_t size = sizeof decoded;
  base64_decode_init(&decoder);
  return base64_decode_update(&decoder, &size, decoded, KEY_TEXT_SIZE, key) != 0 &&
         base64_decode_final(&decoder) != 0 && size == KEY_SIZE;
}

bool web_ws_accept_key(const char *key, char out_accept[29]) {
  static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  if (!key_is_16_bytes_in_base64(key)) {
    return false;
  }
  struct sha1_ctx sha1;
  uint8_t digest[SHA1_DIGEST_SIZE];
  sha1_init(&sha1);
  sha1_update(&sha1, KEY_TEXT_SIZE, (const uint8_t *)key);
  sha1_update(&sha1, sizeof guid - 1, (const uint8_t *)guid);
  sha1_digest(&sha1, sizeof digest, digest);
  *web_base64_write((uint8_t *)out_accept, digest, sizeof digest) = '\0';
  return true;
}
