/* Messages in JSON: whatever comes is read or refused with words, a refused one says why, and the
 * bytes of a text are never more than the JSON that said it. Input: the JSON. */
#include <stdbool.h>
#include <string.h>

#include "fuzz.h"
#include "json_payload.h"

static void check_problem(const br_problem *problem) {
  FUZZ_CHECK(problem->status == 400 || problem->status == 503);
  FUZZ_CHECK(problem->code[0] != '\0' && problem->detail[0] != '\0');
  FUZZ_CHECK(strlen(problem->detail) < sizeof problem->detail);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const char *const known[] = {"session", "direction", "delay_ms", NULL};
  br_problem problem = {0};
  web_buffer out;
  web_buffer_init(&out, size);
  json_t *object = br_json_object(data, size, &problem);
  if (!object || !br_json_payload(object, &out, &problem)) {
    check_problem(&problem);
  } else {
    FUZZ_CHECK(out.size <= size);
  }
  if (object && !br_json_has_only(object, known, &problem)) {
    check_problem(&problem);
  }
  json_decref(object);
  web_buffer_fini(&out);
  return 0;
}
