/* A binary heap of timers by deadline. Pure; the loop's thread. */
#ifndef PIPECORE_SRC_TIMER_HEAP_H
#define PIPECORE_SRC_TIMER_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipecore/loop.h"

typedef struct pc_timer_heap {
  pc_timer **items;
  size_t count;
  size_t capacity;
  size_t reserved; /* places promised to the library's own timers, whose start cannot fail */
} pc_timer_heap;

void pc_timer_heap_fini(pc_timer_heap *heap);
/* Promises `count` places; pc_timer_heap_release takes the promise back. */
PC_MUST_USE bool pc_timer_heap_reserve(pc_timer_heap *heap, size_t count);
void pc_timer_heap_release(pc_timer_heap *heap, size_t count);
/* Room for one timer beside the promised ones. */
PC_MUST_USE bool pc_timer_heap_grow(pc_timer_heap *heap);

/* The heap has room (pc_timer_heap_grow, or a promised place) or holds `timer` already. */
void pc_timer_heap_put(pc_timer_heap *heap, pc_timer *timer, uint64_t deadline_ns);
/* Nothing happens if it is not in. */
void pc_timer_heap_remove(pc_timer_heap *heap, pc_timer *timer);
/* The earliest, or NULL. */
pc_timer *pc_timer_heap_first(const pc_timer_heap *heap);

#endif
