/* One message into each open session that a filter chooses: an injection and an event for each.
 * HTTP thread.
 *
 * Success: the sessions are those of the moment when the request came; the answer has what became
 * of each, and all of it together: 201 when one has the bytes, 202 when none has them yet, or none
 * matches. Failures: all refused: the first one's problem. The request gives up first (504): what
 * was not sent yet is not, unless a key wants it finished. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "outcome.h"
#include "post.h"
#include "poster.h"
#include "series.h"

enum {
  TARGETS_MAX = 10000,
  TARGET_JSON_BYTES = 96, /* at most, of one in the answer */
  UNDER_WAY_MAX = 1024    /* at once                       */
};
_Static_assert(TARGETS_MAX *TARGET_JSON_BYTES + 512 <= BR_KEYS_ANSWER_BYTES,
               "any answer can be kept under its key");

typedef struct matching {
  br_poster poster;
  br_series *series;
  br_sent_by by;
  void *payload; /* owned */
  uint32_t size_bytes;
  char direction[8]; /* "": not said */
  /* Together. */
  br_result sum;
  uint64_t last_seq;
  web_buffer sessions; /* of the answer */
  br_problem problem;  /* the first one's; status 0: none */
  size_t count, at;
  uint64_t targets[]; /* sessions */
} matching;

static void matching_destroy(matching *ended) {
  br_series_destroy(ended->series);
  web_buffer_fini(&ended->sessions);
  free(ended->payload);
  free(ended);
}

static void session_append(matching *work, uint64_t session, const char *result, uint64_t seq) {
  web_buffer_append_format(&work->sessions, "%s{\"session\":%llu,\"result\":\"%s\"",
                           work->sessions.size > 0 ? "," : "", (unsigned long long)session, result);
  if (seq != 0) {
    web_buffer_append_format(&work->sessions, ",\"seq\":%llu", (unsigned long long)seq);
  }
  web_buffer_append_text(&work->sessions, "}");
}

/* ---- what the series asks and tells ---- */

static br_series_next source_next(void *user, br_series_step *out_step, br_problem *out_problem) {
  matching *work = user;
  const br_registry *registry = br_hub_registry(work->poster.api->hub);
  if (work->at == work->count) {
    return BR_SERIES_END;
  }
  uint64_t id = work->targets[work->at++];
  const br_session_info *session = br_registry_session(registry, id);
  const br_pipe_info *pipe = session ? br_registry_pipe_at(registry, session->pipe) : NULL;
  out_step->number = id;
  if (!pipe) {
    (void)br_problem_set(out_problem, 409, "session_closed", "Session %llu is closed.",
                         (unsigned long long)id);
    return BR_SERIES_REFUSED;
  }
  out_step->command =
      (br_command){.session = id, .pipe = session->pipe, .size_bytes = work->size_bytes};
  out_step->payload = work->payload;
  const char *direction = work->direction[0] ? work->direction : NULL;
  bool is_possible =
      br_target_direction(pipe->config, direction, &out_step->command, out_problem) &&
      br_target_takes(pipe->config, work->size_bytes, out_problem);
  return is_possible ? BR_SERIES_MESSAGE : BR_SERIES_REFUSED;
}

static void source_on_refused(void *user, uint64_t number, const br_problem *problem) {
  matching *work = user;
  work->sum.targets++;
  work->sum.closed++;
  session_append(work, number, problem->code, 0);
  if (work->problem.status == 0) {
    work->problem = *problem;
  }
}

static void source_on_result(void *user, uint64_t number, const br_asked *asked,
                             const br_result *result) {
  matching *work = user;
  br_outcome outcome = br_outcome_of_result(asked, result);
  if (outcome.status >= 300) {
    const br_pipe_info *pipe =
        br_registry_pipe_at(br_hub_registry(work->poster.api->hub), asked->pipe);
    br_problem problem;
    br_problem_of_result(asked, result, pipe ? pipe->config : NULL, &problem);
    source_on_refused(user, number, &problem);
    return;
  }
  work->sum.targets += result->targets;
  work->sum.delivered += result->delivered;
  work->sum.queued += result->queued;
  if (result->microseconds > work->sum.microseconds) {
    work->sum.microseconds = result->microseconds;
  }
  work->last_seq = asked->seq > work->last_seq ? asked->seq : work->last_seq;
  session_append(work, number, outcome.code, asked->seq);
}

static void respond(matching *work, const char *result, unsigned status) {
  web_buffer body;
  web_buffer_init(&body, BR_KEYS_ANSWER_BYTES);
  web_buffer_append_format(
      &body,
      "{\"run\":\"%s\",\"seq\":%llu,\"result\":\"%s\",\"bytes\":%u,\"targets\":%u,\"delivered\":%u,"
      "\"queued\":%u,\"refused\":%u,\"microseconds\":%llu,\"sessions\":[",
      br_hub_run(work->poster.api->hub), (unsigned long long)work->last_seq, result,
      work->size_bytes, work->sum.targets, work->sum.delivered, work->sum.queued,
      br_result_refused(&work->sum), (unsigned long long)work->sum.microseconds);
  web_buffer_append(&body, work->sessions.data, work->sessions.size);
  web_buffer_append_text(&body, "]}\n");
  body.failed = body.failed || work->sessions.failed;
  br_poster_answer(&work->poster, status, &body);
}

static void source_on_end(void *user) {
  matching *work = user;
  if (work->sum.delivered > 0) {
    respond(work, "delivered", 201);
  } else if (work->sum.queued > 0) {
    respond(work, "queued", 202);
  } else if (work->problem.status != 0) {
    br_poster_refuse(&work->poster, &work->problem);
  } else {
    respond(work, "no_receiver", 202);
  }
  matching_destroy(work);
}

/* ---- requests ---- */

static void work_end(br_poster *poster) {
  matching_destroy(BR_CONTAINER_OF(poster, matching, poster));
}

static void on_abandon(web_request *request, void *user) {
  matching *abandoned = user;
  (void)request;
  if (!br_poster_outlives(&abandoned->poster, work_end)) {
    work_end(&abandoned->poster);
  }
}

/* Each is handed over, or finds the queue full; nobody waits. */
static void send_unwaited(matching *work) {
  br_series_step step = {0};
  br_series_next next;
  while ((next = source_next(work, &step, &work->problem)) != BR_SERIES_END) {
    br_ask_status status = BR_ASK_NO_MEMORY;
    if (next == BR_SERIES_MESSAGE) {
      status = br_ask_send(&work->poster.api->asker, &step.command, step.payload, &work->by);
      br_problem_of_ask(status, &work->problem);
    }
    work->sum.targets++;
    *(status == BR_ASK_OK ? &work->sum.queued : &work->sum.closed) += 1;
    session_append(work, step.number, work->problem.code, 0);
    step = (br_series_step){0};
  }
  if (work->sum.targets > 0 && work->sum.queued == 0) {
    br_poster_refuse(&work->poster, &work->problem);
  } else {
    respond(work, "accepted", 202);
  }
  matching_destroy(work);
}

/* How many there are, and if `out_targets` is not NULL, which. */
static size_t targets_find(const br_registry *registry, const br_filter *filter,
                           uint64_t *out_targets) {
  size_t count = 0;
  for (const br_session_info *session = registry->open.first; session; session = session->next) {
    if (br_filter_matches_session(filter, session, br_registry_name(registry, session->pipe))) {
      if (out_targets) {
        out_targets[count] = session->id;
      }
      count++;
    }
  }
  return count;
}

static matching *matching_create(const br_registry *registry, const br_filter *filter, size_t count,
                                 const br_post_message *message) {
  matching *work = calloc(1, sizeof *work + count * sizeof work->targets[0]);
  void *payload = malloc(message->size + 1);
  if (!work || !payload) {
    free(work);
    free(payload);
    return NULL;
  }
  if (message->size > 0) {
    memcpy(payload, message->data, message->size);
  }
  if (message->direction) {
    strncpy(work->direction, message->direction, sizeof work->direction - 1);
  }
  work->payload = payload;
  work->size_bytes = (uint32_t)message->size;
  work->count = targets_find(registry, filter, work->targets);
  web_buffer_init(&work->sessions, (size_t)TARGETS_MAX * TARGET_JSON_BYTES);
  return work;
}

static void work_begin(matching *work, bool is_waited_for) {
  static const br_series_source source = {.next = source_next,
                                          .on_result = source_on_result,
                                          .on_refused = source_on_refused,
                                          .on_end = source_on_end};
  web_request *request = work->poster.request;
  br_series_source of_work = source;
  of_work.user = work;
  if (!is_waited_for) {
    send_unwaited(work);
    return;
  }
  uint32_t window = work->count < UNDER_WAY_MAX ? (uint32_t)work->count + 1 : UNDER_WAY_MAX;
  work->series = br_series_create(&work->poster.api->asker, web_request_server(request), window,
                                  &work->by, &of_work);
  if (!work->series) {
    br_problem_of_ask(BR_ASK_NO_MEMORY, &work->problem);
    br_poster_refuse(&work->poster, &work->problem);
    matching_destroy(work);
    return;
  }
  web_request_on_abandon(request, on_abandon, work);
  br_series_go_on(work->series);
}

void br_post_matching(br_api *api, web_request *request, br_filter *filter,
                      const br_post_message *message) {
  const br_registry *registry = br_hub_registry(api->hub);
  size_t count = targets_find(registry, filter, NULL);
  matching *work = count <= TARGETS_MAX ? matching_create(registry, filter, count, message) : NULL;
  br_filter_destroy(filter);
  if (count > TARGETS_MAX) {
    web_respond_problem(request, 413, "too_many_sessions",
                        "%zu sessions match; one request reaches %d. Narrow the filter.", count,
                        TARGETS_MAX);
  } else if (!work) {
    br_api_respond_unasked(request, BR_ASK_NO_MEMORY);
  } else if (!br_poster_begin(&work->poster, api, request)) {
    matching_destroy(work);
  } else {
    br_api_sent_by(request, "http", &work->by);
    work_begin(work, message->is_waited_for);
  }
}
