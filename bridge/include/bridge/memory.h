/* The last events of a run, in bounded memory: whole records by consecutive seq, the oldest given
 * up for the newest. One thread at a time (the HTTP thread). */
#ifndef BRIDGE_MEMORY_H
#define BRIDGE_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#include "bridge/event.h"

typedef struct br_memory br_memory;

/* `capacity_bytes`: records and their payloads; at least one largest record must fit. NULL: no
 * memory. */
br_memory *br_memory_create(size_t capacity_bytes);
void br_memory_destroy(br_memory *memory);

/* Copies the record with its payload, as event `seq` (the last one's + 1; the first may be any).
 * Returns the copy, valid until its space is needed; NULL if it is larger than the whole memory
 * (then all is given up, so that what is kept stays consecutive). */
const br_event *br_memory_push(br_memory *memory, const br_event *event, uint64_t seq);
/* NULL: not there any more, or not yet. */
const br_event *br_memory_get(const br_memory *memory, uint64_t seq);
/* Seq of the oldest record kept; the last seq + 1 when there is none. */
uint64_t br_memory_oldest(const br_memory *memory);

#endif
