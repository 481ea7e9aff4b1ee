/* Feeds and their observers: each event is encoded once per feed into a broadcast log; an observer that starts
 * in the past is served from memory until it has caught up. HTTP thread. */
#include <stdlib.h>
#include <string.h>

#include "bridge/describe.h"
#include "check.h"
#include "hub_private.h"

enum { MAX_FEEDS = 256 };

struct br_observer {
  br_hub *hub;
  feed *feed;
  br_observe_options options;
  uint64_t next_seq; /* the first event that it has not been given from memory */
  bool is_greeted;
};

/* ---- encoding ---- */

static bool feed_wants(const feed *target, const br_event *event) {
  return br_filter_matches(target->filter, event, target->json.pipe_names[event->pipe]);
}

static uint8_t *piece_begin(const feed *target, uint8_t *cursor) {
  if (!target->is_websocket) {
    return cursor;
  }
  static const char start[] = "{\"type\":\"events\",\"run\":\"";
  memcpy(cursor, start, sizeof start - 1);
  cursor += sizeof start - 1;
  memcpy(cursor, target->run, BR_RUN_TEXT_BYTES - 1);
  cursor += BR_RUN_TEXT_BYTES - 1;
  static const char list[] = "\",\"events\":[";
  memcpy(cursor, list, sizeof list - 1);
  return cursor + sizeof list - 1;
}

/* Events end with a comma or a line end; the last comma becomes the list's end. */
static uint8_t *piece_end(const feed *target, uint8_t *cursor) {
  if (target->is_websocket) {
    cursor[-1] = ']';
    *cursor++ = '}';
  }
  return cursor;
}

static uint8_t *event_end(const feed *target, uint8_t *cursor) {
  *cursor = target->is_websocket ? ',' : '\n';
  return cursor + 1;
}

/* ---- the live log ---- */

void br_feed_flush(feed *target) {
  if (target->piece) {
    target->cursor = piece_end(target, target->cursor);
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
  target->cursor = piece_begin(target, target->piece);
  target->span = (web_span){0};
}

void br_feed_append(feed *target, const br_event *event) {
  if (!feed_wants(target, event)) {
    return;
  }
  size_t bound = br_event_json_bound(&target->json, event);
  if (target->piece && bound + 16 > (size_t)(target->limit - target->cursor)) {
    br_feed_flush(target);
  }
  if (!target->piece) {
    feed_open_piece(target, bound);
    target->span.first_seq = event->seq;
  }
  target->cursor = event_end(target, br_event_json_write(&target->json, target->cursor, event));
  target->span.last_seq = event->seq;
  target->span.count++;
}

/* ---- feeds ---- */

static feed *feed_find(br_hub *hub, const br_filter *filter, bool is_websocket) {
  for (feed *target = hub->feeds; target; target = target->next) {
    if (target->is_websocket == is_websocket &&
        strcmp(br_filter_text(target->filter), br_filter_text(filter)) == 0) {
      return target;
    }
  }
  return NULL;
}

/* Takes the filter over if it succeeds. */
static br_observe_result feed_create(br_hub *hub, br_filter *filter, bool is_websocket,
                                     feed **out_feed) {
  if (hub->feed_count == MAX_FEEDS) {
    return BR_OBSERVE_TOO_MANY;
  }
  feed *target = calloc(1, sizeof *target);
  web_log_format format = is_websocket ? WEB_LOG_WS_TEXT : WEB_LOG_PLAIN;
  if (!target || web_log_create(hub->server, format, hub->log_bytes, &target->log) != WEB_OK) {
    free(target);
    return BR_OBSERVE_NO_MEMORY;
  }
  /* A batch names its run once, a line is by itself. */
  br_event_json_init(&target->json, is_websocket ? NULL : hub->options.run, hub->pipe_names);
  target->run = hub->options.run;
  target->filter = filter;
  target->is_websocket = is_websocket;
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

static void observer_greet(br_observer *observer, web_buffer *out) {
  br_hub *hub = observer->hub;
  if (!observer->feed->is_websocket) {
    web_buffer_append_format(out, "{\"kind\":\"hello\",\"run\":\"%s\",\"seq\":%llu}\n",
                             hub->options.run, (unsigned long long)hub->seq);
    return;
  }
  web_buffer_append_format(out,
                           "{\"type\":\"snapshot\",\"run\":\"%s\",\"seq\":%llu,\"version\":\"%s\","
                           "\"pipes\":",
                           hub->options.run, (unsigned long long)hub->seq, PIPEBRIDGE_VERSION);
  br_describe_pipes(out, &hub->registry);
  web_buffer_append_text(out, ",\"sessions\":");
  br_describe_sessions(out, &hub->registry, NULL);
  web_buffer_append_text(out, "}");
}

static uint8_t *gap_write(const feed *target, uint8_t *cursor, const br_gap *gap) {
  return event_end(target, br_gap_json_write(&target->json, cursor, gap));
}

static void gap_append(const feed *target, const br_gap *gap, web_buffer *out) {
  uint8_t *start = web_buffer_reserve(out, BR_GAP_JSON_BOUND + FEED_OVERHEAD_BYTES);
  if (start) {
    uint8_t *cursor = gap_write(target, piece_begin(target, start), gap);
    web_buffer_commit(out, (size_t)(piece_end(target, cursor) - start));
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

/* One piece of events from memory. Everything up to the hub's seq is in the log already, before its head. */
static void observer_replay(br_observer *observer, web_buffer *out) {
  br_hub *hub = observer->hub;
  feed *target = observer->feed;
  bool has_events = false;
  for (; observer->next_seq <= hub->seq && out->size < FEED_PIECE_BYTES; observer->next_seq++) {
    const br_event *event = br_memory_get(hub->memory, observer->next_seq);
    if (!event || !feed_wants(target, event)) {
      continue;
    }
    size_t bound = br_event_json_bound(&target->json, event) + FEED_OVERHEAD_BYTES;
    uint8_t *start = web_buffer_reserve(out, bound);
    if (!start) {
      return;
    }
    uint8_t *cursor = has_events ? start : piece_begin(target, start);
    cursor = event_end(target, br_event_json_write(&target->json, cursor, event));
    web_buffer_commit(out, (size_t)(cursor - start));
    has_events = true;
  }
  if (has_events && target->is_websocket) {
    out->data[out->size - 1] = ']';
    web_buffer_append(out, "}", 1);
  }
}

static void source_catch_up(void *user, web_buffer *out) {
  br_observer *observer = user;
  if (!observer->is_greeted) {
    observer->is_greeted = true;
    if (observer->options.start == BR_START_NOW) {
      /* "Now" is the state that the greeting tells: what comes after it comes without a hole. */
      observer->options.start = BR_START_SINCE;
      observer->next_seq = observer->hub->seq + 1;
    }
    observer_greet(observer, out);
    return;
  }
  if (!observer_tell_expired(observer, out)) {
    observer_replay(observer, out);
  }
}

br_observe_result br_hub_observer_create(br_hub *hub, const br_observe_options *options,
                                         bool is_websocket, br_observer **out_observer) {
  feed *target = feed_find(hub, options->filter, is_websocket);
  if (target) {
    br_filter_destroy(options->filter);
  } else {
    br_observe_result result = feed_create(hub, options->filter, is_websocket, &target);
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
  observer->next_seq = options->start == BR_START_SINCE ? options->since + 1 : 1;
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

web_source br_hub_observer_source(br_observer *observer) {
  return (web_source){.log = observer->feed->log,
                      .catch_up = source_catch_up,
                      .encode_gap = source_encode_gap,
                      .user = observer};
}
