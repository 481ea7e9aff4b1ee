/* What each call answers in each state of a server's end: the table of pipe semantics, row by
 * row. */
#include "low.h"

/* Answers that systems may give alike; ends with PC_AGAIN, which none gives. */
typedef struct answer_set {
  pc_status any[4];
} answer_set;
#define ANSWERS(...)          \
  {                           \
    { __VA_ARGS__, PC_AGAIN } \
  }

static bool answers_have(const answer_set *answers, pc_status status) {
  for (int index = 0; index < 4 && answers->any[index] != PC_AGAIN; index++) {
    if (answers->any[index] == status) {
      return true;
    }
  }
  return false;
}

static void answers_expect(const char *call, const answer_set *expected, pc_status status) {
  if (!answers_have(expected, status)) {
    fail_msg("%s answers %s", call, pc_status_name(status));
  }
}

/* What `connect` says is looked at last, and only where it does not wait. */
typedef struct state_row {
  pc_instance_state state;
  answer_set read;
  answer_set write;
  answer_set peek;
  answer_set transact;
  answer_set flush;
  answer_set connect;
  answer_set disconnect;
} state_row;

/* Where an end is gone, peek and flush differ between ends and systems in which "no" they say. */
static const state_row row_listening = {
    .state = PC_INSTANCE_LISTENING,
    .read = ANSWERS(PC_E_LISTENING),
    .write = ANSWERS(PC_E_LISTENING),
    .peek = ANSWERS(PC_E_LISTENING, PC_E_BAD_MODE),
    .transact = ANSWERS(PC_E_LISTENING),
    .flush = ANSWERS(PC_OK, PC_E_LISTENING),
    .connect = ANSWERS(PC_PENDING),
    .disconnect = ANSWERS(PC_E_LISTENING),
};
static const state_row row_connected = {
    .state = PC_INSTANCE_CONNECTED,
    .read = ANSWERS(PC_PENDING),
    .write = ANSWERS(PC_OK),
    .peek = ANSWERS(PC_OK),
    .transact = ANSWERS(PC_PENDING),
    .flush = ANSWERS(PC_E_TIMEOUT),
    .connect = ANSWERS(PC_OK),
    .disconnect = ANSWERS(PC_OK),
};
static const state_row row_closing = {
    .state = PC_INSTANCE_CLOSING,
    .read = ANSWERS(PC_E_BROKEN),
    .write = ANSWERS(PC_E_BROKEN),
    .peek = ANSWERS(PC_E_BROKEN),
    .transact = ANSWERS(PC_E_BROKEN),
    .flush = ANSWERS(PC_OK, PC_E_BROKEN),
    .connect = ANSWERS(PC_E_BROKEN),
    .disconnect = ANSWERS(PC_OK),
};
static const state_row row_disconnected = {
    .state = PC_INSTANCE_DISCONNECTED,
    .read = ANSWERS(PC_E_NOT_CONNECTED),
    .write = ANSWERS(PC_E_NOT_CONNECTED),
    .peek = ANSWERS(PC_E_NOT_CONNECTED, PC_E_BAD_MODE),
    .transact = ANSWERS(PC_E_NOT_CONNECTED),
    .flush = ANSWERS(PC_OK, PC_E_NOT_CONNECTED),
    .connect = ANSWERS(PC_PENDING),
    .disconnect = ANSWERS(PC_E_NOT_CONNECTED),
};

static bool answers_wait(const answer_set *answers) {
  return answers->any[0] == PC_PENDING;
}

/* One that waits is seen to wait, then cancelled. */
static void operation_expect(low_fixture *fixture, const char *call, const answer_set *expected,
                             low_operation *operation) {
  if (!answers_wait(expected)) {
    answers_expect(call, expected, operation_end(operation));
    return;
  }
  assert_true(operation_pends(operation));
  assert_int_equal(pc_instance_cancel(operation->instance, NULL), PC_OK);
  assert_int_equal(operation_end(operation), PC_E_ABORTED);
  (void)fixture;
}

static void state_expect(low_fixture *fixture, pc_instance *server, const state_row *row) {
  pc_instance_info info;
  pc_instance_get_info(server, &info);
  assert_int_equal(info.state, row->state);
  operation_expect(fixture, "read", &row->read, read_begin(fixture, server, 16));
  operation_expect(fixture, "transact", &row->transact,
                   transact_begin(fixture, server, "request", 16));
  operation_expect(fixture, "write", &row->write, write_begin(fixture, server, "text", 4));
  answers_expect("peek", &row->peek, pc_instance_peek(server, NULL, 0, NULL, NULL, NULL));
  answers_expect("flush", &row->flush, pc_instance_flush(server, 1));
  low_operation *connect = connect_begin(fixture, server);
  operation_expect(fixture, "connect", &row->connect, connect);
}

static void server_end_that_listens_answers_by_the_table(void **state) {
  low_fixture *fixture = *state;
  pc_instance *server = server_create(fixture);
  state_expect(fixture, server, &row_listening);
  answers_expect("disconnect", &row_listening.disconnect, pc_instance_disconnect(server));
  (void)client_open(fixture); /* it listens as ever */
  assert_int_equal(connect_now(fixture, server), PC_OK);
}

static void server_end_that_is_connected_answers_by_the_table(void **state) {
  low_fixture *fixture = *state;
  low_pair pair = pair_create(fixture, PC_TYPE_MESSAGE);
  state_expect(fixture, pair.server, &row_connected);
  answers_expect("disconnect", &row_connected.disconnect, pc_instance_disconnect(pair.server));
}

static void server_end_that_is_closing_answers_by_the_table(void **state) {
  low_fixture *fixture = *state;
  low_pair pair = pair_create(fixture, PC_TYPE_MESSAGE);
  write_text(fixture, pair.client, "last");
  instance_close(fixture, pair.client);
  assert_int_equal(pc_instance_peek(pair.server, NULL, 0, NULL, NULL, NULL), PC_OK);
  read_expect(fixture, pair.server, "last");
  assert_int_equal(read_status(fixture, pair.server), PC_E_BROKEN);
  state_expect(fixture, pair.server, &row_closing);
  answers_expect("disconnect", &row_closing.disconnect, pc_instance_disconnect(pair.server));
}

static void server_end_that_is_disconnected_answers_by_the_table(void **state) {
  low_fixture *fixture = *state;
  low_pair pair = pair_create(fixture, PC_TYPE_MESSAGE);
  assert_int_equal(pc_instance_disconnect(pair.server), PC_OK);
  answers_expect("disconnect", &row_disconnected.disconnect, pc_instance_disconnect(pair.server));
  state_expect(fixture, pair.server, &row_disconnected);
}

static void client_end_whose_server_closed_reads_the_rest_and_writes_nothing(void **state) {
  low_fixture *fixture = *state;
  low_pair pair = pair_create(fixture, PC_TYPE_MESSAGE);
  write_text(fixture, pair.server, "rest");
  instance_close(fixture, pair.server);
  assert_int_equal(write_status(fixture, pair.client), PC_E_BROKEN);
  read_expect(fixture, pair.client, "rest");
  assert_int_equal(read_status(fixture, pair.client), PC_E_BROKEN);
  assert_int_equal(read_status(fixture, pair.client), PC_E_BROKEN);
  assert_int_equal(write_status(fixture, pair.client), PC_E_BROKEN);
  assert_int_equal(pc_instance_peek(pair.client, NULL, 0, NULL, NULL, NULL), PC_E_BROKEN);
}

/* Calls that are for a server's end only. */
static void client_end_refuses_what_is_a_servers(void **state) {
  low_fixture *fixture = *state;
  low_pair pair = pair_create(fixture, PC_TYPE_MESSAGE);
  assert_int_equal(connect_now(fixture, pair.client), PC_E_INVALID_ARG);
  assert_int_equal(pc_instance_disconnect(pair.client), PC_E_INVALID_ARG);
  write_text(fixture, pair.client, "unharmed");
  read_expect(fixture, pair.server, "unharmed");
}

const low_case cases_state[] = {
    LOW_CASE(server_end_that_listens_answers_by_the_table, ALL_FORMS),
    LOW_CASE(server_end_that_is_connected_answers_by_the_table, ALL_FORMS),
    LOW_CASE(server_end_that_is_closing_answers_by_the_table, ALL_FORMS),
    LOW_CASE(server_end_that_is_disconnected_answers_by_the_table, ALL_FORMS),
    LOW_CASE(client_end_whose_server_closed_reads_the_rest_and_writes_nothing, ALL_FORMS),
    LOW_CASE(client_end_refuses_what_is_a_servers, ALL_FORMS),
    {0}};
