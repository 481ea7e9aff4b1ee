/* Pipes and sessions: lists, one of them, disconnect. HTTP thread. */
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

void br_handle_pipe(web_request *request, void *user) {
  br_api *api = user;
  const br_pipe_info *pipe = br_api_pipe(api, request, web_request_param(request, "pipe"), NULL);
  if (pipe) {
    web_buffer body;
    web_buffer_init(&body, LIST_MAX_BYTES);
    br_describe_pipe(&body, pipe);
    web_buffer_append_text(&body, "\n");
    br_api_respond(request, 200, &body);
  }
}

void br_handle_sessions(web_request *request, void *user) {
  br_api *api = user;
  const char *name = web_request_query(request, "pipe");
  const br_pipe_info *pipe = name ? br_api_pipe(api, request, name, NULL) : NULL;
  if (name && !pipe) {
    return;
  }
  web_buffer body = list_begin(api, "sessions");
  br_describe_sessions(&body, br_hub_registry(api->hub), pipe);
  web_buffer_append_text(&body, "}\n");
  br_api_respond(request, 200, &body);
}

void br_handle_session(web_request *request, void *user) {
  br_api *api = user;
  const br_session_info *session = br_api_session(api, request);
  if (session) {
    web_buffer body;
    web_buffer_init(&body, LIST_MAX_BYTES);
    br_describe_session(&body, br_hub_registry(api->hub), session);
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
  br_ask_status status = br_ask_send(&api->asker, &command, NULL);
  if (status != BR_ASK_OK) {
    br_api_respond_unasked(request, status);
    return;
  }
  web_buffer body;
  web_buffer_init(&body, LIST_MAX_BYTES);
  web_buffer_append_format(&body, "{\"id\":%llu}\n", (unsigned long long)session->id);
  br_api_respond(request, 202, &body);
}
