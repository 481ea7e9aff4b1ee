/* What the rest of the library needs of the loop. The loop's thread, where nothing else is said. */
#ifndef PIPECORE_SRC_LOOP_PRIVATE_H
#define PIPECORE_SRC_LOOP_PRIVATE_H

#include "backend.h"
#include "chunk_pool.h"
#include "operation.h"
#include "thread_annotations.h"

/* Ends the program if the calling thread is not the one that runs the loop. */
PC_ASSERTS(pc_loop_thread) void pc_loop_check_thread(const pc_loop *loop);

const pc_backend *pc_loop_backend(const pc_loop *loop);
pc_backend_state *pc_loop_backend_state(const pc_loop *loop);
pc_chunk_pool *pc_loop_chunks(pc_loop *loop);

/* ---- operations ---- */
/* The owner's: fills in `operation` for its life. */
void pc_operation_init(pc_operation *operation, void (*routine)(pc_operation *operation));
/* The backend's, at the start of each call that takes an operation: it is pending now. */
void pc_loop_issue(pc_loop *loop, pc_operation *operation, void *target);
/* Puts a pending operation on the ready list. */
void pc_loop_complete(pc_loop *loop, pc_operation *operation, pc_status status);
/* The same, but `perform` shall find the result when its turn comes. */
void pc_loop_complete_by(pc_loop *loop, pc_operation *operation,
                         bool (*perform)(pc_operation *operation));
/* Makes it end with PC_E_ABORTED: a pending one, or a ready one that was not performed yet. */
void pc_loop_abort(pc_loop *loop, pc_operation *operation);
/* An operation that asks nothing of the backend: its routine runs from the loop. */
void pc_loop_defer(pc_loop *loop, pc_operation *operation);

/* ---- timers whose start cannot fail ---- */
PC_MUST_USE bool pc_loop_reserve_timers(pc_loop *loop, size_t count);
void pc_loop_release_timers(pc_loop *loop, size_t count);
void pc_timer_start_reserved(pc_loop *loop, pc_timer *timer, uint64_t delay_ms);

/* ---- servers count themselves, so that destroying a loop under them is found out ---- */
void pc_loop_adopt(pc_loop *loop);
void pc_loop_disown(pc_loop *loop);

#endif
