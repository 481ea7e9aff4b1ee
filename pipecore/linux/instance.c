/* The life of an instance, and what can be asked of it. Any thread.
 *
 * Success: a server's end is made listening, a client's connected (instance_open.c); a client is
 * attached, and detached by disconnect or close, which throw away unread input if last words of
 * ours are on their way. Failures: options that make no sense; the pipe's; no memory, no
 * descriptors. */
#include "pipecore/instance.h"

#include <linux/sockios.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "instance_private.h"
#include "peer.h"
#include "system.h"
#include "transfer.h"

enum { DEFAULT_QUOTA_BYTES = 65536, DEFAULT_MESSAGE_BYTES = 65536, MAX_MESSAGE_BYTES = 1 << 24 };

static void instance_on_event(pc_port_source *source, uint32_t events) {
  pc_instance *instance = PC_CONTAINER_OF(source, pc_instance, source);
  pc_lock_take(&instance->lock);
  if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
    pc_instance_progress_reads(instance);
  }
  if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) {
    pc_instance_progress_writes(instance);
    if (!instance->writes.first && instance->fd >= 0) {
      pc_port_drop(&instance->source, instance->fd, EPOLLOUT);
    }
  }
  pc_lock_drop(&instance->lock);
}

static void instance_release(pc_port_source *source) {
  pc_instance *instance = PC_CONTAINER_OF(source, pc_instance, source);
  pc_lock_fini(&instance->lock);
  free(instance);
}

pc_instance *pc_instance_make(void) {
  pc_instance *instance = calloc(1, sizeof *instance);
  if (instance) {
    instance->source = (pc_port_source){.on_event = instance_on_event, .release = instance_release};
    instance->references = 1;
    instance->fd = -1;
    pc_lock_init(&instance->lock);
  }
  return instance;
}

void pc_instance_unreference(pc_instance *instance) {
  pc_lock_take(&pc_port_lock);
  if (--instance->references == 0) {
    pc_port_retire(&instance->source);
  }
  pc_lock_drop(&pc_port_lock);
}

/* ---- its client ---- */

static void quotas_apply(const pc_instance *instance, int fd) {
  int quota = (int)instance->out_quota_bytes;
  (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &quota, sizeof quota);
  if (instance->type == PC_TYPE_MESSAGE) {
    /* The listener was asked already whether the system allows it. */
    (void)!pc_linux_send_buffer_raise(fd, instance->max_message_bytes);
  }
  if (instance->access == PC_ACCESS_INBOUND) {
    shutdown(fd, SHUT_WR);
  } else if (instance->access == PC_ACCESS_OUTBOUND) {
    shutdown(fd, SHUT_RD);
  }
}

void pc_instance_attach(pc_instance *instance, int fd) {
  quotas_apply(instance, fd);
  pc_lock_take(&instance->lock);
  instance->fd = fd;
  instance->state = PC_INSTANCE_CONNECTED;
  instance->is_presented = instance->connects.first != NULL;
  instance->was_reset = false;
  instance->has_ended = false;
  instance->message_offset = 0;
  pc_instance_end_all(&instance->connects, PC_OK);
  pc_lock_drop(&instance->lock);
}

/* A close over unread input is a reset. It tells the other end that we did not read all, and it may
 * cost that end our last words: only where there are such is the input thrown away before. */
static void client_let_go(pc_instance *instance) PC_REQUIRES(instance->lock) {
  int unread = 0;
  if (ioctl(instance->fd, SIOCOUTQ, &unread) == 0 && unread > 0) {
    pc_linux_input_discard(instance->fd, instance->type);
  }
  close(instance->fd);
  instance->fd = -1;
}

void pc_instance_detach(pc_instance *instance, pc_status status) {
  pc_instance_end_all(&instance->connects, status);
  pc_instance_end_all(&instance->reads, status);
  pc_instance_end_all(&instance->writes, status);
  if (instance->fd >= 0) {
    pc_port_forget(&instance->source, instance->fd);
    client_let_go(instance);
  }
  instance->state = PC_INSTANCE_DISCONNECTED;
}

void pc_instance_enter(pc_instance *instance) {
  pc_lock_take(&instance->lock);
  if (instance->state == PC_INSTANCE_LISTENING) {
    pc_lock_drop(&instance->lock);
    pc_pipe_accept(instance->pipe);
    pc_lock_take(&instance->lock);
  }
}

pc_instance_state pc_instance_state_now(pc_instance *instance) {
  if (instance->state != PC_INSTANCE_CONNECTED) {
    return instance->state;
  }
  struct pollfd poller = {.fd = instance->fd};
  bool has_closed =
      instance->has_ended || (poll(&poller, 1, 0) > 0 && (poller.revents & POLLHUP) != 0);
  return has_closed ? PC_INSTANCE_CLOSING : PC_INSTANCE_CONNECTED;
}

pc_status pc_instance_check(const pc_instance *instance) {
  switch (instance->state) {
  case PC_INSTANCE_LISTENING:
    return PC_E_LISTENING;
  case PC_INSTANCE_DISCONNECTED:
    return PC_E_NOT_CONNECTED;
  default:
    return PC_OK;
  }
}

/* ---- create, close ---- */

static pc_status options_check(const pc_pipe_options *options, pc_pipe_options *out_full,
                               pc_failure *failure) {
  *failure = (pc_failure){.status = PC_E_INVALID_ARG, .action = "check the options of the pipe"};
  if (!options || !options->path) {
    failure->advice = "a path is needed";
    return PC_E_INVALID_ARG;
  }
  if (options->path[0] == '\0') {
    failure->status = PC_E_NAME;
    failure->advice = "the path is empty";
    return PC_E_NAME;
  }
  if ((options->path[0] == '@') != options->is_abstract || strcmp(options->path, "@") == 0) {
    failure->status = PC_E_NAME;
    failure->advice = "an abstract name is @name with is_abstract; a file of that name is ./@name";
    return PC_E_NAME;
  }
  if (options->type == PC_TYPE_BYTE && options->read_mode == PC_TYPE_MESSAGE) {
    failure->advice = "a byte pipe has no messages to read";
    return PC_E_INVALID_ARG;
  }
  if (options->max_instances > PC_INSTANCES_UNLIMITED) {
    failure->advice = "max_instances is 1 to 254, or PC_INSTANCES_UNLIMITED";
    return PC_E_INVALID_ARG;
  }
  if (options->max_message_bytes > MAX_MESSAGE_BYTES || options->out_quota_bytes > INT32_MAX ||
      options->in_quota_bytes > INT32_MAX) {
    failure->advice = "max_message_bytes is at most 16 MiB, a quota less than 2 GiB";
    return PC_E_INVALID_ARG;
  }
  *out_full = *options;
  pc_pipe_options *full = out_full;
  full->max_instances = full->max_instances ? full->max_instances : PC_INSTANCES_UNLIMITED;
  full->out_quota_bytes = full->out_quota_bytes ? full->out_quota_bytes : DEFAULT_QUOTA_BYTES;
  full->in_quota_bytes = full->in_quota_bytes ? full->in_quota_bytes : DEFAULT_QUOTA_BYTES;
  full->max_message_bytes =
      full->max_message_bytes ? full->max_message_bytes : DEFAULT_MESSAGE_BYTES;
  full->default_timeout_ms =
      full->default_timeout_ms ? full->default_timeout_ms : PC_DEFAULT_TIMEOUT_MS;
  return PC_OK;
}

static pc_status instance_create(const pc_pipe_options *options, pc_instance **out_instance,
                                 pc_failure *failure) {
  pc_status status = pc_port_open(failure);
  if (status != PC_OK) {
    return status;
  }
  pc_instance *instance = pc_instance_make();
  if (!instance) {
    *failure = (pc_failure){.status = PC_E_NO_MEMORY, .action = "make an instance"};
    pc_port_close();
    return PC_E_NO_MEMORY;
  }
  status = pc_pipe_join(options, &instance->pipe, failure);
  if (status != PC_OK) {
    pc_instance_unreference(instance);
    pc_port_close();
    return status;
  }
  instance->type = options->type;
  instance->access = options->access;
  instance->read_mode = options->read_mode;
  instance->out_quota_bytes = options->out_quota_bytes;
  instance->in_quota_bytes = options->in_quota_bytes;
  instance->max_message_bytes = options->max_message_bytes;
  pc_pipe_listen(instance->pipe, instance);
  *out_instance = instance;
  return PC_OK;
}

pc_status pc_instance_create(const pc_pipe_options *options, pc_instance **out_instance,
                             pc_failure *out_failure) {
  pc_failure unwanted = {.status = PC_OK};
  pc_failure *failure = out_failure ? out_failure : &unwanted;
  pc_pipe_options full;
  pc_status status = options_check(options, &full, failure);
  if (status == PC_OK) {
    status = instance_create(&full, out_instance, failure);
  }
  return status;
}

void pc_instance_close(pc_instance *instance) {
  if (!instance) {
    return;
  }
  if (instance->pipe) {
    pc_pipe_unlisten(instance->pipe, instance);
  }
  pc_lock_take(&instance->lock);
  pc_instance_detach(instance, PC_E_ABORTED);
  pc_lock_drop(&instance->lock);
  if (instance->pipe) {
    pc_pipe_leave(instance->pipe);
  }
  pc_instance_unreference(instance);
  pc_port_close();
}

/* ---- what can be asked ---- */

void pc_instance_get_info(pc_instance *instance, pc_instance_info *out_info) {
  pc_instance_enter(instance);
  *out_info = (pc_instance_info){.type = instance->type,
                                 .read_mode = instance->read_mode,
                                 .state = pc_instance_state_now(instance),
                                 .is_server_end = instance->pipe != NULL,
                                 .out_quota_bytes = instance->out_quota_bytes,
                                 .in_quota_bytes = instance->in_quota_bytes};
  pc_lock_drop(&instance->lock);
  if (instance->pipe) {
    out_info->max_instances = instance->pipe->max_instances;
    out_info->current_instances = pc_pipe_instance_count(instance->pipe);
  }
}

pc_status pc_instance_set_read_mode(pc_instance *instance, pc_type read_mode) {
  if (read_mode == PC_TYPE_MESSAGE && instance->type == PC_TYPE_BYTE) {
    return PC_E_INVALID_ARG;
  }
  pc_lock_take(&instance->lock);
  instance->read_mode = read_mode;
  pc_lock_drop(&instance->lock);
  return PC_OK;
}

pc_status pc_instance_get_peer(pc_instance *instance, pc_peer *out_peer) {
  pc_instance_enter(instance);
  pc_status status = pc_instance_check(instance);
  if (status == PC_OK) {
    pc_linux_peer_read(instance->fd, out_peer);
  }
  pc_lock_drop(&instance->lock);
  return status;
}

pc_status pc_instance_describe_peer(pc_instance *instance, uint32_t parts,
                                    pc_peer_details *out_details) {
  pc_instance_enter(instance);
  pc_status status = pc_instance_check(instance);
  if (status == PC_OK) {
    pc_linux_peer_describe(instance->fd, parts, out_details);
  }
  pc_lock_drop(&instance->lock);
  return status;
}
