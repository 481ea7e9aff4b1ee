/* What is wrong with something that was asked for, in the words of every answer: a problem of HTTP,
 * an error in a WebSocket. Plain values; any thread. */
#ifndef BRIDGE_SRC_PROBLEM_H
#define BRIDGE_SRC_PROBLEM_H

#include <stdbool.h>

#include "bridge/filter.h"
#include "web/request.h"

/* A filter may be repeated in it. */
enum { BR_PROBLEM_DETAIL_BYTES = BR_FILTER_MAX_BYTES + 512 };

typedef struct br_problem {
  unsigned status;  /* of HTTP                      */
  const char *code; /* stable, for programs; static */
  char detail[BR_PROBLEM_DETAIL_BYTES];
} br_problem;

/* Fills `out_problem`, `detail` printf-like, and returns false. What is too long ends between two
 * characters; bytes that are no UTF-8 become '?'. */
__attribute__((format(printf, 4, 5))) bool
br_problem_set(br_problem *out_problem, unsigned status, const char *code, const char *detail, ...);
/* Answers with it. */
void br_problem_respond(web_request *request, const br_problem *problem);

#endif
