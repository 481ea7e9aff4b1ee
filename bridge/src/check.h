/* The two ways in which the program ends itself, in every build. Any thread. */
#ifndef BRIDGE_SRC_CHECK_H
#define BRIDGE_SRC_CHECK_H

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

/* An invariant of ours. Never for input. */
#define BR_CHECK(condition) \
  ((condition) ? (void)0 : br_check_failed(#condition, __FILE__, __LINE__))

_Noreturn static inline void br_check_failed(const char *condition, const char *file, int line) {
  (void)fprintf(stderr, "bridge: broken invariant %s at %s:%d\n", condition, file, line);
  abort();
}

/* The system refuses what the program cannot go on without; `reason` says what, and what to do. */
_Noreturn static inline void br_give_up(const char *reason) {
  (void)fprintf(stderr, "pipebridge: %s\n", reason);
  abort();
}

/* The struct that `pointer` is the member `member` of. */
#define BR_CONTAINER_OF(pointer, type, member) \
  ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

#endif
