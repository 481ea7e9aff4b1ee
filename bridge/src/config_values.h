/* Single values of the configuration, read by their key. Start-up; one thread. */
#ifndef BRIDGE_SRC_CONFIG_VALUES_H
#define BRIDGE_SRC_CONFIG_VALUES_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "config_problems.h"
#include "config_table.h"

/* Reads a value of any kind but objects into its place in `target`. */
void br_config_value_read(const json_t *value, const br_config_key *key, char *target,
                          const br_config_place *place, br_config_problems *problems);
/* Whether `value` is a list of as many elements as the key allows; adds the problem if not. */
bool br_config_list_check(const json_t *value, const br_config_key *key,
                          const br_config_place *place, br_config_problems *problems);
/* "an object", "a text", … */
const char *br_config_type_name(const json_t *value);

/* Replaces an owned list of texts by copies of `items`; false: no memory, the old list stays. */
bool br_config_texts_replace(char ***texts, size_t *count, const char *const *items,
                             size_t item_count);
void br_config_texts_free(char **texts, size_t count);

#endif
