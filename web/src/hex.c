/* Hexadecimal digits. Pure; any thread. */
#include "web/text.h"

/* 0 to 15; 16: not a digit. */
static unsigned digit_value(char digit) {
  if (digit >= '0' && digit <= '9') {
    return (unsigned)(digit - '0');
  }
  char lower = (char)(digit | 0x20);
  return lower >= 'a' && lower <= 'f' ? (unsigned)(lower - 'a') + 10 : 16;
}

bool web_hex_read(const char *text, size_t size, uint8_t *out, size_t *out_size) {
  uint8_t *cursor = out;
  for (size_t at = 0; at < size;) {
    if (text[at] == ' ' || (text[at] >= '\t' && text[at] <= '\r')) {
      at++;
      continue;
    }
    unsigned high = digit_value(text[at]);
    unsigned low = at + 1 < size ? digit_value(text[at + 1]) : 16;
    if (high == 16 || low == 16) {
      *out_size = high == 16 ? at : at + 1;
      return false;
    }
    *cursor++ = (uint8_t)(high << 4 | low);
    at += 2;
  }
  *out_size = (size_t)(cursor - out);
  return true;
}
