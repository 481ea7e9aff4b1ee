/* Capped exponential backoff with full jitter. Pure; any thread. */
#include "backoff.h"

void pc_backoff_init(pc_backoff *backoff, uint32_t first_ms, uint32_t max_ms, uint64_t seed) {
  *backoff =
      (pc_backoff){.first_ms = first_ms, .max_ms = max_ms, .ceiling_ms = first_ms, .random = seed};
}

/* SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014). */
static uint64_t random_next(uint64_t *state) {
  uint64_t value = *state += 0x9e3779b97f4a7c15u;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
  return value ^ (value >> 31);
}

uint32_t pc_backoff_next(pc_backoff *backoff) {
  uint32_t ceiling_ms = backoff->ceiling_ms;
  backoff->ceiling_ms = ceiling_ms < backoff->max_ms / 2 ? ceiling_ms * 2 : backoff->max_ms;
  return 1 + (uint32_t)(random_next(&backoff->random) % ceiling_ms);
}

void pc_backoff_reset(pc_backoff *backoff) {
  backoff->ceiling_ms = backoff->first_ms;
}
