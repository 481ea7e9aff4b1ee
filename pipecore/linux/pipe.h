/* A pipe of this process: what the instances of one path share. Any thread. */
#ifndef PIPECORE_LINUX_PIPE_H
#define PIPECORE_LINUX_PIPE_H

#include "endpoint.h"
#include "pipecore/instance.h"
#include "port.h"

typedef struct pc_pipe {
  pc_port_source source; /* the listening socket */
  pc_linux_endpoint endpoint;
  /* The first instance's options: */
  pc_type type;
  pc_access access;
  uint32_t max_instances;
  uint32_t default_timeout_ms;
  pc_when_full when_full;
  /* Under the register's lock: */
  pc_link registered;
  uint32_t instance_count;

  pc_lock lock;
  /* Under it: */
  bool is_closed;
  pc_list listening; /* instances, in the order in which they began */
  uint32_t listening_count;
  int plug_fd;     /* keeps the only place of a full pipe's backlog taken, or -1 */
  int64_t backlog; /* as listen() was told last */
} pc_pipe;

/* ---- pipe.c ---- */
/* One more instance of the pipe at that path, which is made if there is none. */
PC_MUST_USE pc_status pc_pipe_join(const pc_pipe_options *options, pc_pipe **out_pipe,
                                   pc_failure *out_failure);
/* One less; the pipe goes with its last. */
void pc_pipe_leave(pc_pipe *pipe);
uint32_t pc_pipe_instance_count(pc_pipe *pipe);
/* What a pipe of this process says to clients that wait. */
PC_MUST_USE bool pc_pipe_default_timeout(const char *path, uint32_t *out_timeout_ms);

/* The instance begins to wait for a client. */
void pc_pipe_listen(pc_pipe *pipe, pc_instance *instance);
/* It waits no more, if it still did. */
void pc_pipe_unlisten(pc_pipe *pipe, pc_instance *instance);
/* Gives clients that came to instances that wait. */
void pc_pipe_accept(pc_pipe *pipe);

/* ---- pipe_gate.c: how a full pipe turns clients away ---- */
/* After the count of listening instances changed. */
void pc_pipe_gate_set(pc_pipe *pipe) PC_REQUIRES(pipe->lock);
/* Whether the accepted client is our own plug; it is out then. */
PC_MUST_USE bool pc_pipe_gate_unplug(pc_pipe *pipe, int fd) PC_REQUIRES(pipe->lock);
void pc_pipe_gate_fini(pc_pipe *pipe) PC_REQUIRES(pipe->lock);

#endif
