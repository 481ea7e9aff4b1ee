/* Timers of the loop, on the fake's clock and on the system's. */
#include "loop_journal.h"

#include <string.h>

#include "backend_refusal.h"
#include "pipecore/fake.h"

/* What a case uses that needs a system; main runs such cases over each. */
static pc_backend_kind system_kind;

static void timers_run_in_the_order_of_their_deadlines_and_not_before(void **state) {
  (void)state;
  turn_journal journal = {.size = 0};
  pc_loop *loop = loop_create(PC_BACKEND_FAKE);
  noting_timer timers[4];
  static const uint64_t delays_ms[] = {30, 10, 40, 20};
  for (int index = 0; index < 4; index++) {
    noting_timer_init(&timers[index], &journal, (char)('0' + delays_ms[index] / 10));
    assert_int_equal(pc_timer_start(loop, &timers[index].timer, delays_ms[index]), PC_OK);
  }
  pc_fake_advance(loop, 9);
  turn(loop);
  assert_string_equal(journal.text, "");
  pc_fake_advance(loop, 1);
  turn(loop);
  assert_string_equal(journal.text, "1");
  pc_fake_advance(loop, 100);
  turn(loop);
  turn(loop);
  assert_string_equal(journal.text, "1234"); /* once each */
  pc_loop_destroy(loop);
}

static void timer_is_moved_by_start_and_silenced_by_stop(void **state) {
  (void)state;
  turn_journal journal = {.size = 0};
  pc_loop *loop = loop_create(PC_BACKEND_FAKE);
  noting_timer moved;
  noting_timer stopped;
  noting_timer_init(&moved, &journal, 'm');
  noting_timer_init(&stopped, &journal, 's');
  assert_int_equal(pc_timer_start(loop, &moved.timer, 10), PC_OK);
  assert_int_equal(pc_timer_start(loop, &stopped.timer, 10), PC_OK);
  assert_int_equal(pc_timer_start(loop, &moved.timer, 50), PC_OK);
  pc_timer_stop(loop, &stopped.timer);
  pc_timer_stop(loop, &stopped.timer); /* nothing to stop is fine */
  pc_fake_advance(loop, 20);
  turn(loop);
  assert_string_equal(journal.text, "");
  pc_fake_advance(loop, 30);
  turn(loop);
  assert_string_equal(journal.text, "m");
  assert_int_equal(pc_timer_start(loop, &stopped.timer, UINT64_MAX),
                   PC_OK); /* never, not at once */
  turn(loop);
  assert_string_equal(journal.text, "m");
  pc_timer_stop(loop, &stopped.timer);
  pc_loop_destroy(loop);
}

typedef struct restarting_timer {
  pc_timer timer;
  pc_loop *loop;
  unsigned runs;
} restarting_timer;

static void restarting_timer_run(pc_timer *timer, void *user) {
  restarting_timer *self = user;
  self->runs++;
  assert_int_equal(pc_timer_start(self->loop, timer, 0), PC_OK);
}

static void timer_that_starts_itself_again_runs_once_a_turn(void **state) {
  (void)state;
  pc_loop *loop = loop_create(PC_BACKEND_FAKE);
  restarting_timer self = {.loop = loop};
  self.timer = (pc_timer){.routine = restarting_timer_run, .user = &self};
  assert_int_equal(pc_timer_start(loop, &self.timer, 0), PC_OK);
  for (unsigned count = 1; count <= 3; count++) {
    turn(loop);
    assert_int_equal(self.runs, count);
  }
  pc_timer_stop(loop, &self.timer);
  pc_loop_destroy(loop);
}

typedef struct stopping_timer {
  pc_timer timer;
  pc_loop *loop;
  pc_timer *victim;
} stopping_timer;

static void stopping_timer_run(pc_timer *timer, void *user) {
  (void)timer;
  stopping_timer *self = user;
  pc_timer_stop(self->loop, self->victim);
}

static void timer_that_is_due_can_still_be_stopped_by_an_earlier_one(void **state) {
  (void)state;
  turn_journal journal = {.size = 0};
  pc_loop *loop = loop_create(PC_BACKEND_FAKE);
  noting_timer victim;
  noting_timer_init(&victim, &journal, 'v');
  stopping_timer stopper = {.loop = loop, .victim = &victim.timer};
  stopper.timer = (pc_timer){.routine = stopping_timer_run, .user = &stopper};
  assert_int_equal(pc_timer_start(loop, &victim.timer, 2), PC_OK);
  assert_int_equal(pc_timer_start(loop, &stopper.timer, 1), PC_OK);
  pc_fake_advance(loop, 10);
  turn(loop);
  turn(loop);
  assert_string_equal(journal.text, "");
  pc_loop_destroy(loop);
}

enum { MANY = 1000 };

typedef struct ordered_timer {
  pc_timer timer;
  uint64_t *last_ns;
  unsigned *run_count;
} ordered_timer;

static void ordered_timer_run(pc_timer *timer, void *user) {
  ordered_timer *self = user;
  assert_true(timer->deadline_ns >= *self->last_ns);
  *self->last_ns = timer->deadline_ns;
  (*self->run_count)++;
}

static void thousand_timers_started_moved_and_stopped_at_random_run_in_order(void **state) {
  (void)state;
  static ordered_timer timers[MANY];
  uint64_t last_ns = 0;
  unsigned run_count = 0;
  unsigned stopped = 0;
  uint32_t random = 1;
  pc_loop *loop = loop_create(PC_BACKEND_FAKE);
  for (int index = 0; index < MANY; index++) {
    timers[index] = (ordered_timer){.last_ns = &last_ns, .run_count = &run_count};
    timers[index].timer = (pc_timer){.routine = ordered_timer_run, .user = &timers[index]};
    random = random * 1664525u + 1013904223u;
    assert_int_equal(pc_timer_start(loop, &timers[index].timer, random >> 22), PC_OK);
    if (index % 3 == 0) {
      assert_int_equal(pc_timer_start(loop, &timers[index / 2].timer, random >> 21 & 1023), PC_OK);
    }
  }
  for (int index = 0; index < MANY; index += 5, stopped++) {
    pc_timer_stop(loop, &timers[index].timer);
  }
  pc_fake_advance(loop, 5000);
  turn(loop);
  assert_int_equal(run_count, MANY - stopped);
  pc_loop_destroy(loop);
}

static void sleeping_loop_wakes_for_its_timer(void **state) {
  (void)state;
  turn_journal journal = {.size = 0};
  pc_loop *loop = loop_create(system_kind);
  noting_timer timer;
  noting_timer_init(&timer, &journal, 't');
  assert_int_equal(pc_timer_start(loop, &timer.timer, 20), PC_OK);
  uint64_t begin_ns = pc_loop_now_ns(loop);
  for (int count = 0; count < 100 && journal.size == 0; count++) {
    assert_int_equal(pc_loop_turn(loop, -1), PC_OK);
  }
  assert_string_equal(journal.text, "t");
  assert_true(pc_loop_now_ns(loop) - begin_ns >= 20u * 1000000);
  assert_true(pc_loop_turn_count(loop) < 5); /* it slept */
  pc_loop_destroy(loop);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(timers_run_in_the_order_of_their_deadlines_and_not_before),
      cmocka_unit_test(timer_is_moved_by_start_and_silenced_by_stop),
      cmocka_unit_test(timer_that_starts_itself_again_runs_once_a_turn),
      cmocka_unit_test(timer_that_is_due_can_still_be_stopped_by_an_earlier_one),
      cmocka_unit_test(thousand_timers_started_moved_and_stopped_at_random_run_in_order),
  };
  const struct CMUnitTest system_tests[] = {
      cmocka_unit_test(sleeping_loop_wakes_for_its_timer),
  };
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  system_kind = PC_BACKEND_EPOLL;
  failed += cmocka_run_group_tests_name("epoll", system_tests, NULL, NULL);
  system_kind = PC_BACKEND_IO_URING;
  if (!backend_is_refused(system_kind)) {
    failed += cmocka_run_group_tests_name("io_uring", system_tests, NULL, NULL);
  }
  return failed;
}
