/* Cases of reading: boundaries, parts of a message, messages and reads of no bytes, what a byte
 * pipe is. */
#include "low.h"

static const pc_type both_types[] = {PC_TYPE_BYTE, PC_TYPE_MESSAGE};

static void pair_close(low_fixture *fixture, low_pair pair) {
  instance_close(fixture, pair.client);
  instance_close(fixture, pair.server);
}

static void case_08_echo_one_message_each_way(void **state) {
  low_fixture *fixture = *state;
  for (int index = 0; index < 2; index++) {
    low_pair pair = pair_create(fixture, both_types[index]);
    write_text(fixture, pair.client, "there");
    read_expect(fixture, pair.server, "there");
    low_operation *waiting = read_begin(fixture, pair.client, 64);
    assert_true(operation_pends(waiting));
    write_text(fixture, pair.server, "and back");
    (void)operation_end(waiting);
    expect_text(waiting, PC_OK, "and back");
    pair_close(fixture, pair);
  }
}

static const uint32_t boundary_sizes[] = {1, 2, 4095, 4096, 4097, 65536};
enum { BOUNDARIES = sizeof boundary_sizes / sizeof boundary_sizes[0] };

typedef struct boundary_writer {
  low_fixture *fixture;
  pc_instance *instance;
} boundary_writer;

static void boundary_writer_run(void *user) {
  boundary_writer *self = user;
  static uint8_t data[65536];
  for (uint32_t index = 0; index < BOUNDARIES; index++) {
    pattern_fill(data, boundary_sizes[index], index);
    expect_result(write_now(self->fixture, self->instance, data, boundary_sizes[index]), PC_OK,
                  data, boundary_sizes[index]);
  }
}

static void boundaries_expect(low_fixture *fixture, pc_instance *from, pc_instance *to) {
  static uint8_t data[65536];
  boundary_writer writer = {.fixture = fixture, .instance = from};
  host_thread *thread = thread_start(boundary_writer_run, &writer);
  for (uint32_t index = 0; index < BOUNDARIES; index++) {
    pattern_fill(data, boundary_sizes[index], index);
    expect_result(read_now(fixture, to, 65537), PC_OK, data, boundary_sizes[index]);
  }
  host_thread_join(thread);
}

static void case_09_message_boundaries_are_kept(void **state) {
  low_fixture *fixture = *state;
  low_pair pair = pair_create(fixture, PC_TYPE_MESSAGE);
  boundaries_expect(fixture, pair.client, pair.server);
  boundaries_expect(fixture, pair.server, pair.client);
}

static void read_all_expect(low_fixture *fixture, pc_instance *instance, const char *text) {
  size_t size = strlen(text);
  while (size > 0) {
    low_operation *read = read_now(fixture, instance, 64);
    assert_int_equal(read->status, PC_OK);
    assert_in_range(read->bytes, 1, size);
    assert_memory_equal(read->data, text, read->bytes);
    text += read->bytes;
    size -= read->bytes;
  }
}

static void case_10_bytes_have_no_boundaries_but_an_order(void **state) {
  low_fixture *fixture = *state;
  low_pair pair = pair_create(fixture, PC_TYPE_BYTE);
  write_text(fixture, pair.client, "one");
  write_text(fixture, pair.client, "two");
  write_text(fixture, pair.client, "three");
  read_all_expect(fixture, pair.server, "onetwothree");
  write_text(fixture, pair.server, "abcdef");
  expect_text(read_now(fixture, pair.client, 2), PC_OK, "ab"); /* what fits, and no more */
  expect_text(read_now(fixture, pair.client, 2), PC_OK, "cd");
  expect_text(read_now(fixture, pair.client, 9), PC_OK, "ef"); /* it does not wait to fill */
}

static void hundred_write(low_fixture *fixture, pc_instance *instance, uint8_t data[100]) {
  pattern_fill(data, 100, 11);
  expect_result(write_now(fixture, instance, data, 100), PC_OK, data, 100);
}

static void case_11_message_is_read_in_parts(void **state) {
  low_fixture *fixture = *state;
  low_pair pair = pair_create(fixture, PC_TYPE_MESSAGE);
  pc_instance *ends[] = {pair.client, pair.server};
  uint8_t data[100];
  for (int index = 0; index < 2; index++) {
    hundred_write(fixture, ends[index], data);
    pc_instance *reader = ends[1 - index];
    expect_result(read_now(fixture, reader, 10), PC_MORE_DATA, data, 10);
    expect_result(read_now(fixture, reader, 30), PC_MORE_DATA, data + 10, 30);
    expect_result(read_now(fixture, reader, 200), PC_OK, data + 40, 60);
  }
}

static void case_11_waiting_reads_share_a_message(void **state) {
  low_fixture *fixture = *state;
  low_pair pair = pair_create(fixture, PC_TYPE_MESSAGE);
  uint8_t data[100];
  low_operation *first = read_begin(fixture, pair.server, 10);
  assert_true(operation_pends(first));
  low_operation *second = read_begin(fixture, pair.server, 200);
  assert_true(operation_pends(second));
  hundred_write(fixture, pair.client, data);
  (void)operation_end(first);
  (void)operation_end(second);
  expect_result(first, PC_MORE_DATA, data, 10);
  expect_result(second, PC_OK, data + 10, 90);
}

typedef struct rest_reader {
  low_fixture *fixture;
  pc_instance *instance;
  const uint8_t *expected;
} rest_reader;

static void rest_reader_run(void *user) {
  rest_reader *self = user;
  expect_result(read_now(self->fixture, self->instance, 30), PC_MORE_DATA, self->expected, 30);
}

static void case_12_rest_of_a_message_is_for_any_thread(void **state) {
  low_fixture *fixture = *state;
  low_pair pair = pair_create(fixture, PC_TYPE_MESSAGE);
  uint8_t data[100];
  hundred_write(fixture, pair.client, data);
  expect_result(read_now(fixture, pair.server, 10), PC_MORE_DATA, data, 10);
  rest_reader other = {.fixture = fixture, .instance = pair.server, .expected = data + 10};
  host_thread_join(thread_start(rest_reader_run, &other));
  expect_result(read_now(fixture, pair.server, 200), PC_OK, data + 40, 60);
}

static void case_13_rest_and_next_message_never_mix(void **state) {
  low_fixture *fixture = *state;
  low_pair pair = pair_create(fixture, PC_TYPE_MESSAGE);
  static const uint32_t capacities[] = {90, 91, 200};
  uint8_t data[100];
  for (int index = 0; index < 3; index++) {
    hundred_write(fixture, pair.client, data);
    write_text(fixture, pair.client, "next");
    expect_result(read_now(fixture, pair.server, 10), PC_MORE_DATA, data, 10);
    expect_result(read_now(fixture, pair.server, capacities[index]), PC_OK, data + 10, 90);
    read_expect(fixture, pair.server, "next");
  }
}

static void case_13_rest_stays_when_its_writer_is_gone(void **state) {
  low_fixture *fixture = *state;
  low_pair pair = pair_create(fixture, PC_TYPE_MESSAGE);
  uint8_t data[100];
  hundred_write(fixture, pair.client, data);
  expect_result(read_now(fixture, pair.server, 10), PC_MORE_DATA, data, 10);
  instance_close(fixture, pair.client);
  expect_result(read_now(fixture, pair.server, 90), PC_OK, data + 10, 90);
  assert_int_equal(read_status(fixture, pair.server), PC_E_BROKEN);
}

/* The rest is of the session, not of the instance. */
static void case_13_rest_is_gone_with_its_client(void **state) {
  low_fixture *fixture = *state;
  low_pair pair = pair_create(fixture, PC_TYPE_MESSAGE);
  uint8_t data[100];
  hundred_write(fixture, pair.client, data);
  expect_result(read_now(fixture, pair.server, 10), PC_MORE_DATA, data, 10);
  assert_int_equal(pc_instance_disconnect(pair.server), PC_OK);
  low_operation *connect = connect_begin(fixture, pair.server);
  pc_instance *client = client_open(fixture);
  assert_int_equal(operation_end(connect), PC_OK);
  write_text(fixture, client, "of the next client");
  read_expect(fixture, pair.server, "of the next client");
}

static void case_14_message_of_no_bytes_is_a_message(void **state) {
  low_fixture *fixture = *state;
  low_pair pair = pair_create(fixture, PC_TYPE_MESSAGE);
  pc_instance *ends[] = {pair.client, pair.server};
  for (int index = 0; index < 2; index++) {
    write_text(fixture, ends[index], "a");
    write_text(fixture, ends[index], "");
    write_text(fixture, ends[index], "b");
    read_expect(fixture, ends[1 - index], "a");
    read_expect(fixture, ends[1 - index], "");
    read_expect(fixture, ends[1 - index], "b");
  }
}

static void case_14_message_of_no_bytes_ends_one_waiting_read(void **state) {
  low_fixture *fixture = *state;
  low_pair pair = pair_create(fixture, PC_TYPE_MESSAGE);
  low_operation *first = read_begin(fixture, pair.server, 16);
  assert_true(operation_pends(first));
  low_operation *second = read_begin(fixture, pair.server, 16);
  assert_true(operation_pends(second));
  write_text(fixture, pair.client, "");
  (void)operation_end(first);
  expect_text(first, PC_OK, "");
  assert_true(operation_pends(second));
  write_text(fixture, pair.client, "more");
  (void)operation_end(second);
  expect_text(second, PC_OK, "more");
}

static void case_14_write_of_no_bytes_to_a_byte_pipe_is_nothing(void **state) {
  low_fixture *fixture = *state;
  low_pair pair = pair_create(fixture, PC_TYPE_BYTE);
  low_operation *read = read_begin(fixture, pair.server, 16);
  assert_true(operation_pends(read));
  write_text(fixture, pair.client, "");
  assert_true(operation_pends(read));
  write_text(fixture, pair.client, "x");
  (void)operation_end(read);
  expect_text(read, PC_OK, "x");
}

static void case_15_message_of_no_bytes_then_the_end(void **state) {
  low_fixture *fixture = *state;
  for (int waits = 0; waits < 2; waits++) {
    low_pair pair = pair_create(fixture, PC_TYPE_MESSAGE);
    low_operation *read = waits ? read_begin(fixture, pair.server, 16) : NULL;
    assert_true(!read || operation_pends(read));
    write_text(fixture, pair.client, "");
    instance_close(fixture, pair.client);
    read = read ? read : read_begin(fixture, pair.server, 16);
    (void)operation_end(read);
    expect_text(read, PC_OK, "");
    assert_int_equal(read_status(fixture, pair.server), PC_E_BROKEN);
    instance_close(fixture, pair.server);
  }
}

static void case_17_read_of_no_bytes_waits_and_takes_nothing(void **state) {
  low_fixture *fixture = *state;
  for (int index = 0; index < 2; index++) {
    pc_status expected = both_types[index] == PC_TYPE_BYTE ? PC_OK : PC_MORE_DATA;
    low_pair pair = pair_create(fixture, both_types[index]);
    low_operation *read = read_begin(fixture, pair.server, 0);
    assert_true(operation_pends(read));
    write_text(fixture, pair.client, "x");
    (void)operation_end(read);
    expect_text(read, expected, "");
    expect_text(read_now(fixture, pair.server, 0), expected, ""); /* it is still there */
    read_expect(fixture, pair.server, "x");
    read = read_begin(fixture, pair.server, 0);
    assert_true(operation_pends(read));
    instance_close(fixture, pair.client);
    assert_int_equal(operation_end(read), PC_E_BROKEN);
    instance_close(fixture, pair.server);
  }
}

static void case_17_read_of_no_bytes_takes_a_message_that_has_none(void **state) {
  low_fixture *fixture = *state;
  low_pair pair = pair_create(fixture, PC_TYPE_MESSAGE);
  write_text(fixture, pair.client, "");
  write_text(fixture, pair.client, "next");
  expect_text(read_now(fixture, pair.server, 0), PC_OK, "");
  expect_text(read_now(fixture, pair.server, 0), PC_MORE_DATA, "");
  read_expect(fixture, pair.server, "next");
}

static void byte_mode_of_a_message_pipe_glues_messages(void **state) {
  low_fixture *fixture = *state;
  low_pair pair = pair_create(fixture, PC_TYPE_MESSAGE);
  assert_int_equal(pc_instance_set_read_mode(pair.server, PC_TYPE_BYTE), PC_OK);
  write_text(fixture, pair.client, "one");
  write_text(fixture, pair.client, "two");
  write_text(fixture, pair.client, "three");
  expect_text(read_now(fixture, pair.server, 2), PC_OK, "on");
  expect_text(read_now(fixture, pair.server, 64), PC_OK, "etwothree"); /* all that is there */
  write_text(fixture, pair.client, "abcdef");
  expect_text(read_now(fixture, pair.server, 2), PC_OK, "ab");
  assert_int_equal(pc_instance_set_read_mode(pair.server, PC_TYPE_MESSAGE), PC_OK);
  expect_text(read_now(fixture, pair.server, 2), PC_MORE_DATA, "cd");
  write_text(fixture, pair.client, "next");
  read_expect(fixture, pair.server, "ef");
  read_expect(fixture, pair.server, "next");
}

static void waiting_reads_are_served_in_the_order_of_their_issue(void **state) {
  low_fixture *fixture = *state;
  enum { COUNT = 5 };
  low_pair pair = pair_create(fixture, PC_TYPE_MESSAGE);
  low_operation *reads[COUNT];
  for (int index = 0; index < COUNT; index++) {
    reads[index] = read_begin(fixture, pair.server, 16);
    assert_true(operation_pends(reads[index]));
  }
  for (int index = 0; index < COUNT; index++) {
    write_text(fixture, pair.client, (const char[]){(char)('a' + index), '\0'});
  }
  for (int index = 0; index < COUNT; index++) {
    (void)operation_end(reads[index]);
    expect_text(reads[index], PC_OK, (const char[]){(char)('a' + index), '\0'});
    assert_true(form.bit != COMPLETION || index == 0 ||
                reads[index]->number > reads[index - 1]->number);
  }
}

const low_case cases_read[] = {
    LOW_CASE(case_08_echo_one_message_each_way, ALL_FORMS),
    LOW_CASE(case_09_message_boundaries_are_kept, ALL_FORMS),
    LOW_CASE(case_10_bytes_have_no_boundaries_but_an_order, ALL_FORMS),
    LOW_CASE(case_11_message_is_read_in_parts, ALL_FORMS),
    LOW_CASE(case_11_waiting_reads_share_a_message, ALL_FORMS),
    LOW_CASE(case_12_rest_of_a_message_is_for_any_thread, ALL_FORMS),
    LOW_CASE(case_13_rest_and_next_message_never_mix, ALL_FORMS),
    LOW_CASE(case_13_rest_stays_when_its_writer_is_gone, ALL_FORMS),
    LOW_CASE(case_13_rest_is_gone_with_its_client, ALL_FORMS),
    LOW_CASE(case_14_message_of_no_bytes_is_a_message, ALL_FORMS),
    LOW_CASE(case_14_message_of_no_bytes_ends_one_waiting_read, ALL_FORMS),
    LOW_CASE(case_14_write_of_no_bytes_to_a_byte_pipe_is_nothing, ALL_FORMS),
    LOW_CASE(case_15_message_of_no_bytes_then_the_end, ALL_FORMS),
    LOW_CASE(case_17_read_of_no_bytes_waits_and_takes_nothing, ALL_FORMS),
    LOW_CASE(case_17_read_of_no_bytes_takes_a_message_that_has_none, ALL_FORMS),
    LOW_CASE(byte_mode_of_a_message_pipe_glues_messages, ALL_FORMS),
    LOW_CASE(waiting_reads_are_served_in_the_order_of_their_issue, ALL_FORMS),
    {0}};
