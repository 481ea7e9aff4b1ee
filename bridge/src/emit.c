/* Records from the pipe thread into the event queue. Pipe thread.
 *
 * Success: reserve, copy once, commit; the reader is woken once a turn.
 * Failure: the queue is full. From then on until it is half empty every message is refused,
 * whoever's it is: who finds a free byte first would starve the others. What must not be lost
 * waits in memory. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "check.h"
#include "pipes_private.h"

/* One clock reading a turn: events of one turn share their time. */
uint64_t br_emit_wall_ns(br_pipes *pipes) {
  emitter *out = &pipes->out;
  uint64_t now_ns = pc_loop_now_ns(pipes->loop);
  if (now_ns != out->turn_ns) {
    struct timespec wall;
    (void)timespec_get(&wall, TIME_UTC);
    out->turn_ns = now_ns;
    out->wall_ns = (uint64_t)wall.tv_sec * UINT64_C(1000000000) + (uint64_t)wall.tv_nsec;
  }
  return out->wall_ns;
}

static void emitter_stamp(br_pipes *pipes, br_event *record) {
  record->wall_ns = br_emit_wall_ns(pipes);
  record->mono_ns = pipes->out.turn_ns - pipes->out.run_start_ns;
}

static bool emitter_push(br_pipes *pipes, const br_event *event, const void *payload) {
  void *record;
  if (br_queue_reserve(pipes->out.queue, sizeof *event + br_event_tail_bytes(event), &record) !=
      BR_QUEUE_OK) {
    return false;
  }
  memcpy(record, event, sizeof *event);
  if (br_event_tail_bytes(event)) {
    memcpy((br_event *)record + 1, payload, br_event_tail_bytes(event));
  }
  br_queue_commit(pipes->out.queue, record);
  pipes->out.has_pushed = true;
  return true;
}

bool br_emit_message(br_pipes *pipes, const br_event *event, const void *payload) {
  if (pipes->out.is_full) {
    return false;
  }
  br_event record = *event;
  emitter_stamp(pipes, &record);
  pipes->out.is_full = !emitter_push(pipes, &record, payload);
  return !pipes->out.is_full;
}

void br_emit_always(br_pipes *pipes, const br_event *event, const void *payload) {
  br_event record = *event;
  emitter_stamp(pipes, &record);
  if (!pipes->out.overdue_first && emitter_push(pipes, &record, payload)) {
    return;
  }
  pipes->out.is_full = true;
  overdue_record *overdue = malloc(sizeof *overdue + br_event_tail_bytes(event));
  if (!overdue) {
    /* It would be lost in silence, and the registry would be wrong from here on. */
    br_give_up("out of memory for an event that must not be lost; lower events.memory_bytes or "
               "limits.max_instances");
  }
  overdue->next = NULL;
  overdue->event = record;
  if (br_event_tail_bytes(event)) {
    memcpy(&overdue->event + 1, payload, br_event_tail_bytes(event));
  }
  emitter *out = &pipes->out;
  *(out->overdue_last ? &out->overdue_last->next : &out->overdue_first) = overdue;
  out->overdue_last = overdue;
}

void br_emit_error(br_pipes *pipes, uint16_t pipe, uint64_t session, const char *detail, ...) {
  char text[512];
  va_list arguments;
  va_start(arguments, detail);
  int size = vsnprintf(text, sizeof text, detail, arguments);
  va_end(arguments);
  br_event event = {.kind = BR_EVENT_ERROR, .pipe = pipe, .session = session};
  event.size_bytes =
      size < 0 ? 0 : (uint32_t)((size_t)size < sizeof text ? (size_t)size : sizeof text - 1);
  br_emit_always(pipes, &event, text);
}

bool br_emit_overdue(br_pipes *pipes) {
  emitter *out = &pipes->out;
  while (out->overdue_first) {
    overdue_record *overdue = out->overdue_first;
    if (!emitter_push(pipes, &overdue->event, &overdue->event + 1)) {
      return false;
    }
    out->overdue_first = overdue->next;
    free(overdue);
  }
  out->overdue_last = NULL;
  return true;
}

void br_emit_fini(br_pipes *pipes) {
  while (pipes->out.overdue_first) {
    overdue_record *overdue = pipes->out.overdue_first;
    pipes->out.overdue_first = overdue->next;
    free(overdue);
  }
}
