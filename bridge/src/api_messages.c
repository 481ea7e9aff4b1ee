/* Injecting: the body of a POST, byte for byte, into one session or all of a pipe. HTTP thread.
 *
 * Success: the command reaches the pipe thread, its `injected` event gets a seq, its result says that the
 * kernel took the bytes: 201.
 * Failures: no such pipe or session 404, closed or inbound 409, over the limit 413, a queue full 429 with Retry-After;
 * no receiver, or none that reads at the moment, is 202, and so is a server that is away (role client). */
#include <stdlib.h>
#include <string.h>

#include "api_private.h"
#include "outcome.h"

/* One POST that waits for its result. */
typedef struct post {
  br_asked asked;
  br_api *api;
  web_request *request;
  struct post *next_free;
} post;

/* ---- those under way ---- */

static post *post_create(br_api *api, web_request *request) {
  post *created = api->free_posts;
  if (created) {
    api->free_posts = created->next_free;
  } else {
    created = malloc(sizeof *created);
  }
  if (created) {
    *created = (post){.api = api, .request = request};
  }
  return created;
}

/* There are never more than connections. */
static void post_recycle(post *ended) {
  ended->next_free = ended->api->free_posts;
  ended->api->free_posts = ended;
}

void br_posts_fini(br_api *api) {
  while (api->free_posts) {
    post *unused = api->free_posts;
    api->free_posts = unused->next_free;
    free(unused);
  }
}

static void on_abandon(web_request *request, void *user) {
  post *abandoned = user;
  (void)request;
  br_ask_cancel(&abandoned->api->asker, &abandoned->asked);
  post_recycle(abandoned);
}

/* ---- answers ---- */

static void respond_taken(const post *ended, br_outcome outcome, const br_result *result) {
  const br_api *api = ended->api;
  const br_asked *asked = &ended->asked;
  web_buffer body;
  web_buffer_init(&body, 4096);
  web_buffer_append_format(
      &body,
      "{\"run\":\"%s\",\"seq\":%llu,\"result\":\"%s\",\"pipe\":\"%s\",\"session\":%llu,\"bytes\":%"
      "u,"
      "\"targets\":%u,\"delivered\":%u,\"queued\":%u,\"refused\":%u,\"microseconds\":%llu}\n",
      br_hub_run(api->hub), (unsigned long long)asked->seq, outcome.code,
      br_hub_registry(api->hub)->pipes[asked->pipe].config->name,
      (unsigned long long)asked->session, asked->size_bytes, result->targets, result->delivered,
      result->queued, br_result_refused(result), (unsigned long long)result->microseconds);
  br_api_respond(ended->request, outcome.status, &body);
}

static void on_result(br_asked *asked, const br_result *result) {
  post *ended = asked->user;
  const br_pipe_config *config = br_hub_registry(ended->api->hub)->pipes[asked->pipe].config;
  br_outcome outcome = br_outcome_of_result(asked, result);
  if (outcome.status < 300) {
    respond_taken(ended, outcome, result);
  } else {
    char detail[BR_OUTCOME_TEXT_BYTES];
    br_outcome_explain_result(asked, result, config, detail, sizeof detail);
    if (outcome.status == 429 || result->no_place > 0) {
      web_response_header(ended->request, "Retry-After", "1");
    }
    web_respond_problem(ended->request, outcome.status, outcome.code, "%s", detail);
  }
  post_recycle(ended);
}

/* ---- requests ---- */

br_direction br_api_direction_said(const br_pipe_config *config) {
  if (config->access == PC_ACCESS_INBOUND || config->role == BR_ROLE_TAP) {
    return BR_DIRECTION_NONE;
  }
  return config->role == BR_ROLE_CLIENT ? BR_DIRECTION_C2S : BR_DIRECTION_S2C;
}

/* A tap has no end of its own, so who asks must say. Not possible: answers, and returns BR_DIRECTION_NONE. */
static br_direction direction_find(web_request *request, const br_pipe_config *config) {
  const char *wanted = web_request_query(request, "direction");
  br_direction said = br_api_direction_said(config);
  bool is_c2s = wanted && strcmp(wanted, br_direction_name(BR_DIRECTION_C2S)) == 0;
  bool is_s2c = wanted && strcmp(wanted, br_direction_name(BR_DIRECTION_S2C)) == 0;
  br_direction asked = is_c2s ? BR_DIRECTION_C2S : is_s2c ? BR_DIRECTION_S2C : BR_DIRECTION_NONE;
  if (said == BR_DIRECTION_NONE) {
    if (asked == BR_DIRECTION_NONE) {
      web_respond_problem(request, 400, wanted ? "direction_not_possible" : "direction_needed",
                          "Pipe \"%s\" is a tap: say ?direction=c2s (to the upstream) or "
                          "?direction=s2c (to the client).",
                          config->name);
    }
    return asked;
  }
  if (wanted && asked != said) {
    web_respond_problem(request, 400, "direction_not_possible",
                        "The bridge is the %s of pipe \"%s\": it can only send %s, not \"%s\".",
                        br_role_name(config->role), config->name, br_direction_name((uint8_t)said),
                        wanted);
    return BR_DIRECTION_NONE;
  }
  return said;
}

static void post_send(br_api *api, web_request *request, br_command *command, const uint8_t *body) {
  post *sent = post_create(api, request);
  if (!sent) {
    br_api_respond_unasked(request, BR_ASK_NO_MEMORY);
    return;
  }
  sent->asked.on_result = on_result;
  sent->asked.user = sent;
  br_sent_by by;
  br_api_sent_by(request, "http", &by);
  br_ask_status status = br_ask(&api->asker, &sent->asked, command, body, &by);
  if (status != BR_ASK_OK) {
    post_recycle(sent);
    br_api_respond_unasked(request, status);
    return;
  }
  web_request_on_abandon(request, on_abandon, sent);
}

static void inject(br_api *api, web_request *request, const br_pipe_info *pipe,
                   br_command *command) {
  if (pipe->config->access == PC_ACCESS_INBOUND) {
    web_respond_problem(request, 409, "pipe_inbound",
                        "Pipe \"%s\" is inbound: processes write to it and the bridge reads; "
                        "nothing can be sent into it.",
                        pipe->config->name);
    return;
  }
  br_direction said = direction_find(request, pipe->config);
  if (said == BR_DIRECTION_NONE) {
    return;
  }
  size_t size;
  const uint8_t *body = web_request_body(request, &size);
  if (size > pipe->config->limits.max_message_bytes) {
    web_respond_problem(request, 413, "too_large",
                        "The message has %zu bytes; pipe \"%s\" takes %u "
                        "(limits.max_message_bytes).",
                        size, pipe->config->name, pipe->config->limits.max_message_bytes);
    return;
  }
  command->kind = BR_COMMAND_INJECT;
  command->direction = (uint8_t)said;
  command->size_bytes = (uint32_t)size;
  post_send(api, request, command, body);
}

void br_handle_pipe_message(web_request *request, void *user) {
  br_api *api = user;
  br_command command = {0};
  const char *name = web_request_param(request, "pipe");
  const br_pipe_info *pipe = br_api_pipe(api, request, name, &command.pipe);
  if (pipe) {
    inject(api, request, pipe, &command);
  }
}

void br_handle_session_message(web_request *request, void *user) {
  br_api *api = user;
  const br_session_info *session = br_api_session(api, request);
  if (session) {
    br_command command = {.session = session->id, .pipe = session->pipe};
    inject(api, request, &br_hub_registry(api->hub)->pipes[session->pipe], &command);
  }
}
