/* What is read of a request before a handler sees it: target, lists in headers, offers of
 * extensions, the handshake, the guard, an address to listen on. Everything found lies within the
 * text; what is judged well is well-formed. Input: texts with zero bytes between them, in the order
 * of `parts`. */
#include <stdbool.h>
#include <string.h>

#include "fuzz.h"
#include "guard.h"
#include "handshake.h"
#include "header_list.h"
#include "listen_address.h"
#include "target.h"
#include "websocket_extension.h"

enum { PART_COUNT = 8 };

/* Each in memory of exactly its size. */
typedef struct parts {
  char *texts[PART_COUNT];
} parts;

static void parts_take(parts *all, const uint8_t *data, size_t size) {
  for (size_t index = 0; index < PART_COUNT; index++) {
    const uint8_t *end = size == 0 ? NULL : memchr(data, 0, size);
    size_t length = end != NULL ? (size_t)(end - data) : size;
    char *text = malloc(length + 1);
    FUZZ_CHECK(text);
    if (length != 0) {
      memcpy(text, data, length);
    }
    text[length] = '\0';
    all->texts[index] = text;
    size_t taken = end != NULL ? length + 1 : length;
    data = size == 0 ? data : data + taken;
    size -= taken;
  }
}

static bool lies_in(const char *text, const char *storage, size_t size) {
  return text >= storage && text < storage + size && memchr(text, 0, size) != NULL;
}

static void check_target(const char *text) {
  size_t length = strlen(text);
  size_t size = WEB_TARGET_STORAGE(length);
  char *storage = malloc(size);
  web_target target;
  FUZZ_CHECK(storage);
  if (web_target_parse(text, length, storage, &target)) {
    FUZZ_CHECK(target.segment_count <= WEB_SEGMENTS_MAX + 1);
    FUZZ_CHECK(target.query_count <= WEB_QUERY_MAX);
    FUZZ_CHECK(lies_in(target.path, storage, size) && target.path[0] == '/');
    for (size_t index = 0; index < target.segment_count && index < WEB_SEGMENTS_MAX; index++) {
      FUZZ_CHECK(lies_in(target.segments[index], storage, size));
    }
    for (size_t index = 0; index < target.query_count; index++) {
      FUZZ_CHECK(lies_in(target.query[index].name, storage, size));
      FUZZ_CHECK(lies_in(target.query[index].value, storage, size));
      FUZZ_CHECK(web_target_query(&target, target.query[index].name) != NULL);
    }
  }
  free(storage);
}

static void check_list(const char *text, const char *token) {
  const char *rest = text;
  const char *element = NULL;
  bool is_there = false;
  size_t size = 0;
  while ((size = web_header_next(&rest, &element)) > 0) {
    FUZZ_CHECK(element >= text && element + size <= text + strlen(text));
    FUZZ_CHECK(memchr(element, ',', size) == NULL);
    FUZZ_CHECK(element[0] != ' ' && element[size - 1] != ' ');
    is_there |= size == strlen(token) && memcmp(element, token, size) == 0;
  }
  FUZZ_CHECK(!is_there || web_header_has_token(text, token));
  FUZZ_CHECK(web_header_size(text) <= strlen(text));
  (void)web_header_accepts_gzip(text);
  (void)web_header_matches_etag(text, token);
}

static void check_extensions(const char *text) {
  web_extension extension;
  web_extension refused;
  bool is_good = web_extension_choose(text, true, &extension);
  FUZZ_CHECK(is_good == web_extension_choose(text, false, &refused));
  if (is_good) {
    FUZZ_CHECK(refused.deflate_bits == 0 && refused.answer[0] == '\0');
    FUZZ_CHECK(extension.deflate_bits == 0 ||
               (extension.deflate_bits >= 9 && extension.deflate_bits <= 15));
    FUZZ_CHECK((extension.answer[0] != '\0') == (extension.deflate_bits != 0));
    FUZZ_CHECK(memchr(extension.answer, 0, sizeof extension.answer) != NULL);
    /* What is answered is an offer that would be answered alike. */
    FUZZ_CHECK(extension.deflate_bits == 0 ||
               (web_extension_choose(extension.answer, true, &refused) &&
                refused.deflate_bits == extension.deflate_bits));
  }
}

static void check_handshake(const parts *all) {
  static const char *const protocols[] = {"pipebridge.v1.bin", "pipebridge.v1.json", NULL};
  web_handshake_facts facts = {.method = "GET",
                               .is_http11 = true,
                               .allows_deflate = true,
                               .upgrade = all->texts[1],
                               .connection = all->texts[2],
                               .version = all->texts[3],
                               .protocol = all->texts[4],
                               .extensions = all->texts[5],
                               .key_count = 1,
                               .key = all->texts[6]};
  web_handshake_verdict verdict = web_handshake_check(&facts, protocols);
  if (verdict.status == 101) {
    FUZZ_CHECK(strlen(verdict.accept) == 28 && strcmp(facts.version, "13") == 0);
    FUZZ_CHECK(verdict.protocol != NULL || facts.protocol[0] == '\0');
    FUZZ_CHECK(verdict.protocol == NULL || strstr(facts.protocol, verdict.protocol) != NULL);
  } else {
    FUZZ_CHECK(verdict.code != NULL && verdict.detail != NULL);
  }
}

static void check_guard(const parts *all) {
  web_guard_facts facts = {.port = 7117,
                           .is_http11 = true,
                           .host_count = 1,
                           .host = all->texts[1],
                           .origin_count = all->texts[2][0] != '\0' ? 1 : 0,
                           .origin = all->texts[2][0] != '\0' ? all->texts[2] : NULL,
                           .fetch_site = all->texts[3][0] != '\0' ? all->texts[3] : NULL};
  web_guard_verdict verdict = web_guard_check(&facts);
  if (verdict.status == 0) {
    FUZZ_CHECK(strstr(facts.host, "127.") != NULL || strstr(facts.host, "::1") != NULL ||
               strchr(facts.host, ':') != NULL || strlen(facts.host) >= sizeof "localhost" - 1);
    FUZZ_CHECK(facts.origin == NULL || strncmp(facts.origin, "http", 4) == 0);
  } else {
    FUZZ_CHECK(verdict.code != NULL && verdict.detail != NULL);
  }
}

static void check_address(const char *text) {
  web_address addresses[WEB_ADDRESSES_MAX];
  char error[256] = "";
  size_t count = web_listen_address_parse(text, addresses, error, sizeof error);
  FUZZ_CHECK(count <= WEB_ADDRESSES_MAX && (count == 0) == (error[0] != '\0'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  parts all;
  parts_take(&all, data, size);
  check_target(all.texts[0]);
  check_list(all.texts[2], all.texts[4]);
  check_extensions(all.texts[5]);
  check_handshake(&all);
  check_guard(&all);
  check_address(all.texts[7]);
  for (size_t index = 0; index < PART_COUNT; index++) {
    free(all.texts[index]);
  }
  return 0;
}
