/* What a WebSocket of GET /api/v1/events shows. HTTP thread.
 *
 * Success: the former observer ends where it is, the answer says so, the next one goes on from
 * there: nothing is missed and nothing comes twice. Failures: no memory, or too many filters; then
 * all stays as it is. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "events_socket_private.h"

/* Of a command that changes what is shown: the last event before what comes now. */
static void place_answer(events_socket *self, const char *id) {
  web_buffer answer = br_events_answer_begin(id);
  br_start_mode start = self->options.start;
  uint64_t seq = self->options.since;
  if (self->observer) {
    br_hub_observer_where(self->observer, web_socket_next_seq(self->socket), &start, &seq);
  }
  seq = start == BR_START_SINCE ? seq : start == BR_START_RUN ? 0 : br_hub_seq(self->api->hub);
  web_buffer_append_format(&answer,
                           ",\"run\":\"%s\",\"seq\":%" PRIu64 ",\"subscribed\":%s,\"paused\":%s",
                           br_hub_run(self->api->hub), seq, self->is_subscribed ? "true" : "false",
                           self->is_paused ? "true" : "false");
  br_events_answer_end(self, &answer);
}

/* Ends observing; the options say from where it could go on. */
static void observer_stop(events_socket *self) {
  if (self->observer) {
    br_hub_observer_where(self->observer, web_socket_next_seq(self->socket), &self->options.start,
                          &self->options.since);
    web_socket_observe(self->socket, NULL);
    br_hub_observer_destroy(self->observer);
    self->observer = NULL;
  }
}

void br_events_show(events_socket *self) {
  web_source source = br_hub_observer_source(self->observer);
  web_socket_observe(self->socket, &source);
}

/* NULL: answered with the error. Takes the filter over. */
static br_observer *observer_create(events_socket *self, const char *id, br_filter *filter,
                                    const br_observe_options *where) {
  br_observe_options options = *where;
  br_observer *observer = NULL;
  options.filter = filter;
  br_observe_result result = br_hub_observer_create(self->api->hub, &options, &observer);
  if (result != BR_OBSERVE_OK) {
    br_problem problem;
    br_api_unobserved(result, &problem);
    br_events_problem(self, id, &problem);
  }
  return observer;
}

/* The place in the run where a new subscription begins: as asked, else where the former is. */
static bool place_parse(events_socket *self, const br_parameters *parameters,
                        br_observe_options *options, br_problem *out_problem) {
  const char *since = parameters->get(parameters->source, "since");
  if (since) {
    return br_since_parse(self->api->hub, "since", since, &options->start, &options->since,
                          out_problem);
  }
  if (self->observer) {
    br_hub_observer_where(self->observer, web_socket_next_seq(self->socket), &options->start,
                          &options->since);
  }
  if (options->start == BR_START_NOW) {
    options->start = BR_START_SINCE;
    options->since = br_hub_seq(self->api->hub);
  }
  return true;
}

static bool text_keep(events_socket *self, const char *id, const br_filter *filter) {
  char *text = strdup(br_filter_text(filter));
  if (!text) {
    br_events_error(self, id, 503, "no_memory", "The bridge is out of memory; try again.");
    return false;
  }
  free(self->filter_text);
  self->filter_text = text;
  return true;
}

void br_events_subscribe(events_socket *self, const br_client_command *command) {
  br_parameters parameters = br_client_command_parameters(command);
  br_observe_options options = self->options;
  br_problem problem;
  br_filter *filter = NULL;
  if (!place_parse(self, &parameters, &options, &problem) ||
      !br_max_lag_parse(&parameters, &options.max_lag_bytes, &problem) ||
      !(filter = br_filter_of_parameters(self->api->hub, &parameters, "", &problem))) {
    br_events_problem(self, command->id, &problem);
    return;
  }
  br_observer *observer = NULL;
  if (self->is_paused) {
    bool is_kept = text_keep(self, command->id, filter);
    br_filter_destroy(filter);
    if (!is_kept) {
      return;
    }
  } else if (!(observer = observer_create(self, command->id, filter, &options))) {
    return;
  }
  observer_stop(self);
  self->options = options;
  self->observer = observer;
  self->is_subscribed = true;
  place_answer(self, command->id);
  if (observer) {
    br_events_show(self);
  }
}

void br_events_unsubscribe(events_socket *self, const br_client_command *command) {
  observer_stop(self);
  self->is_subscribed = false;
  place_answer(self, command->id);
  self->options.start = BR_START_NOW;
}

void br_events_pause(events_socket *self, const br_client_command *command) {
  if (self->observer && !text_keep(self, command->id, br_hub_observer_filter(self->observer))) {
    return;
  }
  observer_stop(self);
  self->is_paused = true;
  place_answer(self, command->id);
}

void br_events_resume(events_socket *self, const br_client_command *command) {
  if (self->is_paused && self->is_subscribed) {
    br_filter_error error;
    br_filter *filter = br_filter_compile(self->filter_text, strlen(self->filter_text), &error);
    if (!filter) { /* it was compiled before */
      br_events_error(self, command->id, 503, "no_memory",
                      "The bridge is out of memory; try again.");
      return;
    }
    self->observer = observer_create(self, command->id, filter, &self->options);
    if (!self->observer) {
      return;
    }
  }
  bool begins = self->is_paused && self->observer;
  self->is_paused = false;
  free(self->filter_text);
  self->filter_text = NULL;
  place_answer(self, command->id);
  if (begins) {
    br_events_show(self);
  }
}
