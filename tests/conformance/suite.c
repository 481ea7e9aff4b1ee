/* The fixture of the conformance suite, and its main: runs every case over the backend that the
 * program is linked with. */
#include "suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "backend_refusal.h"
#include "case_program.h"

uint64_t clock_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* ---- the owner's callbacks ---- */

static void callback_enter(suite_fixture *fixture) {
  assert_false(fixture->is_in_callback); /* none is called back from inside a call */
  fixture->is_in_callback = true;
}

static void callback_leave(suite_fixture *fixture) {
  fixture->is_in_callback = false;
}

static session_record *record_of(pc_session *session) {
  session_record *record = pc_session_user(session);
  assert_non_null(record);
  assert_ptr_equal(record->session, session);
  assert_int_equal(record->disconnected_count, 0);
  return record;
}

static bool owner_on_connected(pc_session *session, const pc_peer *peer, void *user) {
  suite_fixture *fixture = user;
  callback_enter(fixture);
  session_record *record = calloc(1, sizeof *record);
  assert_true(fixture->session_count < sizeof fixture->sessions / sizeof fixture->sessions[0]);
  assert_null(pc_session_user(session));
  record->session = session;
  record->peer = *peer;
  record->connected_count = 1;
  pc_session_set_user(session, record);
  fixture->sessions[fixture->session_count++] = record;
  fixture->open_count++;
  if (fixture->on_connected) {
    fixture->on_connected(fixture, record);
  }
  callback_leave(fixture);
  return !fixture->does_refuse;
}

static void record_keep(session_record *record, const pc_message *message) {
  record->messages =
      realloc(record->messages, (record->message_count + 1) * sizeof *record->messages);
  message_record *kept = &record->messages[record->message_count];
  *kept = (message_record){.data = malloc(message->size_bytes + 1),
                           .size = message->size_bytes,
                           .flags = message->flags};
  memcpy(kept->data, message->data ? message->data : (const uint8_t *)"", message->size_bytes);
  kept->data[message->size_bytes] = '\0';
}

static pc_status owner_on_message(pc_session *session, const pc_message *message, void *user) {
  suite_fixture *fixture = user;
  callback_enter(fixture);
  session_record *record = record_of(session);
  if (fixture->is_take_limited && fixture->take_count == 0) {
    callback_leave(fixture);
    return PC_AGAIN;
  }
  fixture->take_count -= fixture->is_take_limited;
  if (!fixture->does_not_keep) {
    record_keep(record, message);
  }
  record->message_count++;
  record->bytes += message->size_bytes;
  if (fixture->does_echo) {
    assert_int_equal(
        pc_session_write(session, message->data, message->size_bytes, record->message_count),
        PC_OK);
  }
  if (fixture->on_message) {
    fixture->on_message(fixture, record, message);
  }
  callback_leave(fixture);
  return PC_OK;
}

static void owner_on_skipped(pc_session *session, uint64_t size_bytes, void *user) {
  suite_fixture *fixture = user;
  callback_enter(fixture);
  session_record *record = record_of(session);
  assert_true(record->skipped_count < sizeof record->skipped / sizeof record->skipped[0]);
  record->skipped[record->skipped_count].bytes = size_bytes;
  record->skipped[record->skipped_count++].after = record->message_count;
  callback_leave(fixture);
}

static void owner_on_written(pc_session *session, uint64_t tag, pc_status status, void *user) {
  suite_fixture *fixture = user;
  callback_enter(fixture);
  session_record *record = record_of(session);
  unsigned count = record->written_count++;
  record->written_tags = realloc(record->written_tags, (count + 1) * sizeof *record->written_tags);
  record->written_statuses =
      realloc(record->written_statuses, (count + 1) * sizeof *record->written_statuses);
  record->written_tags[count] = tag;
  record->written_statuses[count] = status;
  if (fixture->on_written) {
    fixture->on_written(fixture, record, tag, status);
  }
  callback_leave(fixture);
}

static void owner_on_disconnected(pc_session *session, pc_close_reason reason, pc_status status,
                                  void *user) {
  suite_fixture *fixture = user;
  callback_enter(fixture);
  session_record *record = record_of(session);
  record->disconnected_count++;
  record->reason = reason;
  record->status = status;
  record->session = NULL;
  fixture->open_count--;
  callback_leave(fixture);
}

static void owner_on_error(pc_server *server, const pc_failure *failure, void *user) {
  suite_fixture *fixture = user;
  callback_enter(fixture);
  assert_ptr_equal(server, fixture->server);
  fixture->error_count++;
  fixture->last_error = *failure;
  callback_leave(fixture);
}

static void owner_on_refused(pc_server *server, const pc_peer *peer, pc_admission admission,
                             void *user) {
  suite_fixture *fixture = user;
  callback_enter(fixture);
  assert_ptr_equal(server, fixture->server);
  fixture->refused_count++;
  fixture->last_admission = admission;
  fixture->last_refused = *peer;
  callback_leave(fixture);
}

static void owner_on_stopped(pc_server *server, void *user) {
  suite_fixture *fixture = user;
  callback_enter(fixture);
  assert_ptr_equal(server, fixture->server);
  assert_int_equal(fixture->open_count, 0);
  fixture->stopped_count++;
  callback_leave(fixture);
}

/* ---- the fixture ---- */

/* What a child made by fork still has: memory that nobody points to is lost, says valgrind. */
static suite_fixture *volatile newest_fixture;

suite_fixture *fixture_create(pc_type type, pc_framing framing) {
  suite_fixture *fixture = calloc(1, sizeof *fixture);
  assert_non_null(fixture);
  newest_fixture = fixture;
  strcpy(fixture->folder, "/tmp/pipecore-XXXXXX");
  assert_non_null(mkdtemp(fixture->folder));
  snprintf(fixture->path, sizeof fixture->path, "%s/pipe.sock", fixture->folder);
  fixture->options =
      (pc_server_options){.path = fixture->path,
                          .type = type,
                          .framing = framing,
                          .security = {.uid = -1, .gid = -1},
                          .on = {.session = {.on_connected = owner_on_connected,
                                             .on_message = owner_on_message,
                                             .on_skipped = owner_on_skipped,
                                             .on_written = owner_on_written,
                                             .on_disconnected = owner_on_disconnected},
                                 .on_error = owner_on_error,
                                 .on_refused = owner_on_refused,
                                 .on_stopped = owner_on_stopped},
                          .user = fixture};
  assert_int_equal(pc_loop_create(&suite_backend_under_test.loop, &fixture->loop), PC_OK);
  assert_string_equal(pc_loop_backend_name(fixture->loop), suite_backend_under_test.name);
  return fixture;
}

void fixture_start(suite_fixture *fixture) {
  pc_failure failure = {.status = PC_OK};
  pc_status status = pc_server_start(fixture->loop, &fixture->options, &fixture->server, &failure);
  if (status != PC_OK) {
    fail_msg("start: %s, %s (%d)", pc_status_name(status), failure.action, failure.native);
  }
}

void fixture_stop(suite_fixture *fixture, uint32_t drain_ms) {
  fixture->is_in_callback = true; /* stop itself calls nothing back */
  pc_server_stop(fixture->server, drain_ms);
  fixture->is_in_callback = false;
  turn_some(fixture);
  if (fixture->stopped_count == 0) {
    suite_backend_under_test.pass_time(fixture, drain_ms);
  }
  TURN_UNTIL(fixture, fixture->stopped_count > 0);
  turn_some(fixture);
  assert_int_equal(fixture->stopped_count, 1);
  pc_server_destroy(fixture->server);
  fixture->server = NULL;
}

static void record_free(session_record *record) {
  for (unsigned index = 0; record->messages && index < record->message_count; index++) {
    free(record->messages[index].data);
  }
  free(record->messages);
  free(record->written_tags);
  free(record->written_statuses);
  free(record);
}

void fixture_destroy(suite_fixture *fixture) {
  if (fixture->server) {
    fixture_stop(fixture, 0);
  }
  for (unsigned index = 0; index < fixture->session_count; index++) {
    assert_int_equal(fixture->sessions[index]->disconnected_count, 1);
    record_free(fixture->sessions[index]);
  }
  pc_loop_destroy(fixture->loop);
  if (rmdir(fixture->folder) != 0) {
    fail_msg("the server left files in %s", fixture->folder);
  }
  newest_fixture = NULL;
  free(fixture);
}

void turn(suite_fixture *fixture) {
  assert_int_equal(pc_loop_turn(fixture->loop, 10), PC_OK);
}

void turn_now(suite_fixture *fixture) {
  assert_int_equal(pc_loop_turn(fixture->loop, 0), PC_OK);
}

void turn_some(suite_fixture *fixture) {
  bool waits = suite_backend_under_test.is_concurrent;
  for (int count = 0; count < (waits ? 5 : 20); count++) {
    assert_int_equal(pc_loop_turn(fixture->loop, waits ? 1 : 0), PC_OK);
  }
}

/* ---- clients ---- */

static const client_kind *kind(void) {
  return suite_backend_under_test.clients;
}

suite_client *client_connect_only(suite_fixture *fixture) {
  suite_client *client = kind()->connect(fixture, fixture->path, fixture->options.type);
  assert_non_null(client);
  return client;
}

suite_client *client_connect(suite_fixture *fixture, session_record **out_record) {
  unsigned count = fixture->session_count;
  suite_client *client = client_connect_only(fixture);
  TURN_UNTIL(fixture, fixture->session_count > count);
  if (out_record) {
    *out_record = fixture->sessions[count];
  }
  return client;
}

void client_write(suite_fixture *fixture, suite_client *client, const void *data, size_t size) {
  const uint8_t *bytes = data;
  uint64_t deadline = clock_ms() + (uint64_t)DEADLINE_MS;
  for (;;) {
    size_t taken = 0;
    pc_status status = kind()->write(client, bytes, size, &taken);
    if (status == PC_OK) {
      return;
    }
    assert_int_equal(status, PC_AGAIN);
    assert_true(clock_ms() < deadline);
    bytes += taken;
    size -= taken;
    turn(fixture);
  }
}

void client_write_text(suite_fixture *fixture, suite_client *client, const char *text) {
  client_write(fixture, client, text, strlen(text));
}

long client_read(suite_fixture *fixture, suite_client *client, void *data, size_t capacity) {
  size_t size = 0;
  pc_status status = PC_AGAIN;
  TURN_UNTIL(fixture, (status = kind()->read(client, data, capacity, &size)) != PC_AGAIN);
  if (status == PC_E_BROKEN) {
    return -1;
  }
  assert_int_equal(status, PC_OK);
  return (long)size;
}

void client_read_exactly(suite_fixture *fixture, suite_client *client, void *data, size_t size) {
  uint8_t *bytes = data;
  while (size > 0) {
    long part = client_read(fixture, client, bytes, size);
    assert_true(part > 0);
    bytes += part;
    size -= (size_t)part;
  }
}

void client_expect_text(suite_fixture *fixture, suite_client *client, const char *text) {
  char data[256] = "";
  size_t size = strlen(text);
  assert_true(size < sizeof data);
  if (fixture->options.type == PC_TYPE_BYTE) {
    client_read_exactly(fixture, client, data, size);
  } else {
    assert_int_equal(client_read(fixture, client, data, sizeof data - 1), size);
  }
  assert_string_equal(data, text);
}

void client_expect_end(suite_fixture *fixture, suite_client *client) {
  char data[16];
  assert_int_equal(client_read(fixture, client, data, sizeof data), -1);
}

void client_close(suite_client *client) {
  kind()->close(client);
}

void client_half_close(suite_client *client) {
  kind()->half_close(client);
}

/* ---- expectations ---- */

void expect_message(const session_record *record, unsigned index, const void *data, size_t size) {
  assert_true(index < record->message_count);
  assert_int_equal(record->messages[index].size, size);
  assert_memory_equal(record->messages[index].data, data, size);
}

void expect_message_text(const session_record *record, unsigned index, const char *text) {
  expect_message(record, index, text, strlen(text));
}

void expect_native(const pc_failure *failure, int native) {
  assert_int_equal(failure->native, suite_backend_under_test.is_wordless ? 0 : native);
}

void pattern_fill(uint8_t *data, size_t size, uint32_t seed) {
  uint32_t value = seed * 2654435761u + 1;
  for (size_t index = 0; index < size; index++) {
    value = value * 1664525u + 1013904223u;
    data[index] = (uint8_t)(value >> 24);
  }
}

/* ---- main ---- */

enum { SKIPPED = 77 };

static size_t cases_count(const struct CMUnitTest *cases) {
  size_t count = 0;
  while (cases[count].name) {
    count++;
  }
  return count;
}

static struct CMUnitTest all_cases[256];
static size_t all_count;

static void cases_add(const struct CMUnitTest *cases) {
  size_t added = cases_count(cases);
  if (all_count + added > sizeof all_cases / sizeof all_cases[0]) {
    abort();
  }
  memcpy(&all_cases[all_count], cases, added * sizeof all_cases[0]);
  all_count += added;
}

int main(int argc, char **argv) {
  cases_add(cases_operations);
  cases_add(cases_messages);
  cases_add(cases_life);
  cases_add(cases_half_close);
  cases_add(cases_client);
  cases_add(cases_writes);
  cases_add(cases_oversize);
  cases_add(cases_pause);
  cases_add(cases_admission);
  cases_add(cases_change);
  cases_add(cases_limits);
  cases_add(cases_load);
  for (size_t index = 0; suite_backend_under_test.extra[index]; index++) {
    cases_add(suite_backend_under_test.extra[index]);
  }
  if (case_program_lists(argc, argv, all_cases, all_count)) {
    return 0;
  }
  if (backend_is_refused(suite_backend_under_test.loop.backend)) {
    return SKIPPED;
  }
  return _cmocka_run_group_tests(suite_backend_under_test.name, all_cases, all_count, NULL, NULL);
}
