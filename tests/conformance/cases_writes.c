/* Cases of writing: order, tags, backpressure, limits, and clients that do not read. */
#include "suite.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const pc_type both_types[] = {PC_TYPE_BYTE, PC_TYPE_MESSAGE};

enum { KILOBYTE = 1024 };

/* Writes 1 KiB messages until one is not accepted; returns how many were. */
static unsigned fill(suite_fixture *fixture, session_record *record, pc_status *out_status) {
  static uint8_t data[KILOBYTE];
  unsigned count = 0;
  for (;;) {
    pattern_fill(data, sizeof data, count);
    *out_status = pc_session_write(record->session, data, sizeof data, count);
    if (*out_status != PC_OK) {
      return count;
    }
    count++;
    turn_now(fixture);
  }
}

/* Reads what fill() wrote, and checks it. */
static void drain(suite_fixture *fixture, suite_client *client, unsigned count) {
  static uint8_t data[KILOBYTE];
  static uint8_t got[KILOBYTE];
  for (unsigned index = 0; index < count; index++) {
    pattern_fill(data, sizeof data, index);
    client_read_exactly(fixture, client, got, sizeof got);
    assert_memory_equal(got, data, sizeof data);
  }
}

static void case_20_writes_beyond_the_kernels_room_wait_and_complete_in_order(void **state) {
  (void)state;
  for (int index = 0; index < 2; index++) {
    suite_fixture *fixture = fixture_create(both_types[index], PC_FRAMING_NONE);
    fixture_start(fixture);
    session_record *record;
    suite_client *client = client_connect(fixture, &record);
    pc_status status;
    unsigned count = fill(fixture, record, &status);
    assert_int_equal(status, PC_E_QUOTA);
    TURN_UNTIL(fixture, record->written_count > 0);
    turn_some(fixture);
    assert_true(record->written_count < count);
    unsigned before = record->written_count;
    assert_true(pc_session_queued_bytes(record->session) >= (count - before - 1) * KILOBYTE);
    drain(fixture, client, count);
    TURN_UNTIL(fixture, record->written_count == count);
    assert_int_equal(pc_session_queued_bytes(record->session), 0);
    for (unsigned tag = 0; tag < count; tag++) {
      assert_int_equal(record->written_tags[tag], tag);
      assert_int_equal(record->written_statuses[tag], PC_OK);
    }
    client_close(client);
    fixture_destroy(fixture);
  }
}

static void case_21_write_queue_limit_refuses_the_excess_only(void **state) {
  (void)state;
  suite_fixture *fixture = fixture_create(PC_TYPE_MESSAGE, PC_FRAMING_NONE);
  fixture->options.limits.max_write_queue_bytes = 16 * KILOBYTE;
  fixture_start(fixture);
  session_record *record;
  suite_client *client = client_connect(fixture, &record);
  pc_status status;
  unsigned count = fill(fixture, record, &status);
  assert_int_equal(status, PC_E_QUOTA);
  assert_true(pc_session_queued_bytes(record->session) <= 16 * KILOBYTE);
  assert_int_equal(pc_session_write(record->session, "x", KILOBYTE, 0), PC_E_QUOTA);
  drain(fixture, client, count);
  TURN_UNTIL(fixture, record->written_count == count);
  assert_int_equal(pc_session_write(record->session, "after", 5, 77), PC_OK);
  client_expect_text(fixture, client, "after");
  client_close(client);
  fixture_destroy(fixture);
}

static void case_21_empty_queue_takes_any_message_within_the_message_limit(void **state) {
  (void)state;
  static uint8_t data[256 * KILOBYTE];
  static uint8_t got[256 * KILOBYTE];
  pattern_fill(data, sizeof data, 5);
  suite_fixture *fixture = fixture_create(PC_TYPE_BYTE, PC_FRAMING_NONE);
  fixture->options.limits.max_message_bytes = sizeof data;
  fixture->options.limits.max_write_queue_bytes = 4 * KILOBYTE;
  fixture_start(fixture);
  session_record *record;
  suite_client *client = client_connect(fixture, &record);
  assert_int_equal(pc_session_write(record->session, data, sizeof data, 1), PC_OK);
  assert_int_equal(pc_session_write(record->session, data, 1, 2), PC_E_QUOTA);
  client_read_exactly(fixture, client, got, sizeof got);
  assert_memory_equal(got, data, sizeof data);
  client_close(client);
  fixture_destroy(fixture);
}

/* Messages of no bytes are charged too: they would fill memory otherwise. */
static void case_21_messages_of_no_bytes_meet_the_queue_limit(void **state) {
  (void)state;
  suite_fixture *fixture = fixture_create(PC_TYPE_MESSAGE, PC_FRAMING_NONE);
  fixture->options.limits.max_write_queue_bytes = KILOBYTE;
  fixture_start(fixture);
  session_record *record;
  suite_client *client = client_connect(fixture, &record);
  unsigned count = 0;
  while (pc_session_write(record->session, "", 0, count) == PC_OK) {
    count++;
    assert_true(count <= KILOBYTE);
  }
  for (unsigned index = 0; index < count; index++) {
    client_expect_text(fixture, client, "");
  }
  client_close(client);
  fixture_destroy(fixture);
}

static void case_22_client_that_never_reads_harms_nobody(void **state) {
  (void)state;
  enum { OTHERS = 20 };
  suite_fixture *fixture = fixture_create(PC_TYPE_BYTE, PC_FRAMING_LINE);
  fixture_start(fixture);
  session_record *lazy_record;
  suite_client *lazy = client_connect(fixture, &lazy_record);
  pc_status status;
  (void)fill(fixture, lazy_record, &status);
  fixture->does_echo = true;
  suite_client *others[OTHERS];
  for (int index = 0; index < OTHERS; index++) {
    others[index] = client_connect(fixture, NULL);
  }
  for (int round = 0; round < 50; round++) {
    for (int index = 0; index < OTHERS; index++) {
      client_write_text(fixture, others[index], "ping\n");
    }
    for (int index = 0; index < OTHERS; index++) {
      client_expect_text(fixture, others[index], "ping\n");
    }
  }
  uint64_t begin = clock_ms();
  fixture_stop(fixture, 100);
  assert_true(clock_ms() - begin < 1500 || !suite_backend_under_test.is_of_system);
  assert_int_equal(lazy_record->reason, PC_CLOSE_STOP);
  for (int index = 0; index < OTHERS; index++) {
    client_close(others[index]);
  }
  client_close(lazy);
  fixture_destroy(fixture);
}

/* A client that says nothing and takes everything, beside one that says everything. */
static void client_that_never_writes_harms_nobody(void **state) {
  (void)state;
  suite_fixture *fixture = fixture_create(PC_TYPE_BYTE, PC_FRAMING_LINE);
  fixture_start(fixture);
  session_record *silent_record;
  suite_client *silent = client_connect(fixture, &silent_record);
  session_record *record;
  suite_client *client = client_connect(fixture, &record);
  for (unsigned round = 0; round < 200; round++) {
    client_write_text(fixture, client, "talk\n");
    assert_int_equal(pc_session_write(silent_record->session, "listen", 6, round), PC_OK);
    client_expect_text(fixture, silent, "listen\n");
  }
  TURN_UNTIL(fixture, record->message_count == 200);
  assert_int_equal(silent_record->disconnected_count, 0);
  client_close(silent);
  client_close(client);
  fixture_destroy(fixture);
}

/* ---- other threads write through posted routines ---- */

enum { WRITERS = 4, WRITES = 200 };

typedef struct posted_write {
  pc_posted posted;
  session_record *record;
  unsigned writer;
  unsigned number;
} posted_write;

typedef struct writer {
  pthread_t thread;
  suite_fixture *fixture;
  posted_write writes[WRITES];
} writer;

static atomic_uint writes_run;

static void posted_write_run(pc_posted *posted, void *user) {
  (void)posted;
  posted_write *write = user;
  char text[32];
  int size = snprintf(text, sizeof text, "%u:%u", write->writer, write->number);
  assert_int_equal(pc_session_write(write->record->session, text, (uint32_t)size, 0), PC_OK);
  atomic_fetch_add(&writes_run, 1);
}

static void *writer_run(void *user) {
  writer *self = user;
  for (unsigned number = 0; number < WRITES; number++) {
    pc_post(self->fixture->loop, &self->writes[number].posted);
  }
  return NULL;
}

static void case_24_posted_writes_of_several_threads_keep_each_threads_order(void **state) {
  (void)state;
  static writer writers[WRITERS];
  atomic_store(&writes_run, 0);
  suite_fixture *fixture = fixture_create(PC_TYPE_MESSAGE, PC_FRAMING_NONE);
  fixture_start(fixture);
  session_record *record;
  suite_client *client = client_connect(fixture, &record);
  for (unsigned index = 0; index < WRITERS; index++) {
    writers[index].fixture = fixture;
    for (unsigned number = 0; number < WRITES; number++) {
      posted_write *write = &writers[index].writes[number];
      *write = (posted_write){.record = record, .writer = index, .number = number};
      write->posted = (pc_posted){.routine = posted_write_run, .user = write};
    }
    assert_int_equal(pthread_create(&writers[index].thread, NULL, writer_run, &writers[index]), 0);
  }
  unsigned next[WRITERS] = {0};
  for (unsigned count = 0; count < WRITERS * WRITES; count++) {
    char text[32] = "";
    assert_true(client_read(fixture, client, text, sizeof text - 1) > 0);
    unsigned index;
    unsigned number;
    assert_int_equal(sscanf(text, "%u:%u", &index, &number), 2);
    assert_true(index < WRITERS);
    assert_int_equal(number, next[index]++);
  }
  for (unsigned index = 0; index < WRITERS; index++) {
    pthread_join(writers[index].thread, NULL);
  }
  assert_int_equal(atomic_load(&writes_run), WRITERS * WRITES);
  client_close(client);
  fixture_destroy(fixture);
}

static void case_25_both_ends_write_at_once_without_deadlock(void **state) {
  (void)state;
  enum { COUNT = 1000 };
  static uint8_t data[KILOBYTE];
  static uint8_t got[KILOBYTE];
  for (int index = 0; index < 2; index++) {
    suite_fixture *fixture = fixture_create(both_types[index], PC_FRAMING_NONE);
    fixture->options.limits.max_write_queue_bytes = 8 * KILOBYTE;
    fixture->does_not_keep = true;
    fixture_start(fixture);
    session_record *record;
    suite_client *client = client_connect(fixture, &record);
    size_t received = 0;
    unsigned written = 0;
    for (unsigned sent = 0; sent < COUNT;) {
      while (written < COUNT &&
             pc_session_write(record->session, data, sizeof data, written) == PC_OK) {
        written++;
      }
      size_t taken;
      if (suite_backend_under_test.clients->write(client, data, sizeof data, &taken) == PC_OK) {
        sent++;
      } else if (index == 0) {
        client_write(fixture, client, data, sizeof data - taken);
        sent++;
      }
      size_t size;
      if (suite_backend_under_test.clients->read(client, got, sizeof got, &size) == PC_OK) {
        received += size;
      }
      turn(fixture);
    }
    while (received < (size_t)COUNT * KILOBYTE) {
      while (written < COUNT &&
             pc_session_write(record->session, data, sizeof data, written) == PC_OK) {
        written++;
      }
      received += (size_t)client_read(fixture, client, got, sizeof got);
    }
    TURN_UNTIL(fixture, record->bytes == (uint64_t)COUNT * KILOBYTE);
    TURN_UNTIL(fixture, record->written_count == COUNT);
    client_close(client);
    fixture_destroy(fixture);
  }
}

/* Everything accepted is told of, in order and before the end, when the client is gone. */
static void writes_to_a_client_that_left_are_told_as_broken(void **state) {
  (void)state;
  for (int index = 0; index < 2; index++) {
    suite_fixture *fixture = fixture_create(both_types[index], PC_FRAMING_NONE);
    fixture_start(fixture);
    session_record *record;
    suite_client *client = client_connect(fixture, &record);
    pc_status status;
    unsigned count = fill(fixture, record, &status);
    client_write_text(fixture, client, "still said");
    client_close(client);
    TURN_UNTIL(fixture, record->disconnected_count == 1);
    assert_int_equal(record->reason, PC_CLOSE_PEER);
    assert_int_equal(record->written_count, count);
    for (unsigned tag = 0; tag < count; tag++) {
      assert_int_equal(record->written_tags[tag], tag);
    }
    assert_int_equal(record->written_statuses[count - 1], PC_E_BROKEN);
    assert_int_equal(record->message_count, 1);
    expect_message_text(record, 0, "still said");
    fixture_destroy(fixture);
  }
}

static void chain_on_written(suite_fixture *fixture, session_record *record, uint64_t tag,
                             pc_status status) {
  (void)fixture;
  if (status == PC_OK && tag < 100) {
    assert_int_equal(pc_session_write(record->session, "x", 1, tag + 1), PC_OK);
  }
}

static void owner_may_write_from_on_written(void **state) {
  (void)state;
  suite_fixture *fixture = fixture_create(PC_TYPE_MESSAGE, PC_FRAMING_NONE);
  fixture->on_written = chain_on_written;
  fixture_start(fixture);
  session_record *record;
  suite_client *client = client_connect(fixture, &record);
  assert_int_equal(pc_session_write(record->session, "x", 1, 1), PC_OK);
  TURN_UNTIL(fixture, record->written_count == 100);
  for (int count = 0; count < 100; count++) {
    client_expect_text(fixture, client, "x");
  }
  client_close(client);
  fixture_destroy(fixture);
}

/* Nothing to send of it, and yet it is told of, in its place. */
static void write_of_no_bytes_to_an_unframed_stream_completes_in_order(void **state) {
  (void)state;
  suite_fixture *fixture = fixture_create(PC_TYPE_BYTE, PC_FRAMING_NONE);
  fixture_start(fixture);
  session_record *record;
  suite_client *client = client_connect(fixture, &record);
  assert_int_equal(pc_session_write(record->session, "", 0, 1), PC_OK);
  TURN_UNTIL(fixture, record->written_count == 1);
  assert_int_equal(pc_session_write(record->session, "a", 1, 2), PC_OK);
  assert_int_equal(pc_session_write(record->session, "", 0, 3), PC_OK);
  assert_int_equal(pc_session_write(record->session, "b", 1, 4), PC_OK);
  TURN_UNTIL(fixture, record->written_count == 4);
  for (unsigned index = 0; index < 4; index++) {
    assert_int_equal(record->written_tags[index], index + 1);
  }
  client_expect_text(fixture, client, "ab");
  client_close(client);
  fixture_destroy(fixture);
}

const struct CMUnitTest cases_writes[] = {
    cmocka_unit_test(case_20_writes_beyond_the_kernels_room_wait_and_complete_in_order),
    cmocka_unit_test(case_21_write_queue_limit_refuses_the_excess_only),
    cmocka_unit_test(case_21_empty_queue_takes_any_message_within_the_message_limit),
    cmocka_unit_test(case_21_messages_of_no_bytes_meet_the_queue_limit),
    cmocka_unit_test(case_22_client_that_never_reads_harms_nobody),
    cmocka_unit_test(client_that_never_writes_harms_nobody),
    cmocka_unit_test(case_24_posted_writes_of_several_threads_keep_each_threads_order),
    cmocka_unit_test(case_25_both_ends_write_at_once_without_deadlock),
    cmocka_unit_test(writes_to_a_client_that_left_are_told_as_broken),
    cmocka_unit_test(owner_may_write_from_on_written),
    cmocka_unit_test(write_of_no_bytes_to_an_unframed_stream_completes_in_order),
    {0}};
