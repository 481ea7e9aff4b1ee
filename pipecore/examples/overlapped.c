/* The overlapped server of the documentation: one thread, one event for each operation, and a wait
 * for whichever is over first. Not bound to 64 instances: the events are in a wait set.
 *
 *   overlapped PATH          then:  client PATH hello
 *
 * Each instance goes round: connecting → reading → writing → reading … → connecting. */
#include <stdio.h>
#include <stdlib.h>

#include "pipecore/instance.h"

enum { MESSAGE_BYTES = 65536 };

typedef enum step { CONNECTING, READING, WRITING } step;

typedef struct pipe {
  pc_overlapped overlapped;
  pc_instance *instance;
  step step; /* what is under way */
  uint32_t size;
  char message[MESSAGE_BYTES];
} pipe;

static pc_pipe_options options;
static pc_wait_set *set;

/* Makes one more, which waits for a client. */
static pc_status pipe_add(void) {
  pipe *self = calloc(1, sizeof *self);
  pc_status status = self ? PC_OK : PC_E_NO_MEMORY;
  if (status == PC_OK) {
    status = pc_event_create(false, &self->overlapped.event);
  }
  if (status == PC_OK) {
    status = pc_wait_set_add(set, self->overlapped.event, self);
  }
  if (status == PC_OK) {
    status = pc_instance_create(&options, &self->instance, NULL);
  }
  if (status == PC_OK) {
    self->step = CONNECTING;
    status = pc_instance_connect(self->instance, &self->overlapped);
  }
  return status; /* a failure ends the program */
}

static void pipe_remove(pipe *self) {
  pc_wait_set_remove(set, self->overlapped.event);
  pc_event_destroy(self->overlapped.event);
  pc_instance_close(self->instance);
  free(self);
}

/* Starts what comes next. Whether it is over at once or later, its event tells. */
static pc_status pipe_start(pipe *self, step next) {
  self->step = next;
  if (next == READING) {
    return pc_instance_read(self->instance, self->message, MESSAGE_BYTES, &self->size,
                            &self->overlapped);
  }
  return pc_instance_write(self->instance, self->message, self->size, &self->size,
                           &self->overlapped);
}

/* Its event is set. */
static pc_status pipe_advance(pipe *self) {
  step over = self->step;
  if (over == CONNECTING) {
    pc_status status = pipe_add(); /* first: there is always one that listens */
    if (status < 0) {
      return status;
    }
  }
  pc_status status = pc_overlapped_result(&self->overlapped, 0, &self->size);
  if (status != PC_OK || pipe_start(self, over == READING ? WRITING : READING) < 0) {
    pipe_remove(self); /* the client is gone, or says too much at once */
  }
  return PC_OK;
}

int main(int argc, char **argv) {
  options = (pc_pipe_options){.path = argc == 2 ? argv[1] : "",
                              .type = PC_TYPE_MESSAGE,
                              .read_mode = PC_TYPE_MESSAGE,
                              .max_instances = PC_INSTANCES_UNLIMITED,
                              .security = {.uid = -1, .gid = -1}};
  pc_status status = pc_wait_set_create(&set);
  if (status == PC_OK && (status = pipe_add()) >= 0) {
    printf("ready\n");
    fflush(stdout);
  }
  while (status >= 0) {
    void *user;
    status = pc_wait_set_wait(set, -1, false, &user);
    if (status == PC_OK) {
      status = pipe_advance(user);
    }
  }
  fprintf(stderr, "overlapped PATH: %s\n", pc_status_text(status));
  return 1;
}
