/* host[:port]. Pure; any thread. Only the one plain spelling of each address counts as loopback:
 * what a resolver would also accept (0x7f.1, 127.1, a trailing dot) is foreign, so that no two
 * programs on the way can read it differently. */
#include "loopback.h"

#include <string.h>
#include <strings.h>

static bool port_parse(const char *text, size_t size, uint16_t *out_port) {
  uint32_t value = 0;
  if (size == 0 || size > 5) {
    return false;
  }
  for (size_t i = 0; i < size; i++) {
    if (text[i] < '0' || text[i] > '9') {
      return false;
    }
    value = value * 10 + (uint32_t)(text[i] - '0');
  }
  if (value > UINT16_MAX) {
    return false;
  }
  *out_port = (uint16_t)value;
  return true;
}

/* One decimal number of 0 to 255 without leading zeros; returns the digits taken, 0 if it is
 * none. */
static size_t octet_parse(const char *text, size_t size, uint32_t *out_octet) {
  uint32_t value = 0;
  size_t digits = 0;
  while (digits < size && digits < 3 && text[digits] >= '0' && text[digits] <= '9') {
    value = value * 10 + (uint32_t)(text[digits] - '0');
    digits++;
  }
  if (value > 255 || (digits > 1 && text[0] == '0')) {
    return 0;
  }
  *out_octet = value;
  return digits;
}

static bool ipv4_parse(const char *text, size_t size, uint32_t *out_ipv4) {
  uint32_t value = 0;
  size_t at = 0;
  for (int i = 0; i < 4; i++) {
    uint32_t octet = 0;
    if (i > 0) {
      if (at >= size || text[at] != '.') {
        return false;
      }
      at++;
    }
    size_t digits = octet_parse(text + at, size - at, &octet);
    if (digits == 0) {
      return false;
    }
    at += digits;
    value = value << 8 | octet;
  }
  *out_ipv4 = value;
  return at == size;
}

static web_host_kind host_kind(const char *host, size_t size, uint32_t *out_ipv4) {
  if (size == 5 && memcmp(host, "[::1]", 5) == 0) {
    return WEB_HOST_IPV6;
  }
  if (size == 9 && strncasecmp(host, "localhost", 9) == 0) {
    return WEB_HOST_NAME;
  }
  if (ipv4_parse(host, size, out_ipv4) && *out_ipv4 >> 24 == 127) {
    return WEB_HOST_IPV4;
  }
  return WEB_HOST_FOREIGN;
}

bool web_authority_parse(const char *text, size_t size, web_authority *out_authority) {
  size_t host_size = 0;
  if (size > 0 && text[0] == '[') {
    const char *bracket = memchr(text, ']', size);
    if (bracket == NULL) {
      return false;
    }
    host_size = (size_t)(bracket - text) + 1;
  } else {
    const char *colon = memchr(text, ':', size);
    host_size = colon != NULL ? (size_t)(colon - text) : size;
  }
  web_authority authority = {0};
  if (host_size == 0) {
    return false;
  }
  if (host_size < size) {
    authority.has_port = true;
    if (text[host_size] != ':' ||
        !port_parse(text + host_size + 1, size - host_size - 1, &authority.port)) {
      return false;
    }
  }
  authority.kind = host_kind(text, host_size, &authority.ipv4);
  *out_authority = authority;
  return true;
}
