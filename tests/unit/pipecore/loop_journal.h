/* What the tests of the loop share: loops, turns, and a journal of what ran, as letters. */
#ifndef TESTS_UNIT_PIPECORE_LOOP_JOURNAL_H
#define TESTS_UNIT_PIPECORE_LOOP_JOURNAL_H

#include "test.h"

#include <stdbool.h>

#include "pipecore/loop.h"

static inline pc_loop *loop_create(pc_backend_kind backend) {
  pc_loop *loop = NULL;
  pc_loop_options options = {.backend = backend};
  assert_int_equal(pc_loop_create(&options, &loop), PC_OK);
  return loop;
}

static inline void turn(pc_loop *loop) {
  assert_int_equal(pc_loop_turn(loop, 0), PC_OK);
}

typedef struct turn_journal {
  char text[64];
  size_t size;
} turn_journal;

static inline void note(turn_journal *journal, char letter) {
  assert_true(journal->size + 1 < sizeof journal->text);
  journal->text[journal->size++] = letter;
}

typedef struct noting_timer {
  pc_timer timer;
  turn_journal *journal;
  char letter;
} noting_timer;

static inline void noting_timer_run(pc_timer *timer, void *user) {
  (void)timer;
  noting_timer *self = user;
  note(self->journal, self->letter);
}

static inline void noting_timer_init(noting_timer *self, turn_journal *journal, char letter) {
  *self = (noting_timer){.journal = journal, .letter = letter};
  self->timer.routine = noting_timer_run;
  self->timer.user = self;
}

#endif
