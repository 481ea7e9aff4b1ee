/* config/pipebridge.schema.json and the tables of config_table.c say the same: keys, types,
 * defaults, minima, maxima, words. Both are walked side by side, so that neither can change
 * alone. */
#include "test.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_table.h"
#include "pipecore/framing.h"

static json_t *schema;

/* A member that must be there and of that type. */
static const json_t *member(const json_t *of, const char *place, const char *name) {
  const json_t *value = json_object_get(of, name);
  if (!value) {
    fail_msg("%s: the schema has no \"%s\"", place, name);
  }
  return value;
}

static void integer_agrees(const json_t *of, const char *place, const char *name, uint32_t value) {
  const json_t *number = member(of, place, name);
  if (json_integer_value(number) != (json_int_t)value) {
    fail_msg("%s.%s: schema %lld, code %u", place, name, (long long)json_integer_value(number),
             value);
  }
}

static void text_agrees(const json_t *of, const char *place, const char *name, const char *value) {
  const char *text = json_string_value(member(of, place, name));
  if (!text || strcmp(text, value) != 0) {
    fail_msg("%s.%s: schema %s, code %s", place, name, text ? text : "(no text)", value);
  }
}

static void words_agree(const json_t *of, const char *place, const br_config_word *words) {
  const json_t *listed = member(of, place, "enum");
  size_t count = 0;
  for (const br_config_word *word = words; word->name; word++) {
    const char *text = json_string_value(json_array_get(listed, count++));
    if (!text || strcmp(text, word->name) != 0) {
      fail_msg("%s: word %zu: schema %s, code %s", place, count, text ? text : "(none)",
               word->name);
    }
  }
  if (json_array_size(listed) != count) {
    fail_msg("%s: the schema has %zu words, the code %zu", place, json_array_size(listed), count);
  }
  text_agrees(of, place, "default", words[0].name);
}

static void object_agrees(const json_t *of, const char *place, const br_config_object *object);

static void list_agrees(const json_t *of, const char *place, const br_config_key *key) {
  text_agrees(of, place, "type", "array");
  integer_agrees(of, place, "minItems", *key->minimum);
  integer_agrees(of, place, "maxItems", *key->maximum);
  const json_t *items = member(of, place, "items");
  if (key->kind == BR_CONFIG_OBJECT_LIST) {
    object_agrees(items, place, key->object);
    assert_int_equal(json_integer_value(json_object_get(items, "minProperties")),
                     key->empty_text != NULL);
    return;
  }
  text_agrees(items, place, "type", "string");
  integer_agrees(items, place, "maxLength", *key->element_maximum);
  char joined[256] = "";
  const json_t *fallback = member(of, place, "default");
  for (size_t index = 0; index < json_array_size(fallback); index++) {
    (void)snprintf(joined + strlen(joined), sizeof joined - strlen(joined), "%s%s",
                   index ? " " : "", json_string_value(json_array_get(fallback, index)));
  }
  assert_string_equal(joined, key->fallback_text);
}

static void key_agrees(const json_t *of, const char *place, const br_config_key *key) {
  assert_true(json_string_length(member(of, place, "description")) > 10);
  switch (key->kind) {
  case BR_CONFIG_INTEGER:
    text_agrees(of, place, "type", "integer");
    integer_agrees(of, place, "default", *key->fallback);
    integer_agrees(of, place, "minimum", *key->minimum);
    integer_agrees(of, place, "maximum", *key->maximum);
    break;
  case BR_CONFIG_SWITCH:
    text_agrees(of, place, "type", "boolean");
    assert_int_equal(json_is_true(member(of, place, "default")), *key->fallback != 0);
    break;
  case BR_CONFIG_WORD:
    words_agree(of, place, key->words);
    break;
  case BR_CONFIG_TEXT:
  case BR_CONFIG_USER:
  case BR_CONFIG_GROUP:
    text_agrees(of, place, "type", "string");
    integer_agrees(of, place, "minLength", *key->minimum);
    integer_agrees(of, place, "maxLength", *key->maximum);
    break;
  case BR_CONFIG_MODE:
    text_agrees(of, place, "type", "string");
    text_agrees(of, place, "default", key->fallback_text);
    break;
  case BR_CONFIG_TEXT_LIST:
  case BR_CONFIG_OBJECT_LIST:
    list_agrees(of, place, key);
    break;
  case BR_CONFIG_OBJECT:
    object_agrees(of, place, key->object);
    break;
  case BR_CONFIG_NOTE:
    text_agrees(of, place, "type", "string");
    break;
  }
}

static bool is_required_in_schema(const json_t *of, const char *name) {
  const json_t *required = json_object_get(of, "required");
  for (size_t index = 0; index < json_array_size(required); index++) {
    if (strcmp(json_string_value(json_array_get(required, index)), name) == 0) {
      return true;
    }
  }
  return false;
}

static void object_agrees(const json_t *of, const char *place, const br_config_object *object) {
  text_agrees(of, place, "type", "object");
  assert_true(json_is_false(member(of, place, "additionalProperties")));
  const json_t *properties = member(of, place, "properties");
  size_t count = 0;
  for (const br_config_key *key = object->keys; key->name; key++) {
    char key_place[128];
    (void)snprintf(key_place, sizeof key_place, "%s.%s", place, key->name);
    count++;
    key_agrees(member(properties, place, key->name), key_place, key);
    /* What only some roles need stands with their conditions. */
    assert_int_equal(is_required_in_schema(of, key->name), key->is_required && key->roles == 0);
  }
  if (json_object_size(properties) != count) {
    fail_msg("%s: the schema has %zu keys, the code %zu", place, json_object_size(properties),
             count);
  }
}

static void the_schema_and_the_tables_agree(void **state) {
  (void)state;
  object_agrees(schema, "schema", &br_config_root);
}

static void defaults_are_within_their_limits(const br_config_object *object) {
  for (const br_config_key *key = object->keys; key->name; key++) {
    if (key->kind == BR_CONFIG_INTEGER) {
      assert_in_range(*key->fallback, *key->minimum, *key->maximum);
    }
    if (key->object) {
      defaults_are_within_their_limits(key->object);
    }
  }
}

static void every_default_is_within_its_limits(void **state) {
  (void)state;
  defaults_are_within_their_limits(&br_config_root);
}

static void framing_words_are_those_of_pipecore(void **state) {
  (void)state;
  const br_config_key *pipes = br_config_key_find(&br_config_root, "pipes");
  const br_config_key *framing = br_config_key_find(pipes->object, "framing");
  for (const br_config_word *word = framing->words; word->name; word++) {
    pc_framing value;
    assert_true(pc_framing_from_name(word->name, &value));
    assert_int_equal(value, word->value);
  }
}

static int schema_load(void **state) {
  (void)state;
  schema = json_load_file(PIPEBRIDGE_SCHEMA, JSON_REJECT_DUPLICATES, NULL);
  return schema ? 0 : -1;
}

static int schema_free(void **state) {
  (void)state;
  json_decref(schema);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_schema_and_the_tables_agree),
      cmocka_unit_test(every_default_is_within_its_limits),
      cmocka_unit_test(framing_words_are_those_of_pipecore),
  };
  return cmocka_run_group_tests(tests, schema_load, schema_free);
}
