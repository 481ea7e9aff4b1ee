/* Collects configuration problems into one bounded text. Pure but for the caller's memory; any
 * thread. */
#include "config_problems.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Kept free for the closing line that counts what did not fit. */
#define TAIL_BYTES 64
#define LINE_BYTES 1024

void br_config_problems_init(br_config_problems *problems, const char *where, char *text,
                             size_t size) {
  *problems = (br_config_problems){.where = where, .text = text, .size = size};
  if (size > 0) {
    text[0] = '\0';
  }
}

void br_config_problems_init_pipe(br_config_problems *problems, char *text, size_t size) {
  br_config_problems_init(problems, "the pipe", text, size);
  problems->is_one_pipe = true;
}

const char *br_config_printable(const char *text, char *out, size_t size) {
  size_t length = strlen(text);
  size_t kept = length < size ? length : size - 1;
  for (size_t index = 0; index < kept; index++) {
    unsigned char byte = (unsigned char)text[index];
    out[index] = byte < 0x20 || byte == 0x7f ? '?' : text[index];
  }
  out[kept] = '\0';
  if (kept < length && kept > 3) {
    memcpy(out + kept - 3, "...", 3);
  }
  return out;
}

/* snprintf that keeps count and never runs over; what is cut is cut. */
static void text_append(char *text, size_t size, size_t *used, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
static void text_append(char *text, size_t size, size_t *used, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  int written = vsnprintf(text + *used, size - *used, format, arguments);
  va_end(arguments);
  if (written > 0) {
    size_t room = size - *used - 1;
    *used += (size_t)written < room ? (size_t)written : room;
  }
}

/* Depth is bounded by the tables: at most pipes[i].limits.key. */
static void place_format(const br_config_place *place, char *text, size_t size, size_t *used) {
  if (!place) {
    return;
  }
  place_format(place->parent, text, size, used);
  if (place->key) {
    char key[80];
    text_append(text, size, used, "%s%s", place->parent ? "." : "",
                br_config_printable(place->key, key, sizeof key));
  } else {
    text_append(text, size, used, "[%zu]", place->index);
  }
}

/* Without the list and its element, "/limits/max_instances". The keys have nothing that a pointer
 * would have to escape; what is no key of ours is shown as it is. */
static void pointer_format(const br_config_place *place, char *text, size_t size, size_t *used) {
  if (!place->parent || !place->parent->parent) {
    return;
  }
  pointer_format(place->parent, text, size, used);
  char key[80];
  if (place->key) {
    text_append(text, size, used, "/%s", br_config_printable(place->key, key, sizeof key));
  } else {
    text_append(text, size, used, "/%zu", place->index);
  }
}

static void problems_hide(br_config_problems *problems) {
  problems->hidden++;
  if (problems->size > problems->used) {
    (void)snprintf(problems->text + problems->used, problems->size - problems->used,
                   "%s... and %zu more", problems->used ? "\n" : "", problems->hidden);
  }
}

void br_config_problems_add(br_config_problems *problems, const br_config_place *place,
                            const char *format, ...) {
  problems->count++;
  char line[LINE_BYTES];
  size_t used = 0;
  const char *separator = problems->count > 1 ? "\n" : "";
  bool is_pointer = problems->is_one_pipe && place && place->parent && place->parent->parent;
  if (is_pointer) {
    text_append(line, sizeof line, &used, "%s", separator);
    pointer_format(place, line, sizeof line, &used);
    text_append(line, sizeof line, &used, ": ");
  } else {
    text_append(line, sizeof line, &used, "%s%s: ", separator, problems->where);
    place = problems->is_one_pipe ? NULL : place;
    place_format(place, line, sizeof line, &used);
    text_append(line, sizeof line, &used, place ? ": " : "");
  }
  va_list arguments;
  va_start(arguments, format);
  (void)vsnprintf(line + used, sizeof line - used, format, arguments);
  va_end(arguments);

  size_t length = strlen(line);
  bool is_first_and_cut = problems->count == 1 && problems->size > 0;
  if (problems->hidden == 0 && problems->used + length + TAIL_BYTES < problems->size) {
    memcpy(problems->text + problems->used, line, length + 1);
    problems->used += length;
  } else if (is_first_and_cut) {
    (void)snprintf(problems->text, problems->size, "%s", line);
    problems->used = strlen(problems->text);
  } else {
    problems_hide(problems);
  }
}
