/* Who injects, in a few words that are always JSON. */
#include "test.h"

#include <jansson.h>
#include <string.h>

#include "sent_by.h"
#include "web/text.h"

static void assert_client(const char *client, const char *wanted) {
  br_sent_by by = {.size = 0};
  br_sent_by_write(&by, "http", "127.0.0.1:40112", client);
  assert_true(web_utf8_is_valid(by.json, by.size));
  json_t *read = json_loadb((const char *)by.json, by.size, JSON_ALLOW_NUL, NULL);
  assert_non_null(read);
  assert_string_equal(json_string_value(json_object_get(read, "via")), "http");
  assert_string_equal(json_string_value(json_object_get(read, "address")), "127.0.0.1:40112");
  const char *told = json_string_value(json_object_get(read, "client"));
  if (wanted) {
    assert_string_equal(told, wanted);
  } else {
    assert_null(told);
  }
  json_decref(read);
}

static void sent_by_leaves_out_what_is_not_known(void **state) {
  (void)state;
  br_sent_by by = {.size = 0};
  br_sent_by_write(&by, "raw", "", NULL);
  assert_int_equal(by.size, strlen("{\"via\":\"raw\"}"));
  assert_memory_equal(by.json, "{\"via\":\"raw\"}", by.size);
  assert_client(NULL, NULL);
  assert_client("", NULL);
}

static void sent_by_tells_a_name_without_what_would_spoil_a_text(void **state) {
  (void)state;
  assert_client("curl/7.88.1", "curl/7.88.1");
  assert_client("a\"b\\c", "a\"b\\c");
  assert_client("tab\there\x7f\x01", "tab?here??");
  assert_client("\xc3\xbc\xf0\x9f\xa6\x80", "\xc3\xbc\xf0\x9f\xa6\x80");
  assert_client("\xff\xfe.", "??.");
  assert_client("\xed\xa0\x80", "???"); /* a surrogate         */
  assert_client("\xc2\x85.", "??.");    /* a control character */
  assert_client("cut\xe2\x82", "cut??");
}

static void sent_by_is_bounded_at_a_character(void **state) {
  (void)state;
  char name[300], wanted[BR_SENT_BY_CLIENT_BYTES + 1];
  memset(name, '"', sizeof name);
  name[299] = '\0';
  memset(wanted, '"', sizeof wanted);
  wanted[BR_SENT_BY_CLIENT_BYTES] = '\0';
  assert_client(name, wanted);
  memcpy(name + 62, "\xe2\x82\xac", 3); /* would end at 65 */
  wanted[62] = '\0';
  assert_client(name, wanted);
  br_sent_by by = {.size = 0};
  memset(name, '\\', sizeof name - 1);
  br_sent_by_write(&by, "sixteen-letters-", "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535",
                   name);
  assert_true(by.size <= BR_SENT_BY_MAX_BYTES);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sent_by_leaves_out_what_is_not_known),
      cmocka_unit_test(sent_by_tells_a_name_without_what_would_spoil_a_text),
      cmocka_unit_test(sent_by_is_bounded_at_a_character),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
