/* Pipes that come, change and go while the others are served. Pipe thread.
 *
 * Success: what a command brought is the pipe's, and a pipe event hands it to the HTTP thread, in
 * its place between the events of sessions. What is not used any more goes back with the event that
 * says so. Failures: whatever keeps an endpoint from being made, or a change from being applied:
 * the configuration goes back with what, where and what to do, and nothing else has happened. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "pipes_private.h"

static const pipe_role *const roles[] = {[BR_ROLE_SERVER] = &br_role_server,
                                         [BR_ROLE_CLIENT] = &br_role_client,
                                         [BR_ROLE_TAP] = &br_role_tap};

static void entry_destroy(pipe_entry *pipe) {
  br_pipe_config_destroy(pipe->owned_config);
  free(pipe->live);
  free(pipe);
}

static void entry_link(pipe_entry *pipe) {
  br_pipes *pipes = pipe->owner;
  *(pipes->last ? &pipes->last->next : &pipes->first) = pipe;
  pipe->previous = pipes->last;
  pipes->last = pipe;
  pipes->by_index[pipe->index] = pipe;
}

static void entry_unlink(pipe_entry *pipe) {
  br_pipes *pipes = pipe->owner;
  *(pipe->previous ? &pipe->previous->next : &pipes->first) = pipe->next;
  *(pipe->next ? &pipe->next->previous : &pipes->last) = pipe->previous;
  pipes->by_index[pipe->index] = NULL;
}

pc_status br_pipe_start(br_pipes *pipes, const br_pipe_config *config, uint16_t index,
                        pipe_entry **out_pipe, char *error, size_t error_size) {
  pipe_entry *pipe = calloc(1, sizeof *pipe);
  br_pipe_live *live = calloc(1, sizeof *live);
  if (!pipe || !live) {
    free(pipe);
    free(live);
    (void)snprintf(error, error_size, "pipe %s: out of memory", config->name);
    return PC_E_NO_MEMORY;
  }
  *pipe = (pipe_entry){.owner = pipes,
                       .config = config,
                       .role = roles[config->role],
                       .live = live,
                       .counters = &live->counters,
                       .link = &live->link,
                       .index = index};
  pc_failure failure = {0};
  if (!pipe->role->start(pipe, &failure)) {
    char text[BR_FAILURE_TEXT_BYTES];
    br_failure_format(&failure, text, sizeof text);
    (void)snprintf(error, error_size, "pipe %s: %s %s: %s", config->name, failure.action,
                   config->path, text);
    entry_destroy(pipe);
    return failure.status;
  }
  entry_link(pipe);
  pipes->running_count++;
  *out_pipe = pipe;
  return PC_OK;
}

/* ---- what is told ---- */

static void change_tell(br_pipes *pipes, br_event_kind kind, const pipe_entry *pipe,
                        const br_command *command, const br_pipe_handover *handover) {
  br_event event = {.kind = (uint8_t)kind, .pipe = pipe->index, .size_bytes = sizeof *handover};
  br_emit_always(pipes, &event, handover);
  br_injection_answer(pipes, command, (br_result){.targets = 0});
}

static void change_refuse(br_pipes *pipes, const br_command *command, br_pipe_refusal *refusal) {
  br_event record = {.kind = BR_RECORD_PIPE_REFUSED,
                     .pipe = command->pipe,
                     .command_id = command->id,
                     .size_bytes = sizeof *refusal};
  br_emit_always(pipes, &record, refusal);
  br_injection_answer(pipes, command, (br_result){.pipe_refused = 1});
}

static void refusal_write(br_pipe_refusal *refusal, const br_pipe_config *config,
                          const pc_failure *failure) {
  char text[BR_FAILURE_TEXT_BYTES];
  br_failure_format(failure, text, sizeof text);
  (void)snprintf(refusal->text, sizeof refusal->text, "pipe %s: %s: %s", config->name,
                 failure->action, text);
}

/* ---- commands ---- */

static br_pipe_config *command_config(const br_command *command) {
  br_pipe_config *config = NULL;
  if (command->kind != BR_COMMAND_PIPE_REMOVE) {
    memcpy(&config, br_command_payload(command), sizeof config);
  }
  return config;
}

static void pipe_add(br_pipes *pipes, const br_command *command) {
  br_pipe_refusal refusal = {.config = command_config(command)};
  pipe_entry *pipe = NULL;
  refusal.status =
      br_pipe_start(pipes, refusal.config, command->pipe, &pipe, refusal.text, sizeof refusal.text);
  if (!pipe) {
    change_refuse(pipes, command, &refusal);
    return;
  }
  pipe->owned_config = refusal.config;
  change_tell(pipes, BR_EVENT_PIPE_ADDED, pipe, command,
              &(br_pipe_handover){.config = pipe->config, .live = pipe->live});
}

static void pipe_change(pipe_entry *pipe, const br_command *command) {
  br_pipe_refusal refusal = {.config = command_config(command)};
  const br_pipe_config *config = refusal.config;
  pc_session_change change = {
      .framing = config->framing, .limits = config->limits, .oversize = config->oversize};
  pc_failure failure = {0};
  refusal.status = pipe->role->change(pipe, &change, &failure);
  if (refusal.status != PC_OK) {
    refusal_write(&refusal, config, &failure);
    change_refuse(pipe->owner, command, &refusal);
    return;
  }
  br_pipe_handover handover = {.config = config, .old_config = pipe->owned_config};
  pipe->config = pipe->owned_config = refusal.config;
  change_tell(pipe->owner, BR_EVENT_PIPE_CHANGED, pipe, command, &handover);
}

static void pipe_remove(pipe_entry *pipe, const br_command *command) {
  uint32_t drain_ms;
  memcpy(&drain_ms, br_command_payload(command), sizeof drain_ms);
  pipe->is_removed = true;
  pipe->remove_command = *command;
  pipe->role->stop(pipe, drain_ms);
}

void br_command_pipe(br_pipes *pipes, const br_command *command) {
  if (pipes->is_stopping) {
    br_pipe_refusal refusal = {.config = command_config(command), .status = PC_E_ABORTED};
    (void)snprintf(refusal.text, sizeof refusal.text, "the bridge is ending");
    change_refuse(pipes, command, &refusal);
    return;
  }
  if (command->kind == BR_COMMAND_PIPE_ADD) {
    pipe_add(pipes, command);
    return;
  }
  pipe_entry *pipe = pipes->by_index[command->pipe];
  BR_CHECK(pipe && !pipe->is_removed); /* the HTTP thread asks once, of one in its list */
  if (command->kind == BR_COMMAND_PIPE_CHANGE) {
    pipe_change(pipe, command);
  } else {
    pipe_remove(pipe, command);
  }
}

void br_command_release(const void *record, size_t size, void *user) {
  const br_command *command = record;
  (void)size;
  (void)user;
  if (command->kind == BR_COMMAND_PIPE_ADD || command->kind == BR_COMMAND_PIPE_CHANGE) {
    br_pipe_config_destroy(command_config(command));
  }
}

/* ---- the end of one ---- */

void br_pipe_stopped(pipe_entry *pipe) {
  br_pipes *pipes = pipe->owner;
  pipes->running_count--;
  pipe->next_stopped = pipes->stopped;
  pipes->stopped = pipe;
}

/* Not inside its last callback, where it may not be destroyed. Of a pipe that ends with the bridge
 * the HTTP thread knows no end: it may look at it as long as it runs. */
void br_pipes_reap(br_pipes *pipes) {
  while (pipes->stopped) {
    pipe_entry *pipe = pipes->stopped;
    pipes->stopped = pipe->next_stopped;
    pipe->role->destroy(pipe);
    if (!pipe->is_removed) {
      pipes->by_index[pipe->index] = NULL; /* for commands that still come */
      continue;
    }
    entry_unlink(pipe);
    change_tell(pipes, BR_EVENT_PIPE_REMOVED, pipe, &pipe->remove_command,
                &(br_pipe_handover){.old_config = pipe->owned_config, .old_live = pipe->live});
    pipe->owned_config = NULL;
    pipe->live = NULL;
    entry_destroy(pipe);
  }
}

void br_pipes_release(br_pipes *pipes) {
  br_pipes_reap(pipes);
  pipe_entry *next;
  for (pipe_entry *pipe = pipes->first; pipe; pipe = next) {
    next = pipe->next;
    entry_destroy(pipe);
  }
  pipes->first = pipes->last = NULL;
}
