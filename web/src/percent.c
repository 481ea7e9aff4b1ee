/* Percent-decoding of what a request's target carries (RFC 3986 §2.1). Pure; any thread. */
#include "web/text.h"

static int hex_value(char digit) {
  if (digit >= '0' && digit <= '9') {
    return digit - '0';
  }
  char lower = (char)(digit | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

bool web_percent_decode(char *text) {
  char *out = text;
  while (*text != '\0') {
    if (*text != '%') {
      *out++ = *text++;
      continue;
    }
    int high = hex_value(text[1]);
    int low = high < 0 ? -1 : hex_value(text[2]);
    if (low < 0 || (high == 0 && low == 0)) {
      return false;
    }
    *out++ = (char)(high * 16 + low);
    text += 3;
  }
  *out = '\0';
  return true;
}
