/* Many injections, one after the other: in order, some of them under way at once, each with its
 * result in its turn. A full command queue is waited for, and so is whoever takes the results. HTTP
 * thread.
 *
 * The messages come from a source, which says one when it is asked; nothing of it is called inside
 * br_series_create or br_series_destroy. */
#ifndef BRIDGE_SRC_SERIES_H
#define BRIDGE_SRC_SERIES_H

#include "ask.h"
#include "problem.h"
#include "web/server.h"

typedef struct br_series br_series;

typedef enum br_series_next {
  BR_SERIES_MESSAGE, /* the step is filled                                          */
  BR_SERIES_REFUSED, /* this one cannot be sent: the problem says why; go on        */
  BR_SERIES_END      /* there are no more                                           */
} br_series_next;

typedef struct br_series_step {
  br_command command;
  const void *payload; /* valid until the source is asked for the next one */
  uint64_t delay_ms;   /* after the one before it                          */
  uint64_t number;     /* the source's own, given back with what became of it */
} br_series_step;

typedef struct br_series_source {
  /* The next message: `out_step`, which is zeroed, or `out_problem`. Not asked again after the
   * end. */
  br_series_next (*next)(void *user, br_series_step *out_step, br_problem *out_problem);
  /* What became of each, in order: exactly one of these two for each message. */
  void (*on_result)(void *user, uint64_t number, const br_asked *asked, const br_result *result);
  void (*on_refused)(void *user, uint64_t number, const br_problem *problem);
  /* Whether more results can be taken; false: br_series_go_on when they can. NULL: always. */
  bool (*has_room)(void *user);
  /* After the last of those. The source may destroy the series in here, and only here or from
   * outside. */
  void (*on_end)(void *user);
  void *user;
} br_series_source;

/* `window`: how many may be under way at once. `by` is copied. NULL: no memory. */
br_series *br_series_create(br_asker *asker, web_server *server, uint32_t window,
                            const br_sent_by *by, const br_series_source *source);
/* What was handed over goes on; nobody is told. Accepts NULL. */
void br_series_destroy(br_series *series);
/* Begins, or goes on once there is room for results. May call all of the source, on_end
 * included. */
void br_series_go_on(br_series *series);

#endif
