/* The clock that never goes back, and giving way. Any thread. */
#include <sched.h>
#include <time.h>

#include "host.h"

uint64_t br_host_mono_ns(void) {
  struct timespec now;
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

void br_host_yield(void) {
  (void)sched_yield();
}
