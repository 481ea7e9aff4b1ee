/* Whether an observer reads fast enough to be waited for. Pure: time is an argument; HTTP thread.
 *
 * One that was caught up a moment ago is trusted for a window, and for another that is measured;
 * after that it must have read what a fast reader reads, window by window. So a reader that stops
 * is waited for once, and briefly, and one that only trickles not at all. What fast means depends
 * on how many share the log: a machine carries what it carries, and each has its turn later. */
#ifndef WEB_SRC_PACE_H
#define WEB_SRC_PACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WEB_PACE_WINDOW_NS UINT64_C(20000000)
/* Observers by which the window grows by itself. */
#define WEB_PACE_WINDOW_OBSERVERS 25
/* What a program in a scripting language reads and parses at the least; and what a slow machine
 * carries to all observers of a log together. A pipe is never slowed below that. */
#define WEB_PACE_BYTES_PER_S UINT64_C(16000000)
#define WEB_PACE_ALL_BYTES_PER_S UINT64_C(256000000)

/* Zeroed: never caught up, nothing taken. */
typedef struct web_pace {
  uint64_t caught_up_ns;
  uint64_t window_start_ns;
  uint64_t window_bytes; /* sent in it                                       */
  uint64_t unread_bytes; /* sent before it, and not read when it began       */
  bool is_measured;      /* `unread_bytes` is known                          */
  bool is_fast;          /* in the window before                             */
} web_pace;

void web_pace_take(web_pace *pace, size_t size);
/* Nothing is left for it. */
void web_pace_catch_up(web_pace *pace, uint64_t now_ns);
/* Whether a window is over: then judge it, with what the peer has not read of all that was sent.
 * (The kernel takes what is sent in lumps of a third of its buffer: they say little about a
 * window.) `observers`: of its log, itself included. */
bool web_pace_is_due(const web_pace *pace, uint64_t now_ns, uint32_t observers);
void web_pace_judge(web_pace *pace, uint64_t now_ns, uint32_t observers, size_t unread_bytes);
bool web_pace_is_trusted(const web_pace *pace, uint64_t now_ns, uint32_t observers);

#endif
