/* A listening UNIX socket at a path, with the hygiene that such a path needs; and connecting to
 * one. The thread that owns the endpoint: the loop's, or at the low level whoever holds the pipe's
 * lock. */
#ifndef PIPECORE_LINUX_ENDPOINT_H
#define PIPECORE_LINUX_ENDPOINT_H

#include <sys/socket.h>
#include <sys/un.h>

#include "../src/backend.h"
#include "endpoint_file.h"

typedef struct pc_linux_endpoint {
  int fd;             /* listening, not blocking                       */
  int lock_fd;        /* PATH.lock, held as long as the endpoint lives */
  pc_linux_file file; /* the socket that we made                       */
  struct sockaddr_un address;
  socklen_t address_size;
  bool is_abstract; /* a name and no file: neither lock nor owner, nothing to remove */
} pc_linux_endpoint;

PC_MUST_USE pc_status pc_linux_endpoint_open(const pc_listen *listen,
                                             pc_linux_endpoint *out_endpoint,
                                             pc_failure *out_failure);
/* Removes the socket, if it is still ours, and the lock. */
void pc_linux_endpoint_close(pc_linux_endpoint *endpoint);

/* The address of a path. On failure `*out_failure` tells. */
PC_MUST_USE pc_status pc_linux_address_fill(const char *path, struct sockaddr_un *out_address,
                                            pc_failure *out_failure);

/* Likewise, and of "@name" that of an abstract name (unix(7)), which has a size of its own. */
PC_MUST_USE pc_status pc_linux_address_resolve(const char *path, struct sockaddr_un *out_address,
                                               socklen_t *out_size, pc_failure *out_failure);

/* ---- connect.c ---- */
/* A connected socket that does not block, or -1: `connect->failure` and its operation's status
 * tell. Fills in who listens. */
PC_MUST_USE int pc_linux_connect(pc_connect *connect);

/* ---- endpoint.c ---- */
/* Makes a message of `max_message_bytes` fit the socket's send buffer. */
PC_MUST_USE bool pc_linux_send_buffer_raise(int fd, uint32_t max_message_bytes);

#endif
