/* The configuration's keys as tables: one per object. They alone drive parsing, defaults and
 * limits, and the test that holds config/pipebridge.schema.json against them. Constant data. */
#ifndef BRIDGE_SRC_CONFIG_TABLE_H
#define BRIDGE_SRC_CONFIG_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum br_config_kind {
  BR_CONFIG_INTEGER,     /* uint32_t                                              */
  BR_CONFIG_SWITCH,      /* true or false; bool, on if *fallback is not 0         */
  BR_CONFIG_WORD,        /* one of `words`: an enum of 32 bits, or not stored      */
  BR_CONFIG_TEXT,        /* char *, owned by the target                           */
  BR_CONFIG_TEXT_LIST,   /* char ** and a size_t behind it                        */
  BR_CONFIG_MODE,        /* permission bits as an octal text; uint32_t            */
  BR_CONFIG_USER,        /* a user's name or number; int64_t                      */
  BR_CONFIG_GROUP,       /* a group's name or number; int64_t                     */
  BR_CONFIG_OBJECT,      /* keys of `object`, in the target at `offset`           */
  BR_CONFIG_OBJECT_LIST, /* pointer to elements of `object` and a size_t behind it */
  BR_CONFIG_NOTE         /* a text for people and editors, not stored              */
} br_config_kind;

typedef struct br_config_word {
  const char *name;
  uint32_t value;
} br_config_word;

typedef struct br_config_object br_config_object;

typedef struct br_config_key {
  const char *name;
  br_config_kind kind;
  bool is_required; /* of those roles that have it */
  bool is_live;     /* of a pipe: may change while it has sessions */
  bool is_stored;   /* words only: checked alone otherwise */
  /* Integers: one that is not given stays 0, and a rule says what it becomes. */
  bool is_rule_default;
  size_t offset; /* in the object's target */
  size_t count_offset;
  /* Integers: default, minimum, maximum. Texts: bytes. Lists: elements. Pointers, because
   * pipecore's and web's own limits are the source of theirs. */
  const uint32_t *fallback;
  const uint32_t *minimum;
  const uint32_t *maximum;
  const uint32_t *element_maximum; /* of a text list: bytes of one */
  const br_config_word *words;     /* the first is the default; ends with a NULL name */
  const char *fallback_text;       /* of a mode, or of a text list's elements, space-separated */
  /* NULL, or says what is wrong with a text of fitting length. */
  bool (*check)(const char *text, char *error, size_t error_size);
  const br_config_object *object;
  const char
      *empty_text; /* of an object list: what is wrong with an element without keys, or NULL */
  uint32_t roles;  /* of a pipe: those that have this key, as bits 1 << br_role; 0: all */
} br_config_key;

struct br_config_object {
  const br_config_key *keys; /* ends with a NULL name */
  size_t target_size;        /* of one list element */
};

extern const br_config_object br_config_root;
extern const br_config_object br_config_pipe;

const br_config_key *br_config_key_find(const br_config_object *object, const char *name);
/* The known name nearest to `name` by edits, or NULL if none is near. */
const char *br_config_key_suggest(const br_config_object *object, const char *name);
const char *br_config_word_suggest(const br_config_word *words, const char *name);

#endif
