/* Events and alertable waits: what a thread waits for, after the Win32 documentation.
 *
 * A manual-reset event stays set until it is reset. A thread's completion routines (of the *_ex
 * calls of instance.h, and posted ones) run on that thread only, only inside a wait of this header
 * that is alertable, in the order in which they became due, each exactly once. One alertable wait
 * runs all that are due, then returns PC_COMPLETION. A routine may itself wait alertably: routines
 * that became due since then run inside it.
 *
 * Any thread, unless a function says otherwise. Source: the Win32 documentation of SetEvent,
 * WaitForMultipleObjectsEx, SleepEx and QueueUserAPC. */
#ifndef PIPECORE_EVENT_H
#define PIPECORE_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "pipecore/declarations.h"
#include "pipecore/posted.h"
#include "pipecore/status.h"

PC_DECLARATIONS_BEGIN

/* ---- events (CreateEvent with manual reset) ---- */
typedef struct pc_event pc_event;

/* PC_E_NO_MEMORY. An event is memory and nothing else: no descriptor. */
PC_MUST_USE pc_status pc_event_create(bool is_set, pc_event **out_event);
/* Nobody may wait for it, no operation may be about to set it, and no wait set may have it. Accepts
 * NULL. */
void pc_event_destroy(pc_event *event);
/* Lets go everybody who waits for it, until it is reset. */
void pc_event_set(pc_event *event);
void pc_event_reset(pc_event *event);
/* Looks, as a wait of 0 ms does: what pends meanwhile may complete by it. Never blocks. */
bool pc_event_is_set(const pc_event *event);

/* ---- waits ---- */
enum { PC_WAIT_EVENTS_MAX = 63 };

/* WaitForMultipleObjectsEx, SleepEx (no events): waits until one of `count` (0 to
 * PC_WAIT_EVENTS_MAX) events is set, at most `timeout_ms` milliseconds (negative: no limit; 0:
 * looks once). Blocks; also allowed in a routine. PC_OK: `*out_index` (may be NULL when `count` is
 * 0) is the first that is set; it stays set. PC_COMPLETION: `is_alertable`, and at least one
 * routine ran. PC_E_TIMEOUT: nothing of it. PC_E_INVALID_ARG. */
PC_MUST_USE pc_status pc_wait(pc_event *const *events, uint32_t count, int timeout_ms,
                              bool is_alertable, uint32_t *out_index);

/* Any number of events that one thread waits for again and again: the cost of a wait is that of the
 * events that are set, not of those that are not. */
typedef struct pc_wait_set pc_wait_set;
/* PC_E_NO_MEMORY, PC_E_NO_DESCRIPTORS. */
PC_MUST_USE pc_status pc_wait_set_create(pc_wait_set **out_set);
/* Accepts NULL. Events that are in it leave it. */
void pc_wait_set_destroy(pc_wait_set *set);
/* An event is in one set at most (PC_E_IN_USE). `user` comes back from the wait. */
PC_MUST_USE pc_status pc_wait_set_add(pc_wait_set *set, pc_event *event, void *user);
/* Nothing happens if it is not in this set. */
void pc_wait_set_remove(pc_wait_set *set, pc_event *event);
/* As pc_wait; PC_OK: `*out_user` belongs to an event that is set. Events take turns: one that stays
 * set does not hide the others. PC_AGAIN: pc_wait_set_wake. PC_E_IN_USE: another thread waits for
 * the set. Blocks. */
PC_MUST_USE pc_status pc_wait_set_wait(pc_wait_set *set, int timeout_ms, bool is_alertable,
                                       void **out_user);
/* The `user` of each of its events that are set, at most `max`; returns their number. It neither
 * waits nor looks at the system: for those that one wait found. Events take turns here too. */
uint32_t pc_wait_set_ready(pc_wait_set *set, void **out_users, uint32_t max);
/* Ends the wait of the thread that waits for the set, or else the next one, with PC_AGAIN. Several
 * at once are one. Async-signal-safe. */
void pc_wait_set_wake(pc_wait_set *set);

/* ---- the queue of routines of a thread ---- */
typedef struct pc_alertable pc_alertable;

/* The calling thread's. It is there until pc_alertable_leave, or the thread's end.
 * PC_E_NO_MEMORY. */
PC_MUST_USE pc_status pc_alertable_self(pc_alertable **out_alertable);
/* The calling thread is done with operations that have routines: those still pending are cancelled
 * and their routines run, now. As the end of a thread does it, without the routines. */
void pc_alertable_leave(void);
/* QueueUserAPC: runs `posted` once in the next alertable wait of the thread of `alertable`, behind
 * what is due there already. Allocates nothing. The thread must not have left. */
void pc_alertable_post(pc_alertable *alertable, pc_posted *posted);

PC_DECLARATIONS_END

#endif
