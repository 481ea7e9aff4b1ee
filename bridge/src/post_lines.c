/* A file of messages: lines of JSON in, a line of JSON out for each, then a last one. HTTP thread.
 *
 * Success: {"text"|"base64"|"hex": …} with "session", "direction" and "delay_ms" where wanted; many
 * are under way at once, and the answer is a stream of what became of each, in order. Failures: a
 * line that cannot be sent is told in its turn, and the others go on. A full queue, and a client
 * that does not read the answer, are waited for. The client goes: the rest is not sent. */
#include <stdlib.h>
#include <string.h>

#include "bridge/describe.h"
#include "host.h"
#include "json_payload.h"
#include "outcome.h"
#include "post.h"
#include "series.h"
#include "web/observer.h"

enum {
  FILES_MAX = 64,              /* at once                                    */
  UNDER_WAY_MAX = 256,         /* lines of one                               */
  ANSWER_MAX_BYTES = 1 << 20,  /* never reached: see the next                */
  ANSWER_FULL_BYTES = 1 << 16, /* of results not sent yet: no more are asked */
  DELAY_MAX_MS = 60 * 1000,
  RUN_MAX_MS = 60 * 60 * 1000
};

typedef struct lines {
  br_api *api;
  br_series *series;
  web_stream *stream;
  uint8_t *body; /* owned */
  size_t size, at;
  uint64_t line; /* the last one looked at, from 1 */
  br_command target;
  bool has_pipe;     /* else each line says it */
  char direction[8]; /* "": not said */
  uint64_t interval_ms;
  uint64_t end_ns; /* nothing is sent after it */
  bool is_first;   /* nothing was drawn yet    */
  bool is_late;
  bool is_over;
  web_buffer payload;
  web_buffer answer; /* not sent yet */
  br_problem problem;
  uint64_t delivered, queued, no_receiver, refused;
} lines;

/* ---- one line ---- */

/* NULL: no more. Empty lines do not count, but have their number. */
static const uint8_t *line_take(lines *work, size_t *out_size) {
  while (work->at < work->size) {
    const uint8_t *start = work->body + work->at;
    const uint8_t *end = memchr(start, '\n', work->size - work->at);
    size_t size = end ? (size_t)(end - start) : work->size - work->at;
    work->at += size + 1;
    work->line++;
    size_t blank = 0;
    while (blank < size && strchr(" \t\r", start[blank]) && start[blank] != '\0') {
      blank++;
    }
    if (blank < size) {
      *out_size = size;
      return start;
    }
  }
  return NULL;
}

/* `*out_number` stays if there is none. */
static bool number_read(const json_t *object, const char *name, uint64_t maximum,
                        uint64_t *out_number, br_problem *out_problem) {
  const json_t *value = json_object_get(object, name);
  if (!value) {
    return true;
  }
  json_int_t number = json_integer_value(value);
  if (!json_is_integer(value) || number < 0 || (uint64_t)number > maximum) {
    return br_problem_set(out_problem, 400, "bad_line", "\"%s\" is no number from 0 to %llu.", name,
                          (unsigned long long)maximum);
  }
  *out_number = (uint64_t)number;
  return true;
}

static bool text_read(const json_t *object, const char *name, const char **out_text,
                      br_problem *out_problem) {
  const json_t *value = json_object_get(object, name);
  if (value && !json_is_string(value)) {
    return br_problem_set(out_problem, 400, "bad_line", "\"%s\" is no string.", name);
  }
  if (value) {
    *out_text = json_string_value(value);
  }
  return true;
}

/* Into what: the line's own session or pipe, else that of the request. */
static const br_pipe_info *target_read(const lines *work, const json_t *object,
                                       br_command *out_command, br_problem *out_problem) {
  const br_registry *registry = br_hub_registry(work->api->hub);
  const char *name = NULL;
  uint64_t id = 0;
  *out_command = work->target;
  if (!number_read(object, "session", INT64_MAX, &id, out_problem) ||
      !text_read(object, "pipe", &name, out_problem)) {
    return NULL;
  }
  if (id != 0) {
    const br_session_info *session = br_registry_session(registry, id);
    bool is_of_pipe = session && (!work->has_pipe || session->pipe == work->target.pipe);
    if (!is_of_pipe && br_registry_was_session(registry, id)) {
      (void)br_problem_set(out_problem, 409, "session_closed", "Session %llu is closed.",
                           (unsigned long long)id);
      return NULL;
    }
    if (!is_of_pipe) {
      (void)br_problem_set(out_problem, 404, "session_not_found",
                           "There is no open session %llu%s.", (unsigned long long)id,
                           work->has_pipe ? " on this pipe" : "");
      return NULL;
    }
    *out_command = (br_command){.session = id, .pipe = session->pipe};
  } else if (name) {
    return br_target_pipe(registry, name, &out_command->pipe, out_problem);
  } else if (!work->has_pipe) {
    (void)br_problem_set(out_problem, 400, "bad_line", "\"session\" or \"pipe\" is needed here.");
    return NULL;
  }
  const br_pipe_info *pipe = br_registry_pipe_at(registry, out_command->pipe);
  if (!pipe) {
    (void)br_problem_set(out_problem, 409, "pipe_removed", "The pipe was removed meanwhile.");
  }
  return pipe;
}

static bool line_read(lines *work, const json_t *object, br_series_step *out_step,
                      br_problem *out_problem) {
  static const char *const anywhere[] = {"session", "direction", "delay_ms", "pipe", NULL};
  static const char *const in_a_pipe[] = {"session", "direction", "delay_ms", NULL};
  static const char *const in_a_session[] = {"direction", "delay_ms", NULL};
  const char *const *known = !work->has_pipe             ? anywhere
                             : work->target.session == 0 ? in_a_pipe
                                                         : in_a_session;
  const char *direction = work->direction[0] ? work->direction : NULL;
  out_step->delay_ms = work->is_first ? 0 : work->interval_ms;
  web_buffer_clear(&work->payload);
  if (!br_json_has_only(object, known, out_problem) ||
      !br_json_payload(object, &work->payload, out_problem) ||
      !number_read(object, "delay_ms", DELAY_MAX_MS, &out_step->delay_ms, out_problem) ||
      !text_read(object, "direction", &direction, out_problem)) {
    return false;
  }
  const br_pipe_info *pipe = target_read(work, object, &out_step->command, out_problem);
  out_step->payload = work->payload.data;
  out_step->command.size_bytes = (uint32_t)work->payload.size;
  return pipe && br_target_direction(pipe->config, direction, &out_step->command, out_problem) &&
         br_target_takes(pipe->config, work->payload.size, out_problem);
}

/* ---- what the series asks and tells ---- */

static br_series_next source_next(void *user, br_series_step *out_step, br_problem *out_problem) {
  lines *work = user;
  size_t size;
  if (work->is_late) {
    return BR_SERIES_END;
  }
  const uint8_t *text = line_take(work, &size);
  if (!text) {
    return BR_SERIES_END;
  }
  out_step->number = work->line;
  if (br_host_mono_ns() > work->end_ns) {
    work->is_late = true;
    (void)br_problem_set(out_problem, 408, "out_of_time",
                         "A file may take %d minutes; this line and those behind it are not sent.",
                         RUN_MAX_MS / 60000);
    return BR_SERIES_REFUSED;
  }
  json_t *object = br_json_object(text, size, out_problem);
  bool is_good = object && line_read(work, object, out_step, out_problem);
  json_decref(object);
  work->is_first = work->is_first && !is_good;
  return is_good ? BR_SERIES_MESSAGE : BR_SERIES_REFUSED;
}

static bool source_has_room(void *user) {
  return ((const lines *)user)->answer.size < ANSWER_FULL_BYTES;
}

static void source_on_refused(void *user, uint64_t number, const br_problem *problem) {
  lines *work = user;
  web_buffer_append_format(&work->answer, "{\"line\":%llu,\"result\":\"%s\",\"detail\":",
                           (unsigned long long)number, problem->code);
  br_describe_string(&work->answer, problem->detail);
  web_buffer_append_text(&work->answer, "}\n");
  work->refused++;
  web_stream_wake(work->stream);
}

static void source_on_result(void *user, uint64_t number, const br_asked *asked,
                             const br_result *result) {
  lines *work = user;
  const br_registry *registry = br_hub_registry(work->api->hub);
  if (br_outcome_of_result(asked, result).status >= 300) {
    const br_pipe_info *pipe = br_registry_pipe_at(registry, asked->pipe);
    br_problem_of_result(asked, result, pipe ? pipe->config : NULL, &work->problem);
    source_on_refused(user, number, &work->problem);
    return;
  }
  web_buffer_append_format(&work->answer, "{\"line\":%llu,", (unsigned long long)number);
  br_outcome_append(&work->answer, asked, result, br_registry_name(registry, asked->pipe));
  web_buffer_append_text(&work->answer, "}\n");
  *(result->delivered > 0 ? &work->delivered
    : result->queued > 0  ? &work->queued
                          : &work->no_receiver) += 1;
  web_stream_wake(work->stream);
}

static void source_on_end(void *user) {
  lines *work = user;
  uint64_t line_count = work->delivered + work->queued + work->no_receiver + work->refused;
  web_buffer_append_format(
      &work->answer,
      "{\"end\":true,\"run\":\"%s\",\"lines\":%llu,\"delivered\":%llu,\"queued\":%llu,"
      "\"no_receiver\":%llu,\"refused\":%llu,\"is_complete\":%s}\n",
      br_hub_run(work->api->hub), (unsigned long long)line_count,
      (unsigned long long)work->delivered, (unsigned long long)work->queued,
      (unsigned long long)work->no_receiver, (unsigned long long)work->refused,
      work->is_late ? "false" : "true");
  work->is_over = true;
  web_stream_finish(work->stream);
}

/* ---- the answer ---- */

static void stream_catch_up(void *user, web_buffer *out) {
  lines *work = user;
  bool was_full = !source_has_room(work);
  web_buffer_append(out, work->answer.data, work->answer.size);
  out->failed = out->failed || work->answer.failed;
  web_buffer_clear(&work->answer);
  if (was_full && !work->is_over) {
    br_series_go_on(work->series);
  }
}

/* The client is gone, or has it all. */
static void stream_on_end(void *user) {
  lines *work = user;
  br_series_destroy(work->series);
  web_buffer_fini(&work->payload);
  web_buffer_fini(&work->answer);
  work->api->files_count--;
  free(work->body);
  free(work);
}

/* ---- requests ---- */

static bool interval_read(web_request *request, uint64_t *out_ms) {
  const char *text = web_request_query(request, "interval_ms");
  *out_ms = 0;
  if (text && (!br_api_parse_u64(text, out_ms) || *out_ms > DELAY_MAX_MS)) {
    web_respond_problem(request, 400, "bad_interval", "interval_ms=%s is no number from 0 to %d.",
                        text, DELAY_MAX_MS);
    return false;
  }
  return true;
}

/* What is said once for all lines. False: answered already. */
static bool request_check(const br_api *api, web_request *request) {
  if (web_request_header(request, "Idempotency-Key")) {
    web_respond_problem(request, 400, "idempotency_not_possible",
                        "A file of messages takes no Idempotency-Key: its answer is a stream.");
    return false;
  }
  if (api->files_count == FILES_MAX) {
    web_response_header(request, "Retry-After", "1");
    web_respond_problem(request, 429, "too_many_files",
                        "%d files of messages are under way; try again.", FILES_MAX);
    return false;
  }
  return true;
}

/* The request's body becomes the work's. */
static lines *lines_create(br_api *api, web_request *request, const br_command *target,
                           bool has_pipe) {
  const br_series_source source = {.next = source_next,
                                   .on_result = source_on_result,
                                   .on_refused = source_on_refused,
                                   .has_room = source_has_room,
                                   .on_end = source_on_end};
  lines *work = calloc(1, sizeof *work);
  if (!work) {
    return NULL;
  }
  br_series_source of_work = source;
  br_sent_by by;
  of_work.user = work;
  br_api_sent_by(request, "http", &by);
  work->series =
      br_series_create(&api->asker, web_request_server(request), UNDER_WAY_MAX, &by, &of_work);
  if (!work->series) {
    free(work);
    return NULL;
  }
  work->api = api;
  work->target = *target;
  work->has_pipe = has_pipe;
  work->is_first = true;
  work->end_ns = br_host_mono_ns() + (uint64_t)RUN_MAX_MS * 1000000;
  work->body = web_request_take_body(request, &work->size);
  web_buffer_init(&work->payload, work->size + 1);
  web_buffer_init(&work->answer, ANSWER_MAX_BYTES);
  return work;
}

void br_post_lines(br_api *api, web_request *request, const br_command *target, bool has_pipe) {
  uint64_t interval_ms;
  const char *direction = web_request_query(request, "direction");
  if (!request_check(api, request) || !interval_read(request, &interval_ms)) {
    return;
  }
  lines *work = lines_create(api, request, target, has_pipe);
  if (!work) {
    br_api_respond_unasked(request, BR_ASK_NO_MEMORY);
    return;
  }
  work->interval_ms = interval_ms;
  if (direction) {
    strncpy(work->direction, direction, sizeof work->direction - 1);
  }
  api->files_count++;
  web_source source = {.catch_up = stream_catch_up, .user = work};
  web_stream *stream = web_stream_start(request, "application/x-ndjson", &source, stream_on_end);
  if (stream) { /* else the work has ended */
    work->stream = stream;
    br_series_go_on(work->series);
  }
}
