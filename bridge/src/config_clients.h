/* The rules of a pipe's `clients`. Start-up; one thread. */
#ifndef BRIDGE_SRC_CONFIG_CLIENTS_H
#define BRIDGE_SRC_CONFIG_CLIENTS_H

#include <stdbool.h>

#include "bridge/config.h"
#include "config_problems.h"

/* Whether the pipe's path is "@name", in the abstract namespace: no file, and so below no
 * folder. */
bool br_config_is_abstract(const br_pipe_config *pipe);
/* Finds the executables of pipes[index].clients, and adds what is wrong with its rules to the
 * problems. */
void br_config_clients_resolve(br_config *config, size_t index, br_config_problems *problems);
void br_config_clients_fini(pc_admission_rules *clients);

#endif
