/* The wheel. Pure.
 *
 * A tick is a sixteenth of the time-out; an entry lies in the slot of the first tick at which its
 * time is over, as far as was known when it was put there. A slot that is looked at is emptied: who
 * was active meanwhile goes where it belongs now, which is at least one tick ahead. */
#include "idle.h"

#include <stddef.h>

void pc_idle_init(pc_idle *idle, uint32_t timeout_ms) {
  *idle = (pc_idle){.timeout_ns = (uint64_t)timeout_ms * 1000000};
  idle->tick_ns = idle->timeout_ns / PC_IDLE_STEPS;
}

static uint64_t tick_of_end(const pc_idle *idle, const pc_idle_entry *entry) {
  return (entry->active_ns + idle->timeout_ns + idle->tick_ns - 1) / idle->tick_ns;
}

static void entry_put(pc_idle *idle, pc_idle_entry *entry, uint64_t tick) {
  pc_idle_entry **slot = &idle->slots[tick % PC_IDLE_SLOTS];
  entry->next = *slot;
  entry->link = slot;
  if (*slot) {
    (*slot)->link = &entry->next;
  }
  *slot = entry;
}

static void entry_take(pc_idle_entry *entry) {
  *entry->link = entry->next;
  if (entry->next) {
    entry->next->link = entry->link;
  }
  entry->link = NULL;
}

void pc_idle_add(pc_idle *idle, pc_idle_entry *entry, uint64_t now_ns) {
  if (idle->timeout_ns == 0) {
    return;
  }
  if (idle->count++ == 0) { /* nobody looked at the ticks that passed meanwhile */
    idle->tick = now_ns / idle->tick_ns;
  }
  entry->active_ns = now_ns;
  entry_put(idle, entry, tick_of_end(idle, entry));
}

void pc_idle_remove(pc_idle *idle, pc_idle_entry *entry) {
  if (entry->link) {
    entry_take(entry);
    idle->count--;
  }
}

pc_idle_entry *pc_idle_take(pc_idle *idle, uint64_t now_ns) {
  if (idle->count == 0) {
    return NULL;
  }
  uint64_t now_tick = now_ns / idle->tick_ns;
  /* Further back than the wheel goes round there is nothing that was not looked at. */
  if (now_tick - idle->tick > PC_IDLE_SLOTS) {
    idle->tick = now_tick - PC_IDLE_SLOTS;
  }
  for (; idle->tick <= now_tick; idle->tick++) {
    pc_idle_entry *entry = idle->slots[idle->tick % PC_IDLE_SLOTS];
    while (entry) {
      pc_idle_entry *next = entry->next;
      uint64_t tick = tick_of_end(idle, entry);
      entry_take(entry);
      if (tick <= now_tick) {
        idle->count--;
        return entry;
      }
      entry_put(idle, entry, tick);
      entry = next;
    }
  }
  idle->tick = now_tick;
  return NULL;
}

uint64_t pc_idle_wait_ns(const pc_idle *idle, uint64_t now_ns) {
  for (uint64_t tick = idle->tick + 1; idle->count > 0; tick++) {
    if (idle->slots[tick % PC_IDLE_SLOTS]) {
      uint64_t due_ns = tick * idle->tick_ns;
      return due_ns > now_ns ? due_ns - now_ns : 1;
    }
  }
  return 0;
}
