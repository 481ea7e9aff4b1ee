/* Problems, written and answered. */
#include "problem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "web/text.h"

/* What is told goes into JSON, whatever bytes it repeats: it may end in the middle of a character,
 * or be no UTF-8. */
static void text_mend(char *text) {
  enum { CHARACTER_MAX_BYTES = 4 };
  size_t size = strlen(text);
  for (size_t cut = 0; cut < CHARACTER_MAX_BYTES && cut <= size; cut++) {
    if (web_utf8_is_valid((const uint8_t *)text, size - cut)) {
      text[size - cut] = '\0';
      return;
    }
  }
  for (char *at = text; *at; at++) {
    *at = (unsigned char)*at < 0x80 ? *at : '?';
  }
}

bool br_problem_set(br_problem *out_problem, unsigned status, const char *code, const char *detail,
                    ...) {
  out_problem->status = status;
  out_problem->code = code;
  va_list arguments;
  va_start(arguments, detail);
  (void)vsnprintf(out_problem->detail, sizeof out_problem->detail, detail, arguments);
  va_end(arguments);
  text_mend(out_problem->detail);
  return false;
}

void br_problem_respond(web_request *request, const br_problem *problem) {
  web_respond_problem(request, problem->status, problem->code, "%s", problem->detail);
}
