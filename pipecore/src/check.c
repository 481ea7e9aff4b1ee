/* The end of a program whose invariant broke. Any thread. */
#include "check.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void pc_check_failed(const char *condition, const char *file, int line) {
  (void)fprintf(stderr, "pipecore: broken invariant %s at %s:%d\n", condition, file, line);
  abort();
}
