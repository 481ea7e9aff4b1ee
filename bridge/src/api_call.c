/* POST …/call: sends the body and answers with what the session says next. HTTP thread.
 *
 * Success: 200 with the bytes of the answer; what they are is told by headers.
 * Failures: as of an injection, and: a call is under way in that session 409; nothing said in
 * time 504; the session closed instead 502. Whose injection was announced is told its seq. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api_private.h"
#include "json_payload.h"
#include "web/text.h"

typedef struct caller {
  br_call call;
  br_api *api;
  web_request *request;
} caller;

/* What is said, valid during the call. */
typedef struct question {
  const uint8_t *data;
  size_t size;
} question;

static void header_number(web_request *request, const char *name, uint64_t value) {
  char text[24];
  (void)snprintf(text, sizeof text, "%" PRIu64, value);
  web_response_header(request, name, text);
}

static void respond_answer(web_request *request, const br_call_end *end) {
  const br_event *answer = end->answer;
  const uint8_t *bytes = br_event_payload(answer);
  header_number(request, "Pipebridge-Seq", answer->seq);
  if (answer->flags & BR_FLAG_INCOMPLETE) {
    web_response_header(request, "Pipebridge-Flags", "incomplete");
  }
  const char *type = web_utf8_is_valid(bytes, answer->size_bytes) ? "text/plain; charset=utf-8"
                                                                  : "application/octet-stream";
  web_respond(request, 200, type, bytes, answer->size_bytes);
}

/* What is announced stands in the stream, whatever came after it. */
static void headers_write(web_request *request, const caller *ended, const br_call_end *end) {
  const br_call *call = &ended->call;
  web_response_header(request, "Pipebridge-Run", br_hub_run(ended->api->hub));
  header_number(request, "Pipebridge-Session", call->session);
  header_number(request, "Pipebridge-Microseconds", end->microseconds);
  header_number(request, "Pipebridge-Injected-Seq", call->asked.seq);
  if (end->injected_microseconds != 0) {
    header_number(request, "Pipebridge-Injected-Microseconds", end->injected_microseconds);
  }
}

static void problem_respond(web_request *request, const br_problem *problem) {
  bool is_worth_trying = problem->status == 429 || strcmp(problem->code, "call_in_progress") == 0 ||
                         strcmp(problem->code, "no_place") == 0;
  if (is_worth_trying) {
    web_response_header(request, "Retry-After", "1");
  }
  br_problem_respond(request, problem);
}

static void on_end(br_call *call, const br_call_end *end) {
  caller *ended = call->user;
  web_request *request = ended->request;
  if (call->asked.seq != 0) {
    headers_write(request, ended, end);
  }
  if (end->answer) {
    respond_answer(request, end);
  } else {
    problem_respond(request, end->problem);
  }
  free(ended);
}

static void on_abandon(web_request *request, void *user) {
  caller *abandoned = user;
  (void)request;
  br_call_cancel(&abandoned->call);
  free(abandoned);
}

/* `*out_filter` NULL: the next message is the answer. */
static bool answer_filter(web_request *request, br_filter **out_filter, br_problem *out_problem) {
  const char *text = web_request_query(request, "answer");
  br_filter_error error;
  *out_filter = text ? br_filter_compile(text, strlen(text), &error) : NULL;
  return !text || *out_filter ||
         br_problem_set(out_problem, 400, "bad_filter", "answer=%s, at character %zu: %s.", text,
                        error.offset + 1, error.text);
}

/* The message: the body itself, or what it says as JSON; then `decoded`, which the caller frees
 * in either case, has it. */
static bool message_read(web_request *request, web_buffer *decoded, question *out_message,
                         br_problem *out_problem) {
  const char *form = web_request_query(request, "body");
  out_message->data = web_request_body(request, &out_message->size);
  web_buffer_init(decoded, out_message->size + 1);
  if (!form || strcmp(form, "bytes") == 0) {
    return true;
  }
  if (strcmp(form, "json") != 0) {
    return br_problem_set(out_problem, 400, "bad_body", "body=%s is neither bytes nor json.", form);
  }
  if (!br_json_message(out_message->data, out_message->size, decoded, out_problem)) {
    return false;
  }
  *out_message = (question){.data = decoded->data, .size = decoded->size};
  return true;
}

static bool call_send(br_api *api, web_request *request, br_command *command,
                      const uint8_t *message, br_filter *filter, uint32_t timeout_ms,
                      br_problem *out_problem) {
  caller *calling = calloc(1, sizeof *calling);
  if (!calling) {
    br_filter_destroy(filter);
    return br_problem_set(out_problem, 503, "no_memory", "The bridge is out of memory; try again.");
  }
  calling->call.on_end = on_end;
  calling->call.user = calling;
  calling->api = api;
  calling->request = request;
  br_sent_by by;
  br_api_sent_by(request, "http", &by);
  if (!br_call_begin(&api->calls, &calling->call, command, message, &by, filter, timeout_ms,
                     out_problem)) {
    free(calling);
    return false;
  }
  web_request_on_abandon(request, on_abandon, calling);
  return true;
}

static bool call_message(br_api *api, web_request *request, const br_session_info *session,
                         question message, br_problem *out_problem) {
  const br_config *config = br_hub_config(api->hub);
  const br_pipe_info *pipe = br_registry_pipe_at(br_hub_registry(api->hub), session->pipe);
  br_command command = {.session = session->id, .pipe = session->pipe};
  br_filter *filter;
  uint32_t timeout_ms;
  if (!pipe) {
    return br_problem_set(out_problem, 409, "session_closed", "Session %" PRIu64 " is closed.",
                          session->id);
  }
  if (!br_target_direction(pipe->config, web_request_query(request, "direction"), &command,
                           out_problem) ||
      !br_target_takes(pipe->config, message.size, out_problem) ||
      !br_call_timeout(config, web_request_query(request, "timeout_ms"), &timeout_ms,
                       out_problem) ||
      !answer_filter(request, &filter, out_problem)) {
    return false;
  }
  command.size_bytes = (uint32_t)message.size;
  return call_send(api, request, &command, message.data, filter, timeout_ms, out_problem);
}

static bool call_session(br_api *api, web_request *request, const br_session_info *session,
                         br_problem *out_problem) {
  web_buffer decoded;
  question message;
  bool is_sent = message_read(request, &decoded, &message, out_problem) &&
                 call_message(api, request, session, message, out_problem);
  web_buffer_fini(&decoded);
  return is_sent;
}

static void call_respond(br_api *api, web_request *request, const br_session_info *session,
                         br_problem *problem) {
  if (session && call_session(api, request, session, problem)) {
    return;
  }
  problem_respond(request, problem);
}

void br_handle_session_call(web_request *request, void *user) {
  br_api *api = user;
  br_problem problem;
  const br_session_info *session =
      br_target_session(br_hub_registry(api->hub), web_request_param(request, "id"), &problem);
  call_respond(api, request, session, &problem);
}

void br_handle_pipe_call(web_request *request, void *user) {
  br_api *api = user;
  br_problem problem;
  const br_registry *registry = br_hub_registry(api->hub);
  const br_pipe_info *pipe =
      br_target_pipe(registry, web_request_param(request, "pipe"), NULL, &problem);
  const br_session_info *session = pipe ? br_call_target(registry, pipe, &problem) : NULL;
  call_respond(api, request, session, &problem);
}
