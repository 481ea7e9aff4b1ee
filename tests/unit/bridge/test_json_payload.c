/* Messages in JSON: each form, and what is wrong with one at its place. */
#include "test.h"

#include <string.h>

#include "json_payload.h"

typedef struct sample {
  const char *json;
  const char *bytes; /* NULL: refused */
  size_t size;
  const char *code;
  const char *says; /* a part of the detail */
} sample;

static const sample samples[] = {
    {"{\"text\":\"hello\"}", "hello", 5, NULL, NULL},
    {"{\"text\":\"\"}", "", 0, NULL, NULL},
    {"{\"text\":\"a\\u0000b\\n\\u00fc\"}", "a\0b\n\xc3\xbc", 6, NULL, NULL},
    {"{\"base64\":\"AP+A\"}", "\0\xff\x80", 3, NULL, NULL},
    {"{\"base64\":\"\"}", "", 0, NULL, NULL},
    {"{\"hex\":\"00 ff 80\"}", "\0\xff\x80", 3, NULL, NULL},
    {" {\"hex\" : \"0A\" , \"session\":7}\n", "\n", 1, NULL, NULL},
    {"{}", NULL, 0, "bad_payload", "None of"},
    {"{\"text\":\"a\",\"hex\":\"00\"}", NULL, 0, "bad_payload", "\"text\" and \"hex\""},
    {"{\"text\":5}", NULL, 0, "bad_payload", "\"text\" is no string"},
    {"{\"text\":null}", NULL, 0, "bad_payload", "\"text\" is no string"},
    {"{\"base64\":\"AP+\"}", NULL, 0, "bad_payload", "\"base64\" ends too early"},
    {"{\"base64\":\"AP-A\"}", NULL, 0, "bad_payload", "\"base64\", at character 3"},
    {"{\"hex\":\"000\"}", NULL, 0, "bad_payload", "\"hex\" ends too early"},
    {"{\"hex\":\"0x00\"}", NULL, 0, "bad_payload", "\"hex\", at character 2"},
    {"", NULL, 0, "bad_json", "line 1"},
    {"[]", NULL, 0, "bad_json", "object is wanted"},
    {"{\"text\":\"a\"} x", NULL, 0, "bad_json", "column 14"},
    {"{\"text\":\"a\",\n\"text\":\"b\"}", NULL, 0, "bad_json", "line 2"},
    {"{\"text\":\"\xff\"}", NULL, 0, "bad_json", "line 1, column"},
    {"{\"text\":\"\\ud800\"}", NULL, 0, "bad_json", "line 1, column"},
};

static void json_payload_of_each_form_is_its_bytes_or_says_what_is_wrong(void **state) {
  (void)state;
  for (size_t index = 0; index < sizeof samples / sizeof samples[0]; index++) {
    const sample *wanted = &samples[index];
    br_problem problem = {0};
    web_buffer out;
    web_buffer_init(&out, 4096);
    json_t *object = br_json_object(wanted->json, strlen(wanted->json), &problem);
    bool is_good = object && br_json_payload(object, &out, &problem);
    assert_int_equal(is_good, wanted->bytes != NULL);
    if (is_good) {
      assert_int_equal(out.size, wanted->size);
      assert_memory_equal(out.size ? out.data : (const void *)"", wanted->bytes, wanted->size);
    } else {
      assert_int_equal(problem.status, 400);
      assert_string_equal(problem.code, wanted->code);
      if (!strstr(problem.detail, wanted->says)) {
        fail_msg("\"%s\" does not say \"%s\"", problem.detail, wanted->says);
      }
    }
    json_decref(object);
    web_buffer_fini(&out);
  }
}

static void json_payload_is_appended_and_bounded(void **state) {
  (void)state;
  br_problem problem;
  web_buffer out;
  web_buffer_init(&out, 8);
  web_buffer_append_text(&out, "ab");
  json_t *object = br_json_object("{\"text\":\"cdefgh\"}", 17, &problem);
  assert_non_null(object);
  assert_true(br_json_payload(object, &out, &problem));
  assert_int_equal(out.size, 8);
  assert_memory_equal(out.data, "abcdefgh", 8);
  assert_false(br_json_payload(object, &out, &problem));
  assert_int_equal(problem.status, 503);
  json_decref(object);
  web_buffer_fini(&out);
}

static void json_members_that_nobody_knows_are_refused(void **state) {
  (void)state;
  static const char *const known[] = {"session", NULL};
  br_problem problem;
  json_t *object = br_json_object("{\"text\":\"\",\"session\":1}", 23, &problem);
  assert_true(br_json_has_only(object, known, &problem));
  json_decref(object);
  object = br_json_object("{\"text\":\"\",\"sesion\":1}", 22, &problem);
  assert_false(br_json_has_only(object, known, &problem));
  assert_string_equal(problem.code, "unknown_member");
  assert_non_null(strstr(problem.detail, "sesion"));
  json_decref(object);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(json_payload_of_each_form_is_its_bytes_or_says_what_is_wrong),
      cmocka_unit_test(json_payload_is_appended_and_bounded),
      cmocka_unit_test(json_members_that_nobody_knows_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
