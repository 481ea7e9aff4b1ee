/* The server on a thread of its own: sleeping and waking, timers, the orderly stop with everything
 * alive. */
#include "test.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "web/observer.h"
#include "web/server.h"
#include "web_client.h"

typedef struct fixture {
  web_server *server;
  uint16_t port;
  pthread_t thread;
  bool is_running;
  web_log *frames;
  web_log *lines;
  /* other thread → HTTP thread: what the test asks to be produced; the sleep protocol as an owner
   * has it */
  atomic_uint_fast64_t asked;
  atomic_bool is_sleeping;
  /* HTTP thread */
  uint64_t produced;
  web_timer timer;
  int timer_runs;
  uint64_t sleeps;
  uint64_t awakes;
  int abandoned;
  int closed;
  int ended;
  atomic_int pending;
} fixture;

static void produce_into(web_log *log, uint64_t seq) {
  web_span span = {.first_seq = seq, .last_seq = seq, .count = 1};
  char *out = (char *)web_log_reserve(log, 64);
  assert_non_null(out);
  int size = snprintf(out, 64, "e %llu\n", (unsigned long long)seq);
  web_log_commit(log, (size_t)size, &span);
}

static bool agent_do_work(void *user) {
  fixture *f = user;
  uint64_t asked = atomic_load(&f->asked);
  for (int i = 0; i < 100 && f->produced < asked; i++) {
    f->produced++;
    produce_into(f->frames, f->produced);
    produce_into(f->lines, f->produced);
  }
  return f->produced < asked;
}

static bool agent_prepare_sleep(void *user) {
  fixture *f = user;
  atomic_store(&f->is_sleeping, true);
  if (atomic_load(&f->asked) != f->produced) {
    atomic_store(&f->is_sleeping, false);
    return false;
  }
  f->sleeps++;
  return true;
}

static void agent_awake(void *user) {
  fixture *f = user;
  atomic_store(&f->is_sleeping, false);
  f->awakes++;
}

/* From the test's thread. */
static void ask_for(fixture *f, uint64_t count) {
  atomic_fetch_add(&f->asked, count);
  if (atomic_exchange(&f->is_sleeping, false)) {
    web_server_wake(f->server);
  }
}

static void encode_gap(void *user, const web_span *missed, web_buffer *out) {
  (void)user;
  web_buffer_append_format(out, "g %llu\n", (unsigned long long)missed->count);
}

static void on_open(web_socket *socket, void *user) {
  fixture *f = user;
  web_source source = {.log = f->frames, .encode_gap = encode_gap, .user = f};
  web_socket_observe(socket, &source);
}

static void on_close(web_socket *socket, uint16_t code, void *user) {
  (void)socket;
  (void)code;
  ((fixture *)user)->closed++;
}

static void on_end(void *user) {
  ((fixture *)user)->ended++;
}

static void on_abandon(web_request *request, void *user) {
  (void)request;
  ((fixture *)user)->abandoned++;
}

static void handle_socket(web_request *request, void *user) {
  static const web_socket_events events = {.on_open = on_open, .on_close = on_close};
  assert_int_equal(web_socket_accept(request, NULL, &events, user), WEB_OK);
}

static void handle_stream(web_request *request, void *user) {
  fixture *f = user;
  web_source source = {.log = f->lines, .encode_gap = encode_gap, .user = f};
  web_stream_start(request, "application/x-ndjson", &source, on_end);
}

static void handle_later(web_request *request, void *user) {
  fixture *f = user;
  web_request_on_abandon(request, on_abandon, f);
  atomic_fetch_add(&f->pending, 1);
}

static void on_timer(web_timer *timer, void *user) {
  fixture *f = user;
  if (++f->timer_runs < 5) {
    web_timer_start(f->server, timer, 5);
  } else {
    web_server_stop(f->server);
  }
}

static const web_route routes[] = {{"GET", "/ws", handle_socket},
                                   {"GET", "/stream", handle_stream},
                                   {"GET", "/later", handle_later}};

static void *run(void *user) {
  fixture *f = user;
  web_status status = web_server_run(f->server);
  assert_int_equal(status, WEB_OK);
  return NULL;
}

static void start(fixture *f) {
  f->is_running = true;
  assert_int_equal(pthread_create(&f->thread, NULL, run, f), 0);
}

static void join(fixture *f) {
  assert_int_equal(pthread_join(f->thread, NULL), 0);
  f->is_running = false;
}

static int set_up(void **state) {
  static const char *const listen[] = {"127.0.0.1:0"};
  fixture *f = calloc(1, sizeof *f);
  char error[512] = "";
  web_server_options options = {.listen = listen,
                                .listen_count = 1,
                                .routes = routes,
                                .route_count = sizeof routes / sizeof routes[0],
                                .agent = {.do_work = agent_do_work,
                                          .prepare_sleep = agent_prepare_sleep,
                                          .awake = agent_awake,
                                          .user = f},
                                .user = f};
  if (web_server_create(&options, &f->server, error, sizeof error) != WEB_OK) {
    fail_msg("%s", error);
  }
  f->port = web_server_port(f->server, 0);
  assert_int_equal(web_log_create(f->server, WEB_LOG_WS_TEXT, 1 << 20, &f->frames), WEB_OK);
  assert_int_equal(web_log_create(f->server, WEB_LOG_PLAIN, 1 << 20, &f->lines), WEB_OK);
  *state = f;
  return 0;
}

static int tear_down(void **state) {
  fixture *f = *state;
  if (f->is_running) {
    web_server_stop(f->server);
    join(f);
  }
  web_log_destroy(f->frames);
  web_log_destroy(f->lines);
  web_server_destroy(f->server);
  free(f);
  return 0;
}

static void open_socket(web_client *client, fixture *f) {
  web_client_open(client, NULL, f->port);
  web_client_upgrade(client, "/ws", "");
}

static void open_stream(web_client *client, fixture *f) {
  char text[128];
  char *end = NULL;
  web_client_open(client, NULL, f->port);
  (void)snprintf(text, sizeof text, "GET /stream HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n\r\n", f->port);
  web_client_send_text(client, text);
  for (int i = 0; i < 2000 && (end = strstr(client->data, "\r\n\r\n")) == NULL; i++) {
    web_client_step(client);
  }
  assert_non_null(end);
  web_client_take(client, (size_t)(end - client->data) + 4);
}

static void ask_later(web_client *client, fixture *f) {
  char text[128];
  web_client_open(client, NULL, f->port);
  (void)snprintf(text, sizeof text, "GET /later HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n\r\n", f->port);
  web_client_send_text(client, text);
}

/* ---- the cases ---- */

static void each_wake_brings_its_event_however_often_the_thread_sleeps(void **state) {
  fixture *f = *state;
  web_client client;
  start(f);
  open_socket(&client, f);
  /* It observes from some moment on: the first that comes tells from which. */
  uint64_t expected = 0;
  for (int i = 0; i < 2000; i++) {
    ask_for(f, 1);
    if (expected == 0 && !web_client_has_frame(&client)) {
      web_client_step(&client);
      continue;
    }
    web_frame frame = web_client_frame(&client);
    uint64_t seq = strtoull((char *)frame.data + 2, NULL, 10);
    if (expected > 0) {
      assert_int_equal(seq, expected);
    }
    expected = seq + 1;
    web_frame_free(&frame);
  }
  assert_true(expected > 1000);
  web_client_close(&client);
  web_server_stop(f->server);
  join(f);
  assert_true(f->sleeps > 100);
  assert_int_equal(f->sleeps, f->awakes);
}

static void burst_larger_than_a_turn_is_done_without_further_wakes(void **state) {
  fixture *f = *state;
  web_client client;
  start(f);
  open_stream(&client, f);
  ask_for(f, 5000);
  while (strstr(client.data, "e 5000\n") == NULL) {
    assert_false(client.is_closed);
    web_client_step(&client);
  }
  web_client_close(&client);
}

static void timers_run_and_start_again(void **state) {
  fixture *f = *state;
  f->timer = (web_timer){.routine = on_timer, .user = f};
  web_timer_start(f->server, &f->timer, 5);
  start(f);
  join(f);
  assert_int_equal(f->timer_runs, 5);
}

static void stop_before_the_first_turn_ends_the_run(void **state) {
  fixture *f = *state;
  web_server_stop(f->server);
  start(f);
  join(f);
}

static void stop_with_everything_alive_ends_all_in_order_and_in_time(void **state) {
  fixture *f = *state;
  enum { COUNT = 10 };
  web_client sockets[COUNT];
  web_client streams[COUNT];
  web_client later[COUNT];
  struct timespec before;
  struct timespec after;
  start(f);
  for (int i = 0; i < COUNT; i++) {
    open_socket(&sockets[i], f);
    open_stream(&streams[i], f);
    ask_later(&later[i], f);
  }
  while (atomic_load(&f->pending) < COUNT) {
    web_client_step(&later[COUNT - 1]);
  }
  ask_for(f, 50);
  clock_gettime(CLOCK_MONOTONIC, &before);
  web_server_stop(f->server);
  for (int i = 0; i < COUNT; i++) {
    web_reply reply = web_client_reply(&later[i], false);
    assert_int_equal(reply.status, 503);
    web_reply_free(&reply);
    web_client_close(&later[i]);
    web_client_expect_close(&streams[i]);
    assert_string_equal(streams[i].data + streams[i].size - 5, "e 50\n");
    web_client_close(&streams[i]);
  }
  for (int i = 0; i < COUNT; i++) {
    for (int seq = 1; seq <= 50; seq++) {
      web_frame frame = web_client_frame(&sockets[i]);
      assert_int_equal(atoi((char *)frame.data + 2), seq);
      web_frame_free(&frame);
    }
    web_client_expect_close_frame(&sockets[i], 1001);
    web_client_send_frame(&sockets[i], 0x88, "\x03\xe9", 2);
    web_client_close(&sockets[i]);
  }
  join(f);
  clock_gettime(CLOCK_MONOTONIC, &after);
  assert_true(after.tv_sec - before.tv_sec <= 2);
  assert_int_equal(f->abandoned, COUNT);
  assert_int_equal(f->closed, COUNT);
  assert_int_equal(f->ended, COUNT);
}

static void *reserve_elsewhere(void *user) {
  (void)web_log_reserve(user, 1);
  return NULL;
}

static void call_from_a_wrong_thread_ends_the_program(void **state) {
  fixture *f = *state;
  fflush(NULL);
  pid_t child = fork();
  if (child == 0) {
    if (!freopen("/dev/null", "w", stderr)) {
      _exit(2);
    }
    signal(SIGABRT, SIG_DFL);
    pthread_t thread;
    pthread_create(&thread, NULL, reserve_elsewhere, f->lines);
    pthread_join(thread, NULL);
    _exit(0);
  }
  int status = 0;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFSIGNALED(status));
  assert_int_equal(WTERMSIG(status), SIGABRT);
}

#define THREAD_TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      THREAD_TEST(each_wake_brings_its_event_however_often_the_thread_sleeps),
      THREAD_TEST(burst_larger_than_a_turn_is_done_without_further_wakes),
      THREAD_TEST(timers_run_and_start_again),
      THREAD_TEST(stop_before_the_first_turn_ends_the_run),
      THREAD_TEST(stop_with_everything_alive_ends_all_in_order_and_in_time),
      THREAD_TEST(call_from_a_wrong_thread_ends_the_program),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
