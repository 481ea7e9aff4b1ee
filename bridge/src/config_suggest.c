/* Looks names up in the tables, and finds the one that a person probably meant. Pure; any
 * thread. */
#include <string.h>

#include "config_table.h"

#define NAME_MAX_BYTES 32

const br_config_key *br_config_key_find(const br_config_object *object, const char *name) {
  for (const br_config_key *key = object->keys; key->name; key++) {
    if (strcmp(key->name, name) == 0) {
      return key;
    }
  }
  return NULL;
}

static size_t min_of(size_t a, size_t b) {
  return a < b ? a : b;
}

/* Optimal string alignment: insertions, deletions, substitutions and swaps of neighbours, one each.
 * The usual dynamic programme over three rows. */
static size_t edit_distance(const char *a, size_t a_length, const char *b, size_t b_length) {
  size_t rows[3][NAME_MAX_BYTES + 1];
  for (size_t j = 0; j <= b_length; j++) {
    rows[0][j] = j;
  }
  for (size_t i = 1; i <= a_length; i++) {
    size_t *row = rows[i % 3];
    const size_t *above = rows[(i - 1) % 3];
    row[0] = i;
    for (size_t j = 1; j <= b_length; j++) {
      size_t cost = a[i - 1] != b[j - 1];
      row[j] = min_of(above[j - 1] + cost, min_of(above[j], row[j - 1]) + 1);
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = min_of(row[j], rows[(i - 2) % 3][j - 2] + 1);
      }
    }
  }
  return rows[a_length % 3][b_length];
}

/* Keeps `name` as the best so far if it is nearer; a third of the letters may be wrong. */
static void suggestion_consider(const char *name, const char *meant, const char **best,
                                size_t *best_distance) {
  size_t name_length = strlen(name);
  size_t meant_length = strlen(meant);
  if (name_length > NAME_MAX_BYTES || meant_length > NAME_MAX_BYTES) {
    return;
  }
  size_t distance = edit_distance(meant, meant_length, name, name_length);
  if (distance <= 1 + name_length / 4 && distance < meant_length && distance < *best_distance) {
    *best = name;
    *best_distance = distance;
  }
}

const char *br_config_key_suggest(const br_config_object *object, const char *name) {
  const char *best = NULL;
  size_t distance = SIZE_MAX;
  for (const br_config_key *key = object->keys; key->name; key++) {
    suggestion_consider(key->name, name, &best, &distance);
  }
  return best;
}

const char *br_config_word_suggest(const br_config_word *words, const char *name) {
  const char *best = NULL;
  size_t distance = SIZE_MAX;
  for (const br_config_word *word = words; word->name; word++) {
    suggestion_consider(word->name, name, &best, &distance);
  }
  return best;
}
