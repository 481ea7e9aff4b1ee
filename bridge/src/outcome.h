/* What became of an injection, in the words of every answer: HTTP, lines of a file, WebSocket.
 * Pure. */
#ifndef BRIDGE_SRC_OUTCOME_H
#define BRIDGE_SRC_OUTCOME_H

#include <stddef.h>

#include "ask.h"
#include "bridge/config.h"
#include "problem.h"
#include "web/buffer.h"

enum { BR_OUTCOME_TEXT_BYTES = 320 };

typedef struct br_outcome {
  unsigned status;  /* of HTTP; below 300 the pipe took it, or there was nobody */
  const char *code; /* "delivered", "queued", "no_receiver"; else as in a problem */
} br_outcome;

/* Of the result of what was asked; `asked` says into what. */
br_outcome br_outcome_of_result(const br_asked *asked, const br_result *result);
/* Of a command that could not be sent. */
br_outcome br_outcome_of_ask(br_ask_status status);

/* Writes what happened and what to do, for people. `config`: of the pipe; NULL only if it was
 * removed. */
void br_outcome_explain_result(const br_asked *asked, const br_result *result,
                               const br_pipe_config *config, char *out_text, size_t size);
void br_outcome_explain_ask(br_ask_status status, char *out_text, size_t size);

void br_problem_of_result(const br_asked *asked, const br_result *result,
                          const br_pipe_config *config, br_problem *out_problem);
void br_problem_of_ask(br_ask_status status, br_problem *out_problem);

/* Appends the members of an answer, without braces: "seq" to "microseconds". `pipe_name`: of the
 * asked one's. */
void br_outcome_append(web_buffer *out, const br_asked *asked, const br_result *result,
                       const char *pipe_name);

static inline uint32_t br_result_refused(const br_result *result) {
  return result->quota + result->too_big + result->closed + result->no_place + result->removed;
}

#endif
