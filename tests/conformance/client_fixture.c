/* A pc_client in the suite's fixture. */
#include "client_fixture.h"

#include <stdlib.h>

static void client_on_waiting(pc_client *client, const pc_waiting *waiting, void *user) {
  client_fixture *fixture = (client_fixture *)((suite_fixture *)user)->owner;
  assert_ptr_equal(client, fixture->client);
  assert_false(fixture->suite->is_in_callback);
  assert_null(pc_client_session(client));
  assert_int_equal(fixture->stopped_count, 0);
  fixture->waiting_count++;
  fixture->waiting = *waiting;
}

static void client_on_stopped(pc_client *client, void *user) {
  client_fixture *fixture = (client_fixture *)((suite_fixture *)user)->owner;
  assert_ptr_equal(client, fixture->client);
  assert_false(fixture->suite->is_in_callback);
  assert_null(pc_client_session(client));
  fixture->stopped_count++;
}

client_fixture *client_fixture_create(pc_type type, pc_framing framing) {
  client_fixture *fixture = calloc(1, sizeof *fixture);
  assert_non_null(fixture);
  fixture->suite = fixture_create(type, framing);
  fixture->suite->owner = fixture;
  const pc_server_options *options = &fixture->suite->options;
  fixture->options = (pc_client_options){.path = options->path,
                                         .type = type,
                                         .framing = framing,
                                         .reconnect = {.first_delay_ms = 1, .max_delay_ms = 20},
                                         .seed = 1,
                                         .on = {.session = options->on.session,
                                                .on_waiting = client_on_waiting,
                                                .on_stopped = client_on_stopped},
                                         .user = fixture->suite};
  return fixture;
}

void client_fixture_start(client_fixture *fixture) {
  pc_failure failure = {.status = PC_OK};
  fixture->suite->is_in_callback = true; /* start itself calls nothing back */
  pc_status status =
      pc_client_start(fixture->suite->loop, &fixture->options, &fixture->client, &failure);
  fixture->suite->is_in_callback = false;
  if (status != PC_OK) {
    fail_msg("start: %s, %s (%d)", pc_status_name(status), failure.action, failure.native);
  }
}

void client_fixture_stop(client_fixture *fixture, uint32_t drain_ms) {
  suite_fixture *suite = fixture->suite;
  suite->is_in_callback = true;
  pc_client_stop(fixture->client, drain_ms);
  suite->is_in_callback = false;
  turn_some(suite);
  if (fixture->stopped_count == 0) {
    suite_backend_under_test.pass_time(suite, drain_ms);
  }
  TURN_UNTIL(suite, fixture->stopped_count > 0);
  turn_some(suite);
  assert_int_equal(fixture->stopped_count, 1);
  pc_client_destroy(fixture->client);
  fixture->client = NULL;
}

void client_fixture_destroy(client_fixture *fixture) {
  if (fixture->client) {
    client_fixture_stop(fixture, 0);
  }
  if (fixture->listener) {
    server_unlisten(fixture);
  }
  fixture_destroy(fixture->suite);
  free(fixture);
}

void server_listen(client_fixture *fixture) {
  fixture->listener = suite_backend_under_test.clients->listen(fixture->suite, fixture->suite->path,
                                                               fixture->suite->options.type);
}

void server_unlisten(client_fixture *fixture) {
  suite_backend_under_test.clients->unlisten(fixture->listener);
  fixture->listener = NULL;
}

suite_client *server_accept(client_fixture *fixture) {
  suite_client *end = NULL;
  PASS_UNTIL(fixture, (end = suite_backend_under_test.clients->accept(fixture->listener)) != NULL);
  PASS_UNTIL(fixture, fixture->suite->open_count > 0);
  return end;
}

session_record *last_session(const client_fixture *fixture) {
  assert_true(fixture->suite->session_count > 0);
  return fixture->suite->sessions[fixture->suite->session_count - 1];
}
