/* Cases of cancelling and of closing over what is pending. */
#include "low.h"

#include <stdlib.h>

static const pc_type both_types[] = {PC_TYPE_BYTE, PC_TYPE_MESSAGE};

/* Only an asynchronous operation has a record by which it could be named. */
static pc_overlapped *record_of(low_operation *operation) {
  return form.bit == THREADS ? NULL : &operation->overlapped;
}

static void case_39_cancelled_read_ends_once_and_loses_nothing(void **state) {
  low_fixture *fixture = *state;
  for (int index = 0; index < 2; index++) {
    low_pair pair = pair_create(fixture, both_types[index]);
    assert_int_equal(pc_instance_cancel(pair.server, NULL), PC_E_NOT_FOUND);
    low_operation *read = read_begin(fixture, pair.server, 16);
    assert_true(operation_pends(read));
    assert_int_equal(pc_instance_cancel(pair.client, NULL), PC_E_NOT_FOUND); /* another's */
    assert_int_equal(pc_instance_cancel(pair.server, record_of(read)), PC_OK);
    assert_int_equal(operation_end(read), PC_E_ABORTED);
    assert_int_equal(read->bytes, 0);
    assert_int_equal(pc_instance_cancel(pair.server, record_of(read)), PC_E_NOT_FOUND);
    write_text(fixture, pair.client, "kept");
    read_expect(fixture, pair.server, "kept");
    instance_close(fixture, pair.client);
    instance_close(fixture, pair.server);
  }
}

static void case_39_cancel_of_all_ends_each_once(void **state) {
  low_fixture *fixture = *state;
  enum { COUNT = 4 };
  low_pair pair = pair_create(fixture, PC_TYPE_MESSAGE);
  low_operation *reads[COUNT];
  for (int index = 0; index < COUNT; index++) {
    reads[index] = read_begin(fixture, pair.server, 16);
    assert_true(operation_pends(reads[index]));
  }
  assert_int_equal(pc_instance_cancel(pair.server, NULL), PC_OK);
  for (int index = 0; index < COUNT; index++) {
    assert_int_equal(operation_end(reads[index]), PC_E_ABORTED);
  }
  write_text(fixture, pair.client, "kept");
  read_expect(fixture, pair.server, "kept");
}

static void case_39_cancel_of_one_read_leaves_the_others_in_order(void **state) {
  low_fixture *fixture = *state;
  enum { COUNT = 3 };
  low_pair pair = pair_create(fixture, PC_TYPE_MESSAGE);
  for (int cancelled = 0; cancelled < COUNT; cancelled++) {
    low_operation *reads[COUNT];
    for (int index = 0; index < COUNT; index++) {
      reads[index] = read_begin(fixture, pair.server, 16);
    }
    assert_int_equal(pc_instance_cancel(pair.server, record_of(reads[cancelled])), PC_OK);
    assert_int_equal(operation_end(reads[cancelled]), PC_E_ABORTED);
    write_text(fixture, pair.client, "one");
    write_text(fixture, pair.client, "two");
    int earlier = cancelled == 0 ? 1 : 0;
    int later = cancelled == 2 ? 1 : 2;
    (void)operation_end(reads[earlier]);
    (void)operation_end(reads[later]);
    expect_text(reads[earlier], PC_OK, "one");
    expect_text(reads[later], PC_OK, "two");
  }
}

static void case_39_cancelled_connect_leaves_the_instance_listening(void **state) {
  low_fixture *fixture = *state;
  pc_instance *server = server_create(fixture);
  low_operation *connect = connect_begin(fixture, server);
  assert_true(operation_pends(connect));
  assert_int_equal(pc_instance_cancel(server, record_of(connect)), PC_OK);
  assert_int_equal(operation_end(connect), PC_E_ABORTED);
  pc_instance *client = client_open(fixture);
  assert_int_equal(connect_now(fixture, server), PC_OK);
  write_text(fixture, client, "late");
  read_expect(fixture, server, "late");
}

static void case_39_cancel_after_a_part_keeps_the_rest(void **state) {
  low_fixture *fixture = *state;
  low_pair pair = pair_create(fixture, PC_TYPE_MESSAGE);
  write_text(fixture, pair.client, "abcdef");
  expect_text(read_now(fixture, pair.server, 2), PC_MORE_DATA, "ab");
  assert_int_equal(pc_instance_cancel(pair.server, NULL), PC_E_NOT_FOUND);
  expect_text(read_now(fixture, pair.server, 9), PC_OK, "cdef");
}

/* Of a stream of writes with one cancelled comes what their results say, in order. */
static void writes_expect(low_fixture *fixture, pc_instance *reader, low_operation *const *writes,
                          unsigned count, uint32_t size) {
  uint8_t *expected = malloc(size);
  for (unsigned index = 0; index < count; index++) {
    uint32_t left = writes[index]->bytes;
    pattern_fill(expected, size, index);
    for (uint32_t done = 0; done < left;) {
      low_operation *read = read_now(fixture, reader, left - done);
      assert_int_equal(read->status, PC_OK);
      assert_memory_equal(read->data, expected + done, read->bytes);
      done += read->bytes;
    }
  }
  free(expected);
}

static void cancelled_write_expect(low_fixture *fixture, pc_type type, unsigned behind) {
  enum { SIZE = 16 * KILOBYTE, AFTER = 2 };
  static write_fill fill;
  fixture->options.out_quota_bytes = 32 * KILOBYTE;
  low_pair pair = pair_create(fixture, type);
  fill_until_pending(fixture, pair.server, SIZE, &fill);
  uint8_t data[SIZE];
  for (int count = 0; count < AFTER; count++) {
    pattern_fill(data, SIZE, fill.count);
    fill.writes[fill.count++] = write_begin(fixture, pair.server, data, SIZE);
  }
  low_operation *cancelled = fill.writes[fill.count - AFTER - 1 + behind];
  assert_int_equal(pc_instance_cancel(pair.server, &cancelled->overlapped), PC_OK);
  assert_int_equal(operation_end(cancelled), PC_E_ABORTED);
  assert_true(type == PC_TYPE_BYTE || cancelled->bytes == 0);
  assert_int_equal(pc_instance_cancel(pair.server, &cancelled->overlapped), PC_E_NOT_FOUND);
  for (unsigned index = 0; index < fill.count; index++) {
    if (fill.writes[index] != cancelled) {
      fill.writes[index]->bytes = SIZE; /* as its end will have to say */
    }
  }
  writes_expect(fixture, pair.client, fill.writes, fill.count, SIZE);
  for (unsigned index = 0; index < fill.count; index++) {
    if (fill.writes[index] != cancelled) {
      assert_int_equal(operation_end(fill.writes[index]), PC_OK);
      assert_int_equal(fill.writes[index]->bytes, SIZE);
    }
  }
  write_text(fixture, pair.server, "next");
  read_expect(fixture, pair.client, "next");
  instance_close(fixture, pair.client);
  instance_close(fixture, pair.server);
}

static void case_40_cancelled_write_is_not_sent_and_the_next_is(void **state) {
  for (unsigned behind = 0; behind < 3; behind++) {
    cancelled_write_expect(*state, PC_TYPE_MESSAGE, behind);
  }
}

static void case_40_cancelled_write_leaves_a_stream_whole(void **state) {
  for (unsigned behind = 0; behind < 3; behind++) {
    cancelled_write_expect(*state, PC_TYPE_BYTE, behind);
  }
}

static void case_41_close_ends_what_is_pending_once(void **state) {
  low_fixture *fixture = *state;
  static write_fill fill;
  for (int index = 0; index < 2; index++) {
    low_pair pair = pair_create(fixture, both_types[index]);
    fill_until_pending(fixture, pair.server, 16 * KILOBYTE, &fill);
    low_operation *read = read_begin(fixture, pair.server, 16);
    low_operation *second = read_begin(fixture, pair.server, 16);
    pc_instance *listening = server_create(fixture);
    low_operation *connect = connect_begin(fixture, listening);
    assert_true(operation_pends(read) && operation_pends(second) && operation_pends(connect));
    instance_close(fixture, listening);
    instance_close(fixture, pair.server);
    assert_int_equal(operation_end(connect), PC_E_ABORTED);
    assert_int_equal(operation_end(read), PC_E_ABORTED);
    assert_int_equal(operation_end(second), PC_E_ABORTED);
    assert_int_equal(operation_end(fill.writes[fill.count - 1]), PC_E_ABORTED);
    instance_close(fixture, pair.client);
  }
}

static void case_41_close_ends_the_other_ends_pending_read(void **state) {
  low_fixture *fixture = *state;
  for (int index = 0; index < 4; index++) {
    low_pair pair = pair_create(fixture, both_types[index % 2]);
    pc_instance *closer = index < 2 ? pair.server : pair.client;
    pc_instance *other = index < 2 ? pair.client : pair.server;
    low_operation *read = read_begin(fixture, other, 16);
    assert_true(operation_pends(read));
    instance_close(fixture, closer);
    assert_int_equal(operation_end(read), PC_E_BROKEN);
    assert_int_equal(read_status(fixture, other), PC_E_BROKEN);
    instance_close(fixture, other);
  }
}

const low_case cases_cancel[] = {
    LOW_CASE(case_39_cancelled_read_ends_once_and_loses_nothing, ALL_FORMS),
    LOW_CASE(case_39_cancel_of_all_ends_each_once, ALL_FORMS),
    LOW_CASE(case_39_cancel_of_one_read_leaves_the_others_in_order, ASYNCHRONOUS),
    LOW_CASE(case_39_cancelled_connect_leaves_the_instance_listening, ALL_FORMS),
    LOW_CASE(case_39_cancel_after_a_part_keeps_the_rest, ALL_FORMS),
    LOW_CASE(case_40_cancelled_write_is_not_sent_and_the_next_is, ASYNCHRONOUS),
    LOW_CASE(case_40_cancelled_write_leaves_a_stream_whole, ASYNCHRONOUS),
    LOW_CASE(case_41_close_ends_what_is_pending_once, ALL_FORMS),
    LOW_CASE(case_41_close_ends_the_other_ends_pending_read, ALL_FORMS),
    {0}};
