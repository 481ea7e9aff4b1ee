/* Calls, with the test as the pipe thread: it takes the commands and says what happened. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "call.h"

enum { QUEUE_BYTES = 1 << 20, SESSION = 1, OTHER = 2, PATIENCE_MS = 10000 };

typedef struct fixture {
  char folder[64];
  br_config config;
  br_queue *events, *commands;
  br_pipes *pipes;
  br_hub *hub;
  web_server *server;
  br_asker asker;
  br_calls calls;
  br_call call;
  br_session_info *sessions[OTHER + 1];
  br_command sent; /* the last command */
  unsigned sent_count;
  unsigned ends;
  char answer[64];
  char code[32]; /* of the problem, or "" */
  uint64_t answer_seq, injected_microseconds;
} fixture;

static void nothing(void *user) {
  (void)user;
}

static void on_record(const br_event *record, void *user) {
  fixture *f = user;
  if (record->kind == BR_RECORD_RESULT) {
    br_ask_on_result(&f->asker, record);
  } else {
    br_ask_on_injected(&f->asker, record);
  }
}

static bool do_work(void *user) {
  return br_hub_do_work(((fixture *)user)->hub);
}

static bool prepare_sleep(void *user) {
  return br_queue_prepare_sleep(((fixture *)user)->events);
}

static void awake(void *user) {
  br_queue_awake(((fixture *)user)->events);
}

static void event_push(fixture *f, br_event event, const void *payload, size_t size) {
  void *record;
  event.size_bytes = (uint32_t)size;
  assert_int_equal(br_queue_reserve(f->events, sizeof event + size, &record), BR_QUEUE_OK);
  memcpy(record, &event, sizeof event);
  if (size > 0) {
    memcpy((br_event *)record + 1, payload, size);
  }
  br_queue_commit(f->events, record);
}

static void session_open(fixture *f, uint64_t id) {
  f->sessions[id] = calloc(1, sizeof *f->sessions[id] + BR_PEER_DETAILS_MAX_BYTES);
  f->sessions[id]->id = id;
  br_opened opened = {.info = f->sessions[id]};
  event_push(f, (br_event){.kind = BR_EVENT_OPENED, .session = id}, &opened, sizeof opened);
  (void)br_hub_do_work(f->hub);
}

static void say(fixture *f, uint64_t session, br_direction direction, uint16_t flags,
                const char *text) {
  event_push(f,
             (br_event){.kind = BR_EVENT_MESSAGE,
                        .session = session,
                        .direction = (uint8_t)direction,
                        .flags = flags},
             text, strlen(text));
}

static void announce(fixture *f) {
  event_push(f,
             (br_event){.kind = BR_EVENT_INJECTED,
                        .session = f->sent.session,
                        .direction = f->sent.direction,
                        .command_id = f->sent.id,
                        .targets = 1},
             "question", 8);
}

static void result_tell(fixture *f, br_result result) {
  event_push(f, (br_event){.kind = BR_RECORD_RESULT, .command_id = f->sent.id}, &result,
             sizeof result);
}

static void on_end(br_call *call, const br_call_end *end) {
  fixture *f = call->user;
  f->ends++;
  f->injected_microseconds = end->injected_microseconds;
  f->code[0] = f->answer[0] = '\0';
  if (end->answer) {
    assert_null(end->problem);
    f->answer_seq = end->answer->seq;
    memcpy(f->answer, br_event_payload(end->answer), end->answer->size_bytes);
    f->answer[end->answer->size_bytes] = '\0';
  } else {
    (void)snprintf(f->code, sizeof f->code, "%u %s", end->problem->status, end->problem->code);
  }
}

static void take_command(const void *record, size_t size, void *user) {
  fixture *f = user;
  (void)size;
  memcpy(&f->sent, record, sizeof f->sent);
  f->sent_count++;
}

static bool begin(fixture *f, br_call *call, const char *answer, uint32_t timeout_ms,
                  br_problem *problem) {
  br_filter_error error;
  br_filter *filter = answer ? br_filter_compile(answer, strlen(answer), &error) : NULL;
  br_command command = {.kind = BR_COMMAND_INJECT,
                        .session = SESSION,
                        .direction = BR_DIRECTION_S2C,
                        .size_bytes = 8};
  call->on_end = on_end;
  call->user = f;
  bool is_begun =
      br_call_begin(&f->calls, call, &command, "question", NULL, filter, timeout_ms, problem);
  (void)br_queue_drain(f->commands, QUEUE_BYTES, take_command, f);
  return is_begun;
}

static void call_begin(fixture *f, const char *answer, uint32_t timeout_ms) {
  br_problem problem;
  assert_true(begin(f, &f->call, answer, timeout_ms, &problem));
}

static void work(fixture *f) {
  while (br_hub_do_work(f->hub)) {
  }
}

static int set_up(void **state) {
  static const char *const listen[] = {"127.0.0.1:0"};
  fixture *f = calloc(1, sizeof *f);
  char text[256], error[512] = "";
  strcpy(f->folder, "/tmp/test_call.XXXXXX");
  assert_non_null(mkdtemp(f->folder));
  int size = snprintf(text, sizeof text,
                      "{\"pipes\":[{\"name\":\"demo\",\"path\":\"%s/demo.sock\"}]}", f->folder);
  if (!br_config_parse(text, (size_t)size, "test", NULL, &f->config, error, sizeof error)) {
    fail_msg("%s", error);
  }
  f->events = br_queue_create(QUEUE_BYTES);
  f->commands = br_queue_create(QUEUE_BYTES);
  f->pipes = br_pipes_create(&(br_pipes_options){.config = &f->config,
                                                 .events = f->events,
                                                 .commands = f->commands,
                                                 .wake_reader = nothing},
                             error, sizeof error);
  assert_non_null(f->pipes);
  f->hub = br_hub_create(&(br_hub_options){.config = &f->config,
                                           .pipes = f->pipes,
                                           .events = f->events,
                                           .run = "0123456789abcdef",
                                           .on_room = nothing,
                                           .on_record = on_record,
                                           .user = f});
  assert_non_null(f->hub);
  web_server_options options = {
      .listen = listen,
      .listen_count = 1,
      .agent = {.do_work = do_work, .prepare_sleep = prepare_sleep, .awake = awake, .user = f}};
  assert_int_equal(web_server_create(&options, &f->server, error, sizeof error), WEB_OK);
  br_hub_attach(f->hub, f->server);
  f->asker = (br_asker){.commands = f->commands, .wake_pipes = nothing};
  f->calls = (br_calls){.asker = &f->asker, .hub = f->hub};
  session_open(f, SESSION);
  session_open(f, OTHER);
  *state = f;
  return 0;
}

static int tear_down(void **state) {
  fixture *f = *state;
  br_call_cancel(&f->call);
  br_calls_fini(&f->calls);
  br_asker_fini(&f->asker);
  web_server_stop(f->server);
  assert_int_equal(web_server_run(f->server), WEB_OK); /* ends all that needs the hub */
  br_hub_destroy(f->hub);
  web_server_destroy(f->server);
  br_pipes_destroy(f->pipes);
  br_queue_destroy(f->events);
  br_queue_destroy(f->commands);
  br_config_fini(&f->config);
  assert_int_equal(rmdir(f->folder), 0);
  free(f);
  return 0;
}

static void call_is_answered_by_the_next_message_of_the_other_end(void **state) {
  fixture *f = *state;
  call_begin(f, NULL, PATIENCE_MS);
  assert_int_equal(f->sent.session, SESSION);
  say(f, SESSION, BR_DIRECTION_C2S, 0, "said before");
  announce(f);
  say(f, OTHER, BR_DIRECTION_C2S, 0, "another session's");
  say(f, SESSION, BR_DIRECTION_S2C, 0, "the other way");
  say(f, SESSION, BR_DIRECTION_C2S, BR_FLAG_REPLY, "a reply of the bridge");
  work(f);
  assert_int_equal(f->ends, 0);
  result_tell(f, (br_result){.targets = 1, .delivered = 1, .microseconds = 7});
  say(f, SESSION, BR_DIRECTION_C2S, 0, "answer");
  say(f, SESSION, BR_DIRECTION_C2S, 0, "no more");
  work(f);
  assert_int_equal(f->ends, 1);
  assert_string_equal(f->answer, "answer");
  assert_int_equal(f->call.asked.seq, 4); /* behind two that opened, and one message */
  assert_int_equal(f->answer_seq, 8);
  assert_int_equal(f->injected_microseconds, 7);
}

static void call_is_answered_before_its_result_came(void **state) {
  fixture *f = *state;
  call_begin(f, NULL, PATIENCE_MS);
  announce(f);
  say(f, SESSION, BR_DIRECTION_C2S, 0, "quick");
  result_tell(f, (br_result){.targets = 1, .delivered = 1, .microseconds = 7});
  work(f); /* all in one batch; the result finds nobody any more */
  assert_int_equal(f->ends, 1);
  assert_string_equal(f->answer, "quick");
  assert_int_equal(f->injected_microseconds, 0);
}

static void call_waits_for_what_its_filter_lets_through(void **state) {
  fixture *f = *state;
  call_begin(f, "size>3 -no", PATIENCE_MS);
  announce(f);
  say(f, SESSION, BR_DIRECTION_C2S, 0, "abc");
  say(f, SESSION, BR_DIRECTION_C2S, 0, "no abc");
  say(f, SESSION, BR_DIRECTION_C2S, 0, "abcd");
  work(f);
  assert_string_equal(f->answer, "abcd");
}

static void second_call_in_a_session_is_refused_and_not_sent(void **state) {
  fixture *f = *state;
  br_call second = {0};
  br_problem problem;
  call_begin(f, NULL, PATIENCE_MS);
  assert_false(begin(f, &second, "x", PATIENCE_MS, &problem));
  assert_string_equal(problem.code, "call_in_progress");
  assert_int_equal(f->sent_count, 1);
  br_call_cancel(&second); /* of one that never began */
  announce(f);
  say(f, SESSION, BR_DIRECTION_C2S, 0, "one");
  work(f);
  assert_string_equal(f->answer, "one");
  call_begin(f, NULL, PATIENCE_MS);
  announce(f);
  say(f, SESSION, BR_DIRECTION_C2S, 0, "two");
  work(f);
  assert_string_equal(f->answer, "two");
  assert_int_equal(f->ends, 2);
}

static void call_that_is_not_taken_says_why(void **state) {
  fixture *f = *state;
  call_begin(f, NULL, PATIENCE_MS);
  result_tell(f, (br_result){.targets = 1, .quota = 1});
  work(f);
  assert_string_equal(f->code, "429 queue_full");
  call_begin(f, NULL, PATIENCE_MS);
  result_tell(f, (br_result){.targets = 1, .closed = 1});
  work(f);
  assert_string_equal(f->code, "409 session_closed");
}

static void call_that_waits_in_the_write_queue_may_still_be_answered(void **state) {
  fixture *f = *state;
  call_begin(f, NULL, PATIENCE_MS);
  announce(f);
  result_tell(f, (br_result){.targets = 1, .queued = 1});
  work(f);
  assert_int_equal(f->ends, 0);
  say(f, SESSION, BR_DIRECTION_C2S, 0, "late");
  work(f);
  assert_string_equal(f->answer, "late");
}

static void call_ends_with_its_session(void **state) {
  fixture *f = *state;
  call_begin(f, NULL, PATIENCE_MS);
  announce(f);
  br_closed closed = {.info = f->sessions[SESSION]};
  event_push(f, (br_event){.kind = BR_EVENT_CLOSED, .session = SESSION}, &closed, sizeof closed);
  work(f);
  assert_string_equal(f->code, "502 closed_before_answer");
}

static void turns_until_end(fixture *f) {
  for (int turn = 0; turn < 1000 && f->ends == 0; turn++) {
    assert_int_equal(web_server_turn(f->server, 10), WEB_OK);
  }
  assert_int_equal(f->ends, 1);
}

static void call_without_an_answer_ends_in_time(void **state) {
  fixture *f = *state;
  call_begin(f, NULL, 20);
  announce(f);
  turns_until_end(f);
  assert_string_equal(f->code, "504 no_answer");
  say(f, SESSION, BR_DIRECTION_C2S, 0, "too late");
  work(f);
  assert_int_equal(f->ends, 1);
}

static void call_that_the_pipe_thread_does_not_take_ends_in_time(void **state) {
  fixture *f = *state;
  call_begin(f, NULL, 20);
  turns_until_end(f);
  assert_string_equal(f->code, "504 not_injected");
  announce(f); /* it took it later: nobody is there any more */
  result_tell(f, (br_result){.targets = 1, .delivered = 1});
  say(f, SESSION, BR_DIRECTION_C2S, 0, "too late");
  work(f);
  assert_int_equal(f->ends, 1);
}

static void call_that_is_cancelled_is_told_nothing(void **state) {
  fixture *f = *state;
  call_begin(f, "x", PATIENCE_MS);
  announce(f);
  br_call_cancel(&f->call);
  br_call_cancel(&f->call);
  say(f, SESSION, BR_DIRECTION_C2S, 0, "x");
  result_tell(f, (br_result){.targets = 1, .delivered = 1});
  work(f);
  assert_int_equal(f->ends, 0);
}

static void call_of_a_pipe_needs_one_session(void **state) {
  fixture *f = *state;
  br_problem problem;
  const br_registry *registry = br_hub_registry(f->hub);
  const br_pipe_info *pipe = br_registry_pipe(registry, "demo", NULL);
  assert_null(br_call_target(registry, pipe, &problem));
  assert_string_equal(problem.code, "several_sessions");
  for (uint64_t id = SESSION; id <= OTHER; id++) {
    br_closed closed = {.info = f->sessions[id]};
    event_push(f, (br_event){.kind = BR_EVENT_CLOSED, .session = id}, &closed, sizeof closed);
    work(f);
    const br_session_info *found = br_call_target(registry, pipe, &problem);
    assert_int_equal(found ? found->id : 0, id == SESSION ? OTHER : 0);
  }
  assert_string_equal(problem.code, "no_session");
}

static void call_timeout_is_bounded_by_the_requests(void **state) {
  fixture *f = *state;
  static const char *const bad[] = {"0", "27001", "-1", "x", "", "1.5"};
  br_problem problem;
  uint32_t ms = 0;
  assert_true(br_call_timeout(&f->config, NULL, &ms, &problem));
  assert_int_equal(ms, 5000);
  assert_true(br_call_timeout(&f->config, "27000", &ms, &problem));
  assert_int_equal(ms, 27000);
  for (size_t index = 0; index < sizeof bad / sizeof bad[0]; index++) {
    assert_false(br_call_timeout(&f->config, bad[index], &ms, &problem));
    assert_string_equal(problem.code, "bad_timeout");
  }
  f->config.http.request_timeout_ms = 1000;
  assert_true(br_call_timeout(&f->config, NULL, &ms, &problem));
  assert_int_equal(ms, 900);
}

#define CALL_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      CALL_TEST(call_is_answered_by_the_next_message_of_the_other_end),
      CALL_TEST(call_is_answered_before_its_result_came),
      CALL_TEST(call_waits_for_what_its_filter_lets_through),
      CALL_TEST(second_call_in_a_session_is_refused_and_not_sent),
      CALL_TEST(call_that_is_not_taken_says_why),
      CALL_TEST(call_that_waits_in_the_write_queue_may_still_be_answered),
      CALL_TEST(call_ends_with_its_session),
      CALL_TEST(call_without_an_answer_ends_in_time),
      CALL_TEST(call_that_the_pipe_thread_does_not_take_ends_in_time),
      CALL_TEST(call_that_is_cancelled_is_told_nothing),
      CALL_TEST(call_of_a_pipe_needs_one_session),
      CALL_TEST(call_timeout_is_bounded_by_the_requests),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
