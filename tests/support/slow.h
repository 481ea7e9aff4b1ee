/* Where programs run slower than they do alone, and what valgrind does not let them do. */
#ifndef TESTS_SUPPORT_SLOW_H
#define TESTS_SUPPORT_SLOW_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "test.h"

/* By how much deadlines are longer: PIPEBRIDGE_TEST_SCALE, 1 to 100. */
static inline int test_scale(void) {
  const char *text = getenv("PIPEBRIDGE_TEST_SCALE");
  long scale = text ? strtol(text, NULL, 10) : 1;
  return scale < 1 ? 1 : scale > 100 ? 100 : (int)scale;
}

static inline bool is_under_valgrind(void) {
  return getenv("PIPEBRIDGE_UNDER_VALGRIND") != NULL;
}

/* `reason`: what valgrind does that makes the case meaningless. */
#define SKIP_UNDER_VALGRIND(reason)               \
  do {                                            \
    if (is_under_valgrind()) {                    \
      printf("skipped: valgrind %s\n", (reason)); \
      skip();                                     \
    }                                             \
  } while (0)

#endif
