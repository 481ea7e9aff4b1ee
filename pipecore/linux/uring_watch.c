/* Watching descriptors by io_uring, and with that FIFOs. The loop's thread.
 *
 * Success: a poll in the kernel for each event that is wanted; its completion tells. Who reads on and on has one
 * submission for each read, and no call for it. Reading itself is a call: a FIFO has no way to wait in the
 * kernel that does not take one of its threads.
 * Closing: what is in the kernel is cancelled; the watch is gone with the last completion, since until then
 * the kernel holds the descriptor's file open.
 * Failures: none told; a poll that the kernel gave up is asked for again. */
#include <poll.h>
#include <stdlib.h>

#include "../src/check.h"
#include "fifo.h"
#include "uring.h"
#include "watch.h"

typedef struct uring_watch {
  uring_source source;
  pc_watch watch;
  pc_backend_state *state;
  short wanted;
  short polled; /* in the kernel */
  bool is_closing;
  bool is_cancelled;
} uring_watch;

static const pc_watching watching;

static uring_watch *watch_of(pc_watch *watch) {
  return PC_CONTAINER_OF(watch, uring_watch, watch);
}

static pc_watch *watch_create(pc_backend_state *state) {
  uring_watch *watch = calloc(1, sizeof *watch);
  if (!watch) {
    return NULL;
  }
  watch->source.kind = URING_OF_WATCH;
  watch->watch = (pc_watch){.by = &watching, .fd = -1};
  watch->state = state;
  return &watch->watch;
}

static pc_status watch_want(pc_watch *opaque, short events) {
  uring_watch *watch = watch_of(opaque);
  watch->wanted |= events;
  pc_uring_list(watch->state, &watch->source);
  return PC_OK;
}

static void watch_close(pc_watch *opaque) {
  uring_watch *watch = watch_of(opaque);
  watch->wanted = 0;
  watch->is_closing = true;
  pc_uring_list(watch->state, &watch->source);
}

static uring_tag tag_of(short event) {
  return event == POLLIN ? URING_READ : URING_WRITABLE;
}

static void poll_start(uring_watch *watch, short event) {
  if ((watch->wanted & event) && !(watch->polled & event)) {
    struct io_uring_sqe *sqe = pc_uring_submission(watch->state, &watch->source);
    io_uring_prep_poll_add(sqe, watch->watch.fd, (unsigned)event);
    pc_uring_tag(sqe, &watch->source, tag_of(event));
    watch->polled |= event;
  }
}

static void poll_cancel(uring_watch *watch, short event) {
  if (watch->polled & event) {
    pc_uring_cancel_tagged(watch->state, &watch->source, tag_of(event));
  }
}

void pc_uring_watch_start(uring_source *source) {
  uring_watch *watch = PC_CONTAINER_OF(source, uring_watch, source);
  if (!watch->is_closing) {
    poll_start(watch, POLLIN);
    poll_start(watch, POLLOUT);
  } else if (source->in_flight == 0) {
    watch->watch.on_closed(&watch->watch);
    free(watch);
  } else if (!watch->is_cancelled) {
    watch->is_cancelled = true;
    poll_cancel(watch, POLLIN);
    poll_cancel(watch, POLLOUT);
  }
}

void pc_uring_watch_complete(uring_source *source, uring_tag tag, const struct io_uring_cqe *cqe) {
  uring_watch *watch = PC_CONTAINER_OF(source, uring_watch, source);
  short event = tag == URING_READ ? POLLIN : POLLOUT;
  watch->polled &= (short)~event;
  if (cqe->res >= 0 && (watch->wanted & event)) {
    watch->wanted &= (short)~event;
    watch->watch.on_ready(&watch->watch, event);
  }
  pc_uring_list(watch->state, source);
}

static const pc_watching watching = {
    .create = watch_create, .want = watch_want, .close = watch_close};

static pc_status fifo_listen(pc_backend_state *state, const pc_listen *listen,
                             pc_listener **out_listener, pc_failure *out_failure) {
  return pc_fifo_listen(state->loop, &watching, listen, out_listener, out_failure);
}

const pc_backend pc_backend_uring_fifo = {
    .name = "io_uring",
    .listen = fifo_listen,
    .accept = pc_fifo_accept,
    .unlisten = pc_fifo_unlisten,
    .read = pc_fifo_read,
    .write = pc_fifo_write,
    .end_output = pc_fifo_end_output,
    .cancel = pc_fifo_cancel,
    .close = pc_fifo_channel_close,
};
