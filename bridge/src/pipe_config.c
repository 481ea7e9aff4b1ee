/* One pipe's configuration, by the tables that the whole one is read by. Any thread, one at a time.
 *
 * Success: object → (patch) → tables → rules, as pipes[0] of a configuration that has nothing else;
 * comparing and writing walk the same tables, so that a key is never forgotten. Failures: any
 * problem in the document, all of them told at once; no memory. */
#include "bridge/pipe_config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/describe.h"
#include "config_problems.h"
#include "config_reader.h"
#include "config_rules.h"
#include "config_table.h"

/* ---- reading ---- */

static br_pipe_config *pipe_read(const char *text, size_t size, const char *patch,
                                 size_t patch_size, const char *name, const br_config *base,
                                 char *error, size_t error_size) {
  br_config config = {.pipe_thread = base->pipe_thread, .events = base->events};
  br_config_problems problems;
  br_config_problems_init_pipe(&problems, error, error_size);
  if (base->runtime_dir && !(config.runtime_dir = strdup(base->runtime_dir))) {
    br_config_problems_add(&problems, NULL, "out of memory");
  } else if (br_config_read_pipe(text, size, patch, patch_size, name, &config, &problems)) {
    br_config_apply_pipe_rules(&config, &problems);
  }
  br_pipe_config *pipe = NULL;
  bool is_right =
      problems.count == 0 &&
      (base->runtime_dir || br_config_prepare_runtime_dir(&config, true, error, error_size));
  if (is_right) {
    pipe = config.pipes;
    config.pipes = NULL;
    config.pipe_count = 0;
  }
  br_config_fini(&config);
  return pipe;
}

br_pipe_config *br_pipe_config_parse(const char *text, size_t size, const char *name,
                                     const br_config *base, char *error, size_t error_size) {
  return pipe_read(text, size, NULL, 0, name, base, error, error_size);
}

br_pipe_config *br_pipe_config_patch(const br_pipe_config *current, const char *patch, size_t size,
                                     const br_config *base, char *error, size_t error_size) {
  return pipe_read(current->source, strlen(current->source), patch, size, current->name, base,
                   error, error_size);
}

/* ---- comparing ---- */

static const char *text_at(const char *target, const br_config_key *key) {
  const char *text;
  memcpy(&text, target + key->offset, sizeof text);
  return text;
}

static size_t list_at(const char *target, const br_config_key *key, const char **out_elements) {
  size_t count;
  memcpy(out_elements, target + key->offset, sizeof *out_elements);
  memcpy(&count, target + key->count_offset, sizeof count);
  return count;
}

static bool object_is_same(const br_config_object *object, const char *from, const char *to);

static bool list_is_same(const br_config_key *key, const char *from, const char *to) {
  const char *left, *right;
  size_t count = list_at(from, key, &left);
  if (list_at(to, key, &right) != count) {
    return false;
  }
  size_t step = key->object->target_size;
  for (size_t index = 0; index < count; index++) {
    if (!object_is_same(key->object, left + index * step, right + index * step)) {
      return false;
    }
  }
  return true;
}

static bool value_is_same(const br_config_key *key, const char *from, const char *to) {
  const char *left = from + key->offset;
  const char *right = to + key->offset;
  switch (key->kind) {
  case BR_CONFIG_INTEGER:
  case BR_CONFIG_WORD:
  case BR_CONFIG_MODE:
    return memcmp(left, right, sizeof(uint32_t)) == 0;
  case BR_CONFIG_SWITCH:
    return memcmp(left, right, sizeof(bool)) == 0;
  case BR_CONFIG_USER:
  case BR_CONFIG_GROUP:
    return memcmp(left, right, sizeof(int64_t)) == 0;
  case BR_CONFIG_TEXT: {
    const char *old = text_at(from, key);
    const char *now = text_at(to, key);
    return old == now || (old && now && strcmp(old, now) == 0);
  }
  case BR_CONFIG_OBJECT:
    return object_is_same(key->object, left, right);
  case BR_CONFIG_OBJECT_LIST:
    return list_is_same(key, from, to);
  case BR_CONFIG_TEXT_LIST: /* a pipe has none */
  case BR_CONFIG_NOTE:
    break;
  }
  return true;
}

static bool object_is_same(const br_config_object *object, const char *from, const char *to) {
  for (const br_config_key *key = object->keys; key->name; key++) {
    if (!value_is_same(key, from, to)) {
      return false;
    }
  }
  return true;
}

/* A message pipe's reads are made for its limit. */
static bool key_is_live(const br_config_key *key, const br_pipe_config *pipe) {
  bool is_read_size = pipe->type == PC_TYPE_MESSAGE && strcmp(key->name, "max_message_bytes") == 0;
  return key->is_live && !is_read_size;
}

/* The name of the first key that differs and is not live. */
static br_pipe_difference object_compare(const br_config_object *object, const char *from,
                                         const char *to, const br_pipe_config *pipe,
                                         const char *parent, char out_key[BR_PIPE_KEY_BYTES]) {
  br_pipe_difference difference = BR_PIPE_SAME;
  for (const br_config_key *key = object->keys; key->name; key++) {
    if (value_is_same(key, from, to)) {
      continue;
    }
    difference = BR_PIPE_LIVE;
    if (key->kind == BR_CONFIG_OBJECT) {
      if (object_compare(key->object, from + key->offset, to + key->offset, pipe, key->name,
                         out_key) == BR_PIPE_FIXED) {
        return BR_PIPE_FIXED;
      }
    } else if (!key_is_live(key, pipe)) {
      (void)snprintf(out_key, BR_PIPE_KEY_BYTES, "%s%s%s", parent, *parent ? "." : "", key->name);
      return BR_PIPE_FIXED;
    }
  }
  return difference;
}

br_pipe_difference br_pipe_config_compare(const br_pipe_config *from, const br_pipe_config *to,
                                          char out_key[BR_PIPE_KEY_BYTES]) {
  return object_compare(&br_config_pipe, (const char *)from, (const char *)to, from, "", out_key);
}

/* ---- writing ---- */

static void object_write(const br_config_object *object, const char *target, uint32_t role,
                         web_buffer *out);

static const char *word_name(const br_config_key *key, uint32_t value) {
  const br_config_word *word = key->words;
  while (word->name && word->value != value) {
    word++;
  }
  return word->name;
}

static void list_write(const br_config_key *key, const char *target, uint32_t role,
                       web_buffer *out) {
  const char *elements;
  size_t count = list_at(target, key, &elements);
  web_buffer_append_text(out, "[");
  for (size_t index = 0; index < count; index++) {
    web_buffer_append_text(out, index ? "," : "");
    object_write(key->object, elements + index * key->object->target_size, role, out);
  }
  web_buffer_append_text(out, "]");
}

static void value_write(const br_config_key *key, const char *target, uint32_t role,
                        web_buffer *out) {
  uint32_t number = 0;
  bool is_on = false;
  int64_t id = 0;
  switch (key->kind) {
  case BR_CONFIG_INTEGER:
    memcpy(&number, target + key->offset, sizeof number);
    web_buffer_append_format(out, "%" PRIu32, number);
    break;
  case BR_CONFIG_MODE:
    memcpy(&number, target + key->offset, sizeof number);
    web_buffer_append_format(out, "\"%04" PRIo32 "\"", number);
    break;
  case BR_CONFIG_WORD:
    memcpy(&number, target + key->offset, sizeof number);
    br_describe_string(out, word_name(key, number));
    break;
  case BR_CONFIG_SWITCH:
    memcpy(&is_on, target + key->offset, sizeof is_on);
    web_buffer_append_text(out, is_on ? "true" : "false");
    break;
  case BR_CONFIG_USER:
  case BR_CONFIG_GROUP:
    memcpy(&id, target + key->offset, sizeof id);
    web_buffer_append_format(out, "\"%" PRId64 "\"", id);
    break;
  case BR_CONFIG_TEXT:
    br_describe_string(out, text_at(target, key));
    break;
  case BR_CONFIG_OBJECT:
    object_write(key->object, target + key->offset, role, out);
    break;
  case BR_CONFIG_OBJECT_LIST:
    list_write(key, target, role, out);
    break;
  case BR_CONFIG_TEXT_LIST: /* a pipe has none */
  case BR_CONFIG_NOTE:
    break;
  }
}

/* Whether it says something that leaving it out would not. */
static bool value_is_given(const br_config_key *key, const char *target) {
  const char *elements;
  uint32_t mode = 0;
  int64_t id = -1;
  switch (key->kind) {
  case BR_CONFIG_TEXT:
    return text_at(target, key) != NULL;
  case BR_CONFIG_MODE:
    memcpy(&mode, target + key->offset, sizeof mode);
    return mode != 0;
  case BR_CONFIG_USER:
  case BR_CONFIG_GROUP:
    memcpy(&id, target + key->offset, sizeof id);
    return id >= 0;
  case BR_CONFIG_OBJECT_LIST:
    return list_at(target, key, &elements) > 0;
  case BR_CONFIG_NOTE:
    return false;
  default:
    return true;
  }
}

static void object_write(const br_config_object *object, const char *target, uint32_t role,
                         web_buffer *out) {
  const char *separator = "";
  web_buffer_append_text(out, "{");
  for (const br_config_key *key = object->keys; key->name; key++) {
    bool has_role = key->roles == 0 || (key->roles & role);
    if (has_role && value_is_given(key, target)) {
      web_buffer_append_format(out, "%s\"%s\":", separator, key->name);
      value_write(key, target, role, out);
      separator = ",";
    }
  }
  web_buffer_append_text(out, "}");
}

void br_pipe_config_write(const br_pipe_config *pipe, web_buffer *out) {
  object_write(&br_config_pipe, (const char *)pipe, 1u << pipe->role, out);
}
