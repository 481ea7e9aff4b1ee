/* Cases of completion routines: on which thread, when, in which order; posted ones among them. Only
 * of the completion form. What a routine may not do is recorded in it, since a test cannot fail
 * there. */
#include "low.h"

static void case_42_routine_runs_in_no_wait_but_an_alertable_one(void **state) {
  low_fixture *fixture = *state;
  low_pair pair = pair_create(fixture, PC_TYPE_MESSAGE);
  low_operation *read = read_begin(fixture, pair.server, 16);
  /* what blocks, but not alertably */
  uint32_t bytes;
  assert_int_equal(pc_instance_write(pair.client, "due", 3, &bytes, NULL), PC_OK);
  assert_int_equal(wait_events(NULL, 0, 50, false, NULL), PC_E_TIMEOUT);
  assert_int_equal(pc_instance_write(pair.server, "other", 5, &bytes, NULL), PC_OK);
  char data[16];
  assert_int_equal(pc_instance_read(pair.client, data, sizeof data, &bytes, NULL), PC_OK);
  assert_int_equal(pc_instance_flush(pair.server, DEADLINE_MS), PC_OK);
  assert_int_equal(pc_overlapped_result(&read->overlapped, DEADLINE_MS, &bytes), PC_OK);
  assert_int_equal(atomic_load(&read->over_count), 0);
  assert_int_equal(wait_alertably(DEADLINE_MS), PC_COMPLETION);
  assert_int_equal(atomic_load(&read->over_count), 1);
  (void)operation_end(read);
  expect_text(read, PC_OK, "due");
  assert_int_equal(wait_alertably(0), PC_E_TIMEOUT);
}

/* What is there already makes no exception: the operation checks that no routine runs inside the
 * call. */
static void case_42_routine_of_what_is_over_at_once_is_queued_too(void **state) {
  low_fixture *fixture = *state;
  low_pair pair = pair_create(fixture, PC_TYPE_MESSAGE);
  write_text(fixture, pair.client, "here");
  low_operation *read = read_begin(fixture, pair.server, 16);
  low_operation *write = write_begin(fixture, pair.server, "room", 4);
  assert_int_equal(atomic_load(&read->over_count), 0);
  assert_int_equal(atomic_load(&write->over_count), 0);
  assert_int_equal(operation_end(read), PC_OK);
  assert_int_equal(operation_end(write), PC_OK);
}

static void alertable_wait_run(void *user) {
  atomic_bool *is_done = user;
  while (!atomic_load(is_done)) {
    assert_int_equal(wait_alertably(5), PC_E_TIMEOUT); /* nothing is ever due here */
  }
}

static void case_42_routine_is_for_the_issuing_thread_only(void **state) {
  low_fixture *fixture = *state;
  low_pair pair = pair_create(fixture, PC_TYPE_MESSAGE);
  atomic_bool is_done = false;
  host_thread *thread = thread_start(alertable_wait_run, &is_done);
  for (int round = 0; round < 20; round++) {
    low_operation *read = read_begin(fixture, pair.server, 16);
    write_text(fixture, pair.client, "mine");
    assert_int_equal(operation_end(read), PC_OK);
  }
  atomic_store(&is_done, true);
  host_thread_join(thread);
}

enum { ORDERED = 3 };
static const char *const ordered_texts[ORDERED] = {"first", "second", "third"};

static void ordered_expect(low_operation *const *reads) {
  for (int index = 0; index < ORDERED; index++) {
    assert_int_equal(atomic_load(&reads[index]->over_count), 1);
    (void)operation_end(reads[index]);
    expect_text(reads[index], PC_OK, ordered_texts[index]);
    assert_true(index == 0 || reads[index]->number == reads[index - 1]->number + 1);
  }
}

static void case_43_one_wait_runs_all_that_is_due_in_order(void **state) {
  low_fixture *fixture = *state;
  low_pair pair = pair_create(fixture, PC_TYPE_MESSAGE);
  low_operation *reads[ORDERED];
  for (int index = 0; index < ORDERED; index++) {
    write_text(fixture, pair.client, ordered_texts[index]);
  }
  for (int index = 0; index < ORDERED; index++) {
    reads[index] = read_begin(fixture, pair.server, 16);
  }
  uint32_t bytes; /* all three are over, by their records */
  for (int index = 0; index < ORDERED; index++) {
    assert_int_equal(pc_overlapped_result(&reads[index]->overlapped, DEADLINE_MS, &bytes), PC_OK);
  }
  assert_int_equal(wait_alertably(-1), PC_COMPLETION);
  ordered_expect(reads);
}

static void case_43_waiting_reads_complete_in_order(void **state) {
  low_fixture *fixture = *state;
  low_pair pair = pair_create(fixture, PC_TYPE_MESSAGE);
  low_operation *reads[ORDERED];
  for (int index = 0; index < ORDERED; index++) {
    reads[index] = read_begin(fixture, pair.server, 16);
  }
  uint32_t bytes;
  for (int index = 0; index < ORDERED; index++) {
    assert_int_equal(pc_instance_write(pair.client, ordered_texts[index],
                                       (uint32_t)strlen(ordered_texts[index]), &bytes, NULL),
                     PC_OK);
  }
  for (int index = 0; index < ORDERED; index++) {
    assert_int_equal(pc_overlapped_result(&reads[index]->overlapped, DEADLINE_MS, &bytes), PC_OK);
    assert_int_equal(atomic_load(&reads[index]->over_count), 0);
  }
  assert_int_equal(wait_alertably(-1), PC_COMPLETION);
  ordered_expect(reads);
}

/* ---- a routine that waits ---- */

typedef struct nesting {
  low_pair pair;
  unsigned depth_max;
  pc_status waits[2];
  pc_status blocking[8];
  unsigned blocking_count;
} nesting;

static void nest_on_over(low_operation *operation) {
  nesting *nest = operation->user;
  if (alertable_depth() > nest->depth_max) {
    nest->depth_max = alertable_depth();
  }
  if (alertable_depth() == 1) {
    nest->waits[0] = wait_events(NULL, 0, DEADLINE_MS, true, NULL);
    nest->waits[1] = wait_events(NULL, 0, 0, true, NULL);
  }
}

static void case_44_routine_may_wait_and_later_ones_run_inside(void **state) {
  low_fixture *fixture = *state;
  low_pair pair = pair_create(fixture, PC_TYPE_MESSAGE);
  nesting nest = {.pair = pair};
  low_operation *first = read_begin(fixture, pair.server, 16);
  low_operation *other = read_begin(fixture, pair.client, 16);
  first->user = &nest;
  first->on_over = nest_on_over;
  other->user = &nest;
  other->on_over = nest_on_over;
  uint32_t bytes;
  assert_int_equal(pc_instance_write(pair.client, "outer", 5, &bytes, NULL), PC_OK);
  assert_int_equal(pc_overlapped_result(&first->overlapped, DEADLINE_MS, &bytes), PC_OK);
  assert_int_equal(pc_instance_write(pair.server, "inner", 5, &bytes, NULL), PC_OK);
  assert_int_equal(wait_alertably(-1), PC_COMPLETION);
  assert_int_equal(nest.depth_max, 2);
  assert_int_equal(nest.waits[0], PC_COMPLETION);
  assert_int_equal(nest.waits[1], PC_E_TIMEOUT);
  assert_int_equal(atomic_load(&first->over_count), 1);
  assert_int_equal(atomic_load(&other->over_count), 1);
  (void)operation_end(first);
  (void)operation_end(other);
  expect_text(first, PC_OK, "outer");
  expect_text(other, PC_OK, "inner");
}

static void blocking_on_over(low_operation *operation) {
  nesting *nest = operation->user;
  char data[8];
  uint32_t bytes;
  pc_instance *instance = NULL;
  pc_overlapped *pending = &operation->next->overlapped; /* the one begun before it */
  pc_status *blocking = nest->blocking;
  blocking[0] = pc_instance_read(nest->pair.server, data, sizeof data, &bytes, NULL);
  blocking[1] = pc_instance_write(nest->pair.server, "x", 1, &bytes, NULL);
  blocking[2] = pc_instance_flush(nest->pair.server, -1);
  blocking[3] = pc_instance_connect(nest->pair.server, NULL);
  blocking[4] = pc_instance_transact(nest->pair.client, "x", 1, data, sizeof data, &bytes, NULL);
  blocking[5] = pc_instance_open(operation->fixture->path, PC_TYPE_MESSAGE, 100, &instance);
  blocking[6] = pc_instance_wait(operation->fixture->path, PC_TYPE_MESSAGE, 100);
  blocking[7] = pc_overlapped_result(pending, -1, &bytes);
  nest->blocking_count = 8;
}

static void case_44_calls_that_block_are_refused_in_a_routine(void **state) {
  low_fixture *fixture = *state;
  low_pair pair = pair_create(fixture, PC_TYPE_MESSAGE);
  nesting nest = {.pair = pair};
  low_operation *pending = read_begin(fixture, pair.client, 16);
  low_operation *read = read_begin(fixture, pair.server, 16);
  assert_ptr_equal(read->next, pending);
  read->user = &nest;
  read->on_over = blocking_on_over;
  write_text(fixture, pair.client, "go");
  assert_int_equal(operation_end(read), PC_OK);
  assert_int_equal(nest.blocking_count, 8);
  for (unsigned index = 0; index < nest.blocking_count; index++) {
    assert_int_equal(nest.blocking[index], PC_E_WOULD_DEADLOCK);
  }
  assert_false(operation_is_over(pending));
  write_text(fixture, pair.server, "unharmed");
  assert_int_equal(operation_end(pending), PC_OK);
}

/* The way of the documentation's server: a read's routine begins the write, whose routine begins
 * the next read. */
typedef struct echo_chain {
  low_fixture *fixture;
  pc_instance *server;
  unsigned steps;
  pc_status wrong;
} echo_chain;

static void chain_on_over(low_operation *over) {
  echo_chain *chain = over->user;
  if (over->status != PC_OK) {
    return; /* the client is gone */
  }
  chain->steps++;
  low_operation *next = over->kind == OPERATION_READ
                            ? write_begin(chain->fixture, chain->server, over->data, over->bytes)
                            : read_begin(chain->fixture, chain->server, 64);
  next->user = chain;
  next->on_over = chain_on_over;
  if (next->issued < 0) {
    chain->wrong = next->issued;
  }
}

static void routine_may_start_the_next_operation(void **state) {
  low_fixture *fixture = *state;
  low_pair pair = pair_create(fixture, PC_TYPE_MESSAGE);
  echo_chain chain = {.fixture = fixture, .server = pair.server};
  low_operation *first = read_begin(fixture, pair.server, 64);
  first->user = &chain;
  first->on_over = chain_on_over;
  for (int round = 0; round < 50; round++) {
    char text[] = {'n', (char)('0' + round % 10), '\0'};
    write_text(fixture, pair.client, text);
    read_expect(fixture, pair.client, text);
  }
  WAIT_UNTIL(chain.steps == 100);
  assert_int_equal(chain.wrong, PC_OK);
}

/* ---- posted routines ---- */

typedef struct posted_note {
  pc_posted posted;
  pc_alertable *target;
  uintptr_t ran_on;
  unsigned ran;
  unsigned depth;
  unsigned *order; /* of several: how many ran before */
  unsigned place;
  unsigned delay_ms;
} posted_note;

static void posting_routine(pc_posted *posted, void *user) {
  posted_note *self = user;
  self->ran += (void *)posted == user;
  self->ran_on = host_thread_self();
  self->depth = alertable_depth();
  if (self->order) {
    self->place = (*self->order)++;
  }
}

static void posting_post(void *user) {
  posted_note *self = user;
  host_pause_ms(self->delay_ms);
  self->posted = (pc_posted){.routine = posting_routine, .user = self};
  pc_alertable_post(self->target, &self->posted);
}

static void case_45_posted_routine_wakes_an_endless_wait(void **state) {
  (void)state;
  for (unsigned round = 0; round < 4; round++) {
    posted_note posting = {.delay_ms = round % 2 == 0 ? 20 : 0};
    assert_int_equal(pc_alertable_self(&posting.target), PC_OK);
    host_thread *thread = thread_start(posting_post, &posting);
    assert_int_equal(wait_alertably(-1), PC_COMPLETION);
    assert_int_equal(posting.ran, 1);
    assert_int_equal(posting.depth, 1);
    assert_int_equal(posting.ran_on, host_thread_self());
    host_thread_join(thread);
  }
}

static void case_45_posted_routine_wakes_a_wait_for_events(void **state) {
  (void)state;
  pc_event *event;
  assert_int_equal(pc_event_create(false, &event), PC_OK);
  pc_wait_set *set;
  assert_int_equal(pc_wait_set_create(&set), PC_OK);
  for (int kind = 0; kind < 2; kind++) {
    posted_note posting = {.delay_ms = 20};
    assert_int_equal(pc_alertable_self(&posting.target), PC_OK);
    host_thread *thread = thread_start(posting_post, &posting);
    uint32_t index;
    void *user;
    if (kind == 0) {
      assert_int_equal(wait_events(&event, 1, -1, true, &index), PC_COMPLETION);
    } else {
      assert_int_equal(pc_wait_set_add(set, event, NULL), PC_OK);
      assert_int_equal(wait_set(set, -1, true, &user), PC_COMPLETION);
    }
    assert_int_equal(posting.ran, 1);
    host_thread_join(thread);
  }
  pc_wait_set_destroy(set);
  pc_event_destroy(event);
}

static void posted_routines_run_in_order_behind_what_is_due(void **state) {
  low_fixture *fixture = *state;
  enum { COUNT = 5 };
  low_pair pair = pair_create(fixture, PC_TYPE_MESSAGE);
  write_text(fixture, pair.client, "due");
  low_operation *read = read_begin(fixture, pair.server, 16);
  uint32_t bytes;
  assert_int_equal(pc_overlapped_result(&read->overlapped, DEADLINE_MS, &bytes), PC_OK);
  posted_note postings[COUNT];
  unsigned order = 0;
  for (int index = 0; index < COUNT; index++) {
    postings[index] = (posted_note){.order = &order};
    assert_int_equal(pc_alertable_self(&postings[index].target), PC_OK);
    posting_post(&postings[index]); /* to itself */
    assert_int_equal(postings[index].ran, 0);
  }
  assert_int_equal(wait_events(NULL, 0, 0, false, NULL), PC_E_TIMEOUT);
  assert_int_equal(order, 0);
  assert_int_equal(wait_alertably(0), PC_COMPLETION);
  for (unsigned index = 0; index < COUNT; index++) {
    assert_int_equal(postings[index].ran, 1);
    assert_int_equal(postings[index].place, index);
  }
  assert_int_equal(read->number, atomic_load(&fixture->told));
  assert_int_equal(operation_end(read), PC_OK);
}

static void case_46_event_and_routine_are_both_seen(void **state) {
  low_fixture *fixture = *state;
  low_pair pair = pair_create(fixture, PC_TYPE_MESSAGE);
  pc_event *event;
  assert_int_equal(pc_event_create(false, &event), PC_OK);
  for (int round = 0; round < 10; round++) {
    write_text(fixture, pair.client, "due");
    low_operation *read = read_begin(fixture, pair.server, 16);
    uint32_t bytes;
    assert_int_equal(pc_overlapped_result(&read->overlapped, DEADLINE_MS, &bytes), PC_OK);
    pc_event_set(event);
    unsigned events_seen = 0;
    unsigned routines_seen = 0;
    for (int wait = 0; wait < 2; wait++) {
      uint32_t index = 0;
      pc_status status = wait_events(&event, 1, DEADLINE_MS, true, &index);
      routines_seen += status == PC_COMPLETION;
      events_seen += status == PC_OK;
      if (status == PC_OK) {
        pc_event_reset(event);
      }
    }
    assert_int_equal(routines_seen, 1);
    assert_int_equal(events_seen, 1);
    assert_int_equal(operation_end(read), PC_OK);
  }
  pc_event_destroy(event);
}

static void ignored_routine(pc_status status, uint32_t bytes, pc_overlapped *overlapped) {
  *(pc_status *)overlapped->user = status;
  (void)bytes;
}

static void routine_calls_leave_the_event_alone(void **state) {
  low_fixture *fixture = *state;
  low_pair pair = pair_create(fixture, PC_TYPE_MESSAGE);
  for (int is_set = 0; is_set < 2; is_set++) {
    pc_event *event;
    char data[16];
    pc_status told = PC_PENDING;
    assert_int_equal(pc_event_create(is_set, &event), PC_OK);
    pc_overlapped overlapped = {.event = event, .user = &told};
    assert_int_equal(
        pc_instance_read_ex(pair.server, data, sizeof data, &overlapped, ignored_routine),
        PC_PENDING);
    assert_int_equal(pc_event_is_set(event), is_set);
    write_text(fixture, pair.client, "x");
    WAIT_UNTIL(told != PC_PENDING);
    assert_int_equal(told, PC_OK);
    assert_int_equal(pc_event_is_set(event), is_set);
    pc_event_destroy(event);
  }
}

/* ---- a thread's end ---- */

typedef struct leaving {
  low_fixture *fixture;
  pc_instance *instance;
  low_operation *read;
  unsigned count_before_leave;
} leaving;

static void leaver_run(void *user) {
  leaving *self = user;
  self->read = read_begin(self->fixture, self->instance, 16);
  self->count_before_leave = atomic_load(&self->read->over_count);
  alertable_leave();
}

static void thread_that_leaves_ends_its_operations(void **state) {
  low_fixture *fixture = *state;
  low_pair pair = pair_create(fixture, PC_TYPE_MESSAGE);
  low_operation *mine = read_begin(fixture, pair.client, 16);
  leaving leaver = {.fixture = fixture, .instance = pair.server};
  host_thread_join(thread_start(leaver_run, &leaver));
  assert_int_equal(leaver.count_before_leave, 0);
  assert_int_equal(atomic_load(&leaver.read->over_count), 1);
  assert_int_equal(operation_end(leaver.read), PC_E_ABORTED);
  write_text(fixture, pair.client, "not lost");
  read_expect(fixture, pair.server, "not lost");
  assert_false(operation_is_over(mine)); /* another thread's */
}

static void close_lets_routines_run_in_the_next_wait(void **state) {
  low_fixture *fixture = *state;
  low_pair pair = pair_create(fixture, PC_TYPE_MESSAGE);
  low_operation *reads[ORDERED];
  for (int index = 0; index < ORDERED; index++) {
    reads[index] = read_begin(fixture, pair.server, 16);
  }
  instance_close(fixture, pair.server);
  for (int index = 0; index < ORDERED; index++) {
    assert_int_equal(atomic_load(&reads[index]->over_count), 0);
  }
  for (int index = 0; index < ORDERED; index++) {
    assert_int_equal(operation_end(reads[index]), PC_E_ABORTED);
    assert_true(index == 0 || reads[index]->number > reads[index - 1]->number);
  }
}

const low_case cases_completion[] = {
    LOW_CASE(case_42_routine_runs_in_no_wait_but_an_alertable_one, COMPLETION),
    LOW_CASE(case_42_routine_of_what_is_over_at_once_is_queued_too, COMPLETION),
    LOW_CASE(case_42_routine_is_for_the_issuing_thread_only, COMPLETION),
    LOW_CASE(case_43_one_wait_runs_all_that_is_due_in_order, COMPLETION),
    LOW_CASE(case_43_waiting_reads_complete_in_order, COMPLETION),
    LOW_CASE(case_44_routine_may_wait_and_later_ones_run_inside, COMPLETION),
    LOW_CASE(case_44_calls_that_block_are_refused_in_a_routine, COMPLETION),
    LOW_CASE(routine_may_start_the_next_operation, COMPLETION),
    LOW_CASE(case_45_posted_routine_wakes_an_endless_wait, COMPLETION),
    LOW_CASE(case_45_posted_routine_wakes_a_wait_for_events, COMPLETION),
    LOW_CASE(posted_routines_run_in_order_behind_what_is_due, COMPLETION),
    LOW_CASE(case_46_event_and_routine_are_both_seen, COMPLETION),
    LOW_CASE(routine_calls_leave_the_event_alone, COMPLETION),
    LOW_CASE(thread_that_leaves_ends_its_operations, COMPLETION),
    LOW_CASE(close_lets_routines_run_in_the_next_wait, COMPLETION),
    {0}};
