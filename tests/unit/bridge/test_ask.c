/* Asking the pipe thread, with the test at the other end of the command queue. */
#include "test.h"

#include <stdlib.h>
#include <string.h>

#include "ask.h"

enum { QUEUE_BYTES = 4096 };

typedef struct fixture {
  br_asker asker;
  br_asked asked;
  unsigned wakes;
  unsigned results;
  br_result result;
  bool asks_again;
  /* The last command that went through. */
  unsigned commands;
  br_command command;
  char payload[64];
} fixture;

static void on_wake(void *user) {
  ((fixture *)user)->wakes++;
}

static void on_result(br_asked *asked, const br_result *result) {
  fixture *f = asked->user;
  f->results++;
  f->result = *result;
  if (f->asks_again) {
    f->asks_again = false;
    br_command command = {.kind = BR_COMMAND_INJECT};
    assert_int_equal(br_ask(&f->asker, asked, &command, NULL, NULL), BR_ASK_OK);
  }
}

typedef struct waiter {
  br_ask_waiter base;
  fixture *of;
  const br_command *command; /* sent when there is room; NULL: nothing */
  unsigned calls;
} waiter;

static const uint8_t filler[48];

static void on_room(br_ask_waiter *base) {
  waiter *one = base->user;
  fixture *f = one->of;
  one->calls++;
  br_command command = {.kind = BR_COMMAND_INJECT, .size_bytes = sizeof filler};
  while (one->command && br_ask_send(&f->asker, &command, filler, NULL) == BR_ASK_OK) {
  }
  if (one->command) {
    br_ask_wait(&f->asker, base);
  }
}

static int set_up(void **state) {
  fixture *f = calloc(1, sizeof *f);
  f->asker = (br_asker){.commands = br_queue_create(QUEUE_BYTES), .wake_pipes = on_wake, .user = f};
  f->asked = (br_asked){.on_result = on_result, .user = f};
  *state = f;
  return 0;
}

static int tear_down(void **state) {
  fixture *f = *state;
  br_ask_cancel(&f->asker, &f->asked);
  br_queue_destroy(f->asker.commands);
  br_asker_fini(&f->asker);
  free(f);
  return 0;
}

static void on_command(const void *record, size_t size, void *user) {
  fixture *f = user;
  f->commands++;
  memcpy(&f->command, record, sizeof f->command);
  assert_true(size == sizeof f->command + br_command_tail_bytes(&f->command));
  memset(f->payload, 0, sizeof f->payload);
  memcpy(f->payload, br_command_payload(record), br_command_tail_bytes(&f->command));
}

static void take_commands(fixture *f) {
  (void)br_queue_drain(f->asker.commands, QUEUE_BYTES, on_command, f);
}

static void answer(fixture *f, uint64_t id, br_result result) {
  struct {
    br_event event;
    br_result result;
  } record = {.event = {.kind = BR_RECORD_RESULT, .command_id = id, .size_bytes = sizeof result},
              .result = result};
  br_ask_on_result(&f->asker, &record.event);
}

static void ask_hands_the_command_over_and_tells_its_result_with_its_seq(void **state) {
  fixture *f = *state;
  br_command command = {
      .kind = BR_COMMAND_INJECT, .session = 7, .pipe = 3, .direction = 2, .size_bytes = 4};
  br_sent_by by = {.size = 4, .json = "{by}"};
  assert_true(br_queue_prepare_sleep(f->asker.commands));
  assert_int_equal(br_ask(&f->asker, &f->asked, &command, "word", &by), BR_ASK_OK);
  assert_int_equal(f->wakes, 1);
  take_commands(f);
  assert_string_equal(f->payload, "word{by}");
  assert_int_equal(f->command.id, f->asked.command_id);
  assert_true(f->command.asked_ns > 0);
  assert_int_equal(f->asked.session, 7);
  assert_int_equal(f->asked.pipe, 3);
  assert_int_equal(f->asked.size_bytes, 4);

  br_ask_on_injected(&f->asker, &(br_event){.seq = 99, .command_id = f->command.id});
  assert_int_equal(f->results, 0);
  answer(f, f->command.id, (br_result){.targets = 1, .delivered = 1, .microseconds = 12});
  assert_int_equal(f->results, 1);
  assert_int_equal(f->result.microseconds, 12);
  assert_int_equal(f->asked.seq, 99);
  assert_int_equal(f->asked.command_id, 0);
}

static void ask_tells_each_result_once(void **state) {
  fixture *f = *state;
  br_command command = {.kind = BR_COMMAND_PING};
  assert_int_equal(br_ask(&f->asker, &f->asked, &command, NULL, NULL), BR_ASK_OK);
  answer(f, command.id + 1, (br_result){0}); /* somebody else's */
  assert_int_equal(f->results, 0);
  answer(f, command.id, (br_result){0});
  answer(f, command.id, (br_result){0});
  assert_int_equal(f->results, 1);
}

static void ask_cancelled_is_not_told_but_still_done(void **state) {
  fixture *f = *state;
  br_command command = {.kind = BR_COMMAND_INJECT};
  assert_int_equal(br_ask(&f->asker, &f->asked, &command, NULL, NULL), BR_ASK_OK);
  br_ask_cancel(&f->asker, &f->asked);
  br_ask_cancel(&f->asker, &f->asked); /* as often as one likes */
  take_commands(f);
  assert_int_equal(f->commands, 1);
  br_ask_on_injected(&f->asker, &(br_event){.seq = 5, .command_id = command.id});
  answer(f, command.id, (br_result){.delivered = 1});
  assert_int_equal(f->results, 0);
}

static void ask_may_ask_again_from_its_result(void **state) {
  fixture *f = *state;
  br_command command = {.kind = BR_COMMAND_INJECT};
  assert_int_equal(br_ask(&f->asker, &f->asked, &command, NULL, NULL), BR_ASK_OK);
  br_ask_on_injected(&f->asker, &(br_event){.seq = 5, .command_id = command.id});
  f->asks_again = true;
  answer(f, command.id, (br_result){.delivered = 1});
  assert_int_not_equal(f->asked.command_id, 0);
  assert_int_equal(f->asked.seq, 0); /* not the first one's */
  answer(f, f->asked.command_id, (br_result){0});
  assert_int_equal(f->results, 2);
}

static void ask_for_many_commands_has_one_id_and_a_result_for_each(void **state) {
  fixture *f = *state;
  br_command command = {.kind = BR_COMMAND_INJECT};
  for (unsigned count = 1; count <= 3; count++) {
    assert_int_equal(br_ask(&f->asker, &f->asked, &command, NULL, NULL), BR_ASK_OK);
    assert_int_equal(f->asked.under_way, count);
    assert_int_equal(f->asked.command_id, command.id);
  }
  uint64_t id = f->asked.command_id;
  br_ask_on_injected(&f->asker, &(br_event){.seq = 5, .command_id = id});
  br_ask_on_injected(&f->asker, &(br_event){.seq = 9, .command_id = id});
  for (unsigned count = 1; count <= 3; count++) {
    answer(f, id, (br_result){.delivered = 1});
    assert_int_equal(f->results, count);
    assert_int_equal(f->asked.under_way, 3 - count);
  }
  assert_int_equal(f->asked.first_seq, 5);
  assert_int_equal(f->asked.seq, 9);
  assert_int_equal(f->asker.waiting.count, 0);
}

static void ask_with_a_full_queue_sends_nothing_and_leaves_nobody_waiting(void **state) {
  fixture *f = *state;
  char payload[512] = "";
  br_command command = {.kind = BR_COMMAND_INJECT, .size_bytes = sizeof payload};
  unsigned sent = 0;
  while (br_ask_send(&f->asker, &command, payload, NULL) == BR_ASK_OK) {
    assert_true(++sent < QUEUE_BYTES / sizeof payload);
  }
  assert_int_equal(br_ask(&f->asker, &f->asked, &command, payload, NULL), BR_ASK_FULL);
  assert_int_equal(f->asked.command_id, 0);
  assert_int_equal(f->asker.waiting.count, 0);
  command.size_bytes = 0;
  f->command.size_bytes = 0;
  br_command large = {.kind = BR_COMMAND_INJECT, .size_bytes = QUEUE_BYTES};
  assert_int_equal(br_ask(&f->asker, &f->asked, &large, payload, NULL), BR_ASK_TOO_BIG);
  assert_int_equal(f->asker.waiting.count, 0);
}

static waiter waiter_of(fixture *f) {
  return (waiter){.base = {.on_room = on_room}, .of = f};
}

static void fill(fixture *f) {
  br_command command = {.kind = BR_COMMAND_INJECT, .size_bytes = sizeof filler};
  while (br_ask_send(&f->asker, &command, filler, NULL) == BR_ASK_OK) {
  }
}

static void waiters_try_again_when_half_of_the_queue_is_free(void **state) {
  fixture *f = *state;
  waiter one = waiter_of(f);
  waiter other = waiter_of(f);
  one.base.user = &one;
  other.base.user = &other;
  fill(f);
  br_ask_wait(&f->asker, &one.base);
  br_ask_wait(&f->asker, &one.base); /* as often as one likes */
  br_ask_wait(&f->asker, &other.base);
  br_ask_serve_waiters(&f->asker);
  assert_int_equal(one.calls + other.calls, 0);
  assert_true(br_ask_prepare_sleep(&f->asker));
  (void)br_queue_drain(f->asker.commands, QUEUE_BYTES, on_command, f);
  assert_true(br_queue_room_wanted(f->asker.commands)); /* so its reader wakes who sleeps */
  assert_false(br_ask_prepare_sleep(&f->asker));
  br_ask_serve_waiters(&f->asker);
  assert_int_equal(one.calls, 1);
  assert_int_equal(other.calls, 1);
  br_ask_serve_waiters(&f->asker);
  assert_int_equal(one.calls, 1);
  assert_true(br_ask_prepare_sleep(&f->asker));
}

static void waiter_that_fills_the_queue_again_waits_for_the_next_round(void **state) {
  fixture *f = *state;
  static const br_command any;
  waiter one = waiter_of(f);
  one.base.user = &one;
  one.command = &any;
  fill(f);
  br_ask_wait(&f->asker, &one.base);
  for (unsigned round = 1; round <= 3; round++) {
    (void)br_queue_drain(f->asker.commands, QUEUE_BYTES, on_command, f);
    br_ask_serve_waiters(&f->asker);
    assert_int_equal(one.calls, round);
  }
  br_ask_wait_cancel(&f->asker, &one.base);
  br_ask_wait_cancel(&f->asker, &one.base);
  (void)br_queue_drain(f->asker.commands, QUEUE_BYTES, on_command, f);
  br_ask_serve_waiters(&f->asker);
  assert_int_equal(one.calls, 3);
}

static void waiter_that_was_cancelled_is_left_out(void **state) {
  fixture *f = *state;
  waiter one = waiter_of(f);
  waiter other = waiter_of(f);
  one.base.user = &one;
  other.base.user = &other;
  br_ask_wait(&f->asker, &one.base);
  br_ask_wait(&f->asker, &other.base);
  br_ask_wait_cancel(&f->asker, &one.base);
  br_ask_serve_waiters(&f->asker);
  assert_int_equal(one.calls, 0);
  assert_int_equal(other.calls, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(ask_hands_the_command_over_and_tells_its_result_with_its_seq,
                                      set_up, tear_down),
      cmocka_unit_test_setup_teardown(ask_tells_each_result_once, set_up, tear_down),
      cmocka_unit_test_setup_teardown(ask_cancelled_is_not_told_but_still_done, set_up, tear_down),
      cmocka_unit_test_setup_teardown(ask_may_ask_again_from_its_result, set_up, tear_down),
      cmocka_unit_test_setup_teardown(waiters_try_again_when_half_of_the_queue_is_free, set_up,
                                      tear_down),
      cmocka_unit_test_setup_teardown(waiter_that_fills_the_queue_again_waits_for_the_next_round,
                                      set_up, tear_down),
      cmocka_unit_test_setup_teardown(waiter_that_was_cancelled_is_left_out, set_up, tear_down),
      cmocka_unit_test_setup_teardown(ask_for_many_commands_has_one_id_and_a_result_for_each,
                                      set_up, tear_down),
      cmocka_unit_test_setup_teardown(ask_with_a_full_queue_sends_nothing_and_leaves_nobody_waiting,
                                      set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
