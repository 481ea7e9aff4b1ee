/* Cases of peek, transact and call. */
#include "low.h"

typedef struct peek_result {
  uint8_t data[64];
  uint32_t bytes;
  uint32_t available;
  uint32_t left;
} peek_result;

static void peek_expect(pc_instance *instance, uint32_t capacity, const char *copied,
                        uint32_t available, uint32_t left) {
  peek_result peeked = {.bytes = 99, .available = 99, .left = 99};
  assert_int_equal(pc_instance_peek(instance, peeked.data, capacity, &peeked.bytes,
                                    &peeked.available, &peeked.left),
                   PC_OK);
  assert_int_equal(peeked.bytes, strlen(copied));
  assert_memory_equal(peeked.data, copied, strlen(copied));
  assert_int_equal(peeked.available, available);
  assert_int_equal(peeked.left, left);
}

static void case_51_peek_copies_the_next_message_and_takes_nothing(void **state) {
  low_fixture *fixture = *state;
  low_pair pair = pair_create(fixture, PC_TYPE_MESSAGE);
  pc_instance *ends[] = {pair.client, pair.server};
  for (int index = 0; index < 2; index++) {
    pc_instance *reader = ends[1 - index];
    peek_expect(reader, 64, "", 0, 0);
    write_text(fixture, ends[index], "twenty bytes of text");
    write_text(fixture, ends[index], "fifteen of text");
    for (int again = 0; again < 2; again++) {
      peek_expect(reader, 4, "twen", 35, 16);
      peek_expect(reader, 64, "twenty bytes of text", 35, 0);
      assert_int_equal(pc_instance_peek(reader, NULL, 0, NULL, NULL, NULL), PC_OK);
    }
    read_expect(fixture, reader, "twenty bytes of text");
    peek_expect(reader, 64, "fifteen of text", 15, 0);
    read_expect(fixture, reader, "fifteen of text");
    peek_expect(reader, 64, "", 0, 0);
  }
}

static void case_51_peek_of_a_message_read_in_part_sees_its_rest(void **state) {
  low_fixture *fixture = *state;
  low_pair pair = pair_create(fixture, PC_TYPE_MESSAGE);
  write_text(fixture, pair.client, "twenty bytes of text");
  write_text(fixture, pair.client, "fifteen of text");
  expect_text(read_now(fixture, pair.server, 7), PC_MORE_DATA, "twenty ");
  peek_expect(pair.server, 5, "bytes", 28, 8);
  expect_text(read_now(fixture, pair.server, 64), PC_OK, "bytes of text");
  peek_expect(pair.server, 5, "fifte", 15, 10);
  read_expect(fixture, pair.server, "fifteen of text");
}

static void case_51_peek_of_a_byte_pipe_sees_what_is_there(void **state) {
  low_fixture *fixture = *state;
  low_pair pair = pair_create(fixture, PC_TYPE_BYTE);
  peek_expect(pair.server, 64, "", 0, 0);
  write_text(fixture, pair.client, "twenty bytes of text");
  write_text(fixture, pair.client, "fifteen of text");
  peek_expect(pair.server, 4, "twen", 35, 0);
  peek_expect(pair.server, 64, "twenty bytes of textfifteen of text", 35, 0);
  expect_text(read_now(fixture, pair.server, 7), PC_OK, "twenty ");
  peek_expect(pair.server, 4, "byte", 28, 0);
}

static void case_51_peek_tells_a_message_of_no_bytes_from_the_end(void **state) {
  low_fixture *fixture = *state;
  low_pair pair = pair_create(fixture, PC_TYPE_MESSAGE);
  write_text(fixture, pair.client, "");
  instance_close(fixture, pair.client);
  peek_expect(pair.server, 4, "", 0, 0);
  read_expect(fixture, pair.server, "");
  assert_int_equal(pc_instance_peek(pair.server, NULL, 0, NULL, NULL, NULL), PC_E_BROKEN);
}

/* ---- transact and call: a server on a thread of its own ---- */

typedef struct answering {
  low_fixture *fixture;
  pc_instance *instance;
  bool does_connect;
} answering;

/* Answers "echo:" and the request, until its client is gone; a call's reply of "long" is 40
 * bytes. */
static void answerer_run(void *user) {
  const answering *self = user;
  if (self->does_connect) {
    assert_int_equal(connect_now(self->fixture, self->instance), PC_OK);
  }
  for (;;) {
    low_operation *read = read_now(self->fixture, self->instance, 64);
    if (read->status != PC_OK) {
      assert_int_equal(read->status, PC_E_BROKEN);
      return;
    }
    char reply[70] = "echo:";
    uint32_t size = 5 + read->bytes;
    memcpy(reply + 5, read->data, read->bytes);
    if (read->bytes == 4 && memcmp(read->data, "long", 4) == 0) {
      memset(reply, 'r', sizeof reply);
      size = 40;
    }
    assert_int_equal(write_now(self->fixture, self->instance, reply, size)->status, PC_OK);
  }
}

static void case_52_transact_writes_and_reads_the_reply(void **state) {
  low_fixture *fixture = *state;
  low_pair pair = pair_create(fixture, PC_TYPE_MESSAGE);
  answering answerer = {.fixture = fixture, .instance = pair.server};
  host_thread *thread = thread_start(answerer_run, &answerer);
  for (int round = 0; round < 3; round++) {
    expect_text(transact_now(fixture, pair.client, "request", 64), PC_OK, "echo:request");
  }
  expect_text(transact_now(fixture, pair.client, "", 64), PC_OK, "echo:");
  expect_text(transact_now(fixture, pair.client, "long", 10), PC_MORE_DATA, "rrrrrrrrrr");
  expect_text(read_now(fixture, pair.client, 64), PC_OK, "rrrrrrrrrrrrrrrrrrrrrrrrrrrrrr");
  expect_text(transact_now(fixture, pair.client, "after", 64), PC_OK, "echo:after");
  instance_close(fixture, pair.client);
  host_thread_join(thread);
}

static void case_52_transact_over_unread_input_is_busy(void **state) {
  low_fixture *fixture = *state;
  low_pair pair = pair_create(fixture, PC_TYPE_MESSAGE);
  write_text(fixture, pair.server, "stale");
  assert_int_equal(transact_now(fixture, pair.client, "request", 64)->status, PC_E_BUSY);
  peek_expect(pair.server, 64, "", 0, 0); /* nothing was written */
  expect_text(read_now(fixture, pair.client, 2), PC_MORE_DATA, "st");
  assert_int_equal(transact_now(fixture, pair.client, "request", 64)->status, PC_E_BUSY);
  read_expect(fixture, pair.client, "ale");
  low_operation *transact = transact_begin(fixture, pair.client, "request", 64);
  assert_true(operation_pends(transact));
  read_expect(fixture, pair.server, "request");
  write_text(fixture, pair.server, "reply");
  (void)operation_end(transact);
  expect_text(transact, PC_OK, "reply");
}

static void case_52_transact_needs_message_mode(void **state) {
  low_fixture *fixture = *state;
  low_pair pair = pair_create(fixture, PC_TYPE_MESSAGE);
  assert_int_equal(pc_instance_set_read_mode(pair.client, PC_TYPE_BYTE), PC_OK);
  assert_int_equal(transact_now(fixture, pair.client, "request", 64)->status, PC_E_BAD_MODE);
  instance_close(fixture, pair.client);
  instance_close(fixture, pair.server);
  pair = pair_create(fixture, PC_TYPE_BYTE);
  assert_int_equal(transact_now(fixture, pair.client, "request", 64)->status, PC_E_BAD_MODE);
  peek_expect(pair.server, 64, "", 0, 0);
}

static void case_52_cancelled_transact_keeps_its_request(void **state) {
  low_fixture *fixture = *state;
  low_pair pair = pair_create(fixture, PC_TYPE_MESSAGE);
  low_operation *transact = transact_begin(fixture, pair.client, "request", 64);
  assert_true(operation_pends(transact));
  assert_int_equal(pc_instance_cancel(pair.client, NULL), PC_OK);
  assert_int_equal(operation_end(transact), PC_E_ABORTED);
  read_expect(fixture, pair.server, "request");
  write_text(fixture, pair.server, "late reply");
  read_expect(fixture, pair.client, "late reply");
}

static void case_52_transact_ends_with_its_server(void **state) {
  low_fixture *fixture = *state;
  low_pair pair = pair_create(fixture, PC_TYPE_MESSAGE);
  low_operation *transact = transact_begin(fixture, pair.client, "request", 64);
  assert_true(operation_pends(transact));
  instance_close(fixture, pair.server);
  assert_int_equal(operation_end(transact), PC_E_BROKEN);
}

static void call_expect(low_fixture *fixture, const char *request, uint32_t capacity,
                        pc_status status, const char *reply) {
  char got[64];
  uint32_t bytes = 0;
  assert_int_equal(pc_instance_call(fixture->path, request, (uint32_t)strlen(request), got,
                                    capacity, DEADLINE_MS, &bytes),
                   status);
  assert_int_equal(bytes, strlen(reply));
  assert_memory_equal(got, reply, strlen(reply));
}

static void case_53_call_opens_transacts_and_closes(void **state) {
  low_fixture *fixture = *state;
  answering answerer = {.fixture = fixture, .does_connect = true};
  answerer.instance = server_create(fixture);
  host_thread *thread = thread_start(answerer_run, &answerer);
  call_expect(fixture, "request", 64, PC_OK, "echo:request");
  host_thread_join(thread); /* it saw its client close */
  assert_int_equal(pc_instance_disconnect(answerer.instance), PC_OK);
  thread = thread_start(answerer_run, &answerer);
  call_expect(fixture, "long", 10, PC_MORE_DATA, "rrrrrrrrrr");
  host_thread_join(thread);
}

const low_case cases_calls[] = {
    LOW_CASE(case_51_peek_copies_the_next_message_and_takes_nothing, ALL_FORMS),
    LOW_CASE(case_51_peek_of_a_message_read_in_part_sees_its_rest, ALL_FORMS),
    LOW_CASE(case_51_peek_of_a_byte_pipe_sees_what_is_there, ALL_FORMS),
    LOW_CASE(case_51_peek_tells_a_message_of_no_bytes_from_the_end, ALL_FORMS),
    LOW_CASE(case_52_transact_writes_and_reads_the_reply, ALL_FORMS),
    LOW_CASE(case_52_transact_over_unread_input_is_busy, ALL_FORMS),
    LOW_CASE(case_52_transact_needs_message_mode, ALL_FORMS),
    LOW_CASE(case_52_cancelled_transact_keeps_its_request, ALL_FORMS),
    LOW_CASE(case_52_transact_ends_with_its_server, ALL_FORMS),
    LOW_CASE(case_53_call_opens_transacts_and_closes, ALL_FORMS),
    {0}};
