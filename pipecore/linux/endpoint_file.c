/* The lock beside an endpoint, its owner and mode, its removal. The loop's thread; blocks for local
 * file operations only.
 *
 * Failures: path too long; lock held (PC_E_IN_USE); mode or owner refused. */
#include "endpoint_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "system.h"

enum {
  DEFAULT_MODE = 0600,
  LOCK_TRIES = 8,
  LOCK_PATH_BYTES = PC_LINUX_PATH_MAX_BYTES + sizeof ".lock"
};

pc_status pc_linux_fail(pc_failure *out_failure, const char *action, const char *advice) {
  *out_failure = (pc_failure){
      .status = pc_linux_status(errno), .native = errno, .action = action, .advice = advice};
  return out_failure->status;
}

pc_status pc_linux_fail_in_use(pc_failure *out_failure, const char *action, const char *advice) {
  *out_failure = (pc_failure){.status = PC_E_IN_USE, .action = action, .advice = advice};
  return out_failure->status;
}

/* ---- PATH.lock ---- */

/* Whether the locked file is the one that stands at the path: its last holder may have removed
 * it. */
static bool lock_is_current(int fd, const char *path) {
  struct stat held;
  struct stat current;
  return fstat(fd, &held) == 0 && lstat(path, &current) == 0 && held.st_dev == current.st_dev &&
         held.st_ino == current.st_ino;
}

pc_status pc_linux_path_check(const char *path, pc_failure *out_failure) {
  if (strlen(path) <= PC_LINUX_PATH_MAX_BYTES) {
    return PC_OK;
  }
  *out_failure = (pc_failure){
      .status = PC_E_NAME,
      .action = "check path",
      .advice = "an endpoint's path has at most 107 bytes: use a shorter folder or file name"};
  return PC_E_NAME;
}

pc_status pc_linux_lock_take(const char *path, int *out_fd, pc_failure *out_failure) {
  char lock[LOCK_PATH_BYTES];
  pc_status status = pc_linux_path_check(path, out_failure);
  if (status != PC_OK) {
    return status;
  }
  (void)snprintf(lock, sizeof lock, "%s.lock", path);
  for (int attempt = 0; attempt < LOCK_TRIES; attempt++) {
    int fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    if (fd < 0) {
      return pc_linux_fail(out_failure, "open the lock beside the endpoint",
                           "the folder must exist and be writable for this user");
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
      close(fd);
      return pc_linux_fail_in_use(out_failure, "lock the endpoint",
                                  "another server serves this path: stop it, or use another path");
    }
    if (lock_is_current(fd, lock)) {
      *out_fd = fd;
      return PC_OK;
    }
    close(fd);
  }
  return pc_linux_fail_in_use(out_failure, "lock the endpoint",
                              "other servers come and go at this path");
}

void pc_linux_lock_release(int *fd, const char *path) {
  char lock[LOCK_PATH_BYTES];
  (void)snprintf(lock, sizeof lock, "%s.lock", path);
  if (lock_is_current(*fd, lock)) {
    unlink(lock);
  }
  close(*fd);
  *fd = -1;
}

/* ---- mode and owner ---- */

mode_t pc_linux_security_mode(const pc_security *security) {
  return security->mode ? security->mode & 07777 : DEFAULT_MODE;
}

pc_status pc_linux_security_give(int fd, const pc_security *security, mode_t mode,
                                 pc_failure *out_failure) {
  if ((security->uid >= 0 || security->gid >= 0) &&
      fchownat(fd, "", security->uid >= 0 ? (uid_t)security->uid : (uid_t)-1,
               security->gid >= 0 ? (gid_t)security->gid : (gid_t)-1, AT_EMPTY_PATH) != 0) {
    return pc_linux_fail(out_failure, "give the endpoint its owner",
                         "a user can give files to own groups only; leave uid and gid unset");
  }
  struct stat info;
  if (fstat(fd, &info) == 0 && (info.st_mode & 07777) == mode) {
    return PC_OK;
  }
  char path[64];
  (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  return chmod(path, mode) == 0 ? PC_OK
                                : pc_linux_fail(out_failure, "give the endpoint its mode", NULL);
}

void pc_linux_file_remove(const pc_linux_file *file, const char *path) {
  struct stat info;
  if (file->inode != 0 && lstat(path, &info) == 0 && info.st_dev == file->device &&
      info.st_ino == file->inode) {
    unlink(path);
  }
}
