/* How many a second, with a burst: a token bucket as one time (the generic cell rate algorithm,
 * ITU-T I.371). Pure; takes the time as an argument, which must not go back. */
#ifndef PIPECORE_SRC_RATE_H
#define PIPECORE_SRC_RATE_H

#include <stdint.h>

typedef struct pc_rate {
  uint64_t interval_ns; /* between two in the long run; 0: no limit  */
  uint64_t burst_ns;    /* that may be run ahead                     */
  uint64_t full_ns;     /* when as many as the burst are free again  */
} pc_rate;

/* `per_second` 0: no limit. `burst` is at least 1. */
void pc_rate_init(pc_rate *rate, uint32_t per_second, uint32_t burst);
/* How many may come now; UINT32_MAX: as many as like to. */
uint32_t pc_rate_free(const pc_rate *rate, uint64_t now_ns);
/* One came. */
void pc_rate_take(pc_rate *rate, uint64_t now_ns);
/* How long until one may; 0: now. */
uint64_t pc_rate_wait_ns(const pc_rate *rate, uint64_t now_ns);

#endif
