/* Calls under way, by their session. HTTP thread.
 *
 * Success: injected → its event tells from where on to listen → a message the other way that the
 * filter wants → on_end.
 * Failures: the injection was not taken; the session closed; time is over; who called has gone. */
#include "call.h"

#include <inttypes.h>

#include "check.h"
#include "host.h"
#include "injection_target.h"
#include "outcome.h"

enum { USUAL_TIMEOUT_MS = 5000 };

void br_calls_fini(br_calls *calls) {
  BR_CHECK(calls->by_session.count == 0);
  br_id_table_fini(&calls->by_session);
}

static void call_forget(br_call *call) {
  br_calls *calls = call->calls;
  web_timer_stop(br_hub_server(calls->hub), &call->timer);
  br_ask_cancel(calls->asker, &call->asked);
  (void)br_id_table_remove(&calls->by_session, call->session);
  if (calls->by_session.count == 0) {
    br_hub_watch(calls->hub, NULL, NULL);
  }
  br_filter_destroy(call->filter);
  call->filter = NULL;
  call->calls = NULL;
}

void br_call_cancel(br_call *call) {
  if (call->calls) {
    call_forget(call);
  }
}

static void call_end(br_call *call, const br_event *answer, const br_problem *problem) {
  br_call_end end = {.answer = answer,
                     .problem = problem,
                     .microseconds = (br_host_mono_ns() - call->begin_ns) / 1000,
                     .injected_microseconds = call->injected_microseconds};
  call_forget(call);
  call->on_end(call, &end);
}

static void on_overdue(web_timer *timer, void *user) {
  br_call *call = user;
  (void)timer;
  br_problem problem;
  if (call->asked.seq == 0) {
    (void)br_problem_set(&problem, 504, "not_injected",
                         "The pipe thread did not take the message within %" PRIu32
                         " ms; it may do so later.",
                         call->timeout_ms);
  } else {
    (void)br_problem_set(&problem, 504, "no_answer",
                         "Session %" PRIu64 " said nothing%s within %" PRIu32
                         " ms; the message was injected as event %" PRIu64 ".",
                         call->session, call->filter ? " that answer= lets through" : "",
                         call->timeout_ms, call->asked.seq);
  }
  call_end(call, NULL, &problem);
}

static void on_result(br_asked *asked, const br_result *result) {
  br_call *call = asked->user;
  br_outcome outcome = br_outcome_of_result(asked, result);
  call->injected_microseconds = result->microseconds;
  if (outcome.status < 300) {
    return; /* also of one that waits until the session reads: it may still, in time */
  }
  char detail[BR_OUTCOME_TEXT_BYTES];
  const br_pipe_info *pipe = br_registry_pipe_at(br_hub_registry(call->calls->hub), call->pipe);
  br_outcome_explain_result(asked, result, pipe ? pipe->config : NULL, detail, sizeof detail);
  br_problem problem;
  (void)br_problem_set(&problem, outcome.status, outcome.code, "%s", detail);
  call_end(call, NULL, &problem);
}

/* What stands before the `injected` event was said before it. */
static bool call_is_answered_by(const br_call *call, const br_event *event) {
  return call->asked.seq != 0 && event->kind == BR_EVENT_MESSAGE &&
         event->direction == call->answer_direction && !(event->flags & BR_FLAG_REPLY) &&
         (!call->filter || br_hub_matches(call->calls->hub, call->filter, event));
}

static void on_event(const br_event *event, void *user) {
  br_calls *calls = user;
  br_call *call = br_id_table_get(&calls->by_session, event->session);
  if (!call) {
    return;
  }
  if (call_is_answered_by(call, event)) {
    call_end(call, event, NULL);
  } else if (event->kind == BR_EVENT_CLOSED && call->asked.seq != 0) {
    br_problem problem;
    (void)br_problem_set(&problem, 502, "closed_before_answer",
                         "Session %" PRIu64 " closed without an answer to event %" PRIu64
                         ", the message that was injected.",
                         call->session, call->asked.seq);
    call_end(call, NULL, &problem);
  }
}

static bool ask_refuse(br_ask_status status, br_problem *out_problem) {
  char detail[BR_OUTCOME_TEXT_BYTES];
  br_outcome outcome = br_outcome_of_ask(status);
  br_outcome_explain_ask(status, detail, sizeof detail);
  return br_problem_set(out_problem, outcome.status, outcome.code, "%s", detail);
}

static void call_init(br_calls *calls, br_call *call, const br_command *command, br_filter *filter,
                      uint32_t timeout_ms) {
  call->session = command->session;
  call->pipe = command->pipe;
  call->asked = (br_asked){.on_result = on_result, .user = call};
  call->calls = calls;
  call->filter = filter;
  call->timer = (web_timer){.routine = on_overdue, .user = call};
  call->begin_ns = br_host_mono_ns();
  call->injected_microseconds = 0;
  call->timeout_ms = timeout_ms;
  call->answer_direction =
      command->direction == BR_DIRECTION_C2S ? BR_DIRECTION_S2C : BR_DIRECTION_C2S;
}

bool br_call_begin(br_calls *calls, br_call *call, br_command *command, const void *payload,
                   const br_sent_by *by, br_filter *filter, uint32_t timeout_ms,
                   br_problem *out_problem) {
  BR_CHECK(!call->calls && command->session != 0);
  if (br_id_table_get(&calls->by_session, command->session)) {
    br_filter_destroy(filter);
    return br_problem_set(out_problem, 409, "call_in_progress",
                          "Somebody else calls session %" PRIu64
                          " and has no answer yet; try again when that has ended.",
                          command->session);
  }
  if (!br_id_table_put(&calls->by_session, command->session, call)) {
    br_filter_destroy(filter);
    return ask_refuse(BR_ASK_NO_MEMORY, out_problem);
  }
  call_init(calls, call, command, filter, timeout_ms);
  br_hub_watch(calls->hub, on_event, calls);
  br_ask_status status = br_ask(calls->asker, &call->asked, command, payload, by);
  if (status != BR_ASK_OK) {
    call_forget(call);
    return ask_refuse(status, out_problem);
  }
  web_timer_start(br_hub_server(calls->hub), &call->timer, timeout_ms);
  return true;
}

const br_session_info *br_call_target(const br_registry *registry, const br_pipe_info *pipe,
                                      br_problem *out_problem) {
  const br_session_info *found = NULL;
  uint32_t count = pipe->sessions - pipe->private_sessions;
  for (const br_session_info *session = registry->open.first; session && count == 1;
       session = session->next) {
    if (session->pipe == pipe->index && !session->is_private) {
      found = session;
      break;
    }
  }
  if (count == 0) {
    (void)br_problem_set(out_problem, 409, "no_session",
                         "Nobody is connected to pipe \"%s\": there is nobody to call.",
                         pipe->config->name);
  } else if (!found) {
    (void)br_problem_set(out_problem, 409, "several_sessions",
                         "Pipe \"%s\" has %" PRIu32
                         " sessions; call one of them: POST /api/v1/sessions/{id}/call.",
                         pipe->config->name, count);
  }
  return found;
}

bool br_call_timeout(const br_config *config, const char *text, uint32_t *out_timeout_ms,
                     br_problem *out_problem) {
  uint64_t maximum_ms = config->http.request_timeout_ms / 10 * 9;
  uint64_t wanted_ms = USUAL_TIMEOUT_MS < maximum_ms ? USUAL_TIMEOUT_MS : maximum_ms;
  if (text && (!br_api_parse_u64(text, &wanted_ms) || wanted_ms == 0 || wanted_ms > maximum_ms)) {
    return br_problem_set(out_problem, 400, "bad_timeout",
                          "timeout_ms=%s is no number of milliseconds from 1 to %" PRIu64
                          " (nine tenths of http.request_timeout_ms).",
                          text, maximum_ms);
  }
  *out_timeout_ms = (uint32_t)wanted_ms;
  return true;
}
