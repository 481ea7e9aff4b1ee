/* Asking the pipe thread to add, change or remove one pipe, and hearing how it ended. What the
 * registry and observers then know comes by the events. HTTP thread. */
#ifndef BRIDGE_SRC_PIPE_REQUEST_H
#define BRIDGE_SRC_PIPE_REQUEST_H

#include "ask.h"
#include "bridge/hub.h"
#include "problem.h"

/* What all requests share. */
typedef struct br_pipe_requester {
  br_asker *asker;
  br_registry *registry;
  br_pipe_refusal refusal; /* the last one */
} br_pipe_requester;

/* In its owner's memory, who neither frees nor uses it again until on_end, or
 * br_pipe_request_cancel. */
typedef struct br_pipe_request br_pipe_request;
struct br_pipe_request {
  /* The owner's. `problem` is NULL when it was done. Never inside the call that asked. */
  void (*on_end)(br_pipe_request *request, const br_problem *problem);
  void *user;
  br_pipe_requester *requester;
  br_asked asked;
  uint16_t index; /* of the pipe */
};

/* Each takes `config` over. False: nothing was asked, and `out_problem` says why. */
bool br_pipe_request_add(br_pipe_request *request, br_pipe_config *config, br_problem *out_problem);
/* `index`: of a pipe in the list, from which `config` differs in live keys only. */
bool br_pipe_request_change(br_pipe_request *request, uint16_t index, br_pipe_config *config,
                            br_problem *out_problem);
bool br_pipe_request_remove(br_pipe_request *request, uint16_t index, uint32_t drain_ms,
                            br_problem *out_problem);
/* on_end will not come; what was asked happens nevertheless. */
void br_pipe_request_cancel(br_pipe_request *request);

/* From the event queue: a BR_RECORD_PIPE_REFUSED; the result that follows it ends the request. */
void br_pipe_request_on_refused(br_pipe_requester *requester, const br_event *record);

#endif
