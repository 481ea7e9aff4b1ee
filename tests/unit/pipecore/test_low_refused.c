/* The low level where the system refuses what it would rather have: it does without, or says so and
 * is unharmed. */
#include "test.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pipecore/event.h"
#include "pipecore/instance.h"
#include "slow.h"

#define DEADLINE_MS (20000 * test_scale())

/* The linker's --wrap gives these names. NOLINTBEGIN(readability-identifier-naming) */
int __real_socket(int family, int type, int protocol);
int __real_eventfd(unsigned count, int flags);
int __real_epoll_ctl(int fd, int action, int of, struct epoll_event *event);
int __wrap_socket(int family, int type, int protocol);
int __wrap_eventfd(unsigned count, int flags);
int __wrap_epoll_ctl(int fd, int action, int of, struct epoll_event *event);

static bool netlink_is_refused;
static atomic_bool eventfd_is_refused;
static bool watching_is_refused;

static int refuse(int native) {
  errno = native;
  return -1;
}

int __wrap_socket(int family, int type, int protocol) {
  return family == AF_NETLINK && netlink_is_refused ? refuse(EPROTONOSUPPORT)
                                                    : __real_socket(family, type, protocol);
}

int __wrap_eventfd(unsigned count, int flags) {
  return atomic_load(&eventfd_is_refused) ? refuse(EMFILE) : __real_eventfd(count, flags);
}

int __wrap_epoll_ctl(int fd, int action, int of, struct epoll_event *event) {
  return action == EPOLL_CTL_ADD && watching_is_refused ? refuse(ENOMEM)
                                                        : __real_epoll_ctl(fd, action, of, event);
}
/* NOLINTEND(readability-identifier-naming) */

static char folder[] = "/tmp/pipecore-refused-XXXXXX";
static char path[sizeof folder + 8];

static pc_instance *server_make(void) {
  pc_pipe_options options = {.path = path,
                             .type = PC_TYPE_MESSAGE,
                             .read_mode = PC_TYPE_MESSAGE,
                             .when_full = PC_WHEN_FULL_BUSY,
                             .security = {.uid = -1, .gid = -1}};
  pc_instance *server;
  assert_int_equal(pc_instance_create(&options, &server, NULL), PC_OK);
  return server;
}

static pc_instance *client_open(void) {
  pc_instance *client;
  assert_int_equal(pc_instance_open(path, PC_TYPE_MESSAGE, DEADLINE_MS, &client), PC_OK);
  return client;
}

static void wait_spends_a_connection_where_the_kernel_does_not_tell(void **state) {
  (void)state;
  netlink_is_refused = true;
  assert_int_equal(pc_instance_wait(path, PC_TYPE_MESSAGE, 1000), PC_E_NOT_FOUND);
  pc_instance *server = server_make();
  assert_int_equal(pc_instance_wait(path, PC_TYPE_BYTE, PC_TIMEOUT_NOT_AT_ALL), PC_E_BAD_MODE);
  assert_int_equal(pc_instance_wait(path, PC_TYPE_MESSAGE, PC_TIMEOUT_NOT_AT_ALL), PC_OK);
  assert_int_equal(pc_instance_connect(server, NULL), PC_OK); /* it came and went */
  assert_int_equal(pc_instance_wait(path, PC_TYPE_MESSAGE, PC_TIMEOUT_NOT_AT_ALL), PC_E_BUSY);
  assert_int_equal(pc_instance_wait(path, PC_TYPE_MESSAGE, 20), PC_E_TIMEOUT);
  char data[4];
  uint32_t bytes;
  assert_int_equal(pc_instance_read(server, data, sizeof data, &bytes, NULL), PC_E_BROKEN);
  netlink_is_refused = false;
  pc_instance_close(server);
}

static void *echo_run(void *user) {
  char data[16];
  uint32_t bytes;
  pc_status status = PC_OK;
  while (status == PC_OK) {
    status = pc_instance_read(user, data, sizeof data, &bytes, NULL);
    if (status == PC_OK) {
      status = pc_instance_write(user, data, bytes, &bytes, NULL);
    }
  }
  return status == PC_E_BROKEN ? user : NULL;
}

static void blocking_calls_do_without_a_wake_up_of_their_own(void **state) {
  (void)state;
  pc_instance *server = server_make();
  pc_instance *client = client_open();
  atomic_store(&eventfd_is_refused, true);
  pthread_t thread;
  assert_int_equal(pthread_create(&thread, NULL, echo_run, server), 0);
  for (int round = 0; round < 100; round++) {
    char data[16];
    uint32_t bytes;
    assert_int_equal(pc_instance_write(client, "there", 5, &bytes, NULL), PC_OK);
    assert_int_equal(pc_instance_read(client, data, sizeof data, &bytes, NULL), PC_OK);
    assert_int_equal(bytes, 5);
  }
  pc_instance_close(client);
  void *ended_well;
  assert_int_equal(pthread_join(thread, &ended_well), 0);
  assert_ptr_equal(ended_well, server);
  atomic_store(&eventfd_is_refused, false);
  pc_instance_close(server);
}

static void operation_that_cannot_be_watched_does_not_start(void **state) {
  (void)state;
  pc_instance *server = server_make();
  pc_instance *client = client_open();
  pc_event *event;
  assert_int_equal(pc_event_create(false, &event), PC_OK);
  pc_overlapped overlapped = {.event = event};
  char data[16];
  uint32_t bytes = 0;
  watching_is_refused = true;
  assert_int_equal(pc_instance_read(server, data, sizeof data, &bytes, &overlapped),
                   PC_E_NO_MEMORY);
  assert_int_equal(pc_instance_cancel(server, NULL), PC_E_NOT_FOUND);
  assert_false(pc_event_is_set(event));
  watching_is_refused = false;
  assert_int_equal(pc_instance_read(server, data, sizeof data, &bytes, &overlapped), PC_PENDING);
  assert_int_equal(pc_instance_write(client, "now", 3, &bytes, NULL), PC_OK);
  assert_int_equal(pc_overlapped_result(&overlapped, DEADLINE_MS, &bytes), PC_OK);
  assert_memory_equal(data, "now", 3);
  pc_instance_close(client);
  pc_instance_close(server);
  pc_event_destroy(event);
}

static void port_that_cannot_be_made_is_told(void **state) {
  (void)state;
  pc_pipe_options options = {.path = path, .security = {.uid = -1, .gid = -1}};
  pc_instance *server = NULL;
  pc_failure failure = {.status = PC_OK};
  atomic_store(&eventfd_is_refused, true);
  assert_int_equal(pc_instance_create(&options, &server, &failure), PC_E_NO_DESCRIPTORS);
  atomic_store(&eventfd_is_refused, false);
  assert_null(server);
  assert_int_equal(failure.status, PC_E_NO_DESCRIPTORS);
  assert_int_equal(failure.native, EMFILE);
  assert_non_null(failure.action);
  assert_non_null(failure.advice);
  assert_int_equal(access(path, F_OK), -1);
}

static int group_setup(void **state) {
  (void)state;
  if (!mkdtemp(folder)) {
    return -1;
  }
  (void)snprintf(path, sizeof path, "%s/p", folder);
  return 0;
}

static int group_teardown(void **state) {
  (void)state;
  return rmdir(folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(wait_spends_a_connection_where_the_kernel_does_not_tell),
      cmocka_unit_test(blocking_calls_do_without_a_wake_up_of_their_own),
      cmocka_unit_test(operation_that_cannot_be_watched_does_not_start),
      cmocka_unit_test(port_that_cannot_be_made_is_told),
  };
  return cmocka_run_group_tests_name("low level refused", tests, group_setup, group_teardown);
}
