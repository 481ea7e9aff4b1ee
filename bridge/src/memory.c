/* A byte ring of records and a ring of their offsets, so that any seq is found at once. HTTP
 * thread.
 *
 * A record never wraps: one that does not fit before the end goes to the start. The pages are
 * touched only as they are first used, so a large capacity costs nothing until there are events. */
#include "bridge/memory.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"

struct br_memory {
  uint8_t *bytes;
  size_t capacity;
  size_t head;       /* where the next record goes                         */
  uint32_t *offsets; /* of each kept record, in units of 8 bytes, by seq   */
  size_t offset_mask;
  uint64_t first_seq; /* of the oldest kept                                 */
  uint64_t next_seq;
};

static size_t record_bytes(const br_event *event) {
  return (sizeof *event + br_event_tail_bytes(event) + 7) & ~(size_t)7;
}

static size_t memory_offset(const br_memory *memory, uint64_t seq) {
  return (size_t)memory->offsets[seq & memory->offset_mask] * 8;
}

br_memory *br_memory_create(size_t capacity_bytes) {
  br_memory *memory = calloc(1, sizeof *memory);
  if (!memory) {
    return NULL;
  }
  size_t count = 1;
  while (count < capacity_bytes / sizeof(br_event) + 1) {
    count *= 2;
  }
  memory->capacity = capacity_bytes & ~(size_t)7;
  memory->bytes = malloc(memory->capacity);
  memory->offsets = malloc(count * sizeof *memory->offsets);
  memory->offset_mask = count - 1;
  memory->first_seq = memory->next_seq = 1;
  if (!memory->bytes || !memory->offsets) {
    br_memory_destroy(memory);
    return NULL;
  }
  return memory;
}

void br_memory_destroy(br_memory *memory) {
  if (memory) {
    free(memory->bytes);
    free(memory->offsets);
    free(memory);
  }
}

/* Gives up the oldest records that stand in [start, end), or that stand past the new head when it
 * went back to the start of the ring. */
static void memory_evict(br_memory *memory, size_t start, size_t end) {
  while (memory->first_seq != memory->next_seq) {
    size_t oldest = memory_offset(memory, memory->first_seq);
    if (oldest < start || oldest >= end) {
      return;
    }
    memory->first_seq++;
  }
}

const br_event *br_memory_push(br_memory *memory, const br_event *event, uint64_t seq) {
  size_t size = record_bytes(event);
  if (memory->first_seq == memory->next_seq) {
    memory->first_seq = memory->next_seq = seq;
    memory->head = 0;
  }
  BR_CHECK(seq == memory->next_seq);
  if (size > memory->capacity) {
    memory->first_seq = memory->next_seq = seq + 1;
    return NULL;
  }
  if (memory->head + size > memory->capacity) {
    memory_evict(memory, memory->head, memory->capacity);
    memory->head = 0;
  }
  memory_evict(memory, memory->head, memory->head + size);
  br_event *copy = (br_event *)(void *)(memory->bytes + memory->head);
  memcpy(copy, event, sizeof *event + br_event_tail_bytes(event));
  copy->seq = seq;
  memory->offsets[seq & memory->offset_mask] = (uint32_t)(memory->head / 8);
  memory->head += size;
  memory->next_seq = seq + 1;
  return copy;
}

const br_event *br_memory_get(const br_memory *memory, uint64_t seq) {
  if (seq < memory->first_seq || seq >= memory->next_seq) {
    return NULL;
  }
  return (const br_event *)(const void *)(memory->bytes + memory_offset(memory, seq));
}

uint64_t br_memory_oldest(const br_memory *memory) {
  return memory->first_seq;
}
