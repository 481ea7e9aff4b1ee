/* A WebSocket of GET /api/v1/events: its life, and the answers to its commands. HTTP thread.
 *
 * Success: it observes; each command is done where it stands in what the client says, and answered
 * once. Failures: a command that is wrong is answered with an error and changes nothing; who does
 * not read the answers is closed with 1008. */
#include <stdlib.h>

#include "bridge/describe.h"
#include "events_socket_private.h"

/* One event of the largest size, as JSON. */
enum { ANSWER_MAX_BYTES = 128 * 1024 * 1024 };

const char *const br_events_protocols[] = {"pipebridge.v1.bin", "pipebridge.v1.json", NULL};

/* ---- answers ---- */

void br_events_answer_end(events_socket *self, web_buffer *answer) {
  web_buffer_append_text(answer, "}");
  if (answer->failed) {
    web_socket_close(self->socket, WEB_WS_INTERNAL_ERROR, "out of memory");
  } else if (web_socket_send(self->socket, WEB_WS_TEXT, answer->data, answer->size) == WEB_FULL) {
    web_socket_close(self->socket, WEB_WS_POLICY, "asks more than it reads the answers of");
  }
  web_buffer_fini(answer);
}

web_buffer br_events_answer_begin(const char *id) {
  web_buffer answer;
  web_buffer_init(&answer, ANSWER_MAX_BYTES);
  web_buffer_append_format(&answer, "{\"type\":\"answer\",\"id\":%s,\"ok\":true", id);
  return answer;
}

void br_events_error(events_socket *self, const char *id, unsigned status, const char *code,
                     const char *detail) {
  web_buffer answer;
  web_buffer_init(&answer, ANSWER_MAX_BYTES);
  web_buffer_append_format(
      &answer, "{\"type\":\"error\",\"id\":%s,\"status\":%u,\"code\":\"%s\",\"detail\":", id,
      status, code);
  br_describe_string(&answer, detail);
  br_events_answer_end(self, &answer);
}

void br_events_problem(events_socket *self, const char *id, const br_problem *problem) {
  br_events_error(self, id, problem->status, problem->code, problem->detail);
}

/* ---- commands ---- */

static void (*const handlers[])(events_socket *self, const br_client_command *command) = {
    [BR_CLIENT_SUBSCRIBE] = br_events_subscribe,   [BR_CLIENT_UNSUBSCRIBE] = br_events_unsubscribe,
    [BR_CLIENT_PAUSE] = br_events_pause,           [BR_CLIENT_RESUME] = br_events_resume,
    [BR_CLIENT_INJECT] = br_events_inject,         [BR_CLIENT_CALL] = br_events_call,
    [BR_CLIENT_DISCONNECT] = br_events_disconnect,
};

static void on_message(web_socket *socket, web_ws_opcode opcode, const uint8_t *data, size_t size,
                       void *user) {
  events_socket *self = user;
  br_client_command command;
  br_problem problem;
  (void)socket;
  bool is_good = opcode == WEB_WS_TEXT
                     ? br_client_command_parse(&command, data, size, &problem)
                     : br_client_command_parse_binary(&command, data, size, &problem);
  if (is_good) {
    handlers[command.kind](self, &command);
  } else {
    br_events_problem(self, command.id, &problem);
  }
  br_client_command_fini(&command);
}

/* ---- life ---- */

static void on_open(web_socket *socket, void *user) {
  events_socket *self = user;
  self->socket = socket;
  web_socket_expect_answers(socket);
  br_events_show(self);
}

static void events_socket_destroy(events_socket *self) {
  br_events_forget_injections(self);
  br_events_forget_calls(self);
  br_hub_observer_destroy(self->observer);
  free(self->filter_text);
  free(self);
}

static void on_close(web_socket *socket, uint16_t code, void *user) {
  (void)socket;
  (void)code;
  events_socket_destroy(user);
}

void br_events_socket_accept(br_api *api, web_request *request, const br_observe_options *options) {
  static const web_socket_events events = {
      .on_open = on_open, .on_message = on_message, .on_close = on_close};
  events_socket *self = calloc(1, sizeof *self);
  if (!self) {
    br_filter_destroy(options->filter);
    br_api_respond_unobserved(request, BR_OBSERVE_NO_MEMORY);
    return;
  }
  *self = (events_socket){.api = api, .options = *options, .is_subscribed = true};
  self->options.filter = NULL; /* the feed's */
  self->options.is_greeted = true;
  br_observe_result result = br_hub_observer_create(api->hub, options, &self->observer);
  if (result != BR_OBSERVE_OK) {
    br_api_respond_unobserved(request, result);
    events_socket_destroy(self);
    return;
  }
  br_api_sent_by(request, "websocket", &self->by);
  if (web_socket_accept(request, br_events_protocols, &events, self) != WEB_OK) {
    events_socket_destroy(self);
  }
}
