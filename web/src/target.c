/* Path segments and query pairs. Pure; any thread. Decoding comes after cutting, so an escaped
 * slash or ampersand stays inside its value. */
#include "target.h"

#include <string.h>
#include <strings.h>

#include "web/text.h"

static bool segments_parse(char *path, web_target *target) {
  char *at = path + 1;
  if (*at == '\0') {
    return true;
  }
  while (at != NULL) {
    char *next = strchr(at, '/');
    if (next != NULL) {
      *next++ = '\0';
    }
    if (target->segment_count >= WEB_SEGMENTS_MAX) {
      target->segment_count = WEB_SEGMENTS_MAX + 1;
      return true;
    }
    if (!web_percent_decode(at)) {
      return false;
    }
    target->segments[target->segment_count++] = at;
    at = next;
  }
  return true;
}

static void plus_to_space(char *text) {
  for (; *text != '\0'; text++) {
    if (*text == '+') {
      *text = ' ';
    }
  }
}

static bool pair_parse(char *text, web_target *target) {
  char *value = strchr(text, '=');
  if (value != NULL) {
    *value++ = '\0';
  } else {
    value = text + strlen(text);
  }
  plus_to_space(text);
  plus_to_space(value);
  if (target->query_count == WEB_QUERY_MAX || !web_percent_decode(text) ||
      !web_percent_decode(value)) {
    return false;
  }
  target->query[target->query_count++] = (web_query_pair){.name = text, .value = value};
  return true;
}

static bool query_parse(char *query, web_target *target) {
  while (query != NULL) {
    char *next = strchr(query, '&');
    if (next != NULL) {
      *next++ = '\0';
    }
    if (*query != '\0' && !pair_parse(query, target)) {
      return false;
    }
    query = next;
  }
  return true;
}

/* Length of "http://authority" before the path (RFC 9112 §3.2.2: to be understood, though only a
 * client that takes us for a proxy sends it). */
static size_t origin_read(char *text, web_target *target) {
  static const char scheme[] = "http://";
  const size_t scheme_size = sizeof scheme - 1;
  if (strncasecmp(text, scheme, scheme_size) != 0) {
    return 0;
  }
  target->authority = text + scheme_size;
  target->authority_size = strcspn(target->authority, "/");
  return scheme_size + target->authority_size;
}

bool web_target_parse(const char *text, size_t length, char *storage, web_target *out_target) {
  web_target target = {0};
  memcpy(storage, text, length);
  storage[length] = '\0';
  char *path = storage + origin_read(storage, &target);
  if (*path != '/') {
    return false;
  }
  char *cut = storage + length + 1;
  memcpy(cut, path, strlen(path) + 1);
  char *query = strchr(cut, '?');
  if (query != NULL) {
    path[query - cut] = '\0';
    *query++ = '\0';
  }
  target.path = path;
  if (!segments_parse(cut, &target) || !query_parse(query, &target)) {
    return false;
  }
  *out_target = target;
  return true;
}

const char *web_target_query(const web_target *target, const char *name) {
  for (size_t i = 0; i < target->query_count; i++) {
    if (strcmp(target->query[i].name, name) == 0) {
      return target->query[i].value;
    }
  }
  return NULL;
}
