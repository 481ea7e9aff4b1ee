/* The pipes of this process, and which instance gets which client. Any thread.
 *
 * Success: the first instance of a path makes its endpoint, the last one removes it. A client is
 * accepted when an instance waits for one, and goes to the one that has waited longest: by the
 * leader of the port, or by whoever looks at an instance that listens. Failures: all of
 * endpoint.c's; a second instance of another type, or one too many; no descriptors for a client
 * (those who wait for one are told, the client waits on). */
#include "pipe.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "instance_private.h"
#include "system.h"

/* Clients that went away before they were accepted, looked over in one go. */
enum { GONE_CLIENTS_MAX = 64 };

static pc_lock register_lock = {.native = PTHREAD_MUTEX_INITIALIZER};
static pc_list register_pipes PC_GUARDED_BY(register_lock);

/* ---- the register ---- */

static bool pipe_has_path(const pc_pipe *pipe, const char *path) {
  const char *own = pipe->endpoint.address.sun_path;
  return pipe->endpoint.is_abstract ? path[0] == '@' && strcmp(own + 1, path + 1) == 0
                                    : strcmp(own, path) == 0;
}

/* By text or, since a socket has many names, by inode. */
static pc_pipe *register_find(const char *path) PC_REQUIRES(register_lock) {
  struct stat info;
  bool is_there = stat(path, &info) == 0;
  for (pc_link *link = register_pipes.first; link; link = link->next) {
    pc_pipe *pipe = PC_CONTAINER_OF(link, pc_pipe, registered);
    if (pipe_has_path(pipe, path) || (is_there && info.st_dev == pipe->endpoint.file.device &&
                                      info.st_ino == pipe->endpoint.file.inode)) {
      return pipe;
    }
  }
  return NULL;
}

static void pipe_on_event(pc_port_source *source, uint32_t events) {
  (void)events;
  pc_pipe_accept(PC_CONTAINER_OF(source, pc_pipe, source));
}

static void pipe_release(pc_port_source *source) {
  pc_pipe *pipe = PC_CONTAINER_OF(source, pc_pipe, source);
  pc_lock_fini(&pipe->lock);
  free(pipe);
}

static pc_status pipe_open(pc_pipe *pipe, const pc_pipe_options *options, pc_failure *failure) {
  pc_listen listen_options = {.path = options->path,
                              .type = options->type,
                              .max_message_bytes = options->max_message_bytes,
                              .is_abstract = options->is_abstract,
                              .security = options->security};
  pc_status status = pc_linux_endpoint_open(&listen_options, &pipe->endpoint, failure);
  if (status != PC_OK) {
    return status;
  }
  status = pc_port_want(&pipe->source, pipe->endpoint.fd, EPOLLIN);
  if (status != PC_OK) {
    *failure = (pc_failure){.status = status, .action = "watch the endpoint"};
    pc_linux_endpoint_close(&pipe->endpoint);
  }
  return status;
}

static pc_status pipe_make(const pc_pipe_options *options, pc_pipe **out_pipe,
                           pc_failure *failure) {
  pc_pipe *pipe = calloc(1, sizeof *pipe);
  if (!pipe) {
    *failure = (pc_failure){.status = PC_E_NO_MEMORY, .action = "make the pipe"};
    return PC_E_NO_MEMORY;
  }
  pipe->source = (pc_port_source){.on_event = pipe_on_event, .release = pipe_release};
  pipe->type = options->type;
  pipe->access = options->access;
  pipe->max_instances = options->max_instances;
  pipe->default_timeout_ms = options->default_timeout_ms;
  pipe->when_full = options->when_full;
  pipe->plug_fd = -1;
  pipe->backlog = -1;
  pc_lock_init(&pipe->lock);
  pc_status status = pipe_open(pipe, options, failure);
  if (status != PC_OK) {
    pc_lock_fini(&pipe->lock);
    free(pipe);
    return status;
  }
  *out_pipe = pipe;
  return PC_OK;
}

/* Whether one more may join. */
static pc_status pipe_check(const pc_pipe *pipe, const pc_pipe_options *options,
                            pc_failure *failure) PC_REQUIRES(register_lock) {
  *failure = (pc_failure){.status = PC_OK, .action = "make an instance of the pipe"};
  if (options->is_first_instance) {
    failure->status = PC_E_IN_USE;
    failure->advice =
        "another server has this name: the first instance was asked for, and there is one";
  } else if (pipe->type != options->type || pipe->access != options->access) {
    failure->status = PC_E_ACCESS;
    failure->advice = "type and access must be those of the first instance";
  } else if (pipe->max_instances != PC_INSTANCES_UNLIMITED &&
             pipe->instance_count >= pipe->max_instances) {
    failure->status = PC_E_BUSY;
    failure->advice = "close an instance, or raise max_instances of the first one";
  }
  return failure->status;
}

pc_status pc_pipe_join(const pc_pipe_options *options, pc_pipe **out_pipe,
                       pc_failure *out_failure) {
  pc_lock_take(&register_lock);
  pc_pipe *pipe = register_find(options->path);
  pc_status status;
  if (pipe) {
    status = pipe_check(pipe, options, out_failure);
  } else {
    status = pipe_make(options, &pipe, out_failure);
    if (status == PC_OK) {
      pc_list_append(&register_pipes, &pipe->registered);
    }
  }
  if (status == PC_OK) {
    pipe->instance_count++;
    *out_pipe = pipe;
  }
  pc_lock_drop(&register_lock);
  return status;
}

void pc_pipe_leave(pc_pipe *pipe) {
  pc_lock_take(&register_lock);
  bool is_last = --pipe->instance_count == 0;
  if (is_last) {
    pc_list_remove(&register_pipes, &pipe->registered);
    pc_lock_take(&pipe->lock);
    pipe->is_closed = true;
    pc_pipe_gate_fini(pipe);
    pc_port_forget(&pipe->source, pipe->endpoint.fd);
    pc_linux_endpoint_close(&pipe->endpoint);
    pc_lock_drop(&pipe->lock);
  }
  pc_lock_drop(&register_lock);
  if (is_last) {
    pc_lock_take(&pc_port_lock);
    pc_port_retire(&pipe->source);
    pc_lock_drop(&pc_port_lock);
  }
}

uint32_t pc_pipe_instance_count(pc_pipe *pipe) {
  pc_lock_take(&register_lock);
  uint32_t count = pipe->instance_count;
  pc_lock_drop(&register_lock);
  return count;
}

bool pc_pipe_default_timeout(const char *path, uint32_t *out_timeout_ms) {
  pc_lock_take(&register_lock);
  const pc_pipe *pipe = register_find(path);
  if (pipe) {
    *out_timeout_ms = pipe->default_timeout_ms;
  }
  pc_lock_drop(&register_lock);
  return pipe != NULL;
}

/* ---- clients and instances ---- */

/* A client, or -1 with errno. */
static int client_take(pc_pipe *pipe) PC_REQUIRES(pipe->lock) {
  for (int gone = 0; gone < GONE_CLIENTS_MAX; gone++) {
    int fd = accept4(pipe->endpoint.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0 && pc_pipe_gate_unplug(pipe, fd)) {
      continue;
    }
    if (fd >= 0 || (errno != EINTR && errno != ECONNABORTED)) {
      return fd;
    }
  }
  errno = EAGAIN;
  return -1;
}

static void listening_remove(pc_pipe *pipe, pc_instance *instance) PC_REQUIRES(pipe->lock) {
  pc_list_remove(&pipe->listening, &instance->listening);
  pipe->listening_count--;
  instance->is_listed = false;
}

static void clients_give(pc_pipe *pipe) PC_REQUIRES(pipe->lock) {
  while (pipe->listening.first && !pipe->is_closed) {
    int fd = client_take(pipe);
    if (fd >= 0) {
      pc_instance *instance = PC_CONTAINER_OF(pipe->listening.first, pc_instance, listening);
      listening_remove(pipe, instance);
      pc_instance_attach(instance, fd);
    } else if (errno == EAGAIN) {
      break;
    } else {
      pc_status status = pc_linux_status(errno);
      for (pc_link *link = pipe->listening.first; link; link = link->next) {
        pc_instance_connect_fail(PC_CONTAINER_OF(link, pc_instance, listening), status);
      }
      break;
    }
  }
  pc_pipe_gate_set(pipe);
}

void pc_pipe_accept(pc_pipe *pipe) {
  pc_lock_take(&pipe->lock);
  clients_give(pipe);
  pc_lock_drop(&pipe->lock);
}

void pc_pipe_listen(pc_pipe *pipe, pc_instance *instance) {
  pc_lock_take(&pipe->lock);
  PC_CHECK(!instance->is_listed);
  instance->is_listed = true;
  pc_list_append(&pipe->listening, &instance->listening);
  pipe->listening_count++;
  clients_give(pipe);
  pc_lock_drop(&pipe->lock);
}

void pc_pipe_unlisten(pc_pipe *pipe, pc_instance *instance) {
  pc_lock_take(&pipe->lock);
  if (instance->is_listed) {
    listening_remove(pipe, instance);
    pc_pipe_gate_set(pipe);
  }
  pc_lock_drop(&pipe->lock);
}
