/* Whether this system refuses a backend, so that a test over it is a skip with a reason. */
#ifndef TESTS_SUPPORT_BACKEND_REFUSAL_H
#define TESTS_SUPPORT_BACKEND_REFUSAL_H

#include <stdbool.h>
#include <stdio.h>

#include "pipecore/loop.h"

/* Prints the reason, if so. */
static inline bool backend_is_refused(pc_backend_kind kind) {
  pc_loop *loop = NULL;
  pc_loop_options options = {.backend = kind};
  if (pc_loop_create(&options, &loop) != PC_OK) {
    return false; /* which the test will tell */
  }
  const pc_failure *refusal = pc_loop_refusal(loop);
  if (refusal) {
    char native[128] = "";
    pc_native_text(refusal->native, native, sizeof native);
    printf("skipped: %s: %s%s%s\n", refusal->action,
           refusal->native ? native : pc_status_text(refusal->status), refusal->advice ? "; " : "",
           refusal->advice ? refusal->advice : "");
  }
  pc_loop_destroy(loop);
  return refusal != NULL;
}

#endif
