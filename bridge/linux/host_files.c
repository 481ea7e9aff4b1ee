/* Files: read whole, written in one step. Main thread, at start.
 *
 * Reading: open → a regular file, or a pipe of bounded size → bytes. Writing: temporary file beside
 * the target → bytes → rename. Failures: each names the path, the system's word and what to do. */
#include "host.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool br_host_read_file(const char *path, size_t max_bytes, char **out_text, size_t *out_size,
                       char *error, size_t error_size) {
  FILE *file = fopen(path, "re");
  if (!file) {
    (void)snprintf(error, error_size, "%s: cannot be read: %s", path, strerror(errno));
    return false;
  }
  char *text = malloc(max_bytes + 1);
  size_t size = text ? fread(text, 1, max_bytes + 1, file) : 0;
  bool failed = text && ferror(file);
  int reason = errno;
  (void)fclose(file);
  if (!text) {
    (void)snprintf(error, error_size, "%s: out of memory", path);
  } else if (failed) {
    (void)snprintf(error, error_size, "%s: cannot be read: %s", path, strerror(reason));
  } else if (size > max_bytes) {
    (void)snprintf(error, error_size, "%s: larger than %zu bytes, the limit of a configuration",
                   path, max_bytes);
  } else {
    *out_text = text;
    *out_size = size;
    return true;
  }
  free(text);
  return false;
}

/* All of `text` into `fd`; true when it is there. */
static bool text_write(int fd, const char *text) {
  size_t left = strlen(text);
  while (left > 0) {
    ssize_t written = write(fd, text, left);
    if (written < 0 && errno == EINTR) {
      continue;
    }
    if (written <= 0) {
      return false;
    }
    text += written;
    left -= (size_t)written;
  }
  return true;
}

bool br_host_write_file(const char *path, const char *text, char *error, size_t error_size) {
  char temporary[PATH_MAX];
  int length = snprintf(temporary, sizeof temporary, "%s.XXXXXX", path);
  if (length < 0 || (size_t)length >= sizeof temporary) {
    (void)snprintf(error, error_size, "the path of the file to write is longer than %d bytes",
                   PATH_MAX - 8);
    return false;
  }
  int fd = mkostemp(temporary, O_CLOEXEC);
  if (fd < 0) {
    (void)snprintf(error, error_size, "%s: cannot be written: %s; its directory must exist", path,
                   strerror(errno));
    return false;
  }
  /* mkostemp makes it 0600; a port number is no secret. */
  bool done = text_write(fd, text) && fchmod(fd, 0644) == 0;
  done = close(fd) == 0 && done;
  if (!done || rename(temporary, path) != 0) {
    (void)snprintf(error, error_size, "%s: cannot be written: %s", path, strerror(errno));
    (void)unlink(temporary);
    return false;
  }
  return true;
}

char *br_host_absolute_path(const char *path) {
  if (path[0] == '/') {
    return strdup(path);
  }
  char *directory = getcwd(NULL, 0);
  size_t size = directory ? strlen(directory) + strlen(path) + 2 : 0;
  char *absolute = directory ? malloc(size) : NULL;
  if (absolute) {
    (void)snprintf(absolute, size, "%s/%s", directory, path);
  }
  free(directory);
  return absolute;
}

char *br_host_real_path(const char *path) {
  return realpath(path, NULL);
}
