/* The multithreaded server of the documentation: a thread for each client, and every call blocks.
 *
 *   threads PATH          then:  client PATH hello
 *
 * The main thread makes an instance and waits for its client; then the instance belongs to a thread
 * of its own, and the next one is made. Each message is answered by itself. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "pipecore/instance.h"

enum { MESSAGE_BYTES = 65536, STACK_BYTES = 256 * 1024 };

static void *client_serve(void *user) {
  pc_instance *instance = user;
  char *message = malloc(MESSAGE_BYTES);
  uint32_t size;
  while (message && pc_instance_read(instance, message, MESSAGE_BYTES, &size, NULL) == PC_OK &&
         pc_instance_write(instance, message, size, &size, NULL) == PC_OK) {
  }
  free(message);
  pc_instance_close(instance);
  return NULL;
}

/* The instance is the thread's from here on, or closed. */
static void client_start(pc_instance *instance, const pthread_attr_t *attributes) {
  pthread_t thread;
  if (pthread_create(&thread, attributes, client_serve, instance) != 0) {
    fprintf(stderr, "threads: no thread for a client\n");
    pc_instance_close(instance);
  }
}

int main(int argc, char **argv) {
  pc_pipe_options options = {.path = argc == 2 ? argv[1] : "",
                             .type = PC_TYPE_MESSAGE,
                             .read_mode = PC_TYPE_MESSAGE,
                             .max_instances = PC_INSTANCES_UNLIMITED,
                             .security = {.uid = -1, .gid = -1}};
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attributes, STACK_BYTES);
  pc_instance *instance;
  pc_instance *next;
  pc_failure failure;
  pc_status status = pc_instance_create(&options, &instance, &failure);
  if (status == PC_OK) {
    printf("ready\n");
    fflush(stdout);
  }
  while (status == PC_OK) {
    pc_status came = pc_instance_connect(instance, NULL);
    /* before this one may be gone again, so that there is always one that listens */
    status = pc_instance_create(&options, &next, &failure);
    if (came == PC_OK) {
      client_start(instance, &attributes);
    } else {
      pc_instance_close(instance);
    }
    instance = next;
  }
  fprintf(stderr, "threads PATH: %s: %s\n", failure.action, pc_status_text(status));
  return 1;
}
