/* Watching descriptors by epoll, and with that FIFOs. The loop's thread.
 *
 * Success: as with sockets the kernel's interest stays when something was told, and goes when it tells what
 * nobody waits for: who reads on and on needs no epoll_ctl.
 * Failures: no memory to register (told by `want`). */
#include <stdlib.h>

#include "../src/check.h"
#include "epoll.h"
#include "fifo.h"
#include "watch.h"

_Static_assert(EPOLLIN == POLLIN && EPOLLOUT == POLLOUT, "epoll and poll name events alike");

enum { BOTH = EPOLLIN | EPOLLOUT };

typedef struct epoll_watch {
  pc_watch watch;
  epoll_source source;
  pc_backend_state *state;
  uint32_t wanted;
} epoll_watch;

static const pc_watching watching;

static pc_watch *watch_create(pc_backend_state *state) {
  epoll_watch *watch = calloc(1, sizeof *watch);
  if (!watch) {
    return NULL;
  }
  watch->watch = (pc_watch){.by = &watching, .fd = -1};
  watch->source = (epoll_source){.kind = EPOLL_WATCH, .fd = -1};
  watch->state = state;
  return &watch->watch;
}

static pc_status watch_want(pc_watch *opaque, short events) {
  epoll_watch *watch = PC_CONTAINER_OF(opaque, epoll_watch, watch);
  watch->source.fd = watch->watch.fd;
  uint32_t wanted = (uint32_t)events;
  pc_status status = pc_epoll_want(watch->state, &watch->source, wanted);
  if (status == PC_OK) {
    watch->wanted |= wanted;
  }
  return status;
}

static void watch_close(pc_watch *opaque) {
  epoll_watch *watch = PC_CONTAINER_OF(opaque, epoll_watch, watch);
  pc_epoll_forget(watch->state, &watch->source);
  watch->watch.on_closed(&watch->watch);
  free(watch);
}

void pc_epoll_watch_event(pc_backend_state *state, epoll_source *source, uint32_t events) {
  epoll_watch *watch = PC_CONTAINER_OF(source, epoll_watch, source);
  bool is_hung_up = (events & (EPOLLHUP | EPOLLERR)) != 0;
  uint32_t told = watch->wanted & (is_hung_up ? (uint32_t)BOTH : events);
  if (told == 0 && is_hung_up) {
    pc_epoll_forget(state, source);
    return;
  }
  pc_epoll_drop(state, source, events & (uint32_t)BOTH & ~told);
  if (told != 0) {
    watch->wanted &= ~told;
    watch->watch.on_ready(&watch->watch, (short)told);
  }
}

static const pc_watching watching = {
    .create = watch_create, .want = watch_want, .close = watch_close};

static pc_status fifo_listen(pc_backend_state *state, const pc_listen *listen,
                             pc_listener **out_listener, pc_failure *out_failure) {
  return pc_fifo_listen(state->loop, &watching, listen, out_listener, out_failure);
}

const pc_backend pc_backend_epoll_fifo = {
    .name = "epoll",
    .listen = fifo_listen,
    .accept = pc_fifo_accept,
    .unlisten = pc_fifo_unlisten,
    .read = pc_fifo_read,
    .write = pc_fifo_write,
    .end_output = pc_fifo_end_output,
    .cancel = pc_fifo_cancel,
    .close = pc_fifo_channel_close,
};
