/* "127.0.0.1:7117", "[::1]:0", "localhost:7117" → addresses. Pure; any thread. */
#ifndef WEB_SRC_LISTEN_ADDRESS_H
#define WEB_SRC_LISTEN_ADDRESS_H

#include <stddef.h>

#include "net.h"

/* "localhost" is both families. */
#define WEB_ADDRESSES_MAX 2

/* Returns how many addresses `text` names, or 0 with the reason and what to do in `error`. Only
 * loopback: there is no authentication yet, so anything else would give every pipe to the
 * network. */
size_t web_listen_address_parse(const char *text, web_address out_addresses[WEB_ADDRESSES_MAX],
                                char *error, size_t error_size);

#endif
