/* How a feed's events look on the wire: one table for each format of web/PROTOCOL.md. A piece is
 * what one append to the log holds: a WebSocket message, or some lines. The writers take a cursor
 * into memory that is large enough and return the end. HTTP thread. */
#ifndef BRIDGE_SRC_FEED_FORMAT_H
#define BRIDGE_SRC_FEED_FORMAT_H

#include "bridge/event_json.h"
#include "bridge/hub.h"
#include "web/observer.h"

enum {
  FEED_PIECE_BYTES = 60 * 1024, /* a WebSocket message of many events stays below 64 KiB */
  FEED_OVERHEAD_BYTES = 4096,   /* what a piece adds to its events, generously */
  FEED_RECORD_BYTES = 128       /* what a format puts around each event's JSON, likewise */
};

typedef struct feed_format {
  web_log_format log;
  bool names_run; /* each event says its run; else the piece does */
  uint8_t *(*begin)(const char *run, uint8_t *cursor);
  /* What `event` writes at most. */
  size_t (*bound)(const br_event_json *json, const br_event *event);
  uint8_t *(*event)(br_event_json *json, uint8_t *cursor, const br_event *event);
  /* Of formats whose `event` is a WebSocket frame with the payload: its kind. */
  web_ws_opcode (*opcode)(const br_event *event);
  /* NULL: there is no telling of a gap. */
  uint8_t *(*gap)(br_event_json *json, uint8_t *cursor, const br_gap *gap);
  /* `start`: where `begin` was called. */
  uint8_t *(*end)(uint8_t *start, uint8_t *cursor, uint32_t event_count);
  /* What an observer gets first, who begins behind event `behind`; NULL: nothing, and nothing of
   * the past either. */
  void (*greet)(const br_hub *hub, uint64_t behind, web_buffer *out);
  const char *idle; /* what keeps a silent connection alive, or NULL */
} feed_format;

const feed_format *br_feed_format(br_observe_format format);

#endif
