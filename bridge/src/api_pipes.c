/* One pipe: shown, added, changed, removed. HTTP thread.
 *
 * Success: PUT of one that is not there 201, or 200 when it is there and may become as asked while
 * it has sessions; PATCH 200; DELETE 204 once its sessions are gone and its path is free. Failures:
 * switched off 403, no such pipe 404, not JSON or not by the schema 400, another content type 415;
 * a key that cannot change while the pipe is there, a path or name in use, a change under way 409;
 * what the system refuses 422 or 503. Nothing is ever half done. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api_private.h"
#include "bridge/describe.h"
#include "bridge/pipe_config.h"

enum {
  ANSWER_MAX_BYTES = 1024 * 1024,
  ERROR_BYTES = 960, /* as much as a problem takes */
  DRAIN_DEFAULT_MS = 500,
  DRAIN_MAX_MS = 3000 /* less than the bridge has for its end */
};

/* A web request that waits for the pipe thread. */
typedef struct pipe_change {
  br_pipe_request asked;
  web_request *request;
  br_api *api;
  unsigned status; /* of the answer when it is done */
} pipe_change;

/* ---- answers ---- */

static void pipe_respond(br_api *api, web_request *request, unsigned status, uint16_t index) {
  const br_pipe_info *pipe = br_registry_pipe_at(br_hub_registry(api->hub), index);
  if (!pipe) { /* removed by another request already */
    web_respond_problem(request, 409, "pipe_removed", "The pipe was removed meanwhile.");
    return;
  }
  web_buffer body;
  web_buffer_init(&body, ANSWER_MAX_BYTES);
  br_describe_pipe_whole(&body, pipe);
  web_buffer_append_text(&body, "\n");
  br_api_respond(request, status, &body);
}

void br_handle_pipe(web_request *request, void *user) {
  br_api *api = user;
  uint16_t index;
  if (br_api_pipe(api, request, web_request_param(request, "pipe"), &index)) {
    pipe_respond(api, request, 200, index);
  }
}

static void problem_respond(web_request *request, const br_problem *problem) {
  if (problem->status == 429 || strcmp(problem->code, "pipe_busy") == 0) {
    web_response_header(request, "Retry-After", "1");
  }
  br_problem_respond(request, problem);
}

static void on_end(br_pipe_request *asked, const br_problem *problem) {
  pipe_change *change = asked->user;
  web_request *request = change->request;
  if (problem) {
    problem_respond(request, problem);
  } else if (change->status == 204) {
    web_respond(request, 204, NULL, NULL, 0);
  } else {
    if (change->status == 201) {
      char location[256];
      (void)snprintf(location, sizeof location, "/api/v1/pipes/%s",
                     br_registry_name(br_hub_registry(change->api->hub), asked->index));
      web_response_header(request, "Location", location);
    }
    pipe_respond(change->api, request, change->status, asked->index);
  }
  free(change);
}

static void on_abandon(web_request *request, void *user) {
  pipe_change *change = user;
  (void)request;
  br_pipe_request_cancel(&change->asked);
  free(change);
}

/* ---- asking ---- */

/* NULL: answered with the error. */
static pipe_change *change_create(br_api *api, web_request *request, unsigned status) {
  pipe_change *change = calloc(1, sizeof *change);
  if (!change) {
    web_respond_problem(request, 503, "no_memory", "The bridge is out of memory; try again.");
    return NULL;
  }
  *change = (pipe_change){.asked = {.on_end = on_end, .user = change, .requester = &api->requester},
                          .request = request,
                          .api = api,
                          .status = status};
  return change;
}

static void change_begun(pipe_change *change, bool is_asked, const br_problem *problem) {
  if (is_asked) {
    web_request_on_abandon(change->request, on_abandon, change);
  } else {
    problem_respond(change->request, problem);
    free(change);
  }
}

/* Takes `config` over. */
static void pipe_add(br_api *api, web_request *request, br_pipe_config *config) {
  pipe_change *change = change_create(api, request, 201);
  if (!change) {
    br_pipe_config_destroy(config);
    return;
  }
  br_problem problem;
  bool is_asked = br_pipe_request_add(&change->asked, config, &problem);
  change_begun(change, is_asked, &problem);
}

/* Likewise; makes the pipe as `config` says, if that can be done while it is there. */
static void pipe_change_to(br_api *api, web_request *request, const br_pipe_info *pipe,
                           br_pipe_config *config) {
  char key[BR_PIPE_KEY_BYTES];
  pipe_change *change = NULL;
  switch (br_pipe_config_compare(pipe->config, config, key)) {
  case BR_PIPE_SAME:
    pipe_respond(api, request, 200, pipe->index);
    break;
  case BR_PIPE_FIXED:
    web_respond_problem(request, 409, "pipe_exists",
                        "Pipe \"%s\" is there, and its %s cannot change while it is; DELETE it "
                        "first, which ends its sessions. Nothing was changed.",
                        config->name, key);
    break;
  case BR_PIPE_LIVE:
    change = change_create(api, request, 200);
    break;
  }
  if (!change) {
    br_pipe_config_destroy(config);
    return;
  }
  br_problem problem;
  bool is_asked = br_pipe_request_change(&change->asked, pipe->index, config, &problem);
  change_begun(change, is_asked, &problem);
}

/* ---- requests; false or NULL: answered with the error ---- */

static bool changes_are_allowed(const br_api *api, web_request *request) {
  if (!api->options.config->http.allow_changes) {
    web_respond_problem(
        request, 403, "changes_not_allowed",
        "http.allow_changes is false in the configuration: pipes stay as they are.");
    return false;
  }
  return true;
}

/* `accepted` ends with NULL. */
static bool type_is_one_of(web_request *request, const char *const *accepted) {
  const char *type = web_request_header(request, "Content-Type");
  size_t length = type ? strcspn(type, "; \t") : 0;
  for (size_t index = 0; accepted[index]; index++) {
    if (strlen(accepted[index]) == length && strncasecmp(type, accepted[index], length) == 0) {
      return true;
    }
  }
  web_respond_problem(request, 415, "unsupported_type",
                      "Send the header Content-Type: %s; this came as %s.", accepted[0],
                      type ? type : "nothing");
  return false;
}

void br_handle_pipe_put(web_request *request, void *user) {
  static const char *const types[] = {"application/json", NULL};
  br_api *api = user;
  if (!changes_are_allowed(api, request) || !type_is_one_of(request, types)) {
    return;
  }
  size_t size;
  const char *name = web_request_param(request, "pipe");
  const uint8_t *body = web_request_body(request, &size);
  char error[ERROR_BYTES] = "";
  br_pipe_config *config = br_pipe_config_parse((const char *)body, size, name, api->options.config,
                                                error, sizeof error);
  if (!config) {
    web_respond_problem(request, 400, "bad_pipe", "%s", error);
    return;
  }
  const br_pipe_info *pipe = br_registry_pipe(br_hub_registry(api->hub), name, NULL);
  if (pipe) {
    pipe_change_to(api, request, pipe, config);
  } else {
    pipe_add(api, request, config);
  }
}

void br_handle_pipe_patch(web_request *request, void *user) {
  static const char *const types[] = {"application/merge-patch+json", "application/json", NULL};
  br_api *api = user;
  if (!changes_are_allowed(api, request) || !type_is_one_of(request, types)) {
    return;
  }
  const br_pipe_info *pipe = br_api_pipe(api, request, web_request_param(request, "pipe"), NULL);
  if (!pipe) {
    return;
  }
  size_t size;
  const uint8_t *body = web_request_body(request, &size);
  char error[ERROR_BYTES] = "";
  br_pipe_config *config = br_pipe_config_patch(pipe->config, (const char *)body, size,
                                                api->options.config, error, sizeof error);
  if (config) {
    pipe_change_to(api, request, pipe, config);
  } else {
    web_respond_problem(request, 400, "bad_pipe", "%s", error);
  }
}

static bool drain_parse(web_request *request, uint32_t *out_drain_ms) {
  const char *text = web_request_query(request, "drain_ms");
  uint64_t drain_ms = DRAIN_DEFAULT_MS;
  if (text && (!br_api_parse_u64(text, &drain_ms) || drain_ms > DRAIN_MAX_MS)) {
    web_respond_problem(request, 400, "bad_drain_ms", "drain_ms=%s is not a number from 0 to %d.",
                        text, DRAIN_MAX_MS);
    return false;
  }
  *out_drain_ms = (uint32_t)drain_ms;
  return true;
}

void br_handle_pipe_delete(web_request *request, void *user) {
  br_api *api = user;
  uint16_t index;
  uint32_t drain_ms;
  if (!changes_are_allowed(api, request) || !drain_parse(request, &drain_ms) ||
      !br_api_pipe(api, request, web_request_param(request, "pipe"), &index)) {
    return;
  }
  pipe_change *change = change_create(api, request, 204);
  if (change) {
    br_problem problem;
    bool is_asked = br_pipe_request_remove(&change->asked, index, drain_ms, &problem);
    change_begun(change, is_asked, &problem);
  }
}
