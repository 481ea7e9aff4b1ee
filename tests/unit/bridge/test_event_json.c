/* Events as JSON: read back with Jansson, a parser that is not ours. */
#include "test.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/event_json.h"

static const char *const pipe_names[] = {"demo", "exact"};
static const char run[] = "0123456789abcdef";

typedef struct sample {
  br_event event;
  uint8_t payload[512];
} sample;

static json_t *encode(const char *run_or_null, const br_event *event) {
  br_event_json encoder;
  br_event_json_init(&encoder, run_or_null, pipe_names);
  size_t bound = br_event_json_bound(&encoder, event);
  uint8_t *text = malloc(bound);
  size_t size = (size_t)(br_event_json_write(&encoder, text, event) - text);
  assert_true(size <= bound);
  json_error_t error;
  json_t *value = json_loadb((const char *)text, size, JSON_ALLOW_NUL, &error);
  if (!value) {
    fail_msg("%s in %.*s", error.text, (int)size, (const char *)text);
  }
  free(text);
  return value;
}

static json_int_t number(const json_t *object, const char *key) {
  const json_t *value = json_object_get(object, key);
  assert_true(json_is_integer(value));
  return json_integer_value(value);
}

static const char *text(const json_t *object, const char *key) {
  const char *value = json_string_value(json_object_get(object, key));
  assert_non_null(value);
  return value;
}

static sample message_of(const void *payload, uint32_t size) {
  sample made = {.event = {.kind = BR_EVENT_MESSAGE,
                           .seq = 7,
                           .wall_ns = UINT64_C(1790000000123456789),
                           .mono_ns = 42,
                           .session = 3,
                           .pipe = 1,
                           .direction = BR_DIRECTION_C2S,
                           .size_bytes = size}};
  if (size) {
    memcpy(made.payload, payload, size);
  }
  return made;
}

static void event_json_message_has_every_field(void **state) {
  (void)state;
  sample made = message_of("hello", 5);
  json_t *json = encode(run, &made.event);
  assert_int_equal(number(json, "seq"), 7);
  assert_string_equal(text(json, "kind"), "message");
  assert_string_equal(text(json, "run"), run);
  assert_int_equal(number(json, "wall_ns"), INT64_C(1790000000123456789));
  assert_int_equal(number(json, "mono_ns"), 42);
  assert_string_equal(text(json, "pipe"), "exact");
  assert_int_equal(number(json, "session"), 3);
  assert_string_equal(text(json, "direction"), "c2s");
  assert_int_equal(number(json, "size"), 5);
  assert_string_equal(text(json, "text"), "hello");
  assert_null(json_object_get(json, "flags"));
  assert_null(json_object_get(json, "targets"));
  json_decref(json);
}

static void event_json_injected_tells_who_it_was(void **state) {
  (void)state;
  sample made = message_of("hello{\"via\":\"http\"}", 5 + 14);
  made.event.kind = BR_EVENT_INJECTED;
  made.event.size_bytes = 5;
  json_t *json = encode(NULL, &made.event);
  assert_null(json_object_get(json, "by"));
  json_decref(json);
  made.event.by_bytes = 14;
  json = encode(NULL, &made.event);
  assert_string_equal(text(json_object_get(json, "by"), "via"), "http");
  assert_string_equal(text(json, "text"), "hello");
  json_decref(json);
}

static void event_json_without_run_leaves_it_out(void **state) {
  (void)state;
  sample made = message_of("", 0);
  json_t *json = encode(NULL, &made.event);
  assert_null(json_object_get(json, "run"));
  assert_string_equal(text(json, "text"), "");
  json_decref(json);
}

static void event_json_every_byte_comes_back(void **state) {
  (void)state;
  for (int byte = 0; byte < 256; byte++) {
    uint8_t payload[3] = {'a', (uint8_t)byte, 'b'};
    sample made = message_of(payload, sizeof payload);
    json_t *json = encode(NULL, &made.event);
    if (byte < 0x80) {
      const json_t *value = json_object_get(json, "text");
      assert_int_equal(json_string_length(value), 3);
      assert_memory_equal(json_string_value(value), payload, 3);
    } else {
      assert_null(json_object_get(json, "text"));
      assert_int_equal(strlen(text(json, "base64")), 4);
    }
    json_decref(json);
  }
}

static void event_json_worst_payload_stays_in_the_bound(void **state) {
  (void)state;
  uint8_t payload[512];
  memset(payload, 1, sizeof payload);
  sample made = message_of(payload, sizeof payload);
  made.event.flags = BR_FLAG_INCOMPLETE | BR_FLAG_REPLY;
  made.event.seq = made.event.wall_ns = made.event.mono_ns = made.event.session = INT64_MAX;
  made.event.targets = UINT32_MAX;
  json_t *json = encode(run, &made.event);
  assert_int_equal(json_array_size(json_object_get(json, "flags")), 2);
  assert_int_equal(number(json, "targets"), UINT32_MAX);
  json_decref(json);
}

static void event_json_dropped_says_how_many(void **state) {
  (void)state;
  const br_dropped dropped = {.messages = UINT32_MAX, .bytes = INT64_MAX};
  sample made = message_of(&dropped, sizeof dropped);
  made.event.kind = BR_EVENT_DROPPED;
  json_t *json = encode(NULL, &made.event);
  assert_string_equal(text(json, "kind"), "dropped");
  assert_string_equal(text(json, "direction"), "c2s");
  assert_int_equal(number(json, "session"), 3);
  assert_int_equal(number(json, "count"), UINT32_MAX);
  assert_int_equal(number(json, "bytes"), INT64_MAX);
  assert_null(json_object_get(json, "size"));
  json_decref(json);
}

static json_t *encode_opened(const pc_peer *peer) {
  union {
    br_opened record;
    uint8_t bytes[offsetof(br_opened, details) + BR_PEER_DETAILS_MAX_BYTES];
  } opened = {.record = {.peer = *peer}};
  const pc_peer_details details = {.known = PC_PEER_UNIT, .unit = "a.service"};
  size_t size =
      br_peer_details_pack(&details, "alice", opened.bytes + offsetof(br_opened, details));
  sample made = message_of(&opened, (uint32_t)(offsetof(br_opened, details) + size));
  made.event.kind = BR_EVENT_OPENED;
  return encode(run, &made.event);
}

static void event_json_opened_names_the_peer(void **state) {
  (void)state;
  const pc_peer given = {.pid = 123, .uid = -1, .gid = 5, .name = "a \"b\"\n"};
  json_t *json = encode_opened(&given);
  const json_t *peer = json_object_get(json, "peer");
  assert_int_equal(number(peer, "pid"), 123);
  assert_int_equal(number(peer, "uid"), -1);
  assert_int_equal(number(peer, "gid"), 5);
  assert_string_equal(text(peer, "name"), "a \"b\"\n");
  assert_string_equal(text(peer, "user"), "alice");
  assert_string_equal(text(peer, "unit"), "a.service");
  json_decref(json);
}

static void event_json_closed_says_why(void **state) {
  (void)state;
  br_closed closed = {.reason = PC_CLOSE_LIMIT, .status = PC_E_TOO_BIG};
  sample made = message_of(&closed, sizeof closed);
  made.event.kind = BR_EVENT_CLOSED;
  json_t *json = encode(run, &made.event);
  assert_string_equal(text(json, "reason"), "limit");
  assert_string_equal(text(json, "status"), "too_big");
  json_decref(json);
}

static void event_json_time_changes_with_the_event(void **state) {
  (void)state;
  br_event_json encoder;
  br_event_json_init(&encoder, NULL, pipe_names);
  sample made = message_of("x", 1);
  for (uint64_t ns = 0; ns < 3; ns++) {
    uint8_t buffer[1024];
    made.event.mono_ns = 100 + ns / 2;
    made.event.wall_ns = 200 + ns;
    size_t size = (size_t)(br_event_json_write(&encoder, buffer, &made.event) - buffer);
    json_t *json = json_loadb((const char *)buffer, size, 0, NULL);
    assert_int_equal(number(json, "mono_ns"), 100 + ns / 2);
    assert_int_equal(number(json, "wall_ns"), 200 + ns);
    json_decref(json);
  }
}

static void gap_json_names_what_was_missed(void **state) {
  (void)state;
  br_event_json encoder;
  br_event_json_init(&encoder, run, pipe_names);
  const br_gap gap = {.from = UINT64_C(9000000000000000000),
                      .to = UINT64_C(9000000000000000009),
                      .count = 10,
                      .reason = BR_GAP_EXPIRED};
  uint8_t buffer[BR_GAP_JSON_BOUND];
  size_t size = (size_t)(br_gap_json_write(&encoder, buffer, &gap) - buffer);
  assert_true(size <= sizeof buffer);
  json_t *json = json_loadb((const char *)buffer, size, 0, NULL);
  assert_int_equal(number(json, "seq"), gap.to);
  assert_int_equal(number(json, "from"), gap.from);
  assert_int_equal(number(json, "to"), gap.to);
  assert_int_equal(number(json, "count"), 10);
  assert_string_equal(text(json, "kind"), "gap");
  assert_string_equal(text(json, "reason"), "expired");
  json_decref(json);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(event_json_message_has_every_field),
      cmocka_unit_test(event_json_injected_tells_who_it_was),
      cmocka_unit_test(event_json_without_run_leaves_it_out),
      cmocka_unit_test(event_json_every_byte_comes_back),
      cmocka_unit_test(event_json_worst_payload_stays_in_the_bound),
      cmocka_unit_test(event_json_dropped_says_how_many),
      cmocka_unit_test(event_json_opened_names_the_peer),
      cmocka_unit_test(event_json_closed_says_why),
      cmocka_unit_test(event_json_time_changes_with_the_event),
      cmocka_unit_test(gap_json_names_what_was_missed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
