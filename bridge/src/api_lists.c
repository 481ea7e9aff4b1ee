/* Pipes and sessions: lists, one of them, disconnect. HTTP thread. */
#include <string.h>

#include "api_private.h"
#include "bridge/describe.h"

enum { LIST_MAX_BYTES = 64 * 1024 * 1024 };

static web_buffer list_begin(const br_api *api, const char *name) {
  web_buffer body;
  web_buffer_init(&body, LIST_MAX_BYTES);
  web_buffer_append_format(&body, "{\"run\":\"%s\",\"%s\":", br_hub_run(api->hub), name);
  return body;
}

void br_handle_pipes(web_request *request, void *user) {
  br_api *api = user;
  web_buffer body = list_begin(api, "pipes");
  br_describe_pipes(&body, br_hub_registry(api->hub));
  web_buffer_append_text(&body, "}\n");
  br_api_respond(request, 200, &body);
}

/* 0: answered with the error. */
static unsigned parse_state(web_request *request) {
  const char *state = web_request_query(request, "state");
  if (!state || strcmp(state, "open") == 0) {
    return BR_SESSION_OPEN;
  }
  if (strcmp(state, "closed") == 0) {
    return BR_SESSION_CLOSED;
  }
  if (strcmp(state, "all") == 0) {
    return BR_SESSION_OPEN | BR_SESSION_CLOSED;
  }
  web_respond_problem(request, 400, "bad_state", "state=%s is none of open, closed, all.", state);
  return 0;
}

void br_handle_sessions(web_request *request, void *user) {
  br_api *api = user;
  const br_registry *registry = br_hub_registry(api->hub);
  unsigned states = parse_state(request);
  br_filter *filter = states ? br_api_session_filter(api, request) : NULL;
  if (!filter) {
    return;
  }
  web_buffer body = list_begin(api, "sessions");
  br_describe_sessions(&body, registry, states, filter);
  br_filter_destroy(filter);
  if (states & BR_SESSION_CLOSED) {
    web_buffer_append_format(&body, ",\"forgotten\":%llu",
                             (unsigned long long)registry->forgotten_count);
  }
  web_buffer_append_text(&body, "}\n");
  br_api_respond(request, 200, &body);
}

/* A closed one too, as long as it is remembered. */
void br_handle_session(web_request *request, void *user) {
  br_api *api = user;
  const br_registry *registry = br_hub_registry(api->hub);
  const char *text = web_request_param(request, "id");
  uint64_t id = 0;
  const br_session_info *session =
      br_api_parse_u64(text, &id) ? br_registry_known_session(registry, id) : NULL;
  if (!session && br_registry_was_session(registry, id)) {
    web_respond_problem(request, 410, "session_forgotten",
                        "Session %s is closed, and only the last %d closed ones are remembered.",
                        text, BR_CLOSED_SESSIONS_MAX);
  } else if (!session) {
    br_problem problem;
    br_target_no_session(text, &problem);
    br_problem_respond(request, &problem);
  } else {
    web_buffer body;
    web_buffer_init(&body, LIST_MAX_BYTES);
    br_describe_session(&body, registry, session);
    web_buffer_append_text(&body, "\n");
    br_api_respond(request, 200, &body);
  }
}

/* 202: the session closes once what was accepted for it is written; `closed` tells when. */
void br_handle_session_delete(web_request *request, void *user) {
  br_api *api = user;
  const br_session_info *session = br_api_session(api, request);
  if (!session) {
    return;
  }
  br_command command = {
      .kind = BR_COMMAND_DISCONNECT, .session = session->id, .pipe = session->pipe};
  br_ask_status status = br_ask_send(&api->asker, &command, NULL, NULL);
  if (status != BR_ASK_OK) {
    br_api_respond_unasked(request, status);
    return;
  }
  web_buffer body;
  web_buffer_init(&body, LIST_MAX_BYTES);
  web_buffer_append_format(&body, "{\"id\":%llu}\n", (unsigned long long)session->id);
  br_api_respond(request, 202, &body);
}
