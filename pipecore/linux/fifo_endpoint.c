/* The file of a FIFO. The loop's thread; blocks for local file operations only.
 *
 * Success: PATH.lock is locked → made, unless one stands there already → opened without following a
 * link and without opening its pipe, and looked at → owner and mode as asked for; one that was
 * there keeps what is not asked for → our end of it. Everything after the first open goes through
 * that descriptor, so that nothing put at the path meanwhile is touched. Failures: path too long;
 * lock held, or something that is no FIFO at the path (PC_E_IN_USE, never touched); mode or owner
 * refused; no right to open it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fifo.h"

enum { FD_PATH_BYTES = 64 };

/* The path of the file behind a descriptor. */
static void fd_path(int fd, char path[FD_PATH_BYTES]) {
  (void)snprintf(path, FD_PATH_BYTES, "/proc/self/fd/%d", fd);
}

int pc_fifo_open_end(const pc_fifo *fifo) {
  char path[FD_PATH_BYTES];
  fd_path(fifo->fd, path);
  int direction = fifo->access == PC_ACCESS_INBOUND ? O_RDONLY : O_WRONLY;
  return open(path, direction | O_NONBLOCK | O_CLOEXEC);
}

/* Makes it, never wider than asked for; one that is there already will do. */
static pc_status file_make(const pc_fifo *fifo, const pc_security *security, bool *out_is_made,
                           pc_failure *failure) {
  *out_is_made = mkfifo(fifo->path, pc_linux_security_mode(security) & 0700) == 0;
  return *out_is_made || errno == EEXIST
             ? PC_OK
             : pc_linux_fail(failure, "make a FIFO",
                             "the folder must exist and be writable for this user");
}

/* Owner and mode. What was there already may be somebody else's: nothing is asked of it without
 * need. */
static pc_status file_secure(int fd, const struct stat *info, const pc_security *security,
                             bool is_made, pc_failure *failure) {
  mode_t mode =
      is_made || security->mode != 0 ? pc_linux_security_mode(security) : info->st_mode & 07777;
  return pc_linux_security_give(fd, security, mode, failure);
}

static pc_status file_take(pc_fifo *fifo, const pc_security *security, bool is_made,
                           pc_failure *failure) {
  fifo->fd = open(fifo->path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
  if (fifo->fd < 0) {
    return pc_linux_fail(failure, "open the FIFO's inode", NULL);
  }
  struct stat info;
  if (fstat(fifo->fd, &info) != 0 || !S_ISFIFO(info.st_mode)) {
    return pc_linux_fail_in_use(
        failure, "open the FIFO",
        "a file that is no FIFO has this path: move it, or use another path");
  }
  if (is_made) {
    fifo->file = (pc_linux_file){.device = info.st_dev, .inode = info.st_ino};
  }
  return file_secure(fifo->fd, &info, security, is_made, failure);
}

/* Puts a reading end in the place of the inode. A writing one is only asked for: to open it now
 * would show a reader that waits an end of input. */
static pc_status end_hold(pc_fifo *fifo, pc_failure *failure) {
  if (fifo->access == PC_ACCESS_OUTBOUND) {
    char path[FD_PATH_BYTES];
    fd_path(fifo->fd, path);
    return faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) == 0
               ? PC_OK
               : pc_linux_fail(failure, "open the FIFO", "its mode must let this user write to it");
  }
  int fd = pc_fifo_open_end(fifo);
  if (fd < 0) {
    return pc_linux_fail(failure, "open the FIFO", "its mode must let this user read it");
  }
  close(fifo->fd);
  fifo->fd = fd;
  return PC_OK;
}

pc_status pc_fifo_open(const pc_listen *listen, pc_fifo *out_fifo, pc_failure *out_failure) {
  pc_fifo fifo = {.access = listen->access, .fd = -1};
  pc_status status = pc_linux_lock_take(listen->path, &fifo.lock_fd, out_failure);
  if (status != PC_OK) {
    return status;
  }
  memcpy(fifo.path, listen->path, strlen(listen->path));
  bool is_made = false;
  status = file_make(&fifo, &listen->security, &is_made, out_failure);
  if (status == PC_OK) {
    status = file_take(&fifo, &listen->security, is_made, out_failure);
  }
  if (status == PC_OK) {
    status = end_hold(&fifo, out_failure);
  }
  if (status != PC_OK) {
    pc_fifo_close(&fifo);
    return status;
  }
  *out_fifo = fifo;
  return PC_OK;
}

void pc_fifo_close(pc_fifo *fifo) {
  pc_linux_file_remove(&fifo->file, fifo->path);
  if (fifo->fd >= 0) {
    close(fifo->fd);
    fifo->fd = -1;
  }
  pc_linux_lock_release(&fifo->lock_fd, fifo->path);
}
