/* Two clocks per observer: since it was caught up, and since its window began. Pure; HTTP thread. */
#include "pace.h"

#define NS_PER_S UINT64_C(1000000000)

static void window_begin(web_pace *pace, uint64_t now_ns) {
  pace->window_start_ns = now_ns;
  pace->window_bytes = 0;
}

void web_pace_take(web_pace *pace, size_t size) {
  pace->window_bytes += size;
}

void web_pace_catch_up(web_pace *pace, uint64_t now_ns) {
  pace->caught_up_ns = now_ns;
  window_begin(pace, now_ns);
}

bool web_pace_is_trusted(web_pace *pace, uint64_t now_ns) {
  uint64_t window_ns = now_ns - pace->window_start_ns;
  if (window_ns >= WEB_PACE_WINDOW_NS) {
    /* In milliseconds on one side, so that even a day's window does not overflow. */
    uint64_t wanted_bytes = WEB_PACE_BYTES_PER_S / 1000 * (window_ns / (NS_PER_S / 1000));
    pace->is_fast = pace->window_bytes >= wanted_bytes;
    window_begin(pace, now_ns);
  }
  return pace->is_fast || now_ns - pace->caught_up_ns < WEB_PACE_WINDOW_NS;
}
