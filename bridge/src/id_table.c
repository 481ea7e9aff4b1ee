/* Linear probing with backward-shift deletion: no tombstones, so a table that sees millions of
 * sessions come and go stays as fast as on its first day. One thread at a time. */
#include "bridge/id_table.h"

#include <stdlib.h>

enum { TABLE_MIN_CAPACITY = 16 };

/* Fibonacci hashing spreads the consecutive numbers that ids are. */
static size_t id_home(uint64_t id, size_t capacity) {
  return (size_t)((id * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & (capacity - 1);
}

static size_t table_find(const br_id_table *table, uint64_t id) {
  size_t index = id_home(id, table->capacity);
  while (table->entries[index].id != 0 && table->entries[index].id != id) {
    index = (index + 1) & (table->capacity - 1);
  }
  return index;
}

static bool table_grow(br_id_table *table) {
  br_id_table larger = {.capacity = table->capacity ? table->capacity * 2 : TABLE_MIN_CAPACITY,
                        .count = table->count};
  larger.entries = calloc(larger.capacity, sizeof *larger.entries);
  if (!larger.entries) {
    return false;
  }
  for (size_t index = 0; index < table->capacity; index++) {
    if (table->entries[index].id != 0) {
      larger.entries[table_find(&larger, table->entries[index].id)] = table->entries[index];
    }
  }
  free(table->entries);
  *table = larger;
  return true;
}

void br_id_table_fini(br_id_table *table) {
  free(table->entries);
  *table = (br_id_table){0};
}

bool br_id_table_put(br_id_table *table, uint64_t id, void *value) {
  if (table->count * 2 >= table->capacity && !table_grow(table)) {
    return false;
  }
  table->entries[table_find(table, id)] = (br_id_entry){.id = id, .value = value};
  table->count++;
  return true;
}

void *br_id_table_get(const br_id_table *table, uint64_t id) {
  return table->count ? table->entries[table_find(table, id)].value : NULL;
}

void *br_id_table_remove(br_id_table *table, uint64_t id) {
  if (table->count == 0) {
    return NULL;
  }
  size_t mask = table->capacity - 1;
  size_t hole = table_find(table, id);
  void *value = table->entries[hole].value;
  if (table->entries[hole].id == 0) {
    return NULL;
  }
  for (size_t next = (hole + 1) & mask; table->entries[next].id != 0; next = (next + 1) & mask) {
    size_t home = id_home(table->entries[next].id, table->capacity);
    if (((next - home) & mask) >= ((next - hole) & mask)) {
      table->entries[hole] = table->entries[next];
      hole = next;
    }
  }
  table->entries[hole] = (br_id_entry){0};
  table->count--;
  return value;
}
