/* Whether an observer reads fast enough to be waited for. Pure: time is an argument; HTTP thread.
 *
 * One that was caught up a moment ago is trusted for WEB_PACE_WINDOW_NS; after that it must have taken
 * WEB_PACE_BYTES_PER_S, measured window by window. So a reader that stops is waited for once, and briefly,
 * and one that only trickles not at all. */
#ifndef WEB_SRC_PACE_H
#define WEB_SRC_PACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WEB_PACE_WINDOW_NS UINT64_C(20000000)
/* What a program in a scripting language reads and parses at the least; a pipe is never slowed below it. */
#define WEB_PACE_BYTES_PER_S UINT64_C(16000000)

/* Zeroed: never caught up, nothing taken. */
typedef struct web_pace {
  uint64_t caught_up_ns;
  uint64_t window_start_ns;
  uint64_t window_bytes;
  bool is_fast; /* in the window before */
} web_pace;

void web_pace_take(web_pace *pace, size_t size);
/* Nothing is left for it. */
void web_pace_catch_up(web_pace *pace, uint64_t now_ns);
bool web_pace_is_trusted(web_pace *pace, uint64_t now_ns);

#endif
