/* Cases of who is let in: the rules of a server, before anybody hears of its clients, which are
 * this very process. The rules themselves are told apart in unit/pipecore/test_admission.c. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "suite.h"

#define USER(id) ((pc_admission_rule){.uid = (int64_t)(id), .gid = -1})
#define STRANGER USER(geteuid() + 1)
#define PROGRAM(path) ((pc_admission_rule){.uid = -1, .gid = -1, .executable = (path)})

/* A server with one rule of each list; NULL: none. They are gone once it has started. */
static suite_fixture *fixture_with_rules(pc_type type, const pc_admission_rule *allow,
                                         const pc_admission_rule *deny) {
  suite_fixture *fixture = fixture_create(type, PC_FRAMING_NONE);
  pc_admission_rule *rules = calloc(2, sizeof *rules);
  char *texts[2] = {NULL, NULL};
  assert_non_null(rules);
  const pc_admission_rule *given[] = {allow, deny};
  for (unsigned index = 0; index < 2; index++) {
    if (given[index]) {
      rules[index] = *given[index];
      texts[index] = given[index]->executable ? strdup(given[index]->executable) : NULL;
      rules[index].executable = texts[index];
    }
  }
  fixture->options.admission = (pc_admission_rules){.allow = &rules[0],
                                                    .allow_count = allow != NULL,
                                                    .deny = &rules[1],
                                                    .deny_count = deny != NULL};
  fixture_start(fixture);
  memset(rules, 0xff, 2 * sizeof *rules);
  free(rules);
  free(texts[0]);
  free(texts[1]);
  return fixture;
}

static const char *own_executable(void) {
  static char path[1024];
  ssize_t size = readlink("/proc/self/exe", path, sizeof path - 1);
  assert_true(size > 0);
  path[size] = '\0';
  return path;
}

static void expect_let_in(const pc_admission_rule *allow, const pc_admission_rule *deny) {
  suite_fixture *fixture = fixture_with_rules(PC_TYPE_BYTE, allow, deny);
  session_record *record;
  suite_client *client = client_connect(fixture, &record);
  client_write_text(fixture, client, "hello");
  TURN_UNTIL(fixture, record->message_count == 1);
  assert_int_equal(fixture->refused_count, 0);
  client_close(client);
  fixture_destroy(fixture);
}

static void expect_sent_away(pc_type type, const pc_admission_rule *allow,
                             const pc_admission_rule *deny, pc_admission expected) {
  suite_fixture *fixture = fixture_with_rules(type, allow, deny);
  suite_client *client = client_connect_only(fixture);
  client_write_text(fixture, client, "let me in");
  TURN_UNTIL(fixture, fixture->refused_count == 1);
  assert_int_equal(fixture->last_admission, expected);
  assert_int_equal(fixture->last_refused.uid, geteuid());
  assert_int_equal(fixture->last_refused.pid, getpid());
  client_expect_end(fixture, client);
  turn_some(fixture);
  assert_int_equal(fixture->session_count, 0);
  assert_int_equal(fixture->error_count, 0);
  assert_int_equal(pc_server_session_count(fixture->server), 0);
  client_close(client);
  fixture_destroy(fixture);
}

static void client_that_a_rule_allows_comes_in(void **state) {
  (void)state;
  SKIP_UNDER_VALGRIND("is the program that /proc names");
  expect_let_in(&USER(geteuid()), NULL);
  expect_let_in(&PROGRAM(own_executable()), NULL);
  expect_let_in(&(pc_admission_rule){.uid = geteuid(), .gid = getegid()}, &STRANGER);
}

static void client_that_no_rule_allows_is_sent_away_unheard(void **state) {
  (void)state;
  expect_sent_away(PC_TYPE_BYTE, &STRANGER, NULL, PC_ADMISSION_UNLISTED);
  expect_sent_away(PC_TYPE_MESSAGE, &STRANGER, NULL, PC_ADMISSION_UNLISTED);
  expect_sent_away(PC_TYPE_BYTE, &PROGRAM("/bin/of another name"), NULL, PC_ADMISSION_UNLISTED);
}

static void client_that_a_rule_denies_is_sent_away_though_allowed(void **state) {
  (void)state;
  SKIP_UNDER_VALGRIND("is the program that /proc names");
  expect_sent_away(PC_TYPE_BYTE, &USER(geteuid()), &USER(geteuid()), PC_ADMISSION_DENIED);
  expect_sent_away(PC_TYPE_MESSAGE, NULL, &PROGRAM(own_executable()), PC_ADMISSION_DENIED);
}

static void refused_clients_take_no_instance_from_others(void **state) {
  (void)state;
  suite_fixture *fixture = fixture_create(PC_TYPE_BYTE, PC_FRAMING_NONE);
  fixture->options.admission = (pc_admission_rules){.deny = &USER(geteuid()), .deny_count = 1};
  fixture->options.limits.max_instances = 2;
  fixture_start(fixture);
  enum { REFUSED = 50 };
  suite_client *clients[REFUSED];
  for (unsigned index = 0; index < REFUSED; index++) {
    clients[index] = client_connect_only(fixture);
  }
  TURN_UNTIL(fixture, fixture->refused_count == REFUSED);
  for (unsigned index = 0; index < REFUSED; index++) {
    client_expect_end(fixture, clients[index]);
    client_close(clients[index]);
  }
  assert_int_equal(fixture->session_count, 0);
  fixture_destroy(fixture);
}

static void stop_while_a_refused_client_leaves_is_told_once(void **state) {
  (void)state;
  suite_fixture *fixture = fixture_with_rules(PC_TYPE_BYTE, &STRANGER, NULL);
  suite_client *client = client_connect_only(fixture);
  while (fixture->refused_count == 0) {
    turn_now(fixture);
  }
  fixture_stop(fixture, 100);
  client_expect_end(fixture, client);
  client_close(client);
  fixture_destroy(fixture);
}

static void server_without_on_refused_refuses_all_the_same(void **state) {
  (void)state;
  suite_fixture *fixture = fixture_create(PC_TYPE_BYTE, PC_FRAMING_NONE);
  fixture->options.on.on_refused = NULL;
  fixture->options.admission = (pc_admission_rules){.deny = &USER(geteuid()), .deny_count = 1};
  fixture_start(fixture);
  suite_client *client = client_connect_only(fixture);
  client_expect_end(fixture, client);
  client_close(client);
  fixture_destroy(fixture);
}

const struct CMUnitTest cases_admission[] = {
    cmocka_unit_test(client_that_a_rule_allows_comes_in),
    cmocka_unit_test(client_that_no_rule_allows_is_sent_away_unheard),
    cmocka_unit_test(client_that_a_rule_denies_is_sent_away_though_allowed),
    cmocka_unit_test(refused_clients_take_no_instance_from_others),
    cmocka_unit_test(stop_while_a_refused_client_leaves_is_told_once),
    cmocka_unit_test(server_without_on_refused_refuses_all_the_same),
    {0}};
