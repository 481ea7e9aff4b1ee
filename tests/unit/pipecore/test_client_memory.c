/* A pc_client when memory is short: it tries again until it gets through, whichever allocation
 * fails. Client and server are in one loop, over every backend. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "failing_memory.h"
#include "pipecore/client.h"
#include "pipecore/fake.h"
#include "pipecore/server.h"

enum { ROUNDS = 2, TURNS_MAX = 4000 };

typedef struct scenario_record {
  pc_loop *loop;
  pc_server *server;
  pc_client *client;
  unsigned sessions; /* of either end, open */
  unsigned accepted;
  unsigned written;
  unsigned answers; /* to the question of a session */
  unsigned stopped;
} scenario_record;

static bool on_connected(pc_session *session, const pc_peer *peer, void *user) {
  (void)session;
  (void)peer;
  ((scenario_record *)user)->sessions++;
  return true;
}

static pc_status on_message(pc_session *session, const pc_message *message, void *user) {
  scenario_record *scenario = user;
  assert_int_equal(message->size_bytes, 5);
  if (pc_session_server(session)) {
    scenario->accepted += pc_session_write(session, message->data, message->size_bytes, 1) == PC_OK;
  } else {
    scenario->answers++;
  }
  pc_session_close(session, true);
  return PC_OK;
}

static void on_written(pc_session *session, uint64_t tag, pc_status status, void *user) {
  (void)session;
  (void)tag;
  (void)status;
  ((scenario_record *)user)->written++;
}

static void on_disconnected(pc_session *session, pc_close_reason reason, pc_status status,
                            void *user) {
  (void)session;
  if (reason == PC_CLOSE_ERROR) {
    assert_int_equal(status, PC_E_NO_MEMORY);
  }
  ((scenario_record *)user)->sessions--;
}

static void on_error(pc_server *server, const pc_failure *failure, void *user) {
  (void)server;
  (void)user;
  assert_int_equal(failure->status, PC_E_NO_MEMORY);
}

static void on_server_stopped(pc_server *server, void *user) {
  (void)server;
  ((scenario_record *)user)->stopped++;
}

static void on_waiting(pc_client *client, const pc_waiting *waiting, void *user) {
  (void)client;
  (void)user;
  assert_true(waiting->failure.status == PC_OK || waiting->failure.status == PC_E_NO_MEMORY);
}

static void on_client_stopped(pc_client *client, void *user) {
  (void)client;
  ((scenario_record *)user)->stopped++;
}

static const pc_session_events session_events = {.on_connected = on_connected,
                                                 .on_message = on_message,
                                                 .on_written = on_written,
                                                 .on_disconnected = on_disconnected};

static void turn(scenario_record *scenario, pc_backend_kind backend) {
  if (backend == PC_BACKEND_FAKE) {
    pc_fake_advance(scenario->loop, 20);
  }
  assert_int_equal(pc_loop_turn(scenario->loop, 2), PC_OK);
}

/* Asks once in each session until there were answers enough. */
static void scenario_play(scenario_record *scenario, pc_backend_kind backend) {
  const pc_session *asked = NULL;
  unsigned turns = 0;
  while (scenario->answers < ROUNDS) {
    assert_true(turns++ < TURNS_MAX);
    turn(scenario, backend);
    pc_session *session = pc_client_session(scenario->client);
    if (session && session != asked) {
      bool is_accepted = pc_session_write(session, "hello", 5, 1) == PC_OK;
      scenario->accepted += is_accepted;
      asked = is_accepted ? session : NULL;
    } else if (!session) {
      asked = NULL;
    } else if (turns % 50 == 0) {
      pc_session_close(session, false); /* the answer found no memory */
    }
  }
  pc_client_stop(scenario->client, 100);
  pc_server_stop(scenario->server, 100);
  while (scenario->stopped < 2) {
    assert_true(turns++ < TURNS_MAX);
    turn(scenario, backend);
  }
}

static bool scenario_start(scenario_record *scenario, const char *path) {
  pc_server_options server_options = {
      .path = path,
      .type = PC_TYPE_MESSAGE,
      .security = {.uid = -1, .gid = -1},
      .on = {.session = session_events, .on_error = on_error, .on_stopped = on_server_stopped},
      .user = scenario};
  pc_client_options client_options = {
      .path = path,
      .type = PC_TYPE_MESSAGE,
      .reconnect = {.first_delay_ms = 1, .max_delay_ms = 2},
      .seed = 1,
      .on = {.session = session_events, .on_waiting = on_waiting, .on_stopped = on_client_stopped},
      .user = scenario};
  return pc_server_start(scenario->loop, &server_options, &scenario->server, NULL) == PC_OK &&
         pc_client_start(scenario->loop, &client_options, &scenario->client, NULL) == PC_OK;
}

/* Returns whether both could be started. */
static bool scenario_run(pc_backend_kind backend) {
  scenario_record scenario = {.loop = NULL};
  char folder[] = "/tmp/pipecore-memory-XXXXXX";
  char path[64];
  assert_non_null(mkdtemp(folder));
  snprintf(path, sizeof path, "%s/pipe.sock", folder);
  allocation_count = 0;
  pc_loop_options loop_options = {.backend = backend};
  bool is_started = false;
  if (pc_loop_create(&loop_options, &scenario.loop) == PC_OK) {
    is_started = scenario_start(&scenario, path);
    if (is_started) {
      scenario_play(&scenario, backend);
    } else if (scenario.server) {
      pc_server_stop(scenario.server, 0);
      for (int count = 0; count < 20; count++) {
        turn(&scenario, backend);
      }
    }
    pc_client_destroy(scenario.client);
    pc_server_destroy(scenario.server);
    pc_loop_destroy(scenario.loop);
  }
  assert_int_equal(rmdir(folder), 0);
  assert_int_equal(scenario.sessions, 0);
  assert_int_equal(scenario.accepted, scenario.written);
  return is_started;
}

static const pc_backend_kind backends[] = {PC_BACKEND_EPOLL, PC_BACKEND_IO_URING, PC_BACKEND_FAKE};
enum { BACKENDS = 3 };

static void client_gets_through_whatever_allocation_fails(void **state) {
  (void)state;
  static const unsigned lengths[] = {1, 4};
  for (int index = 0; index < BACKENDS; index++) {
    fail_from = fail_to = 0;
    assert_true(scenario_run(backends[index]));
    unsigned needed = allocation_count;
    assert_true(needed > 10);
    for (unsigned length = 0; length < 2; length++) {
      unsigned started = 0;
      for (unsigned number = 0; number < needed; number++) {
        fail_from = number;
        fail_to = number + lengths[length];
        started += scenario_run(backends[index]);
      }
      assert_true(started > 0 && started < needed);
    }
  }
  fail_from = fail_to = 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(client_gets_through_whatever_allocation_fails),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
