/* The stack of posted routines. Taking all by one exchange leaves no room for the ABA problem:
 * nobody ever removes a single element by compare-and-swap. Pushing is for any thread, taking for
 * the loop's. */
#include "posted_stack.h"

#include <stddef.h>

void pc_posted_stack_push(pc_posted_stack *stack, pc_posted *posted) {
  pc_posted *top = atomic_load_explicit(&stack->top, memory_order_relaxed);
  do {
    posted->next = top;
    /* release: pairs with the acquire in pc_posted_stack_take, which reads routine, user and
     * next */
  } while (!atomic_compare_exchange_weak_explicit(&stack->top, &top, posted, memory_order_release,
                                                  memory_order_relaxed));
}

bool pc_posted_stack_is_empty(pc_posted_stack *stack) {
  return atomic_load_explicit(&stack->top, memory_order_relaxed) == NULL;
}

pc_posted *pc_posted_stack_take(pc_posted_stack *stack) {
  if (pc_posted_stack_is_empty(stack)) {
    return NULL;
  }
  /* acquire: pairs with the release in pc_posted_stack_push */
  pc_posted *newest = atomic_exchange_explicit(&stack->top, NULL, memory_order_acquire);
  pc_posted *oldest = NULL;
  while (newest) {
    pc_posted *next = newest->next;
    newest->next = oldest;
    oldest = newest;
    newest = next;
  }
  return oldest;
}
