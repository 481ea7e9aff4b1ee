/* Cases of many at once, and of what is left when a session is over; descriptors running out at
 * every step. */
#include "low.h"

#include <stdlib.h>

enum { MANY = 200 };

static void case_48_two_hundred_clients_at_once_are_all_served(void **state) {
  low_fixture *fixture = *state;
  static low_pair pairs[MANY];
  static low_operation *reads[MANY];
  for (int index = 0; index < MANY; index++) {
    pairs[index] = pair_connect(fixture);
    reads[index] = read_begin(fixture, pairs[index].server, 16);
  }
  for (int round = 0; round < 3; round++) {
    for (int index = MANY; index-- > 0;) {
      write_text(fixture, pairs[index].client, (const char[]){(char)('a' + index % 26), '\0'});
    }
    for (int index = 0; index < MANY; index++) {
      (void)operation_end(reads[index]);
      expect_text(reads[index], PC_OK, (const char[]){(char)('a' + index % 26), '\0'});
      reads[index] = read_begin(fixture, pairs[index].server, 16);
    }
  }
}

/* ---- a session that may fail at every step ---- */

/* What a step may answer beside PC_OK when something runs out. */
static bool is_shortage(pc_status status) {
  return status == PC_E_NO_DESCRIPTORS || status == PC_E_NO_MEMORY;
}

typedef struct whole_session {
  const char *path;
  pc_type type;
  pc_instance *server;
  pc_instance *client;
  pc_event *events[2];
  pc_overlapped overlapped[2];
} whole_session;

static void session_close(whole_session *session) {
  pc_instance_close(session->client);
  pc_instance_close(session->server);
  uint32_t bytes;
  for (int index = 0; index < 2; index++) {
    (void)!pc_overlapped_result(&session->overlapped[index], DEADLINE_MS, &bytes);
    pc_event_destroy(session->events[index]);
  }
}

#define STEP(call)           \
  do {                       \
    pc_status step = (call); \
    if (step != PC_OK) {     \
      return step;           \
    }                        \
  } while (0)

static pc_status started(pc_status status) {
  return status == PC_PENDING ? PC_OK : status;
}

static pc_status session_open(whole_session *session) {
  pc_pipe_options options = {.path = session->path,
                             .type = session->type,
                             .read_mode = session->type,
                             .security = {.uid = -1, .gid = -1}};
  STEP(pc_event_create(false, &session->events[0]));
  STEP(pc_event_create(false, &session->events[1]));
  STEP(pc_instance_create(&options, &session->server, NULL));
  session->overlapped[0].event = session->events[0];
  STEP(started(pc_instance_connect(session->server, &session->overlapped[0])));
  STEP(pc_instance_open(session->path, session->type, DEADLINE_MS, &session->client));
  uint32_t bytes;
  return pc_overlapped_result(&session->overlapped[0], DEADLINE_MS, &bytes);
}

static pc_status session_talk(whole_session *session) {
  char data[16] = "";
  uint32_t bytes = 0;
  session->overlapped[1].event = session->events[1];
  STEP(started(
      pc_instance_read(session->server, data, sizeof data, &bytes, &session->overlapped[1])));
  STEP(pc_instance_write(session->client, "request", 7, &bytes, NULL));
  STEP(pc_overlapped_result(&session->overlapped[1], DEADLINE_MS, &bytes));
  assert_int_equal(bytes, 7);
  assert_memory_equal(data, "request", 7);
  STEP(pc_instance_write(session->server, "reply", 5, &bytes, NULL));
  STEP(pc_instance_read(session->client, data, sizeof data, &bytes, NULL));
  assert_int_equal(bytes, 5);
  assert_memory_equal(data, "reply", 5);
  STEP(pc_instance_flush(session->server, DEADLINE_MS));
  return pc_instance_disconnect(session->server);
}

static pc_status session_play(const low_fixture *fixture, pc_type type) {
  whole_session session = {.path = fixture->path, .type = type};
  pc_status status = session_open(&session);
  if (status == PC_OK) {
    status = session_talk(&session);
  }
  session_close(&session);
  return status;
}

/* With a limit of 0, 1, 2, … descriptors beyond those open: each step fails in one of the
 * rounds. */
static void descriptors_may_run_out_at_every_step(void **state) {
  const low_fixture *fixture = *state;
  static const pc_type types[] = {PC_TYPE_BYTE, PC_TYPE_MESSAGE};
  for (int index = 0; index < 2; index++) {
    assert_int_equal(session_play(fixture, types[index]), PC_OK); /* what is made once is there */
    unsigned handles = host_handle_count();
    int limit = 0;
    pc_status status;
    do {
      assert_true(limit < 60);
      if (!host_handles_limit(limit++)) {
        print_message("skipped: this system has no limit of handles\n");
        skip();
      }
      status = session_play(fixture, types[index]);
      (void)host_handles_limit(-1);
      assert_true(status == PC_OK || is_shortage(status));
      assert_int_equal(host_handle_count(), handles);
      assert_int_equal(session_play(fixture, types[index]), PC_OK);
    } while (status != PC_OK);
    assert_true(limit > 3);
  }
}

static void thousand_sessions_leave_no_handle_behind(void **state) {
  const low_fixture *fixture = *state;
  for (int count = 0; count < 10; count++) {
    assert_int_equal(session_play(fixture, PC_TYPE_MESSAGE), PC_OK);
  }
  unsigned handles = host_handle_count();
  for (int count = 0; count < 1000; count++) {
    assert_int_equal(session_play(fixture, count % 2 ? PC_TYPE_BYTE : PC_TYPE_MESSAGE), PC_OK);
  }
  assert_int_equal(host_handle_count(), handles);
}

const low_case cases_many[] = {
    LOW_CASE(case_48_two_hundred_clients_at_once_are_all_served, ALL_FORMS),
    LOW_CASE(descriptors_may_run_out_at_every_step, OVERLAPPED),
    LOW_CASE(thousand_sessions_leave_no_handle_behind, OVERLAPPED),
    {0}};
