/* The arguments of a program of named cases: `--list` prints their names, a pattern runs those it
 * matches. */
#ifndef TESTS_SUPPORT_CASE_PROGRAM_H
#define TESTS_SUPPORT_CASE_PROGRAM_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "test.h"

/* True: there is nothing to run. */
static inline bool case_program_lists(int argc, char **argv, const struct CMUnitTest *cases,
                                      size_t count) {
  if (argc > 1 && strcmp(argv[1], "--list") == 0) {
    for (size_t index = 0; index < count; index++) {
      printf("%s\n", cases[index].name);
    }
    return true;
  }
  if (argc > 1) {
    cmocka_set_test_filter(argv[1]);
  }
  return false;
}

#endif
