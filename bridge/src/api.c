/* Routes, and what their handlers share. HTTP thread. */
#include "bridge/api.h"

#include <stdlib.h>
#include <string.h>

#include "api_private.h"
#include "outcome.h"

const web_route br_api_routes[] = {
    {"GET", "/healthz", br_handle_health},
    {"GET", "/api/v1/openapi.json", br_handle_description},
    {"GET", "/api/v1/pipes", br_handle_pipes},
    {"GET", "/api/v1/pipes/{pipe}", br_handle_pipe},
    {"PUT", "/api/v1/pipes/{pipe}", br_handle_pipe_put},
    {"PATCH", "/api/v1/pipes/{pipe}", br_handle_pipe_patch},
    {"DELETE", "/api/v1/pipes/{pipe}", br_handle_pipe_delete},
    {"POST", "/api/v1/pipes/{pipe}/messages", br_handle_pipe_message},
    {"POST", "/api/v1/pipes/{pipe}/call", br_handle_pipe_call},
    {"GET", "/api/v1/pipes/{pipe}/ws", br_handle_pipe_socket},
    {"GET", "/api/v1/pipes/{pipe}/connect", br_handle_pipe_connect},
    {"GET", "/api/v1/sessions", br_handle_sessions},
    {"GET", "/api/v1/sessions/{id}", br_handle_session},
    {"DELETE", "/api/v1/sessions/{id}", br_handle_session_delete},
    {"POST", "/api/v1/sessions/{id}/messages", br_handle_session_message},
    {"POST", "/api/v1/sessions/{id}/call", br_handle_session_call},
    {"GET", "/api/v1/messages", br_handle_messages},
    {"POST", "/api/v1/messages", br_handle_message},
    {"GET", "/api/v1/events", br_handle_events},
};
const size_t br_api_route_count = sizeof br_api_routes / sizeof br_api_routes[0];

br_api *br_api_create(const br_api_options *options) {
  br_api *api = calloc(1, sizeof *api);
  br_keys *keys = br_keys_create();
  if (!api || !keys) {
    free(api);
    br_keys_destroy(keys);
    return NULL;
  }
  api->keys = keys;
  api->options = *options;
  api->asker = (br_asker){
      .commands = options->commands, .wake_pipes = options->wake_pipes, .user = options->user};
  return api;
}

void br_api_destroy(br_api *api) {
  if (api) {
    br_posters_fini(api);
    br_posts_fini(api);
    br_calls_fini(&api->calls);
    br_connections_fini(api);
    br_asker_fini(&api->asker);
    br_keys_destroy(api->keys);
    free(api);
  }
}

void br_api_attach(br_api *api, br_hub *hub, const char *backend) {
  api->hub = hub;
  api->backend = backend;
  api->requester =
      (br_pipe_requester){.asker = &api->asker, .registry = br_hub_registry_mutable(hub)};
  api->calls = (br_calls){.asker = &api->asker, .hub = hub};
}

void br_api_do_work(br_api *api) {
  br_ask_serve_waiters(&api->asker);
}

bool br_api_prepare_sleep(br_api *api) {
  return br_ask_prepare_sleep(&api->asker);
}

void br_api_on_record(br_api *api, const br_event *record) {
  if ((record->flags & BR_FLAG_PRIVATE) != 0) {
    br_connection_on_record(api, record);
  }
  if (record->kind == BR_RECORD_RESULT) {
    br_ask_on_result(&api->asker, record);
  } else if (record->kind == BR_RECORD_PIPE_REFUSED) {
    br_pipe_request_on_refused(&api->requester, record);
  } else if (br_is_pipe_event(record->kind)) {
    br_raw_sockets_look_at_pipe(api, record->pipe);
  } else if (record->kind == BR_EVENT_INJECTED) {
    br_ask_on_injected(&api->asker, record);
  }
}

/* ---- shared by the handlers ---- */

void br_api_respond_unasked(web_request *request, br_ask_status status) {
  br_problem problem;
  br_problem_of_ask(status, &problem);
  if (problem.status == 429) {
    web_response_header(request, "Retry-After", "1");
  }
  br_problem_respond(request, &problem);
}

void br_api_sent_by(const web_request *request, const char *via, br_sent_by *out_by) {
  br_sent_by_write(out_by, via, web_request_address(request),
                   web_request_header(request, "User-Agent"));
}

void br_api_describe_taken(web_buffer *out, const br_api *api, const br_asked *asked,
                           const br_result *result) {
  web_buffer_append_format(out, "\"run\":\"%s\",", br_hub_run(api->hub));
  br_outcome_append(out, asked, result, br_registry_name(br_hub_registry(api->hub), asked->pipe));
}

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

const br_pipe_info *br_api_pipe(br_api *api, web_request *request, const char *name,
                                uint16_t *out_index) {
  br_problem problem;
  const br_pipe_info *pipe = br_target_pipe(br_hub_registry(api->hub), name, out_index, &problem);
  if (!pipe) {
    br_problem_respond(request, &problem);
  }
  return pipe;
}

const br_session_info *br_api_session(br_api *api, web_request *request) {
  br_problem problem;
  const br_session_info *session =
      br_target_session(br_hub_registry(api->hub), web_request_param(request, "id"), &problem);
  if (!session) {
    br_problem_respond(request, &problem);
  }
  return session;
}
