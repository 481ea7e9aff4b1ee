/* What the system said no to, for people. Pure; any thread. */
#include "failure.h"

#include <stdio.h>

void br_failure_format(const pc_failure *failure, char *out_text, size_t size) {
  char native[128] = "";
  if (failure->native) {
    pc_native_text(failure->native, native, sizeof native);
  }
  (void)snprintf(out_text, size, "%s%s%s%s%s", pc_status_text(failure->status),
                 failure->native ? ": " : "", native, failure->advice ? "; " : "",
                 failure->advice ? failure->advice : "");
}
