/* The pipe thread: one alertable loop that serves every configured pipe.
 *
 * Success: a client's message arrives in on_message, becomes a record in the event queue, and is answered
 * there and then if the pipe's `reply` says so.
 * Failures: event queue full → the session pauses until the reader made room; a client's write queue full →
 * the message to it is refused, counted and told; an endpoint that cannot be made → start-up error. */
#include "bridge/pipes.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "pipes_private.h"

enum { COMMAND_BATCH_BYTES = 256 * 1024, STOP_DRAIN_MS = 500, FAILURE_TEXT_BYTES = 384 };

/* ---- backpressure ---- */

void br_pipes_made_room(br_pipes *pipes) {
  if (br_queue_room_wanted(pipes->out.queue)) {
    pc_loop_wake(pipes->loop);
  }
}

static bool has_waiting(const br_pipes *pipes) {
  return pipes->paused || pipes->out.overdue_first;
}

static void session_pause(pipe_session *session) {
  br_pipes *pipes = session->pipe->owner;
  if (!session->is_paused) {
    session->is_paused = true;
    session->next_paused = pipes->paused;
    pipes->paused = session;
  }
}

static void pipes_resume(br_pipes *pipes) {
  if (!has_waiting(pipes) || br_queue_prepare_wait(pipes->out.queue) || !br_emit_overdue(pipes)) {
    return;
  }
  pipe_session *session = pipes->paused;
  pipes->paused = NULL;
  while (session) {
    pipe_session *next = session->next_paused;
    session->is_paused = false;
    if (session->is_closed) {
      free(session);
    } else {
      pc_session_resume(session->session);
    }
    session = next;
  }
}

/* ---- replies ---- */

void br_session_count_written(pipe_session *session, pc_status status, uint32_t size_bytes) {
  br_pipes *pipes = session->pipe->owner;
  br_counters *counters = &session->info->counters;
  if (status == PC_E_NOT_CONNECTED) {
    return; /* it is closing: nobody is there to be refused */
  }
  if (status == PC_OK) {
    br_traffic_add(&counters->s2c, size_bytes);
    br_traffic_add(&session->pipe->counters->s2c, size_bytes);
    if (session->refused_count > 0) {
      br_emit_error(pipes, session->pipe->index, session->id,
                    "%" PRIu64 " messages to session %" PRIu64
                    " were refused while its write queue was full; it reads again",
                    session->refused_count, session->id);
      session->refused_count = 0;
    }
    return;
  }
  br_count_add(&counters->refused, 1);
  br_count_add(&session->pipe->counters->refused, 1);
  if (session->refused_count++ == 0) {
    br_emit_error(pipes, session->pipe->index, session->id,
                  "message of %" PRIu32 " bytes to session %" PRIu64
                  " refused: %s; the client must read, or limits.max_write_queue_bytes grow",
                  size_bytes, session->id, pc_status_text(status));
  }
}

static bool session_reply(pipe_session *session, const pc_message *message) {
  pc_status status = pc_session_write(session->session, message->data, message->size_bytes, 0);
  br_session_count_written(session, status, message->size_bytes);
  return status == PC_OK;
}

static void message_reply(pipe_session *sender, const pc_message *message) {
  pipe_entry *pipe = sender->pipe;
  br_event event = {.kind = BR_EVENT_MESSAGE,
                    .direction = BR_DIRECTION_S2C,
                    .flags = BR_FLAG_REPLY,
                    .pipe = pipe->index,
                    .size_bytes = message->size_bytes};
  if (pipe->config->reply == BR_REPLY_ECHO) {
    event.session = sender->id;
    event.targets = session_reply(sender, message);
  } else {
    for (pipe_session *other = pipe->first; other; other = other->next) {
      if (other != sender && session_reply(other, message)) {
        event.targets++;
      }
    }
  }
  br_emit_always(pipe->owner, &event, message->data);
}

/* ---- pipecore's callbacks ---- */

static void session_link(pipe_session *session) {
  pipe_entry *pipe = session->pipe;
  session->next = pipe->first;
  if (pipe->first) {
    pipe->first->previous = session;
  }
  pipe->first = session;
}

static void session_unlink(pipe_session *session) {
  *(session->previous ? &session->previous->next : &session->pipe->first) = session->next;
  if (session->next) {
    session->next->previous = session->previous;
  }
}

static pipe_session *session_create(pipe_entry *pipe, pc_session *pipe_end, const pc_peer *peer) {
  br_pipes *pipes = pipe->owner;
  pipe_session *session = calloc(1, sizeof *session);
  br_session_info *info = calloc(1, sizeof *info);
  if (!session || !info || !br_id_table_put(&pipes->sessions, pipes->next_session_id, session)) {
    free(session);
    free(info);
    return NULL;
  }
  info->id = session->id = pipes->next_session_id++;
  info->peer = *peer;
  info->pipe = pipe->index;
  session->info = info;
  session->pipe = pipe;
  session->session = pipe_end;
  return session;
}

static bool on_connected(pc_session *pipe_end, const pc_peer *peer, void *user) {
  pipe_entry *pipe = user;
  pipe_session *session = session_create(pipe, pipe_end, peer);
  if (!session) {
    br_emit_error(pipe->owner, pipe->index, 0, "client of pid %" PRId64 " refused: out of memory",
                  peer->pid);
    return false;
  }
  pc_session_set_user(pipe_end, session);
  session_link(session);
  br_opened opened = {.peer = *peer, .info = session->info};
  br_event event = {.kind = BR_EVENT_OPENED,
                    .pipe = pipe->index,
                    .session = session->id,
                    .size_bytes = sizeof opened};
  br_emit_always(pipe->owner, &event, &opened);
  return true;
}

static pc_status on_message(pc_session *pipe_end, const pc_message *message, void *user) {
  pipe_entry *pipe = user;
  pipe_session *session = pc_session_user(pipe_end);
  br_event event = {
      .kind = BR_EVENT_MESSAGE,
      .direction = BR_DIRECTION_C2S,
      .flags = (message->flags & PC_MESSAGE_INCOMPLETE) ? BR_FLAG_INCOMPLETE : 0,
      .pipe = pipe->index,
      .session = session->id,
      .size_bytes = message->size_bytes,
  };
  if (!br_emit_message(pipe->owner, &event, message->data)) {
    session_pause(session);
    return PC_AGAIN;
  }
  br_traffic_add(&session->info->counters.c2s, message->size_bytes);
  br_traffic_add(&pipe->counters->c2s, message->size_bytes);
  if (pipe->config->reply != BR_REPLY_NONE) {
    message_reply(session, message);
  }
  return PC_OK;
}

static void on_skipped(pc_session *pipe_end, uint64_t size_bytes, void *user) {
  (void)user;
  br_session_count_skipped(pc_session_user(pipe_end), size_bytes);
}

static void on_written(pc_session *pipe_end, uint64_t tag, pc_status status, void *user) {
  pipe_entry *pipe = user;
  (void)pipe_end;
  if (tag != 0) { /* replies are not waited for */
    br_injection_written(pipe->owner, tag, status);
  }
}

static void on_disconnected(pc_session *pipe_end, pc_close_reason reason, pc_status status,
                            void *user) {
  pipe_entry *pipe = user;
  pipe_session *session = pc_session_user(pipe_end);
  if (!session) {
    return; /* refused for want of memory: nobody was told of it */
  }
  br_session_explain_end(session, status);
  br_closed closed = {.reason = (int32_t)reason, .status = (int32_t)status, .info = session->info};
  br_event event = {.kind = BR_EVENT_CLOSED,
                    .pipe = pipe->index,
                    .session = session->id,
                    .size_bytes = sizeof closed};
  br_emit_always(pipe->owner, &event, &closed);
  session_unlink(session);
  (void)br_id_table_remove(&pipe->owner->sessions, session->id);
  if (session->is_paused) {
    session->is_closed = true; /* pipes_resume frees it */
  } else {
    free(session);
  }
}

/* "access denied: Permission denied; the folder must …" */
static void failure_format(const pc_failure *failure, char *out_text, size_t size) {
  char native[128] = "";
  if (failure->native) {
    pc_native_text(failure->native, native, sizeof native);
  }
  (void)snprintf(out_text, size, "%s%s%s%s%s", pc_status_text(failure->status),
                 failure->native ? ": " : "", native, failure->advice ? "; " : "",
                 failure->advice ? failure->advice : "");
}

static void on_error(pc_server *server, const pc_failure *failure, void *user) {
  pipe_entry *pipe = user;
  char text[FAILURE_TEXT_BYTES];
  (void)server;
  failure_format(failure, text, sizeof text);
  br_emit_error(pipe->owner, pipe->index, 0, "%s on pipe %s: %s", failure->action,
                pipe->config->name, text);
}

static void on_stopped(pc_server *server, void *user) {
  pipe_entry *pipe = user;
  (void)server;
  pipe->owner->running_count--;
}

/* ---- the loop's agent ---- */

static void tell_reader(br_pipes *pipes) {
  if (pipes->out.has_pushed) {
    pipes->out.has_pushed = false;
    if (br_queue_wake_needed(pipes->out.queue)) {
      pipes->options.wake_reader(pipes->options.user);
    }
  }
}

static bool agent_do_work(void *user) {
  br_pipes *pipes = user;
  size_t handled =
      br_queue_drain(pipes->options.commands, COMMAND_BATCH_BYTES, br_command_handle, pipes);
  pipes_resume(pipes);
  tell_reader(pipes);
  if (pipes->is_stopping && pipes->running_count == 0 && !pipes->out.overdue_first) {
    pc_loop_stop(pipes->loop);
  }
  return handled > 0;
}

static bool agent_prepare_sleep(void *user) {
  br_pipes *pipes = user;
  if (has_waiting(pipes) && !br_queue_prepare_wait(pipes->out.queue)) {
    return false;
  }
  return br_queue_prepare_sleep(pipes->options.commands);
}

static void agent_awake(void *user) {
  br_pipes *pipes = user;
  br_queue_awake(pipes->options.commands);
}

/* ---- life ---- */

static bool pipe_start(pipe_entry *pipe, char *error, size_t error_size) {
  const br_pipe_config *config = pipe->config;
  pc_server_options options = {
      .path = config->path,
      .type = config->type,
      .framing = config->framing,
      .limits = config->limits,
      .oversize = config->oversize,
      .security = config->security,
      .on = {.session = {.on_connected = on_connected,
                         .on_message = on_message,
                         .on_skipped = on_skipped,
                         .on_written = on_written,
                         .on_disconnected = on_disconnected},
             .on_error = on_error,
             .on_stopped = on_stopped},
      .user = pipe,
  };
  pc_failure failure = {0};
  pc_status status = pc_server_start(pipe->owner->loop, &options, &pipe->server, &failure);
  if (status == PC_OK) {
    pipe->owner->running_count++;
    return true;
  }
  char text[FAILURE_TEXT_BYTES];
  failure_format(&failure, text, sizeof text);
  (void)snprintf(error, error_size, "pipe %s: %s %s: %s", config->name, failure.action,
                 config->path, text);
  return false;
}

static void stop_routine(pc_posted *posted, void *user) {
  br_pipes *pipes = user;
  (void)posted;
  pipes->is_stopping = true;
  for (size_t index = 0; index < pipes->pipe_count; index++) {
    if (pipes->pipes[index].server) {
      pc_server_stop(pipes->pipes[index].server, STOP_DRAIN_MS);
    }
  }
}

static bool pipes_open_loop(br_pipes *pipes, char *error, size_t error_size) {
  pc_loop_options options = {.backend = pipes->options.config->pipe_thread.backend,
                             .agent = {.do_work = agent_do_work,
                                       .prepare_sleep = agent_prepare_sleep,
                                       .awake = agent_awake,
                                       .user = pipes}};
  pc_status status = pc_loop_create(&options, &pipes->loop);
  if (status != PC_OK) {
    (void)snprintf(error, error_size, "cannot make the pipe loop: %s", pc_status_text(status));
    return false;
  }
  pipes->out.run_start_ns = pc_loop_now_ns(pipes->loop);
  return true;
}

br_pipes *br_pipes_create(const br_pipes_options *options, char *error, size_t error_size) {
  size_t count = options->config->pipe_count;
  br_pipes *pipes = calloc(1, sizeof *pipes);
  if (!pipes) {
    (void)snprintf(error, error_size, "out of memory");
    return NULL;
  }
  pipes->options = *options;
  pipes->out.queue = options->events;
  pipes->next_session_id = 1;
  pipes->pipe_count = count;
  pipes->stop_request = (pc_posted){.routine = stop_routine, .user = pipes};
  pipes->answer_timer = (pc_timer){.routine = br_injection_timer, .user = pipes};
  pipes->pipes = calloc(count + 1, sizeof *pipes->pipes);
  pipes->counters = calloc(count + 1, sizeof *pipes->counters);
  if (!pipes->pipes || !pipes->counters) {
    (void)snprintf(error, error_size, "out of memory");
    br_pipes_destroy(pipes);
    return NULL;
  }
  bool is_ready = pipes_open_loop(pipes, error, error_size);
  for (size_t index = 0; is_ready && index < count; index++) {
    pipes->pipes[index] = (pipe_entry){.owner = pipes,
                                       .config = &options->config->pipes[index],
                                       .counters = &pipes->counters[index],
                                       .index = (uint16_t)index};
    is_ready = pipe_start(&pipes->pipes[index], error, error_size);
  }
  if (!is_ready) {
    br_pipes_destroy(pipes);
    return NULL;
  }
  return pipes;
}

void br_pipes_run(br_pipes *pipes) {
  if (pc_loop_run(pipes->loop) != PC_OK) {
    br_give_up("the pipe thread's wait failed: no pipe could be served or stopped any more");
  }
}

void br_pipes_stop(br_pipes *pipes) {
  pc_post(pipes->loop, &pipes->stop_request);
}

/* Endpoints that were made but never served: their servers stop here, on the creating thread. */
static void pipes_stop_unserved(br_pipes *pipes) {
  if (pipes->pipes && pipes->running_count > 0) {
    stop_routine(&pipes->stop_request, pipes);
    br_pipes_run(pipes);
  }
}

void br_pipes_destroy(br_pipes *pipes) {
  if (!pipes) {
    return;
  }
  if (pipes->loop) {
    pipes_stop_unserved(pipes);
    pc_timer_stop(pipes->loop, &pipes->answer_timer);
  }
  for (size_t index = 0; pipes->pipes && index < pipes->pipe_count; index++) {
    pc_server_destroy(pipes->pipes[index].server);
  }
  pc_loop_destroy(pipes->loop);
  while (pipes->paused) { /* only closed ones are left */
    pipe_session *session = pipes->paused;
    pipes->paused = session->next_paused;
    free(session);
  }
  br_injection_fini(pipes);
  br_emit_fini(pipes);
  br_id_table_fini(&pipes->sessions);
  free(pipes->counters);
  free(pipes->pipes);
  free(pipes);
}

void br_pipes_wake(br_pipes *pipes) {
  pc_loop_wake(pipes->loop);
}

uint64_t br_pipes_turn_count(const br_pipes *pipes) {
  return pc_loop_turn_count(pipes->loop);
}

bool br_pipes_refusal(const br_pipes *pipes, char *out_text, size_t size) {
  const pc_failure *refusal = pc_loop_refusal(pipes->loop);
  if (!refusal) {
    return false;
  }
  char text[FAILURE_TEXT_BYTES];
  failure_format(refusal, text, sizeof text);
  (void)snprintf(out_text, size, "%s, not io_uring: %s: %s", pc_loop_backend_name(pipes->loop),
                 refusal->action, text);
  return true;
}

const br_counters *br_pipes_counters(const br_pipes *pipes) {
  return pipes->counters;
}
