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

void br_api_describe_taken(web_buffer *out, const br_api *api, const br_asked *asked,
                           const br_result *result) {
  web_buffer_append_format(
      out,
      "\"run\":\"%s\",\"seq\":%llu,\"result\":\"%s\",\"pipe\":\"%s\",\"session\":%llu,\"bytes\":%u,"
      "\"targets\":%u,\"delivered\":%u,\"queued\":%u,\"refused\":%u,\"microseconds\":%llu",
      br_hub_run(api->hub), (unsigned long long)asked->seq,
      br_outcome_of_result(asked, result).code,
      br_registry_name(br_hub_registry(api->hub), asked->pipe), (unsigned long long)asked->session,
      asked->size_bytes, result->targets, result->delivered, result->queued,
      br_result_refused(result), (unsigned long long)result->microseconds);
}

static void respond_taken(const post *ended, br_outcome outcome, const br_result *result) {
  web_buffer body;
  web_buffer_init(&body, 4096);
  web_buffer_append_text(&body, "{");
  br_api_describe_taken(&body, ended->api, &ended->asked, result);
  web_buffer_append_text(&body, "}\n");
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
  size_t size;
  const uint8_t *body = web_request_body(request, &size);
  br_problem problem;
  if (!br_target_direction(pipe->config, web_request_query(request, "direction"), command,
                           &problem) ||
      !br_target_takes(pipe->config, size, &problem)) {
    br_problem_respond(request, &problem);
    return;
  }
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
