/* Comma-separated header values (RFC 9110 §5.6.1). Pure; any thread. */
#ifndef WEB_SRC_HEADER_LIST_H
#define WEB_SRC_HEADER_LIST_H

#include <stdbool.h>
#include <stddef.h>

/* Length without the blanks at the end, which belong to no value (RFC 9112 §5) but which
 * libmicrohttpd leaves there. */
size_t web_header_size(const char *value);
/* The next element without blanks around it, and with *text behind it; 0: no more. Empty elements
 * are skipped. */
size_t web_header_next(const char **text, const char **out_element);
/* Whether `token` stands in the list, in any case. NULL has none. */
bool web_header_has_token(const char *list, const char *token);
/* Whether Accept-Encoding (RFC 9110 §12.5.3) names gzip, or everything, with a quality over 0.
 * Without the header any coding would be allowed, but who sends none cannot decode any: false. */
bool web_header_accepts_gzip(const char *list);
/* If-None-Match against a quoted tag, weakly (RFC 9110 §13.1.2). */
bool web_header_matches_etag(const char *list, const char *etag);

#endif
