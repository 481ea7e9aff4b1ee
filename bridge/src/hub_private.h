/* What hub.c and feed.c share. HTTP thread. */
#ifndef BRIDGE_SRC_HUB_PRIVATE_H
#define BRIDGE_SRC_HUB_PRIVATE_H

#include "bridge/hub.h"
#include "bridge/memory.h"
#include "feed_format.h"

/* One format and one filter: a log, and the piece of it that is being written. */
typedef struct feed {
  struct feed *next;
  const br_hub *hub;
  web_log *log;
  const char *run;
  br_event_json json;
  br_filter *filter;     /* owned */
  bool has_plain_filter; /* what it said of `last` holds for all like it */
  bool wanted_last;
  br_event last; /* that it was asked about; kind 0: none yet */
  const feed_format *format;
  unsigned deflate_bits;  /* 0: nothing is compressed */
  web_deflater *deflater; /* of a raw format, which writes its frames by itself; or NULL */
  uint64_t piece_count;   /* pieces appended since the last look for silence */
  uint32_t observer_count;
  uint8_t *piece; /* reserved in the log; NULL: none open */
  uint8_t *cursor;
  uint8_t *limit;
  web_span span;
} feed;

struct br_hub {
  br_hub_options options;
  web_server *server;
  br_memory *memory;
  br_registry registry;
  uint64_t seq;
  void (*on_event)(const br_event *event, void *user); /* NULL: nobody watches */
  void *watcher;
  feed *feeds;
  size_t feed_count;
  size_t log_bytes;
  size_t raw_log_bytes; /* of formats that write frames by themselves */
  size_t payload_bytes; /* of the largest event that logs and memory were made for */
  bool is_holding;      /* the hold timer runs: records stay in the queue */
  web_timer hold_timer; /* a turn, should no socket bring one */
  web_timer idle_timer; /* looks for silent feeds             */
};

/* ---- feed.c ---- */
void br_feed_append(feed *target, const br_event *event);
/* Ends the open piece: what was appended becomes visible to the observers. */
void br_feed_flush(feed *target);
/* Keeps the connections of a feed alive that had nothing to say. */
void br_feed_keep_alive(feed *target, uint64_t last_seq);
/* Destroys the feeds that nobody observes any more. */
void br_feeds_sweep(br_hub *hub);
void br_feeds_fini(br_hub *hub);

#endif
