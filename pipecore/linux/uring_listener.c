/* Accepting by io_uring. The loop's thread.
 *
 * Success: accepts wait in the kernel while the owner has room: one that goes on (multishot) where
 * the owner would take whatever a full completion queue can bring, else as many single ones as it
 * has room for, up to URING_ACCEPTS. So no client is ever taken that would have to wait here
 * instead of in the backlog. Accepted descriptors wait in order for the owner's accepts; a
 * descriptor becomes a channel in the turn of its accept. Failures: descriptors or memory (told
 * with the accept); a client that went away again (looked over). When nobody accepts, the kernel's
 * accepts are cancelled. The endpoint is closed after their last completion. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../src/check.h"
#include "peer.h"
#include "system.h"
#include "uring.h"

enum {
  MANY = URING_COMPLETIONS + 1, /* a multishot brings so many at most between two looks */
  MANY_CAPACITY = 2 * MANY
};

struct pc_listener {
  uring_source source;
  pc_backend_state *state;
  pc_linux_endpoint endpoint;
  pc_type type;
  uint32_t max_message_bytes;
  uring_group *group;        /* message type                         */
  pc_linux_passing *passing; /* NULL: its channels are ordinary ones */

  pc_accept *accept; /* pending or ready */
  int *accepted;     /* descriptors from begin to end wait for accepts */
  uint32_t begin;
  uint32_t end;
  uint32_t capacity;
  int error;
  bool is_many; /* what is in flight is a multishot                          */
  bool is_stopping;

  pc_operation *done; /* of unlisten */
};

/* ---- descriptors that wait ---- */

static uint32_t accepted_count(const pc_listener *listener) {
  return listener->end - listener->begin;
}

static bool accepted_reserve(pc_listener *listener, uint32_t capacity) {
  if (capacity <= listener->capacity) {
    return true;
  }
  int *grown = realloc(listener->accepted, capacity * sizeof *grown);
  if (!grown) {
    return false;
  }
  listener->accepted = grown;
  listener->capacity = capacity;
  return true;
}

static void accepted_push(pc_listener *listener, int fd) {
  if (listener->end == listener->capacity) {
    uint32_t count = accepted_count(listener);
    memmove(listener->accepted, listener->accepted + listener->begin,
            count * sizeof *listener->accepted);
    listener->begin = 0;
    listener->end = count;
  }
  PC_CHECK(listener->end < listener->capacity); /* that many were never asked for */
  listener->accepted[listener->end++] = fd;
}

/* ---- the accept ---- */

/* True: the accept is over, with `status`. */
static bool accept_end(pc_listener *listener, pc_status status, int native) {
  pc_accept *accept = listener->accept;
  listener->accept = NULL;
  accept->failure = (pc_failure){.status = status, .native = native};
  accept->operation.status = status;
  pc_uring_list(listener->state, &listener->source);
  return true;
}

static bool accept_perform(pc_operation *operation) {
  pc_listener *listener = operation->target;
  pc_accept *accept = listener->accept;
  if (accepted_count(listener) == 0) {
    int native = listener->error;
    listener->error = 0;
    return accept_end(listener, pc_linux_status(native), native);
  }
  uring_channel *channel =
      pc_uring_channel_create(listener->state, listener->type, listener->max_message_bytes,
                              listener->group, listener->passing);
  if (!channel) {
    return accept_end(listener, PC_E_NO_MEMORY, 0);
  }
  int fd = listener->accepted[listener->begin++];
  pc_uring_channel_open(channel, fd);
  accept->channel = (pc_channel *)(void *)channel;
  pc_linux_peer_read(fd, &accept->peer);
  return accept_end(listener, PC_OK, 0);
}

static void accept_settle(pc_listener *listener) {
  if (listener->accept && listener->accept->operation.state == PC_OPERATION_PENDING &&
      (accepted_count(listener) > 0 || listener->error != 0)) {
    pc_loop_complete_by(listener->state->loop, &listener->accept->operation, accept_perform);
  }
}

void pc_uring_accept(pc_listener *listener, pc_accept *accept) {
  PC_CHECK(listener->accept == NULL);
  pc_loop_issue(listener->state->loop, &accept->operation, listener);
  listener->accept = accept;
  accept_settle(listener);
  pc_uring_list(listener->state, &listener->source);
}

/* ---- the kernel's accepts ---- */

static void accepts_cancel(pc_listener *listener) {
  if (listener->source.in_flight > 0 && !listener->is_stopping) {
    listener->is_stopping = true;
    pc_uring_cancel_tagged(listener->state, &listener->source, URING_ACCEPT);
  }
}

static void accept_submit(pc_listener *listener) {
  struct io_uring_sqe *sqe = pc_uring_submission(listener->state, &listener->source);
  (listener->is_many ? io_uring_prep_multishot_accept
                     : io_uring_prep_accept)(sqe, listener->endpoint.fd, NULL, NULL, SOCK_CLOEXEC);
  pc_uring_tag(sqe, &listener->source, URING_ACCEPT);
}

static void accepts_submit(pc_listener *listener) {
  uint32_t waiting = accepted_count(listener);
  uint32_t all = listener->accept->room + 1;
  uint32_t room = all > waiting ? all - waiting : 0;
  uint32_t in_flight = listener->source.in_flight;
  if (in_flight > 0 && listener->is_many) {
    if (room < MANY || listener->capacity - waiting < MANY) {
      accepts_cancel(listener);
    }
    return;
  }
  bool wants_many = room >= 2 * MANY && accepted_reserve(listener, MANY_CAPACITY) &&
                    listener->capacity - waiting >= MANY;
  if (wants_many && in_flight > 0) {
    accepts_cancel(listener); /* the single ones, first */
    return;
  }
  listener->is_many = wants_many;
  uint32_t single = room < URING_ACCEPTS ? room : URING_ACCEPTS;
  for (uint32_t wanted = wants_many ? 1 : single; in_flight < wanted; in_flight++) {
    accept_submit(listener);
  }
}

static void listener_finish(pc_listener *listener) {
  pc_backend_state *state = listener->state;
  while (listener->begin < listener->end) { /* as those in the backlog, they are sent away */
    close(listener->accepted[listener->begin++]);
  }
  pc_linux_endpoint_close(&listener->endpoint);
  if (listener->group) {
    pc_uring_group_release(state, listener->group);
  }
  pc_loop_complete(state->loop, listener->done, PC_OK);
  free(listener->accepted);
  free(listener);
}

void pc_uring_listener_start(uring_source *source) {
  pc_listener *listener = (pc_listener *)source;
  if (listener->done && source->in_flight == 0) {
    listener_finish(listener);
  } else if (listener->done || !listener->accept) {
    accepts_cancel(listener);
  } else if (!listener->is_stopping) {
    accepts_submit(listener);
  }
}

void pc_uring_listener_complete(uring_source *source, const struct io_uring_cqe *cqe) {
  pc_listener *listener = (pc_listener *)source;
  if (source->in_flight == 0) {
    listener->is_stopping = false;
  }
  switch (cqe->res < 0 ? -cqe->res : 0) {
  case 0:
    accepted_push(listener, cqe->res);
    break;
  case EAGAIN:
  case EINTR:
  case ECANCELED:
  case ECONNABORTED:
    break;
  default:
    listener->error = -cqe->res;
  }
  accept_settle(listener);
  pc_uring_list(listener->state, source);
}

/* ---- life ---- */

static pc_status listener_open(pc_listener *listener, const pc_listen *listen,
                               pc_failure *out_failure) {
  *out_failure = (pc_failure){.status = PC_E_NO_MEMORY, .action = "listen"};
  if (!accepted_reserve(listener, 2 * URING_ACCEPTS)) {
    return out_failure->status;
  }
  if (listen->is_passing) {
    if (!pc_linux_passing_ensure(&listener->state->passing)) {
      return out_failure->status;
    }
    listener->passing = listener->state->passing;
  } else if (listen->type == PC_TYPE_MESSAGE) {
    listener->group =
        pc_uring_message_group_use(listener->state, listen->max_message_bytes, out_failure);
    if (!listener->group) {
      return out_failure->status;
    }
  }
  pc_status status = pc_linux_endpoint_open(listen, &listener->endpoint, out_failure);
  if (status == PC_OK) {
    /* io_uring waits only for blocking descriptors. */
    int flags = fcntl(listener->endpoint.fd, F_GETFL);
    PC_CHECK(fcntl(listener->endpoint.fd, F_SETFL, flags & ~O_NONBLOCK) == 0);
  }
  return status;
}

pc_status pc_uring_listen(pc_backend_state *state, const pc_listen *listen,
                          pc_listener **out_listener, pc_failure *out_failure) {
  pc_listener *listener = calloc(1, sizeof *listener);
  if (!listener) {
    *out_failure = (pc_failure){.status = PC_E_NO_MEMORY, .action = "listen"};
    return PC_E_NO_MEMORY;
  }
  listener->source.kind = URING_OF_LISTENER;
  listener->state = state;
  listener->type = listen->type;
  listener->max_message_bytes = listen->max_message_bytes;
  pc_status status = listener_open(listener, listen, out_failure);
  if (status != PC_OK) {
    if (listener->group) {
      pc_uring_group_release(state, listener->group);
    }
    free(listener->accepted);
    free(listener);
    return status;
  }
  *out_listener = listener;
  return PC_OK;
}

void pc_uring_unlisten(pc_listener *listener, pc_operation *done) {
  pc_loop *loop = listener->state->loop;
  pc_loop_issue(loop, done, NULL);
  if (listener->accept) {
    pc_loop_abort(loop, &listener->accept->operation);
    listener->accept = NULL;
  }
  listener->done = done;
  pc_uring_list(listener->state, &listener->source);
}

bool pc_uring_has_waiting(pc_listener *listener) {
  return accepted_count(listener) > 0 || pc_linux_is_readable(listener->endpoint.fd);
}
