/* The pipe thread: one alertable loop that serves every configured pipe.
 *
 * Success: each pipe starts in its role and has sessions (pipe_sessions.c); between two waits the
 * commands are taken, paused sessions go on, and the reader is told once of all there is. Failures:
 * an endpoint that cannot be made → start-up error; the loop's wait → the end of the program. */
#include "bridge/pipes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "host.h"
#include "pipes_private.h"

enum { COMMAND_BATCH_BYTES = 256 * 1024, STOP_DRAIN_MS = 500 };

void br_pipes_made_room(br_pipes *pipes) {
  if (br_queue_room_wanted(pipes->out.queue)) {
    pc_loop_wake(pipes->loop);
  }
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
  size_t handled = 0;
  if (!pipes->out.overdue_first) { /* what commands bring forth must not pile up in memory */
    handled =
        br_queue_drain(pipes->options.commands, COMMAND_BATCH_BYTES, br_command_handle, pipes);
  }
  if (handled > 0 && br_queue_room_wanted(pipes->options.commands)) {
    pipes->options.wake_reader(pipes->options.user);
  }
  br_privates_sweep(pipes);
  if (handled > 0 || pipes->out.has_pushed) {
    br_spin_note(&pipes->spin, pc_loop_now_ns(pipes->loop));
  }
  br_pipes_reap(pipes);
  br_pipes_resume(pipes);
  tell_reader(pipes);
  if (pipes->is_stopping && pipes->running_count == 0 && !pipes->out.overdue_first) {
    pc_loop_stop(pipes->loop);
  }
  return handled > 0;
}

static bool agent_prepare_sleep(void *user) {
  br_pipes *pipes = user;
  if (br_spin_goes_on(&pipes->spin, pc_loop_now_ns(pipes->loop))) {
    br_host_yield();
    return false;
  }
  if (pipes->out.is_full && !br_queue_prepare_wait(pipes->out.queue)) {
    return false;
  }
  /* With records overdue no command is taken: the room for them is what brings the next turn. */
  return pipes->out.overdue_first || br_queue_prepare_sleep(pipes->options.commands);
}

static void agent_awake(void *user) {
  br_pipes *pipes = user;
  br_queue_awake(pipes->options.commands);
}

/* ---- life ---- */

static void stop_routine(pc_posted *posted, void *user) {
  br_pipes *pipes = user;
  (void)posted;
  pipes->is_stopping = true;
  for (pipe_entry *pipe = pipes->first; pipe; pipe = pipe->next) {
    if (!pipe->is_removed) {
      pipe->role->stop(pipe, STOP_DRAIN_MS);
    }
  }
}

static bool pipes_open_loop(br_pipes *pipes, char *error, size_t error_size) {
  pc_loop_options options = {.strategy = pipes->options.config->pipe_thread.strategy,
                             .backend = pipes->options.config->pipe_thread.backend,
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
  pipes->spin.limit_ns = (uint64_t)pipes->options.config->events.spin_us * 1000;
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
  pipes->stop_request = (pc_posted){.routine = stop_routine, .user = pipes};
  pipes->answer_timer = (pc_timer){.routine = br_injection_timer, .user = pipes};
  pipes->by_index = calloc(BR_PIPE_INDEXES, sizeof *pipes->by_index);
  if (!pipes->by_index) {
    (void)snprintf(error, error_size, "out of memory");
    br_pipes_destroy(pipes);
    return NULL;
  }
  bool is_ready = pipes_open_loop(pipes, error, error_size);
  for (size_t index = 0; is_ready && index < count; index++) {
    pipe_entry *pipe;
    is_ready = br_pipe_start(pipes, &options->config->pipes[index], (uint16_t)index, &pipe, error,
                             error_size) == PC_OK;
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
  if (pipes->running_count > 0) {
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
  br_privates_sweep(pipes);
  br_pipes_release(pipes);
  while (br_queue_drain(pipes->options.commands, COMMAND_BATCH_BYTES, br_command_release, NULL) >
         0) {
  }
  pc_loop_destroy(pipes->loop);
  br_overflow_fini(pipes);
  br_injection_fini(pipes);
  br_emit_fini(pipes);
  br_id_table_fini(&pipes->sessions);
  free(pipes->by_index);
  free(pipes);
}

void br_pipes_wake(br_pipes *pipes) {
  pc_loop_wake(pipes->loop);
}

uint64_t br_pipes_turn_count(const br_pipes *pipes) {
  return pc_loop_turn_count(pipes->loop);
}

const char *br_pipes_backend_name(const br_pipes *pipes) {
  return pc_loop_backend_name(pipes->loop);
}

bool br_pipes_refusal(const br_pipes *pipes, char *out_text, size_t size) {
  const pc_failure *refusal = pc_loop_refusal(pipes->loop);
  if (!refusal) {
    return false;
  }
  char text[BR_FAILURE_TEXT_BYTES];
  br_failure_format(refusal, text, sizeof text);
  (void)snprintf(out_text, size, "%s, not io_uring: %s: %s", pc_loop_backend_name(pipes->loop),
                 refusal->action, text);
  return true;
}

const br_pipe_live *br_pipes_live(const br_pipes *pipes, size_t index) {
  return pipes->by_index[index]->live;
}
