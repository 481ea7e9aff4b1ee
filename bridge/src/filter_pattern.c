/* Patterns over payloads; the only file that knows PCRE2. One thread at a time.
 *
 * Payloads need not be UTF-8: PCRE2_MATCH_INVALID_UTF lets a pattern match between the bytes that
 * are not. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>

#include "filter_private.h"

enum {
  /* Steps of one match: some milliseconds in the worst case, while a sane expression needs
     hundreds. */
  MATCH_LIMIT = 20000,
  /* An expression that gave up so often is not tried any more: nothing is known. */
  GIVE_UPS_MAX = 1000,
  MATCH_HEAP_KIB = 1024
};

struct filter_pattern {
  pcre2_code *code;
  pcre2_match_data *data;
  pcre2_match_context *context;
  unsigned give_ups;
};

static uint32_t pattern_options(filter_pattern_kind kind) {
  enum { ANY_TEXT = PCRE2_UTF | PCRE2_MATCH_INVALID_UTF };
  switch (kind) {
  case FILTER_PATTERN_TEXT:
    return ANY_TEXT | PCRE2_LITERAL | PCRE2_CASELESS;
  case FILTER_PATTERN_BYTES:
    return PCRE2_LITERAL;
  case FILTER_PATTERN_REGEX:
    return ANY_TEXT | PCRE2_NEVER_BACKSLASH_C;
  case FILTER_PATTERN_REGEX_ANY_CASE:
    return ANY_TEXT | PCRE2_NEVER_BACKSLASH_C | PCRE2_CASELESS;
  }
  return 0;
}

filter_pattern *br_filter_pattern_create(filter_pattern_kind kind, const char *text, size_t size,
                                         char *error, size_t error_size) {
  filter_pattern *pattern = calloc(1, sizeof *pattern);
  int code = 0;
  PCRE2_SIZE offset;
  if (pattern) {
    pattern->code =
        pcre2_compile((PCRE2_SPTR)text, size, pattern_options(kind), &code, &offset, NULL);
    if (!pattern->code) {
      PCRE2_UCHAR reason[128];
      (void)pcre2_get_error_message(code, reason, sizeof reason);
      (void)snprintf(error, error_size, "%s, at character %zu of it", (const char *)reason, offset);
      br_filter_pattern_destroy(pattern);
      return NULL;
    }
    pattern->data = pcre2_match_data_create(1, NULL);
    pattern->context = pcre2_match_context_create(NULL);
  }
  if (!pattern || !pattern->data || !pattern->context) {
    (void)snprintf(error, error_size, "out of memory");
    br_filter_pattern_destroy(pattern);
    return NULL;
  }
  (void)pcre2_set_match_limit(pattern->context, MATCH_LIMIT);
  (void)pcre2_set_heap_limit(pattern->context, MATCH_HEAP_KIB);
  (void)pcre2_jit_compile(pattern->code, PCRE2_JIT_COMPLETE); /* without it, slower */
  return pattern;
}

void br_filter_pattern_destroy(filter_pattern *pattern) {
  if (pattern) {
    pcre2_match_context_free(pattern->context);
    pcre2_match_data_free(pattern->data);
    pcre2_code_free(pattern->code);
    free(pattern);
  }
}

filter_verdict br_filter_pattern_match(filter_pattern *pattern, const void *data, size_t size) {
  if (pattern->give_ups >= GIVE_UPS_MAX) {
    return FILTER_UNKNOWN;
  }
  int result = pcre2_match(pattern->code, data, size, 0, 0, pattern->data, pattern->context);
  if (result >= 0) {
    return FILTER_YES;
  }
  pattern->give_ups += result != PCRE2_ERROR_NOMATCH;
  return result == PCRE2_ERROR_NOMATCH ? FILTER_NO : FILTER_UNKNOWN;
}
