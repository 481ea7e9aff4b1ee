/* Many injections in order, with the test as their source and as the pipe thread. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "series.h"

enum { QUEUE_BYTES = 4096, WINDOW = 4, TOLD_MAX = 64, REFUSED_MARK = 1000 };

typedef struct fixture {
  web_server *server;
  br_asker asker;
  br_series *series;
  /* The source. */
  uint64_t next, count;
  uint64_t refused; /* the message that is; 0: none */
  uint64_t delay_ms;
  uint32_t size_bytes;
  bool is_full; /* of results */
  uint64_t told[TOLD_MAX];
  size_t told_count;
  bool is_ended;
  /* The pipe thread: commands not answered yet. */
  uint64_t ids[TOLD_MAX];
  size_t id_count;
} fixture;

static void on_wake(void *user) {
  (void)user;
}

static br_series_next source_next(void *user, br_series_step *step, br_problem *problem) {
  static const uint8_t payload[QUEUE_BYTES];
  fixture *f = user;
  assert_false(f->is_full);
  if (f->next == f->count) {
    return BR_SERIES_END;
  }
  step->number = ++f->next;
  step->payload = payload;
  step->delay_ms = f->delay_ms;
  step->command = (br_command){.kind = BR_COMMAND_INJECT, .size_bytes = f->size_bytes};
  if (f->next == f->refused) {
    (void)br_problem_set(problem, 400, "no", "not this one");
    return BR_SERIES_REFUSED;
  }
  return BR_SERIES_MESSAGE;
}

static void source_on_result(void *user, uint64_t number, const br_asked *asked,
                             const br_result *result) {
  fixture *f = user;
  (void)asked;
  assert_int_equal(result->delivered, 1);
  f->told[f->told_count++] = number;
}

static void source_on_refused(void *user, uint64_t number, const br_problem *problem) {
  fixture *f = user;
  assert_int_equal(problem->status, 400);
  f->told[f->told_count++] = REFUSED_MARK + number;
}

static bool source_has_room(void *user) {
  return !((const fixture *)user)->is_full;
}

static void source_on_end(void *user) {
  fixture *f = user;
  assert_false(f->is_ended);
  f->is_ended = true;
}

static int set_up(void **state) {
  static const char *const listen[] = {"127.0.0.1:0"};
  fixture *f = calloc(1, sizeof *f);
  char error[256] = "";
  web_server_options options = {.listen = listen, .listen_count = 1};
  if (web_server_create(&options, &f->server, error, sizeof error) != WEB_OK) {
    fail_msg("%s", error);
  }
  f->asker = (br_asker){.commands = br_queue_create(QUEUE_BYTES), .wake_pipes = on_wake, .user = f};
  *state = f;
  return 0;
}

static int tear_down(void **state) {
  fixture *f = *state;
  br_series_destroy(f->series);
  web_server_destroy(f->server);
  br_queue_destroy(f->asker.commands);
  br_asker_fini(&f->asker);
  free(f);
  return 0;
}

static void begin(fixture *f, uint64_t count) {
  const br_series_source source = {.next = source_next,
                                   .on_result = source_on_result,
                                   .on_refused = source_on_refused,
                                   .has_room = source_has_room,
                                   .on_end = source_on_end,
                                   .user = f};
  br_sent_by by = {.size = 0};
  f->count = count;
  f->series = br_series_create(&f->asker, f->server, WINDOW, &by, &source);
  assert_non_null(f->series);
  br_series_go_on(f->series);
}

static void on_command(const void *record, size_t size, void *user) {
  fixture *f = user;
  br_command command;
  (void)size;
  memcpy(&command, record, sizeof command);
  f->ids[f->id_count++] = command.id;
}

static size_t take_commands(fixture *f) {
  return br_queue_drain(f->asker.commands, QUEUE_BYTES, on_command, f);
}

/* The result of the command at `index` of those taken. */
static void answer(fixture *f, size_t index) {
  struct {
    br_event event;
    br_result result;
  } record = {.event = {.kind = BR_RECORD_RESULT,
                        .command_id = f->ids[index],
                        .size_bytes = sizeof record.result},
              .result = {.targets = 1, .delivered = 1}};
  memmove(&f->ids[index], &f->ids[index + 1], (--f->id_count - index) * sizeof f->ids[0]);
  br_ask_on_result(&f->asker, &record.event);
}

static void assert_told(const fixture *f, size_t count, const uint64_t *wanted) {
  assert_int_equal(f->told_count, count);
  for (size_t index = 0; index < count; index++) {
    assert_int_equal(f->told[index], wanted[index]);
  }
}

static void series_keeps_its_window_and_tells_in_order(void **state) {
  fixture *f = *state;
  begin(f, 6);
  assert_int_equal(take_commands(f), WINDOW);
  answer(f, 2);
  answer(f, 1);
  assert_told(f, 0, NULL);
  assert_int_equal(take_commands(f), 0);
  answer(f, 0);
  assert_told(f, 3, (const uint64_t[]){1, 2, 3});
  assert_int_equal(take_commands(f), 2);
  assert_false(f->is_ended);
  while (f->id_count > 0) {
    answer(f, f->id_count - 1);
  }
  assert_told(f, 6, (const uint64_t[]){1, 2, 3, 4, 5, 6});
  assert_true(f->is_ended);
}

static void series_of_nothing_ends_at_once(void **state) {
  fixture *f = *state;
  begin(f, 0);
  assert_true(f->is_ended);
}

static void series_tells_a_refused_one_in_its_turn_and_goes_on(void **state) {
  fixture *f = *state;
  f->refused = 2;
  begin(f, 3);
  assert_int_equal(take_commands(f), 1); /* the refused one waits for it */
  answer(f, 0);
  assert_told(f, 2, (const uint64_t[]){1, REFUSED_MARK + 2});
  assert_int_equal(take_commands(f), 1);
  answer(f, 0);
  assert_true(f->is_ended);
}

static void series_waits_for_room_in_the_queue(void **state) {
  fixture *f = *state;
  static const uint8_t payload[QUEUE_BYTES];
  br_command filler = {.kind = BR_COMMAND_INJECT, .size_bytes = f->size_bytes = 900};
  assert_int_equal(br_ask_send(&f->asker, &filler, payload, NULL), BR_ASK_OK);
  begin(f, 6);
  assert_int_equal(f->next, WINDOW); /* the last of them found no room */
  assert_int_equal(take_commands(f), 1 + WINDOW - 1);
  assert_non_null(f->asker.waiter_first);
  br_ask_serve_waiters(&f->asker);
  assert_int_equal(take_commands(f), 1);
  while (!f->is_ended) {
    answer(f, 0);
    (void)take_commands(f);
    br_ask_serve_waiters(&f->asker);
    (void)take_commands(f);
  }
  assert_told(f, 6, (const uint64_t[]){1, 2, 3, 4, 5, 6});
}

static void series_waits_for_room_for_its_results(void **state) {
  fixture *f = *state;
  begin(f, 6);
  (void)take_commands(f);
  f->is_full = true;
  while (f->id_count > 0) {
    answer(f, 0);
  }
  assert_int_equal(f->told_count, WINDOW);
  assert_int_equal(take_commands(f), 0);
  f->is_full = false;
  br_series_go_on(f->series);
  assert_int_equal(take_commands(f), 2);
}

static void series_is_paced(void **state) {
  fixture *f = *state;
  f->delay_ms = 20;
  assert_int_equal(web_server_turn(f->server, 0), WEB_OK);
  uint64_t start_ns = web_server_now_ns(f->server);
  begin(f, 3);
  assert_int_equal(take_commands(f), 0);
  for (size_t sent = 0; sent < 3;) {
    assert_int_equal(web_server_turn(f->server, -1), WEB_OK);
    sent += take_commands(f);
    uint64_t passed_ms = (web_server_now_ns(f->server) - start_ns) / 1000000;
    assert_true(sent <= passed_ms / 20);
  }
}

static void series_destroyed_in_the_middle_is_told_nothing_more(void **state) {
  fixture *f = *state;
  f->delay_ms = 1;
  begin(f, 6);
  assert_int_equal(web_server_turn(f->server, 10), WEB_OK);
  (void)take_commands(f);
  br_series_destroy(f->series);
  f->series = NULL;
  assert_int_equal(f->asker.waiting.count, 0);
  while (f->id_count > 0) {
    answer(f, 0);
  }
  assert_int_equal(web_server_turn(f->server, 10), WEB_OK);
  assert_int_equal(f->told_count, 0);
}

#define SERIES_TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      SERIES_TEST(series_keeps_its_window_and_tells_in_order),
      SERIES_TEST(series_of_nothing_ends_at_once),
      SERIES_TEST(series_tells_a_refused_one_in_its_turn_and_goes_on),
      SERIES_TEST(series_waits_for_room_in_the_queue),
      SERIES_TEST(series_waits_for_room_for_its_results),
      SERIES_TEST(series_is_paced),
      SERIES_TEST(series_destroyed_in_the_middle_is_told_nothing_more),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
