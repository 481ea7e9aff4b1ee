/* The lock-free stack of posted routines: many threads push, the loop's thread takes all at
 * once. */
#ifndef PIPECORE_SRC_POSTED_STACK_H
#define PIPECORE_SRC_POSTED_STACK_H

#include <stdatomic.h>
#include <stdbool.h>

#include "pipecore/loop.h"

typedef struct pc_posted_stack {
  _Atomic(pc_posted *) top;
} pc_posted_stack;

void pc_posted_stack_push(pc_posted_stack *stack, pc_posted *posted); /* any thread */
bool pc_posted_stack_is_empty(pc_posted_stack *stack);                /* any thread; a hint */
/* Everything pushed so far, linked by `next` in the order of pushing. The loop's thread. */
pc_posted *pc_posted_stack_take(pc_posted_stack *stack);

#endif
