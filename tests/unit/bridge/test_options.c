/* Arguments and environment of the program. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"

static char error[256];
static br_options options;

static bool parse_list(char **arguments) {
  int count = 1;
  while (arguments[count]) {
    count++;
  }
  memset(error, 0, sizeof error);
  return br_options_parse(count, arguments, &options, error, sizeof error);
}

#define parse(...) parse_list((char *[]){"pipebridge", __VA_ARGS__, NULL})

static int environment_clear(void **state) {
  (void)state;
  return unsetenv("PIPEBRIDGE_CONFIG") | unsetenv("PIPEBRIDGE_RUNTIME_DIR") |
         unsetenv("PIPEBRIDGE_LISTEN");
}

static void no_arguments_leave_all_to_the_defaults(void **state) {
  (void)state;
  assert_true(parse_list((char *[]){"pipebridge", NULL}));
  const br_options none = {0};
  assert_memory_equal(&options, &none, sizeof none);
}

static void every_option_is_stored(void **state) {
  (void)state;
  assert_true(parse("--config", "c.json", "--runtime-dir=/r", "--listen", "127.0.0.1:1",
                    "--listen=[::1]:2", "--port-file", "p", "--check-config", "--hints", "--help",
                    "--version"));
  assert_string_equal(options.config_path, "c.json");
  assert_string_equal(options.runtime_dir, "/r");
  assert_int_equal(options.listen_count, 2);
  assert_string_equal(options.listen[0], "127.0.0.1:1");
  assert_string_equal(options.listen[1], "[::1]:2");
  assert_string_equal(options.port_file, "p");
  assert_true(options.check_config && options.show_hints && options.show_help &&
              options.show_version);
}

static void a_wrong_argument_is_named(void **state) {
  (void)state;
  assert_false(parse("--colour"));
  assert_string_equal(error, "--colour: no such option, or a value it does not take");
  assert_false(parse("--check-config", "-x"));
  assert_string_equal(error, "-x: no such option, or a value it does not take");
  assert_false(parse("--hints", "-xy"));
  assert_string_equal(error, "-xy: no such option, or a value it does not take");
  assert_false(parse("--config"));
  assert_string_equal(error, "--config: needs a value");
  assert_false(parse("--hints", "surplus"));
  assert_string_equal(error, "surplus: unexpected argument");
  assert_false(parse("--hints=1"));
  assert_string_equal(error, "--hints=1: no such option, or a value it does not take");
  assert_false(parse("--config", ""));
  assert_string_equal(error, "an argument has an empty value");
}

static void too_many_addresses_are_refused(void **state) {
  (void)state;
  char *arguments[BR_OPTIONS_LISTEN_MAX + 3] = {"pipebridge"};
  for (size_t index = 0; index < BR_OPTIONS_LISTEN_MAX; index++) {
    arguments[index + 1] = "--listen=127.0.0.1:0";
  }
  assert_true(parse_list(arguments));
  arguments[BR_OPTIONS_LISTEN_MAX + 1] = "--listen=127.0.0.1:0";
  assert_false(parse_list(arguments));
  assert_string_equal(error, "more than 16 addresses to listen on");
}

static void the_environment_stands_in_for_what_is_not_given(void **state) {
  (void)state;
  char listen[] = "PIPEBRIDGE_LISTEN=127.0.0.1:1, [::1]:2";
  assert_int_equal(putenv(listen), 0);
  assert_int_equal(setenv("PIPEBRIDGE_CONFIG", "e.json", 1), 0);
  assert_int_equal(setenv("PIPEBRIDGE_RUNTIME_DIR", "/e", 1), 0);
  assert_true(parse("--runtime-dir", "/r"));
  assert_string_equal(options.config_path, "e.json");
  assert_string_equal(options.runtime_dir, "/r");
  assert_int_equal(options.listen_count, 2);
  assert_string_equal(options.listen[0], "127.0.0.1:1");
  assert_string_equal(options.listen[1], "[::1]:2");
  assert_int_equal(environment_clear(NULL), 0);
}

static void arguments_win_over_the_environment(void **state) {
  (void)state;
  assert_int_equal(setenv("PIPEBRIDGE_LISTEN", "127.0.0.1:1", 1), 0);
  assert_int_equal(setenv("PIPEBRIDGE_CONFIG", "e.json", 1), 0);
  assert_true(parse("--listen", "127.0.0.1:9", "--config", "a.json"));
  assert_int_equal(options.listen_count, 1);
  assert_string_equal(options.listen[0], "127.0.0.1:9");
  assert_string_equal(options.config_path, "a.json");
}

static void an_empty_variable_is_as_unset(void **state) {
  (void)state;
  assert_int_equal(setenv("PIPEBRIDGE_LISTEN", "", 1), 0);
  assert_int_equal(setenv("PIPEBRIDGE_CONFIG", "", 1), 0);
  assert_true(parse("--hints"));
  assert_null(options.config_path);
  assert_int_equal(options.listen_count, 0);
}

static void the_help_names_every_option(void **state) {
  (void)state;
  const char *names[] = {"--config ",
                         "--runtime-dir ",
                         "--listen ",
                         "--port-file ",
                         "--check-config ",
                         "--hints ",
                         "--help",
                         "--version",
                         "PIPEBRIDGE_CONFIG",
                         "PIPEBRIDGE_RUNTIME_DIR",
                         "PIPEBRIDGE_LISTEN"};
  for (size_t index = 0; index < sizeof names / sizeof names[0]; index++) {
    assert_non_null(strstr(br_options_help, names[index]));
  }
}

#define CLEAN(test) cmocka_unit_test_setup_teardown(test, environment_clear, environment_clear)

int main(void) {
  const struct CMUnitTest tests[] = {
      CLEAN(no_arguments_leave_all_to_the_defaults),
      CLEAN(every_option_is_stored),
      CLEAN(a_wrong_argument_is_named),
      CLEAN(too_many_addresses_are_refused),
      CLEAN(the_environment_stands_in_for_what_is_not_given),
      CLEAN(arguments_win_over_the_environment),
      CLEAN(an_empty_variable_is_as_unset),
      CLEAN(the_help_names_every_option),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
