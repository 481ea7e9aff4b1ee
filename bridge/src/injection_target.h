/* Whom something is for, by the names that people and programs give: a pipe, a session, a way into
 * it. Each answers NULL or false with a problem that says what is wrong. HTTP thread. */
#ifndef BRIDGE_SRC_INJECTION_TARGET_H
#define BRIDGE_SRC_INJECTION_TARGET_H

#include "bridge/event.h"
#include "bridge/registry.h"
#include "problem.h"

/* `out_index` may be NULL. */
const br_pipe_info *br_target_pipe(const br_registry *registry, const char *name,
                                   uint16_t *out_index, br_problem *out_problem);
/* An open session, by its number in decimal. */
const br_session_info *br_target_session(const br_registry *registry, const char *id,
                                         br_problem *out_problem);
void br_target_no_session(const char *id, br_problem *out_problem);

/* Which way an injection goes: from the bridge's end of the pipe's sessions. None: nothing can be
 * sent into it; of a tap it must be said. */
br_direction br_api_direction_said(const br_pipe_config *config);
/* Makes `command` one that injects that way. `direction`: "c2s", "s2c", or NULL where it need not
 * be said. */
bool br_target_direction(const br_pipe_config *config, const char *direction, br_command *command,
                         br_problem *out_problem);
/* Whether the pipe takes messages of this size. */
bool br_target_takes(const br_pipe_config *config, size_t size_bytes, br_problem *out_problem);

/* A decimal number; false: not one. */
bool br_api_parse_u64(const char *text, uint64_t *out_value);

#endif
