/* The cache: a user has one place, and a name is believed for a minute. */
#include "user_names.h"

#include "host.h"

static const uint64_t believed_ns = UINT64_C(60) * 1000000000;

const char *br_user_names_find(br_user_names *names, int64_t uid, uint64_t now_ns) {
  if (uid < 0) {
    return "";
  }
  br_user_name *kept = &names->names[uid % BR_USER_NAMES];
  if (kept->until_ns <= now_ns || kept->uid != uid) {
    kept->uid = uid;
    kept->until_ns = now_ns + believed_ns;
    if (!br_host_user_name(uid, kept->name, sizeof kept->name)) {
      kept->name[0] = '\0';
    }
  }
  return kept->name;
}
