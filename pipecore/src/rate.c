/* A token bucket. Pure. */
#include "rate.h"

#define NS_PER_S UINT64_C(1000000000)

void pc_rate_init(pc_rate *rate, uint32_t per_second, uint32_t burst) {
  *rate = (pc_rate){0};
  if (per_second > 0) {
    rate->interval_ns = NS_PER_S / per_second;
    rate->burst_ns = burst * rate->interval_ns;
  }
}

static uint64_t rate_used_ns(const pc_rate *rate, uint64_t now_ns) {
  return rate->full_ns > now_ns ? rate->full_ns - now_ns : 0;
}

uint32_t pc_rate_free(const pc_rate *rate, uint64_t now_ns) {
  if (rate->interval_ns == 0) {
    return UINT32_MAX;
  }
  uint64_t used_ns = rate_used_ns(rate, now_ns);
  return used_ns < rate->burst_ns ? (uint32_t)((rate->burst_ns - used_ns) / rate->interval_ns) : 0;
}

void pc_rate_take(pc_rate *rate, uint64_t now_ns) {
  rate->full_ns = now_ns + rate_used_ns(rate, now_ns) + rate->interval_ns;
}

uint64_t pc_rate_wait_ns(const pc_rate *rate, uint64_t now_ns) {
  uint64_t needed_ns = rate_used_ns(rate, now_ns) + rate->interval_ns;
  return needed_ns > rate->burst_ns && rate->interval_ns > 0 ? needed_ns - rate->burst_ns : 0;
}
