/* The client of the documentation: writes a message to a message pipe, reads the answer, prints it.
 *
 *   client PATH MESSAGE...
 *
 * If all instances are taken it waits for one, for five seconds. A message longer than the room for
 * it is read in parts. */
#include <stdio.h>
#include <string.h>

#include "pipecore/instance.h"

enum { TIMEOUT_MS = 5000, PART_BYTES = 4096 };

static pc_status answer_print(pc_instance *instance) {
  char part[PART_BYTES];
  uint32_t size;
  pc_status status;
  do {
    status = pc_instance_read(instance, part, sizeof part, &size, NULL);
    if (status == PC_OK || status == PC_MORE_DATA) {
      fwrite(part, 1, size, stdout);
    }
  } while (status == PC_MORE_DATA);
  putchar('\n');
  return status;
}

int main(int argc, char **argv) {
  if (argc < 3) {
    fprintf(stderr, "client PATH MESSAGE...\n");
    return 2;
  }
  pc_instance *instance;
  pc_status status = pc_instance_open(argv[1], PC_TYPE_MESSAGE, TIMEOUT_MS, &instance);
  if (status != PC_OK) {
    fprintf(stderr, "client: open %s: %s\n", argv[1], pc_status_text(status));
    return 1;
  }
  for (int index = 2; index < argc && status == PC_OK; index++) {
    uint32_t written;
    status =
        pc_instance_write(instance, argv[index], (uint32_t)strlen(argv[index]), &written, NULL);
    if (status == PC_OK) {
      status = answer_print(instance);
    }
  }
  pc_instance_close(instance);
  if (status != PC_OK) {
    fprintf(stderr, "client: %s\n", pc_status_text(status));
  }
  return status == PC_OK ? 0 : 1;
}
