/* POST of messages: what is asked, and for whom. What then happens is in post*.c. HTTP thread.
 *
 * The body is one message, byte for byte, whatever it is called; only who asks for it has it read:
 * `?body=json` one message in JSON, `?body=ndjson` or that content type a file of them. */
#include <string.h>
#include <strings.h>

#include "api_private.h"
#include "filter_parameters.h"
#include "json_payload.h"
#include "post.h"
#include "poster.h"

typedef enum body_form { BODY_BYTES, BODY_JSON, BODY_LINES, BODY_UNKNOWN } body_form;

/* Whom the path names. */
typedef struct addressee {
  br_command command;
  const char *pipe_name; /* NULL: none is named */
} addressee;

/* ---- the body ---- */

static bool is_lines_type(const char *content_type) {
  static const char lines_type[] = "application/x-ndjson";
  size_t size = sizeof lines_type - 1;
  return content_type && strncasecmp(content_type, lines_type, size) == 0 &&
         strchr("; \t", content_type[size]);
}

/* BODY_UNKNOWN: answered already. */
static body_form form_find(web_request *request) {
  const char *form = web_request_query(request, "body");
  if (!form) {
    return is_lines_type(web_request_header(request, "Content-Type")) ? BODY_LINES : BODY_BYTES;
  }
  if (strcmp(form, "bytes") == 0) {
    return BODY_BYTES;
  }
  if (strcmp(form, "json") == 0) {
    return BODY_JSON;
  }
  if (strcmp(form, "ndjson") == 0) {
    return BODY_LINES;
  }
  web_respond_problem(request, 400, "bad_body", "body=%s is none of bytes, json, ndjson.", form);
  return BODY_UNKNOWN;
}

/* `out_decoded` is initialized and the caller's. False: answered already. */
static bool message_read(web_request *request, body_form form, web_buffer *out_decoded,
                         br_post_message *out_message) {
  br_problem problem;
  out_message->data = web_request_body(request, &out_message->size);
  web_buffer_init(out_decoded, out_message->size + 1);
  if (form == BODY_BYTES) {
    return true;
  }
  if (!br_json_message(out_message->data, out_message->size, out_decoded, &problem)) {
    br_problem_respond(request, &problem);
    return false;
  }
  out_message->data = out_decoded->data;
  out_message->size = out_decoded->size;
  return true;
}

static bool wait_read(web_request *request, bool *out_is_waited_for) {
  const char *wait = web_request_query(request, "wait");
  if (wait && strcmp(wait, "0") != 0 && strcmp(wait, "1") != 0) {
    web_respond_problem(request, 400, "bad_wait", "wait=%s is neither 0 nor 1.", wait);
    return false;
  }
  *out_is_waited_for = !wait || strcmp(wait, "1") == 0;
  return true;
}

/* ---- whom it is for ---- */

typedef struct choice {
  const web_request *request;
  const char *pipe_name;
} choice;

/* A filter's parameters of a POST: the pipe may stand in the path, and `direction` is the
 * message's. */
static const char *choice_get(const void *source, const char *name) {
  const choice *made = source;
  if (made->pipe_name && strcmp(name, "pipe") == 0) {
    return made->pipe_name;
  }
  bool is_choice =
      strcmp(name, "pipe") == 0 || strcmp(name, "session") == 0 || strcmp(name, "q") == 0;
  return is_choice ? web_request_query(made->request, name) : NULL;
}

static bool is_given(const web_request *request, const char *name) {
  const char *value = web_request_query(request, name);
  return value && value[strspn(value, " \t\r\n")];
}

/* NULL: answered already. */
static br_filter *filter_read(br_api *api, web_request *request, const char *pipe_name) {
  choice made = {.request = request, .pipe_name = pipe_name};
  br_parameters parameters = {.get = choice_get, .source = &made};
  br_problem problem;
  br_filter *filter = br_filter_of_parameters(api->hub, &parameters, "", &problem);
  const char *key = filter ? br_filter_key_beyond_sessions(filter) : NULL;
  if (key) {
    br_filter_destroy(filter);
    filter = NULL;
    (void)br_problem_set(&problem, 400, "bad_filter",
                         "Sessions are chosen by pipe, session, pid, uid, peer, executable, unit "
                         "and container; \"%s\" is of events.",
                         key);
  }
  if (!filter) {
    br_problem_respond(request, &problem);
  }
  return filter;
}

static void post_chosen(br_api *api, web_request *request, const addressee *to,
                        const br_post_message *message) {
  br_filter *filter = filter_read(api, request, to->pipe_name);
  if (filter) {
    br_post_matching(api, request, filter, message);
  }
}

static void post_addressed(br_api *api, web_request *request, addressee *to,
                           const br_post_message *message) {
  const br_pipe_info *pipe = br_registry_pipe_at(br_hub_registry(api->hub), to->command.pipe);
  br_problem problem;
  if (!br_target_direction(pipe->config, message->direction, &to->command, &problem) ||
      !br_target_takes(pipe->config, message->size, &problem)) {
    br_problem_respond(request, &problem);
    return;
  }
  br_post_one(api, request, &to->command, message);
}

/* ---- requests ---- */

static void post(br_api *api, web_request *request, addressee *to) {
  bool has_choice = is_given(request, "q") || is_given(request, "session") ||
                    (!to->pipe_name && is_given(request, "pipe"));
  br_post_message message = {.direction = web_request_query(request, "direction")};
  body_form form = form_find(request);
  if (form == BODY_UNKNOWN || !wait_read(request, &message.is_waited_for)) {
    return;
  }
  if (has_choice && to->command.session != 0) {
    web_respond_problem(request, 400, "bad_filter",
                        "The path names the session; leave the filter out, or POST to "
                        "/api/v1/messages.");
    return;
  }
  if (form == BODY_LINES && (has_choice || !message.is_waited_for)) {
    web_respond_problem(request, 400, "not_with_ndjson",
                        "A file of messages is waited for and takes no filter: each line says its "
                        "own \"session\".");
    return;
  }
  if (form == BODY_LINES) {
    br_post_lines(api, request, &to->command, to->pipe_name != NULL);
    return;
  }
  if (!has_choice && !to->pipe_name) {
    web_respond_problem(request, 400, "filter_needed",
                        "Say into which sessions: ?q=FILTER, ?pipe= or ?session=, as in "
                        "/api/v1/messages?q=uid:1000.");
    return;
  }
  web_buffer decoded;
  if (message_read(request, form, &decoded, &message)) {
    if (has_choice) {
      post_chosen(api, request, to, &message);
    } else {
      post_addressed(api, request, to, &message);
    }
  }
  web_buffer_fini(&decoded);
}

void br_handle_message(web_request *request, void *user) {
  br_api *api = user;
  addressee to = {.pipe_name = NULL};
  if (br_poster_admit(api, request)) {
    post(api, request, &to);
  }
}

void br_handle_pipe_message(web_request *request, void *user) {
  br_api *api = user;
  addressee to = {.pipe_name = web_request_param(request, "pipe")};
  if (br_poster_admit(api, request) && br_api_pipe(api, request, to.pipe_name, &to.command.pipe)) {
    post(api, request, &to);
  }
}

void br_handle_session_message(web_request *request, void *user) {
  br_api *api = user;
  const br_session_info *session =
      br_poster_admit(api, request) ? br_api_session(api, request) : NULL;
  if (session) {
    addressee to = {.command = {.session = session->id, .pipe = session->pipe}};
    to.pipe_name = br_registry_name(br_hub_registry(api->hub), session->pipe);
    post(api, request, &to);
  }
}
