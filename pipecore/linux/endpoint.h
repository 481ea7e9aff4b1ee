/* A listening UNIX socket at a path, with the hygiene that such a path needs. The loop's thread. */
#ifndef PIPECORE_LINUX_ENDPOINT_H
#define PIPECORE_LINUX_ENDPOINT_H

#include <sys/types.h>
#include <sys/un.h>

#include "../src/backend.h"

typedef struct pc_linux_endpoint {
  int fd;      /* listening, not blocking */
  int lock_fd; /* PATH.lock, held as long as the endpoint lives */
  dev_t device;
  ino_t inode; /* of the socket that we made: what else stands at the path is not ours */
  struct sockaddr_un address;
} pc_linux_endpoint;

/* Bytes of a path that fit, without the terminating one. */
enum { PC_LINUX_PATH_MAX_BYTES = sizeof((struct sockaddr_un *)NULL)->sun_path - 1 };

PC_MUST_USE pc_status pc_linux_endpoint_open(const pc_listen *listen,
                                             pc_linux_endpoint *out_endpoint,
                                             pc_failure *out_failure);
/* Removes the socket, if it is still ours, and the lock. */
void pc_linux_endpoint_close(pc_linux_endpoint *endpoint);

/* Makes a message of `max_message_bytes` fit the socket's send buffer. */
PC_MUST_USE bool pc_linux_send_buffer_raise(int fd, uint32_t max_message_bytes);

#endif
