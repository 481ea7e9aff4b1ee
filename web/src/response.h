/* What every answer of ours carries. HTTP thread. */
#ifndef WEB_SRC_RESPONSE_H
#define WEB_SRC_RESPONSE_H

#include <stddef.h>

#include "engine.h"

/* Safety headers, Content-Type and Cache-Control. `policy` is a Content-Security-Policy. False: no
 * memory. */
bool web_response_dress(web_answer *answer, const char *content_type, const char *cache_control,
                        const char *policy);
/* For what is no page. */
extern const char web_policy_none[];
/* For the dashboard: only what this server gives. */
extern const char web_policy_page[];

/* RFC 9457's object, allocated; NULL: no memory. */
char *web_problem_format(unsigned status, const char *code, const char *detail, size_t *out_size);
const char *web_reason_phrase(unsigned status);

#endif
