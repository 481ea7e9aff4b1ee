/* Clients that the rules of a pipe's `clients` refuse. Pipe thread.
 *
 * Each is counted at once. The first one is told by an error event; of those that follow within a
 * second the sum is told when that is over, and so on as long as there are some. */
#include <inttypes.h>
#include <stdio.h>

#include "pipes_private.h"

enum { TELL_INTERVAL_MS = 1000 };

static const char *reason_text(pc_admission admission) {
  switch (admission) {
  case PC_ADMISSION_DENIED:
    return "it meets a rule of clients.deny";
  case PC_ADMISSION_UNLISTED:
    return "it meets no rule of clients.allow";
  case PC_ADMISSION_UNKNOWN:
    return "what the rules of clients ask for could not be found out, as of a process that is "
           "gone already";
  case PC_ADMISSION_GRANTED:
    break;
  }
  return "";
}

/* A process may call itself anything; a detail is plain text. */
static void name_printable(const char *name, char *out_text, size_t size) {
  size_t used = 0;
  for (; name[used] && used + 1 < size; used++) {
    bool is_plain = name[used] >= ' ' && name[used] < 0x7f;
    out_text[used] = is_plain ? name[used] : '?';
  }
  out_text[used] = '\0';
}

static void refusals_tell(pipe_entry *pipe) {
  const br_refusals *refusals = &pipe->refusals;
  const pc_peer *last = &refusals->last;
  char name[sizeof last->name];
  name_printable(last->name, name, sizeof name);
  char count[64] = "a client was";
  if (refusals->untold_count > 1) {
    (void)snprintf(count, sizeof count, "%" PRIu64 " clients were", refusals->untold_count);
  }
  br_emit_error(pipe->owner, pipe->index, 0,
                "%s refused on pipe %s, %spid %" PRId64 "%s%s of uid %" PRId64 ": %s", count,
                pipe->config->name, refusals->untold_count > 1 ? "the last of them " : "",
                last->pid, name[0] ? ", " : "", name, last->uid, reason_text(refusals->admission));
  pipe->refusals.untold_count = 0;
}

static void refusals_on_timer(pc_timer *timer, void *user) {
  pipe_entry *pipe = user;
  if (pipe->refusals.untold_count > 0) {
    refusals_tell(pipe);
    (void)!pc_timer_start(pipe->owner->loop, timer, TELL_INTERVAL_MS);
  }
}

void br_refusals_init(pipe_entry *pipe) {
  pipe->refusals.timer = (pc_timer){.routine = refusals_on_timer, .user = pipe};
}

void br_refusals_count(pipe_entry *pipe, const pc_peer *peer, pc_admission admission) {
  br_refusals *refusals = &pipe->refusals;
  br_count_add(&pipe->live->refused_clients, 1);
  refusals->untold_count++;
  refusals->last = *peer;
  refusals->admission = admission;
  bool is_running = refusals->timer.index != 0;
  if (!is_running) {
    refusals_tell(pipe);
    /* Without memory for it the next one is told at once, too. */
    (void)!pc_timer_start(pipe->owner->loop, &refusals->timer, TELL_INTERVAL_MS);
  }
}

void br_refusals_end(pipe_entry *pipe) {
  if (pipe->refusals.untold_count > 0) {
    refusals_tell(pipe);
  }
  pc_timer_stop(pipe->owner->loop, &pipe->refusals.timer);
}
