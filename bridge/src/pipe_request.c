/* Requests to the pipe thread about one pipe. HTTP thread.
 *
 * Success: an index is reserved or the pipe marked as changing, the command goes, its event has
 * been applied to the registry when the result comes. Failures: too many pipes, a path that another
 * one has, one that is asked for already, a full queue (told at once); whatever the pipe thread
 * refuses (told by on_end). */
#include "pipe_request.h"

#include <string.h>

#include "bridge/pipe_config.h"
#include "outcome.h"

/* ---- the end ---- */

static void refusal_explain(const br_pipe_refusal *refusal, br_problem *out_problem) {
  unsigned status = 422;
  const char *code = "pipe_refused";
  switch ((pc_status)refusal->status) {
  case PC_E_IN_USE:
    status = 409;
    code = "path_in_use";
    break;
  case PC_E_NO_MEMORY:
  case PC_E_NO_DESCRIPTORS:
    status = 503;
    code = "no_resources";
    break;
  case PC_E_ABORTED:
    status = 503;
    code = "ending";
    break;
  default:
    break;
  }
  (void)br_problem_set(out_problem, status, code, "%s.", refusal->text);
}

static void on_result(br_asked *asked, const br_result *result) {
  br_pipe_request *request = asked->user;
  br_problem problem;
  if (result->pipe_refused) {
    refusal_explain(&request->requester->refusal, &problem);
  }
  request->on_end(request, result->pipe_refused ? &problem : NULL);
}

void br_pipe_request_on_refused(br_pipe_requester *requester, const br_event *record) {
  memcpy(&requester->refusal, br_event_payload(record), sizeof requester->refusal);
  br_pipe_config_destroy(requester->refusal.config);
  requester->refusal.config = NULL;
  if (br_registry_pipe_at(requester->registry, record->pipe)) {
    br_registry_set_changing(requester->registry, record->pipe, false);
  } else {
    br_registry_cancel(requester->registry, record->pipe);
  }
}

void br_pipe_request_cancel(br_pipe_request *request) {
  br_ask_cancel(request->requester->asker, &request->asked);
}

/* ---- asking ---- */

static bool request_ask(br_pipe_request *request, br_command *command, const void *payload,
                        br_problem *out_problem) {
  request->index = command->pipe;
  request->asked = (br_asked){.on_result = on_result, .user = request};
  br_ask_status status = br_ask(request->requester->asker, &request->asked, command, payload, NULL);
  if (status == BR_ASK_OK) {
    return true;
  }
  char text[BR_OUTCOME_TEXT_BYTES];
  br_outcome outcome = br_outcome_of_ask(status);
  br_outcome_explain_ask(status, text, sizeof text);
  return br_problem_set(out_problem, outcome.status, outcome.code, "%s", text);
}

static bool is_busy(const br_pipe_info *pipe, br_problem *out_problem) {
  if (pipe->phase != BR_PIPE_CHANGING) {
    return false;
  }
  (void)br_problem_set(out_problem, 409, "pipe_busy",
                       "Pipe \"%s\" is being changed or removed; try again.", pipe->config->name);
  return true;
}

/* Two pipes that own an endpoint cannot own the same. */
static bool path_is_free(const br_registry *registry, const br_pipe_config *config,
                         br_problem *out_problem) {
  for (size_t place = 0; place < registry->pipe_count; place++) {
    const br_pipe_config *other = registry->pipes[registry->listed[place]].config;
    if (config->role != BR_ROLE_CLIENT && other->role != BR_ROLE_CLIENT &&
        strcmp(config->path, other->path) == 0) {
      return br_problem_set(out_problem, 409, "path_in_use",
                            "%s is the path of pipe \"%s\" already; choose another one.",
                            config->path, other->name);
    }
  }
  return true;
}

static bool index_reserve(br_registry *registry, const char *name, uint16_t *out_index,
                          br_problem *out_problem) {
  if (br_registry_pipe(registry, name, NULL) || br_registry_is_adding(registry, name)) {
    return br_problem_set(out_problem, 409, "pipe_busy",
                          "Pipe \"%s\" is there, or being added; try again.", name);
  }
  switch (br_registry_reserve(registry, name, out_index)) {
  case BR_RESERVE_OK:
    return true;
  case BR_RESERVE_TOO_MANY:
    return br_problem_set(out_problem, 409, "too_many_pipes",
                          "There are %d pipes, which is the most at once; remove one first.",
                          BR_PIPES_MAX);
  case BR_RESERVE_RUN_IS_FULL:
    return br_problem_set(
        out_problem, 409, "too_many_pipes",
        "%d pipes have come since the bridge began, which is the most; restart it.",
        BR_PIPE_INDEXES);
  case BR_RESERVE_NO_MEMORY:
    break;
  }
  return br_problem_set(out_problem, 503, "no_memory", "The bridge is out of memory; try again.");
}

bool br_pipe_request_add(br_pipe_request *request, br_pipe_config *config,
                         br_problem *out_problem) {
  br_registry *registry = request->requester->registry;
  uint16_t index = 0;
  if (!path_is_free(registry, config, out_problem) ||
      !index_reserve(registry, config->name, &index, out_problem)) {
    br_pipe_config_destroy(config);
    return false;
  }
  br_command command = {.kind = BR_COMMAND_PIPE_ADD, .pipe = index, .size_bytes = sizeof config};
  if (!request_ask(request, &command, &config, out_problem)) {
    br_registry_cancel(registry, index);
    br_pipe_config_destroy(config);
    return false;
  }
  return true;
}

bool br_pipe_request_change(br_pipe_request *request, uint16_t index, br_pipe_config *config,
                            br_problem *out_problem) {
  br_registry *registry = request->requester->registry;
  br_command command = {.kind = BR_COMMAND_PIPE_CHANGE, .pipe = index, .size_bytes = sizeof config};
  if (is_busy(br_registry_pipe_at(registry, index), out_problem) ||
      !request_ask(request, &command, &config, out_problem)) {
    br_pipe_config_destroy(config);
    return false;
  }
  br_registry_set_changing(registry, index, true);
  return true;
}

bool br_pipe_request_remove(br_pipe_request *request, uint16_t index, uint32_t drain_ms,
                            br_problem *out_problem) {
  br_registry *registry = request->requester->registry;
  br_command command = {
      .kind = BR_COMMAND_PIPE_REMOVE, .pipe = index, .size_bytes = sizeof drain_ms};
  if (is_busy(br_registry_pipe_at(registry, index), out_problem) ||
      !request_ask(request, &command, &drain_ms, out_problem)) {
    return false;
  }
  br_registry_set_changing(registry, index, true);
  return true;
}
