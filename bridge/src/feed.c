/* Feeds and their observers: each event is encoded once per feed into a broadcast log; an observer
 * that starts in the past is served from memory until it has caught up. HTTP thread. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "hub_private.h"

enum { MAX_FEEDS = 256 };

struct br_observer {
  br_hub *hub;
  feed *feed;
  br_observe_options options;
  uint64_t next_seq; /* the first event that it has not been given from memory */
  bool is_greeted;
  bool is_caught_up; /* and goes on in the log */
};

/* Bytes that an event takes at most, beside the piece's own. */
static size_t feed_event_bound(const feed *target, const br_event *event) {
  return target->format->bound(&target->json, event);
}

/* Events come in runs of the same session and kind. */
static bool is_like_the_last(const feed *target, const br_event *event) {
  const br_event *last = &target->last;
  return event->session == last->session && event->pipe == last->pipe &&
         event->kind == last->kind && event->direction == last->direction &&
         event->flags == last->flags;
}

static bool feed_wants(feed *target, const br_event *event) {
  if (!target->has_plain_filter) {
    return br_hub_matches(target->hub, target->filter, event);
  }
  if (!is_like_the_last(target, event)) {
    target->wanted_last = br_hub_matches(target->hub, target->filter, event);
    target->last = *event;
  }
  return target->wanted_last;
}

/* ---- the live log ---- */

void br_feed_flush(feed *target) {
  if (target->piece) {
    target->cursor =
        target->format->end(target->piece, target->cursor, (uint32_t)target->span.count);
    target->piece_count++;
    web_log_commit(target->log, (size_t)(target->cursor - target->piece), &target->span);
    target->piece = NULL;
  }
}

static void feed_open_piece(feed *target, size_t event_bound) {
  size_t size = event_bound + FEED_OVERHEAD_BYTES;
  size = size > FEED_PIECE_BYTES ? size : FEED_PIECE_BYTES;
  target->piece = web_log_reserve(target->log, size);
  BR_CHECK(target->piece); /* the hub made the log large enough for the largest event */
  target->limit = target->piece + size;
  target->cursor = target->format->begin(target->run, target->piece);
  target->span = (web_span){0};
}

static uint8_t *feed_write_event(feed *target, const br_event *event) {
  if (!target->deflater || event->size_bytes < WEB_DEFLATE_MIN_BYTES) {
    return target->format->event(&target->json, target->cursor, event);
  }
  const void *data = br_event_payload(event);
  size_t size = event->size_bytes;
  uint8_t *cursor = target->cursor;
  cursor += web_ws_pack(cursor, target->format->opcode(event), &data, &size, target->deflater);
  memcpy(cursor, data, size);
  return cursor + size;
}

void br_feed_append(feed *target, const br_event *event) {
  if (!feed_wants(target, event)) {
    return;
  }
  size_t bound = feed_event_bound(target, event);
  if (target->piece && bound > (size_t)(target->limit - target->cursor)) {
    br_feed_flush(target);
  }
  if (!target->piece) {
    feed_open_piece(target, bound);
    target->span.first_seq = event->seq;
  }
  target->cursor = feed_write_event(target, event);
  target->span.last_seq = event->seq;
  target->span.count++;
}

void br_feed_keep_alive(feed *target, uint64_t last_seq) {
  const char *idle = target->format->idle;
  if (idle && target->piece_count == 0) {
    /* It stands for no event: between the last and the next. */
    web_span nothing = {.first_seq = last_seq + 1, .last_seq = last_seq, .count = 0};
    uint8_t *piece = web_log_reserve(target->log, strlen(idle));
    BR_CHECK(piece);
    memcpy(piece, idle, strlen(idle));
    web_log_commit(target->log, strlen(idle), &nothing);
  }
  target->piece_count = 0;
}

/* ---- feeds ---- */

static feed *feed_find(br_hub *hub, const br_filter *filter, const feed_format *format,
                       unsigned deflate_bits) {
  for (feed *target = hub->feeds; target; target = target->next) {
    if (target->format == format && target->deflate_bits == deflate_bits &&
        strcmp(br_filter_text(target->filter), br_filter_text(filter)) == 0) {
      return target;
    }
  }
  return NULL;
}

/* Compresses by the log what that makes WebSocket messages of, by the feed what is one already. */
static bool feed_compress(feed *target, web_server *server, unsigned deflate_bits) {
  target->deflate_bits = deflate_bits;
  if (deflate_bits == 0) {
    return true;
  }
  if (target->format->opcode) {
    target->deflater = web_server_deflater(server, deflate_bits);
    return target->deflater != NULL;
  }
  return web_log_compress(target->log, deflate_bits);
}

/* Takes the filter over if it succeeds. */
static br_observe_result feed_create(br_hub *hub, br_filter *filter, const feed_format *format,
                                     unsigned deflate_bits, feed **out_feed) {
  if (hub->feed_count == MAX_FEEDS) {
    br_feeds_sweep(hub); /* a client that subscribes again and again leaves many in one turn */
  }
  if (hub->feed_count == MAX_FEEDS) {
    return BR_OBSERVE_TOO_MANY;
  }
  feed *target = calloc(1, sizeof *target);
  size_t log_bytes = format->opcode ? hub->raw_log_bytes : hub->log_bytes;
  if (!target || web_log_create(hub->server, format->log, log_bytes, &target->log) != WEB_OK) {
    free(target);
    return BR_OBSERVE_NO_MEMORY;
  }
  target->format = format;
  if (!feed_compress(target, hub->server, deflate_bits)) {
    web_log_destroy(target->log);
    free(target);
    return BR_OBSERVE_NO_MEMORY;
  }
  /* A batch names its run once, a line is by itself. */
  br_event_json_init(&target->json, format->names_run ? hub->options.run : NULL,
                     br_hub_pipe_names(hub));
  target->hub = hub;
  target->run = hub->options.run;
  target->filter = filter;
  target->has_plain_filter = br_filter_is_plain(filter);
  target->next = hub->feeds;
  hub->feeds = target;
  hub->feed_count++;
  *out_feed = target;
  return BR_OBSERVE_OK;
}

static void feed_destroy(feed *target) {
  web_log_destroy(target->log);
  br_filter_destroy(target->filter);
  free(target);
}

void br_feeds_sweep(br_hub *hub) {
  for (feed **link = &hub->feeds; *link;) {
    feed *target = *link;
    if (target->observer_count == 0 && web_log_observer_count(target->log) == 0) {
      *link = target->next;
      hub->feed_count--;
      feed_destroy(target);
    } else {
      link = &target->next;
    }
  }
}

void br_feeds_fini(br_hub *hub) {
  while (hub->feeds) {
    feed *target = hub->feeds;
    hub->feeds = target->next;
    feed_destroy(target);
  }
}

/* ---- observers ---- */

static void gap_append(feed *target, const br_gap *gap, web_buffer *out) {
  uint8_t *start = web_buffer_reserve(out, BR_GAP_JSON_BOUND + FEED_OVERHEAD_BYTES);
  if (start) {
    const feed_format *format = target->format;
    uint8_t *end = format->gap(&target->json, format->begin(target->run, start), gap);
    web_buffer_commit(out, (size_t)(format->end(start, end, 1) - start));
  }
}

static void source_encode_gap(void *user, const web_span *missed, web_buffer *out) {
  const br_observer *observer = user;
  br_gap gap = {.from = missed->first_seq,
                .to = missed->last_seq,
                .count = missed->count,
                .reason = BR_GAP_SLOW};
  gap_append(observer->feed, &gap, out);
}

/* What memory does not hold is told first. */
static bool observer_tell_expired(br_observer *observer, web_buffer *out) {
  uint64_t oldest = br_memory_oldest(observer->hub->memory);
  bool is_other_run = observer->options.start == BR_START_RUN;
  if (observer->next_seq >= oldest && !is_other_run) {
    return false;
  }
  br_gap gap = {.from = observer->next_seq,
                .to = oldest - 1,
                .count = oldest - observer->next_seq,
                .reason = is_other_run ? BR_GAP_RUN : BR_GAP_EXPIRED};
  observer->options.start = BR_START_SINCE;
  observer->next_seq = oldest;
  gap_append(observer->feed, &gap, out);
  return true;
}

/* One piece of events from memory. Everything up to the hub's seq is in the log already, before its
 * head. */
static void observer_replay(br_observer *observer, web_buffer *out) {
  br_hub *hub = observer->hub;
  feed *target = observer->feed;
  const feed_format *format = target->format;
  uint32_t count = 0;
  for (; observer->next_seq <= hub->seq && out->size < FEED_PIECE_BYTES; observer->next_seq++) {
    const br_event *event = br_memory_get(hub->memory, observer->next_seq);
    if (!event || !feed_wants(target, event)) {
      continue;
    }
    uint8_t *start = web_buffer_reserve(out, feed_event_bound(target, event) + FEED_OVERHEAD_BYTES);
    if (!start) {
      return;
    }
    uint8_t *cursor = count == 0 ? format->begin(target->run, start) : start;
    cursor = format->event(&target->json, cursor, event);
    web_buffer_commit(out, (size_t)(cursor - start));
    count++;
  }
  uint8_t *start = count > 0 ? web_buffer_reserve(out, FEED_OVERHEAD_BYTES) : NULL;
  if (start) {
    uint8_t *end = format->end(out->data, start, count);
    web_buffer_commit(out, (size_t)(end - start));
  }
}

static void observer_begin_now(br_observer *observer) {
  observer->options.start = BR_START_SINCE;
  observer->next_seq = observer->hub->seq + 1;
}

static void source_catch_up(void *user, web_buffer *out) {
  br_observer *observer = user;
  if (!observer->is_greeted) {
    observer->is_greeted = true;
    if (observer->options.start == BR_START_NOW) {
      observer_begin_now(observer); /* the state that the greeting tells: no hole behind it */
    }
    observer->feed->format->greet(observer->hub, observer->next_seq - 1, out);
    return;
  }
  if (!observer_tell_expired(observer, out)) {
    observer_replay(observer, out);
  }
  observer->is_caught_up = out->size == 0 && !out->failed;
}

br_observe_result br_hub_observer_create(br_hub *hub, const br_observe_options *options,
                                         br_observer **out_observer) {
  const feed_format *format = br_feed_format(options->format);
  feed *target = feed_find(hub, options->filter, format, options->deflate_bits);
  if (target) {
    br_filter_destroy(options->filter);
  } else {
    br_observe_result result =
        feed_create(hub, options->filter, format, options->deflate_bits, &target);
    if (result != BR_OBSERVE_OK) {
      br_filter_destroy(options->filter);
      return result;
    }
  }
  br_observer *observer = calloc(1, sizeof *observer);
  if (!observer) {
    return BR_OBSERVE_NO_MEMORY; /* a feed without observers is swept */
  }
  observer->hub = hub;
  observer->feed = target;
  observer->options = *options;
  observer->options.filter = NULL; /* the feed's */
  observer->is_greeted = options->is_greeted;
  observer->next_seq = options->start == BR_START_SINCE ? options->since + 1 : 1;
  if (options->is_greeted && options->start == BR_START_NOW) {
    observer_begin_now(observer);
  }
  target->observer_count++;
  *out_observer = observer;
  return BR_OBSERVE_OK;
}

void br_hub_observer_destroy(br_observer *observer) {
  if (observer) {
    observer->feed->observer_count--;
    free(observer);
  }
}

const br_filter *br_hub_observer_filter(const br_observer *observer) {
  return observer->feed->filter;
}

void br_hub_observer_where(const br_observer *observer, uint64_t next_seq, br_start_mode *out_start,
                           uint64_t *out_since) {
  const feed *target = observer->feed;
  *out_start = observer->options.start;
  if (!observer->is_caught_up) {
    *out_since = observer->next_seq - 1;
  } else if (next_seq != 0) {
    *out_since = next_seq - 1;
  } else if (target->piece) { /* not in the log yet */
    *out_since = target->span.first_seq - 1;
  } else {
    *out_since = observer->hub->seq;
  }
}

web_source br_hub_observer_source(br_observer *observer) {
  const feed_format *format = observer->feed->format;
  return (web_source){.log = observer->feed->log,
                      .catch_up = format->greet ? source_catch_up : NULL,
                      .encode_gap = format->gap ? source_encode_gap : NULL,
                      .max_lag_bytes = observer->options.max_lag_bytes,
                      .user = observer};
}
