/* How long to wait before the next try: capped exponential backoff with full jitter, so that those
 * who lost the same server do not come back all at once. Pure.
 *
 * Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015. */
#ifndef PIPECORE_SRC_BACKOFF_H
#define PIPECORE_SRC_BACKOFF_H

#include <stdint.h>

typedef struct pc_backoff {
  uint32_t first_ms; /* longest first delay */
  uint32_t max_ms;   /* longest delay       */
  uint32_t ceiling_ms;
  uint64_t random;
} pc_backoff;

/* The same seed gives the same delays. */
void pc_backoff_init(pc_backoff *backoff, uint32_t first_ms, uint32_t max_ms, uint64_t seed);
/* The next delay: from 1 ms up to a ceiling that doubles each time. */
uint32_t pc_backoff_next(pc_backoff *backoff);
/* The next delay is a first one again. */
void pc_backoff_reset(pc_backoff *backoff);

#endif
