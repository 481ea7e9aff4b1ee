/* Problems, written and answered. */
#include "problem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool br_problem_set(br_problem *out_problem, unsigned status, const char *code, const char *detail,
                    ...) {
  out_problem->status = status;
  out_problem->code = code;
  va_list arguments;
  va_start(arguments, detail);
  int size = vsnprintf(out_problem->detail, sizeof out_problem->detail, detail, arguments);
  va_end(arguments);
  if (size >= (int)sizeof out_problem->detail) {
    /* Back over the bytes of a character that may have lost its end. */
    size_t end = sizeof out_problem->detail - 1;
    while (end > 0 && ((unsigned char)out_problem->detail[end - 1] & 0xc0) == 0x80) {
      end--;
    }
    out_problem->detail[end > 0 ? end - 1 : 0] = '\0';
  }
  return false;
}

void br_problem_respond(web_request *request, const br_problem *problem) {
  web_respond_problem(request, problem->status, problem->code, "%s", problem->detail);
}
