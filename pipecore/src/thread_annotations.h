/* Clang's thread-safety annotations on plain C; nothing for other compilers.
 *
 * `pc_loop_thread` is the role of the thread that runs a loop. Fields of that thread are
 * PC_GUARDED_BY it, functions that touch them PC_REQUIRES it; a public entry takes it up by its
 * run-time check (PC_ASSERTS). Locks are capabilities too (linux/lock.h). */
#ifndef PIPECORE_SRC_THREAD_ANNOTATIONS_H
#define PIPECORE_SRC_THREAD_ANNOTATIONS_H

#if defined(__clang__)
#define PC_ANNOTATE(annotation) __attribute__((annotation))
#else
#define PC_ANNOTATE(annotation)
#endif

#define PC_GUARDED_BY(role) PC_ANNOTATE(guarded_by(role))
#define PC_REQUIRES(role) PC_ANNOTATE(requires_capability(role))
#define PC_ASSERTS(role) PC_ANNOTATE(assert_capability(role))
#define PC_ACQUIRES(lock) PC_ANNOTATE(acquire_capability(lock))
#define PC_RELEASES(lock) PC_ANNOTATE(release_capability(lock))
#define PC_UNCHECKED PC_ANNOTATE(no_thread_safety_analysis)

typedef struct PC_ANNOTATE(capability("role")) pc_role {
  char unused;
} pc_role;
extern pc_role pc_loop_thread; /* never defined: only annotations name it */

#endif
