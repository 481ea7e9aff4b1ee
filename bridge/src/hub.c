/* From the event queue to memory and feeds. HTTP thread.
 *
 * Success: a record gets its seq, is copied into memory, and is encoded once per feed. Of a pipe
 * that came, changed or went, the registry takes what the record hands over, and the event says the
 * pipe as JSON. While an observer that reads fast is far behind, records stay in the queue
 * (`is_holding`): the pipes then feel backpressure for a moment, down to no less than what makes an
 * observer fast (web/src/pace.h). Failures: none of its own; what does not fit in memory any more
 * is given up, oldest first, and whoever asks for it later is told by a gap. */
#include "bridge/hub.h"

#include <stdlib.h>
#include <string.h>

#include "bridge/describe.h"
#include "hub_private.h"

enum {
  BATCH_BYTES = 256 * 1024,
  /* What a record in memory has beside the largest message, or instead of it: who a peer is. */
  RECORD_MORE_BYTES = 64 * 1024,
  HOLD_MS = 5,
  IDLE_MS = 15000 /* proxies cut what is silent for 30 s or 60 s */
};

/* Bytes of the largest event in any format. */
static size_t largest_event(uint32_t message_bytes) {
  char name[BR_PIPE_NAME_BYTES];
  memset(name, 'n', sizeof name - 1);
  name[sizeof name - 1] = '\0';
  const char *const names[] = {name};
  br_event event = {.size_bytes = message_bytes, .by_bytes = UINT8_MAX};
  br_event_json json;
  br_event_json_init(&json, NULL, names);
  return br_event_json_bound(&json, &event) + FEED_RECORD_BYTES;
}

static size_t at_least(size_t wanted, size_t minimum) {
  return wanted > minimum ? wanted : minimum;
}

static size_t log_bytes_for(const br_config *config, size_t event_bytes) {
  size_t piece = at_least(event_bytes, FEED_PIECE_BYTES) + FEED_OVERHEAD_BYTES;
  return at_least(config->events.log_bytes, 4 * piece);
}

/* The pipe thread gave them the same indices. */
static bool hub_add_configured(br_hub *hub) {
  const br_config *config = hub->options.config;
  for (size_t place = 0; place < config->pipe_count; place++) {
    uint16_t index;
    if (br_registry_reserve(&hub->registry, config->pipes[place].name, &index) != BR_RESERVE_OK) {
      return false;
    }
    br_registry_add(&hub->registry, index, &config->pipes[place],
                    br_pipes_live(hub->options.pipes, index));
  }
  return true;
}

br_hub *br_hub_create(const br_hub_options *options) {
  br_hub *hub = calloc(1, sizeof *hub);
  if (!hub) {
    return NULL;
  }
  const br_config *config = options->config;
  hub->options = *options;
  if (!br_registry_init(&hub->registry) || !hub_add_configured(hub)) {
    br_hub_destroy(hub);
    return NULL;
  }
  /* Four of the largest event, or of a piece of small ones, must fit into a log: it takes no larger
   * ones, and no observer could keep up. */
  hub->payload_bytes = config->events.max_message_bytes;
  size_t largest = largest_event(config->events.max_message_bytes);
  hub->log_bytes = log_bytes_for(config, largest);
  /* Only messages, as they are: a sixth of what they may take as JSON. */
  hub->raw_log_bytes =
      log_bytes_for(config, (size_t)config->events.max_message_bytes + WEB_WS_HEADER_MAX);
  size_t record = config->events.max_message_bytes + RECORD_MORE_BYTES;
  hub->memory = br_memory_create(at_least(config->events.memory_bytes, 2 * record));
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

static const br_event *hub_publish(br_hub *hub, const br_event *record) {
  const br_event *event = br_memory_push(hub->memory, record, ++hub->seq);
  for (feed *target = hub->feeds; target; target = target->next) {
    br_feed_append(target, event);
  }
  return event;
}

/* ---- pipes that come and go ---- */

static void registry_take(br_registry *registry, const br_event *record,
                          const br_pipe_handover *handover) {
  if (record->kind == BR_EVENT_PIPE_ADDED) {
    br_registry_add(registry, record->pipe, handover->config, handover->live);
  } else if (record->kind == BR_EVENT_PIPE_CHANGED) {
    br_registry_change(registry, record->pipe, handover->config);
  }
}

/* The pipe's JSON behind a copy of the record, in `buffer`; without memory for it, or room in the
 * logs, the copy alone. */
static br_event pipe_event(const br_hub *hub, const br_event *record, web_buffer *buffer) {
  br_event event = *record;
  web_buffer_init(buffer, sizeof event + hub->payload_bytes);
  web_buffer_append(buffer, &event, sizeof event);
  br_describe_pipe(buffer, &hub->registry.pipes[record->pipe]);
  event.size_bytes = buffer->failed ? 0 : (uint32_t)(buffer->size - sizeof event);
  return event;
}

static void hub_take_pipe(br_hub *hub, const br_event *record) {
  br_pipe_handover handover;
  memcpy(&handover, br_event_payload(record), sizeof handover);
  registry_take(&hub->registry, record, &handover);
  web_buffer buffer;
  br_event event = pipe_event(hub, record, &buffer);
  if (!buffer.failed) {
    memcpy(buffer.data, &event, sizeof event);
  }
  (void)hub_publish(hub, buffer.failed ? &event : (const br_event *)(const void *)buffer.data);
  if (record->kind == BR_EVENT_PIPE_REMOVED) {
    br_registry_remove(&hub->registry, record->pipe, hub->seq);
  }
  event.seq = hub->seq;
  event.size_bytes = 0;
  hub->options.on_record(&event, hub->options.user);
  br_pipe_config_destroy(handover.old_config);
  free(handover.old_live);
  web_buffer_fini(&buffer);
}

static void hub_take(const void *data, size_t size, void *user) {
  br_hub *hub = user;
  const br_event *record = data;
  (void)size;
  if (!br_is_event(record->kind)) {
    hub->options.on_record(record, hub->options.user);
    return;
  }
  if (br_is_pipe_event(record->kind)) {
    hub_take_pipe(hub, record);
    return;
  }
  const br_event *event = hub_publish(hub, record);
  br_registry_apply(&hub->registry, event);
  if (event->kind == BR_EVENT_INJECTED || (event->flags & BR_FLAG_PRIVATE) != 0) {
    hub->options.on_record(event, hub->options.user);
  }
  if (hub->on_event) {
    hub->on_event(event, hub->watcher);
  }
}

static bool hub_is_crowded(const br_hub *hub) {
  for (feed *target = hub->feeds; target; target = target->next) {
    if (web_log_is_crowded(target->log)) {
      return true;
    }
  }
  return false;
}

bool br_hub_do_work(br_hub *hub) {
  hub->is_holding = hub_is_crowded(hub);
  if (hub->is_holding) {
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
  return !br_queue_is_empty(hub->options.events);
}

bool br_hub_prepare_sleep(br_hub *hub) {
  return hub->is_holding ? hub_is_crowded(hub) : br_queue_prepare_sleep(hub->options.events);
}

bool br_hub_matches(const br_hub *hub, const br_filter *filter, const br_event *event) {
  const br_session_info *session = NULL;
  if (br_filter_needs_session(filter)) {
    session = br_registry_known_session(&hub->registry, event->session);
  }
  return br_filter_matches(filter, event, br_registry_name(&hub->registry, event->pipe), session);
}

void br_hub_watch(br_hub *hub, void (*on_event)(const br_event *event, void *user), void *user) {
  hub->on_event = on_event;
  hub->watcher = user;
}

const br_config *br_hub_config(const br_hub *hub) {
  return hub->options.config;
}

web_server *br_hub_server(const br_hub *hub) {
  return hub->server;
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

br_registry *br_hub_registry_mutable(br_hub *hub) {
  return &hub->registry;
}

const br_memory *br_hub_memory(const br_hub *hub) {
  return hub->memory;
}

const char *const *br_hub_pipe_names(const br_hub *hub) {
  return hub->registry.names;
}
