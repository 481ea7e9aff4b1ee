/* Commands from the HTTP thread: inject, disconnect, ping. Pipe thread.
 *
 * An injection succeeds when the kernel has taken its bytes for every session that accepted them:
 * then its result goes back. A client that does not read holds its own bytes up; after ANSWER_MS,
 * or half the time a request may take, the result says so (`queued`) and the bytes stay in that
 * session's write queue. */
#include <stdlib.h>

#include "host.h"
#include "pipes_private.h"

enum { ANSWER_MS = 1000 };

/* What waited for a server that was away has none. */
static br_direction direction_of(const br_pipes *pipes, const br_command *command) {
  return command->direction != BR_DIRECTION_NONE ? (br_direction)command->direction
                                                 : pipes->by_index[command->pipe]->role->said;
}

static injection *injection_create(br_pipes *pipes, const br_command *command) {
  injection *injected = pipes->free_injections;
  if (injected) {
    pipes->free_injections = injected->next;
  } else {
    injected = malloc(sizeof *injected);
  }
  if (injected) {
    *injected = (injection){.command_id = command->id,
                            .asked_ns = command->asked_ns,
                            .pipe = command->pipe,
                            .session = command->session,
                            .direction = direction_of(pipes, command),
                            .size_bytes = command->size_bytes,
                            .by_bytes = command->by_bytes,
                            .is_own = command->kind == BR_COMMAND_SAY};
  }
  return injected;
}

static void injection_recycle(br_pipes *pipes, injection *injected) {
  injected->next = pipes->free_injections;
  pipes->free_injections = injected;
}

static void waiting_append(br_pipes *pipes, injection *injected) {
  injected->previous = pipes->waiting_last;
  *(pipes->waiting_last ? &pipes->waiting_last->next : &pipes->waiting_first) = injected;
  pipes->waiting_last = injected;
}

static void waiting_remove(br_pipes *pipes, injection *injected) {
  *(injected->previous ? &injected->previous->next : &pipes->waiting_first) = injected->next;
  *(injected->next ? &injected->next->previous : &pipes->waiting_last) = injected->previous;
  injected->previous = injected->next = NULL;
}

static void injection_answer(br_pipes *pipes, injection *injected) {
  injected->is_answered = true;
  injected->result.queued = injected->remaining;
  injected->result.microseconds = (br_host_mono_ns() - injected->asked_ns) / 1000;
  br_event record = {.kind = BR_RECORD_RESULT,
                     .pipe = injected->pipe,
                     .session = injected->session,
                     .command_id = injected->command_id,
                     .size_bytes = sizeof injected->result};
  br_emit_always(pipes, &record, &injected->result);
}

void br_injection_timer(pc_timer *timer, void *user) {
  br_pipes *pipes = user;
  while (pipes->waiting_first) {
    injection *injected = pipes->waiting_first;
    uint64_t now_ns = pc_loop_now_ns(pipes->loop);
    if (injected->deadline_ns > now_ns) {
      uint64_t delay_ms = (injected->deadline_ns - now_ns) / 1000000 + 1;
      if (pc_timer_start(pipes->loop, timer, delay_ms) == PC_OK) {
        return;
      }
    }
    waiting_remove(pipes, injected);
    injection_answer(pipes, injected);
  }
}

void br_injection_written(pipe_session *session, uint64_t tag, pc_status status) {
  br_pipes *pipes = session->pipe->owner;
  injection *injected = (injection *)(uintptr_t)tag;
  br_result *result = &injected->result;
  *(status == PC_OK          ? &result->delivered
    : status == PC_E_TIMEOUT ? &result->no_place
    : status == PC_E_TOO_BIG ? &result->too_big
                             : &result->closed) += 1;
  if (session->private_end) {
    br_private_written(session, !injected->is_own, injected->size_bytes);
  }
  if ((injected->is_answered || injected->is_own) && status != PC_OK) {
    session->lost_count++; /* who asked was told that it is queued, or is told nothing */
    session->lost_bytes += injected->size_bytes;
    br_traffic_add(&session->info->counters.lost, injected->size_bytes);
    br_traffic_add(&session->pipe->counters->lost, injected->size_bytes);
  }
  if (--injected->remaining > 0) {
    return;
  }
  if (!injected->is_answered && !injected->is_own) {
    waiting_remove(pipes, injected);
    injection_answer(pipes, injected);
  }
  injection_recycle(pipes, injected);
}

static pc_status session_write(pipe_session *session, injection *injected, const void *payload) {
  bool is_guest = session->private_end && !injected->is_own;
  if (is_guest && !br_private_takes_guest(session, injected->size_bytes)) {
    return PC_E_QUOTA;
  }
  pc_status status = session->pipe->role->write(
      session, injected->direction, payload, injected->size_bytes, (uint64_t)(uintptr_t)injected);
  if (is_guest && status == PC_OK) {
    br_private_accepted_guest(session, injected->size_bytes);
  }
  return status;
}

static void injection_write(pipe_session *session, injection *injected, const void *payload) {
  pc_status status = session_write(session, injected, payload);
  injected->flags |= br_session_flags(session);
  if (injected->is_own && status == PC_OK) {
    /* An episode of refusals is of other people's messages, which have their own place in the
     * queue. */
    br_session_count_accepted(session, injected->direction, injected->size_bytes);
  } else {
    br_session_count_written(session, injected->direction, status, injected->size_bytes);
  }
  injected->result.targets++;
  switch (status) {
  case PC_OK:
    injected->remaining++;
    break;
  case PC_E_QUOTA:
  case PC_E_NO_MEMORY:
    injected->result.quota++;
    break;
  case PC_E_TOO_BIG:
    injected->result.too_big++;
    break;
  default:
    injected->result.closed++;
    break;
  }
}

static void injection_announce(br_pipes *pipes, const injection *injected, const void *payload) {
  br_event event = {.kind = BR_EVENT_INJECTED,
                    .flags = injected->flags,
                    .direction = (uint8_t)injected->direction,
                    .pipe = injected->pipe,
                    .session = injected->session,
                    .command_id = injected->command_id,
                    .targets = injected->remaining,
                    .size_bytes = injected->size_bytes,
                    .by_bytes = injected->by_bytes};
  br_emit_always(pipes, &event, payload);
}

void br_injection_answer(br_pipes *pipes, const br_command *command, br_result result) {
  injection answered = {.command_id = command->id,
                        .asked_ns = command->asked_ns,
                        .pipe = command->pipe,
                        .session = command->session,
                        .remaining = result.queued,
                        .result = result};
  injection_answer(pipes, &answered);
}

pc_status br_injection_deliver(pipe_session *session, const br_command *command,
                               const void *payload) {
  br_pipes *pipes = session->pipe->owner;
  injection *injected = injection_create(pipes, command);
  if (!injected) {
    return PC_E_NO_MEMORY;
  }
  injected->is_answered = true;
  injected->remaining = 1;
  pc_status status = pc_session_write(session->session, payload, command->size_bytes,
                                      (uint64_t)(uintptr_t)injected);
  if (status == PC_OK) {
    br_session_count_written(session, injected->direction, status, command->size_bytes);
    injection_announce(pipes, injected, payload);
  } else {
    injection_recycle(pipes, injected);
  }
  return status;
}

/* The answer must come before the request that waits for it is given up. */
static uint64_t answer_delay_ns(const br_pipes *pipes) {
  uint64_t half_ms = pipes->options.config->http.request_timeout_ms / 2;
  return (half_ms > 0 && half_ms < ANSWER_MS ? half_ms : ANSWER_MS) * 1000000;
}

static void command_inject(br_pipes *pipes, const br_command *command) {
  pipe_entry *pipe = pipes->by_index[command->pipe];
  if (!pipe) { /* removed meanwhile, and its sessions with it */
    br_injection_answer(pipes, command, (br_result){.removed = 1});
    return;
  }
  if (command->session == 0 && pipe->role->inject && pipe->role->inject(pipe, command)) {
    return;
  }
  const void *payload = br_command_payload(command);
  injection *injected = injection_create(pipes, command);
  if (!injected) { /* nothing is written, and the asker may try again */
    br_injection_answer(pipes, command, (br_result){.targets = 1, .quota = 1});
    return;
  }
  if (command->session != 0) {
    pipe_session *session = br_id_table_get(&pipes->sessions, command->session);
    if (session) {
      injection_write(session, injected, payload);
    } else {
      injected->result.closed++;
    }
  } else {
    for (pipe_session *session = pipe->first; session; session = session->next) {
      injected->session = pipe->role->has_one_session ? session->id : 0;
      injection_write(session, injected, payload);
    }
  }
  const br_result *result = &injected->result;
  if (injected->remaining > 0 || result->quota + result->too_big + result->closed == 0) {
    injection_announce(pipes, injected, payload);
  }
  if (injected->remaining == 0) {
    injection_answer(pipes, injected);
    injection_recycle(pipes, injected);
    return;
  }
  injected->deadline_ns = pc_loop_now_ns(pipes->loop) + answer_delay_ns(pipes);
  waiting_append(pipes, injected);
  if (pipes->waiting_first == injected) {
    br_injection_timer(&pipes->answer_timer, pipes);
  }
}

/* What its WebSocket says into a private session. Of a session that ended meanwhile its WebSocket
 * hears by `closed`. */
static void command_say(br_pipes *pipes, const br_command *command) {
  pipe_session *session = br_id_table_get(&pipes->sessions, command->session);
  injection *injected = session ? injection_create(pipes, command) : NULL;
  if (injected) {
    injection_write(session, injected, br_command_payload(command));
  }
  if (injected && injected->remaining > 0) {
    injection_announce(pipes, injected, br_command_payload(command));
    return;
  }
  if (injected) {
    injection_recycle(pipes, injected);
  }
  if (session) { /* without memory for this message none may follow it */
    session->pipe->role->close(session);
  }
}

static void command_private(br_pipes *pipes, const br_command *command) {
  pipe_session *session = br_id_table_get(&pipes->sessions, command->session);
  if (!session) {
    return; /* it ended meanwhile */
  }
  if (command->kind == BR_COMMAND_TAKEN) {
    br_private_taken(session, command);
  } else {
    br_private_finish(session);
  }
}

static void command_disconnect(br_pipes *pipes, const br_command *command) {
  pipe_session *session = br_id_table_get(&pipes->sessions, command->session);
  if (session) {
    session->pipe->role->close(session);
  }
}

void br_command_handle(const void *record, size_t size, void *user) {
  br_pipes *pipes = user;
  const br_command *command = record;
  (void)size;
  switch ((br_command_kind)command->kind) {
  case BR_COMMAND_INJECT:
    command_inject(pipes, command);
    break;
  case BR_COMMAND_DISCONNECT:
    command_disconnect(pipes, command);
    break;
  case BR_COMMAND_PING:
    br_injection_answer(pipes, command, (br_result){0});
    break;
  case BR_COMMAND_PIPE_ADD:
  case BR_COMMAND_PIPE_CHANGE:
  case BR_COMMAND_PIPE_REMOVE:
    br_command_pipe(pipes, command);
    break;
  case BR_COMMAND_CONNECT:
    br_private_connect(pipes, command);
    break;
  case BR_COMMAND_SAY:
    command_say(pipes, command);
    break;
  case BR_COMMAND_TAKEN:
  case BR_COMMAND_FINISH:
    command_private(pipes, command);
    break;
  }
}

void br_injection_fini(br_pipes *pipes) {
  while (pipes->free_injections) {
    injection *injected = pipes->free_injections;
    pipes->free_injections = injected->next;
    free(injected);
  }
}
