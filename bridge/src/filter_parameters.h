/* What an observer asks for by named texts, as a filter and a place in the run. The texts come from
 * a request's query or from the members of a command. HTTP thread. */
#ifndef BRIDGE_SRC_FILTER_PARAMETERS_H
#define BRIDGE_SRC_FILTER_PARAMETERS_H

#include "bridge/hub.h"
#include "problem.h"

typedef struct br_parameters {
  /* NULL: it is not there. Valid as long as the source. */
  const char *(*get)(const void *source, const char *name);
  const void *source;
} br_parameters;

/* What `pipe`, `session`, `direction`, `kind` and `q` ask for, all of it at once; without `kind`,
 * `otherwise` too
 * ("" or a filter). NULL: `out_problem` says why. */
br_filter *br_filter_of_parameters(const br_hub *hub, const br_parameters *parameters,
                                   const char *otherwise, br_problem *out_problem);
/* The parameter `max_lag_bytes`; without it 0. */
bool br_max_lag_parse(const br_parameters *parameters, uint32_t *out_bytes,
                      br_problem *out_problem);
/* `text` of the parameter `name`, a SEQ or RUN:SEQ; NULL leaves both outputs alone. */
bool br_since_parse(const br_hub *hub, const char *name, const char *text, br_start_mode *out_start,
                    uint64_t *out_seq, br_problem *out_problem);

#endif
