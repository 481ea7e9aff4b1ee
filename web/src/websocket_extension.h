/* Sec-WebSocket-Extensions: what a client offers, and what of permessage-deflate is taken (RFC 6455
 * §9.1, RFC 7692 §7.1). Pure; any thread. */
#ifndef WEB_SRC_WEBSOCKET_EXTENSION_H
#define WEB_SRC_WEBSOCKET_EXTENSION_H

#include <stdbool.h>

enum { WEB_EXTENSION_ANSWER_BYTES = 128 };

typedef struct web_extension {
  unsigned deflate_bits;                   /* of the server's window; 0: no compression */
  char answer[WEB_EXTENSION_ANSWER_BYTES]; /* the answer's header; "": none             */
} web_extension;

/* The first offer of permessage-deflate that can be met, if `allows_deflate`. `offers`: all
 * headers, joined by commas. False: the header breaks its grammar, and so the handshake fails. */
bool web_extension_choose(const char *offers, bool allows_deflate, web_extension *out_extension);

#endif
