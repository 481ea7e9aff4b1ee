/* One pipe's configuration by itself: what is written is read as the same, what is patched and what
 * may change. */
#include "test.h"

#include <stdio.h>
#include <string.h>

#include "bridge/pipe_config.h"

static const br_config base = {.runtime_dir = (char *)"/run/test",
                               .events = {.queue_bytes = 1 << 22, .max_message_bytes = 65536}};
static char error[960];

static br_pipe_config *parse_of(const char *text, const br_config *with) {
  error[0] = '\0';
  return br_pipe_config_parse(text, strlen(text), "p", with, error, sizeof error);
}

static br_pipe_config *parse(const char *text) {
  br_pipe_config *pipe = parse_of(text, &base);
  if (!pipe) {
    fail_msg("%s", error);
  }
  return pipe;
}

static void assert_refused(const char *text, const char *expected) {
  br_pipe_config *pipe = parse_of(text, &base);
  assert_null(pipe);
  assert_string_equal(error, expected);
}

static br_pipe_difference compare(const char *from, const char *to, char *key) {
  br_pipe_config *left = parse(from);
  br_pipe_config *right = parse(to);
  br_pipe_difference difference = br_pipe_config_compare(left, right, key);
  br_pipe_config_destroy(left);
  br_pipe_config_destroy(right);
  return difference;
}

static void what_is_written_is_read_as_the_same(void **state) {
  (void)state;
  static const char *const texts[] = {
      "{\"path\":\"a\"}",
      "{\"path\":\"a\",\"mode\":\"message\",\"oversize\":\"skip\",\"describe_clients\":false}",
      "{\"path\":\"a\",\"framing\":\"length16le\",\"reply\":\"broadcast\","
      "\"permissions\":{\"mode\":\"0660\",\"owner\":\"0\",\"group\":\"root\"}}",
      "{\"path\":\"a\",\"limits\":{\"accept_rate\":10,\"accept_burst\":3,\"idle_timeout_ms\":1000},"
      "\"clients\":{\"allow\":[{\"user\":\"root\",\"executable\":\"/bin/sh\"}],"
      "\"deny\":[{\"group\":\"0\"}]}}",
      "{\"path\":\"@name\",\"clients\":{\"allow\":[{\"user\":\"root\"}]}}",
      "{\"path\":\"/x/a\",\"role\":\"client\",\"framing\":\"line\","
      "\"reconnect\":{\"first_delay_ms\":5,\"max_queued_messages\":0}}",
      "{\"path\":\"a\",\"role\":\"tap\",\"upstream\":\"/x/b\",\"framing\":\"headers\"}",
      "{\"path\":\"a\",\"transport\":\"fifo\",\"access\":\"outbound\",\"framing\":\"nul\"}"};
  for (size_t index = 0; index < sizeof texts / sizeof texts[0]; index++) {
    br_pipe_config *pipe = parse(texts[index]);
    web_buffer text;
    web_buffer_init(&text, 65536);
    br_pipe_config_write(pipe, &text);
    assert_false(text.failed);
    web_buffer_append(&text, "", 1);
    br_pipe_config *again = parse((const char *)text.data);
    char key[BR_PIPE_KEY_BYTES] = "";
    if (br_pipe_config_compare(pipe, again, key) != BR_PIPE_SAME) {
      fail_msg("%s is not %s: %s", (const char *)text.data, texts[index], key);
    }
    br_pipe_config_destroy(pipe);
    br_pipe_config_destroy(again);
    web_buffer_fini(&text);
  }
}

static void keys_are_live_or_named(void **state) {
  (void)state;
  char key[BR_PIPE_KEY_BYTES] = "";
  static const char *const live[] = {"\"framing\":\"line\"",
                                     "\"reply\":\"echo\"",
                                     "\"oversize\":\"skip\"",
                                     "\"overflow\":\"drop\"",
                                     "\"describe_clients\":false",
                                     "\"limits\":{\"max_instances\":1,\"idle_timeout_ms\":7}",
                                     "\"limits\":{\"max_message_bytes\":9,\"accept_rate\":5}"};
  for (size_t index = 0; index < sizeof live / sizeof live[0]; index++) {
    char text[256];
    (void)snprintf(text, sizeof text, "{\"path\":\"a\",%s}", live[index]);
    assert_int_equal(compare("{\"path\":\"a\"}", text, key), BR_PIPE_LIVE);
  }
  static const char *const fixed[][2] = {
      {"{\"path\":\"b\"}", "path"},
      {"{\"path\":\"a\",\"mode\":\"message\",\"reply\":\"echo\"}", "mode"},
      {"{\"path\":\"a\",\"role\":\"client\"}", "role"},
      {"{\"path\":\"a\",\"permissions\":{\"group\":\"0\"}}", "permissions.group"},
      {"{\"path\":\"a\",\"clients\":{\"deny\":[{\"user\":\"root\"}]}}", "clients.deny"}};
  for (size_t index = 0; index < sizeof fixed / sizeof fixed[0]; index++) {
    assert_int_equal(compare("{\"path\":\"a\"}", fixed[index][0], key), BR_PIPE_FIXED);
    assert_string_equal(key, fixed[index][1]);
  }
  assert_int_equal(compare("{\"path\":\"a\",\"mode\":\"message\"}",
                           "{\"path\":\"a\",\"mode\":\"message\",\"limits\":{"
                           "\"max_message_bytes\":5}}",
                           key),
                   BR_PIPE_FIXED);
  assert_string_equal(key, "limits.max_message_bytes");
}

static void patch_is_merged_into_what_was_written(void **state) {
  (void)state;
  static const char *const steps[][2] = {
      {"{\"reply\":\"echo\",\"limits\":{\"idle_timeout_ms\":9}}",
       "{\"path\":\"a\",\"reply\":\"echo\",\"limits\":{\"idle_timeout_ms\":9}}"},
      {"{\"limits\":{\"max_instances\":3}}",
       "{\"path\":\"a\",\"reply\":\"echo\",\"limits\":{\"idle_timeout_ms\":9,"
       "\"max_instances\":3}}"},
      {"{\"limits\":{\"idle_timeout_ms\":null},\"reply\":null}",
       "{\"path\":\"a\",\"limits\":{\"max_instances\":3}}"},
      {"{\"limits\":null,\"framing\":\"length16be\"}",
       "{\"path\":\"a\",\"framing\":\"length16be\"}"},
      {"{}", "{\"path\":\"a\",\"framing\":\"length16be\"}"}};
  br_pipe_config *pipe = parse("{\"path\":\"a\"}");
  for (size_t index = 0; index < sizeof steps / sizeof steps[0]; index++) {
    br_pipe_config *next = br_pipe_config_patch(pipe, steps[index][0], strlen(steps[index][0]),
                                                &base, error, sizeof error);
    assert_non_null(next);
    br_pipe_config *expected = parse(steps[index][1]);
    char key[BR_PIPE_KEY_BYTES] = "";
    assert_int_equal(br_pipe_config_compare(next, expected, key), BR_PIPE_SAME);
    br_pipe_config_destroy(expected);
    br_pipe_config_destroy(pipe);
    pipe = next;
  }
  static const char *const wrong[] = {"[]", "", "{\"a\":1}", "{\"path\":null}",
                                      "{\"a\":1,\"a\":2}"};
  for (size_t index = 0; index < sizeof wrong / sizeof wrong[0]; index++) {
    assert_null(
        br_pipe_config_patch(pipe, wrong[index], strlen(wrong[index]), &base, error, sizeof error));
    assert_true(error[0] != '\0');
  }
  br_pipe_config_destroy(pipe);
}

static void problems_have_json_pointers(void **state) {
  (void)state;
  assert_refused("{\"path\":\"a\",\"limits\":{\"max_instances\":0},\"mod\":\"byte\"}",
                 "/limits/max_instances: 0 is below the minimum 1\n"
                 "/mod: unknown key; did you mean \"mode\"?");
  assert_refused("[]", "the pipe: must be an object, not a list");
  assert_refused("{\"path\":\"a\",\"name\":7}", "/name: must be a text, not a whole number");
  assert_refused("{\"path\":\"a\",\"clients\":{\"deny\":[{\"executable\":\"sh\"}]}}",
                 "/clients/deny/0/executable: must be an absolute path, for example "
                 "\"/usr/bin/mpv\"");
}

static void default_limit_is_what_the_bridge_is_made_for(void **state) {
  (void)state;
  br_config small = base;
  small.events.max_message_bytes = 100;
  br_pipe_config *pipe = parse_of("{\"path\":\"a\"}", &small);
  assert_non_null(pipe);
  assert_int_equal(pipe->limits.max_message_bytes, 100);
  br_pipe_config_destroy(pipe);
  assert_null(parse_of("{\"path\":\"a\",\"limits\":{\"max_message_bytes\":101}}", &small));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_written_is_read_as_the_same),
      cmocka_unit_test(keys_are_live_or_named),
      cmocka_unit_test(patch_is_merged_into_what_was_written),
      cmocka_unit_test(problems_have_json_pointers),
      cmocka_unit_test(default_limit_is_what_the_bridge_is_made_for),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
