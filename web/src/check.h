/* What must hold whatever a peer does. A broken invariant of ours ends the process, in every build:
 * going on would mean wrong bytes to somebody. Never for input. Any thread. */
#ifndef WEB_SRC_CHECK_H
#define WEB_SRC_CHECK_H

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#define WEB_CHECK(condition) \
  ((condition) ? (void)0 : web_check_failed(#condition, __FILE__, __LINE__))

_Noreturn static inline void web_check_failed(const char *condition, const char *file, int line) {
  (void)fprintf(stderr, "web: broken invariant %s at %s:%d\n", condition, file, line);
  abort();
}

/* The struct that `pointer`, its member `member`, is embedded in. */
#define WEB_CONTAINER_OF(pointer, type, member) \
  ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

#endif
