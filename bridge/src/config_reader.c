/* Walks a JSON document by the tables and stores what it says. With config_values.c it owns
 * Jansson. Start-up; one thread.
 *
 * Success: text → document → each object: defaults first, then the given keys over them → required
 * keys. Failures: not JSON or a repeated key (line and column, nothing else is looked at);
 * everything else is added to the problems and the walk goes on, so that one run tells all. */
#include "config_reader.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_table.h"
#include "config_values.h"

/* One object being read: where its values go and how its place is called. */
typedef struct object_reader {
  const br_config_object *object;
  char *target;
  const br_config_place *place; /* NULL: the document */
  br_config_problems *problems;
  uint32_t role; /* the bit of the pipe that this is, or is part of; 0: none */
} object_reader;

static void object_read(const json_t *value, const object_reader *reader);
static void object_set_defaults(const br_config_object *object, char *target);

/* Which role a pipe has; 0 if it is none that there is, which is told elsewhere. */
static uint32_t role_bit(const br_config_key *key, const json_t *value) {
  const char *text = value ? json_string_value(value) : key->words[0].name;
  for (const br_config_word *word = key->words; text && word->name; word++) {
    if (strcmp(word->name, text) == 0) {
      return 1u << word->value;
    }
  }
  return 0;
}

/* Whether the pipe's role has this key. */
static bool role_has_key(const object_reader *reader, const br_config_key *key,
                         const br_config_place *place) {
  if (key->roles == 0 || reader->role == 0 || (key->roles & reader->role)) {
    return true;
  }
  char names[64] = "";
  for (unsigned role = 0; key->roles >> role; role++) {
    if (key->roles & 1u << role) {
      size_t used = strlen(names);
      (void)snprintf(names + used, sizeof names - used, "%s\"%s\"", used ? " or " : "",
                     br_role_name((br_role)role));
    }
  }
  br_config_problems_add(reader->problems, place, "only role %s has it; leave it out", names);
  return false;
}

static void object_list_read(const json_t *value, const br_config_key *key, char *target,
                             const br_config_place *place, br_config_problems *problems) {
  if (!br_config_list_check(value, key, place, problems)) {
    return;
  }
  size_t count = json_array_size(value);
  char *elements = calloc(count ? count : 1, key->object->target_size);
  if (!elements) {
    br_config_problems_add(problems, place, "out of memory");
    return;
  }
  for (size_t index = 0; index < count; index++) {
    br_config_place element = {place, NULL, index};
    char *element_target = elements + index * key->object->target_size;
    object_set_defaults(key->object, element_target);
    const json_t *given = json_array_get(value, index);
    if (key->empty_text && json_is_object(given) && json_object_size(given) == 0) {
      br_config_problems_add(problems, &element, "%s", key->empty_text);
    }
    object_read(given, &(object_reader){key->object, element_target, &element, problems, 0});
  }
  memcpy(target + key->offset, &elements, sizeof elements);
  memcpy(target + key->count_offset, &count, sizeof count);
}

/* ---- objects ---- */
static void word_set_default(const br_config_key *key, char *target) {
  if (key->is_stored) {
    memcpy(target + key->offset, &key->words[0].value, sizeof key->words[0].value);
  }
}

/* Text lists get theirs at the end (a list that was given replaces it), required texts have none. A
 * mode stays 0: pipecore has its default, which a FIFO that is there already does not get. */
static void object_set_defaults(const br_config_object *object, char *target) {
  for (const br_config_key *key = object->keys; key->name; key++) {
    char *place = target + key->offset;
    if (key->kind == BR_CONFIG_INTEGER && !key->is_rule_default) {
      memcpy(place, key->fallback, sizeof *key->fallback);
    } else if (key->kind == BR_CONFIG_SWITCH) {
      bool is_on = *key->fallback != 0;
      memcpy(place, &is_on, sizeof is_on);
    } else if (key->kind == BR_CONFIG_WORD) {
      word_set_default(key, target);
    } else if (key->kind == BR_CONFIG_USER || key->kind == BR_CONFIG_GROUP) {
      int64_t leave = -1;
      memcpy(place, &leave, sizeof leave);
    } else if (key->kind == BR_CONFIG_OBJECT) {
      object_set_defaults(key->object, place);
    }
  }
}

static void value_read(const json_t *value, const br_config_key *key, const object_reader *reader,
                       const br_config_place *place) {
  char *target = reader->target;
  br_config_problems *problems = reader->problems;
  if (!role_has_key(reader, key, place)) {
    return;
  }
  if (key->kind == BR_CONFIG_OBJECT) {
    object_read(value,
                &(object_reader){key->object, target + key->offset, place, problems, reader->role});
  } else if (key->kind == BR_CONFIG_OBJECT_LIST) {
    object_list_read(value, key, target, place, problems);
  } else {
    br_config_value_read(value, key, target, place, problems);
  }
}

static void unknown_key_add(const object_reader *reader, const char *name,
                            const br_config_place *place) {
  const char *meant = br_config_key_suggest(reader->object, name);
  if (meant) {
    br_config_problems_add(reader->problems, place, "unknown key; did you mean \"%s\"?", meant);
  } else {
    br_config_problems_add(reader->problems, place, "unknown key");
  }
}

static void object_read(const json_t *value, const object_reader *reader) {
  if (!json_is_object(value)) {
    br_config_problems_add(reader->problems, reader->place, "must be an object, not %s",
                           br_config_type_name(value));
    return;
  }
  const br_config_key *role = br_config_key_find(reader->object, "role");
  object_reader here = *reader;
  here.role = role ? role_bit(role, json_object_get(value, "role")) : reader->role;
  const char *name;
  json_t *member;
  /* json_object_foreach wants a mutable object only for its iterators' type. */
  json_object_foreach((json_t *)(uintptr_t)value, name, member) {
    br_config_place place = {reader->place, name, 0};
    const br_config_key *key = br_config_key_find(reader->object, name);
    if (key) {
      value_read(member, key, &here, &place);
    } else {
      unknown_key_add(reader, name, &place);
    }
  }
  for (const br_config_key *key = reader->object->keys; key->name; key++) {
    bool is_of_role = key->roles == 0 || (key->roles & here.role);
    if (key->is_required && is_of_role && !json_object_get(value, key->name)) {
      br_config_place place = {reader->place, key->name, 0};
      br_config_problems_add(reader->problems, &place, "missing");
    }
  }
}

/* ---- the document ---- */
static json_t *document_load(const char *text, size_t size, br_config_problems *problems) {
  json_error_t failure;
  json_t *document = json_loadb(text, size, JSON_REJECT_DUPLICATES, &failure);
  if (!document) {
    char shown[JSON_ERROR_TEXT_LENGTH];
    br_config_problems_add(problems, NULL, "line %d, column %d: %s", failure.line, failure.column,
                           br_config_printable(failure.text, shown, sizeof shown));
  }
  return document;
}

static void source_keep(br_pipe_config *pipe, const json_t *given, br_config_problems *problems) {
  pipe->source = json_dumps(given, JSON_COMPACT);
  if (json_is_object(given) && !pipe->source) {
    br_config_problems_add(problems, NULL, "out of memory");
  }
}

bool br_config_read(const char *text, size_t size, br_config *config, bool *out_has_queue_bytes,
                    br_config_problems *problems) {
  json_t *document = document_load(text, size, problems);
  if (!document) {
    return false;
  }
  object_set_defaults(&br_config_root, (char *)config);
  object_read(document, &(object_reader){&br_config_root, (char *)config, NULL, problems, 0});
  *out_has_queue_bytes =
      json_object_get(json_object_get(document, "events"), "queue_bytes") != NULL;
  const json_t *pipes = json_object_get(document, "pipes");
  for (size_t index = 0; index < config->pipe_count; index++) {
    source_keep(&config->pipes[index], json_array_get(pipes, index), problems);
  }
  json_decref(document);
  return true;
}

/* ---- one pipe ---- */

/* RFC 7396, section 2; null takes a member away. False: no memory. Both are as deep as Jansson
 * reads, 2,048. */
static bool patch_merge(json_t *target, const json_t *patch) {
  const char *key;
  json_t *value;
  json_object_foreach((json_t *)(uintptr_t)patch, key, value) {
    json_t *old = json_object_get(target, key);
    if (json_is_null(value)) {
      (void)json_object_del(target, key);
    } else if (!json_is_object(value)) {
      if (json_object_set(target, key, value) != 0) {
        return false;
      }
    } else {
      if (!json_is_object(old) && json_object_set_new(target, key, json_object()) != 0) {
        return false;
      }
      if (!patch_merge(json_object_get(target, key), value)) {
        return false;
      }
    }
  }
  return true;
}

static bool patch_apply(json_t *document, const char *text, size_t size,
                        br_config_problems *problems) {
  json_t *patch = document_load(text, size, problems);
  if (!patch) {
    return false;
  }
  bool is_object = json_is_object(patch);
  if (!is_object) {
    br_config_problems_add(problems, NULL, "a patch must be an object, not %s",
                           br_config_type_name(patch));
  } else if (!patch_merge(document, patch)) {
    is_object = false;
    br_config_problems_add(problems, NULL, "out of memory");
  }
  json_decref(patch);
  return is_object;
}

static void name_set(json_t *document, const char *name, const br_config_place *pipe,
                     br_config_problems *problems) {
  const json_t *given = json_object_get(document, "name");
  if (json_is_string(given) && strcmp(json_string_value(given), name) != 0) {
    const br_config_place place = {pipe, "name", 0};
    br_config_problems_add(problems, &place,
                           "is not the name that was asked for, \"%s\"; leave it out", name);
  } else if (!given && json_object_set_new(document, "name", json_string(name)) != 0) {
    br_config_problems_add(problems, NULL, "out of memory, or the name is not UTF-8");
  }
}

bool br_config_read_pipe(const char *text, size_t size, const char *patch, size_t patch_size,
                         const char *name, br_config *config, br_config_problems *problems) {
  const br_config_place list = {NULL, "pipes", 0};
  const br_config_place place = {&list, NULL, 0};
  json_t *document = document_load(text, size, problems);
  if (!document || (patch && !patch_apply(document, patch, patch_size, problems))) {
    json_decref(document);
    return false;
  }
  config->pipes = calloc(1, sizeof *config->pipes);
  if (!config->pipes) {
    br_config_problems_add(problems, NULL, "out of memory");
    json_decref(document);
    return false;
  }
  config->pipe_count = 1;
  object_set_defaults(&br_config_pipe, (char *)config->pipes);
  if (json_is_object(document)) {
    name_set(document, name, &place, problems);
  }
  object_read(document,
              &(object_reader){&br_config_pipe, (char *)config->pipes, &place, problems, 0});
  source_keep(config->pipes, document, problems);
  json_decref(document);
  return true;
}
