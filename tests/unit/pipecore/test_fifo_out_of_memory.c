/* What happens to a FIFO when there is no memory: the same scenario again and again, each time with
 * another allocation of the library failing. */
#include "test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "failing_memory.h"
#include "pipecore/server.h"

typedef struct fifo_owner {
  unsigned connected;
  unsigned disconnected;
  unsigned accepted;
  unsigned written;
  unsigned messages;
  unsigned errors;
  unsigned stopped;
} fifo_owner;

static bool owner_on_connected(pc_session *session, const pc_peer *peer, void *user) {
  (void)peer;
  fifo_owner *owner = user;
  owner->connected++;
  owner->accepted += pc_session_write(session, "hello", 5, 1) == PC_OK;
  return true;
}

static pc_status owner_on_message(pc_session *session, const pc_message *message, void *user) {
  (void)session;
  (void)message;
  ((fifo_owner *)user)->messages++;
  return PC_OK;
}

static void owner_on_written(pc_session *session, uint64_t tag, pc_status status, void *user) {
  (void)session;
  (void)tag;
  (void)status;
  ((fifo_owner *)user)->written++;
}

static void owner_on_disconnected(pc_session *session, pc_close_reason reason, pc_status status,
                                  void *user) {
  (void)session;
  if (reason == PC_CLOSE_ERROR) {
    assert_int_equal(status, PC_E_NO_MEMORY);
  }
  ((fifo_owner *)user)->disconnected++;
}

static void owner_on_error(pc_server *server, const pc_failure *failure, void *user) {
  (void)server;
  assert_int_equal(failure->status, PC_E_NO_MEMORY);
  ((fifo_owner *)user)->errors++;
}

static void owner_on_stopped(pc_server *server, void *user) {
  (void)server;
  ((fifo_owner *)user)->stopped++;
}

/* Somebody comes to the other end and stays until the owner has seen him; then the server stops. */
static void owner_play(pc_loop *loop, pc_server *server, fifo_owner *owner, const char *path,
                       pc_access access) {
  int direction = access == PC_ACCESS_INBOUND ? O_WRONLY : O_RDONLY;
  int fd = open(path, direction | O_NONBLOCK | O_CLOEXEC);
  assert_true(fd >= 0);
  if (access == PC_ACCESS_INBOUND) {
    assert_int_equal(write(fd, "one\ntwo\nhalf", 12), 12);
  }
  for (int count = 0; count < 100 && owner->connected == 0; count++) {
    assert_int_equal(pc_loop_turn(loop, 20), PC_OK);
  }
  assert_int_equal(owner->connected, 1);
  close(fd);
  for (int count = 0; count < 100 && owner->disconnected == 0; count++) {
    assert_int_equal(pc_loop_turn(loop, 20), PC_OK);
  }
  pc_server_stop(server, 0);
  for (int count = 0; count < 100 && owner->stopped == 0; count++) {
    assert_int_equal(pc_loop_turn(loop, 20), PC_OK);
  }
  assert_int_equal(owner->stopped, 1);
  pc_server_destroy(server);
}

/* Returns whether everything could be made, i.e. the scenario was played. */
static bool scenario_run(const pc_loop_options *loop_options, pc_access access, fifo_owner *owner) {
  *owner = (fifo_owner){0};
  char folder[] = "/tmp/pipecore-memory-XXXXXX";
  char path[64];
  assert_non_null(mkdtemp(folder));
  snprintf(path, sizeof path, "%s/pipe.fifo", folder);
  allocation_count = 0;
  pc_loop *loop = NULL;
  pc_status status = pc_loop_create(loop_options, &loop);
  if (status == PC_OK) {
    pc_server_options options = {.path = path,
                                 .transport = PC_TRANSPORT_FIFO,
                                 .access = access,
                                 .framing = PC_FRAMING_LINE,
                                 .security = {.uid = -1, .gid = -1},
                                 .on = {.session = {.on_connected = owner_on_connected,
                                                    .on_message = owner_on_message,
                                                    .on_written = owner_on_written,
                                                    .on_disconnected = owner_on_disconnected},
                                        .on_error = owner_on_error,
                                        .on_stopped = owner_on_stopped},
                                 .user = owner};
    pc_server *server = NULL;
    status = pc_server_start(loop, &options, &server, NULL);
    if (status == PC_OK) {
      owner_play(loop, server, owner, path, access);
    }
    pc_loop_destroy(loop);
  }
  assert_true(status == PC_OK || status == PC_E_NO_MEMORY);
  assert_int_equal(rmdir(folder), 0); /* nothing is left behind */
  assert_int_equal(owner->connected, owner->disconnected);
  assert_int_equal(owner->accepted, owner->written);
  return status == PC_OK;
}

/* `length` allocations in a row fail, from every number on. */
static void allocations_fail(unsigned length) {
  static const pc_loop_options loops[] = {{.backend = PC_BACKEND_EPOLL},
                                          {.backend = PC_BACKEND_IO_URING},
                                          {.strategy = PC_STRATEGY_THREADS}};
  static const pc_access both[] = {PC_ACCESS_INBOUND, PC_ACCESS_OUTBOUND};
  for (unsigned index = 0; index < 6; index++) {
    pc_access access = both[index % 2];
    fifo_owner owner;
    fail_from = fail_to = 0;
    assert_true(scenario_run(&loops[index / 2], access, &owner));
    assert_int_equal(owner.errors, 0);
    assert_int_equal(owner.messages, access == PC_ACCESS_INBOUND ? 3 : 0);
    assert_int_equal(owner.accepted, access == PC_ACCESS_OUTBOUND);
    unsigned needed = allocation_count;
    unsigned played = 0;
    for (unsigned number = 0; number < needed; number++) {
      fail_from = number;
      fail_to = number + length;
      played += scenario_run(&loops[index / 2], access, &owner);
    }
    assert_true(played > 0 && played < needed);
    fail_from = fail_to = 0;
  }
}

static void any_single_allocation_may_fail(void **state) {
  (void)state;
  allocations_fail(1);
}

static void memory_may_be_short_for_a_while(void **state) {
  (void)state;
  allocations_fail(3);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(any_single_allocation_may_fail),
      cmocka_unit_test(memory_may_be_short_for_a_while),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
