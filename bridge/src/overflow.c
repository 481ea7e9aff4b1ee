/* Messages that find the event queue full. Pipe thread.
 *
 * Success: the session waits until the reader has brought the queue down to half. One of a pipe
 * that pauses is not read meanwhile, and its peer feels ordinary pipe backpressure. One of a
 * pipe that drops is read on: what it says is counted, and told by one event when the queue has
 * room again, in front of what it says then.
 * Failures: none. */
#include <stdlib.h>

#include "pipes_private.h"

/* At the end, so that who waited longest goes on first: with many sessions half a queue may not
 * be for all. */
static void session_wait(pipe_session *session) {
  br_pipes *pipes = session->pipe->owner;
  if (!session->is_waiting) {
    session->is_waiting = true;
    session->next_waiting = NULL;
    pipe_session *last = pipes->waiting_sessions_last;
    *(last ? &last->next_waiting : &pipes->waiting_sessions_first) = session;
    pipes->waiting_sessions_last = session;
  }
}

static br_dropped *session_dropped(pipe_session *session, br_direction direction) {
  return &session->dropped[direction == BR_DIRECTION_C2S ? 0 : 1];
}

pc_status br_session_overflow(pipe_session *session, br_direction direction, uint32_t size_bytes) {
  session_wait(session);
  /* Of a private session its own WebSocket would miss it. */
  if (session->pipe->config->overflow == BR_OVERFLOW_PAUSE || session->private_end) {
    return PC_AGAIN;
  }
  br_dropped *dropped = session_dropped(session, direction);
  dropped->messages++;
  dropped->bytes += size_bytes;
  br_traffic_add(&session->info->counters.dropped, size_bytes);
  br_traffic_add(&session->pipe->counters->dropped, size_bytes);
  return PC_OK;
}

void br_session_tell_dropped(pipe_session *session) {
  static const br_direction directions[] = {BR_DIRECTION_C2S, BR_DIRECTION_S2C};
  for (size_t index = 0; index < sizeof directions / sizeof directions[0]; index++) {
    br_dropped *dropped = session_dropped(session, directions[index]);
    if (dropped->messages > 0) {
      br_event event = {.kind = BR_EVENT_DROPPED,
                        .direction = (uint8_t)directions[index],
                        .pipe = session->pipe->index,
                        .session = session->id,
                        .size_bytes = sizeof *dropped};
      br_emit_always(session->pipe->owner, &event, dropped);
      *dropped = (br_dropped){0};
    }
  }
}

static void session_go_on(pipe_session *session) {
  session->is_waiting = false;
  if (session->is_closed) {
    free(session);
  } else {
    br_session_tell_dropped(session);
    session->pipe->role->resume(session);
  }
}

static void waiting_go_on(br_pipes *pipes) {
  pipe_session *session = pipes->waiting_sessions_first;
  pipes->waiting_sessions_first = pipes->waiting_sessions_last = NULL;
  while (session) {
    pipe_session *next = session->next_waiting;
    session_go_on(session);
    session = next;
  }
}

void br_pipes_resume(br_pipes *pipes) {
  emitter *out = &pipes->out;
  if (out->is_full && !br_queue_prepare_wait(out->queue) && br_emit_overdue(pipes)) {
    out->is_full = false;
    waiting_go_on(pipes);
  }
}

void br_session_free(pipe_session *session) {
  if (session->is_waiting) {
    session->is_closed = true; /* session_go_on frees it */
  } else {
    free(session);
  }
}

/* Only closed ones are left. */
void br_overflow_fini(br_pipes *pipes) {
  waiting_go_on(pipes);
}
