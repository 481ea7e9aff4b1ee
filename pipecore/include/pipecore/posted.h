/* Posted routines, as of QueueUserAPC: run once on the thread that they are posted to, in the order
 * of posting. To a loop by pc_post (loop.h), to the alertable waits of a thread by
 * pc_alertable_post (event.h). Any thread. */
#ifndef PIPECORE_POSTED_H
#define PIPECORE_POSTED_H

#include "pipecore/declarations.h"

PC_DECLARATIONS_BEGIN

typedef struct pc_posted pc_posted;
typedef void (*pc_posted_routine)(pc_posted *posted, void *user);
struct pc_posted { /* caller's memory, untouched until the routine runs; may be posted again from
                      there on */
  pc_posted_routine routine;
  void *user;
  pc_posted *next; /* the library's */
};

PC_DECLARATIONS_END

#endif
