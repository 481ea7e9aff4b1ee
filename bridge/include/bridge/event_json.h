/* Events as JSON text, at the speed of the stream (web/PROTOCOL.md says how they look). Pure but
 * for the time stamp that an encoder remembers; one thread at a time. */
#ifndef BRIDGE_EVENT_JSON_H
#define BRIDGE_EVENT_JSON_H

#include <stddef.h>
#include <stdint.h>

#include "bridge/event.h"

enum { BR_RUN_TEXT_BYTES = 17 }; /* 16 hexadecimal digits and NUL */

typedef struct br_event_json {
  const char *run;               /* written into each event; NULL: not            */
  const char *const *pipe_names; /* by index; borrowed                            */
  /* Events of one turn share their time: the text is made once. */
  uint64_t stamp_mono_ns;
  uint64_t stamp_wall_ns;
  size_t stamp_size;
  char stamp[80];
  /* Those of one session share their place; pipe names have 64 bytes at most. */
  uint64_t place_session;
  uint16_t place_pipe;
  size_t place_size; /* 0: none yet */
  char place[128];
} br_event_json;

void br_event_json_init(br_event_json *encoder, const char *run, const char *const *pipe_names);

/* Bytes that br_event_json_write writes at most. */
size_t br_event_json_bound(const br_event_json *encoder, const br_event *event);
/* Writes one object, without a line end, at `cursor`; returns the end. */
uint8_t *br_event_json_write(br_event_json *encoder, uint8_t *cursor, const br_event *event);

typedef enum br_gap_reason { BR_GAP_SLOW, BR_GAP_EXPIRED, BR_GAP_RUN } br_gap_reason;

typedef struct br_gap {
  uint64_t from;  /* first seq missed */
  uint64_t to;    /* last             */
  uint64_t count; /* events that this observer would have got */
  br_gap_reason reason;
} br_gap;

enum { BR_GAP_JSON_BOUND = 192 };
uint8_t *br_gap_json_write(const br_event_json *encoder, uint8_t *cursor, const br_gap *gap);

#endif
