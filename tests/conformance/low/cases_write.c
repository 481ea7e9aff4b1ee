/* Cases of writing: quotas and backpressure, whole messages, many writers, both directions at
 * once. */
#include "low.h"

#include <stdio.h>
#include <stdlib.h>

static const pc_type both_types[] = {PC_TYPE_BYTE, PC_TYPE_MESSAGE};

/* The messages of a fill come whole and in order. */
static void fill_expect(low_fixture *fixture, pc_instance *reader, const write_fill *fill,
                        uint32_t size) {
  uint8_t *data = malloc(size);
  for (unsigned index = 0; index < fill->count; index++) {
    pattern_fill(data, size, index);
    expect_result(read_now(fixture, reader, size), PC_OK, data, size);
  }
  free(data);
}

static void case_16_message_of_no_bytes_comes_behind_a_full_quota(void **state) {
  low_fixture *fixture = *state;
  static write_fill fill;
  fixture->options.out_quota_bytes = 4 * KILOBYTE;
  low_pair pair = pair_create(fixture, PC_TYPE_MESSAGE);
  fill_until_pending(fixture, pair.server, KILOBYTE, &fill);
  low_operation *empty = write_begin(fixture, pair.server, "", 0);
  bool does_pend = operation_pends(empty);
  assert_false(host.does_empty_write_never_wait && does_pend);
  fill_expect(fixture, pair.client, &fill, KILOBYTE);
  read_expect(fixture, pair.client, "");
  assert_int_equal(operation_end(empty), PC_OK);
  for (unsigned index = 0; index < fill.count; index++) {
    assert_int_equal(operation_end(fill.writes[index]), PC_OK);
    assert_int_equal(fill.writes[index]->bytes, KILOBYTE);
  }
}

static void case_18_message_over_the_limit_is_refused_and_harms_nothing(void **state) {
  low_fixture *fixture = *state;
  fixture->options.max_message_bytes = 100;
  low_pair pair = pair_create(fixture, PC_TYPE_MESSAGE);
  uint8_t data[101];
  pattern_fill(data, sizeof data, 18);
  assert_int_equal(write_now(fixture, pair.server, data, 101)->status, PC_E_TOO_BIG);
  expect_result(write_now(fixture, pair.server, data, 100), PC_OK, data, 100);
  expect_result(read_now(fixture, pair.client, 200), PC_OK, data, 100);
}

static void case_19_large_message_passes_a_small_quota(void **state) {
  low_fixture *fixture = *state;
  enum { SIZE = 64 * 1024 };
  static uint8_t data[SIZE];
  fixture->options.out_quota_bytes = 512;
  fixture->options.in_quota_bytes = 512;
  low_pair pair = pair_create(fixture, PC_TYPE_MESSAGE);
  pc_instance *ends[] = {pair.client, pair.server};
  for (int index = 0; index < 2; index++) {
    pattern_fill(data, SIZE, 19);
    low_operation *read = read_begin(fixture, ends[1 - index], SIZE);
    assert_true(operation_pends(read));
    low_operation *write = write_begin(fixture, ends[index], data, SIZE);
    (void)operation_end(read);
    expect_result(read, PC_OK, data, SIZE);
    (void)operation_end(write);
    expect_result(write, PC_OK, data, SIZE);
  }
}

static void case_19_large_message_without_a_reader_is_read_in_parts(void **state) {
  low_fixture *fixture = *state;
  enum { SIZE = 20 * 1024, PART = 8 * 1024 };
  static uint8_t data[SIZE];
  fixture->options.out_quota_bytes = 512;
  low_pair pair = pair_create(fixture, PC_TYPE_MESSAGE);
  pattern_fill(data, SIZE, 20);
  low_operation *write = write_begin(fixture, pair.server, data, SIZE);
  expect_result(read_now(fixture, pair.client, PART), PC_MORE_DATA, data, PART);
  expect_result(read_now(fixture, pair.client, PART), PC_MORE_DATA, data + PART, PART);
  expect_result(read_now(fixture, pair.client, PART), PC_OK, data + 2 * PART, SIZE - 2 * PART);
  assert_int_equal(operation_end(write), PC_OK);
}

/* ---- backpressure ---- */

enum { WRITES = 300 };

static unsigned over_prefix(low_operation *const *writes, unsigned count) {
  unsigned prefix = 0;
  while (prefix < count && operation_is_over(writes[prefix])) {
    prefix++;
  }
  return prefix;
}

static void case_20_writes_wait_for_the_reader_and_end_in_order(void **state) {
  low_fixture *fixture = *state;
  static low_operation *writes[WRITES];
  static uint8_t data[KILOBYTE];
  fixture->options.out_quota_bytes = 8 * KILOBYTE;
  low_pair pair = pair_create(fixture, PC_TYPE_MESSAGE);
  for (uint32_t index = 0; index < WRITES; index++) {
    pattern_fill(data, KILOBYTE, index);
    writes[index] = write_begin(fixture, pair.server, data, KILOBYTE);
    assert_true(writes[index]->issued >= 0);
  }
  assert_true(operation_pends(writes[WRITES - 1]));
  unsigned prefix = over_prefix(writes, WRITES);
  assert_in_range(prefix, 1, WRITES - 1);
  for (uint32_t index = 0; index < WRITES; index++) {
    pattern_fill(data, KILOBYTE, index);
    expect_result(read_now(fixture, pair.client, KILOBYTE), PC_OK, data, KILOBYTE);
    unsigned now = over_prefix(writes, WRITES);
    assert_true(now >= prefix);
    prefix = now;
    for (unsigned later = prefix + 1; later < WRITES; later++) {
      assert_false(form.is_over(writes[later]) && !form.is_over(writes[prefix]));
    }
  }
  for (uint32_t index = 0; index < WRITES; index++) {
    assert_int_equal(operation_end(writes[index]), PC_OK);
    assert_true(form.bit != COMPLETION || index == 0 ||
                writes[index]->number > writes[index - 1]->number);
  }
}

/* The same of one thread that blocks. */
typedef struct blocked_writer {
  low_fixture *fixture;
  pc_instance *instance;
  atomic_uint written;
} blocked_writer;

static void blocked_writer_run(void *user) {
  blocked_writer *self = user;
  static uint8_t data[KILOBYTE];
  for (uint32_t index = 0; index < WRITES; index++) {
    pattern_fill(data, KILOBYTE, index);
    assert_int_equal(write_now(self->fixture, self->instance, data, KILOBYTE)->status, PC_OK);
    atomic_fetch_add(&self->written, 1);
  }
}

static void case_20_blocked_writer_waits_for_the_reader(void **state) {
  low_fixture *fixture = *state;
  static uint8_t data[KILOBYTE];
  fixture->options.out_quota_bytes = 8 * KILOBYTE;
  low_pair pair = pair_create(fixture, PC_TYPE_MESSAGE);
  blocked_writer writer = {.fixture = fixture, .instance = pair.server};
  host_thread *thread = thread_start(blocked_writer_run, &writer);
  unsigned written = 0;
  WAIT_UNTIL(atomic_load(&writer.written) > 0);
  do {
    written = atomic_load(&writer.written);
    host_pause_ms(
        50); /* it went on for 50 ms without a write: it is blocked, or the machine is slow */
  } while (atomic_load(&writer.written) != written);
  assert_in_range(written, 1, WRITES - 1);
  for (uint32_t index = 0; index < WRITES; index++) {
    pattern_fill(data, KILOBYTE, index);
    expect_result(read_now(fixture, pair.client, KILOBYTE), PC_OK, data, KILOBYTE);
  }
  host_thread_join(thread);
  assert_int_equal(atomic_load(&writer.written), WRITES);
}

/* ---- many writers ---- */

enum { SPEAKERS = 8, SPEECHES = 1000 };

typedef struct speech_text {
  uint32_t speaker;
  uint32_t number;
  uint32_t size; /* of all of it */
  uint32_t sum;
  uint8_t data[200];
} speech_text;

static uint32_t speech_sum(const speech_text *speech) {
  uint32_t sum = speech->speaker * 31 + speech->number;
  for (uint32_t index = 0; index < speech->size - offsetof(struct speech_text, data); index++) {
    sum = sum * 31 + speech->data[index];
  }
  return sum;
}

static void speech_make(speech_text *speech, uint32_t speaker, uint32_t number) {
  uint32_t content = (speaker * 37 + number * 11) % sizeof speech->data;
  speech->speaker = speaker;
  speech->number = number;
  speech->size = (uint32_t)offsetof(struct speech_text, data) + content;
  pattern_fill(speech->data, content, speaker * SPEECHES + number);
  speech->sum = speech_sum(speech);
}

/* Whole, and unharmed. */
static const speech_text *speech_of(const low_operation *read) {
  assert_int_equal(read->status, PC_OK);
  const speech_text *speech = (const struct speech_text *)read->data;
  assert_in_range(read->bytes, offsetof(struct speech_text, data), sizeof *speech);
  assert_int_equal(speech->size, read->bytes);
  assert_int_equal(speech->sum, speech_sum(speech));
  return speech;
}

typedef struct speaking_end {
  low_fixture *fixture;
  pc_instance *instance;
  uint32_t number;
  uint32_t count;
} speaking_end;

static void speaker_run(void *user) {
  const speaking_end *self = user;
  for (uint32_t number = 0; number < self->count; number++) {
    speech_text speech;
    speech_make(&speech, self->number, number);
    assert_int_equal(write_now(self->fixture, self->instance, &speech, speech.size)->status, PC_OK);
  }
}

static void listener_run(void *user) {
  const speaking_end *self = user;
  uint32_t speaker = UINT32_MAX; /* whoever came to this instance */
  for (uint32_t number = 0; number < self->count; number++) {
    const speech_text *speech = speech_of(read_now(self->fixture, self->instance, sizeof *speech));
    speaker = number == 0 ? speech->speaker : speaker;
    assert_int_equal(speech->speaker, speaker);
    assert_int_equal(speech->number, number);
  }
  assert_int_equal(read_status(self->fixture, self->instance), PC_E_BROKEN);
}

static void case_23_writers_of_their_own_connections_tear_nothing(void **state) {
  low_fixture *fixture = *state;
  speaking_end speakers[SPEAKERS];
  speaking_end listeners[SPEAKERS];
  host_thread *threads[2 * SPEAKERS];
  for (uint32_t index = 0; index < SPEAKERS; index++) {
    low_pair pair = pair_connect(fixture);
    speakers[index] = (speaking_end){fixture, pair.client, index, SPEECHES};
    listeners[index] = (speaking_end){fixture, pair.server, index, SPEECHES};
    threads[index] = thread_start(speaker_run, &speakers[index]);
    threads[SPEAKERS + index] = thread_start(listener_run, &listeners[index]);
  }
  for (uint32_t index = 0; index < SPEAKERS; index++) {
    host_thread_join(threads[index]);
    instance_close(fixture, speakers[index].instance);
  }
  for (uint32_t index = SPEAKERS; index < 2 * SPEAKERS; index++) {
    host_thread_join(threads[index]);
  }
}

static void case_24_writers_of_one_connection_keep_each_ones_order(void **state) {
  low_fixture *fixture = *state;
  enum { WRITERS = 4, COUNT = 250 };
  low_pair pair = pair_create(fixture, PC_TYPE_MESSAGE);
  speaking_end speakers[WRITERS];
  host_thread *threads[WRITERS];
  uint32_t next[WRITERS] = {0};
  for (uint32_t index = 0; index < WRITERS; index++) {
    speakers[index] = (speaking_end){fixture, pair.server, index, COUNT};
    threads[index] = thread_start(speaker_run, &speakers[index]);
  }
  for (uint32_t count = 0; count < WRITERS * COUNT; count++) {
    const speech_text *speech = speech_of(read_now(fixture, pair.client, sizeof *speech));
    assert_true(speech->speaker < WRITERS);
    assert_int_equal(speech->number, next[speech->speaker]++);
  }
  for (uint32_t index = 0; index < WRITERS; index++) {
    host_thread_join(threads[index]);
  }
}

/* ---- both ways at once ---- */

enum { DUPLEX_COUNT = 1000 };

typedef struct duplex_end {
  low_fixture *fixture;
  pc_instance *instance;
} duplex_end;

/* One read and one write under way, whatever comes first. */
static void duplex_end_run(void *user) {
  const duplex_end *self = user;
  static const uint32_t capacity = KILOBYTE;
  uint8_t data[KILOBYTE];
  uint32_t written = 0;
  uint32_t read = 0;
  low_operation *pending[2] = {NULL, NULL}; /* a read, a write */
  while (written < DUPLEX_COUNT || read < DUPLEX_COUNT) {
    if (!pending[0] && read < DUPLEX_COUNT) {
      pending[0] = read_begin(self->fixture, self->instance, capacity);
    }
    if (!pending[1] && written < DUPLEX_COUNT) {
      pattern_fill(data, KILOBYTE, written);
      pending[1] = write_begin(self->fixture, self->instance, data, KILOBYTE);
    }
    low_operation *both[2];
    uint32_t count = 0;
    for (int index = 0; index < 2; index++) {
      if (pending[index]) {
        both[count++] = pending[index];
      }
    }
    low_operation *over = both[operations_end_any(both, count)];
    assert_int_equal(over->status, PC_OK);
    if (over == pending[0]) {
      pattern_fill(data, KILOBYTE, read++);
      expect_result(over, PC_OK, data, KILOBYTE);
      pending[0] = NULL;
    } else {
      written++;
      pending[1] = NULL;
    }
  }
}

static void case_25_both_ends_write_at_once(void **state) {
  low_fixture *fixture = *state;
  fixture->options.out_quota_bytes = 4 * KILOBYTE;
  fixture->options.in_quota_bytes = 4 * KILOBYTE;
  low_pair pair = pair_create(fixture, PC_TYPE_MESSAGE);
  duplex_end server = {fixture, pair.server};
  duplex_end client = {fixture, pair.client};
  host_thread *thread = thread_start(duplex_end_run, &server);
  duplex_end_run(&client);
  host_thread_join(thread);
}

static void large_write_to_a_byte_pipe_arrives_whole(void **state) {
  low_fixture *fixture = *state;
  enum { SIZE = 3 * 1024 * 1024 };
  uint8_t *data = malloc(SIZE);
  pattern_fill(data, SIZE, 3);
  low_pair pair = pair_create(fixture, PC_TYPE_BYTE);
  low_operation *write = write_begin(fixture, pair.server, data, SIZE);
  for (uint32_t done = 0; done < SIZE;) {
    low_operation *read = read_now(fixture, pair.client, 100 * 1000);
    assert_int_equal(read->status, PC_OK);
    assert_in_range(read->bytes, 1, SIZE - done);
    assert_memory_equal(read->data, data + done, read->bytes);
    done += read->bytes;
  }
  assert_int_equal(operation_end(write), PC_OK);
  assert_int_equal(write->bytes, SIZE);
  free(data);
}

static void waiting_write_is_over_when_its_reader_closes(void **state) {
  low_fixture *fixture = *state;
  static write_fill fill;
  for (int index = 0; index < 2; index++) {
    low_pair pair = pair_create(fixture, both_types[index]);
    fill_until_pending(fixture, pair.server, 16 * KILOBYTE, &fill);
    instance_close(fixture, pair.client);
    assert_int_equal(operation_end(fill.writes[fill.count - 1]), PC_E_BROKEN);
    instance_close(fixture, pair.server);
  }
}

static void end_of_output_is_read_behind_it_and_the_other_way_goes_on(void **state) {
  low_fixture *fixture = *state;
  for (int index = 0; index < 2; index++) {
    low_pair pair = pair_create(fixture, both_types[index]);
    write_text(fixture, pair.server, "last");
    assert_int_equal(pc_instance_end_output(pair.server), PC_OK);
    assert_int_equal(pc_instance_end_output(pair.server), PC_OK);
    assert_int_equal(write_status(fixture, pair.server), PC_E_BROKEN);
    read_expect(fixture, pair.client, "last");
    assert_int_equal(read_status(fixture, pair.client), PC_E_BROKEN);
    write_text(fixture, pair.client, "and yours");
    read_expect(fixture, pair.server, "and yours");
    instance_close(fixture, pair.server);
    assert_int_equal(pc_instance_end_output(pair.client), PC_OK);
    instance_close(fixture, pair.client);
  }
}

static void output_does_not_end_before_what_waits(void **state) {
  low_fixture *fixture = *state;
  static write_fill fill;
  low_pair pair = pair_create(fixture, PC_TYPE_MESSAGE);
  fill_until_pending(fixture, pair.server, KILOBYTE, &fill);
  assert_int_equal(pc_instance_end_output(pair.server), PC_E_BUSY);
  fill_expect(fixture, pair.client, &fill, KILOBYTE);
  assert_int_equal(operation_end(fill.writes[fill.count - 1]), PC_OK);
  assert_int_equal(pc_instance_end_output(pair.server), PC_OK);
  assert_int_equal(read_status(fixture, pair.client), PC_E_BROKEN);
}

const low_case cases_write[] = {
    LOW_CASE(case_16_message_of_no_bytes_comes_behind_a_full_quota, ALL_FORMS),
    LOW_CASE(case_18_message_over_the_limit_is_refused_and_harms_nothing, ALL_FORMS),
    LOW_CASE(case_19_large_message_passes_a_small_quota, ALL_FORMS),
    LOW_CASE(case_19_large_message_without_a_reader_is_read_in_parts, ALL_FORMS),
    LOW_CASE(case_20_writes_wait_for_the_reader_and_end_in_order, ASYNCHRONOUS),
    LOW_CASE(case_20_blocked_writer_waits_for_the_reader, ALL_FORMS),
    LOW_CASE(case_23_writers_of_their_own_connections_tear_nothing, ALL_FORMS),
    LOW_CASE(case_24_writers_of_one_connection_keep_each_ones_order, ALL_FORMS),
    LOW_CASE(case_25_both_ends_write_at_once, ALL_FORMS),
    LOW_CASE(large_write_to_a_byte_pipe_arrives_whole, ALL_FORMS),
    LOW_CASE(waiting_write_is_over_when_its_reader_closes, ALL_FORMS),
    LOW_CASE(end_of_output_is_read_behind_it_and_the_other_way_goes_on, ALL_FORMS),
    LOW_CASE(output_does_not_end_before_what_waits, ASYNCHRONOUS),
    {0}};
