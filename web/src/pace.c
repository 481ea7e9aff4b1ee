/* Two clocks per observer: since it was caught up, and since its window began. Pure; HTTP
 * thread. */
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
  pace->is_measured = false; /* it would take a call to the system each time */
  window_begin(pace, now_ns);
}

static uint64_t enough_ns(uint32_t observers) {
  return WEB_PACE_WINDOW_NS * (1 + observers / WEB_PACE_WINDOW_OBSERVERS);
}

static uint64_t wanted_bytes_per_s(uint32_t observers) {
  uint64_t share = WEB_PACE_ALL_BYTES_PER_S / (observers > 0 ? observers : 1);
  return share < WEB_PACE_BYTES_PER_S ? share : WEB_PACE_BYTES_PER_S;
}

bool web_pace_is_due(const web_pace *pace, uint64_t now_ns, uint32_t observers) {
  return now_ns - pace->window_start_ns >= enough_ns(observers);
}

void web_pace_judge(web_pace *pace, uint64_t now_ns, uint32_t observers, size_t unread_bytes) {
  /* In milliseconds on one side, so that even a day's window does not overflow. */
  uint64_t window_ms = (now_ns - pace->window_start_ns) / (NS_PER_S / 1000);
  uint64_t wanted_bytes = wanted_bytes_per_s(observers) / 1000 * window_ms;
  /* What a caught-up one had in its socket is not known: its first window is one of grace. */
  bool is_first = !pace->is_measured && pace->caught_up_ns != 0;
  pace->is_fast =
      is_first || pace->unread_bytes + pace->window_bytes >= wanted_bytes + unread_bytes;
  pace->unread_bytes = unread_bytes;
  pace->is_measured = true;
  window_begin(pace, now_ns);
}

bool web_pace_is_trusted(const web_pace *pace, uint64_t now_ns, uint32_t observers) {
  return pace->is_fast || now_ns - pace->caught_up_ns < enough_ns(observers);
}
