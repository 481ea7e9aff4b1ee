/* The loop: the order of a turn, posted routines, whose thread it is, falling asleep and being
 * woken. */
#include "loop_journal.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backend_refusal.h"
#include "pipecore/fake.h"
#include "pipecore/loop.h"
#include "pipecore/server.h"

/* What a case uses that needs a system; main runs such cases over each. */
static pc_backend_kind system_kind;

static void noting_posted_run(pc_posted *posted, void *user) {
  (void)posted;
  note(user, 'p');
}

/* ---- a server in the fake, for completions ---- */

static bool on_connected(pc_session *session, const pc_peer *peer, void *user) {
  (void)session;
  (void)peer;
  (void)user;
  return true;
}

static pc_status on_message(pc_session *session, const pc_message *message, void *user) {
  (void)session;
  (void)message;
  if (user) {
    note(user, 'c');
  }
  return PC_OK;
}

static void on_written(pc_session *session, uint64_t tag, pc_status status, void *user) {
  (void)session;
  (void)tag;
  (void)status;
  (void)user;
}

static void on_disconnected(pc_session *session, pc_close_reason reason, pc_status status,
                            void *user) {
  (void)session;
  (void)reason;
  (void)status;
  (void)user;
}

static void on_error(pc_server *server, const pc_failure *failure, void *user) {
  (void)server;
  (void)failure;
  (void)user;
}

static unsigned stopped_count;

static void on_stopped(pc_server *server, void *user) {
  (void)server;
  (void)user;
  stopped_count++;
}

static pc_server *server_start(pc_loop *loop, turn_journal *journal) {
  pc_server_options options = {.path = "pipe",
                               .type = PC_TYPE_MESSAGE,
                               .on = {.session = {.on_connected = on_connected,
                                                  .on_message = on_message,
                                                  .on_written = on_written,
                                                  .on_disconnected = on_disconnected},
                                      .on_error = on_error,
                                      .on_stopped = on_stopped},
                               .user = journal};
  pc_server *server = NULL;
  assert_int_equal(pc_server_start(loop, &options, &server, NULL), PC_OK);
  return server;
}

static void server_end(pc_loop *loop, pc_server *server) {
  stopped_count = 0;
  pc_server_stop(server, 0);
  for (int count = 0; count < 10 && stopped_count == 0; count++) {
    turn(loop);
  }
  assert_int_equal(stopped_count, 1);
  pc_server_destroy(server);
}

/* ---- the order of a turn ---- */

static bool noting_agent_work(void *user) {
  note(user, 'a');
  return false;
}

static void turn_runs_completions_then_timers_then_posted_then_the_agent(void **state) {
  (void)state;
  turn_journal journal = {.size = 0};
  pc_loop *loop = NULL;
  pc_loop_options options = {.backend = PC_BACKEND_FAKE,
                             .agent = {.do_work = noting_agent_work, .user = &journal}};
  assert_int_equal(pc_loop_create(&options, &loop), PC_OK);
  pc_server *server = server_start(loop, &journal);
  pc_fake_end *client = NULL;
  assert_int_equal(pc_fake_connect(loop, "pipe", NULL, &client), PC_OK);
  turn(loop);
  journal = (turn_journal){.size = 0};
  pc_posted posted = {.routine = noting_posted_run, .user = &journal};
  noting_timer timer;
  noting_timer_init(&timer, &journal, 't');
  pc_post(loop, &posted);
  assert_int_equal(pc_timer_start(loop, &timer.timer, 0), PC_OK);
  assert_int_equal(pc_fake_write(client, "x", 1), PC_OK);
  turn(loop);
  assert_string_equal(journal.text, "ctpa");
  pc_fake_close(client);
  server_end(loop, server);
  pc_loop_destroy(loop);
}

/* More completions than a turn runs: the others get their turn all the same. */
static void turn_runs_a_bounded_number_of_completions(void **state) {
  (void)state;
  enum { COUNT = 1000 }; /* a turn runs 512 */
  static pc_fake_end *clients[COUNT];
  pc_loop *loop = loop_create(PC_BACKEND_FAKE);
  pc_server *server = server_start(loop, NULL);
  for (int index = 0; index < COUNT; index++) {
    assert_int_equal(pc_fake_connect(loop, "pipe", NULL, &clients[index]), PC_OK);
  }
  while (pc_server_session_count(server) < COUNT) {
    turn(loop);
  }
  for (int index = 0; index < COUNT; index++) {
    pc_fake_close(clients[index]);
  }
  turn_journal journal = {.size = 0};
  noting_timer timer;
  noting_timer_init(&timer, &journal, 't');
  assert_int_equal(pc_timer_start(loop, &timer.timer, 0), PC_OK);
  turn(loop);
  assert_string_equal(journal.text, "t");
  assert_true(pc_server_session_count(server) > 0);
  while (pc_server_session_count(server) > 0) {
    turn(loop);
  }
  server_end(loop, server);
  pc_loop_destroy(loop);
}

/* ---- posted routines ---- */

typedef struct chain_post {
  pc_posted posted;
  pc_loop *loop;
  unsigned runs;
} chain_post;

static void chain_post_run(pc_posted *posted, void *user) {
  chain_post *self = user;
  self->runs++;
  pc_post(self->loop, posted);
}

static void posted_routines_run_once_in_the_order_of_posting(void **state) {
  (void)state;
  turn_journal journal = {.size = 0};
  pc_loop *loop = loop_create(PC_BACKEND_FAKE);
  pc_posted posts[5];
  for (int index = 0; index < 5; index++) {
    posts[index] = (pc_posted){.routine = noting_posted_run, .user = &journal};
    pc_post(loop, &posts[index]);
  }
  assert_string_equal(journal.text, ""); /* not inside the call */
  turn(loop);
  turn(loop);
  assert_string_equal(journal.text, "ppppp");
  pc_loop_destroy(loop);
}

static void routine_that_posts_itself_again_runs_once_a_turn(void **state) {
  (void)state;
  pc_loop *loop = loop_create(system_kind);
  chain_post chain = {.loop = loop};
  chain.posted = (pc_posted){.routine = chain_post_run, .user = &chain};
  pc_post(loop, &chain.posted);
  for (unsigned count = 1; count <= 5; count++) {
    assert_int_equal(pc_loop_turn(loop, -1), PC_OK); /* does not sleep: something is posted */
    assert_int_equal(chain.runs, count);
  }
  pc_loop_destroy(loop);
}

/* ---- the agent ---- */

typedef struct watching_agent {
  unsigned work_count;
  unsigned prepare_count;
  unsigned awake_count;
  bool has_more;
  bool may_sleep;
} watching_agent;

static bool watching_work(void *user) {
  watching_agent *self = user;
  self->work_count++;
  return self->has_more;
}

static bool watching_prepare(void *user) {
  watching_agent *self = user;
  assert_int_equal(self->prepare_count, self->awake_count);
  if (!self->may_sleep) {
    return false;
  }
  self->prepare_count++;
  return true;
}

static void watching_awake(void *user) {
  watching_agent *self = user;
  self->awake_count++;
  assert_int_equal(self->prepare_count, self->awake_count);
}

static void agent_takes_part_in_every_wait_that_may_sleep_and_in_no_other(void **state) {
  (void)state;
  watching_agent agent = {.may_sleep = true};
  pc_loop *loop = NULL;
  pc_loop_options options = {.backend = system_kind,
                             .agent = {.do_work = watching_work,
                                       .prepare_sleep = watching_prepare,
                                       .awake = watching_awake,
                                       .user = &agent}};
  assert_int_equal(pc_loop_create(&options, &loop), PC_OK);
  turn(loop); /* does not wait */
  assert_int_equal(agent.prepare_count, 0);
  assert_int_equal(pc_loop_turn(loop, 1), PC_OK);
  assert_int_equal(agent.prepare_count, 1);
  assert_int_equal(agent.awake_count, 1);
  agent.has_more = true;
  pc_loop_wake(loop);
  assert_int_equal(pc_loop_turn(loop, -1), PC_OK);
  assert_int_equal(agent.prepare_count, 2);
  assert_int_equal(pc_loop_turn(loop, -1), PC_OK); /* more to do: would never return if it slept */
  assert_int_equal(agent.prepare_count, 2);
  agent.has_more = false;
  turn(loop);
  agent.may_sleep = false;
  assert_int_equal(pc_loop_turn(loop, -1), PC_OK); /* work came meanwhile: likewise */
  assert_int_equal(agent.awake_count, 2);
  assert_int_equal(agent.work_count, 6);
  pc_loop_destroy(loop);
}

/* ---- wake, stop, threads ---- */

/* The counter of the eventfd that the process has, from its fdinfo. */
static long wakeup_counter(void) {
  for (int fd = 3; fd < 64; fd++) {
    char path[64];
    char text[256] = "";
    snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
    FILE *file = fopen(path, "re");
    size_t size = file ? fread(text, 1, sizeof text - 1, file) : 0;
    if (file) {
      fclose(file);
    }
    const char *found = size > 0 ? strstr(text, "eventfd-count:") : NULL;
    if (found) {
      return strtol(found + strlen("eventfd-count:"), NULL, 16);
    }
  }
  return -1;
}

static void wakes_while_one_is_pending_cost_one_write(void **state) {
  (void)state;
  pc_loop *loop = loop_create(system_kind);
  for (int count = 0; count < 10; count++) {
    pc_loop_wake(loop);
  }
  assert_int_equal(wakeup_counter(), 1);
  assert_int_equal(pc_loop_turn(loop, -1), PC_OK);
  assert_int_equal(wakeup_counter(), 1); /* nobody need read it */
  pc_loop_wake(loop);
  pc_loop_wake(loop);
  assert_int_equal(wakeup_counter(), 2);
  assert_int_equal(pc_loop_turn(loop, -1), PC_OK);
  pc_loop_destroy(loop);
}

static void stop_before_run_ends_it_at_once_and_only_once(void **state) {
  (void)state;
  pc_loop *loop = loop_create(system_kind);
  pc_loop_stop(loop);
  assert_int_equal(pc_loop_run(loop), PC_OK);
  assert_int_equal(pc_loop_turn_count(loop), 0);
  pc_loop_destroy(loop);
}

static void *run_until_stopped(void *user) {
  return pc_loop_run(user) == PC_OK ? user : NULL;
}

static void loop_is_stopped_from_another_thread_and_runs_again(void **state) {
  (void)state;
  pc_loop *loop = loop_create(system_kind);
  for (int round = 0; round < 20; round++) {
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, run_until_stopped, loop), 0);
    pc_loop_stop(loop);
    void *result = NULL;
    pthread_join(thread, &result);
    assert_ptr_equal(result, loop);
  }
  pc_loop_destroy(loop); /* after the run nobody owns it: this thread may */
}

static void turns_are_counted_for_a_watchdog(void **state) {
  (void)state;
  pc_loop *loop = loop_create(PC_BACKEND_FAKE);
  for (uint64_t count = 0; count < 3; count++) {
    assert_int_equal(pc_loop_turn_count(loop), count);
    turn(loop);
  }
  pc_loop_destroy(loop);
}

/* ---- broken invariants end the program ---- */

/* The signal that ends a child which runs this, or 0. */
static int signal_of(void (*body)(void)) {
  fflush(NULL);
  pid_t child = fork();
  if (child == 0) {
    if (!freopen("/dev/null", "w", stderr)) {
      _exit(2);
    }
    signal(SIGABRT, SIG_DFL);
    body();
    _exit(0);
  }
  int status = 0;
  assert_int_equal(waitpid(child, &status, 0), child);
  return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void *turn_elsewhere(void *user) {
  (void)!pc_loop_turn(user, 0);
  return NULL;
}

static void turn_on_a_wrong_thread(void) {
  pc_loop *loop = loop_create(PC_BACKEND_FAKE);
  pthread_t thread;
  pthread_create(&thread, NULL, turn_elsewhere, loop);
  pthread_join(thread, NULL);
}

static void destroy_under_a_server(void) {
  pc_loop *loop = loop_create(PC_BACKEND_FAKE);
  (void)server_start(loop, NULL);
  pc_loop_destroy(loop);
}

static void destroy_a_server_that_was_not_stopped(void) {
  pc_loop *loop = loop_create(PC_BACKEND_FAKE);
  pc_server_destroy(server_start(loop, NULL));
}

static void turn_inside_a_turn_run(pc_posted *posted, void *user) {
  (void)posted;
  (void)!pc_loop_turn(user, 0);
}

static void turn_inside_a_turn(void) {
  pc_loop *loop = loop_create(PC_BACKEND_FAKE);
  pc_posted posted = {.routine = turn_inside_a_turn_run, .user = loop};
  pc_post(loop, &posted);
  turn(loop);
}

static void turn_inside_a_turn_ends_the_program(void **state) {
  (void)state;
  assert_int_equal(signal_of(turn_inside_a_turn), SIGABRT);
}

static void call_on_a_wrong_thread_ends_the_program(void **state) {
  (void)state;
  assert_int_equal(signal_of(turn_on_a_wrong_thread), SIGABRT);
}

static void destroying_what_is_in_use_ends_the_program(void **state) {
  (void)state;
  assert_int_equal(signal_of(destroy_under_a_server), SIGABRT);
  assert_int_equal(signal_of(destroy_a_server_that_was_not_stopped), SIGABRT);
  pc_loop_destroy(NULL);
  pc_server_destroy(NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(turn_runs_completions_then_timers_then_posted_then_the_agent),
      cmocka_unit_test(turn_runs_a_bounded_number_of_completions),
      cmocka_unit_test(posted_routines_run_once_in_the_order_of_posting),
      cmocka_unit_test(turns_are_counted_for_a_watchdog),
      cmocka_unit_test(call_on_a_wrong_thread_ends_the_program),
      cmocka_unit_test(turn_inside_a_turn_ends_the_program),
      cmocka_unit_test(destroying_what_is_in_use_ends_the_program),
  };
  const struct CMUnitTest system_tests[] = {
      cmocka_unit_test(routine_that_posts_itself_again_runs_once_a_turn),
      cmocka_unit_test(agent_takes_part_in_every_wait_that_may_sleep_and_in_no_other),
      cmocka_unit_test(wakes_while_one_is_pending_cost_one_write),
      cmocka_unit_test(stop_before_run_ends_it_at_once_and_only_once),
      cmocka_unit_test(loop_is_stopped_from_another_thread_and_runs_again),
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
