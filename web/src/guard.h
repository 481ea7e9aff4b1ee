/* Who may ask at all: keeps foreign pages and rebound names away from what listens on loopback.
 * Pure; any thread.
 *
 * A page anywhere can make a browser send requests to 127.0.0.1. What it cannot do is forge Host,
 * Origin and Sec-Fetch-Site: a rebound name arrives with its own Host, a foreign page's script with
 * its own Origin, its images and frames with Sec-Fetch-Site: cross-site (or same-site, from another
 * port). */
#ifndef WEB_SRC_GUARD_H
#define WEB_SRC_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct web_guard_facts {
  uint16_t port; /* that the connection came to */
  bool is_http11;
  bool is_navigation; /* GET or HEAD of "/" with Sec-Fetch-Mode: navigate */
  size_t host_count;
  const char *host;      /* the first; NULL: none */
  const char *authority; /* of a target that names one beside Host; NULL: none */
  size_t authority_size;
  size_t origin_count;
  const char *origin;     /* NULL: none */
  const char *fetch_site; /* Sec-Fetch-Site; NULL: none */
} web_guard_facts;

typedef struct web_guard_verdict {
  unsigned status; /* 0: may pass */
  const char *code;
  const char *detail;
} web_guard_verdict;

web_guard_verdict web_guard_check(const web_guard_facts *facts);

#endif
