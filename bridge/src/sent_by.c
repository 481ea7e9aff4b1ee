/* A few words about a stranger, which may be anything. Pure; any thread. */
#include "sent_by.h"

#include <string.h>

#include "check.h"
#include "web/text.h"

enum { VIA_MAX_BYTES = 16, ADDRESS_MAX_BYTES = 55 };

/* The longest of each, every character of a name a quote that is escaped. */
_Static_assert(sizeof "{\"via\":\"\",\"address\":\"\",\"client\":\"\"}" + VIA_MAX_BYTES +
                       ADDRESS_MAX_BYTES + 2 * BR_SENT_BY_CLIENT_BYTES <=
                   BR_SENT_BY_MAX_BYTES,
               "who it was always fits");

static uint8_t *write_text(uint8_t *cursor, const char *text) {
  size_t size = strlen(text);
  memcpy(cursor, text, size);
  return cursor + size;
}

/* Size of the character at `text`, if it may be told as it is; 0: its first byte may not. */
static size_t character_size(const uint8_t *text, size_t size) {
  if (text[0] < 0x80) {
    return text[0] >= 0x20 && text[0] != 0x7f;
  }
  for (size_t length = 2; length <= 4 && length <= size; length++) {
    if (web_utf8_is_valid(text, length)) {
      bool is_control = text[0] == 0xc2 && text[1] < 0xa0; /* U+0080 to U+009F */
      return is_control ? 0 : length;
    }
  }
  return 0;
}

/* The first whole characters that are fit to be shown; of the others `?` is told, byte by byte. */
static size_t name_clean(const char *name, uint8_t out_name[BR_SENT_BY_CLIENT_BYTES]) {
  const uint8_t *data = (const uint8_t *)name;
  size_t size = strnlen(name, (size_t)4 * BR_SENT_BY_CLIENT_BYTES);
  size_t used = 0;
  for (size_t at = 0; at < size && used < BR_SENT_BY_CLIENT_BYTES;) {
    size_t length = character_size(data + at, size - at);
    if (length > BR_SENT_BY_CLIENT_BYTES - used) {
      break;
    }
    if (length == 0) {
      out_name[used++] = '?';
      at++;
    } else {
      memcpy(out_name + used, data + at, length);
      used += length;
      at += length;
    }
  }
  return used;
}

void br_sent_by_write(br_sent_by *out_by, const char *via, const char *address,
                      const char *client) {
  uint8_t *cursor = out_by->json;
  BR_CHECK(strlen(via) <= VIA_MAX_BYTES && strlen(address) <= ADDRESS_MAX_BYTES);
  cursor = write_text(write_text(write_text(cursor, "{\"via\":\""), via), "\"");
  if (*address) {
    cursor = write_text(write_text(write_text(cursor, ",\"address\":\""), address), "\"");
  }
  if (client && *client) {
    uint8_t name[BR_SENT_BY_CLIENT_BYTES];
    size_t size = name_clean(client, name);
    cursor = web_json_write_string(write_text(cursor, ",\"client\":"), name, size);
  }
  cursor = write_text(cursor, "}");
  out_by->size = (uint8_t)(cursor - out_by->json);
}
