/* The simplest server of the documentation: one instance, which serves its clients one after the
 * other.
 *
 *   simple PATH          then:  client PATH hello
 *
 * Every call blocks. A second client waits until the first one is gone. Each message is answered by
 * itself. */
#include <stdio.h>

#include "pipecore/instance.h"

enum { MESSAGE_BYTES = 65536 };

/* Until the client is gone. */
static void client_serve(pc_instance *instance) {
  static char message[MESSAGE_BYTES];
  uint32_t size;
  while (pc_instance_read(instance, message, MESSAGE_BYTES, &size, NULL) == PC_OK &&
         pc_instance_write(instance, message, size, &size, NULL) == PC_OK) {
  }
}

int main(int argc, char **argv) {
  pc_pipe_options options = {.path = argc == 2 ? argv[1] : "",
                             .type = PC_TYPE_MESSAGE,
                             .read_mode = PC_TYPE_MESSAGE,
                             .is_first_instance = true,
                             .max_instances = 1,
                             .security = {.uid = -1, .gid = -1}};
  pc_instance *instance;
  pc_failure failure;
  pc_status status = pc_instance_create(&options, &instance, &failure);
  if (status != PC_OK) {
    fprintf(stderr, "simple PATH: %s: %s\n", failure.action, pc_status_text(status));
    return 1;
  }
  printf("ready\n");
  fflush(stdout);
  for (;;) {
    status = pc_instance_connect(instance, NULL);
    if (status == PC_OK) {
      client_serve(instance);
    } else if (status != PC_E_BROKEN) { /* that one came and left without a word */
      break;
    }
    status = pc_instance_disconnect(instance);
    if (status != PC_OK) {
      break;
    }
  }
  fprintf(stderr, "simple: %s\n", pc_status_text(status));
  pc_instance_close(instance);
  return 1;
}
