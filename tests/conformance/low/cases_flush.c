/* Cases of the end of a connection: what is still read after a disconnect or a close, and flush. */
#include "low.h"

static const pc_type both_types[] = {PC_TYPE_BYTE, PC_TYPE_MESSAGE};

/* On Win32 the bytes are gone and the client is told. Linux cannot take back what its kernel has,
 * and the client sees a close. */
static void case_26_disconnect_ends_the_client(void **state) {
  low_fixture *fixture = *state;
  low_pair pair = pair_create(fixture, PC_TYPE_MESSAGE);
  write_text(fixture, pair.server, "not read yet");
  assert_int_equal(pc_instance_disconnect(pair.server), PC_OK);
  if (host.does_disconnect_discard) {
    assert_int_equal(read_status(fixture, pair.client), PC_E_NOT_CONNECTED);
    assert_int_equal(write_status(fixture, pair.client), PC_E_NOT_CONNECTED);
    return;
  }
  read_expect(fixture, pair.client, "not read yet");
  assert_int_equal(read_status(fixture, pair.client), PC_E_BROKEN);
  assert_int_equal(write_status(fixture, pair.client), PC_E_BROKEN);
}

static void case_26_disconnect_drops_what_the_server_did_not_read(void **state) {
  low_fixture *fixture = *state;
  low_pair pair = pair_create(fixture, PC_TYPE_MESSAGE);
  write_text(fixture, pair.client, "never read");
  assert_int_equal(pc_instance_disconnect(pair.server), PC_OK);
  assert_int_equal(read_status(fixture, pair.server), PC_E_NOT_CONNECTED);
  low_operation *connect = connect_begin(fixture, pair.server);
  pc_instance *next = client_open(fixture);
  assert_int_equal(operation_end(connect), PC_OK);
  write_text(fixture, next, "of the next");
  read_expect(fixture, pair.server, "of the next");
}

static void case_26_disconnect_ends_what_is_pending(void **state) {
  low_fixture *fixture = *state;
  static write_fill fill;
  for (int index = 0; index < 2; index++) {
    low_pair pair = pair_create(fixture, both_types[index]);
    low_operation *of_client = read_begin(fixture, pair.client, 16);
    assert_true(operation_pends(of_client));
    low_operation *of_server = read_begin(fixture, pair.server, 16);
    assert_true(operation_pends(of_server));
    assert_int_equal(pc_instance_disconnect(pair.server), PC_OK);
    assert_int_equal(operation_end(of_server), PC_E_NOT_CONNECTED);
    assert_int_equal(operation_end(of_client),
                     host.does_disconnect_discard ? PC_E_NOT_CONNECTED : PC_E_BROKEN);
    instance_close(fixture, pair.client);
    instance_close(fixture, pair.server);
    pair = pair_create(fixture, both_types[index]);
    fill_until_pending(fixture, pair.server, 16 * KILOBYTE, &fill);
    assert_int_equal(pc_instance_disconnect(pair.server), PC_OK);
    assert_int_equal(operation_end(fill.writes[fill.count - 1]), PC_E_NOT_CONNECTED);
    instance_close(fixture, pair.client);
    instance_close(fixture, pair.server);
  }
}

static void case_27_what_was_written_before_a_close_is_read(void **state) {
  low_fixture *fixture = *state;
  for (int direction = 0; direction < 2; direction++) {
    low_pair pair = pair_create(fixture, PC_TYPE_MESSAGE);
    pc_instance *writer = direction ? pair.client : pair.server;
    pc_instance *reader = direction ? pair.server : pair.client;
    write_text(fixture, writer, "first");
    write_text(fixture, writer, "second");
    instance_close(fixture, writer);
    read_expect(fixture, reader, "first");
    read_expect(fixture, reader, "second");
    assert_int_equal(read_status(fixture, reader), PC_E_BROKEN);
    assert_int_equal(write_status(fixture, reader), PC_E_BROKEN);
    instance_close(fixture, reader);
  }
}

/* Where a system makes such a close a reset, it stands behind the last words; nothing comes after
 * it. */
static void case_28_close_over_unread_input_keeps_the_last_words(void **state) {
  low_fixture *fixture = *state;
  for (int index = 0; index < 2; index++) {
    low_pair pair = pair_create(fixture, both_types[index]);
    write_text(fixture, pair.client, "never read");
    write_text(fixture, pair.server, "bye");
    instance_close(fixture, pair.server);
    read_expect(fixture, pair.client, "bye");
    for (int again = 0; again < 3; again++) {
      assert_int_equal(read_status(fixture, pair.client), PC_E_BROKEN);
    }
    instance_close(fixture, pair.client);
  }
}

/* ---- flush ---- */

typedef struct flushing {
  pc_instance *instance;
  int timeout_ms;
  atomic_bool did_reader_begin;
  bool did_reader_begin_first;
  pc_status status;
  uint64_t took_ms;
} flushing;

static void flusher_run(void *user) {
  flushing *self = user;
  uint64_t begin = host_clock_ms();
  self->status = pc_instance_flush(self->instance, self->timeout_ms);
  self->took_ms = host_clock_ms() - begin;
  self->did_reader_begin_first = atomic_load(&self->did_reader_begin);
}

static void case_29_flush_waits_until_all_is_read(void **state) {
  low_fixture *fixture = *state;
  for (int index = 0; index < 2; index++) {
    low_pair pair = pair_create(fixture, both_types[index]);
    write_text(fixture, pair.server, "first");
    write_text(fixture, pair.server, "second");
    flushing flusher = {.instance = pair.server, .timeout_ms = DEADLINE_MS};
    host_thread *thread = thread_start(flusher_run, &flusher);
    expect_text(read_now(fixture, pair.client, 5), PC_OK, "first");
    host_pause_ms(100); /* time to return too early, which a peek does not excuse */
    assert_int_equal(pc_instance_peek(pair.client, NULL, 0, NULL, NULL, NULL), PC_OK);
    atomic_store(&flusher.did_reader_begin, true);
    expect_text(read_now(fixture, pair.client, 6), PC_OK, "second");
    host_thread_join(thread);
    assert_int_equal(flusher.status, PC_OK);
    assert_true(flusher.did_reader_begin_first);
    instance_close(fixture, pair.client);
    instance_close(fixture, pair.server);
  }
}

static void case_29_flush_waits_for_writes_that_wait(void **state) {
  low_fixture *fixture = *state;
  static write_fill fill;
  low_pair pair = pair_create(fixture, PC_TYPE_MESSAGE);
  fill_until_pending(fixture, pair.server, 16 * KILOBYTE, &fill);
  flushing flusher = {.instance = pair.server, .timeout_ms = DEADLINE_MS};
  host_thread *thread = thread_start(flusher_run, &flusher);
  for (unsigned index = 0; index < fill.count; index++) {
    host_pause_ms(index == fill.count - 1 ? 50 : 0);
    atomic_store(&flusher.did_reader_begin, index == fill.count - 1);
    assert_int_equal(read_now(fixture, pair.client, 16 * KILOBYTE)->status, PC_OK);
  }
  host_thread_join(thread);
  assert_int_equal(flusher.status, PC_OK);
  assert_true(flusher.did_reader_begin_first);
  assert_int_equal(operation_end(fill.writes[fill.count - 1]), PC_OK);
}

/* What ends the other end while a flush waits: told so. A flush that came too late for it says
 * PC_OK, as the table of states has it; then it is tried again with more time. */
static void flush_end_expect(low_fixture *fixture, bool does_disconnect, pc_status expected) {
  flushing flusher = {.status = PC_OK};
  for (unsigned wait_ms = 5; flusher.status == PC_OK; wait_ms *= 2) {
    assert_true(wait_ms < 2000);
    low_pair pair = pair_create(fixture, PC_TYPE_MESSAGE);
    write_text(fixture, pair.server, "never read");
    flusher = (flushing){.instance = pair.server, .timeout_ms = -1};
    host_thread *thread = thread_start(flusher_run, &flusher);
    host_pause_ms(wait_ms);
    if (does_disconnect) {
      assert_int_equal(pc_instance_disconnect(pair.server), PC_OK);
    }
    instance_close(fixture, pair.client);
    host_thread_join(thread);
    instance_close(fixture, pair.server);
  }
  assert_int_equal(flusher.status, expected);
  assert_true(flusher.took_ms < 5000u * (unsigned)test_scale());
}

static void case_30_flush_ends_when_the_reader_closes(void **state) {
  flush_end_expect(*state, false, PC_E_BROKEN);
}

static void case_30_flush_ends_when_the_server_disconnects(void **state) {
  flush_end_expect(*state, true, PC_E_NOT_CONNECTED);
}

static void case_31_flush_keeps_to_its_time_out(void **state) {
  low_fixture *fixture = *state;
  low_pair pair = pair_create(fixture, PC_TYPE_MESSAGE);
  assert_int_equal(pc_instance_flush(pair.server, 0), PC_OK); /* nothing to wait for */
  write_text(fixture, pair.server, "unread");
  assert_int_equal(pc_instance_flush(pair.server, 0), PC_E_TIMEOUT);
  flushing flusher = {.instance = pair.server, .timeout_ms = 200};
  flusher_run(&flusher);
  assert_int_equal(flusher.status, PC_E_TIMEOUT);
  assert_in_range(flusher.took_ms, 195, 2000 * test_scale());
  assert_int_equal(pc_instance_flush(pair.client, 0), PC_OK); /* the other direction is empty */
  read_expect(fixture, pair.client, "unread");
  assert_int_equal(pc_instance_flush(pair.server, DEADLINE_MS), PC_OK);
}

const low_case cases_flush[] = {
    LOW_CASE(case_26_disconnect_ends_the_client, ALL_FORMS),
    LOW_CASE(case_26_disconnect_drops_what_the_server_did_not_read, ALL_FORMS),
    LOW_CASE(case_26_disconnect_ends_what_is_pending, ALL_FORMS),
    LOW_CASE(case_27_what_was_written_before_a_close_is_read, ALL_FORMS),
    LOW_CASE(case_28_close_over_unread_input_keeps_the_last_words, ALL_FORMS),
    LOW_CASE(case_29_flush_waits_until_all_is_read, ALL_FORMS),
    LOW_CASE(case_29_flush_waits_for_writes_that_wait, ALL_FORMS),
    LOW_CASE(case_30_flush_ends_when_the_reader_closes, ALL_FORMS),
    LOW_CASE(case_30_flush_ends_when_the_server_disconnects, ALL_FORMS),
    LOW_CASE(case_31_flush_keeps_to_its_time_out, ALL_FORMS),
    {0}};
