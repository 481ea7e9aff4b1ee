/* Commands: what is understood, in JSON and in binary, and what is refused with which code. */
#include "test.h"

#include <stdlib.h>
#include <string.h>

#include "client_command.h"

static br_client_command parsed(const char *text) {
  br_client_command command;
  br_problem problem;
  if (!br_client_command_parse(&command, (const uint8_t *)text, strlen(text), &problem)) {
    fail_msg("%s: %s, %s", text, problem.code, problem.detail);
  }
  return command;
}

static void expect_refused(const char *text, const char *code, const char *id) {
  br_client_command command;
  br_problem problem = {0};
  if (br_client_command_parse(&command, (const uint8_t *)text, strlen(text), &problem) ||
      strcmp(problem.code, code) != 0 || strcmp(command.id, id) != 0 || !problem.detail[0]) {
    fail_msg("%s: %s of %s", text, problem.code ? problem.code : "taken", command.id);
  }
  br_client_command_fini(&command);
}

static void expect_next(br_client_messages *messages, const void *data, uint32_t size) {
  uint32_t next_size = 0;
  assert_true(messages->count > 0);
  const uint8_t *next = br_client_messages_next(messages, &next_size);
  assert_int_equal(next_size, size);
  assert_memory_equal(next, data, size);
}

static void id_is_a_number_or_a_text_and_comes_back_as_json(void **state) {
  (void)state;
  static const struct {
    const char *text, *id;
  } cases[] = {{"{\"command\":\"pause\",\"id\":7}", "7"},
               {"{\"command\":\"pause\",\"id\":-9223372036854775808}", "-9223372036854775808"},
               {"{\"command\":\"pause\",\"id\":\"a\\\"b\"}", "\"a\\\"b\""},
               {"{\"command\":\"pause\",\"id\":\"\\u0000\\u001f\"}", "\"\\u0000\\u001F\""}};
  for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++) {
    br_client_command command = parsed(cases[index].text);
    assert_int_equal(command.kind, BR_CLIENT_PAUSE);
    assert_string_equal(command.id, cases[index].id);
    br_client_command_fini(&command);
  }
}

static void id_has_room_for_the_longest_escapes(void **state) {
  (void)state;
  char text[1024] = "{\"command\":\"resume\",\"id\":\"";
  for (int count = 0; count < BR_CLIENT_ID_MAX_BYTES; count++) {
    strcat(text, "\\u0001");
  }
  strcat(text, "\"}");
  br_client_command command = parsed(text);
  assert_int_equal(strlen(command.id), 6 * BR_CLIENT_ID_MAX_BYTES + 2);
  br_client_command_fini(&command);
  expect_refused("{\"command\":\"resume\",\"id\":"
                 "\"12345678901234567890123456789012345678901234567890123456789012345\"}",
                 "bad_command", "null");
}

static void subscription_has_its_members_as_texts(void **state) {
  (void)state;
  br_client_command command =
      parsed("{\"id\":1,\"command\":\"subscribe\",\"session\":7,\"since\":\"12\",\"q\":\"a b\"}");
  br_parameters members = br_client_command_parameters(&command);
  assert_int_equal(command.kind, BR_CLIENT_SUBSCRIBE);
  assert_string_equal(members.get(members.source, "session"), "7");
  assert_string_equal(members.get(members.source, "since"), "12");
  assert_string_equal(members.get(members.source, "q"), "a b");
  assert_null(members.get(members.source, "kind"));
  br_client_command_fini(&command);
}

static void injection_decodes_one_message(void **state) {
  (void)state;
  br_client_command command =
      parsed("{\"id\":1,\"command\":\"inject\",\"pipe\":\"demo\",\"text\":\"a\\u0000b\"}");
  assert_int_equal(command.kind, BR_CLIENT_INJECT);
  assert_string_equal(command.pipe, "demo");
  assert_null(command.session);
  assert_null(command.direction);
  assert_false(command.is_list);
  expect_next(&command.messages, "a\0b", 3);
  assert_int_equal(command.messages.size, 0);
  br_client_command_fini(&command);
}

static void injection_decodes_a_list_in_order(void **state) {
  (void)state;
  br_client_command command =
      parsed("{\"id\":1,\"command\":\"inject\",\"session\":3,\"direction\":\"c2s\",\"messages\":"
             "[{\"text\":\"one\"},{\"hex\":\"00ff\"},{\"base64\":\"dHdv\"},{\"text\":\"\"}]}");
  assert_true(command.is_list);
  assert_string_equal(command.session, "3");
  assert_string_equal(command.direction, "c2s");
  expect_next(&command.messages, "one", 3);
  expect_next(&command.messages, "\x00\xff", 2);
  expect_next(&command.messages, "two", 3);
  expect_next(&command.messages, "", 0);
  assert_int_equal(command.messages.count, 0);
  br_client_command_fini(&command);
}

static void command_that_is_wrong_is_refused_by_its_code(void **state) {
  (void)state;
  expect_refused("", "bad_json", "null");
  expect_refused("[1]", "bad_json", "null");
  expect_refused("{\"command\":\"pause\"}", "bad_command", "null");
  expect_refused("{\"id\":true,\"command\":\"pause\"}", "bad_command", "null");
  expect_refused("{\"id\":3,\"command\":\"fly\"}", "unknown_command", "3");
  expect_refused("{\"id\":3,\"command\":\"resume\",\"q\":\"\"}", "unknown_member", "3");
  expect_refused("{\"id\":3,\"command\":\"subscribe\",\"q\":{}}", "bad_command", "3");
  expect_refused("{\"id\":3,\"command\":\"inject\",\"text\":\"\"}", "bad_command", "3");
  expect_refused("{\"id\":3,\"command\":\"inject\",\"pipe\":\"a\"}", "bad_payload", "3");
  expect_refused("{\"id\":3,\"command\":\"inject\",\"pipe\":\"a\",\"messages\":[1]}", "bad_payload",
                 "3");
  expect_refused("{\"id\":3,\"command\":\"disconnect\"}", "bad_command", "3");
}

/* ---- binary ---- */

/* Session 258 and two messages, "ab" and "". */
static const uint8_t binary[] = {1, 3, 2, 0, 2, 0, 0, 0, 9, 0, 0, 0, 1, 0, 0, 0,   2,   1, 0, 0, 0,
                                 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 'a', 'b', 0, 0, 0, 0};

static void binary_has_target_direction_and_messages(void **state) {
  (void)state;
  br_client_command command;
  br_problem problem;
  assert_true(br_client_command_parse_binary(&command, binary, sizeof binary, &problem));
  assert_int_equal(command.kind, BR_CLIENT_INJECT);
  assert_string_equal(command.id, "4294967305");
  assert_string_equal(command.session, "258");
  assert_null(command.pipe);
  assert_string_equal(command.direction, "s2c");
  assert_int_equal(command.messages.count, 2);
  expect_next(&command.messages, "ab", 2);
  expect_next(&command.messages, "", 0);
  br_client_command_fini(&command);
}

static void binary_that_is_cut_or_too_long_is_refused(void **state) {
  (void)state;
  for (size_t size = 0; size <= sizeof binary + 1; size++) {
    br_client_command command;
    br_problem problem;
    uint8_t *exact = calloc(1, size + 1); /* whose end is where an overrun shows */
    assert_non_null(exact);
    memcpy(exact, binary, size < sizeof binary ? size : sizeof binary);
    bool is_good = br_client_command_parse_binary(&command, exact, size, &problem);
    assert_int_equal(is_good, size == sizeof binary);
    if (!is_good) {
      assert_string_equal(problem.code, "bad_command");
    }
    br_client_command_fini(&command);
    free(exact);
  }
}

static void binary_refuses_what_it_reserves(void **state) {
  (void)state;
  static const struct {
    size_t offset;
    uint8_t value;
  } cases[] = {{0, 2}, {1, 2}, {2, 3}, {3, 1}, {24, 1}, {28, 1}, {31, 1}};
  for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++) {
    uint8_t wrong[sizeof binary];
    br_client_command command;
    br_problem problem;
    memcpy(wrong, binary, sizeof wrong);
    wrong[cases[index].offset] = cases[index].value;
    assert_false(br_client_command_parse_binary(&command, wrong, sizeof wrong, &problem));
    br_client_command_fini(&command);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(id_is_a_number_or_a_text_and_comes_back_as_json),
      cmocka_unit_test(id_has_room_for_the_longest_escapes),
      cmocka_unit_test(subscription_has_its_members_as_texts),
      cmocka_unit_test(injection_decodes_one_message),
      cmocka_unit_test(injection_decodes_a_list_in_order),
      cmocka_unit_test(command_that_is_wrong_is_refused_by_its_code),
      cmocka_unit_test(binary_has_target_direction_and_messages),
      cmocka_unit_test(binary_that_is_cut_or_too_long_is_refused),
      cmocka_unit_test(binary_refuses_what_it_reserves),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
