/* Private sessions of a client pipe: the test is their server at one end, and the HTTP thread at
 * the other. */
#include "test.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "bridge/event.h"
#include "bridge/pipes.h"
#include "bridge/registry.h"
#include "private_window.h"
#include "slow.h"

#define DEADLINE_MS (20000 * test_scale())
enum { QUEUE_BYTES = 4 << 20, MESSAGE_BYTES = 4096 };

typedef struct fixture {
  char folder[64];
  br_config config;
  br_pipe_config pipe;
  br_queue *events;
  br_queue *commands;
  br_pipes *pipes;
  pthread_t thread;
  int wake_fd;
  int listener;
  uint64_t last_command_id;
  /* What was seen so far. */
  unsigned opened, closed, unconnected, messages, injected, results, errors, refused;
  uint64_t session;
  uint64_t opened_command_id;
  uint64_t charged_bytes; /* of messages */
  uint64_t taken_bytes;   /* told of what was said */
  pc_failure failure;
  br_closed closed_payload;
  br_result result;
  bool has_other_flags; /* an event of the session without BR_FLAG_PRIVATE */
} fixture;

static void *run_pipes(void *user) {
  br_pipes_run(user);
  return NULL;
}

static void wake_reader(void *user) {
  fixture *f = user;
  uint64_t one = 1;
  assert_int_equal(write(f->wake_fd, &one, sizeof one), sizeof one);
}

static struct sockaddr_un address_of(const fixture *f) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strncpy(address.sun_path, f->pipe.path, sizeof address.sun_path - 1);
  return address;
}

static void listen_at(fixture *f, int backlog) {
  struct sockaddr_un address = address_of(f);
  f->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(bind(f->listener, (struct sockaddr *)&address, sizeof address), 0);
  assert_int_equal(listen(f->listener, backlog), 0);
}

static int set_up(void **state) {
  fixture *f = calloc(1, sizeof *f);
  strcpy(f->folder, "/tmp/test_private.XXXXXX");
  assert_non_null(mkdtemp(f->folder));
  char path[96];
  (void)snprintf(path, sizeof path, "%s/far.sock", f->folder);
  f->pipe = (br_pipe_config){.name = "far",
                             .path = strdup(path),
                             .role = BR_ROLE_CLIENT,
                             .type = PC_TYPE_BYTE,
                             .framing = PC_FRAMING_LINE,
                             .limits = {.max_instances = 2,
                                        .max_message_bytes = MESSAGE_BYTES,
                                        .max_write_queue_bytes = 65536}};
  f->config.pipes = &f->pipe;
  f->config.pipe_count = 1;
  f->listener = -1;
  f->events = br_queue_create(QUEUE_BYTES);
  f->commands = br_queue_create(QUEUE_BYTES);
  f->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  char error[256] = "";
  f->pipes = br_pipes_create(&(br_pipes_options){.config = &f->config,
                                                 .events = f->events,
                                                 .commands = f->commands,
                                                 .wake_reader = wake_reader,
                                                 .user = f},
                             error, sizeof error);
  if (!f->pipes) {
    fail_msg("%s", error);
  }
  assert_int_equal(pthread_create(&f->thread, NULL, run_pipes, f->pipes), 0);
  *state = f;
  return 0;
}

static void take(const void *record, size_t size, void *user) {
  fixture *f = user;
  const br_event *event = record;
  const uint8_t *payload = br_event_payload(event);
  br_taken taken;
  (void)size;
  f->has_other_flags |= event->session != 0 && event->kind != BR_EVENT_ERROR &&
                        event->kind != BR_RECORD_RESULT && event->flags != BR_FLAG_PRIVATE;
  switch (event->kind) {
  case BR_EVENT_OPENED:
    f->opened++;
    f->session = event->session;
    f->opened_command_id = event->command_id;
    break;
  case BR_EVENT_CLOSED:
    f->closed++;
    memcpy(&f->closed_payload, payload, sizeof f->closed_payload);
    free(f->closed_payload.info);
    break;
  case BR_EVENT_MESSAGE: {
    char text[32];
    (void)snprintf(text, sizeof text, "%06u", f->messages);
    assert_memory_equal(payload, text, strlen(text));
    f->messages++;
    f->charged_bytes += br_private_charge(event->size_bytes);
    break;
  }
  case BR_EVENT_INJECTED:
    f->injected++;
    break;
  case BR_EVENT_ERROR:
    f->errors++;
    break;
  case BR_RECORD_RESULT:
    f->results++;
    memcpy(&f->result, payload, sizeof f->result);
    f->refused += f->result.quota;
    break;
  case BR_RECORD_UNCONNECTED:
    f->unconnected++;
    memcpy(&f->failure, payload, sizeof f->failure);
    break;
  case BR_RECORD_TAKEN:
    memcpy(&taken, payload, sizeof taken);
    f->taken_bytes += taken.bytes;
    break;
  default:
    fail_msg("kind %u", event->kind);
  }
}

static size_t drain(fixture *f) {
  size_t count = br_queue_drain(f->events, QUEUE_BYTES, take, f);
  br_pipes_made_room(f->pipes);
  return count;
}

/* Waits for what comes next, at most `timeout_ms`; false: nothing did. */
static bool wait_more(fixture *f, int timeout_ms) {
  if (drain(f) > 0) {
    return true;
  }
  bool has_more = false;
  if (br_queue_prepare_sleep(f->events)) {
    struct pollfd wait = {.fd = f->wake_fd, .events = POLLIN};
    has_more = poll(&wait, 1, timeout_ms) == 1;
    uint64_t ignored;
    (void)!read(f->wake_fd, &ignored, sizeof ignored);
  }
  br_queue_awake(f->events);
  return drain(f) > 0 || has_more;
}

static void drain_until(fixture *f, const unsigned *counter, unsigned value) {
  while (*counter < value) {
    assert_true(wait_more(f, DEADLINE_MS));
  }
  assert_int_equal(*counter, value);
}

static int tear_down(void **state) {
  fixture *f = *state;
  br_pipes_stop(f->pipes);
  while (f->closed < f->opened) {
    assert_true(wait_more(f, DEADLINE_MS));
  }
  pthread_join(f->thread, NULL);
  (void)drain(f);
  br_pipes_destroy(f->pipes);
  (void)br_queue_drain(f->events, QUEUE_BYTES, take, f);
  assert_int_equal(f->closed, f->opened);
  assert_false(f->has_other_flags);
  br_queue_destroy(f->events);
  br_queue_destroy(f->commands);
  close(f->wake_fd);
  if (f->listener >= 0) {
    close(f->listener);
    assert_int_equal(unlink(f->pipe.path), 0);
  }
  assert_int_equal(rmdir(f->folder), 0);
  free(f->pipe.path);
  free(f);
  return 0;
}

static void command_push(fixture *f, br_command_kind kind, const void *payload, size_t size) {
  br_command command = {.id = ++f->last_command_id,
                        .kind = (uint8_t)kind,
                        .session = f->session,
                        .direction = BR_DIRECTION_C2S,
                        .size_bytes = (uint32_t)size};
  void *record;
  assert_int_equal(br_queue_reserve(f->commands, sizeof command + size, &record), BR_QUEUE_OK);
  memcpy(record, &command, sizeof command);
  if (size > 0) {
    memcpy((br_command *)record + 1, payload, size);
  }
  br_queue_commit(f->commands, record);
  if (br_queue_wake_needed(f->commands)) {
    br_pipes_wake(f->pipes);
  }
}

static void command_taken(fixture *f, uint64_t bytes) {
  br_taken taken = {.bytes = bytes};
  command_push(f, BR_COMMAND_TAKEN, &taken, sizeof taken);
}

/* Everything that was asked before has been handled. */
static void command_fence(fixture *f) {
  unsigned results = f->results;
  command_push(f, BR_COMMAND_PING, NULL, 0);
  drain_until(f, &f->results, results + 1);
}

/* A session; returns the server's end. */
static int session_open(fixture *f) {
  command_push(f, BR_COMMAND_CONNECT, NULL, 0);
  drain_until(f, &f->opened, f->opened + 1);
  assert_int_equal(f->opened_command_id, f->last_command_id);
  int end = accept4(f->listener, NULL, NULL, SOCK_CLOEXEC);
  assert_true(end >= 0);
  return end;
}

static void server_read(int end, char *out_data, size_t size) {
  for (size_t got = 0; got < size;) {
    struct pollfd wait = {.fd = end, .events = POLLIN};
    assert_int_equal(poll(&wait, 1, DEADLINE_MS), 1);
    ssize_t count = recv(end, out_data + got, size - got, 0);
    assert_true(count > 0);
    got += (size_t)count;
  }
}

static void server_expect_end(int end) {
  char byte;
  struct pollfd wait = {.fd = end, .events = POLLIN};
  assert_int_equal(poll(&wait, 1, DEADLINE_MS), 1);
  assert_int_equal(recv(end, &byte, 1, 0), 0);
}

/* ---- beginning ---- */

static void session_is_read_when_its_websocket_is_open(void **state) {
  fixture *f = *state;
  listen_at(f, 8);
  int end = session_open(f);
  assert_int_equal(send(end, "000000\n000001\n", 14, MSG_NOSIGNAL), 14);
  command_fence(f);
  command_fence(f);
  assert_int_equal(f->messages, 0);
  command_taken(f, BR_PRIVATE_WINDOW_BYTES);
  drain_until(f, &f->messages, 2);
  close(end);
  drain_until(f, &f->closed, 1);
  assert_int_equal(f->closed_payload.reason, PC_CLOSE_PEER);
}

static void connect_without_a_server_is_answered_with_the_reason(void **state) {
  fixture *f = *state;
  command_push(f, BR_COMMAND_CONNECT, NULL, 0);
  drain_until(f, &f->unconnected, 1);
  assert_int_equal(f->failure.status, PC_E_NOT_FOUND);
  assert_int_equal(f->opened, 0);
}

static void connect_over_max_instances_is_refused_until_one_has_gone(void **state) {
  fixture *f = *state;
  listen_at(f, 8);
  int ends[] = {session_open(f), session_open(f)};
  command_push(f, BR_COMMAND_CONNECT, NULL, 0);
  drain_until(f, &f->unconnected, 1);
  assert_int_equal(f->failure.status, PC_E_QUOTA);
  assert_int_equal(br_count(&br_pipes_live(f->pipes, 0)->limits.max_instances), 1);
  command_push(f, BR_COMMAND_FINISH, NULL, 0);
  drain_until(f, &f->closed, 1);
  command_fence(f); /* behind a turn of the loop it is let go */
  int third = session_open(f);
  close(ends[0]);
  close(ends[1]);
  close(third);
  drain_until(f, &f->closed, 3);
}

/* A backlog that is full is waited for; the end of the bridge is told. */
static void connect_that_waits_hears_of_the_end(void **state) {
  fixture *f = *state;
  listen_at(f, 0);
  struct sockaddr_un address = address_of(f);
  int filler = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(connect(filler, (struct sockaddr *)&address, sizeof address), 0);
  command_push(f, BR_COMMAND_CONNECT, NULL, 0);
  command_fence(f);
  assert_int_equal(f->unconnected, 0);
  br_pipes_stop(f->pipes);
  drain_until(f, &f->unconnected, 1);
  assert_int_equal(f->failure.status, PC_E_ABORTED);
  close(filler);
}

/* ---- windows ---- */

static void *flood(void *user) {
  FILE *stream = fdopen(*(const int *)user, "w");
  for (unsigned number = 0; number < 20000; number++) {
    assert_true(fprintf(stream, "%06u %100s\n", number, "x") > 0);
  }
  assert_int_equal(fclose(stream), 0);
  return NULL;
}

static void messages_stop_at_the_window_and_go_on_in_order(void **state) {
  fixture *f = *state;
  listen_at(f, 8);
  int end = session_open(f);
  pthread_t writer;
  assert_int_equal(pthread_create(&writer, NULL, flood, &end), 0);
  uint64_t given = BR_PRIVATE_WINDOW_BYTES;
  command_taken(f, given);
  while (f->messages < 20000) {
    assert_true(wait_more(f, DEADLINE_MS));
    if (f->charged_bytes >= given) {
      command_fence(f); /* nothing more comes meanwhile */
      given += BR_PRIVATE_WINDOW_BYTES / 2;
      command_taken(f, BR_PRIVATE_WINDOW_BYTES / 2);
    }
    assert_true(f->charged_bytes < given + br_private_charge(MESSAGE_BYTES));
  }
  pthread_join(writer, NULL);
  drain_until(f, &f->closed, 1);
}

static void what_is_said_is_written_in_order_and_told_back(void **state) {
  enum { COUNT = 2000, SIZE = 1000 };
  fixture *f = *state;
  listen_at(f, 8);
  int end = session_open(f);
  char line[SIZE + 1];
  uint64_t said = 0;
  for (unsigned number = 0; number < COUNT; number++) {
    memset(line, 'y', SIZE);
    (void)snprintf(line, sizeof line, "%06u", number);
    line[6] = 'y';
    command_push(f, BR_COMMAND_SAY, line, SIZE);
    said += br_private_charge(SIZE);
    char heard[SIZE + 1];
    if (number % 100 == 99) { /* the server is a hundred behind */
      for (unsigned index = number - 99; index <= number; index++) {
        server_read(end, heard, sizeof heard);
        assert_int_equal(atoi(heard), index);
      }
    }
    (void)drain(f);
  }
  drain_until(f, &f->injected, COUNT);
  command_fence(f);
  assert_true(said - f->taken_bytes < BR_PRIVATE_WINDOW_BYTES / 2);
  assert_int_equal(f->errors, 0);
  close(end);
}

static void guests_are_refused_before_the_websocket_is(void **state) {
  enum { GUESTS = 200, OWN = BR_PRIVATE_WINDOW_BYTES / MESSAGE_BYTES };
  fixture *f = *state;
  listen_at(f, 8);
  int end = session_open(f);
  static const char line[MESSAGE_BYTES] = "g";
  for (unsigned count = 0; count < GUESTS; count++) {
    command_push(f, BR_COMMAND_INJECT, line, sizeof line);
  }
  for (unsigned count = 0; count < OWN; count++) {
    command_push(f, BR_COMMAND_SAY, line, sizeof line);
  }
  while (f->injected + f->refused < GUESTS + OWN) {
    assert_true(wait_more(f, DEADLINE_MS));
  }
  assert_true(f->refused > 0);
  assert_true(f->errors > 0);     /* which tell of the guests */
  assert_int_equal(f->closed, 0); /* as it would be, had the WebSocket been refused */
  close(end);
  drain_until(f, &f->closed, 1);
}

/* ---- ending ---- */

/* As the WebSocket's side does it: until what was not told back fills its window, since the server
 * reads nothing. Returns how many messages that are. */
static unsigned say_until_full(fixture *f) {
  static const char line[MESSAGE_BYTES] = "said";
  unsigned count = 0;
  while (count * br_private_charge(sizeof line) - f->taken_bytes < BR_PRIVATE_WINDOW_BYTES) {
    command_push(f, BR_COMMAND_SAY, line, sizeof line);
    command_fence(f);
    count++;
  }
  return count;
}

static void server_read_lines(int end, unsigned count) {
  char line[MESSAGE_BYTES + 1];
  for (unsigned index = 0; index < count; index++) {
    server_read(end, line, sizeof line);
    assert_int_equal(line[MESSAGE_BYTES], '\n');
  }
}

static void finish_closes_behind_what_was_said(void **state) {
  fixture *f = *state;
  listen_at(f, 8);
  int end = session_open(f);
  unsigned count = say_until_full(f);
  command_push(f, BR_COMMAND_FINISH, NULL, 0);
  command_fence(f);
  assert_int_equal(f->closed, 0);
  server_read_lines(end, count);
  server_expect_end(end);
  drain_until(f, &f->closed, 1);
  assert_int_equal(f->closed_payload.reason, PC_CLOSE_LOCAL);
  assert_int_equal(f->errors, 0);
  close(end);
}

/* Nobody gets what it says then, but it must not wait for somebody who does. */
static void server_that_talks_on_after_the_finish_is_read(void **state) {
  fixture *f = *state;
  listen_at(f, 8);
  int end = session_open(f);
  pthread_t writer;
  unsigned count = say_until_full(f);
  int copy = dup(end);
  assert_int_equal(pthread_create(&writer, NULL, flood, &copy), 0);
  command_push(f, BR_COMMAND_FINISH, NULL, 0);
  drain_until(f, &f->messages, 20000);
  pthread_join(writer, NULL);
  server_read_lines(end, count);
  drain_until(f, &f->closed, 1);
  close(end);
}

static void finish_gives_up_a_server_that_takes_nothing(void **state) {
  fixture *f = *state;
  listen_at(f, 8);
  int end = session_open(f);
  assert_true(say_until_full(f) > 0);
  command_push(f, BR_COMMAND_FINISH, NULL, 0);
  drain_until(f, &f->closed, 1);
  assert_int_equal(f->errors, 1); /* what is lost is told */
  assert_true(br_count(&br_pipes_live(f->pipes, 0)->counters.lost.messages) > 0);
  close(end);
}

#define PRIVATE_TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      PRIVATE_TEST(session_is_read_when_its_websocket_is_open),
      PRIVATE_TEST(connect_without_a_server_is_answered_with_the_reason),
      PRIVATE_TEST(connect_over_max_instances_is_refused_until_one_has_gone),
      PRIVATE_TEST(connect_that_waits_hears_of_the_end),
      PRIVATE_TEST(messages_stop_at_the_window_and_go_on_in_order),
      PRIVATE_TEST(what_is_said_is_written_in_order_and_told_back),
      PRIVATE_TEST(guests_are_refused_before_the_websocket_is),
      PRIVATE_TEST(finish_closes_behind_what_was_said),
      PRIVATE_TEST(server_that_talks_on_after_the_finish_is_read),
      PRIVATE_TEST(finish_gives_up_a_server_that_takes_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
