/* Mutexes that clang's thread-safety analysis knows. Any thread.
 *
 * Order, from the outermost: the register of pipes → a pipe → an instance → the port. A lock is
 * taken while holding none but those before it. None is held while a thread sleeps or a routine
 * runs; the port's is not held during a system call that moves bytes. */
#ifndef PIPECORE_LINUX_LOCK_H
#define PIPECORE_LINUX_LOCK_H

#include <pthread.h>

#include "../src/check.h"
#include "../src/thread_annotations.h"

typedef struct PC_ANNOTATE(capability("mutex")) pc_lock {
  pthread_mutex_t native;
} pc_lock;

/* Fails only for want of what Linux never asks for. */
static inline void pc_lock_init(pc_lock *lock) {
  PC_CHECK(pthread_mutex_init(&lock->native, NULL) == 0);
}
static inline void pc_lock_fini(pc_lock *lock) {
  PC_CHECK(pthread_mutex_destroy(&lock->native) == 0);
}
static inline void pc_lock_take(pc_lock *lock) PC_ACQUIRES(*lock) PC_UNCHECKED {
  PC_CHECK(pthread_mutex_lock(&lock->native) == 0);
}
static inline void pc_lock_drop(pc_lock *lock) PC_RELEASES(*lock) PC_UNCHECKED {
  PC_CHECK(pthread_mutex_unlock(&lock->native) == 0);
}

#endif
