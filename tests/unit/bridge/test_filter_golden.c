/* Filters against the table that the page's own parser is held to as well: both must say the
 * same. */
#include "test.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/filter.h"
#include "bridge/registry.h"

enum { MAX_PAYLOAD = 128 };

typedef struct sample {
  br_event event;
  uint8_t payload[MAX_PAYLOAD];
} sample;

static json_t *table;

static const char *text_of(const json_t *object, const char *key) {
  const char *text = json_string_value(json_object_get(object, key));
  return text ? text : "";
}

/* Its place in the names that `name_of` gives, from 1. */
static uint8_t value_of(const char *name, const char *(*name_of)(uint8_t), uint8_t count) {
  for (uint8_t value = 1; value <= count; value++) {
    if (strcmp(name, name_of(value)) == 0) {
      return value;
    }
  }
  return 0;
}

static uint16_t flags_of(const json_t *sample_json) {
  uint16_t flags = 0;
  size_t index;
  json_t *flag;
  json_array_foreach(json_object_get(sample_json, "flags"), index, flag) {
    bool is_reply = strcmp(json_string_value(flag), "reply") == 0;
    flags |= is_reply ? BR_FLAG_REPLY : BR_FLAG_INCOMPLETE;
  }
  return flags;
}

static sample sample_of(const json_t *json) {
  sample made = {
      .event = {.kind = value_of(text_of(json, "kind"), br_event_kind_name, 5),
                .direction = value_of(text_of(json, "direction"), br_direction_name, 2),
                .session = (uint64_t)json_integer_value(json_object_get(json, "session")),
                .flags = flags_of(json)}};
  const char *hex = text_of(json, "hex");
  const char *text =
      made.event.kind == BR_EVENT_ERROR ? text_of(json, "detail") : text_of(json, "text");
  size_t size = *hex ? strlen(hex) / 2 : strlen(text);
  assert_in_range(size, 0, MAX_PAYLOAD);
  for (size_t index = 0; *hex && index < size; index++) {
    char digits[3] = {hex[2 * index], hex[2 * index + 1], '\0'};
    made.payload[index] = (uint8_t)strtoul(digits, NULL, 16);
  }
  if (!*hex) {
    memcpy(made.payload, text, size);
  }
  made.event.size_bytes = (uint32_t)size;
  return made;
}

/* NULL: the table knows nothing of that session. Its owner frees it. */
static br_session_info *session_of(uint64_t id) {
  char key[24];
  (void)snprintf(key, sizeof key, "%llu", (unsigned long long)id);
  const json_t *json = json_object_get(json_object_get(table, "peers"), key);
  if (!json) {
    return NULL;
  }
  static pc_peer_details details;
  details = (pc_peer_details){.known = PC_PEER_ALL};
  strncpy(details.executable, text_of(json, "executable"), sizeof details.executable - 1);
  strncpy(details.unit, text_of(json, "unit"), sizeof details.unit - 1);
  strncpy(details.container, text_of(json, "container"), sizeof details.container - 1);
  static uint8_t packed[BR_PEER_DETAILS_MAX_BYTES];
  size_t size = br_peer_details_pack(&details, text_of(json, "user"), packed);
  br_session_info *session = calloc(1, sizeof *session + size);
  assert_non_null(session);
  memcpy(session + 1, packed, size);
  session->id = id;
  session->peer.pid = (int32_t)json_integer_value(json_object_get(json, "pid"));
  session->peer.uid = (int32_t)json_integer_value(json_object_get(json, "uid"));
  strncpy(session->peer.name, text_of(json, "name"), sizeof session->peer.name - 1);
  return session;
}

static bool is_in(const json_t *list, size_t wanted) {
  size_t index;
  json_t *item;
  json_array_foreach(list, index, item) {
    if ((size_t)json_integer_value(item) == wanted) {
      return true;
    }
  }
  return false;
}

static void filters_match_what_the_table_says(void **state) {
  (void)state;
  const json_t *events = json_object_get(table, "events");
  size_t case_index;
  json_t *row;
  json_array_foreach(json_object_get(table, "matches"), case_index, row) {
    const char *text = text_of(row, "filter");
    br_filter_error error;
    br_filter *filter = br_filter_compile(text, strlen(text), &error);
    if (!filter) {
      fail_msg("%s: refused at %zu: %s", text, error.offset, error.text);
    }
    size_t index;
    json_t *json;
    json_array_foreach(events, index, json) {
      sample event = sample_of(json);
      br_session_info *session = session_of(event.event.session);
      bool is_match = br_filter_matches(filter, &event.event, text_of(json, "pipe"), session);
      free(session);
      if (is_match != is_in(json_object_get(row, "matches"), index)) {
        fail_msg("%s: should%s match event %zu", text, is_match ? " not" : "", index);
      }
    }
    br_filter_destroy(filter);
  }
  assert_true(case_index > 0);
}

static void filters_are_refused_at_the_place_that_the_table_says(void **state) {
  (void)state;
  size_t index;
  json_t *row;
  json_array_foreach(json_object_get(table, "refused"), index, row) {
    const char *text = text_of(row, "filter");
    br_filter_error error;
    br_filter *filter = br_filter_compile(text, strlen(text), &error);
    size_t wanted = (size_t)json_integer_value(json_object_get(row, "offset"));
    if (filter || error.offset != wanted) {
      fail_msg("%s: %s at %zu", text, filter ? "taken" : error.text, error.offset);
    }
  }
  assert_true(index > 0);
}

int main(void) {
  json_error_t error;
  table = json_load_file(PIPEBRIDGE_FILTERS, 0, &error);
  if (!table) {
    (void)fprintf(stderr, "%s:%d: %s\n", error.source, error.line, error.text);
    return 1;
  }
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(filters_match_what_the_table_says),
      cmocka_unit_test(filters_are_refused_at_the_place_that_the_table_says),
  };
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  json_decref(table);
  return failed;
}
