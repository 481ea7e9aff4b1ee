/* Headers and problem bodies. Pure but for the answer that it fills in. HTTP thread. */
#include "response.h"

#include <stdlib.h>
#include <string.h>

#include "web/buffer.h"
#include "web/text.h"

const char web_policy_none[] = "default-src 'none'; frame-ancestors 'none'";
const char web_policy_page[] = "default-src 'self'; object-src 'none'; base-uri 'none'; "
                               "form-action 'none'; frame-ancestors 'none'";

#define DETAIL_MAX 2048

bool web_response_dress(web_answer *answer, const char *content_type, const char *cache_control,
                        const char *policy) {
  return (content_type == NULL || web_engine_answer_header(answer, "Content-Type", content_type)) &&
         web_engine_answer_header(answer, "Cache-Control", cache_control) &&
         web_engine_answer_header(answer, "X-Content-Type-Options", "nosniff") &&
         web_engine_answer_header(answer, "Referrer-Policy", "no-referrer") &&
         web_engine_answer_header(answer, "Cross-Origin-Resource-Policy", "same-origin") &&
         web_engine_answer_header(answer, "Content-Security-Policy", policy);
}

static void text_append_json(web_buffer *buffer, const char *text) {
  size_t size = strnlen(text, DETAIL_MAX);
  /* It may quote what a peer sent, and may have been cut in the middle of a character. */
  for (int i = 0; i < 3 && size > 0 && !web_utf8_is_valid((const uint8_t *)text, size); i++) {
    size--;
  }
  if (!web_utf8_is_valid((const uint8_t *)text, size)) {
    web_buffer_append_text(buffer, "\"(the text is not UTF-8)\"");
    return;
  }
  uint8_t *start = web_buffer_reserve(buffer, WEB_JSON_STRING_BOUND(size));
  if (start != NULL) {
    const uint8_t *end = web_json_write_string(start, (const uint8_t *)text, size);
    web_buffer_commit(buffer, (size_t)(end - start));
  }
}

char *web_problem_format(unsigned status, const char *code, const char *detail, size_t *out_size) {
  web_buffer buffer;
  web_buffer_init(&buffer, 8 * (size_t)DETAIL_MAX);
  web_buffer_append_text(&buffer, "{\"type\":\"about:blank\",\"title\":");
  text_append_json(&buffer, web_reason_phrase(status));
  web_buffer_append_format(&buffer, ",\"status\":%u,\"code\":", status);
  text_append_json(&buffer, code);
  web_buffer_append_text(&buffer, ",\"detail\":");
  text_append_json(&buffer, detail);
  web_buffer_append_text(&buffer, "}\n");
  if (buffer.failed) {
    web_buffer_fini(&buffer);
    return NULL;
  }
  *out_size = buffer.size;
  return (char *)buffer.data;
}

const char *web_reason_phrase(unsigned status) {
  switch (status) {
  case 400:
    return "Bad Request";
  case 403:
    return "Forbidden";
  case 404:
    return "Not Found";
  case 405:
    return "Method Not Allowed";
  case 406:
    return "Not Acceptable";
  case 409:
    return "Conflict";
  case 410:
    return "Gone";
  case 413:
    return "Content Too Large";
  case 415:
    return "Unsupported Media Type";
  case 422:
    return "Unprocessable Content";
  case 426:
    return "Upgrade Required";
  case 429:
    return "Too Many Requests";
  case 500:
    return "Internal Server Error";
  case 501:
    return "Not Implemented";
  case 502:
    return "Bad Gateway";
  case 503:
    return "Service Unavailable";
  case 504:
    return "Gateway Timeout";
  default:
    return "Error";
  }
}
