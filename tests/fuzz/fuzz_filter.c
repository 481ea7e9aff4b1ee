/* Any text is a filter or is refused with its place; a filter answers for any event, and its own
 * text makes the same one again. The first byte says how much of the input is the filter; the rest
 * is a payload. */
#include <string.h>

#include "bridge/filter.h"
#include "fuzz.h"

typedef struct sample {
  br_event event;
  uint8_t payload[4096];
} sample;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0) {
    return 0;
  }
  size_t filter_size = (size - 1) * data[0] / 255;
  const char *text = (const char *)data + 1;
  br_filter_error error;
  br_filter *filter = br_filter_compile(text, filter_size, &error);
  if (!filter) {
    FUZZ_CHECK(error.offset <= filter_size && error.text[0]);
    FUZZ_CHECK(memchr(error.text, '\0', sizeof error.text));
    return 0;
  }
  static sample event;
  size_t rest = size - 1 - filter_size;
  rest = rest < sizeof event.payload ? rest : sizeof event.payload;
  memcpy(event.payload, data + 1 + filter_size, rest);
  for (int kind = BR_EVENT_OPENED; kind <= BR_EVENT_DROPPED; kind++) {
    event.event = (br_event){
        .kind = (uint8_t)kind, .direction = 1, .session = 1, .size_bytes = (uint32_t)rest};
    bool is_match = br_filter_matches(filter, &event.event, "demo", NULL);
    FUZZ_CHECK(is_match == br_filter_matches(filter, &event.event, "demo", NULL));
  }
  FUZZ_CHECK(strlen(br_filter_text(filter)) == filter_size);
  br_filter_destroy(filter);
  return 0;
}
