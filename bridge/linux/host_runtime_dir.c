/* The directory that relative pipe paths are below. Main thread, at start.
 *
 * Success: there already, ours or root's, and nobody else may replace what is in it; or made, mode
 * 0700. Failures: no such place for this user, parent missing, not a directory, owned or writable
 * by others. */
#include "host.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char *br_host_default_runtime_dir(char *error, size_t error_size) {
  const char *base = getenv("XDG_RUNTIME_DIR");
  /* A relative one is to be ignored, says the base directory specification. */
  if (!base || base[0] != '/') {
    if (geteuid() != 0) {
      (void)snprintf(error, error_size,
                     "no directory for the pipes: set --runtime-dir, PIPEBRIDGE_RUNTIME_DIR or "
                     "XDG_RUNTIME_DIR, or give each pipe an absolute path");
      return NULL;
    }
    base = "/run";
  }
  size_t size = strlen(base) + sizeof "/pipebridge";
  char *path = malloc(size);
  if (!path) {
    (void)snprintf(error, error_size, "out of memory");
    return NULL;
  }
  (void)snprintf(path, size, "%s/pipebridge", base);
  return path;
}

static bool directory_check(const char *path, const struct stat *status, char *error,
                            size_t error_size) {
  if (!S_ISDIR(status->st_mode)) {
    (void)snprintf(error, error_size, "runtime directory %s: is not a directory", path);
    return false;
  }
  if (status->st_uid != geteuid() && status->st_uid != 0) {
    (void)snprintf(error, error_size,
                   "runtime directory %s: belongs to user %u, who could replace the pipes in it; "
                   "choose one of your own with --runtime-dir",
                   path, (unsigned)status->st_uid);
    return false;
  }
  if ((status->st_mode & S_IWOTH) && !(status->st_mode & S_ISVTX)) {
    (void)snprintf(error, error_size,
                   "runtime directory %s: everybody may write there and replace the pipes in it; "
                   "chmod o-w it, or choose another with --runtime-dir",
                   path);
    return false;
  }
  return true;
}

bool br_host_check_runtime_dir(const char *path, bool create, char *error, size_t error_size) {
  if (create && mkdir(path, 0700) != 0 && errno != EEXIST) {
    (void)snprintf(error, error_size, "runtime directory %s: cannot be made: %s%s", path,
                   strerror(errno), errno == ENOENT ? "; its parent must exist" : "");
    return false;
  }
  struct stat status;
  if (stat(path, &status) == 0) {
    return directory_check(path, &status, error, error_size);
  }
  if (!create && errno == ENOENT) {
    return true;
  }
  (void)snprintf(error, error_size, "runtime directory %s: %s", path, strerror(errno));
  return false;
}
