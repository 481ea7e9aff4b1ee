/* Cases of a loop that one thread after another runs. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "socket_client.h"

static void stop_on_message(suite_fixture *fixture, session_record *record,
                            const pc_message *message) {
  (void)record;
  (void)message;
  pc_loop_stop(fixture->loop);
}

static void *loop_thread_run(void *user) {
  suite_fixture *fixture = user;
  static pc_status status;
  status = pc_loop_run(fixture->loop);
  return &status;
}

static pc_status run_on_a_thread(suite_fixture *fixture) {
  pthread_t thread;
  void *result = NULL;
  assert_int_equal(pthread_create(&thread, NULL, loop_thread_run, fixture), 0);
  assert_int_equal(pthread_join(thread, &result), 0);
  return *(const pc_status *)result;
}

/* Sessions, and what their clients say between two runs, live on. */
static void sessions_outlive_the_thread_that_ran_the_loop(void **state) {
  (void)state;
  static const pc_type types[] = {PC_TYPE_BYTE, PC_TYPE_MESSAGE};
  for (int index = 0; index < 2; index++) {
    suite_fixture *fixture =
        fixture_create(types[index], index ? PC_FRAMING_NONE : PC_FRAMING_LINE);
    fixture->does_echo = true;
    fixture->on_message = stop_on_message;
    fixture_start(fixture);
    suite_client *talks = client_connect_only(fixture);
    suite_client *is_silent = client_connect_only(fixture);
    char text[32] = "";
    for (int round = 0; round < 5; round++) {
      snprintf(text, sizeof text, "round %d\n", round);
      client_write_text(fixture, talks, text);
      assert_int_equal(run_on_a_thread(fixture), PC_OK);
    }
    fixture->on_message = NULL;
    for (int round = 0; round < 5; round++) {
      snprintf(text, sizeof text, "round %d\n", round);
      client_expect_text(fixture, talks, text); /* turns on this thread */
    }
    client_write_text(fixture, is_silent, "now\n");
    client_expect_text(fixture, is_silent, "now\n");
    assert_int_equal(fixture->open_count, 2);
    client_close(talks);
    client_close(is_silent);
    fixture_destroy(fixture);
  }
}

/* What is under way for all of them ends with the thread, and begins again with the next. */
static void crowd_outlives_the_thread_that_ran_the_loop(void **state) {
  (void)state;
  enum { COUNT = 2500, DESCRIPTORS = 2 * COUNT + 100 };
  static suite_client *clients[COUNT];
  struct rlimit old;
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
  if (suite_backend_under_test.is_concurrent || old.rlim_max < DESCRIPTORS) {
    print_message("skipped: a thread for each session, or fewer than %d descriptors\n",
                  DESCRIPTORS);
    skip();
  }
  struct rlimit raised = {.rlim_cur = DESCRIPTORS, .rlim_max = old.rlim_max};
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &raised), 0);
  suite_fixture *fixture = fixture_create(PC_TYPE_BYTE, PC_FRAMING_LINE);
  fixture->options.limits.max_instances = COUNT;
  fixture->on_message = stop_on_message;
  fixture_start(fixture);
  for (int index = 0; index < COUNT; index++) {
    clients[index] = client_connect_only(fixture);
  }
  client_write_text(fixture, clients[COUNT - 1], "the last one is in\n");
  assert_int_equal(run_on_a_thread(fixture), PC_OK);
  assert_int_equal(fixture->open_count, COUNT);
  for (int round = 0; round < 3; round++) {
    client_write_text(fixture, clients[round], "again\n");
    assert_int_equal(run_on_a_thread(fixture), PC_OK);
  }
  for (int index = 0; index < COUNT; index++) {
    client_close(clients[index]);
  }
  TURN_UNTIL(fixture, fixture->open_count == 0);
  fixture_destroy(fixture);
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
}

/* Turns on this thread have begun what is this thread's: another one gets it, or is told that it
 * does not. */
static void run_beside_the_thread_that_turned_is_right_or_refused(void **state) {
  (void)state;
  suite_fixture *fixture = fixture_create(PC_TYPE_BYTE, PC_FRAMING_LINE);
  fixture->does_echo = true;
  fixture->on_message = stop_on_message;
  fixture_start(fixture);
  suite_client *client = client_connect(fixture, NULL);
  client_write_text(fixture, client, "there?\n");
  pc_status status = run_on_a_thread(fixture);
  assert_true(status == PC_OK || status == PC_E_WRONG_THREAD);
  if (status == PC_E_WRONG_THREAD) { /* and harmless */
    client_expect_text(fixture, client, "there?\n");
  }
  client_close(client);
  TURN_UNTIL(fixture, fixture->open_count == 0);
  fixture_destroy(fixture);
}

const struct CMUnitTest cases_threads[] = {
    cmocka_unit_test(sessions_outlive_the_thread_that_ran_the_loop),
    cmocka_unit_test(crowd_outlives_the_thread_that_ran_the_loop),
    cmocka_unit_test(run_beside_the_thread_that_turned_is_right_or_refused),
    {0}};
