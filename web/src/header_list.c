/* Elements of comma-separated headers. Pure; any thread. */
#include "header_list.h"

#include <string.h>
#include <strings.h>

static bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

size_t web_header_size(const char *value) {
  size_t size = strlen(value);
  while (size > 0 && is_blank(value[size - 1])) {
    size--;
  }
  return size;
}

size_t web_header_next(const char **text, const char **out_element) {
  const char *at = *text;
  while (is_blank(*at) || *at == ',') {
    at++;
  }
  size_t size = strcspn(at, ",");
  *text = at + size;
  *out_element = at;
  while (size > 0 && is_blank(at[size - 1])) {
    size--;
  }
  return size;
}

bool web_header_has_token(const char *list, const char *token) {
  const char *element = NULL;
  size_t size = 0;
  while (list != NULL && (size = web_header_next(&list, &element)) > 0) {
    if (size == strlen(token) && strncasecmp(element, token, size) == 0) {
      return true;
    }
  }
  return false;
}

/* Whether the parameters behind a coding say q=0 (0.0, 0.00, 0.000). */
static bool quality_is_zero(const char *parameters, size_t size) {
  size_t at = 0;
  while (at < size && (parameters[at] == ';' || is_blank(parameters[at]))) {
    at++;
  }
  if (size - at < 3 || strncasecmp(parameters + at, "q=", 2) != 0) {
    return false;
  }
  for (at += 2; at < size; at++) {
    if (parameters[at] != '0' && parameters[at] != '.') {
      return false;
    }
  }
  return true;
}

bool web_header_accepts_gzip(const char *list) {
  const char *element = NULL;
  size_t size = 0;
  bool accepts_any = false;
  while (list != NULL && (size = web_header_next(&list, &element)) > 0) {
    size_t name = 0;
    while (name < size && element[name] != ';' && !is_blank(element[name])) {
      name++;
    }
    bool is_accepted = !quality_is_zero(element + name, size - name);
    if (name == 4 && strncasecmp(element, "gzip", 4) == 0) {
      return is_accepted;
    }
    if (name == 1 && element[0] == '*') {
      accepts_any = is_accepted;
    }
  }
  return accepts_any;
}

bool web_header_matches_etag(const char *list, const char *etag) {
  const char *element = NULL;
  size_t size = 0;
  while (list != NULL && (size = web_header_next(&list, &element)) > 0) {
    if (size == 1 && element[0] == '*') {
      return true;
    }
    if (size > 2 && element[0] == 'W' && element[1] == '/') {
      element += 2;
      size -= 2;
    }
    if (size == strlen(etag) && memcmp(element, etag, size) == 0) {
      return true;
    }
  }
  return false;
}
