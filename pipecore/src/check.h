/* PC_CHECK: a broken invariant of ours ends the program, in every build. Never for input from a
 * peer. Any thread. */
#ifndef PIPECORE_SRC_CHECK_H
#define PIPECORE_SRC_CHECK_H

#include <stddef.h>

_Noreturn void pc_check_failed(const char *condition, const char *file, int line);

#define PC_CHECK(condition) \
  ((condition) ? (void)0 : pc_check_failed(#condition, __FILE__, __LINE__))

/* The struct that `pointer`, its member `member`, is embedded in. */
#define PC_CONTAINER_OF(pointer, type, member) \
  ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

#endif
