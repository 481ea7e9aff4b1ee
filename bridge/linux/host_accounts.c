/* Users and groups by name or number: main thread, at start, since the look-up is not reentrant.
 * Names of users: any thread. */
#include "host.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A decimal number below 2^32 - 1, which stands for "nobody" in the system's calls. */
static bool id_parse(const char *text, int64_t *out_id) {
  size_t digits = strspn(text, "0123456789");
  if (digits == 0 || digits > 10 || text[digits] != '\0') {
    return false;
  }
  int64_t id = strtoll(text, NULL, 10);
  if (id >= UINT32_MAX) {
    return false;
  }
  *out_id = id;
  return true;
}

bool br_host_find_user(const char *name, int64_t *out_uid) {
  const struct passwd *user = getpwnam(name);
  if (user) {
    *out_uid = (int64_t)user->pw_uid;
    return true;
  }
  return id_parse(name, out_uid);
}

bool br_host_find_group(const char *name, int64_t *out_gid) {
  const struct group *group = getgrnam(name);
  if (group) {
    *out_gid = (int64_t)group->gr_gid;
    return true;
  }
  return id_parse(name, out_gid);
}

bool br_host_user_name(int64_t uid, char *out_name, size_t size) {
  FILE *file = fopen("/etc/passwd", "re");
  if (!file) {
    return false;
  }
  struct passwd entry;
  struct passwd *found = NULL;
  char line[1024]; /* a longer one ends the look-up: whoever has such lines has no names */
  while (fgetpwent_r(file, &entry, line, sizeof line, &found) == 0 &&
         (int64_t)entry.pw_uid != uid) {
  }
  size_t length = found ? strlen(found->pw_name) : size;
  bool is_found = length < size;
  if (is_found) {
    memcpy(out_name, found->pw_name, length + 1);
  }
  (void)fclose(file);
  return is_found;
}
