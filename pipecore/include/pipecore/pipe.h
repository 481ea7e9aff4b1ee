/* What a pipe is, by the words that the high level (server.h) and the low level (instance.h) share.
 * Plain values. */
#ifndef PIPECORE_PIPE_H
#define PIPECORE_PIPE_H

#include <stdint.h>

#include "pipecore/declarations.h"

PC_DECLARATIONS_BEGIN

typedef enum pc_type {
  PC_TYPE_BYTE,   /* SOCK_STREAM; at the high level cut by the framing */
  PC_TYPE_MESSAGE /* SOCK_SEQPACKET; boundaries are kept               */
} pc_type;

typedef enum pc_access {
  PC_ACCESS_DUPLEX,
  PC_ACCESS_INBOUND, /* the client writes, the server reads */
  PC_ACCESS_OUTBOUND /* the server writes, the client reads */
} pc_access;
const char *pc_access_name(pc_access access); /* "duplex", "inbound", "outbound" */

typedef struct pc_security {
  uint32_t mode; /* permission bits of the endpoint; 0 means 0600 */
  int64_t uid;   /* owner to give it, -1: leave                   */
  int64_t gid;   /* group to give it, -1: leave                   */
} pc_security;

PC_DECLARATIONS_END

#endif
