/* Waiting for somebody at the other end of a FIFO. The loop's thread.
 *
 * Success, reading: a reading end of its own for each accept, opened when it is issued, since only
 * such a one tells a writer that came from then on; it is readable, or hung up → a channel.
 * Writing: our end cannot be opened while nobody reads, and nothing tells that somebody does: it is
 * tried every LOOK_MS. A reader that waits in its open counts. After an episode the first try waits
 * too, so that its readers see the end of their input before there is a new writer. Failures:
 * descriptors, memory, a mode that was changed (told with the accept). */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "../src/check.h"
#include "fifo.h"
#include "system.h"

enum { LOOK_MS = 50 };

struct pc_listener {
  pc_loop *loop;
  pc_watch_set *watches;
  pc_fifo fifo;
  pc_accept *accept;     /* pending or ready */
  pc_fifo_channel *next; /* of the next accept; inbound: its watch waits for a writer */
  pc_timer look_timer;   /* outbound */
  bool has_accepted;
};

static void next_on_ready(pc_watch *watch, uint32_t events);

/* ---- the accept ---- */

/* True: the accept is over, with `status`. */
static bool accept_end(pc_listener *listener, pc_status status, int native) {
  pc_accept *accept = listener->accept;
  listener->accept = NULL;
  accept->failure = (pc_failure){.status = status, .native = native};
  accept->operation.status = status;
  return true;
}

static bool accept_perform(pc_operation *operation) {
  pc_listener *listener = operation->target;
  pc_accept *accept = listener->accept;
  pc_fifo_channel *channel = listener->next;
  listener->next = NULL;
  listener->has_accepted = true;
  pc_fifo_channel_begin(channel);
  accept->channel = (pc_channel *)(void *)channel;
  accept->peer = (pc_peer){.pid = -1, .uid = -1, .gid = -1};
  return accept_end(listener, PC_OK, 0);
}

/* The channel of the next accept. False: no memory. */
static bool next_ensure(pc_listener *listener) {
  if (!listener->next) {
    listener->next =
        pc_fifo_channel_create(listener->loop, listener->watches, listener->fifo.access);
  }
  if (!listener->next) {
    return false;
  }
  listener->next->watch.user = listener;
  listener->next->watch.on_ready = next_on_ready;
  return true;
}

/* ---- reading: until there is something to read ---- */

static void next_on_ready(pc_watch *watch, uint32_t events) {
  pc_listener *listener = watch->user;
  (void)events;
  if (listener->accept && listener->accept->operation.state == PC_OPERATION_PENDING) {
    pc_loop_complete_by(listener->loop, &listener->accept->operation, accept_perform);
  }
}

/* PC_OK: it is waited for. */
static pc_status writer_await(pc_listener *listener, int *out_native) {
  *out_native = 0;
  if (!next_ensure(listener)) {
    return PC_E_NO_MEMORY;
  }
  pc_watch *watch = &listener->next->watch;
  if (watch->fd < 0) {
    watch->fd = pc_fifo_open_end(&listener->fifo);
  }
  if (watch->fd < 0) {
    *out_native = errno;
    return pc_linux_status(errno);
  }
  return pc_watch_want(watch, EPOLLIN);
}

/* ---- writing: until our end can be opened ---- */

/* PC_OK: a reader is there. PC_AGAIN: none yet. */
static pc_status reader_look(pc_listener *listener, int *out_native) {
  *out_native = 0;
  if (!next_ensure(listener)) {
    return PC_E_NO_MEMORY;
  }
  int fd = pc_fifo_open_end(&listener->fifo);
  if (fd >= 0) {
    listener->next->watch.fd = fd;
    return PC_OK;
  }
  *out_native = errno;
  return errno == ENXIO ? PC_AGAIN : pc_linux_status(errno);
}

static void accept_fail(pc_listener *listener, pc_status status, int native) {
  pc_operation *operation = &listener->accept->operation;
  accept_end(listener, status, native);
  pc_loop_complete(listener->loop, operation, status);
}

static void reader_await(pc_listener *listener) {
  int native;
  pc_status status = reader_look(listener, &native);
  if (status == PC_AGAIN) {
    pc_timer_start_reserved(listener->loop, &listener->look_timer, LOOK_MS);
  } else if (status == PC_OK) {
    pc_loop_complete_by(listener->loop, &listener->accept->operation, accept_perform);
  } else {
    accept_fail(listener, status, native);
  }
}

static void look_on_timer(pc_timer *timer, void *user) {
  (void)timer;
  reader_await(user);
}

/* ---- both ---- */

void pc_fifo_accept(pc_listener *listener, pc_accept *accept) {
  pc_loop *loop = listener->loop;
  PC_CHECK(listener->accept == NULL);
  pc_loop_issue(loop, &accept->operation, listener);
  listener->accept = accept;
  if (listener->fifo.access == PC_ACCESS_INBOUND) {
    int native;
    pc_status status = writer_await(listener, &native);
    if (status != PC_OK) {
      accept_fail(listener, status, native);
    }
  } else if (listener->has_accepted) {
    pc_timer_start_reserved(loop, &listener->look_timer, LOOK_MS);
  } else {
    reader_await(listener);
  }
}

pc_status pc_fifo_listen(pc_loop *loop, pc_watch_set *watches, const pc_listen *listen,
                         pc_listener **out_listener, pc_failure *out_failure) {
  *out_failure = (pc_failure){.status = PC_E_NO_MEMORY, .action = "listen"};
  pc_listener *listener = calloc(1, sizeof *listener);
  if (!listener || !pc_loop_reserve_timers(loop, 1)) {
    free(listener);
    return PC_E_NO_MEMORY;
  }
  pc_status status = pc_fifo_open(listen, &listener->fifo, out_failure);
  if (status != PC_OK) {
    pc_loop_release_timers(loop, 1);
    free(listener);
    return status;
  }
  listener->loop = loop;
  listener->watches = watches;
  listener->look_timer = (pc_timer){.routine = look_on_timer, .user = listener};
  *out_listener = listener;
  return PC_OK;
}

void pc_fifo_unlisten(pc_listener *listener, pc_operation *done) {
  pc_loop *loop = listener->loop;
  pc_loop_issue(loop, done, NULL);
  if (listener->accept) {
    pc_loop_abort(loop, &listener->accept->operation);
  }
  pc_timer_stop(loop, &listener->look_timer);
  pc_loop_release_timers(loop, 1);
  pc_fifo_channel_discard(listener->next);
  pc_fifo_close(&listener->fifo);
  free(listener);
  pc_loop_complete(loop, done, PC_OK);
}
