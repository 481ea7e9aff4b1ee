/* What the tables cannot say: values that depend on each other, on the arguments and on the
 * machine. Start-up; one thread. */
#ifndef BRIDGE_SRC_CONFIG_RULES_H
#define BRIDGE_SRC_CONFIG_RULES_H

#include "bridge/config.h"
#include "config_problems.h"

/* Puts the overrides and the remaining defaults over what was read, makes paths absolute, and adds
 * the problems between values. `has_queue_bytes`: events.queue_bytes was given and is no
 * default. */
void br_config_apply_rules(br_config *config, bool has_queue_bytes,
                           const br_config_overrides *overrides, br_config_problems *problems);
/* The same for a configuration of one pipe, pipes[0], and of the values that pipes depend on. */
void br_config_apply_pipe_rules(br_config *config, br_config_problems *problems);

#endif
