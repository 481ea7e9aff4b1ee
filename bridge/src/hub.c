/* From the event queue to memory and feeds. HTTP thread.
 *
 * Success: a record gets its seq, is copied into memory, and is encoded once per feed.
 * While an observer that reads fast is far behind, records stay in the queue (`is_holding`): the pipes then
 * feel backpressure for a moment, down to no less than what makes an observer fast (web/src/pace.h).
 * Failures: none of its own; what does not fit in memory any more is given up, oldest first, and whoever asks
 * for it later is told by a gap. */
#include "bridge/hub.h"

#include <stdlib.h>

#include "hub_private.h"

enum {
  BATCH_BYTES = 256 * 1024,
  HOLD_MS = 5,
  IDLE_MS = 15000 /* proxies cut what is silent for 30 s or 60 s */
};

/* Bytes of the largest event in any format. */
static size_t largest_event(const br_hub *hub) {
  size_t largest = 0;
  for (size_t index = 0; index < hub->registry.pipe_count; index++) {
    const br_pipe_config *pipe = hub->registry.pipes[index].config;
    br_event event = {.pipe = (uint16_t)index,
                      .size_bytes = pipe->limits.max_message_bytes,
                      .by_bytes = UINT8_MAX};
    br_event_json json;
    br_event_json_init(&json, NULL, hub->pipe_names);
    size_t bound = br_event_json_bound(&json, &event) + FEED_RECORD_BYTES;
    largest = bound > largest ? bound : largest;
  }
  return largest;
}

static size_t at_least(size_t wanted, size_t minimum) {
  return wanted > minimum ? wanted : minimum;
}

br_hub *br_hub_create(const br_hub_options *options) {
  br_hub *hub = calloc(1, sizeof *hub);
  if (!hub) {
    return NULL;
  }
  const br_config *config = options->config;
  hub->options = *options;
  hub->pipe_names = calloc(config->pipe_count + 1, sizeof *hub->pipe_names);
  if (!br_registry_init(&hub->registry, config, options->live) || !hub->pipe_names) {
    br_hub_destroy(hub);
    return NULL;
  }
  for (size_t index = 0; index < config->pipe_count; index++) {
    hub->pipe_names[index] = config->pipes[index].name;
  }
  /* Four of the largest event, or of a piece of small ones, must fit into a log: it takes no larger ones, and
   * no observer could keep up. */
  size_t largest = largest_event(hub);
  size_t piece = at_least(largest, FEED_PIECE_BYTES) + FEED_OVERHEAD_BYTES;
  hub->log_bytes = at_least(config->events.log_bytes, 4 * piece);
  hub->memory = br_memory_create(at_least(config->events.memory_bytes, 2 * largest));
  if (!hub->memory) {
    br_hub_destroy(hub);
    return NULL;
  }
  return hub;
}

void br_hub_destroy(br_hub *hub) {
  if (!hub) {
    return;
  }
  br_feeds_fini(hub);
  br_registry_fini(&hub->registry);
  br_memory_destroy(hub->memory);
  free(hub->pipe_names);
  free(hub);
}

static void hold_timer_end(web_timer *timer, void *user) {
  (void)timer; /* the turn that it brings is all */
  (void)user;
}

static void idle_timer_end(web_timer *timer, void *user) {
  br_hub *hub = user;
  for (feed *target = hub->feeds; target; target = target->next) {
    br_feed_keep_alive(target, hub->seq);
  }
  web_timer_start(hub->server, timer, IDLE_MS);
}

void br_hub_attach(br_hub *hub, web_server *server) {
  hub->server = server;
  hub->hold_timer.routine = hold_timer_end;
  hub->idle_timer = (web_timer){.routine = idle_timer_end, .user = hub};
  web_timer_start(server, &hub->idle_timer, IDLE_MS);
}

static bool is_event(const br_event *record) {
  return record->kind != BR_RECORD_RESULT;
}

static void hub_take(const void *data, size_t size, void *user) {
  br_hub *hub = user;
  const br_event *record = data;
  (void)size;
  if (!is_event(record)) {
    hub->options.on_record(record, hub->options.user);
    return;
  }
  const br_event *event = br_memory_push(hub->memory, record, ++hub->seq);
  br_registry_apply(&hub->registry, event);
  for (feed *target = hub->feeds; target; target = target->next) {
    br_feed_append(target, event);
  }
  if (event->kind == BR_EVENT_INJECTED) {
    hub->options.on_record(event, hub->options.user);
  }
}

bool br_hub_is_holding(br_hub *hub) {
  for (feed *target = hub->feeds; target; target = target->next) {
    if (web_log_is_crowded(target->log)) {
      return true;
    }
  }
  return false;
}

bool br_hub_do_work(br_hub *hub) {
  if (br_hub_is_holding(hub)) {
    web_timer_start(hub->server, &hub->hold_timer, HOLD_MS);
    return false;
  }
  size_t count = br_queue_drain(hub->options.events, BATCH_BYTES, hub_take, hub);
  if (count > 0) {
    hub->options.on_room(hub->options.user);
    for (feed *target = hub->feeds; target; target = target->next) {
      br_feed_flush(target);
    }
  }
  br_feeds_sweep(hub);
  return count > 0;
}

bool br_hub_matches(const br_hub *hub, const br_filter *filter, const br_event *event) {
  const br_session_info *session = NULL;
  if (br_filter_needs_session(filter)) {
    session = br_registry_known_session(&hub->registry, event->session);
  }
  return br_filter_matches(filter, event, hub->pipe_names[event->pipe], session);
}

uint64_t br_hub_seq(const br_hub *hub) {
  return hub->seq;
}

const char *br_hub_run(const br_hub *hub) {
  return hub->options.run;
}

const br_registry *br_hub_registry(const br_hub *hub) {
  return &hub->registry;
}

const br_memory *br_hub_memory(const br_hub *hub) {
  return hub->memory;
}

const char *const *br_hub_pipe_names(const br_hub *hub) {
  return hub->pipe_names;
}
