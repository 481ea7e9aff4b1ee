/* A system that has no more threads or memory for instances of the threads strategy: clients wait,
 * the owner is told once, and all are served when there is room again. The linker puts these
 * functions in place of pthread_create and mmap. */
#include "test.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "pipecore/server.h"
#include "slow.h"

#define DEADLINE_MS (10000 * test_scale())
enum { CLIENTS = 4 };

/* The linker's --wrap gives these names. NOLINTBEGIN(readability-identifier-naming) */
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *user);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *user);
void *__real_mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset);
void *__wrap_mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset);

/* NOLINTEND(readability-identifier-naming) */

static unsigned refused_threads; /* so many are refused */
static unsigned refused_maps;

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *user) {
  if (refused_threads > 0) {
    refused_threads--;
    return EAGAIN;
  }
  return __real_pthread_create(thread, attributes, run, user);
}

void *__wrap_mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset) {
  if (refused_maps > 0) {
    refused_maps--;
    errno = ENOMEM;
    return MAP_FAILED;
  }
  return __real_mmap(address, size, protection, flags, fd, offset);
}

/* ---- an owner that counts ---- */

typedef struct counts {
  unsigned connected;
  unsigned messages;
  unsigned disconnected;
  unsigned stopped;
  unsigned errors;
  pc_failure failure;
} counts;

static bool on_connected(pc_session *session, const pc_peer *peer, void *user) {
  (void)session;
  (void)peer;
  ((counts *)user)->connected++;
  return true;
}

static pc_status on_message(pc_session *session, const pc_message *message, void *user) {
  (void)session;
  (void)message;
  ((counts *)user)->messages++;
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
  ((counts *)user)->disconnected++;
}

static void on_error(pc_server *server, const pc_failure *failure, void *user) {
  (void)server;
  ((counts *)user)->failure = *failure;
  ((counts *)user)->errors++;
}

static void on_stopped(pc_server *server, void *user) {
  (void)server;
  ((counts *)user)->stopped++;
}

/* ---- the scenario ---- */

static void turn_until(pc_loop *loop, const unsigned *count, unsigned wanted) {
  uint64_t begin = pc_loop_now_ns(loop);
  while (*count < wanted) {
    assert_int_equal(pc_loop_turn(loop, 10), PC_OK);
    assert_true(pc_loop_now_ns(loop) - begin < (uint64_t)DEADLINE_MS * 1000000);
  }
}

static int client_connect(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strcpy(address.sun_path, path);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
  assert_int_equal(write(fd, "x\n", 2), 2);
  return fd;
}

static void scenario_run(unsigned threads, unsigned maps, counts *seen) {
  char folder[] = "/tmp/pipecore-XXXXXX";
  char path[64];
  assert_non_null(mkdtemp(folder));
  snprintf(path, sizeof path, "%s/pipe.sock", folder);
  pc_loop *loop = NULL;
  pc_loop_options loop_options = {.strategy = PC_STRATEGY_THREADS};
  assert_int_equal(pc_loop_create(&loop_options, &loop), PC_OK);
  pc_server_options options = {.path = path,
                               .framing = PC_FRAMING_LINE,
                               .security = {.uid = -1, .gid = -1},
                               .on = {.session = {.on_connected = on_connected,
                                                  .on_message = on_message,
                                                  .on_written = on_written,
                                                  .on_disconnected = on_disconnected},
                                      .on_error = on_error,
                                      .on_stopped = on_stopped},
                               .user = seen};
  refused_threads = threads;
  refused_maps = maps;
  pc_server *server = NULL;
  assert_int_equal(pc_server_start(loop, &options, &server, NULL), PC_OK);
  int clients[CLIENTS];
  for (int index = 0; index < CLIENTS; index++) {
    clients[index] = client_connect(path);
  }
  turn_until(loop, &seen->messages, CLIENTS);
  assert_int_equal(refused_threads + refused_maps, 0);
  for (int index = 0; index < CLIENTS; index++) {
    close(clients[index]);
  }
  pc_server_stop(server, 100);
  turn_until(loop, &seen->stopped, 1);
  assert_int_equal(seen->connected, CLIENTS);
  assert_int_equal(seen->disconnected, CLIENTS);
  pc_server_destroy(server);
  pc_loop_destroy(loop);
  assert_int_equal(rmdir(folder), 0);
}

static void without_threads_clients_wait_and_the_owner_is_told_once(void **state) {
  (void)state;
  counts seen = {0};
  scenario_run(3, 0, &seen);
  assert_int_equal(seen.errors, 1);
  assert_int_equal(seen.failure.status, PC_E_NO_MEMORY);
  assert_int_equal(seen.failure.native, EAGAIN);
  assert_string_equal(seen.failure.action, "start a thread for a client");
  assert_non_null(strstr(seen.failure.advice, "TasksMax"));
}

static void without_memory_for_an_instance_clients_wait_and_the_owner_is_told_once(void **state) {
  (void)state;
  counts seen = {0};
  scenario_run(0, 2, &seen);
  assert_int_equal(seen.errors, 1);
  assert_int_equal(seen.failure.status, PC_E_NO_MEMORY);
  assert_string_equal(seen.failure.action, "accept");
}

static void nothing_refused_is_nothing_told(void **state) {
  (void)state;
  counts seen = {0};
  scenario_run(0, 0, &seen);
  assert_int_equal(seen.errors, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(without_threads_clients_wait_and_the_owner_is_told_once),
      cmocka_unit_test(without_memory_for_an_instance_clients_wait_and_the_owner_is_told_once),
      cmocka_unit_test(nothing_refused_is_nothing_told),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
