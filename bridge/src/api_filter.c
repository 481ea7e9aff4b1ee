/* A request's parameters as a filter, and where in the run it begins. HTTP thread. */
#include <stdio.h>
#include <string.h>

#include "api_private.h"

/* The parameters that are keys of the filter. What they may hold needs no quotes there. */
static const char *const filter_keys[] = {"pipe", "session", "direction", "kind"};
static const char value_bytes[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-*,";

static bool is_one_name(const char *value) {
  return !strpbrk(value, "*,");
}

/* False: answered with the error. */
static bool key_append(br_api *api, web_request *request, const char *key, const char *value,
                       web_buffer *text) {
  bool is_pipe = strcmp(key, "pipe") == 0;
  if (is_pipe && is_one_name(value) && !br_api_pipe(api, request, value, NULL)) {
    return false;
  }
  if (!*value || value[strspn(value, value_bytes)]) {
    web_respond_problem(request, 400, "bad_filter", "%s=%s is no %s.", key, value, key);
    return false;
  }
  web_buffer_append_format(text, "%s:%s ", key, value);
  return true;
}

static br_filter *filter_refuse(web_request *request, const char *name, const char *value,
                                const br_filter_error *error) {
  web_respond_problem(request, 400, "bad_filter", "%s=%s, at character %zu: %s.", name, value,
                      error->offset + 1, error->text);
  return NULL;
}

/* Alone, so that its parentheses cannot close ours, and an error's place is its own. */
static bool query_check(web_request *request, const char *query) {
  br_filter_error error;
  br_filter *filter = br_filter_compile(query, strlen(query), &error);
  if (!filter) {
    (void)filter_refuse(request, "q", query, &error);
    return false;
  }
  br_filter_destroy(filter);
  return true;
}

static bool filter_write(br_api *api, web_request *request, web_buffer *text) {
  for (size_t index = 0; index < sizeof filter_keys / sizeof filter_keys[0]; index++) {
    const char *value = web_request_query(request, filter_keys[index]);
    if (value && !key_append(api, request, filter_keys[index], value, text)) {
      return false;
    }
  }
  const char *query = web_request_query(request, "q");
  if (query && !query_check(request, query)) {
    return false;
  }
  if (query && query[strspn(query, " \t\r\n")]) {
    web_buffer_append_format(text, "(%s)", query);
  }
  return true;
}

br_filter *br_api_filter(br_api *api, web_request *request, const char *otherwise) {
  br_filter *filter = NULL;
  web_buffer text;
  web_buffer_init(&text, 2 * (size_t)BR_FILTER_MAX_BYTES);
  if (filter_write(api, request, &text)) {
    if (!web_request_query(request, "kind")) {
      web_buffer_append_text(&text, otherwise);
    }
    br_filter_error error = {0, "too long, or out of memory"};
    filter = text.failed
                 ? NULL
                 : br_filter_compile(text.data ? (const char *)text.data : "", text.size, &error);
    if (!filter) {
      (void)filter_refuse(request, "the whole filter", "…", &error);
    }
  }
  web_buffer_fini(&text);
  return filter;
}

bool br_api_since(br_api *api, web_request *request, const char *name, const char *text,
                  br_start_mode *out_start, uint64_t *out_seq) {
  enum { RUN_DIGITS = BR_RUN_TEXT_BYTES - 1 };
  if (!text) {
    return true;
  }
  bool has_run = strspn(text, "0123456789abcdef") == RUN_DIGITS && text[RUN_DIGITS] == ':';
  if (!br_api_parse_u64(has_run ? text + RUN_DIGITS + 1 : text, out_seq)) {
    web_respond_problem(request, 400, "bad_since",
                        "%s=%s is neither SEQ nor RUN:SEQ, as the events name them.", name, text);
    return false;
  }
  /* A seq that this run has not reached can only be another run's. */
  bool is_this_run = !has_run || memcmp(text, br_hub_run(api->hub), RUN_DIGITS) == 0;
  *out_start = is_this_run && *out_seq <= br_hub_seq(api->hub) ? BR_START_SINCE : BR_START_RUN;
  return true;
}
