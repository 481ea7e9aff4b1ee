/* Packing. Pure; any thread.
 *
 * The groups follow the header, then texts, each with its NUL: user name, executable, unit,
 * container, command line (whose arguments have NULs between them; its size is in the header). */
#include "bridge/peer_details.h"

#include <string.h>

#include "web/text.h"

static char *text_put(char *cursor, const char *text, size_t size) {
  memcpy(cursor, text, size);
  cursor[size] = '\0';
  return cursor + size + 1;
}

/* A command line that was cut may end in the middle of a character. */
static size_t whole_characters(const char *text, size_t size) {
  size_t begin = size;
  while (begin > 0 && size - begin < 3 && ((unsigned char)text[begin - 1] & 0xc0) == 0x80) {
    begin--;
  }
  bool is_cut = begin > 0 && ((unsigned char)text[begin - 1] & 0x80) &&
                !web_utf8_is_valid((const uint8_t *)text + begin - 1, size - begin + 1);
  return is_cut ? begin - 1 : size;
}

size_t br_peer_details_pack(const pc_peer_details *details, const char *user_name,
                            uint8_t out_bytes[BR_PEER_DETAILS_MAX_BYTES]) {
  size_t line_bytes = details->command_line_bytes;
  if (details->is_command_line_cut) {
    line_bytes = whole_characters(details->command_line, line_bytes);
  }
  br_peer_details packed = {.group_count = (uint16_t)details->group_count,
                            .command_line_bytes = (uint16_t)line_bytes,
                            .known = (uint8_t)details->known,
                            .is_executable_current = details->is_executable_current,
                            .is_command_line_cut = details->is_command_line_cut};
  uint8_t *groups = out_bytes + sizeof packed;
  size_t groups_bytes = details->group_count * sizeof details->groups[0];
  memcpy(groups, details->groups, groups_bytes);
  char *cursor = (char *)groups + groups_bytes;
  cursor = text_put(cursor, user_name, strlen(user_name));
  cursor = text_put(cursor, details->executable, strlen(details->executable));
  cursor = text_put(cursor, details->unit, strlen(details->unit));
  cursor = text_put(cursor, details->container, strlen(details->container));
  cursor = text_put(cursor, details->command_line, line_bytes);
  packed.size_bytes = (uint16_t)((uint8_t *)cursor - out_bytes);
  memcpy(out_bytes, &packed, sizeof packed);
  return packed.size_bytes;
}

static const char *text_next(const char **cursor) {
  const char *text = *cursor;
  *cursor += strlen(text) + 1;
  return text;
}

br_peer_view br_peer_details_view(const br_peer_details *details) {
  br_peer_view view = {.groups = (const uint8_t *)(details + 1)};
  const char *texts = (const char *)view.groups + details->group_count * sizeof(uint32_t);
  view.user = text_next(&texts);
  view.executable = text_next(&texts);
  view.unit = text_next(&texts);
  view.container = text_next(&texts);
  view.command_line = texts;
  return view;
}

/* ---- as JSON ---- */

enum {
  /* Keys, four numbers, braces, generously. */
  JSON_FIXED_BYTES = 512
};

size_t br_peer_json_bound(const br_peer_details *details) {
  size_t name_bytes = sizeof((pc_peer *)NULL)->name;
  /* A group has four bytes here and eleven there; an argument has its NUL here, quotes and comma
   * there. */
  return JSON_FIXED_BYTES + WEB_JSON_STRING_BOUND(name_bytes) +
         WEB_JSON_STRING_BOUND((size_t)details->size_bytes);
}

static uint8_t *write_literal(uint8_t *cursor, const char *text) {
  size_t size = strlen(text);
  memcpy(cursor, text, size);
  return cursor + size;
}

/* Any process may call itself, its arguments and its files anything. */
static uint8_t *write_text(uint8_t *cursor, const char *text, size_t size) {
  const uint8_t *data = (const uint8_t *)text;
  if (web_utf8_is_valid(data, size)) {
    return web_json_write_string(cursor, data, size);
  }
  uint8_t *begin = cursor;
  uint8_t *end = begin;
  *end++ = '"';
  for (size_t index = 0; index < size; index++) {
    uint8_t piece[WEB_JSON_STRING_BOUND(1)];
    uint8_t byte = data[index] < 0x80 ? data[index] : '?';
    uint8_t *piece_end = web_json_write_string(piece, &byte, 1);
    size_t inside = (size_t)(piece_end - piece) - 2;
    memcpy(end, piece + 1, inside);
    end += inside;
  }
  *end++ = '"';
  return end;
}

static uint8_t *write_number(uint8_t *cursor, const char *key, int64_t value) {
  cursor = write_literal(cursor, key);
  if (value < 0) {
    *cursor++ = '-';
    return web_json_write_u64(cursor, (uint64_t) - (value + 1) + 1);
  }
  return web_json_write_u64(cursor, (uint64_t)value);
}

/* Nothing if the text is empty. */
static uint8_t *write_member(uint8_t *cursor, const char *key, const char *text) {
  if (text[0] == '\0') {
    return cursor;
  }
  return write_text(write_literal(cursor, key), text, strlen(text));
}

static uint8_t *write_groups(uint8_t *cursor, const uint8_t *groups, size_t count) {
  cursor = write_literal(cursor, ",\"groups\":");
  *cursor++ = '[';
  for (size_t index = 0; index < count; index++) {
    uint32_t group;
    memcpy(&group, groups + index * sizeof group, sizeof group);
    cursor = write_number(cursor, index ? "," : "", group);
  }
  *cursor++ = ']';
  return cursor;
}

static uint8_t *write_arguments(uint8_t *cursor, const char *line, size_t size) {
  cursor = write_literal(cursor, ",\"command_line\":");
  *cursor++ = '[';
  for (size_t begin = 0; size > 0 && begin <= size;) {
    size_t length = strlen(line + begin); /* the last one has a NUL of its own */
    cursor = write_text(write_literal(cursor, begin ? "," : ""), line + begin, length);
    begin += length + 1;
  }
  *cursor++ = ']';
  return cursor;
}

static uint8_t *write_ids(uint8_t *cursor, const pc_peer *peer) {
  cursor = write_number(cursor, "{\"pid\":", peer->pid);
  cursor = write_number(cursor, ",\"uid\":", peer->uid);
  cursor = write_number(cursor, ",\"gid\":", peer->gid);
  return write_text(write_literal(cursor, ",\"name\":"), peer->name, strlen(peer->name));
}

uint8_t *br_peer_ids_json_write(uint8_t *cursor, const pc_peer *peer) {
  return write_literal(write_ids(cursor, peer), "}");
}

uint8_t *br_peer_json_write(uint8_t *cursor, const pc_peer *peer, const br_peer_details *details) {
  br_peer_view view = br_peer_details_view(details);
  cursor = write_ids(cursor, peer);
  cursor = write_member(cursor, ",\"user\":", view.user);
  if (details->known & PC_PEER_GROUPS) {
    cursor = write_groups(cursor, view.groups, details->group_count);
  }
  cursor = write_member(cursor, ",\"executable\":", view.executable);
  if ((details->known & PC_PEER_EXECUTABLE) && !details->is_executable_current) {
    cursor = write_literal(cursor, ",\"executable_is_current\":false");
  }
  cursor = write_member(cursor, ",\"unit\":", view.unit);
  cursor = write_member(cursor, ",\"container\":", view.container);
  if (details->known & PC_PEER_COMMAND_LINE) {
    cursor = write_arguments(cursor, view.command_line, details->command_line_bytes);
  }
  if (details->is_command_line_cut) {
    cursor = write_literal(cursor, ",\"command_line_is_cut\":true");
  }
  *cursor++ = '}';
  return cursor;
}
