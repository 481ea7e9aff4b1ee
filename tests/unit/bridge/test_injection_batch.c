/* Batches, with the test at the other end of the command queue: everything is handed over once and
 * in order, and counted, whatever room there is. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "injection_batch.h"

enum { QUEUE_BYTES = 4096, LIMIT_BYTES = 100, MESSAGES = 2000 };

typedef struct fixture {
  br_pipe_config pipe;
  br_registry registry;
  br_pipe_live live;
  br_asker asker;
  br_batch batch;
  unsigned sent, ended;
  uint32_t commands; /* taken out of the queue */
  uint64_t seq;
  uint64_t ids[MESSAGES];
} fixture;

static void on_wake(void *user) {
  (void)user;
}

static void on_sent(br_batch *batch) {
  ((fixture *)batch->user)->sent++;
}

static void on_end(br_batch *batch) {
  ((fixture *)batch->user)->ended++;
}

static int set_up(void **state) {
  fixture *f = calloc(1, sizeof *f);
  f->pipe = (br_pipe_config){.name = (char *)"demo", .limits.max_message_bytes = LIMIT_BYTES};
  uint16_t index;
  assert_true(br_registry_init(&f->registry));
  assert_int_equal(br_registry_reserve(&f->registry, "demo", &index), BR_RESERVE_OK);
  br_registry_add(&f->registry, index, &f->pipe, &f->live);
  f->asker = (br_asker){.commands = br_queue_create(QUEUE_BYTES), .wake_pipes = on_wake, .user = f};
  f->batch = (br_batch){.on_sent = on_sent,
                        .on_end = on_end,
                        .user = f,
                        .asker = &f->asker,
                        .registry = &f->registry,
                        .command = {.kind = BR_COMMAND_INJECT, .session = 1, .pipe = index}};
  *state = f;
  return 0;
}

static int tear_down(void **state) {
  fixture *f = *state;
  br_batch_cancel(&f->batch);
  br_queue_destroy(f->asker.commands);
  br_asker_fini(&f->asker);
  br_registry_fini(&f->registry);
  free(f);
  return 0;
}

/* Messages "0", "1", …, each behind its size. */
static br_client_messages numbers(uint8_t *out_data, uint32_t count) {
  size_t size = 0;
  for (uint32_t number = 0; number < count; number++) {
    int length = sprintf((char *)out_data + size + 4, "%u", number);
    memset(out_data + size, 0, 4);
    out_data[size] = (uint8_t)length;
    size += 4 + (size_t)length;
  }
  return (br_client_messages){.data = out_data, .size = size, .count = count};
}

static void on_command(const void *record, size_t size, void *user) {
  fixture *f = user;
  const br_command *command = record;
  char expected[16];
  int length = snprintf(expected, sizeof expected, "%u", f->commands);
  assert_int_equal(size, sizeof *command + (size_t)length);
  assert_memory_equal(br_command_payload(command), expected, (size_t)length);
  assert_true(f->commands < MESSAGES);
  f->ids[f->commands++] = command->id;
}

static void take_some(fixture *f, size_t max_bytes) {
  (void)br_queue_drain(f->asker.commands, max_bytes, on_command, f);
}

static void answer(fixture *f, uint32_t number, br_result result) {
  struct {
    br_event event;
    br_result result;
  } record = {.event = {.kind = BR_RECORD_RESULT, .size_bytes = sizeof result}, .result = result};
  record.event.command_id = f->ids[number];
  br_event injected = {.kind = BR_EVENT_INJECTED, .seq = ++f->seq, .command_id = f->ids[number]};
  br_ask_on_injected(&f->asker, &injected);
  br_ask_on_result(&f->asker, &record.event);
}

static uint32_t count_of(const br_batch *batch, const char *code) {
  for (uint32_t index = 0; index < batch->outcome_count; index++) {
    if (strcmp(batch->outcomes[index].outcome.code, code) == 0) {
      return batch->outcomes[index].count;
    }
  }
  return 0;
}

static void batch_that_fits_is_handed_over_at_once(void **state) {
  fixture *f = *state;
  uint8_t data[64];
  br_client_messages messages = numbers(data, 3);
  br_batch_begin(&f->batch, &messages);
  assert_false(br_batch_is_waiting(&f->batch));
  assert_false(br_batch_is_done(&f->batch));
  take_some(f, QUEUE_BYTES);
  assert_int_equal(f->commands, 3);
  answer(f, 0, (br_result){.targets = 1, .delivered = 1});
  answer(f, 2, (br_result){.targets = 1, .queued = 1});
  assert_int_equal(f->ended, 0);
  answer(f, 1, (br_result){.targets = 1, .closed = 1});
  assert_int_equal(f->ended, 1);
  assert_true(br_batch_is_done(&f->batch));
  assert_int_equal(count_of(&f->batch, "delivered"), 1);
  assert_int_equal(count_of(&f->batch, "queued"), 1);
  assert_int_equal(count_of(&f->batch, "session_closed"), 1);
  assert_int_equal(f->batch.first_seq, 1);
  assert_int_equal(f->batch.last_seq, 3);
  assert_int_equal(f->batch.bytes, 3);
  assert_non_null(strstr(f->batch.failure, "Session 1 is closed"));
}

static void batch_of_nothing_is_done_at_once(void **state) {
  fixture *f = *state;
  br_batch_begin(&f->batch, &(br_client_messages){0});
  assert_true(br_batch_is_done(&f->batch));
  assert_int_equal(f->ended + f->sent, 0);
}

static void batch_larger_than_the_queue_waits_for_room_and_loses_nothing(void **state) {
  fixture *f = *state;
  static uint8_t data[MESSAGES * 8];
  br_client_messages messages = numbers(data, MESSAGES);
  br_batch_begin(&f->batch, &messages);
  memset(data, 0xff, sizeof data); /* it was borrowed */
  assert_true(br_batch_is_waiting(&f->batch));
  uint32_t answered = 0;
  while (f->ended == 0) {
    take_some(f, QUEUE_BYTES);
    /* All that is under way ends before the rest goes: its id changes. */
    while (answered < f->commands) {
      answer(f, answered++, (br_result){.targets = 1, .delivered = 1});
    }
    br_ask_serve_waiters(&f->asker);
  }
  assert_int_equal(f->commands, MESSAGES);
  assert_int_equal(count_of(&f->batch, "delivered"), MESSAGES);
  assert_int_equal(f->sent, 1);
  assert_int_equal(f->ended, 1);
  assert_int_equal(f->batch.first_seq, 1);
  assert_int_equal(f->batch.last_seq, MESSAGES);
}

static void batch_that_is_cancelled_hands_over_no_more(void **state) {
  fixture *f = *state;
  static uint8_t data[MESSAGES * 8];
  br_client_messages messages = numbers(data, MESSAGES);
  br_batch_begin(&f->batch, &messages);
  br_batch_cancel(&f->batch);
  take_some(f, QUEUE_BYTES);
  uint32_t taken = f->commands;
  br_ask_serve_waiters(&f->asker);
  take_some(f, QUEUE_BYTES);
  assert_int_equal(f->commands, taken);
  answer(f, 0, (br_result){.delivered = 1});
  assert_int_equal(f->ended + f->sent, 0);
}

static void message_that_no_pipe_takes_is_counted_and_the_others_go(void **state) {
  fixture *f = *state;
  uint8_t data[4 + 1 + 4 + LIMIT_BYTES + 1 + 4 + 1] = {1, 0, 0, 0, '0', LIMIT_BYTES + 1};
  memcpy(data + sizeof data - 5,
         "\x01\0\0\0"
         "1",
         5);
  br_client_messages messages = {.data = data, .size = sizeof data, .count = 3};
  br_batch_begin(&f->batch, &messages);
  take_some(f, QUEUE_BYTES);
  assert_int_equal(f->commands, 2);
  assert_int_equal(count_of(&f->batch, "too_large"), 1);
  assert_non_null(strstr(f->batch.failure, "max_message_bytes"));
  answer(f, 0, (br_result){.targets = 1, .delivered = 1});
  answer(f, 1, (br_result){.targets = 1, .delivered = 1});
  assert_int_equal(f->ended, 1);
  assert_int_equal(count_of(&f->batch, "delivered"), 2);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(batch_that_fits_is_handed_over_at_once, set_up, tear_down),
      cmocka_unit_test_setup_teardown(batch_of_nothing_is_done_at_once, set_up, tear_down),
      cmocka_unit_test_setup_teardown(batch_larger_than_the_queue_waits_for_room_and_loses_nothing,
                                      set_up, tear_down),
      cmocka_unit_test_setup_teardown(message_that_no_pipe_takes_is_counted_and_the_others_go,
                                      set_up, tear_down),
      cmocka_unit_test_setup_teardown(batch_that_is_cancelled_hands_over_no_more, set_up,
                                      tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
