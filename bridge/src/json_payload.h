/* A message as JSON says it: {"text": …}, {"base64": …} or {"hex": …}, one of them. Pure; any
 * thread. */
#ifndef BRIDGE_SRC_JSON_PAYLOAD_H
#define BRIDGE_SRC_JSON_PAYLOAD_H

#include <jansson.h>

#include "problem.h"
#include "web/buffer.h"

/* An object, no name in it twice; the caller's (json_decref). NULL: 400 `bad_json` with line and
 * column, or 503. */
json_t *br_json_object(const void *text, size_t size, br_problem *out_problem);
/* Appends the bytes to `out`. False: 400 `bad_payload` says which member is wrong, at which
 * character, or 503; what was appended does not count. Other members are left alone. */
bool br_json_payload(const json_t *object, web_buffer *out, br_problem *out_problem);
/* Whether `object` has only members named in `names` (NULL-ended) beside those three. False: 400
 * `unknown_member`. */
bool br_json_has_only(const json_t *object, const char *const *names, br_problem *out_problem);
/* All of it: a text that is such an object and has nothing else; appends the bytes of the
 * message. */
bool br_json_message(const void *text, size_t size, web_buffer *out, br_problem *out_problem);

#endif
