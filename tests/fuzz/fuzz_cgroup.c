/* What /proc/PID/cgroup says: whatever it is, unit and container are ended texts of harmless
 * characters that stand in it between two separators, and the same text says the same again. */
#include <string.h>

#include "fuzz.h"
#include "linux/cgroup.h"

static void check_name(const char *name, size_t capacity, const uint8_t *data, size_t size) {
  size_t length = strnlen(name, capacity);
  FUZZ_CHECK(length < capacity);
  for (size_t index = 0; index < length; index++) {
    char letter = name[index];
    FUZZ_CHECK((letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
               (letter >= '0' && letter <= '9') || strchr(":-_.\\@", letter));
  }
  bool is_found = length == 0;
  for (size_t at = 0; !is_found && at + length <= size; at++) {
    is_found = memcmp(data + at, name, length) == 0;
  }
  FUZZ_CHECK(is_found);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static pc_peer_details first;
  static pc_peer_details second;
  memset(&first, 0xff, sizeof first);
  memset(&second, 0, sizeof second);
  pc_linux_cgroup_parse((const char *)data, size, &first);
  check_name(first.unit, sizeof first.unit, data, size);
  check_name(first.container, sizeof first.container, data, size);
  pc_linux_cgroup_parse((const char *)data, size, &second);
  FUZZ_CHECK(strcmp(first.unit, second.unit) == 0);
  FUZZ_CHECK(strcmp(first.container, second.container) == 0);
  return 0;
}
