/* Calls in a WebSocket of GET /api/v1/events. HTTP thread.
 *
 * Success: a message goes into a session, and what that says next is answered as the event that it
 * is. Failures: as of a call over HTTP, told with the command's id. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "events_socket_private.h"

typedef struct socket_call {
  br_call call;
  events_socket *owner;
  struct socket_call *previous, *next;
  char id[]; /* as JSON */
} socket_call;

static void call_free(socket_call *calling) {
  events_socket *self = calling->owner;
  *(calling->previous ? &calling->previous->next : &self->calls) = calling->next;
  if (calling->next) {
    calling->next->previous = calling->previous;
  }
  free(calling);
}

static void event_append(web_buffer *out, const br_hub *hub, const br_event *event) {
  br_event_json json;
  br_event_json_init(&json, NULL, br_hub_pipe_names(hub));
  uint8_t *start = web_buffer_reserve(out, br_event_json_bound(&json, event));
  if (start) {
    web_buffer_commit(out, (size_t)(br_event_json_write(&json, start, event) - start));
  }
}

static void on_end(br_call *call, const br_call_end *end) {
  socket_call *calling = call->user;
  events_socket *self = calling->owner;
  const br_hub *hub = self->api->hub;
  if (!end->answer) {
    br_events_problem(self, calling->id, end->problem);
    call_free(calling);
    return;
  }
  web_buffer answer = br_events_answer_begin(calling->id);
  web_buffer_append_format(&answer,
                           ",\"run\":\"%s\",\"session\":%" PRIu64 ",\"injected_seq\":%" PRIu64
                           ",\"microseconds\":%" PRIu64 ",\"event\":",
                           br_hub_run(hub), call->session, call->asked.seq, end->microseconds);
  event_append(&answer, hub, end->answer);
  br_events_answer_end(self, &answer);
  call_free(calling);
}

/* The session that is named, or the only one of the pipe. */
static const br_session_info *session_find(const br_registry *registry,
                                           const br_client_command *command,
                                           br_problem *out_problem) {
  if (command->session) {
    return br_target_session(registry, command->session, out_problem);
  }
  const br_pipe_info *pipe = br_target_pipe(registry, command->pipe, NULL, out_problem);
  return pipe ? br_call_target(registry, pipe, out_problem) : NULL;
}

/* False: `out_problem` says why. `*out_filter` NULL: the next message is the answer. */
static bool answer_parse(const events_socket *self, const br_client_command *command,
                         uint32_t *out_timeout_ms, br_filter **out_filter,
                         br_problem *out_problem) {
  br_parameters members = br_client_command_parameters(command);
  const char *text = members.get(members.source, "answer");
  const char *timeout = members.get(members.source, "timeout_ms");
  br_filter_error error;
  *out_filter = NULL;
  if (!br_call_timeout(br_hub_config(self->api->hub), timeout, out_timeout_ms, out_problem)) {
    return false;
  }
  *out_filter = text ? br_filter_compile(text, strlen(text), &error) : NULL;
  return !text || *out_filter ||
         br_problem_set(out_problem, 400, "bad_filter", "answer=%s, at character %zu: %s.", text,
                        error.offset + 1, error.text);
}

static bool call_begin(events_socket *self, const br_client_command *command, br_command *target,
                       br_problem *out_problem) {
  br_filter *filter;
  uint32_t timeout_ms;
  if (!answer_parse(self, command, &timeout_ms, &filter, out_problem)) {
    return false;
  }
  size_t id_bytes = strlen(command->id) + 1;
  socket_call *calling = calloc(1, sizeof *calling + id_bytes);
  if (!calling) {
    br_filter_destroy(filter);
    return br_problem_set(out_problem, 503, "no_memory", "The bridge is out of memory; try again.");
  }
  memcpy(calling->id, command->id, id_bytes);
  calling->call.on_end = on_end;
  calling->call.user = calling;
  calling->owner = self;
  calling->next = self->calls;
  if (calling->next) {
    calling->next->previous = calling;
  }
  self->calls = calling;
  br_client_messages messages = command->messages;
  const uint8_t *message = br_client_messages_next(&messages, &target->size_bytes);
  bool is_begun = br_call_begin(&self->api->calls, &calling->call, target, message, &self->by,
                                filter, timeout_ms, out_problem);
  if (!is_begun) {
    call_free(calling);
  }
  return is_begun;
}

void br_events_call(events_socket *self, const br_client_command *command) {
  const br_registry *registry = br_hub_registry(self->api->hub);
  br_problem problem;
  const br_session_info *session = session_find(registry, command, &problem);
  bool is_begun = false;
  if (session) {
    br_command target = {.session = session->id, .pipe = session->pipe};
    const br_pipe_config *config = br_events_pipe(registry, session)->config;
    is_begun = br_target_direction(config, command->direction, &target, &problem) &&
               br_target_takes(config, command->messages.size - 4, &problem) &&
               call_begin(self, command, &target, &problem);
  }
  if (!is_begun) {
    br_events_problem(self, command->id, &problem);
  }
}

void br_events_forget_calls(events_socket *self) {
  socket_call *next = NULL;
  for (socket_call *calling = self->calls; calling; calling = next) {
    next = calling->next;
    br_call_cancel(&calling->call);
    call_free(calling);
  }
}
