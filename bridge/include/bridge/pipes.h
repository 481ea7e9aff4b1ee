/* br_pipes: every pipe on the pipe thread: those of the configuration, and those that commands
 * bring and take. What their clients say becomes records in the event queue; what observers ask for
 * comes as commands from the command queue.
 *
 * The event queue full: the sessions that had something to say stop reading, and their clients feel
 * ordinary pipe backpressure. Once the reader has brought the queue down to half, they go on.
 * Nothing is lost. */
#ifndef BRIDGE_PIPES_H
#define BRIDGE_PIPES_H

#include <stddef.h>
#include <stdint.h>

#include "bridge/config.h"
#include "bridge/counters.h"
#include "bridge/queue.h"

typedef struct br_pipes br_pipes;

typedef struct br_pipes_options {
  const br_config *config;         /* must outlive the pipes                                 */
  br_queue *events;                /* written here; read by the HTTP thread                  */
  br_queue *commands;              /* read here; written by the HTTP thread                  */
  void (*wake_reader)(void *user); /* the reader of `events` sleeps and must look, or who writes
                                    * `commands` waits and there is room; any thread */
  void *user;
} br_pipes_options;

/* Makes the endpoints; from here on clients can connect, and are served once br_pipes_run runs. On
 * failure NULL, and `error` says what, where and what to do. */
br_pipes *br_pipes_create(const br_pipes_options *options, char *error, size_t error_size);
/* Serves until br_pipes_stop; its thread is the pipe thread. */
void br_pipes_run(br_pipes *pipes);
/* Ends in order: sessions flush and close, endpoints are removed, br_pipes_run returns. Any
 * thread. */
void br_pipes_stop(br_pipes *pipes);
/* After br_pipes_run has returned (or was never called). Accepts NULL. */
void br_pipes_destroy(br_pipes *pipes);

/* Any thread: there are new commands. */
void br_pipes_wake(br_pipes *pipes);
/* The reader of the event queue, after each drain: lets paused sessions go on if there is room
 * again. */
void br_pipes_made_room(br_pipes *pipes);
/* Any thread: turns of the loop so far; a wake-up makes it grow, unless the thread is stuck. */
uint64_t br_pipes_turn_count(const br_pipes *pipes);
/* What serves the pipes: "epoll", "io_uring", "threads", … Any thread. */
const char *br_pipes_backend_name(const br_pipes *pipes);
/* What serves the pipes in place of the backend that was wished for, and why; false: nothing does.
 * Any thread. */
bool br_pipes_refusal(const br_pipes *pipes, char *out_text, size_t size);
/* Of pipe `index` of the configuration. Before br_pipes_run. */
const br_pipe_live *br_pipes_live(const br_pipes *pipes, size_t index);

#endif
