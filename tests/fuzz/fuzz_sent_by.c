/* Who injects: whatever a client calls itself, what is told of it is one JSON object of valid
 * UTF-8, without control characters, and fits. Input: the name. */
#include <jansson.h>
#include <string.h>

#include "fuzz.h"
#include "sent_by.h"
#include "web/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char *name = malloc(size + 1);
  FUZZ_CHECK(name);
  memcpy(name, data, size);
  name[size] = '\0';
  br_sent_by by;
  br_sent_by_write(&by, "websocket", "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535", name);
  FUZZ_CHECK(web_utf8_is_valid(by.json, by.size));
  for (size_t index = 0; index < by.size; index++) {
    FUZZ_CHECK(by.json[index] >= 0x20 && by.json[index] != 0x7f);
  }
  json_t *object = json_loadb((const char *)by.json, by.size, JSON_REJECT_DUPLICATES, NULL);
  FUZZ_CHECK(json_is_object(object));
  size_t told = json_string_length(json_object_get(object, "client"));
  FUZZ_CHECK(told <= BR_SENT_BY_CLIENT_BYTES && (told > 0) == (name[0] != '\0'));
  json_decref(object);
  free(name);
  return 0;
}
