/* pipebridge.v1.bin against the golden message that the readers in Python and JavaScript read
 * too. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/registry.h"
#include "feed_binary.h"

static const char run[] = "0011223344556677";
static const char *const pipe_names[] = {"demo", "exact"};

typedef struct sample {
  br_event event;
  uint8_t payload[512];
} sample;

static uint8_t *append(br_event_json *json, uint8_t *cursor, br_event event, const void *payload) {
  sample made = {.event = event};
  memcpy(made.payload, payload, br_event_tail_bytes(&event));
  return br_binary_event(json, cursor, &made.event);
}

/* An event of each way of writing one, with numbers that need all their bytes. */
static size_t message_write(uint8_t *message) {
  br_event_json json;
  br_event_json_init(&json, NULL, pipe_names);
  br_event base = {.wall_ns = 0x1122334455667788, .mono_ns = 0x99aabbcc, .session = 0x100000007};
  static const char by[] = "{\"via\":\"http\",\"address\":\"127.0.0.1:40112\"}";
  br_closed closed = {.reason = PC_CLOSE_PEER, .status = PC_OK};
  uint8_t *cursor = br_binary_begin(message, BR_BINARY_EVENTS, run);
  br_event event = base;
  event.seq = 1;
  event.kind = BR_EVENT_MESSAGE;
  event.direction = BR_DIRECTION_C2S;
  event.flags = BR_FLAG_INCOMPLETE;
  event.pipe = 1;
  event.size_bytes = 5;
  cursor = append(&json, cursor, event, "\x00\xff\x80hi");
  event.seq = 2;
  event.kind = BR_EVENT_INJECTED;
  event.direction = BR_DIRECTION_S2C;
  event.flags = 0;
  event.targets = 3;
  event.size_bytes = 2;
  event.by_bytes = sizeof by - 1;
  char tail[64] = "ok";
  memcpy(tail + 2, by, sizeof by - 1);
  cursor = append(&json, cursor, event, tail);
  event = base;
  event.seq = 3;
  event.kind = BR_EVENT_ERROR;
  event.size_bytes = 9;
  cursor = append(&json, cursor, event, "too large");
  event.seq = 4;
  event.kind = BR_EVENT_CLOSED;
  event.size_bytes = sizeof closed;
  cursor = append(&json, cursor, event, &closed);
  static const char state[] = "{\"name\":\"exact\",\"index\":1}";
  event = base;
  event.seq = 5;
  event.kind = BR_EVENT_PIPE_ADDED;
  event.session = 0;
  event.pipe = 1;
  event.size_bytes = sizeof state - 1;
  cursor = append(&json, cursor, event, state);
  br_gap gap = {.from = 6, .to = 0x100000000, .count = 12, .reason = BR_GAP_SLOW};
  cursor = br_binary_gap(&json, cursor, &gap);
  return (size_t)(br_binary_end(message, cursor, 6) - message);
}

static void binary_message_is_the_golden_one(void **state) {
  (void)state;
  uint8_t message[4096], golden[4096];
  size_t size = message_write(message);
  const char *renewed = getenv("PIPEBRIDGE_GOLDEN_OUT"); /* how the golden one was made */
  if (renewed) {
    FILE *out = fopen(renewed, "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(message, 1, size, out), size);
    assert_int_equal(fclose(out), 0);
  }
  FILE *file = fopen(PIPEBRIDGE_GOLDEN, "rb");
  assert_non_null(file);
  assert_int_equal(fread(golden, 1, sizeof golden, file), size);
  (void)fclose(file);
  assert_memory_equal(message, golden, size);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(binary_message_is_the_golden_one)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
