/* What the files of endpoints have in common: the lock beside one, its owner and mode, its removal.
 * The loop's thread. */
#ifndef PIPECORE_LINUX_ENDPOINT_FILE_H
#define PIPECORE_LINUX_ENDPOINT_FILE_H

#include <stddef.h>
#include <sys/types.h>
#include <sys/un.h>

#include "pipecore/server.h"

/* Bytes of an endpoint's path that fit, without the terminating one. */
enum { PC_LINUX_PATH_MAX_BYTES = sizeof((struct sockaddr_un *)NULL)->sun_path - 1 };

/* Refuses a path that is too long for an endpoint. */
PC_MUST_USE pc_status pc_linux_path_check(const char *path, pc_failure *out_failure);

/* A file that we made: whatever else stands at its path is not ours. */
typedef struct pc_linux_file {
  dev_t device;
  ino_t inode; /* 0: we made none */
} pc_linux_file;

/* ---- failures ---- */
/* Notes the failure that errno tells. */
pc_status pc_linux_fail(pc_failure *out_failure, const char *action, const char *advice);
pc_status pc_linux_fail_in_use(pc_failure *out_failure, const char *action, const char *advice);

/* ---- PATH.lock: the first-instance guard between servers that know it ---- */
/* Also refuses a path that is too long for an endpoint. */
PC_MUST_USE pc_status pc_linux_lock_take(const char *path, int *out_fd, pc_failure *out_failure);
void pc_linux_lock_release(int *fd, const char *path);

/* ---- mode and owner ---- */
mode_t pc_linux_security_mode(const pc_security *security);
/* Through a descriptor of the inode itself (O_PATH will do), so that nothing that is put at the
 * path meanwhile is changed. */
PC_MUST_USE pc_status pc_linux_security_give(int fd, const pc_security *security, mode_t mode,
                                             pc_failure *out_failure);

/* Removes what stands at the path, if it is this file. */
void pc_linux_file_remove(const pc_linux_file *file, const char *path);

#endif
