/* Cases of a pc_client on UNIX sockets: who its server is, and what is in the way of a
 * connection. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client_fixture.h"
#include "socket_client.h"

enum { NOBODY = 65534 };

static void server_is_known_by_pid_uid_gid_and_name(void **state) {
  (void)state;
  client_fixture *fixture = client_fixture_create(PC_TYPE_MESSAGE, PC_FRAMING_NONE);
  int told[2];
  assert_int_equal(pipe(told), 0);
  pid_t child = fork();
  if (child == 0) {
    prctl(PR_SET_NAME, "a server");
    const suite_listener *listener =
        socket_clients.listen(fixture->suite, fixture->suite->path, PC_TYPE_MESSAGE);
    char byte = 'l';
    (void)!write(told[1], &byte, 1);
    struct pollfd poller = {.fd = listener_fd(listener), .events = POLLIN};
    int fd = poll(&poller, 1, DEADLINE_MS) == 1 ? accept(listener_fd(listener), NULL, NULL) : -1;
    _exit(read(fd, &byte, 1) == 0 ? 0 : 1);
  }
  char byte;
  assert_int_equal(read(told[0], &byte, 1), 1);
  client_fixture_start(fixture);
  TURN_UNTIL(fixture->suite, fixture->suite->session_count == 1);
  const session_record *record = last_session(fixture);
  assert_int_equal(record->peer.pid, child);
  assert_int_equal(record->peer.uid, geteuid());
  assert_int_equal(record->peer.gid, getegid());
  assert_string_equal(record->peer.name, "a server");
  client_fixture_stop(fixture, 0);
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
  close(told[0]);
  close(told[1]);
  unlink(fixture->suite->path);
  client_fixture_destroy(fixture);
}

static void socket_that_nobody_listens_at_is_not_found(void **state) {
  (void)state;
  client_fixture *fixture = client_fixture_create(PC_TYPE_BYTE, PC_FRAMING_NONE);
  server_listen(fixture);
  close(listener_fd(fixture->listener)); /* as of a server that was killed */
  client_fixture_start(fixture);
  TURN_UNTIL(fixture->suite, fixture->waiting_count == 1);
  assert_int_equal(fixture->waiting.failure.status, PC_E_NOT_FOUND);
  expect_native(&fixture->waiting.failure, ECONNREFUSED);
  assert_non_null(fixture->waiting.failure.advice);
  client_fixture_destroy(fixture);
}

static void file_that_is_no_socket_is_not_found_and_not_touched(void **state) {
  (void)state;
  client_fixture *fixture = client_fixture_create(PC_TYPE_BYTE, PC_FRAMING_NONE);
  FILE *file = fopen(fixture->suite->path, "w");
  assert_non_null(file);
  assert_true(fputs("precious", file) >= 0);
  fclose(file);
  client_fixture_start(fixture);
  TURN_UNTIL(fixture->suite, fixture->waiting_count == 1);
  assert_int_equal(fixture->waiting.failure.status, PC_E_NOT_FOUND);
  client_fixture_stop(fixture, 0);
  struct stat info;
  assert_int_equal(stat(fixture->suite->path, &info), 0);
  assert_int_equal(info.st_size, strlen("precious"));
  assert_int_equal(unlink(fixture->suite->path), 0);
  client_fixture_destroy(fixture);
}

static void socket_that_this_user_may_not_write_to_is_denied(void **state) {
  (void)state;
  client_fixture *fixture = client_fixture_create(PC_TYPE_BYTE, PC_FRAMING_NONE);
  server_listen(fixture);
  assert_int_equal(chmod(fixture->suite->path, 0), 0);
  assert_int_equal(chmod(fixture->suite->folder, 0755), 0);
  bool is_root = geteuid() == 0; /* whom no mode stops */
  assert_int_equal(is_root ? seteuid(NOBODY) : 0, 0);
  client_fixture_start(fixture);
  TURN_UNTIL(fixture->suite, fixture->waiting_count == 1);
  assert_int_equal(is_root ? seteuid(0) : 0, 0);
  assert_int_equal(fixture->waiting.failure.status, PC_E_ACCESS);
  expect_native(&fixture->waiting.failure, EACCES);
  assert_int_equal(chmod(fixture->suite->path, 0600), 0);
  client_close(server_accept(fixture));
  client_fixture_destroy(fixture);
}

static void server_that_does_not_accept_is_busy_and_never_waited_for(void **state) {
  (void)state;
  enum { BACKLOG = 2, FILLERS = 16 };
  client_fixture *fixture = client_fixture_create(PC_TYPE_MESSAGE, PC_FRAMING_NONE);
  server_listen(fixture);
  assert_int_equal(listen(listener_fd(fixture->listener), BACKLOG), 0);
  int fillers[FILLERS];
  unsigned count = 0;
  while (count < FILLERS && (fillers[count] = socket_connect(fixture->suite->path, PC_TYPE_MESSAGE,
                                                             SOCK_NONBLOCK)) >= 0) {
    count++;
  }
  assert_int_equal(errno, EAGAIN);
  client_fixture_start(fixture);
  PASS_UNTIL(fixture, fixture->waiting_count >= 2);
  assert_int_equal(fixture->waiting.failure.status, PC_E_BUSY);
  assert_int_equal(fixture->suite->session_count, 0);
  for (unsigned index = 0; index < count; index++) {
    suite_client *end = socket_clients.accept(fixture->listener);
    assert_non_null(end);
    client_close(end);
    close(fillers[index]);
  }
  client_close(server_accept(fixture));
  client_fixture_destroy(fixture);
}

static void path_that_is_too_long_is_told_as_such(void **state) {
  (void)state;
  char path[256];
  memset(path, 'x', sizeof path);
  path[sizeof path - 1] = '\0';
  client_fixture *fixture = client_fixture_create(PC_TYPE_BYTE, PC_FRAMING_NONE);
  fixture->options.path = path;
  client_fixture_start(fixture);
  TURN_UNTIL(fixture->suite, fixture->waiting_count == 1);
  assert_int_equal(fixture->waiting.failure.status, PC_E_NAME);
  client_fixture_destroy(fixture);
}

static void client_without_descriptors_tries_again(void **state) {
  (void)state;
  client_fixture *fixture = client_fixture_create(PC_TYPE_BYTE, PC_FRAMING_NONE);
  server_listen(fixture);
  client_fixture_start(fixture);
  struct rlimit old;
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
  int next = dup(0);
  close(next);
  struct rlimit none = {.rlim_cur = (rlim_t)next, .rlim_max = old.rlim_max};
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
  TURN_UNTIL(fixture->suite, fixture->waiting_count == 1);
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
  assert_int_equal(fixture->waiting.failure.status, PC_E_NO_DESCRIPTORS);
  client_close(server_accept(fixture));
  client_fixture_destroy(fixture);
}

const struct CMUnitTest cases_client_system[] = {
    cmocka_unit_test(server_is_known_by_pid_uid_gid_and_name),
    cmocka_unit_test(socket_that_nobody_listens_at_is_not_found),
    cmocka_unit_test(file_that_is_no_socket_is_not_found_and_not_touched),
    cmocka_unit_test(socket_that_this_user_may_not_write_to_is_denied),
    cmocka_unit_test(server_that_does_not_accept_is_busy_and_never_waited_for),
    cmocka_unit_test(path_that_is_too_long_is_told_as_such),
    cmocka_unit_test(client_without_descriptors_tries_again),
    {0}};
