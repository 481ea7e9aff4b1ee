/* What the system said no to, for people. Pure; any thread. */
#ifndef BRIDGE_SRC_FAILURE_H
#define BRIDGE_SRC_FAILURE_H

#include <stddef.h>

#include "pipecore/status.h"

enum { BR_FAILURE_TEXT_BYTES = 384 };
/* "access denied: Permission denied; the folder must …" */
void br_failure_format(const pc_failure *failure, char *out_text, size_t size);

#endif
