/* Named texts as a filter, and where in the run it begins. HTTP thread. */
#include "filter_parameters.h"

#include <string.h>

#include "injection_target.h"

/* The parameters that are keys of the filter. What they may hold needs no quotes there. */
static const char *const filter_keys[] = {"pipe", "session", "direction", "kind"};
static const char value_bytes[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-*,";

static bool is_one_name(const char *value) {
  return !strpbrk(value, "*,");
}

static bool key_append(const br_hub *hub, const char *key, const char *value, web_buffer *text,
                       br_problem *out_problem) {
  bool is_pipe = strcmp(key, "pipe") == 0;
  if (is_pipe && is_one_name(value) &&
      !br_target_pipe(br_hub_registry(hub), value, NULL, out_problem)) {
    return false;
  }
  if (!*value || value[strspn(value, value_bytes)]) {
    return br_problem_set(out_problem, 400, "bad_filter", "%s=%s is no %s.", key, value, key);
  }
  web_buffer_append_format(text, "%s:%s ", key, value);
  return true;
}

static bool filter_refuse(const char *name, const char *value, const br_filter_error *error,
                          br_problem *out_problem) {
  return br_problem_set(out_problem, 400, "bad_filter", "%s=%s, at character %zu: %s.", name, value,
                        error->offset + 1, error->text);
}

/* Alone, so that its parentheses cannot close ours, and an error's place is its own. */
static bool query_check(const char *query, br_problem *out_problem) {
  br_filter_error error;
  br_filter *filter = br_filter_compile(query, strlen(query), &error);
  if (!filter) {
    return filter_refuse("q", query, &error, out_problem);
  }
  br_filter_destroy(filter);
  return true;
}

static bool filter_write(const br_hub *hub, const br_parameters *parameters, web_buffer *text,
                         br_problem *out_problem) {
  for (size_t index = 0; index < sizeof filter_keys / sizeof filter_keys[0]; index++) {
    const char *value = parameters->get(parameters->source, filter_keys[index]);
    if (value && !key_append(hub, filter_keys[index], value, text, out_problem)) {
      return false;
    }
  }
  const char *query = parameters->get(parameters->source, "q");
  if (query && !query_check(query, out_problem)) {
    return false;
  }
  if (query && query[strspn(query, " \t\r\n")]) {
    web_buffer_append_format(text, "(%s)", query);
  }
  return true;
}

br_filter *br_filter_of_parameters(const br_hub *hub, const br_parameters *parameters,
                                   const char *otherwise, br_problem *out_problem) {
  br_filter *filter = NULL;
  web_buffer text;
  web_buffer_init(&text, 2 * (size_t)BR_FILTER_MAX_BYTES);
  if (filter_write(hub, parameters, &text, out_problem)) {
    if (!parameters->get(parameters->source, "kind")) {
      web_buffer_append_text(&text, otherwise);
    }
    br_filter_error error = {0, "too long, or out of memory"};
    filter = text.failed
                 ? NULL
                 : br_filter_compile(text.data ? (const char *)text.data : "", text.size, &error);
    if (!filter) {
      (void)filter_refuse("the whole filter", "…", &error, out_problem);
    }
  }
  web_buffer_fini(&text);
  return filter;
}

bool br_since_parse(const br_hub *hub, const char *name, const char *text, br_start_mode *out_start,
                    uint64_t *out_seq, br_problem *out_problem) {
  enum { RUN_DIGITS = BR_RUN_TEXT_BYTES - 1 };
  if (!text) {
    return true;
  }
  bool has_run = strspn(text, "0123456789abcdef") == RUN_DIGITS && text[RUN_DIGITS] == ':';
  if (!br_api_parse_u64(has_run ? text + RUN_DIGITS + 1 : text, out_seq)) {
    return br_problem_set(out_problem, 400, "bad_since",
                          "%s=%s is neither SEQ nor RUN:SEQ, as the events name them.", name, text);
  }
  /* A seq that this run has not reached can only be another run's. */
  bool is_this_run = !has_run || memcmp(text, br_hub_run(hub), RUN_DIGITS) == 0;
  *out_start = is_this_run && *out_seq <= br_hub_seq(hub) ? BR_START_SINCE : BR_START_RUN;
  return true;
}

bool br_max_lag_parse(const br_parameters *parameters, uint32_t *out_bytes,
                      br_problem *out_problem) {
  enum { MAX_LAG_MAX_BYTES = 1 << 30 };
  const char *text = parameters->get(parameters->source, "max_lag_bytes");
  uint64_t bytes = 0;
  if (text && (!br_api_parse_u64(text, &bytes) || bytes == 0 || bytes > MAX_LAG_MAX_BYTES)) {
    return br_problem_set(out_problem, 400, "bad_max_lag",
                          "max_lag_bytes=%s is no number of bytes from 1 to %d.", text,
                          MAX_LAG_MAX_BYTES);
  }
  *out_bytes = (uint32_t)bytes;
  return true;
}
