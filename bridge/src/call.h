/* Calls: a message is injected into a session, and the answer is the next one that its other end
 * says (or the next that a filter lets through). Knows no request and no WebSocket: whoever
 * calls is told by on_end. HTTP thread.
 *
 * One call at a time in a session, so that answers are never mixed; another one is refused. Who
 * says something belongs to no call, so what a session says late, after a call ended without an
 * answer, may be taken for the next one's: a filter tells them apart. While nobody calls it
 * costs one branch for each event. */
#ifndef BRIDGE_SRC_CALL_H
#define BRIDGE_SRC_CALL_H

#include "ask.h"
#include "bridge/hub.h"
#include "problem.h"

/* Those under way. A zeroed one with the first two members set is new. */
typedef struct br_calls {
  br_asker *asker;
  br_hub *hub;
  br_id_table by_session; /* br_call */
} br_calls;

typedef struct br_call_end {
  const br_event *answer;    /* borrowed until on_end returns; NULL: there was none */
  const br_problem *problem; /* then: why                                           */
  uint64_t microseconds;     /* since br_call_begin                                 */
  /* Until the kernel had the bytes; 0: unknown yet, the answer came before that was told. */
  uint64_t injected_microseconds;
} br_call_end;

/* Lies in its owner; zeroed but for the first two members. Under way until on_end, which comes
 * exactly once and never inside br_call_begin, or br_call_cancel. */
typedef struct br_call br_call;
struct br_call {
  /* The owner's. The call is not under way any more, and may be used again or freed in here. */
  void (*on_end)(br_call *call, const br_call_end *end);
  void *user;
  /* Of the call, until it begins again. */
  uint64_t session;
  uint16_t pipe;
  br_asked asked; /* its seq: of the `injected` event, or 0 */
  /* call.c's. */
  br_calls *calls;
  br_filter *filter;
  web_timer timer;
  uint64_t begin_ns;
  uint64_t injected_microseconds;
  uint32_t timeout_ms;
  br_direction answer_direction;
};

/* Nothing may be under way. */
void br_calls_fini(br_calls *calls);

/* `command` as br_target_direction made it, with session, pipe and size set; `filter` (NULL: the
 * next message is the answer) is taken over, whatever comes back. False: nothing was sent and
 * `out_problem` says why: 409 call_in_progress, 413, 429, 503. The problems of on_end: 504
 * no_answer, 502 closed_before_answer, or what became of the injection. */
bool br_call_begin(br_calls *calls, br_call *call, br_command *command, const void *payload,
                   const br_sent_by *by, br_filter *filter, uint32_t timeout_ms,
                   br_problem *out_problem);
/* Who called has gone: on_end will not come. Also of one that is not under way. */
void br_call_cancel(br_call *call);

/* The one open session of a pipe. NULL: there is none, or more than one; `out_problem` says so
 * with 409. */
const br_session_info *br_call_target(const br_registry *registry, const br_pipe_info *pipe,
                                      br_problem *out_problem);
/* How long a call may wait: `text` in milliseconds, or NULL for the usual time; at most nine
 * tenths of http.request_timeout_ms, so that it ends before its request would. */
bool br_call_timeout(const br_config *config, const char *text, uint32_t *out_timeout_ms,
                     br_problem *out_problem);

#endif
