/* The server with completion routines of the documentation: one thread, which waits alertably for
 * the next client; the routines of reads and writes run inside that wait.
 *
 *   completion PATH          then:  client PATH hello
 *
 * A read's routine starts the write of the answer, a write's routine starts the next read. */
#include <stdio.h>
#include <stdlib.h>

#include "pipecore/instance.h"

enum { MESSAGE_BYTES = 65536 };

typedef struct pipe {
  pc_overlapped overlapped; /* first: a routine finds its pipe by it */
  pc_instance *instance;
  char message[MESSAGE_BYTES];
} pipe;

static void pipe_close(pipe *self) {
  pc_instance_close(self->instance); /* nothing is pending: a routine of it is running */
  free(self);
}

static void on_written(pc_status status, uint32_t bytes, pc_overlapped *overlapped);

static void on_read(pc_status status, uint32_t bytes, pc_overlapped *overlapped) {
  pipe *self = (pipe *)overlapped;
  if (status != PC_OK ||
      pc_instance_write_ex(self->instance, self->message, bytes, overlapped, on_written) < 0) {
    pipe_close(self);
  }
}

static void on_written(pc_status status, uint32_t bytes, pc_overlapped *overlapped) {
  pipe *self = (pipe *)overlapped;
  (void)bytes;
  if (status != PC_OK ||
      pc_instance_read_ex(self->instance, self->message, MESSAGE_BYTES, overlapped, on_read) < 0) {
    pipe_close(self);
  }
}

/* A client is there. */
static pc_status pipe_begin(pc_instance *instance) {
  pipe *self = calloc(1, sizeof *self);
  if (!self) {
    return PC_E_NO_MEMORY;
  }
  self->instance = instance;
  on_written(PC_OK, 0, &self->overlapped); /* as if an answer had been written: starts to read */
  return PC_OK;
}

int main(int argc, char **argv) {
  pc_pipe_options options = {.path = argc == 2 ? argv[1] : "",
                             .type = PC_TYPE_MESSAGE,
                             .read_mode = PC_TYPE_MESSAGE,
                             .max_instances = PC_INSTANCES_UNLIMITED,
                             .security = {.uid = -1, .gid = -1}};
  pc_overlapped connect = {.event = NULL};
  pc_instance *instance = NULL;
  pc_status status = pc_event_create(false, &connect.event);
  if (status == PC_OK) {
    status = pc_instance_create(&options, &instance, NULL);
  }
  if (status == PC_OK) {
    status = pc_instance_connect(instance, &connect);
  }
  if (status >= 0) {
    printf("ready\n");
    fflush(stdout);
  }
  while (status >= 0) {
    uint32_t index;
    status = pc_wait(&connect.event, 1, -1, true, &index);
    if (status == PC_OK) { /* a client; else routines ran */
      pc_instance *connected = instance;
      status = pc_instance_create(&options, &instance, NULL);
      if (status == PC_OK) {
        status = pipe_begin(connected);
      }
      if (status == PC_OK) {
        status = pc_instance_connect(instance, &connect);
      }
    }
  }
  fprintf(stderr, "completion PATH: %s\n", pc_status_text(status));
  return 1;
}
