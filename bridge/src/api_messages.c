/* Injecting: the body of a POST, byte for byte, into one session or all of a pipe. HTTP thread.
 *
 * Success: the command reaches the pipe thread, its `injected` event gets a seq, its result says that the
 * kernel took the bytes: 201.
 * Failures: no such pipe or session 404, closed or inbound 409, over the limit 413, a queue full 429 with Retry-After;
 * no receiver, or none that reads at the moment, is 202, and so is a server that is away (role client). */
#include <string.h>

#include "api_private.h"

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
  (void)br_api_ask(api, request, command, body);
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

void br_injection_seq(br_api *api, const br_event *injected) {
  pending *waiting = br_id_table_get(&api->pending, injected->command_id);
  if (waiting) {
    waiting->seq = injected->seq;
  }
}

static void respond_result(web_request *request, unsigned status, const br_api *api,
                           const pending *asked, const br_result *result) {
  web_buffer body;
  web_buffer_init(&body, 4096);
  web_buffer_append_format(
      &body,
      "{\"run\":\"%s\",\"seq\":%llu,\"pipe\":\"%s\",\"session\":%llu,\"bytes\":%u,\"targets\":%u,"
      "\"delivered\":%u,\"queued\":%u,\"refused\":%u}\n",
      br_hub_run(api->hub), (unsigned long long)asked->seq,
      br_hub_registry(api->hub)->pipes[asked->pipe].config->name,
      (unsigned long long)asked->session, asked->size_bytes, result->targets, result->delivered,
      result->queued, result->quota + result->too_big + result->closed + result->no_place);
  br_api_respond(request, status, &body);
}

void br_injection_result(br_api *api, const br_event *record) {
  pending *waiting = br_id_table_get(&api->pending, record->command_id);
  if (!waiting) {
    return; /* whoever asked has gone */
  }
  br_result result;
  memcpy(&result, br_event_payload(record), sizeof result);
  pending asked = *waiting;
  web_request *request = br_pending_finish(waiting);
  if (result.delivered > 0) {
    respond_result(request, 201, api, &asked, &result);
  } else if (result.queued == 0 && result.quota > 0 && result.is_away) {
    const br_pipe_config *config = br_hub_registry(api->hub)->pipes[asked.pipe].config;
    web_response_header(request, "Retry-After", "1");
    web_respond_problem(request, 429, "queue_full",
                        "The server of pipe \"%s\" is away, and what is kept for it has reached "
                        "reconnect.max_queued_messages (%u) or max_queued_bytes (%u); try again "
                        "when it is back.",
                        config->name, config->reconnect.max_queued_messages,
                        config->reconnect.max_queued_bytes);
  } else if (result.queued == 0 && result.quota > 0) {
    web_response_header(request, "Retry-After", "1");
    web_respond_problem(request, 429, "queue_full",
                        "The write queue of every receiver is full (%u of %u): they do not read; "
                        "try again.",
                        result.quota, result.targets);
  } else if (result.queued == 0 && result.no_place > 0) {
    web_response_header(request, "Retry-After", "1");
    web_respond_problem(request, 409, "no_place",
                        "A message was passing in that direction and did not end in time; yours "
                        "goes between two. Try again.");
  } else if (result.queued == 0 && asked.session != 0) {
    web_respond_problem(request, 409, "session_closed", "Session %llu is closed.",
                        (unsigned long long)asked.session);
  } else {
    respond_result(request, 202, api, &asked, &result);
  }
}
