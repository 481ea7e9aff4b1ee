/* Which host names mean this machine and nothing else. Pure; any thread. */
#ifndef WEB_SRC_LOOPBACK_H
#define WEB_SRC_LOOPBACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum web_host_kind {
  WEB_HOST_FOREIGN, /* a name or address that may lead elsewhere */
  WEB_HOST_IPV4,    /* 127.0.0.0/8, as four plain decimal numbers */
  WEB_HOST_IPV6,    /* [::1] */
  WEB_HOST_NAME     /* localhost */
} web_host_kind;

typedef struct web_authority {
  web_host_kind kind;
  uint32_t ipv4; /* host byte order */
  bool has_port;
  uint16_t port;
} web_authority;

/* Reads "host[:port]" as in a Host header (RFC 9110 §7.2). False: not of that form at all. */
bool web_authority_parse(const char *text, size_t size, web_authority *out_authority);

#endif
