/* The opening handshake of a WebSocket, judged (RFC 6455 §4.2). Pure; any thread. */
#ifndef WEB_SRC_HANDSHAKE_H
#define WEB_SRC_HANDSHAKE_H

#include <stdbool.h>
#include <stddef.h>

#include "websocket_extension.h"

typedef struct web_handshake_facts {
  const char *method;
  bool is_http11;
  bool has_body;
  const char *upgrade; /* all headers of their name, joined by commas; "" without any */
  const char *connection;
  const char *version;
  const char *protocol;
  const char *extensions;
  bool allows_deflate;
  size_t key_count;
  const char *key;
} web_handshake_facts;

typedef struct web_handshake_verdict {
  unsigned status; /* 101, or the error's */
  const char *code;
  const char *detail;
  const char *protocol; /* of ours; NULL: none was offered */
  char accept[29];
  web_extension extension;
} web_handshake_verdict;

/* `protocols`: those we speak, best first, NULL-ended. */
web_handshake_verdict web_handshake_check(const web_handshake_facts *facts,
                                          const char *const *protocols);

#endif
