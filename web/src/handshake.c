/* RFC 6455 §4.2.1, point by point. Pure; any thread. */
#include "handshake.h"

#include <string.h>

#include "header_list.h"
#include "web/websocket_codec.h"

static web_handshake_verdict refusal(unsigned status, const char *code, const char *detail) {
  return (web_handshake_verdict){.status = status, .code = code, .detail = detail};
}

/* Unlike other tokens, the names of subprotocols have a case (§1.9, §4.1). */
static bool protocol_is_offered(const char *list, const char *protocol) {
  const char *element = NULL;
  size_t size = 0;
  while ((size = web_header_next(&list, &element)) > 0) {
    if (size == strlen(protocol) && memcmp(element, protocol, size) == 0) {
      return true;
    }
  }
  return false;
}

static const char *protocol_choose(const char *offered, const char *const *protocols) {
  for (; protocols != NULL && *protocols != NULL; protocols++) {
    if (protocol_is_offered(offered, *protocols)) {
      return *protocols;
    }
  }
  return NULL;
}

web_handshake_verdict web_handshake_check(const web_handshake_facts *facts,
                                          const char *const *protocols) {
  web_handshake_verdict verdict = {.status = 101};
  if (strcmp(facts->method, "GET") != 0) {
    return refusal(405, "method_not_allowed", "a WebSocket is opened with GET");
  }
  if (!facts->is_http11) {
    return refusal(400, "bad_handshake", "a WebSocket needs HTTP/1.1");
  }
  if (facts->has_body) {
    return refusal(400, "bad_handshake", "a WebSocket handshake has no body");
  }
  if (!web_header_has_token(facts->upgrade, "websocket")) {
    return refusal(400, "bad_handshake", "the header \"Upgrade: websocket\" is missing");
  }
  if (!web_header_has_token(facts->connection, "upgrade")) {
    return refusal(400, "bad_handshake", "the header \"Connection: Upgrade\" is missing");
  }
  if (strcmp(facts->version, "13") != 0) {
    return refusal(426, "bad_websocket_version", "the header must be Sec-WebSocket-Version: 13");
  }
  if (facts->key_count != 1 || !web_ws_accept_key(facts->key, verdict.accept)) {
    return refusal(400, "bad_handshake", "there must be one Sec-WebSocket-Key, 16 bytes in base64");
  }
  if (!web_extension_choose(facts->extensions, facts->allows_deflate, &verdict.extension)) {
    return refusal(400, "bad_handshake", "the header Sec-WebSocket-Extensions is malformed");
  }
  verdict.protocol = protocol_choose(facts->protocol, protocols);
  if (verdict.protocol == NULL && facts->protocol[0] != '\0') {
    return refusal(400, "unknown_subprotocol",
                   "none of the offered subprotocols is spoken here; offer one that is, or none");
  }
  return verdict;
}
