/* Who is at the other end, packed and as JSON: what is known is there, what is not is left out, and
 * no name can break the text. */
#include "test.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/peer_details.h"

static const pc_peer peer = {.pid = 42, .uid = 1000, .gid = 100, .name = "mpv"};

/* Packs and writes into memory of exactly the bounds, and parses that. */
static json_t *describe(const pc_peer *given, const pc_peer_details *details, const char *user) {
  static uint8_t packed[BR_PEER_DETAILS_MAX_BYTES];
  memset(packed, 0xa5, sizeof packed);
  size_t size = br_peer_details_pack(details, user, packed);
  br_peer_details *exact = malloc(size);
  assert_non_null(exact);
  memcpy(exact, packed, size);
  assert_int_equal(exact->size_bytes, size);
  size_t bound = br_peer_json_bound(exact);
  uint8_t *text = malloc(bound);
  assert_non_null(text);
  uint8_t *end = br_peer_json_write(text, given, exact);
  assert_in_range(end - text, 1, bound);
  json_error_t failure;
  json_t *json =
      json_loadb((const char *)text, (size_t)(end - text), JSON_REJECT_DUPLICATES, &failure);
  if (!json) {
    fail_msg("%s in %.*s", failure.text, (int)(end - text), (const char *)text);
  }
  free(text);
  free(exact);
  return json;
}

static const char *text_of(const json_t *json, const char *key) {
  const char *text = json_string_value(json_object_get(json, key));
  return text ? text : "(none)";
}

static pc_peer_details all_known(void) {
  pc_peer_details details = {.known = PC_PEER_ALL,
                             .group_count = 2,
                             .groups = {27, UINT32_MAX},
                             .executable = "/usr/bin/mpv",
                             .is_executable_current = true,
                             .command_line_bytes = 18,
                             .unit = "app-mpv.scope",
                             .container = "web"};
  memcpy(details.command_line, "mpv\0--idle\0a film", 18);
  return details;
}

static void everything_that_is_known_is_told(void **state) {
  (void)state;
  pc_peer_details details = all_known();
  details.command_line_bytes = 17;
  json_t *json = describe(&peer, &details, "alice");
  assert_int_equal(json_integer_value(json_object_get(json, "pid")), 42);
  assert_int_equal(json_integer_value(json_object_get(json, "uid")), 1000);
  assert_int_equal(json_integer_value(json_object_get(json, "gid")), 100);
  assert_string_equal(text_of(json, "name"), "mpv");
  assert_string_equal(text_of(json, "user"), "alice");
  assert_string_equal(text_of(json, "executable"), "/usr/bin/mpv");
  assert_null(json_object_get(json, "executable_is_current"));
  assert_string_equal(text_of(json, "unit"), "app-mpv.scope");
  assert_string_equal(text_of(json, "container"), "web");
  const json_t *groups = json_object_get(json, "groups");
  assert_int_equal(json_array_size(groups), 2);
  assert_int_equal(json_integer_value(json_array_get(groups, 1)), UINT32_MAX);
  const json_t *line = json_object_get(json, "command_line");
  assert_int_equal(json_array_size(line), 3);
  assert_string_equal(json_string_value(json_array_get(line, 0)), "mpv");
  assert_string_equal(json_string_value(json_array_get(line, 1)), "--idle");
  assert_string_equal(json_string_value(json_array_get(line, 2)), "a film");
  assert_null(json_object_get(json, "command_line_is_cut"));
  json_decref(json);
}

static void what_is_not_known_is_left_out(void **state) {
  (void)state;
  const pc_peer nobody = {.pid = -1, .uid = -1, .gid = -1};
  const pc_peer_details details = {0};
  json_t *json = describe(&nobody, &details, "");
  assert_int_equal(json_object_size(json), 4);
  assert_int_equal(json_integer_value(json_object_get(json, "pid")), -1);
  assert_string_equal(text_of(json, "name"), "");
  json_decref(json);
}

static void lists_that_are_known_and_empty_are_empty_lists(void **state) {
  (void)state;
  const pc_peer_details details = {.known = PC_PEER_ALL};
  json_t *json = describe(&peer, &details, "");
  assert_int_equal(json_array_size(json_object_get(json, "groups")), 0);
  assert_true(json_is_array(json_object_get(json, "groups")));
  assert_int_equal(json_array_size(json_object_get(json, "command_line")), 0);
  assert_true(json_is_array(json_object_get(json, "command_line")));
  json_decref(json);
}

static void program_that_is_not_the_file_at_its_path_is_marked(void **state) {
  (void)state;
  pc_peer_details details = all_known();
  details.is_executable_current = false;
  json_t *json = describe(&peer, &details, "");
  assert_true(json_is_false(json_object_get(json, "executable_is_current")));
  json_decref(json);
}

static void empty_arguments_stay_where_they_are(void **state) {
  (void)state;
  pc_peer_details details = {.known = PC_PEER_COMMAND_LINE, .command_line_bytes = 6};
  memcpy(details.command_line, "a\0\0\0bc", 6);
  json_t *json = describe(&peer, &details, "");
  const json_t *line = json_object_get(json, "command_line");
  assert_int_equal(json_array_size(line), 4);
  assert_string_equal(json_string_value(json_array_get(line, 1)), "");
  assert_string_equal(json_string_value(json_array_get(line, 3)), "bc");
  json_decref(json);
}

static void names_that_are_no_text_keep_what_is(void **state) {
  (void)state;
  pc_peer strange = {.pid = 1, .name = "\xff\"x\n\xfe"};
  pc_peer_details details = {.known = PC_PEER_ALL, .command_line_bytes = 5, .executable = "/\xc3"};
  memcpy(details.command_line, "\x80\0ok\x01", 5);
  json_t *json = describe(&strange, &details, "");
  assert_string_equal(text_of(json, "name"), "?\"x\n?");
  assert_string_equal(text_of(json, "executable"), "/?");
  const json_t *line = json_object_get(json, "command_line");
  assert_string_equal(json_string_value(json_array_get(line, 0)), "?");
  assert_string_equal(json_string_value(json_array_get(line, 1)), "ok\x01");
  json_decref(json);
}

static void line_that_was_cut_ends_with_a_whole_character(void **state) {
  (void)state;
  static const char *const ends[] = {"a\xc3", "a\xe2\x82", "a\xf0\x9f\x98", "a\xe2\x82\xac"};
  for (unsigned index = 0; index < sizeof ends / sizeof ends[0]; index++) {
    pc_peer_details details = {.known = PC_PEER_COMMAND_LINE,
                               .is_command_line_cut = true,
                               .command_line_bytes = (uint32_t)strlen(ends[index])};
    strcpy(details.command_line, ends[index]);
    json_t *json = describe(&peer, &details, "");
    assert_true(json_is_true(json_object_get(json, "command_line_is_cut")));
    const json_t *line = json_object_get(json, "command_line");
    assert_string_equal(json_string_value(json_array_get(line, 0)), index < 3 ? "a" : ends[index]);
    json_decref(json);
  }
}

static void largest_and_worst_stays_in_the_bounds(void **state) {
  (void)state;
  static pc_peer_details details = {.known = PC_PEER_ALL,
                                    .group_count = PC_PEER_GROUPS_MAX,
                                    .command_line_bytes = PC_PEER_COMMAND_LINE_BYTES - 1};
  pc_peer worst = {.pid = INT64_MIN, .uid = INT64_MIN, .gid = INT64_MIN};
  char user[BR_USER_NAME_BYTES] = "";
  memset(details.groups, 0xff, sizeof details.groups);
  for (unsigned round = 0; round < 3; round++) { /* control bytes, no text, arguments of nothing */
    int byte = round == 0 ? 1 : 0xff;
    memset(details.executable, byte, sizeof details.executable - 1);
    memset(details.command_line, round == 2 ? 0 : byte, sizeof details.command_line - 1);
    memset(details.unit, byte, sizeof details.unit - 1);
    memset(details.container, byte, sizeof details.container - 1);
    memset(worst.name, byte, sizeof worst.name - 1);
    memset(user, byte, sizeof user - 1);
    json_t *json = describe(&worst, &details, user);
    assert_int_equal(json_array_size(json_object_get(json, "groups")), PC_PEER_GROUPS_MAX);
    json_decref(json);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(everything_that_is_known_is_told),
      cmocka_unit_test(what_is_not_known_is_left_out),
      cmocka_unit_test(lists_that_are_known_and_empty_are_empty_lists),
      cmocka_unit_test(program_that_is_not_the_file_at_its_path_is_marked),
      cmocka_unit_test(empty_arguments_stay_where_they_are),
      cmocka_unit_test(names_that_are_no_text_keep_what_is),
      cmocka_unit_test(line_that_was_cut_ends_with_a_whole_character),
      cmocka_unit_test(largest_and_worst_stays_in_the_bounds),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
