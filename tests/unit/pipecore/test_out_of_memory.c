/* What happens when there is no memory: the same scenario again and again, each time with another
 * allocation of the library failing, over every backend. */
#include "test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "failing_memory.h"
#include "pipecore/fake.h"
#include "pipecore/server.h"

/* ---- the scenario's owner ---- */

enum { CLIENTS = 3, LARGE = 200 * 1000 };

typedef struct scenario {
  const pc_loop_options *way;
  char path[64];
  pc_loop *loop;
  pc_server *server;
  unsigned connected;
  unsigned disconnected;
  unsigned accepted;
  unsigned written;
  unsigned messages;
  unsigned errors;
  unsigned stopped;
  bool is_full;
  pc_session *paused[64];
  unsigned paused_count;
} scenario_record;

static bool scenario_on_connected(pc_session *session, const pc_peer *peer, void *user) {
  (void)peer;
  scenario_record *scenario = user;
  scenario->connected++;
  static const uint8_t large[LARGE];
  scenario->accepted += pc_session_write(session, "hello", 5, 1) == PC_OK;
  scenario->accepted += pc_session_write(session, large, LARGE, 2) == PC_OK;
  return true;
}

static pc_status scenario_on_message(pc_session *session, const pc_message *message, void *user) {
  (void)message;
  scenario_record *scenario = user;
  if (scenario->is_full && scenario->paused_count < 64) {
    scenario->paused[scenario->paused_count++] = session;
    return PC_AGAIN;
  }
  scenario->messages++;
  return PC_OK;
}

static void scenario_on_written(pc_session *session, uint64_t tag, pc_status status, void *user) {
  (void)session;
  (void)tag;
  (void)status;
  ((scenario_record *)user)->written++;
}

static void scenario_on_disconnected(pc_session *session, pc_close_reason reason, pc_status status,
                                     void *user) {
  scenario_record *scenario = user;
  scenario->disconnected++;
  if (reason == PC_CLOSE_ERROR) {
    assert_int_equal(status, PC_E_NO_MEMORY);
  }
  for (unsigned index = 0; index < scenario->paused_count; index++) {
    if (scenario->paused[index] == session) {
      scenario->paused[index] = NULL;
    }
  }
}

static void scenario_on_error(pc_server *server, const pc_failure *failure, void *user) {
  (void)server;
  assert_int_equal(failure->status, PC_E_NO_MEMORY);
  ((scenario_record *)user)->errors++;
}

static void scenario_on_stopped(pc_server *server, void *user) {
  (void)server;
  ((scenario_record *)user)->stopped++;
}

/* ---- clients of either backend ---- */

typedef struct scenario_client {
  int fd;
  pc_fake_end *fake;
} scenario_client;

static void client_open(scenario_record *scenario, scenario_client *client) {
  *client = (scenario_client){.fd = -1};
  if (scenario->way->backend == PC_BACKEND_FAKE) {
    const pc_peer peer = {.pid = 1, .uid = geteuid(), .gid = getegid()};
    if (pc_fake_connect(scenario->loop, scenario->path, &peer, &client->fake) != PC_OK) {
      client->fake = NULL;
    }
    return;
  }
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strcpy(address.sun_path, scenario->path);
  client->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  assert_int_equal(connect(client->fd, (const struct sockaddr *)&address, sizeof address), 0);
}

static void client_send(scenario_client *client, const char *data, size_t size) {
  if (client->fake) {
    (void)!pc_fake_write(client->fake, data, size);
  } else if (client->fd >= 0) {
    (void)!send(client->fd, data, size, MSG_NOSIGNAL);
  }
}

static void client_drain(scenario_client *client) {
  static char data[64 * 1024];
  size_t size;
  while (client->fake && pc_fake_read(client->fake, data, sizeof data, &size) == PC_OK) {
  }
  while (client->fd >= 0 && recv(client->fd, data, sizeof data, 0) > 0) {
  }
}

static void client_shut(scenario_client *client) {
  if (client->fake) {
    pc_fake_close(client->fake);
  } else if (client->fd >= 0) {
    close(client->fd);
  }
}

/* ---- the scenario ---- */

static void turns(scenario_record *scenario, unsigned count) {
  for (unsigned index = 0; index < count; index++) {
    if (scenario->way->backend == PC_BACKEND_FAKE) {
      pc_fake_advance(scenario->loop, 20);
    }
    /* a wait of some length only while an accept that failed has to be tried again */
    int wait_ms = scenario->connected < CLIENTS && scenario->errors > 0 ? 20 : 0;
    assert_int_equal(pc_loop_turn(scenario->loop, wait_ms), PC_OK);
  }
}

static void scenario_play(scenario_record *scenario) {
  static char large[LARGE];
  scenario_client clients[CLIENTS];
  memset(large, 'x', sizeof large);
  for (int index = 0; index < CLIENTS; index++) {
    client_open(scenario, &clients[index]);
    client_send(&clients[index], "one\ntwo\nhalf", 12);
  }
  turns(scenario, 8);
  scenario->is_full = true;
  for (int index = 0; index < CLIENTS; index++) {
    client_send(&clients[index], " a line\nthree\n", 14);
    client_send(&clients[index], large, 60000);
    client_drain(&clients[index]);
  }
  turns(scenario, 8);
  scenario->is_full = false;
  for (unsigned index = 0; index < scenario->paused_count; index++) {
    if (scenario->paused[index]) {
      pc_session_resume(scenario->paused[index]);
    }
  }
  turns(scenario, 8);
  client_shut(&clients[0]);
  turns(scenario, 8);
  pc_server_stop(scenario->server, 100);
  for (int count = 0; count < 100 && scenario->stopped == 0; count++) {
    turns(scenario, 5);
    for (int index = 1; index < CLIENTS; index++) {
      client_drain(&clients[index]);
    }
  }
  assert_int_equal(scenario->stopped, 1);
  client_shut(&clients[1]);
  client_shut(&clients[2]);
}

/* Returns whether everything could be made, i.e. the scenario was played. */
static bool scenario_run(const pc_loop_options *way, scenario_record *scenario) {
  *scenario = (scenario_record){.way = way};
  char folder[] = "/tmp/pipecore-memory-XXXXXX";
  assert_non_null(mkdtemp(folder));
  snprintf(scenario->path, sizeof scenario->path, "%s/pipe.sock", folder);
  allocation_count = 0;
  pc_status status = pc_loop_create(way, &scenario->loop);
  bool is_played = false;
  if (status == PC_OK) {
    const pc_admission_rule others = {
        .uid = geteuid() + 1, .gid = -1, .executable = "/usr/bin/stranger"};
    pc_server_options options = {
        .path = scenario->path,
        .type = PC_TYPE_BYTE,
        .framing = PC_FRAMING_LINE,
        .limits = {.max_message_bytes = LARGE, .idle_timeout_ms = 60 * 1000},
        .security = {.uid = -1, .gid = -1},
        .admission = {.deny = &others, .deny_count = 1},
        .on = {.session = {.on_connected = scenario_on_connected,
                           .on_message = scenario_on_message,
                           .on_written = scenario_on_written,
                           .on_disconnected = scenario_on_disconnected},
               .on_error = scenario_on_error,
               .on_stopped = scenario_on_stopped},
        .user = scenario};
    pc_failure failure;
    status = pc_server_start(scenario->loop, &options, &scenario->server, &failure);
    if (status == PC_OK) {
      scenario_play(scenario);
      is_played = true;
      pc_server_destroy(scenario->server);
    } else {
      assert_int_equal(failure.status, PC_E_NO_MEMORY);
      assert_non_null(failure.action);
    }
    pc_loop_destroy(scenario->loop);
  }
  if (!is_played) {
    assert_int_equal(status, PC_E_NO_MEMORY);
  }
  assert_int_equal(rmdir(folder), 0); /* nothing is left behind */
  assert_int_equal(scenario->connected, scenario->disconnected);
  assert_int_equal(scenario->accepted, scenario->written);
  return is_played;
}

/* io_uring where it is refused is epoll once more, after one attempt. */
static const pc_loop_options ways[] = {{.backend = PC_BACKEND_EPOLL},
                                       {.backend = PC_BACKEND_IO_URING},
                                       {.strategy = PC_STRATEGY_OVERLAPPED},
                                       {.backend = PC_BACKEND_FAKE}};
enum { WAYS = 4, WAYS_OF_SYSTEM = 3 };

/* How many allocations the scenario needs when none fails. */
static unsigned allocations_needed(const pc_loop_options *way) {
  scenario_record scenario;
  fail_from = fail_to = 0;
  assert_true(scenario_run(way, &scenario));
  assert_int_equal(scenario.connected, CLIENTS);
  assert_int_equal(scenario.errors, 0);
  assert_int_equal(scenario.messages, CLIENTS * 4 + 1); /* one left in the middle of a line */
  assert_int_equal(scenario.accepted, CLIENTS * 2);
  return allocation_count;
}

static void any_single_allocation_may_fail(void **state) {
  (void)state;
  for (int index = 0; index < WAYS; index++) {
    unsigned needed = allocations_needed(&ways[index]);
    assert_true(needed > 10);
    unsigned played = 0;
    for (unsigned number = 0; number < needed; number++) {
      scenario_record scenario;
      fail_from = number;
      fail_to = number + 1;
      played += scenario_run(&ways[index], &scenario);
    }
    assert_true(played > 0 && played < needed);
    fail_from = fail_to = 0;
  }
}

/* The same, but memory is short for a while: an accept is tried more than once. */
static void memory_may_be_short_for_a_while(void **state) {
  (void)state;
  for (int index = 0; index < WAYS; index++) {
    unsigned needed = allocations_needed(&ways[index]);
    for (unsigned number = 0; number < needed; number++) {
      scenario_record scenario;
      fail_from = number;
      fail_to = number + 4;
      (void)scenario_run(&ways[index], &scenario);
    }
    fail_from = fail_to = 0;
  }
}

/* Once warm, a message in and a message out cost no allocation. */
static void steady_messages_allocate_nothing_over(const pc_loop_options *way) {
  scenario_record scenario = {.way = way};
  fail_from = fail_to = 0;
  char folder[] = "/tmp/pipecore-memory-XXXXXX";
  assert_non_null(mkdtemp(folder));
  snprintf(scenario.path, sizeof scenario.path, "%s/pipe.sock", folder);
  assert_int_equal(pc_loop_create(way, &scenario.loop), PC_OK);
  pc_server_options options = {.path = scenario.path,
                               .type = PC_TYPE_BYTE,
                               .framing = PC_FRAMING_LINE,
                               .limits = {.max_message_bytes = LARGE},
                               .security = {.uid = -1, .gid = -1},
                               .on = {.session = {.on_connected = scenario_on_connected,
                                                  .on_message = scenario_on_message,
                                                  .on_written = scenario_on_written,
                                                  .on_disconnected = scenario_on_disconnected},
                                      .on_error = scenario_on_error,
                                      .on_stopped = scenario_on_stopped},
                               .user = &scenario};
  assert_int_equal(pc_server_start(scenario.loop, &options, &scenario.server, NULL), PC_OK);
  scenario_client client;
  client_open(&scenario, &client);
  turns(&scenario, 5);
  for (int count = 0; count < 20 && scenario.written < 2; count++) {
    client_drain(&client);
    turns(&scenario, 2);
  }
  client_send(&client, "warm\nha", 7);
  turns(&scenario, 5);
  unsigned before = allocation_count;
  unsigned messages = scenario.messages;
  for (int count = 0; count < 500; count++) {
    client_send(&client, "lf\na line\nanother\nha", 20); /* ends in the middle of a line */
    turns(&scenario, 2);
  }
  assert_int_equal(scenario.messages - messages, 1500);
  assert_int_equal(allocation_count, before);
  client_shut(&client);
  pc_server_stop(scenario.server, 0);
  turns(&scenario, 10);
  pc_server_destroy(scenario.server);
  pc_loop_destroy(scenario.loop);
  assert_int_equal(rmdir(folder), 0);
}

static void steady_messages_allocate_nothing(void **state) {
  (void)state;
  for (int index = 0; index < WAYS_OF_SYSTEM; index++) {
    steady_messages_allocate_nothing_over(&ways[index]);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(any_single_allocation_may_fail),
      cmocka_unit_test(memory_may_be_short_for_a_while),
      cmocka_unit_test(steady_messages_allocate_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
