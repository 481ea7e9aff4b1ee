/* Many injections in order. HTTP thread.
 *
 * Success: drawn from the source → due → asked, up to the window → results in any order → told in
 * the order of the messages. Failures: the queue is full (waited for); a message that cannot be
 * sent (told in its turn, when those before it have been; the others go on). */
#include "series.h"

#include <stdlib.h>

#include "check.h"
#include "outcome.h"

enum {
  NS_PER_MS = 1000000,
  /* How late a message may be and the next one is still due by the first one's clock: what a loaded
   * machine takes. */
  LATE_MS = 100
};

/* One message under way, at its number's place in the window. */
typedef struct place {
  br_asked asked;
  br_result result;
  uint64_t number;
  bool is_done;
} place;

typedef enum drawn { DRAWN_NOTHING, DRAWN_STEP, DRAWN_REFUSED } drawn;

struct br_series {
  br_asker *asker;
  web_server *server;
  br_series_source source;
  br_sent_by by;
  br_series_step step; /* drawn, not sent yet */
  br_problem problem;  /* drawn, not told yet */
  drawn drawn;
  bool is_over;    /* the source has no more */
  bool is_pumping; /* one loop at a time */
  uint64_t due_ns; /* when the last message was, and the drawn one is; 0: none yet */
  web_timer timer; /* until then */
  bool is_timed;   /* it runs    */
  br_ask_waiter room;
  uint64_t sent_count; /* places filled so far … */
  uint64_t told_count; /* … and emptied          */
  uint32_t window;
  place places[];
};

static void series_pump(br_series *series);

static void on_room(br_ask_waiter *waiter) {
  series_pump(waiter->user);
}

static void on_due(web_timer *timer, void *user) {
  br_series *series = user;
  (void)timer;
  series->is_timed = false;
  series_pump(series);
}

static void on_asked(br_asked *asked, const br_result *result) {
  place *answered = (place *)(void *)asked; /* its first member */
  answered->result = *result;
  answered->is_done = true;
  series_pump(asked->user);
}

br_series *br_series_create(br_asker *asker, web_server *server, uint32_t window,
                            const br_sent_by *by, const br_series_source *source) {
  br_series *series = calloc(1, sizeof *series + window * sizeof series->places[0]);
  if (!series) {
    return NULL;
  }
  BR_CHECK(window > 0);
  series->asker = asker;
  series->server = server;
  series->source = *source;
  series->by = *by;
  series->window = window;
  series->timer = (web_timer){.routine = on_due, .user = series};
  series->room = (br_ask_waiter){.on_room = on_room, .user = series};
  return series;
}

void br_series_destroy(br_series *series) {
  if (!series) {
    return;
  }
  if (series->is_timed) { /* the server may be gone before what nobody waits for any more */
    web_timer_stop(series->server, &series->timer);
  }
  br_ask_wait_cancel(series->asker, &series->room);
  for (uint64_t number = series->told_count; number < series->sent_count; number++) {
    br_ask_cancel(series->asker, &series->places[number % series->window].asked);
  }
  free(series);
}

/* Those at the front that are done. */
static void results_tell(br_series *series) {
  while (series->told_count < series->sent_count) {
    const place *oldest = &series->places[series->told_count % series->window];
    if (!oldest->is_done) {
      return;
    }
    series->told_count++;
    series->source.on_result(series->source.user, oldest->number, &oldest->asked, &oldest->result);
  }
}

/* One after the other by the clock of the first; who is far behind does not catch up in a burst. */
static void step_set_due(br_series *series) {
  uint64_t now_ns = web_server_now_ns(series->server);
  uint64_t before_ns = series->due_ns == 0 ? now_ns : series->due_ns;
  uint64_t due_ns = before_ns + series->step.delay_ms * NS_PER_MS;
  bool is_late = due_ns + (uint64_t)LATE_MS * NS_PER_MS < now_ns;
  series->due_ns = is_late ? now_ns : due_ns;
}

/* False: there is nothing to send now. */
static bool series_draw(br_series *series) {
  const br_series_source *source = &series->source;
  if (series->is_over || series->sent_count - series->told_count == series->window ||
      (source->has_room && !source->has_room(source->user))) {
    return false;
  }
  series->step = (br_series_step){0};
  switch (source->next(source->user, &series->step, &series->problem)) {
  case BR_SERIES_MESSAGE:
    series->drawn = DRAWN_STEP;
    step_set_due(series);
    return true;
  case BR_SERIES_REFUSED:
    series->drawn = DRAWN_REFUSED;
    return true;
  case BR_SERIES_END:
    series->is_over = true;
    break;
  }
  return false;
}

/* False: not yet. */
static bool refusal_tell(br_series *series) {
  if (series->told_count < series->sent_count) {
    return false;
  }
  series->drawn = DRAWN_NOTHING;
  series->source.on_refused(series->source.user, series->step.number, &series->problem);
  return true;
}

/* False: not yet. */
static bool step_send(br_series *series) {
  uint64_t now_ns = web_server_now_ns(series->server);
  if (series->due_ns > now_ns) {
    series->is_timed = true;
    web_timer_start(series->server, &series->timer,
                    (series->due_ns - now_ns + NS_PER_MS - 1) / NS_PER_MS);
    return false;
  }
  place *next = &series->places[series->sent_count % series->window];
  *next = (place){.asked = {.on_result = on_asked, .user = series}, .number = series->step.number};
  br_ask_status status =
      br_ask(series->asker, &next->asked, &series->step.command, series->step.payload, &series->by);
  if (status == BR_ASK_FULL) {
    br_ask_wait(series->asker, &series->room);
    return false;
  }
  if (status == BR_ASK_OK) {
    series->drawn = DRAWN_NOTHING;
    series->sent_count++;
  } else {
    series->drawn = DRAWN_REFUSED;
    br_problem_of_ask(status, &series->problem);
  }
  return true;
}

static bool series_step(br_series *series) {
  switch (series->drawn) {
  case DRAWN_NOTHING:
    return series_draw(series);
  case DRAWN_STEP:
    return step_send(series);
  case DRAWN_REFUSED:
    break;
  }
  return refusal_tell(series);
}

static void series_pump(br_series *series) {
  if (series->is_pumping) {
    return; /* from a callback: the loop around it goes on */
  }
  series->is_pumping = true;
  do {
    results_tell(series);
  } while (series_step(series));
  series->is_pumping = false;
  if (series->is_over && series->told_count == series->sent_count) {
    series->source.on_end(series->source.user); /* frees it */
  }
}

void br_series_go_on(br_series *series) {
  series_pump(series);
}
