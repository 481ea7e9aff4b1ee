/* Payloads in JSON. Pure; any thread. */
#include "json_payload.h"

#include <string.h>

#include "web/text.h"

static const char *const forms[] = {"text", "base64", "hex"};
enum { FORM_COUNT = sizeof forms / sizeof forms[0], NAME_SHOWN_BYTES = 64 };

json_t *br_json_object(const void *text, size_t size, br_problem *out_problem) {
  json_error_t error;
  json_t *value =
      json_loadb(text ? text : "", size, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
  if (json_is_object(value)) {
    return value;
  }
  if (value) {
    json_decref(value);
    (void)br_problem_set(out_problem, 400, "bad_json",
                         "A JSON object is wanted, as {\"text\":\"hello\"}.");
  } else if (json_error_code(&error) == json_error_out_of_memory) {
    (void)br_problem_set(out_problem, 503, "no_memory", "The bridge is out of memory; try again.");
  } else {
    (void)br_problem_set(out_problem, 400, "bad_json", "At line %d, column %d: %s.", error.line,
                         error.column, error.text);
  }
  return NULL;
}

/* The one form that is there. */
static const char *form_find(const json_t *object, br_problem *out_problem) {
  const char *found = NULL;
  for (size_t index = 0; index < FORM_COUNT; index++) {
    if (!json_object_get(object, forms[index])) {
      continue;
    }
    if (found) {
      (void)br_problem_set(out_problem, 400, "bad_payload",
                           "\"%s\" and \"%s\" are both there: a message is said in one way.", found,
                           forms[index]);
      return NULL;
    }
    found = forms[index];
  }
  if (!found) {
    (void)br_problem_set(out_problem, 400, "bad_payload",
                         "None of \"text\", \"base64\" and \"hex\" is there; \"text\":\"\" is an "
                         "empty message.");
  }
  return found;
}

static bool encoded_append(const char *form, const char *text, size_t size, web_buffer *out,
                           br_problem *out_problem) {
  bool is_hex = strcmp(form, "hex") == 0;
  size_t bound = is_hex ? WEB_HEX_READ_BOUND(size) : WEB_BASE64_READ_BOUND(size);
  uint8_t *room = web_buffer_reserve(out, bound);
  size_t read;
  if (!room) {
    return true; /* the buffer remembers it */
  }
  if (is_hex ? web_hex_read(text, size, room, &read) : web_base64_read(text, size, room, &read)) {
    web_buffer_commit(out, read);
    return true;
  }
  if (read == size) {
    return br_problem_set(out_problem, 400, "bad_payload", "\"%s\" ends too early: %s.", form,
                          is_hex ? "a byte is two digits"
                                 : "four characters are three bytes, padded with =");
  }
  return br_problem_set(out_problem, 400, "bad_payload", "\"%s\", at character %zu: %s.", form,
                        read + 1,
                        is_hex ? "bytes are pairs of hexadecimal digits"
                               : "this is not base64 (A-Z a-z 0-9 + /, padded with =)");
}

bool br_json_payload(const json_t *object, web_buffer *out, br_problem *out_problem) {
  const char *form = form_find(object, out_problem);
  if (!form) {
    return false;
  }
  const json_t *value = json_object_get(object, form);
  if (!json_is_string(value)) {
    return br_problem_set(out_problem, 400, "bad_payload", "\"%s\" is no string.", form);
  }
  const char *text = json_string_value(value);
  size_t size = json_string_length(value);
  if (strcmp(form, "text") == 0) {
    web_buffer_append(out, text, size);
  } else if (!encoded_append(form, text, size, out, out_problem)) {
    return false;
  }
  return !out->failed || br_problem_set(out_problem, 503, "no_memory",
                                        "The bridge is out of memory for this message; try again.");
}

static bool is_among(const char *name, const char *const *names, size_t count) {
  for (size_t index = 0; index < count && names[index]; index++) {
    if (strcmp(name, names[index]) == 0) {
      return true;
    }
  }
  return false;
}

bool br_json_has_only(const json_t *object, const char *const *names, br_problem *out_problem) {
  /* Jansson's iterators want an object that they could change. */
  json_t *mutable = (json_t *)(uintptr_t)object;
  for (void *at = json_object_iter(mutable); at; at = json_object_iter_next(mutable, at)) {
    const char *name = json_object_iter_key(at);
    if (!is_among(name, forms, FORM_COUNT) && !is_among(name, names, SIZE_MAX)) {
      bool is_short = strlen(name) <= NAME_SHOWN_BYTES;
      return br_problem_set(out_problem, 400, "unknown_member",
                            "\"%s\" is not known here; a message is text, base64 or hex.",
                            is_short ? name : "…");
    }
  }
  return true;
}

bool br_json_message(const void *text, size_t size, web_buffer *out, br_problem *out_problem) {
  static const char *const none[] = {NULL};
  json_t *object = br_json_object(text, size, out_problem);
  bool is_good = object && br_json_has_only(object, none, out_problem) &&
                 br_json_payload(object, out, out_problem);
  json_decref(object);
  return is_good;
}
