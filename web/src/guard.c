/* Host, Origin and Sec-Fetch-Site of one request. Pure; any thread. */
#include "guard.h"

#include <string.h>
#include <strings.h>

#include "header_list.h"
#include "loopback.h"

#define PASS ((web_guard_verdict){0})

/* A name without a port means the scheme's own. */
static bool authority_is_ours(const char *text, size_t size, uint16_t port) {
  web_authority authority;
  return web_authority_parse(text, size, &authority) && authority.kind != WEB_HOST_FOREIGN &&
         (authority.has_port ? authority.port : 80) == port;
}

static web_guard_verdict host_check(const web_guard_facts *facts) {
  web_authority ignored;
  if (facts->host_count == 0) {
    /* No browser speaks HTTP/1.0; a script with nc may. */
    return facts->is_http11 ? (web_guard_verdict){400, "host_missing",
                                                  "an HTTP/1.1 request must have a Host header"}
                            : PASS;
  }
  if (facts->host_count > 1) {
    return (web_guard_verdict){400, "host_repeated", "more than one Host header; send exactly one"};
  }
  size_t size = web_header_size(facts->host);
  if (!web_authority_parse(facts->host, size, &ignored)) {
    return (web_guard_verdict){400, "host_malformed", "the Host header is not host[:port]"};
  }
  if (!authority_is_ours(facts->host, size, facts->port) ||
      (facts->authority != NULL &&
       !authority_is_ours(facts->authority, facts->authority_size, facts->port))) {
    return (web_guard_verdict){
        403, "host_not_allowed",
        "the Host header must be 127.0.0.1, [::1] or localhost with the port that was connected "
        "to; open the bridge by such an address"};
  }
  return PASS;
}

static web_guard_verdict origin_check(const web_guard_facts *facts) {
  static const char scheme[] = "http://";
  const size_t scheme_size = sizeof scheme - 1;
  if (facts->origin_count == 0) {
    return PASS;
  }
  if (facts->origin_count == 1 && strncmp(facts->origin, scheme, scheme_size) == 0 &&
      authority_is_ours(facts->origin + scheme_size, web_header_size(facts->origin + scheme_size),
                        facts->port)) {
    return PASS;
  }
  return (web_guard_verdict){
      403, "origin_not_allowed",
      "the page that asks is not the bridge's own: its Origin must be http://127.0.0.1, "
      "http://[::1] or http://localhost with the bridge's port"};
}

static web_guard_verdict fetch_site_check(const web_guard_facts *facts) {
  /* Following a link to the dashboard is fine; the page then asks for the rest itself. */
  if (facts->fetch_site == NULL || facts->is_navigation) {
    return PASS;
  }
  if (strcasecmp(facts->fetch_site, "same-origin") == 0 ||
      strcasecmp(facts->fetch_site, "none") == 0) {
    return PASS;
  }
  return (web_guard_verdict){403, "site_not_allowed",
                             "another site's page may only link to the dashboard at /"};
}

web_guard_verdict web_guard_check(const web_guard_facts *facts) {
  web_guard_verdict verdict = host_check(facts);
  if (verdict.status == 0) {
    verdict = origin_check(facts);
  }
  if (verdict.status == 0) {
    verdict = fetch_site_check(facts);
  }
  return verdict;
}
