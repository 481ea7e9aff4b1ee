/* What is asked of pipes and sessions in a WebSocket of GET /api/v1/events. HTTP thread.
 *
 * Success: messages are handed over in order and answered together when all is known of them.
 * Failures: the command queue is full: the rest waits, and its client is not listened to meanwhile;
 * what cannot be done at all is answered at once. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/describe.h"
#include "check.h"
#include "events_socket_private.h"
#include "injection_batch.h"

/* Of one socket under way; with so many it is not listened to. */
enum { INJECTIONS_MAX = 1024 };

typedef struct socket_injection {
  br_batch batch;
  events_socket *owner;
  struct socket_injection *previous, *next;
  bool is_list;
  char id[]; /* as JSON */
} socket_injection;

/* Whether its client is listened to: not while messages wait for room, or very many for their
 * results. */
static bool is_busy(const events_socket *self) {
  const socket_injection *newest = self->injections;
  return self->injection_count >= INJECTIONS_MAX || (newest && br_batch_is_waiting(&newest->batch));
}

static void on_room(br_ask_waiter *waiter) {
  events_socket *self = waiter->user;
  if (!is_busy(self)) {
    self->is_deaf = false;
    web_socket_resume(self->socket); /* may bring the next commands at once */
  }
}

/* It hears again when the command queue has room, and not in the middle of the events that brought
 * the result. */
static void listening_adjust(events_socket *self) {
  if (is_busy(self)) {
    self->is_deaf = true;
    web_socket_pause(self->socket);
  } else if (self->is_deaf) {
    self->listener.on_room = on_room;
    self->listener.user = self;
    br_ask_wait(&self->api->asker, &self->listener);
  }
}

static void list_answer(events_socket *self, const socket_injection *injection) {
  const br_batch *batch = &injection->batch;
  web_buffer answer = br_events_answer_begin(injection->id);
  uint32_t count = 0;
  web_buffer_append_format(&answer, ",\"run\":\"%s\",\"results\":{", br_hub_run(self->api->hub));
  for (uint32_t index = 0; index < batch->outcome_count; index++) {
    web_buffer_append_format(&answer, "%s\"%s\":%u", index ? "," : "",
                             batch->outcomes[index].outcome.code, batch->outcomes[index].count);
    count += batch->outcomes[index].count;
  }
  web_buffer_append_format(&answer, "},\"messages\":%u,\"bytes\":%" PRIu64, count, batch->bytes);
  if (batch->first_seq) {
    web_buffer_append_format(&answer, ",\"first_seq\":%" PRIu64 ",\"last_seq\":%" PRIu64,
                             batch->first_seq, batch->last_seq);
  }
  if (batch->failure[0]) {
    web_buffer_append_text(&answer, ",\"failure\":");
    br_describe_string(&answer, batch->failure);
  }
  br_events_answer_end(self, &answer);
}

static void single_answer(events_socket *self, const socket_injection *injection) {
  const br_batch *batch = &injection->batch;
  br_outcome outcome = batch->outcomes[0].outcome;
  if (outcome.status >= 300) {
    br_events_error(self, injection->id, outcome.status, outcome.code, batch->failure);
    return;
  }
  web_buffer answer = br_events_answer_begin(injection->id);
  web_buffer_append_text(&answer, ",");
  br_api_describe_taken(&answer, self->api, &batch->asked, &batch->last);
  br_events_answer_end(self, &answer);
}

static void injection_free(socket_injection *injection) {
  events_socket *self = injection->owner;
  *(injection->previous ? &injection->previous->next : &self->injections) = injection->next;
  if (injection->next) {
    injection->next->previous = injection->previous;
  }
  self->injection_count--;
  br_batch_cancel(&injection->batch);
  free(injection);
}

static void injection_end(socket_injection *injection) {
  events_socket *self = injection->owner;
  if (injection->is_list) {
    list_answer(self, injection);
  } else {
    single_answer(self, injection);
  }
  injection_free(injection);
}

static void on_batch_end(br_batch *batch) {
  socket_injection *injection = batch->user;
  events_socket *self = injection->owner;
  injection_end(injection);
  listening_adjust(self);
}

static void on_batch_sent(br_batch *batch) {
  const socket_injection *injection = batch->user;
  listening_adjust(injection->owner);
}

const br_pipe_info *br_events_pipe(const br_registry *registry, const br_session_info *session) {
  const br_pipe_info *pipe = br_registry_pipe_at(registry, session->pipe);
  BR_CHECK(pipe);
  return pipe;
}

/* False: `out_problem` says why. */
static bool target_find(const br_registry *registry, const br_client_command *command,
                        br_command *out_command, br_problem *out_problem) {
  const br_pipe_info *pipe = NULL;
  *out_command = (br_command){0};
  if (command->pipe) {
    pipe = br_target_pipe(registry, command->pipe, &out_command->pipe, out_problem);
  } else {
    const br_session_info *session = br_target_session(registry, command->session, out_problem);
    if (session) {
      out_command->session = session->id;
      out_command->pipe = session->pipe;
      pipe = br_events_pipe(registry, session);
    }
  }
  return pipe && br_target_direction(pipe->config, command->direction, out_command, out_problem);
}

void br_events_inject(events_socket *self, const br_client_command *command) {
  br_problem problem;
  br_command target;
  const br_registry *registry = br_hub_registry(self->api->hub);
  if (!target_find(registry, command, &target, &problem)) {
    br_events_problem(self, command->id, &problem);
    return;
  }
  size_t id_bytes = strlen(command->id) + 1;
  socket_injection *injection = calloc(1, sizeof *injection + id_bytes);
  if (!injection) {
    br_events_error(self, command->id, 503, "no_memory", "The bridge is out of memory; try again.");
    return;
  }
  memcpy(injection->id, command->id, id_bytes);
  injection->owner = self;
  injection->is_list = command->is_list;
  injection->next = self->injections;
  if (injection->next) {
    injection->next->previous = injection;
  }
  self->injections = injection;
  self->injection_count++;
  injection->batch = (br_batch){.on_sent = on_batch_sent,
                                .on_end = on_batch_end,
                                .user = injection,
                                .asker = &self->api->asker,
                                .registry = registry,
                                .by = &self->by,
                                .command = target};
  br_batch_begin(&injection->batch, &command->messages);
  if (br_batch_is_done(&injection->batch)) {
    injection_end(injection);
  }
  listening_adjust(self);
}

void br_events_disconnect(events_socket *self, const br_client_command *command) {
  br_parameters parameters = br_client_command_parameters(command);
  br_problem problem;
  const br_session_info *session = br_target_session(
      br_hub_registry(self->api->hub), parameters.get(parameters.source, "session"), &problem);
  if (!session) {
    br_events_problem(self, command->id, &problem);
    return;
  }
  br_command asked = {.kind = BR_COMMAND_DISCONNECT, .session = session->id, .pipe = session->pipe};
  br_ask_status status = br_ask_send(&self->api->asker, &asked, NULL, NULL);
  if (status != BR_ASK_OK) {
    br_outcome outcome = br_outcome_of_ask(status);
    char detail[BR_OUTCOME_TEXT_BYTES];
    br_outcome_explain_ask(status, detail, sizeof detail);
    br_events_error(self, command->id, outcome.status, outcome.code, detail);
    return;
  }
  web_buffer answer = br_events_answer_begin(command->id);
  web_buffer_append_format(&answer, ",\"session\":%" PRIu64, session->id);
  br_events_answer_end(self, &answer);
}

void br_events_forget_injections(events_socket *self) {
  br_ask_wait_cancel(&self->api->asker, &self->listener);
  socket_injection *next = NULL;
  for (socket_injection *injection = self->injections; injection; injection = next) {
    next = injection->next;
    injection_free(injection);
  }
}
