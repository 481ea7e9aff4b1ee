/* Routes, and the requests that wait for the pipe thread. HTTP thread. */
#include "bridge/api.h"

#include <stdlib.h>
#include <string.h>

#include "api_private.h"

const web_route br_api_routes[] = {
    {"GET", "/healthz", br_handle_health},
    {"GET", "/api/v1/pipes", br_handle_pipes},
    {"GET", "/api/v1/pipes/{pipe}", br_handle_pipe},
    {"POST", "/api/v1/pipes/{pipe}/messages", br_handle_pipe_message},
    {"GET", "/api/v1/pipes/{pipe}/ws", br_handle_pipe_socket},
    {"GET", "/api/v1/sessions", br_handle_sessions},
    {"GET", "/api/v1/sessions/{id}", br_handle_session},
    {"DELETE", "/api/v1/sessions/{id}", br_handle_session_delete},
    {"POST", "/api/v1/sessions/{id}/messages", br_handle_session_message},
    {"GET", "/api/v1/messages", br_handle_messages},
    {"GET", "/api/v1/events", br_handle_events},
};
const size_t br_api_route_count = sizeof br_api_routes / sizeof br_api_routes[0];

br_api *br_api_create(const br_api_options *options) {
  br_api *api = calloc(1, sizeof *api);
  if (api) {
    api->options = *options;
    api->next_command_id = 1;
  }
  return api;
}

void br_api_destroy(br_api *api) {
  if (api) {
    br_id_table_fini(&api->pending);
    free(api);
  }
}

void br_api_attach(br_api *api, br_hub *hub, const char *backend) {
  api->hub = hub;
  api->backend = backend;
}

void br_api_on_record(br_api *api, const br_event *record) {
  switch ((br_event_kind)record->kind) {
  case BR_EVENT_INJECTED:
    br_injection_seq(api, record);
    break;
  case BR_RECORD_RESULT:
    br_injection_result(api, record);
    break;
  case BR_RECORD_ALIVE:
    br_health_alive(api, record);
    break;
  default:
    break;
  }
}

/* ---- commands ---- */

bool br_api_send(br_api *api, const br_command *command, const void *payload) {
  void *record;
  br_queue *commands = api->options.commands;
  if (br_queue_reserve(commands, sizeof *command + command->size_bytes, &record) != BR_QUEUE_OK) {
    return false;
  }
  memcpy(record, command, sizeof *command);
  if (command->size_bytes) {
    memcpy((br_command *)record + 1, payload, command->size_bytes);
  }
  br_queue_commit(commands, record);
  if (br_queue_wake_needed(commands)) {
    api->options.wake_pipes(api->options.user);
  }
  return true;
}

static void pending_forget(pending *waiting) {
  web_timer_stop(web_request_server(waiting->request), &waiting->timer);
  (void)br_id_table_remove(&waiting->api->pending, waiting->command_id);
  free(waiting);
}

static void pending_abandoned(web_request *request, void *user) {
  (void)request;
  pending_forget(user);
}

web_request *br_pending_finish(pending *waiting) {
  web_request *request = waiting->request;
  pending_forget(waiting);
  return request;
}

pending *br_api_ask(br_api *api, web_request *request, br_command *command, const void *payload) {
  pending *waiting = calloc(1, sizeof *waiting);
  command->id = api->next_command_id++;
  if (!waiting || !br_id_table_put(&api->pending, command->id, waiting)) {
    free(waiting);
    web_respond_problem(request, 503, "no_memory", "The bridge is out of memory; try again.");
    return NULL;
  }
  *waiting = (pending){.api = api,
                       .request = request,
                       .command_id = command->id,
                       .session = command->session,
                       .size_bytes = command->size_bytes,
                       .pipe = command->pipe};
  if (!br_api_send(api, command, payload)) {
    pending_forget(waiting);
    web_response_header(request, "Retry-After", "1");
    web_respond_problem(request, 429, "queue_full",
                        "The queue to the pipe thread is full: %zu bytes wait in it; try again.",
                        br_queue_used_bytes(api->options.commands));
    return NULL;
  }
  web_request_on_abandon(request, pending_abandoned, waiting);
  return waiting;
}

/* ---- shared by the handlers ---- */

void br_api_respond(web_request *request, unsigned status, web_buffer *body) {
  br_api_respond_as(request, status, "application/json", body);
}

void br_api_respond_as(web_request *request, unsigned status, const char *content_type,
                       web_buffer *body) {
  if (body->failed) {
    web_buffer_fini(body);
    web_respond_problem(request, 503, "no_memory", "The bridge is out of memory; try again.");
  } else {
    web_respond_move(request, status, content_type, body->data, body->size);
    *body = (web_buffer){0};
  }
}

bool br_api_parse_u64(const char *text, uint64_t *out_value) {
  uint64_t value = 0;
  for (const char *at = text; *at; at++) {
    unsigned digit = (unsigned)(unsigned char)*at - '0';
    if (digit > 9 || value > (UINT64_MAX - digit) / 10) {
      return false;
    }
    value = value * 10 + digit;
  }
  if (!*text) {
    return false;
  }
  *out_value = value;
  return true;
}

const br_pipe_info *br_api_pipe(br_api *api, web_request *request, const char *name,
                                uint16_t *out_index) {
  const br_pipe_info *pipe = br_registry_pipe(br_hub_registry(api->hub), name, out_index);
  if (!pipe) {
    web_respond_problem(request, 404, "pipe_not_found",
                        "There is no pipe \"%s\"; GET /api/v1/pipes lists them.", name);
  }
  return pipe;
}

const br_session_info *br_api_session(br_api *api, web_request *request) {
  const char *text = web_request_param(request, "id");
  const br_registry *registry = br_hub_registry(api->hub);
  uint64_t id = 0;
  bool is_number = br_api_parse_u64(text, &id);
  const br_session_info *session = is_number ? br_registry_session(registry, id) : NULL;
  if (session) {
    return session;
  }
  if (is_number && br_registry_was_session(registry, id)) {
    web_respond_problem(request, 409, "session_closed", "Session %s is closed.", text);
  } else {
    web_respond_problem(request, 404, "session_not_found",
                        "There is no session \"%s\"; GET /api/v1/sessions lists the open ones.",
                        text);
  }
  return NULL;
}
