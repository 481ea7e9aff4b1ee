/* Who is at the other end of a session, as the system knows it. Plain values; any thread.
 *
 * The ids are those of the process that made the connection, when it made it; another process may
 * have inherited it since. The rest is read from /proc while the process is pinned (by
 * SO_PEERPIDFD, Linux 6.5, or by pidfd_open), so that a process which got the same pid later is
 * never described: what is gone is unknown. What is read is what the process is then, not when it
 * connected: it may have executed another program. */
#ifndef PIPECORE_PEER_H
#define PIPECORE_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipecore/declarations.h"

PC_DECLARATIONS_BEGIN

/* Small, and known of every session. */
typedef struct pc_peer {
  int64_t pid; /* -1: unknown */
  int64_t uid;
  int64_t gid;
  char name[64]; /* the process's name, UTF-8 not guaranteed; "" if it was gone already */
} pc_peer;

/* What may be asked for beside it (or-ed); each costs system calls, the last three some of
 * /proc. */
typedef enum pc_peer_part {
  PC_PEER_GROUPS = 1,
  PC_PEER_EXECUTABLE = 2,
  PC_PEER_COMMAND_LINE = 4, /* may hold secrets */
  PC_PEER_UNIT = 8,         /* and container    */
  PC_PEER_ALL = 15
} pc_peer_part;

enum {
  PC_PEER_GROUPS_MAX = 256,
  PC_PEER_EXECUTABLE_BYTES = 1024,
  PC_PEER_COMMAND_LINE_BYTES = 1024,
  PC_PEER_UNIT_BYTES = 256,
  PC_PEER_CONTAINER_BYTES = 80
};

/* Some 3.5 KiB: fill one, keep what is wanted of it. The process had a hand in all texts, and they
 * are bytes: UTF-8 is not guaranteed. Every text ends with a NUL. */
typedef struct pc_peer_details {
  uint32_t known; /* pc_peer_part, or-ed: those that could be had. The others are empty */

  uint32_t
      group_count; /* supplementary groups at the moment of connecting. More than fit: none known */
  uint32_t groups[PC_PEER_GROUPS_MAX];

  char executable[PC_PEER_EXECUTABLE_BYTES]; /* absolute path. One that does not fit is not known */
  /* The file that stands at this path, in the file system as this process sees it, is the one that
   * runs. Otherwise it was removed or replaced, or lies in a container. */
  bool is_executable_current;

  bool is_command_line_cut;
  uint32_t command_line_bytes;                   /* without the NUL behind the last argument */
  char command_line[PC_PEER_COMMAND_LINE_BYTES]; /* arguments with a NUL between each two     */

  char unit[PC_PEER_UNIT_BYTES];           /* of systemd: a service or scope; "": none */
  char container[PC_PEER_CONTAINER_BYTES]; /* its id or name; "": none that is known   */
} pc_peer_details;

PC_DECLARATIONS_END

#endif
