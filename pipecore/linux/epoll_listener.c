/* Accepting by epoll. The loop's thread.
 *
 * Success: the listener is readable → accept4 when the accept's turn comes → a channel and who the
 * peer is. After a success the next accept is tried at once, so that a crowd is let in in one turn.
 * Failures: descriptors or memory (told with the accept, which takes no client then); a client that
 * went away again (looked over). */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "../src/check.h"
#include "epoll.h"
#include "peer.h"
#include "system.h"

/* Clients that went away before they were accepted, looked over in one go. */
enum { GONE_CLIENTS_MAX = 64 };

struct pc_listener {
  epoll_source source;
  pc_backend_state *state;
  pc_linux_endpoint endpoint;
  pc_type type;
  uint32_t max_message_bytes;
  bool is_passing;
  pc_accept *accept; /* pending or ready */
  bool may_have_more;
};

pc_status pc_epoll_listen(pc_backend_state *state, const pc_listen *listen,
                          pc_listener **out_listener, pc_failure *out_failure) {
  *out_failure = (pc_failure){.status = PC_E_NO_MEMORY, .action = "listen"};
  pc_listener *listener = calloc(1, sizeof *listener);
  if (!listener || !pc_epoll_scratch_reserve(state, listen->type, listen->max_message_bytes,
                                             listen->is_passing)) {
    free(listener);
    return PC_E_NO_MEMORY;
  }
  pc_status status = pc_linux_endpoint_open(listen, &listener->endpoint, out_failure);
  if (status != PC_OK) {
    free(listener);
    return status;
  }
  listener->state = state;
  listener->type = listen->type;
  listener->max_message_bytes = listen->max_message_bytes;
  listener->is_passing = listen->is_passing;
  listener->source = (epoll_source){.kind = EPOLL_LISTENER, .fd = listener->endpoint.fd};
  *out_listener = listener;
  return PC_OK;
}

/* True: the accept is over, with `status`. */
static bool accept_end(pc_listener *listener, pc_status status, int native) {
  pc_accept *accept = listener->accept;
  listener->accept = NULL;
  listener->may_have_more = status == PC_OK;
  accept->failure = (pc_failure){.status = status, .native = native};
  accept->operation.status = status;
  return true;
}

static bool accept_perform(pc_operation *operation) {
  pc_listener *listener = operation->target;
  pc_accept *accept = listener->accept;
  pc_channel *channel = pc_epoll_channel_create(listener->state, listener->type,
                                                listener->max_message_bytes, listener->is_passing);
  if (!channel) {
    return accept_end(listener, PC_E_NO_MEMORY, 0);
  }
  int fd = -1;
  for (int gone = 0; gone < GONE_CLIENTS_MAX; gone++) {
    fd = accept4(listener->source.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0 || (errno != EINTR && errno != ECONNABORTED)) {
      break;
    }
  }
  if (fd >= 0) {
    pc_epoll_channel_open(channel, fd);
    accept->channel = channel;
    pc_linux_peer_read(fd, &accept->peer);
    return accept_end(listener, PC_OK, 0);
  }
  int native = errno;
  pc_epoll_channel_discard(channel);
  if (native != EAGAIN && native != EINTR && native != ECONNABORTED) {
    return accept_end(listener, pc_linux_status(native), native);
  }
  listener->may_have_more = false;
  pc_status status = pc_epoll_want(listener->state, &listener->source, EPOLLIN);
  return status != PC_OK && accept_end(listener, status, 0);
}

void pc_epoll_accept(pc_listener *listener, pc_accept *accept) {
  pc_loop *loop = listener->state->loop;
  pc_loop_issue(loop, &accept->operation, listener);
  listener->accept = accept;
  if (listener->may_have_more) {
    pc_loop_complete_by(loop, &accept->operation, accept_perform);
    return;
  }
  pc_status status = pc_epoll_want(listener->state, &listener->source, EPOLLIN);
  if (status != PC_OK) {
    accept_end(listener, status, 0);
    pc_loop_complete(loop, &accept->operation, status);
  }
}

void pc_epoll_listener_event(pc_backend_state *state, epoll_source *source) {
  pc_listener *listener = PC_CONTAINER_OF(source, pc_listener, source);
  if (!listener->accept) {
    pc_epoll_drop(state, source, EPOLLIN); /* clients wait */
  } else if (listener->accept->operation.state == PC_OPERATION_PENDING) {
    pc_loop_complete_by(state->loop, &listener->accept->operation, accept_perform);
  }
}

void pc_epoll_unlisten(pc_listener *listener, pc_operation *done) {
  pc_loop *loop = listener->state->loop;
  pc_loop_issue(loop, done, NULL);
  if (listener->accept) {
    pc_loop_abort(loop, &listener->accept->operation);
  }
  pc_epoll_forget(listener->state, &listener->source);
  pc_linux_endpoint_close(&listener->endpoint);
  free(listener);
  pc_loop_complete(loop, done, PC_OK);
}

bool pc_epoll_has_waiting(pc_listener *listener) {
  return pc_linux_is_readable(listener->source.fd);
}
