/* The timer heap. pc_timer.index is the place in `items` plus one; 0 is "not running", so that a
 * zeroed timer is ready for use. The loop's thread. */
#include "timer_heap.h"

#include <stdlib.h>

#include "check.h"

enum { HEAP_MIN_CAPACITY = 16 };

static void heap_set(pc_timer_heap *heap, size_t place, pc_timer *timer) {
  heap->items[place] = timer;
  timer->index = place + 1;
}

static void heap_sift_up(pc_timer_heap *heap, size_t place) {
  pc_timer *timer = heap->items[place];
  while (place > 0) {
    size_t parent = (place - 1) / 2;
    if (heap->items[parent]->deadline_ns <= timer->deadline_ns) {
      break;
    }
    heap_set(heap, place, heap->items[parent]);
    place = parent;
  }
  heap_set(heap, place, timer);
}

static void heap_sift_down(pc_timer_heap *heap, size_t place) {
  pc_timer *timer = heap->items[place];
  for (;;) {
    size_t child = 2 * place + 1;
    if (child >= heap->count) {
      break;
    }
    if (child + 1 < heap->count &&
        heap->items[child + 1]->deadline_ns < heap->items[child]->deadline_ns) {
      child++;
    }
    if (timer->deadline_ns <= heap->items[child]->deadline_ns) {
      break;
    }
    heap_set(heap, place, heap->items[child]);
    place = child;
  }
  heap_set(heap, place, timer);
}

static bool heap_ensure(pc_timer_heap *heap, size_t wanted) {
  if (wanted <= heap->capacity) {
    return true;
  }
  size_t capacity = heap->capacity ? heap->capacity * 2 : HEAP_MIN_CAPACITY;
  while (capacity < wanted) {
    capacity *= 2;
  }
  pc_timer **items = realloc(heap->items, capacity * sizeof *items);
  if (!items) {
    return false;
  }
  heap->items = items;
  heap->capacity = capacity;
  return true;
}

void pc_timer_heap_fini(pc_timer_heap *heap) {
  free(heap->items);
  *heap = (pc_timer_heap){0};
}

bool pc_timer_heap_reserve(pc_timer_heap *heap, size_t count) {
  if (!heap_ensure(heap, heap->count + heap->reserved + count)) {
    return false;
  }
  heap->reserved += count;
  return true;
}

void pc_timer_heap_release(pc_timer_heap *heap, size_t count) {
  PC_CHECK(heap->reserved >= count);
  heap->reserved -= count;
}

bool pc_timer_heap_grow(pc_timer_heap *heap) {
  return heap_ensure(heap, heap->count + heap->reserved + 1);
}

void pc_timer_heap_put(pc_timer_heap *heap, pc_timer *timer, uint64_t deadline_ns) {
  pc_timer_heap_remove(heap, timer);
  PC_CHECK(heap->count < heap->capacity);
  timer->deadline_ns = deadline_ns;
  heap->items[heap->count] = timer;
  heap_sift_up(heap, heap->count++);
}

void pc_timer_heap_remove(pc_timer_heap *heap, pc_timer *timer) {
  if (timer->index == 0) {
    return;
  }
  size_t place = timer->index - 1;
  PC_CHECK(place < heap->count && heap->items[place] == timer);
  timer->index = 0;
  pc_timer *last = heap->items[--heap->count];
  if (last != timer) {
    heap_set(heap, place, last);
    heap_sift_up(heap, place);
    heap_sift_down(heap, last->index - 1);
  }
}

pc_timer *pc_timer_heap_first(const pc_timer_heap *heap) {
  return heap->count ? heap->items[0] : NULL;
}
