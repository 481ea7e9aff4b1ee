/* RFC 6455 frames without I/O: the server's side of the protocol as a pure state machine.
 *
 * Feed it what the peer sent, in any pieces; it unmasks in place and calls back for whole messages
 * and control frames. It answers nothing itself: the owner does (pong, close echo). One thread at a
 * time; no clock; allocates only to put fragments together, up to max_message_bytes. */
#ifndef WEB_WEBSOCKET_CODEC_H
#define WEB_WEBSOCKET_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "web/deflate.h"

typedef enum web_ws_opcode {
  WEB_WS_CONTINUATION = 0x0,
  WEB_WS_TEXT = 0x1,
  WEB_WS_BINARY = 0x2,
  WEB_WS_CLOSE = 0x8,
  WEB_WS_PING = 0x9,
  WEB_WS_PONG = 0xa
} web_ws_opcode;

/* Close codes, RFC 6455 §7.4.1 and the IANA registry. */
enum {
  WEB_WS_NORMAL = 1000,
  WEB_WS_GOING_AWAY = 1001,
  WEB_WS_PROTOCOL_ERROR = 1002,
  WEB_WS_UNSUPPORTED_DATA = 1003,
  WEB_WS_NO_STATUS = 1005, /* never on the wire: the close frame had no code */
  WEB_WS_ABNORMAL = 1006,  /* never on the wire: the connection just ended   */
  WEB_WS_INVALID_DATA = 1007,
  WEB_WS_POLICY = 1008,
  WEB_WS_TOO_BIG = 1009,
  WEB_WS_INTERNAL_ERROR = 1011,
  WEB_WS_SERVICE_RESTART = 1012,
  WEB_WS_TRY_AGAIN_LATER = 1013
};
/* Whether a peer may send this code (RFC 6455 §7.4). */
bool web_ws_is_valid_close_code(uint16_t code);

typedef struct web_ws_codec web_ws_codec;

typedef struct web_ws_codec_events {
  /* A whole data message: opcode TEXT (valid UTF-8) or BINARY. Borrowed during the call. */
  void (*on_message)(web_ws_opcode opcode, const uint8_t *data, size_t size, void *user);
  /* PING or PONG, at most 125 bytes. */
  void (*on_control)(web_ws_opcode opcode, const uint8_t *data, size_t size, void *user);
  /* A well-formed close frame: the code (WEB_WS_NO_STATUS if it had none) and the reason. Last
   * call. */
  void (*on_close)(uint16_t code, const uint8_t *reason, size_t size, void *user);
} web_ws_codec_events;

web_ws_codec *web_ws_codec_create(const web_ws_codec_events *events, void *user,
                                  size_t max_message_bytes);
void web_ws_codec_destroy(web_ws_codec *codec);
/* From here on messages may come compressed; what expands them is borrowed from `pool`, which
 * outlives the codec. max_message_bytes holds for what they expand to. */
void web_ws_codec_allow_deflate(web_ws_codec *codec, web_inflaters *pool);

/* Takes `size` bytes, which it changes (unmasks) in place. Returns 0 to go on, WEB_WS_NORMAL after
 * a close frame (anything behind it is ignored), else the close code to fail the connection with;
 * after a non-zero return further bytes are ignored and the same code comes back. A callback may
 * not destroy the codec. */
uint16_t web_ws_codec_feed(web_ws_codec *codec, uint8_t *data, size_t size);
/* Inside a callback: the feed returns right behind what is being told. */
void web_ws_codec_stop(web_ws_codec *codec);
/* How many bytes at the end of what was fed last were not looked at, since the feed was stopped. */
size_t web_ws_codec_left_bytes(const web_ws_codec *codec);
/* For messages that begin from now on. */
void web_ws_codec_set_max_message_bytes(web_ws_codec *codec, size_t max_message_bytes);
/* In English, why the last feed failed, or NULL. Static text, at most 123 bytes: fit for a close
 * reason. */
const char *web_ws_codec_failure(const web_ws_codec *codec);

/* Header of an unmasked, final frame (what a server sends). Returns its size. */
#define WEB_WS_HEADER_MAX 10
/* In the first byte of a message's first frame: RSV1, by RFC 7692. */
#define WEB_WS_COMPRESSED 0x40
size_t web_ws_write_header(uint8_t header[WEB_WS_HEADER_MAX], web_ws_opcode opcode, size_t payload);
/* The same for a payload that `deflater` makes smaller where that pays: *payload and *size become
 * what is to be sent behind the header, valid until the deflater's next call. NULL: as it is. */
size_t web_ws_pack(uint8_t header[WEB_WS_HEADER_MAX], web_ws_opcode opcode, const void **payload,
                   size_t *size, web_deflater *deflater);
/* Payload of a close frame: code and reason, cut to 125 bytes at a character. Returns its size. */
size_t web_ws_write_close(uint8_t payload[125], uint16_t code, const char *reason);

/* The handshake's Sec-WebSocket-Accept for a Sec-WebSocket-Key (RFC 6455 §4.2.2): 28 characters +
 * NUL. False if the key is not 16 bytes in base64. */
bool web_ws_accept_key(const char *key, char out_accept[29]);

#endif
