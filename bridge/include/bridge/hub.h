/* br_hub: the middle of the house, on the HTTP thread. It reads the event queue, gives each event
 * its `seq`, keeps the last ones in bounded memory, and appends each once per feed (a format and a
 * filter) to a broadcast log that all observers of that feed share. All functions: the HTTP
 * thread. */
#ifndef BRIDGE_HUB_H
#define BRIDGE_HUB_H

#include <stdbool.h>
#include <stdint.h>

#include "bridge/config.h"
#include "bridge/event.h"
#include "bridge/event_json.h"
#include "bridge/filter.h"
#include "bridge/memory.h"
#include "bridge/pipes.h"
#include "bridge/queue.h"
#include "bridge/registry.h"
#include "web/observer.h"
#include "web/server.h"

typedef struct br_hub br_hub;

typedef struct br_hub_options {
  const br_config *config; /* must outlive the hub                              */
  const br_pipes *pipes;   /* whose the configured ones are                     */
  br_queue *events;
  const char *run; /* 16 hexadecimal digits; must outlive the hub       */
  /* After each drain: the queue has room again. */
  void (*on_room)(void *user);
  /* Each `injected` event, each of a private session and each of a pipe that came, changed or went
   * (its seq given, that of a pipe without its payload), and the records that are no events. */
  void (*on_record)(const br_event *record, void *user);
  void *user;
} br_hub_options;

br_hub *br_hub_create(const br_hub_options *options);
void br_hub_destroy(br_hub *hub);
/* The server whose logs the feeds use. Once, before the first observer. */
void br_hub_attach(br_hub *hub, web_server *server);

/* ---- the agent of the HTTP thread's loop ---- */
/* Takes a bounded batch from the queue; true if there may be more. */
bool br_hub_do_work(br_hub *hub);

/* False: there are records, or those for whom it left them in the queue have caught up: do not
 * sleep. It also looks again by itself, soon, as long as it leaves them there. */
bool br_hub_prepare_sleep(br_hub *hub);

/* From now on `on_event` is shown each event after it was published, but for those of pipes that
 * come and go; NULL: nobody is. One at a time. */
void br_hub_watch(br_hub *hub, void (*on_event)(const br_event *event, void *user), void *user);

uint64_t br_hub_seq(const br_hub *hub); /* the last event so far */
const br_config *br_hub_config(const br_hub *hub);
web_server *br_hub_server(const br_hub *hub); /* after br_hub_attach */
const char *br_hub_run(const br_hub *hub);
const br_registry *br_hub_registry(const br_hub *hub);
const br_memory *br_hub_memory(const br_hub *hub);
const char *const *br_hub_pipe_names(const br_hub *hub); /* by index, also of pipes that are gone */
/* For pipes that are asked for and change. */
br_registry *br_hub_registry_mutable(br_hub *hub);

/* Whether `event` is one that `filter` wants; its session is looked up only if the filter asks
 * about its peer. */
bool br_hub_matches(const br_hub *hub, const br_filter *filter, const br_event *event);

/* ---- observing ---- */
typedef enum br_start_mode {
  BR_START_NOW,   /* with the next event                                            */
  BR_START_SINCE, /* with event since + 1 of this run                               */
  BR_START_RUN    /* the observer comes from another run: all that memory holds     */
} br_start_mode;

typedef enum br_observe_format {
  BR_OBSERVE_NDJSON,
  BR_OBSERVE_SSE,    /* text/event-stream            */
  BR_OBSERVE_JSON,   /* WebSocket pipebridge.v1.json */
  BR_OBSERVE_BINARY, /* WebSocket pipebridge.v1.bin  */
  /* Payloads only, from now on; who misses one is disconnected. */
  BR_OBSERVE_RAW,       /* text where it is valid UTF-8, else binary */
  BR_OBSERVE_RAW_BINARY /* always binary                             */
} br_observe_format;

typedef struct br_observe_options {
  br_observe_format format;
  br_filter *filter; /* taken over, whatever comes back */
  br_start_mode start;
  uint64_t since;
  uint32_t max_lag_bytes; /* as of web_source; 0: as far as the log reaches back */
  bool is_greeted;        /* it goes on where another one ended: no greeting */
  unsigned deflate_bits;  /* of a WebSocket: web_request_deflate_bits; 0: nothing is compressed */
} br_observe_options;

typedef enum br_observe_result {
  BR_OBSERVE_OK,
  BR_OBSERVE_NO_MEMORY,
  BR_OBSERVE_TOO_MANY
} br_observe_result;

/* An observer of the feed that its options name: a greeting, then what it missed since, then what
 * comes. It ends by br_hub_observer_destroy, when its connection does. */
typedef struct br_observer br_observer;
br_observe_result br_hub_observer_create(br_hub *hub, const br_observe_options *options,
                                         br_observer **out_observer);
void br_hub_observer_destroy(br_observer *observer);
/* What to hand to web_socket_observe or web_stream_start. */
web_source br_hub_observer_source(br_observer *observer);
/* What it wants; valid as long as it. */
const br_filter *br_hub_observer_filter(const br_observer *observer);
/* From where another observer would go on, missing nothing and getting nothing twice: as the
 * options' start and since. `next_seq`: what web_socket_next_seq says of its socket. */
void br_hub_observer_where(const br_observer *observer, uint64_t next_seq, br_start_mode *out_start,
                           uint64_t *out_since);

#endif
