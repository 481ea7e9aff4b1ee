/* Reads single values and lists of texts: type, range and words by the key, then into the target. A
 * problem leaves the default in place and is added. Start-up; one thread. */
#include "config_values.h"

#include <stdlib.h>
#include <string.h>

#include "host.h"

const char *br_config_type_name(const json_t *value) {
  switch (json_typeof(value)) {
  case JSON_OBJECT:
    return "an object";
  case JSON_ARRAY:
    return "a list";
  case JSON_STRING:
    return "a text";
  case JSON_INTEGER:
    return "a whole number";
  case JSON_REAL:
    return "a number with a fraction";
  case JSON_TRUE:
  case JSON_FALSE:
    return "true or false";
  case JSON_NULL:
    return "null";
  }
  return "something else";
}

static void no_memory(br_config_problems *problems, const br_config_place *place) {
  br_config_problems_add(problems, place, "out of memory");
}

static void integer_read(const json_t *value, const br_config_key *key, char *target,
                         const br_config_place *place, br_config_problems *problems) {
  if (!json_is_integer(value)) {
    br_config_problems_add(problems, place, "must be a whole number, not %s",
                           br_config_type_name(value));
    return;
  }
  json_int_t number = json_integer_value(value);
  if (number < (json_int_t)*key->minimum) {
    br_config_problems_add(problems, place, "%" JSON_INTEGER_FORMAT " is below the minimum %u",
                           number, *key->minimum);
  } else if (number > (json_int_t)*key->maximum) {
    br_config_problems_add(problems, place, "%" JSON_INTEGER_FORMAT " is above the maximum %u",
                           number, *key->maximum);
  } else {
    uint32_t stored = (uint32_t)number;
    memcpy(target + key->offset, &stored, sizeof stored);
  }
}

static void switch_read(const json_t *value, const br_config_key *key, char *target,
                        const br_config_place *place, br_config_problems *problems) {
  if (!json_is_boolean(value)) {
    br_config_problems_add(problems, place, "must be true or false, not %s",
                           br_config_type_name(value));
    return;
  }
  bool is_on = json_is_true(value);
  memcpy(target + key->offset, &is_on, sizeof is_on);
}

/* "a, b or c". */
static void words_list(const br_config_word *words, char *out, size_t size) {
  size_t available = 0;
  for (const br_config_word *word = words; word->name; word++) {
    available++;
  }
  size_t used = 0;
  out[0] = '\0';
  for (const br_config_word *word = words; word->name && used < size; word++) {
    available--;
    int written = snprintf(out + used, size - used, "\"%s\"%s", word->name,
                           available > 1    ? ", "
                           : available == 1 ? " or "
                                            : "");
    used += written > 0 ? (size_t)written : 0;
  }
}

static void word_refuse(const char *text, const br_config_key *key, const br_config_place *place,
                        br_config_problems *problems) {
  char shown[64], known[128];
  br_config_printable(text, shown, sizeof shown);
  words_list(key->words, known, sizeof known);
  const char *meant = br_config_word_suggest(key->words, text);
  if (meant) {
    br_config_problems_add(problems, place, "\"%s\" is not known; did you mean \"%s\"? (%s)", shown,
                           meant, known);
  } else {
    br_config_problems_add(problems, place, "\"%s\" is not known; must be %s", shown, known);
  }
}

static void word_read(const char *text, const br_config_key *key, char *target,
                      const br_config_place *place, br_config_problems *problems) {
  for (const br_config_word *word = key->words; word->name; word++) {
    if (strcmp(word->name, text) != 0) {
      continue;
    }
    if (key->is_stored) {
      memcpy(target + key->offset, &word->value, sizeof word->value);
    }
    return;
  }
  word_refuse(text, key, place, problems);
}

/* Whether the text has a fitting length and passes the key's own check. */
static bool text_check(const char *text, const br_config_key *key, uint32_t minimum,
                       uint32_t maximum, const br_config_place *place,
                       br_config_problems *problems) {
  size_t length = strlen(text);
  if (length < minimum) {
    br_config_problems_add(problems, place, "must not be empty");
    return false;
  }
  if (length > maximum) {
    br_config_problems_add(problems, place, "%zu bytes are above the maximum %u", length, maximum);
    return false;
  }
  char wrong[512];
  if (key->check && !key->check(text, wrong, sizeof wrong)) {
    char shown[sizeof wrong];
    br_config_problems_add(problems, place, "%s", br_config_printable(wrong, shown, sizeof shown));
    return false;
  }
  return true;
}

static void text_read(const char *text, const br_config_key *key, char *target,
                      const br_config_place *place, br_config_problems *problems) {
  if (!text_check(text, key, *key->minimum, *key->maximum, place, problems)) {
    return;
  }
  const char *copy = strdup(text);
  if (!copy) {
    no_memory(problems, place);
    return;
  }
  memcpy(target + key->offset, &copy, sizeof copy);
  /* cppcheck-suppress memleak ; the settings own it */
}

static void mode_read(const char *text, const br_config_key *key, char *target,
                      const br_config_place *place, br_config_problems *problems) {
  size_t digits = strspn(text, "01234567");
  uint32_t mode = digits > 0 && digits <= 4 ? (uint32_t)strtoul(text, NULL, 8) : 0;
  if (digits < 3 || digits > 4 || text[digits] != '\0' || mode > 0777 || mode == 0) {
    char shown[32];
    br_config_problems_add(problems, place,
                           "\"%s\" must be permission bits in octal, for example \"0660\"",
                           br_config_printable(text, shown, sizeof shown));
    return;
  }
  memcpy(target + key->offset, &mode, sizeof mode);
}

static void account_read(const char *text, const br_config_key *key, char *target,
                         const br_config_place *place, br_config_problems *problems) {
  if (!text_check(text, key, *key->minimum, *key->maximum, place, problems)) {
    return;
  }
  int64_t id = -1;
  bool is_user = key->kind == BR_CONFIG_USER;
  if (!(is_user ? br_host_find_user(text, &id) : br_host_find_group(text, &id))) {
    char shown[80];
    br_config_problems_add(problems, place, "there is no %s \"%s\" on this machine",
                           is_user ? "user" : "group",
                           br_config_printable(text, shown, sizeof shown));
    return;
  }
  memcpy(target + key->offset, &id, sizeof id);
}

/* Whether `value` is a list of a fitting number of elements. */
bool br_config_list_check(const json_t *value, const br_config_key *key,
                          const br_config_place *place, br_config_problems *problems) {
  if (!json_is_array(value)) {
    br_config_problems_add(problems, place, "must be a list, not %s", br_config_type_name(value));
    return false;
  }
  size_t count = json_array_size(value);
  if (count < *key->minimum) {
    br_config_problems_add(problems, place, "must have at least %u element%s", *key->minimum,
                           *key->minimum == 1 ? "" : "s");
    return false;
  }
  if (count > *key->maximum) {
    br_config_problems_add(problems, place, "%zu elements are above the maximum %u", count,
                           *key->maximum);
    return false;
  }
  return true;
}

bool br_config_texts_replace(char ***texts, size_t *count, const char *const *items,
                             size_t item_count) {
  char **copies = calloc(item_count ? item_count : 1, sizeof *copies);
  size_t copied = 0;
  while (copies && copied < item_count && (copies[copied] = strdup(items[copied]))) {
    copied++;
  }
  if (!copies || copied < item_count) {
    br_config_texts_free(copies, copied);
    return false;
  }
  br_config_texts_free(*texts, *count);
  *texts = copies;
  *count = item_count;
  return true;
}

void br_config_texts_free(char **texts, size_t count) {
  for (size_t index = 0; index < count; index++) {
    free(texts[index]);
  }
  free(texts);
}

static void text_list_read(const json_t *value, const br_config_key *key, char *target,
                           const br_config_place *place, br_config_problems *problems) {
  if (!br_config_list_check(value, key, place, problems)) {
    return;
  }
  size_t count = json_array_size(value);
  const char **items = calloc(count, sizeof *items);
  size_t good = 0;
  for (size_t index = 0; items && index < count; index++) {
    br_config_place element = {place, NULL, index};
    const json_t *item = json_array_get(value, index);
    if (!json_is_string(item)) {
      br_config_problems_add(problems, &element, "must be a text, not %s",
                             br_config_type_name(item));
    } else if (text_check(json_string_value(item), key, 1, *key->element_maximum, &element,
                          problems)) {
      items[good++] = json_string_value(item);
    }
  }
  char ***texts = (char ***)(void *)(target + key->offset);
  size_t *text_count = (size_t *)(void *)(target + key->count_offset);
  if (!items || !br_config_texts_replace(texts, text_count, items, good)) {
    no_memory(problems, place);
  }
  free(items);
}

static void text_value_read(const json_t *value, const br_config_key *key, char *target,
                            const br_config_place *place, br_config_problems *problems) {
  if (!json_is_string(value)) {
    br_config_problems_add(problems, place, "must be a text, not %s", br_config_type_name(value));
    return;
  }
  const char *text = json_string_value(value);
  if (key->kind == BR_CONFIG_WORD) {
    word_read(text, key, target, place, problems);
  } else if (key->kind == BR_CONFIG_MODE) {
    mode_read(text, key, target, place, problems);
  } else if (key->kind == BR_CONFIG_TEXT) {
    text_read(text, key, target, place, problems);
  } else if (key->kind == BR_CONFIG_USER || key->kind == BR_CONFIG_GROUP) {
    account_read(text, key, target, place, problems);
  }
}

void br_config_value_read(const json_t *value, const br_config_key *key, char *target,
                          const br_config_place *place, br_config_problems *problems) {
  if (key->kind == BR_CONFIG_INTEGER) {
    integer_read(value, key, target, place, problems);
  } else if (key->kind == BR_CONFIG_SWITCH) {
    switch_read(value, key, target, place, problems);
  } else if (key->kind == BR_CONFIG_TEXT_LIST) {
    text_list_read(value, key, target, place, problems);
  } else {
    text_value_read(value, key, target, place, problems);
  }
}
