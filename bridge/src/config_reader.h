/* Reads a JSON document into a br_config by the tables of config_table.h. Start-up; one thread. */
#ifndef BRIDGE_SRC_CONFIG_READER_H
#define BRIDGE_SRC_CONFIG_READER_H

#include <stddef.h>

#include "bridge/config.h"
#include "config_problems.h"

/* Fills `config` (zeroed before) with the document's values and the defaults of what it leaves out,
 * and adds every problem. `*out_has_queue_bytes`: whether it says events.queue_bytes itself. False:
 * the text is no JSON document, nothing was filled. Whatever came of it, br_config_fini releases
 * it. */
bool br_config_read(const char *text, size_t size, br_config *config, bool *out_has_queue_bytes,
                    br_config_problems *problems);

/* Reads a document that is one pipe as pipes[0] of `config` (zeroed before, but for what the pipe
 * has no part in), with `patch` (NULL: none) merged into it by RFC 7396. `name`: the pipe's, which
 * the document need not say. */
bool br_config_read_pipe(const char *text, size_t size, const char *patch, size_t patch_size,
                         const char *name, br_config *config, br_config_problems *problems);

#endif
