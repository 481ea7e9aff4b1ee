/* What a configuration calls a listener. Pure; any thread. */
#include "listen_address.h"

#include <stdio.h>
#include <string.h>

#include "loopback.h"
#include "web/server.h"

size_t web_listen_address_parse(const char *text, web_address out_addresses[WEB_ADDRESSES_MAX],
                                char *error, size_t error_size) {
  web_authority authority;
  if (!web_authority_parse(text, strlen(text), &authority) || !authority.has_port) {
    (void)snprintf(
        error, error_size,
        "cannot listen on \"%s\": an address is written as 127.0.0.1:7117, [::1]:7117 or "
        "localhost:7117, with port 0 for any free port",
        text);
    return 0;
  }
  if (authority.kind == WEB_HOST_FOREIGN) {
    (void)snprintf(error, error_size,
                   "cannot listen on \"%s\": only loopback addresses are served, because whoever "
                   "reaches the listener can read and write every pipe; use 127.0.0.1, [::1] or "
                   "localhost, and reach it from elsewhere through a tunnel (ssh -L)",
                   text);
    return 0;
  }
  size_t count = 0;
  if (authority.kind != WEB_HOST_IPV6) {
    uint32_t ipv4 = authority.kind == WEB_HOST_IPV4 ? authority.ipv4 : 0x7f000001;
    out_addresses[count++] = (web_address){.ipv4 = ipv4, .port = authority.port};
  }
  if (authority.kind != WEB_HOST_IPV4) {
    out_addresses[count++] = (web_address){.is_ipv6 = true, .port = authority.port};
  }
  return count;
}

bool web_listen_is_valid(const char *text, char *error, size_t error_size) {
  web_address addresses[WEB_ADDRESSES_MAX];
  return web_listen_address_parse(text, addresses, error, error_size) > 0;
}
