/* Text at speed: UTF-8 validation, JSON strings, base64, percent-decoding. Pure; any thread.
 *
 * The writers take a cursor into memory that the caller made large enough, and return the cursor
 * behind what they wrote; the bounds are macros. */
#ifndef WEB_TEXT_H
#define WEB_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether all of `data` is well-formed UTF-8 (RFC 3629: no surrogates, nothing over U+10FFFF,
 * shortest forms only). */
bool web_utf8_is_valid(const uint8_t *data, size_t size);

/* The same over pieces, failing at the first byte that no continuation can mend; from then on every
 * feed fails. Begins as {0}. */
typedef struct web_utf8 {
  uint32_t state; /* 0: between characters */
} web_utf8;
bool web_utf8_feed(web_utf8 *utf8, const uint8_t *data, size_t size);
static inline bool web_utf8_is_complete(const web_utf8 *utf8) {
  return utf8->state == 0;
}

/* The JSON string of valid UTF-8, with its quotes (RFC 8259 §7; also escapes U+2028/9 not at
 * all). */
#define WEB_JSON_STRING_BOUND(size) ((size)*6 + 2)
uint8_t *web_json_write_string(uint8_t *cursor, const uint8_t *data, size_t size);
/* Decimal. All WEB_U64_BOUND bytes may be touched, however short the number. */
#define WEB_U64_BOUND 20
uint8_t *web_json_write_u64(uint8_t *cursor, uint64_t value);

#define WEB_BASE64_BOUND(size) (((size) + 2) / 3 * 4)
/* Standard alphabet, padded (RFC 4648 §4). */
uint8_t *web_base64_write(uint8_t *cursor, const uint8_t *data, size_t size);

/* Reads it back: that alphabet, padded, the unused bits 0, and nothing else. False: `*out_size` is
 * the offset of the first character that is wrong, `size` where the text ends too early; `out` is
 * half written. */
#define WEB_BASE64_READ_BOUND(size) ((size) / 4 * 3)
bool web_base64_read(const char *text, size_t size, uint8_t *out, size_t *out_size);
/* Pairs of hexadecimal digits, with white space between pairs where one likes. Failures as
 * above. */
#define WEB_HEX_READ_BOUND(size) ((size) / 2)
bool web_hex_read(const char *text, size_t size, uint8_t *out, size_t *out_size);

/* Decodes %XX in place (RFC 3986 §2.1; a '+' stays one). False, and `text` is left half decoded, if
 * a '%' is not followed by two hexadecimal digits or stands for NUL. */
bool web_percent_decode(char *text);

#endif
