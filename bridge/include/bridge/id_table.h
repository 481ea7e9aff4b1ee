/* A table from a number that is never 0 (session, command) to a pointer. Open addressing; grows;
 * one thread at a time. */
#ifndef BRIDGE_ID_TABLE_H
#define BRIDGE_ID_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct br_id_entry {
  uint64_t id; /* 0: free */
  void *value;
} br_id_entry;

typedef struct br_id_table { /* zeroed: an empty table */
  br_id_entry *entries;      /* owned */
  size_t capacity;           /* a power of two, or 0 */
  size_t count;
} br_id_table;

void br_id_table_fini(br_id_table *table);
/* `id` must not be in the table. False: no memory, nothing changed. */
bool br_id_table_put(br_id_table *table, uint64_t id, void *value);
/* NULL: not there. */
void *br_id_table_get(const br_id_table *table, uint64_t id);
/* What was there, or NULL. */
void *br_id_table_remove(br_id_table *table, uint64_t id);

#endif
