/* Cases of events, results and waits: what an operation does to its event, and whom a wait sees. */
#include "low.h"

#include <stdlib.h>

static void event_that_is_set_stays_set_until_it_is_reset(void **state) {
  (void)state;
  pc_event *event;
  assert_int_equal(pc_event_create(false, &event), PC_OK);
  assert_false(pc_event_is_set(event));
  uint32_t index = 99;
  assert_int_equal(wait_events(&event, 1, 0, false, &index), PC_E_TIMEOUT);
  assert_int_equal(index, 99);
  pc_event_set(event);
  pc_event_set(event);
  for (int again = 0; again < 2; again++) {
    assert_true(pc_event_is_set(event));
    assert_int_equal(wait_events(&event, 1, -1, again == 1, &index), PC_OK);
    assert_int_equal(index, 0);
  }
  pc_event_reset(event);
  assert_int_equal(wait_events(&event, 1, 1, false, &index), PC_E_TIMEOUT);
  pc_event_destroy(event);
  assert_int_equal(pc_event_create(true, &event), PC_OK);
  assert_true(pc_event_is_set(event));
  pc_event_destroy(event);
  pc_event_destroy(NULL);
}

static void wait_says_which_event_is_the_first_that_is_set(void **state) {
  (void)state;
  pc_event *events[PC_WAIT_EVENTS_MAX + 1];
  for (uint32_t index = 0; index <= PC_WAIT_EVENTS_MAX; index++) {
    assert_int_equal(pc_event_create(false, &events[index]), PC_OK);
  }
  uint32_t first;
  for (uint32_t index = PC_WAIT_EVENTS_MAX; index-- > 0;) {
    pc_event_set(events[index]);
    assert_int_equal(wait_events(events, PC_WAIT_EVENTS_MAX, -1, false, &first), PC_OK);
    assert_int_equal(first, index);
  }
  assert_int_equal(wait_events(events, PC_WAIT_EVENTS_MAX + 1, 0, false, &first), PC_E_INVALID_ARG);
  for (uint32_t index = 0; index <= PC_WAIT_EVENTS_MAX; index++) {
    pc_event_destroy(events[index]);
  }
}

static void wait_for_nothing_lasts_its_time(void **state) {
  (void)state;
  for (int is_alertable = 0; is_alertable < 2; is_alertable++) {
    uint64_t begin = host_clock_ms();
    assert_int_equal(wait_events(NULL, 0, 50, is_alertable, NULL), PC_E_TIMEOUT);
    assert_in_range(host_clock_ms() - begin, 49, 2000 * test_scale());
  }
}

static void event_set_after_a_while(void *user) {
  host_pause_ms(20);
  pc_event_set(user);
}

static void event_of_another_thread_wakes_a_wait(void **state) {
  (void)state;
  pc_event *events[2];
  assert_int_equal(pc_event_create(false, &events[0]), PC_OK);
  assert_int_equal(pc_event_create(false, &events[1]), PC_OK);
  host_thread *thread = thread_start(event_set_after_a_while, events[1]);
  uint32_t index;
  assert_int_equal(wait_events(events, 2, -1, false, &index), PC_OK);
  assert_int_equal(index, 1);
  host_thread_join(thread);
  pc_event_destroy(events[0]);
  pc_event_destroy(events[1]);
}

/* ---- an operation, its record and its event ---- */

static void operation_resets_its_event_when_it_starts(void **state) {
  low_fixture *fixture = *state;
  low_pair pair = pair_create(fixture, PC_TYPE_MESSAGE);
  for (int round = 0; round < 4; round++) { /* every other event was set before */
    low_operation *read = read_begin(fixture, pair.server, 16);
    assert_false(pc_event_is_set(read->event));
    assert_int_equal(pc_overlapped_status(&read->overlapped), PC_PENDING);
    write_text(fixture, pair.client, "now");
    assert_int_equal(operation_end(read), PC_OK);
  }
}

static void result_is_waited_for_as_long_as_one_likes(void **state) {
  low_fixture *fixture = *state;
  low_pair pair = pair_create(fixture, PC_TYPE_MESSAGE);
  low_operation *read = read_begin(fixture, pair.server, 4);
  uint32_t bytes = 99;
  assert_int_equal(pc_overlapped_result(&read->overlapped, 0, &bytes), PC_PENDING);
  uint64_t begin = host_clock_ms();
  assert_int_equal(pc_overlapped_result(&read->overlapped, 50, &bytes), PC_E_TIMEOUT);
  assert_in_range(host_clock_ms() - begin, 49, 2000 * test_scale());
  assert_int_equal(bytes, 99);
  write_text(fixture, pair.client, "twelve bytes");
  for (int again = 0; again < 2; again++) { /* and may be asked for again */
    assert_int_equal(pc_overlapped_result(&read->overlapped, -1, &bytes), PC_MORE_DATA);
    assert_int_equal(bytes, 4);
    assert_int_equal(pc_overlapped_status(&read->overlapped), PC_MORE_DATA);
  }
  (void)operation_end(read);
  expect_text(read, PC_MORE_DATA, "twel");
}

static void operation_that_is_over_at_once_sets_its_event(void **state) {
  low_fixture *fixture = *state;
  low_pair pair = pair_create(fixture, PC_TYPE_MESSAGE);
  for (int round = 0; round < 4; round++) {
    write_text(fixture, pair.client, "here already");
    low_operation *read = read_begin(fixture, pair.server, 16);
    uint32_t first;
    assert_int_equal(wait_events(&read->event, 1, DEADLINE_MS, false, &first), PC_OK);
    (void)operation_end(read);
    expect_text(read, PC_OK, "here already");
  }
}

static void event_that_is_not_set_is_set_by_what_is_over_at_once(void **state) {
  low_fixture *fixture = *state;
  low_pair pair = pair_create(fixture, PC_TYPE_MESSAGE);
  pc_event *event;
  assert_int_equal(pc_event_create(false, &event), PC_OK);
  pc_overlapped overlapped = {.event = event};
  uint32_t bytes = 0;
  assert_int_equal(pc_instance_write(pair.server, "room", 4, &bytes, &overlapped), PC_OK);
  assert_int_equal(bytes, 4);
  assert_true(pc_event_is_set(event));
  pc_event_destroy(event);
}

static void call_that_fails_starts_nothing(void **state) {
  low_fixture *fixture = *state;
  pc_instance *server = server_create(fixture);
  pc_event *event;
  assert_int_equal(pc_event_create(false, &event), PC_OK);
  pc_overlapped overlapped = {.event = event};
  char data[4];
  uint32_t bytes = 0;
  assert_int_equal(pc_instance_read(server, data, sizeof data, &bytes, &overlapped),
                   PC_E_LISTENING);
  assert_int_equal(pc_instance_write(server, "x", 1, &bytes, &overlapped), PC_E_LISTENING);
  assert_false(pc_event_is_set(event));
  assert_int_equal(pc_instance_cancel(server, &overlapped), PC_E_NOT_FOUND);
  (void)client_open(fixture);
  assert_int_equal(connect_now(fixture, server), PC_OK);
  assert_false(pc_event_is_set(event));
  pc_event_destroy(event);
}

/* A record needs no event: its result is waited for by itself. */
static void record_without_an_event_is_waited_for(void **state) {
  low_fixture *fixture = *state;
  low_pair pair = pair_create(fixture, PC_TYPE_MESSAGE);
  pc_overlapped overlapped = {.event = NULL};
  char data[16];
  uint32_t bytes;
  assert_int_equal(pc_instance_read(pair.server, data, sizeof data, &bytes, &overlapped),
                   PC_PENDING);
  write_text(fixture, pair.client, "no event");
  assert_int_equal(pc_overlapped_result(&overlapped, DEADLINE_MS, &bytes), PC_OK);
  assert_int_equal(bytes, 8);
  assert_memory_equal(data, "no event", 8);
}

static void blocking_and_overlapped_reads_keep_their_order(void **state) {
  low_fixture *fixture = *state;
  low_pair pair = pair_create(fixture, PC_TYPE_MESSAGE);
  low_operation *first = read_begin(fixture, pair.server, 16);
  assert_true(operation_pends(first));
  write_text(fixture, pair.client, "one");
  write_text(fixture, pair.client, "two");
  char data[16];
  uint32_t bytes;
  assert_int_equal(pc_instance_read(pair.server, data, sizeof data, &bytes, NULL), PC_OK);
  assert_memory_equal(data, "two", 3);
  (void)operation_end(first);
  expect_text(first, PC_OK, "one");
}

/* ---- sets of events ---- */

enum { SET_COUNT = 200 };

static void case_48_wait_set_serves_two_hundred_clients(void **state) {
  low_fixture *fixture = *state;
  static low_pair pairs[SET_COUNT];
  static low_operation *reads[SET_COUNT];
  static bool was_seen[SET_COUNT];
  pc_wait_set *set;
  assert_int_equal(pc_wait_set_create(&set), PC_OK);
  for (int index = 0; index < SET_COUNT; index++) {
    pairs[index] = pair_connect(fixture);
    reads[index] = read_begin(fixture, pairs[index].server, 16);
    was_seen[index] = false;
    assert_int_equal(pc_wait_set_add(set, reads[index]->event, &reads[index]), PC_OK);
  }
  void *user = NULL;
  assert_int_equal(pc_wait_set_wait(set, 0, false, &user), PC_E_TIMEOUT);
  for (int index = 0; index < SET_COUNT; index++) {
    write_text(fixture, pairs[SET_COUNT - 1 - index].client, "heard");
  }
  for (int count = 0; count < SET_COUNT; count++) {
    assert_int_equal(pc_wait_set_wait(set, DEADLINE_MS, false, &user), PC_OK);
    low_operation **read = user;
    assert_false(was_seen[read - reads]);
    was_seen[read - reads] = true;
    assert_int_equal(operation_end(*read), PC_OK); /* which resets its event */
    expect_text(*read, PC_OK, "heard");
    pc_wait_set_remove(set, (*read)->event);
  }
  assert_int_equal(pc_wait_set_wait(set, 0, false, &user), PC_E_TIMEOUT);
  pc_wait_set_destroy(set);
}

static void event_is_in_one_set_and_may_leave_it(void **state) {
  (void)state;
  pc_wait_set *sets[2];
  pc_event *event;
  assert_int_equal(pc_wait_set_create(&sets[0]), PC_OK);
  assert_int_equal(pc_wait_set_create(&sets[1]), PC_OK);
  assert_int_equal(pc_event_create(true, &event), PC_OK);
  assert_int_equal(pc_wait_set_add(sets[0], event, &event), PC_OK);
  assert_int_equal(pc_wait_set_add(sets[0], event, &event), PC_E_IN_USE);
  assert_int_equal(pc_wait_set_add(sets[1], event, &event), PC_E_IN_USE);
  void *user = NULL;
  assert_int_equal(pc_wait_set_wait(sets[0], -1, false, &user), PC_OK); /* set when it came */
  assert_ptr_equal(user, &event);
  uint32_t index;
  assert_int_equal(wait_events(&event, 1, 0, false, &index), PC_OK); /* and waits as ever */
  pc_wait_set_remove(sets[0], event);
  assert_int_equal(pc_wait_set_wait(sets[0], 0, false, &user), PC_E_TIMEOUT);
  assert_int_equal(pc_wait_set_add(sets[1], event, sets), PC_OK);
  assert_int_equal(pc_wait_set_wait(sets[1], 0, false, &user), PC_OK);
  assert_ptr_equal(user, sets);
  pc_wait_set_destroy(sets[1]); /* which frees the event */
  assert_int_equal(pc_wait_set_add(sets[0], event, NULL), PC_OK);
  pc_event_reset(event);
  assert_int_equal(pc_wait_set_wait(sets[0], 0, false, &user), PC_E_TIMEOUT);
  pc_wait_set_destroy(sets[0]);
  pc_wait_set_destroy(NULL);
  pc_event_destroy(event);
}

static void event_that_stays_set_hides_no_other(void **state) {
  (void)state;
  enum { COUNT = 10, ROUNDS = 20 };
  pc_wait_set *set;
  pc_event *events[COUNT];
  unsigned seen[COUNT] = {0};
  assert_int_equal(pc_wait_set_create(&set), PC_OK);
  for (int index = 0; index < COUNT; index++) {
    assert_int_equal(pc_event_create(index % 2 == 0, &events[index]), PC_OK);
    assert_int_equal(pc_wait_set_add(set, events[index], &seen[index]), PC_OK);
  }
  for (int count = 0; count < ROUNDS * COUNT / 2; count++) {
    void *user;
    assert_int_equal(pc_wait_set_wait(set, 0, false, &user), PC_OK);
    ++*(unsigned *)user;
  }
  for (int index = 0; index < COUNT; index++) {
    assert_in_range(seen[index], index % 2 == 0 ? ROUNDS / 2 : 0, index % 2 == 0 ? ROUNDS * 2 : 0);
  }
  pc_wait_set_destroy(set);
  for (int index = 0; index < COUNT; index++) {
    pc_event_destroy(events[index]);
  }
}

static void ready_names_those_that_are_set_in_turn(void **state) {
  (void)state;
  enum { COUNT = 10, MOST = 4 };
  pc_wait_set *set;
  pc_event *events[COUNT];
  void *users[COUNT] = {NULL};
  unsigned seen[COUNT] = {0};
  assert_int_equal(pc_wait_set_create(&set), PC_OK);
  assert_int_equal(pc_wait_set_ready(set, users, COUNT), 0);
  for (int index = 0; index < COUNT; index++) {
    assert_int_equal(pc_event_create(index != 3, &events[index]), PC_OK);
    assert_int_equal(pc_wait_set_add(set, events[index], &seen[index]), PC_OK);
  }
  assert_int_equal(pc_wait_set_ready(set, users, COUNT), COUNT - 1); /* each once */
  for (int count = 0; count < 9; count++) {
    assert_int_equal(pc_wait_set_ready(set, users, MOST), MOST);
    for (int index = 0; index < MOST; index++) {
      ++*(unsigned *)users[index];
    }
  }
  for (int index = 0; index < COUNT; index++) {
    assert_int_equal(seen[index], index == 3 ? 0 : MOST);
  }
  pc_wait_set_destroy(set);
  for (int index = 0; index < COUNT; index++) {
    pc_event_destroy(events[index]);
  }
}

static void wake_ends_one_wait_for_a_set(void **state) {
  (void)state;
  pc_wait_set *set;
  pc_event *event;
  void *user = NULL;
  assert_int_equal(pc_wait_set_create(&set), PC_OK);
  pc_wait_set_wake(set);
  pc_wait_set_wake(set); /* several are one */
  assert_int_equal(pc_wait_set_wait(set, -1, false, &user), PC_AGAIN);
  assert_int_equal(pc_wait_set_wait(set, 0, false, &user), PC_E_TIMEOUT);
  assert_int_equal(pc_event_create(true, &event), PC_OK);
  assert_int_equal(pc_wait_set_add(set, event, &event), PC_OK);
  pc_wait_set_wake(set); /* beside an event that is set, which stays so */
  assert_int_equal(pc_wait_set_wait(set, -1, false, &user), PC_AGAIN);
  assert_int_equal(pc_wait_set_wait(set, -1, false, &user), PC_OK);
  assert_ptr_equal(user, &event);
  pc_wait_set_destroy(set);
  pc_event_destroy(event);
}

/* A thread that waits for a set, and is woken again and again. */
typedef struct woken_thread {
  pc_wait_set *set;
  atomic_uint count;
} woken_thread;

enum { WAKES = 300 };

static void woken_thread_run(void *user) {
  woken_thread *self = user;
  void *ignored;
  while (atomic_load(&self->count) < WAKES) {
    if (pc_wait_set_wait(self->set, DEADLINE_MS, false, &ignored) != PC_AGAIN) {
      return;
    }
    atomic_fetch_add(&self->count, 1);
  }
}

static void event_thread_wait(void *user) {
  uint32_t index;
  (void)!wait_events(user, 1, -1, false, &index);
}

/* Whoever of them sleeps in the system itself: the others wait beside it. */
static void wake_of_another_thread_reaches_each_set_that_is_waited_for(void **state) {
  (void)state;
  enum { SETS = 3 };
  woken_thread threads[SETS];
  host_thread *hosts[SETS + 1];
  pc_event *last;
  assert_int_equal(pc_event_create(false, &last), PC_OK);
  for (int index = 0; index < SETS; index++) {
    atomic_init(&threads[index].count, 0);
    assert_int_equal(pc_wait_set_create(&threads[index].set), PC_OK);
    hosts[index] = thread_start(woken_thread_run, &threads[index]);
  }
  hosts[SETS] = thread_start(event_thread_wait, (void *)&last);
  for (unsigned count = 0; count < WAKES; count++) {
    for (int index = 0; index < SETS; index++) {
      pc_wait_set_wake(threads[index].set);
    }
    for (int index = 0; index < SETS; index++) {
      WAIT_UNTIL(atomic_load(&threads[index].count) == count + 1);
    }
  }
  pc_event_set(last);
  host_thread_join(hosts[SETS]);
  for (int index = 0; index < SETS; index++) {
    host_thread_join(hosts[index]);
    assert_int_equal(atomic_load(&threads[index].count), WAKES);
    pc_wait_set_destroy(threads[index].set);
  }
  pc_event_destroy(last);
}

const low_case cases_event[] = {
    LOW_CASE(event_that_is_set_stays_set_until_it_is_reset, OVERLAPPED),
    LOW_CASE(wait_says_which_event_is_the_first_that_is_set, OVERLAPPED),
    LOW_CASE(wait_for_nothing_lasts_its_time, OVERLAPPED),
    LOW_CASE(event_of_another_thread_wakes_a_wait, OVERLAPPED),
    LOW_CASE(operation_resets_its_event_when_it_starts, OVERLAPPED),
    LOW_CASE(result_is_waited_for_as_long_as_one_likes, OVERLAPPED),
    LOW_CASE(operation_that_is_over_at_once_sets_its_event, OVERLAPPED),
    LOW_CASE(event_that_is_not_set_is_set_by_what_is_over_at_once, OVERLAPPED),
    LOW_CASE(call_that_fails_starts_nothing, OVERLAPPED),
    LOW_CASE(record_without_an_event_is_waited_for, OVERLAPPED),
    LOW_CASE(blocking_and_overlapped_reads_keep_their_order, OVERLAPPED),
    LOW_CASE(case_48_wait_set_serves_two_hundred_clients, OVERLAPPED),
    LOW_CASE(event_is_in_one_set_and_may_leave_it, OVERLAPPED),
    LOW_CASE(event_that_stays_set_hides_no_other, OVERLAPPED),
    LOW_CASE(ready_names_those_that_are_set_in_turn, OVERLAPPED),
    LOW_CASE(wake_ends_one_wait_for_a_set, OVERLAPPED),
    LOW_CASE(wake_of_another_thread_reaches_each_set_that_is_waited_for, OVERLAPPED),
    {0}};
