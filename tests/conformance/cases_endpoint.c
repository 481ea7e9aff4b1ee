/* Cases of the endpoint's path, for backends on UNIX sockets: what is replaced, what is never
 * touched, and what permissions it has. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "socket_client.h"

static const pc_type both_types[] = {PC_TYPE_BYTE, PC_TYPE_MESSAGE};

/* A socket bound by somebody else. */
static int foreign_bind(const char *path, int kind) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strcpy(address.sun_path, path);
  int fd = socket(AF_UNIX, kind | SOCK_CLOEXEC, 0);
  assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
  return fd;
}

static void start_is_refused(suite_fixture *fixture, pc_status expected, const char *advice) {
  pc_server *server = NULL;
  pc_failure failure = {.status = PC_OK};
  assert_int_equal(pc_server_start(fixture->loop, &fixture->options, &server, &failure), expected);
  assert_null(server);
  assert_int_equal(failure.status, expected);
  assert_non_null(failure.action);
  if (advice) {
    assert_non_null(failure.advice);
    assert_non_null(strstr(failure.advice, advice));
  }
}

static bool path_exists(const char *path) {
  struct stat info;
  return lstat(path, &info) == 0;
}

static mode_t mode_of(const char *path) {
  struct stat info;
  assert_int_equal(lstat(path, &info), 0);
  return info.st_mode & 07777;
}

/* A child process that serves the fixture's path until it is killed. */
static pid_t server_process(suite_fixture *fixture) {
  int ready[2];
  assert_int_equal(pipe(ready), 0);
  pid_t child = fork();
  if (child == 0) {
    pc_loop *loop = NULL;
    pc_server *server = NULL;
    bool is_up = pc_loop_create(&suite_backend_under_test.loop, &loop) == PC_OK &&
                 pc_server_start(loop, &fixture->options, &server, NULL) == PC_OK;
    (void)!write(ready[1], is_up ? "y" : "n", 1);
    if (is_up) {
      (void)!pc_loop_run(loop);
    }
    _exit(1);
  }
  char answer = 0;
  assert_int_equal(read(ready[0], &answer, 1), 1);
  assert_int_equal(answer, 'y');
  close(ready[0]);
  close(ready[1]);
  return child;
}

static void process_kill(pid_t child) {
  kill(child, SIGKILL);
  assert_int_equal(waitpid(child, NULL, 0), child);
}

static void case_37_path_of_another_process_is_in_use_and_that_server_unharmed(void **state) {
  (void)state;
  suite_fixture *fixture = fixture_create(PC_TYPE_BYTE, PC_FRAMING_LINE);
  pid_t child = server_process(fixture);
  start_is_refused(fixture, PC_E_IN_USE, "another server");
  int fd = socket_connect(fixture->path, PC_TYPE_BYTE, 0);
  assert_true(fd >= 0);
  close(fd);
  process_kill(child);
  fixture_start(fixture); /* and cleans up what the killed one left */
  fixture_destroy(fixture);
}

static void case_38_endpoint_of_a_killed_server_is_taken_over(void **state) {
  (void)state;
  for (int index = 0; index < 2; index++) {
    suite_fixture *fixture = fixture_create(both_types[index], PC_FRAMING_NONE);
    fixture->does_echo = true;
    process_kill(server_process(fixture));
    assert_true(path_exists(fixture->path));
    fixture_start(fixture);
    suite_client *client = client_connect(fixture, NULL);
    client_write_text(fixture, client, "again");
    client_expect_text(fixture, client, "again");
    client_close(client);
    fixture_destroy(fixture);
  }
}

static void case_38_live_socket_of_a_foreign_server_is_never_removed(void **state) {
  (void)state;
  static const int kinds[] = {SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM};
  for (int index = 0; index < 3; index++) {
    suite_fixture *fixture = fixture_create(PC_TYPE_BYTE, PC_FRAMING_LINE);
    int fd = foreign_bind(fixture->path, kinds[index]);
    if (kinds[index] != SOCK_DGRAM) {
      assert_int_equal(listen(fd, 5), 0);
    }
    start_is_refused(fixture, PC_E_IN_USE, "live server");
    assert_true(path_exists(fixture->path));
    close(fd);
    unlink(fixture->path);
    fixture_destroy(fixture);
  }
}

static void live_server_with_a_full_backlog_is_not_taken_for_stale(void **state) {
  (void)state;
  suite_fixture *fixture = fixture_create(PC_TYPE_BYTE, PC_FRAMING_LINE);
  int fd = foreign_bind(fixture->path, SOCK_STREAM);
  assert_int_equal(listen(fd, 0), 0);
  int waiting = socket_connect(fixture->path, PC_TYPE_BYTE, SOCK_NONBLOCK);
  assert_true(waiting >= 0);
  start_is_refused(fixture, PC_E_IN_USE, "live server");
  assert_true(path_exists(fixture->path));
  close(waiting);
  close(fd);
  unlink(fixture->path);
  fixture_destroy(fixture);
}

static void what_is_no_socket_is_never_removed(void **state) {
  (void)state;
  suite_fixture *fixture = fixture_create(PC_TYPE_BYTE, PC_FRAMING_LINE);
  int fd = open(fixture->path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  assert_int_equal(write(fd, "precious", 8), 8);
  close(fd);
  start_is_refused(fixture, PC_E_IN_USE, "no socket");
  struct stat info;
  assert_int_equal(lstat(fixture->path, &info), 0);
  assert_int_equal(info.st_size, 8);
  unlink(fixture->path);

  assert_int_equal(mkdir(fixture->path, 0700), 0);
  start_is_refused(fixture, PC_E_IN_USE, "no socket");
  assert_int_equal(rmdir(fixture->path), 0);

  assert_int_equal(symlink("/nowhere", fixture->path), 0);
  start_is_refused(fixture, PC_E_IN_USE, "no socket");
  assert_true(path_exists(fixture->path));
  unlink(fixture->path);

  assert_int_equal(mkfifo(fixture->path, 0600), 0);
  start_is_refused(fixture, PC_E_IN_USE, "no socket");
  unlink(fixture->path);
  fixture_destroy(fixture);
}

static void lock_that_is_held_refuses_the_start(void **state) {
  (void)state;
  suite_fixture *fixture = fixture_create(PC_TYPE_BYTE, PC_FRAMING_LINE);
  char lock[128];
  snprintf(lock, sizeof lock, "%s.lock", fixture->path);
  int fd = open(lock, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
  assert_int_equal(flock(fd, LOCK_EX), 0);
  start_is_refused(fixture, PC_E_IN_USE, "another server");
  assert_true(path_exists(lock));
  close(fd);
  fixture_start(fixture); /* a lock file that nobody holds is no obstacle */
  fixture_destroy(fixture);
}

static void socket_that_somebody_put_in_place_of_ours_stays(void **state) {
  (void)state;
  suite_fixture *fixture = fixture_create(PC_TYPE_BYTE, PC_FRAMING_LINE);
  fixture_start(fixture);
  unlink(fixture->path);
  int fd = foreign_bind(fixture->path, SOCK_STREAM);
  fixture_stop(fixture, 0);
  assert_true(path_exists(fixture->path));
  close(fd);
  unlink(fixture->path);
  fixture_destroy(fixture);
}

static void case_02_too_long_path_is_refused_with_the_limit_named(void **state) {
  (void)state;
  suite_fixture *fixture = fixture_create(PC_TYPE_BYTE, PC_FRAMING_LINE);
  size_t limit = pc_server_max_path_bytes();
  assert_int_equal(limit, 107);
  char path[128];
  int length = snprintf(path, sizeof path, "%s/", fixture->folder);
  memset(path + length, 'x', sizeof path - (size_t)length);
  path[limit + 1] = '\0';
  fixture->options.path = path;
  start_is_refused(fixture, PC_E_NAME, "107");
  path[limit] = '\0';
  fixture_start(fixture);
  int fd = socket_connect(path, PC_TYPE_BYTE, 0);
  assert_true(fd >= 0);
  close(fd);
  fixture_destroy(fixture);
}

static void missing_folder_is_told(void **state) {
  (void)state;
  suite_fixture *fixture = fixture_create(PC_TYPE_BYTE, PC_FRAMING_LINE);
  char path[128];
  snprintf(path, sizeof path, "%s/missing/pipe.sock", fixture->folder);
  fixture->options.path = path;
  start_is_refused(fixture, PC_E_NOT_FOUND, "folder must exist");
  fixture->options.path = "";
  start_is_refused(fixture, PC_E_NAME, NULL);
  fixture_destroy(fixture);
}

static void native_code_has_the_words_of_the_system_cut_to_fit(void **state) {
  (void)state;
  char text[128];
  pc_native_text(ENOENT, text, sizeof text);
  assert_string_equal(text, strerror(ENOENT));
  pc_native_text(ENOENT, text, 8);
  assert_int_equal(strlen(text), 7);
}

static void mode_is_what_was_asked_for_whatever_the_umask(void **state) {
  (void)state;
  static const mode_t masks[] = {0, 022, 077, 0177};
  static const uint32_t modes[] = {0, 0600, 0660, 0666, 0700};
  for (int mask = 0; mask < 4; mask++) {
    mode_t before = umask(masks[mask]);
    for (int index = 0; index < 5; index++) {
      suite_fixture *fixture = fixture_create(PC_TYPE_BYTE, PC_FRAMING_LINE);
      fixture->options.security.mode = modes[index];
      fixture_start(fixture);
      assert_int_equal(mode_of(fixture->path), modes[index] ? modes[index] : 0600);
      fixture_destroy(fixture);
    }
    assert_int_equal(umask(before), masks[mask]); /* untouched */
  }
}

static void owner_and_group_are_given(void **state) {
  (void)state;
  if (geteuid() != 0) {
    print_message("skipped: only root can give files away\n");
    skip();
  }
  suite_fixture *fixture = fixture_create(PC_TYPE_BYTE, PC_FRAMING_LINE);
  fixture->options.security = (pc_security){.mode = 0660, .uid = 1234, .gid = 4321};
  fixture_start(fixture);
  struct stat info;
  assert_int_equal(lstat(fixture->path, &info), 0);
  assert_int_equal(info.st_uid, 1234);
  assert_int_equal(info.st_gid, 4321);
  assert_int_equal(info.st_mode & 07777, 0660);
  fixture_destroy(fixture);
}

/* ---- abstract names ---- */

static suite_fixture *fixture_with_name(pc_type type, const pc_admission_rule *allow) {
  suite_fixture *fixture = fixture_create(type, PC_FRAMING_NONE);
  snprintf(fixture->path, sizeof fixture->path, "@pipecore-%d", (int)getpid());
  fixture->options.admission = (pc_admission_rules){.allow = allow, .allow_count = 1};
  fixture->does_echo = true;
  return fixture;
}

static pc_admission_rule user_rule(uid_t uid) {
  return (pc_admission_rule){.uid = (int64_t)uid, .gid = -1};
}

static void abstract_name_serves_without_a_file(void **state) {
  (void)state;
  pc_admission_rule self = user_rule(geteuid());
  for (unsigned index = 0; index < 2; index++) {
    for (unsigned round = 0; round < 3; round++) { /* again at once: nothing of it stays */
      suite_fixture *fixture = fixture_with_name(both_types[index], &self);
      fixture_start(fixture);
      assert_false(path_exists(fixture->path));
      session_record *record;
      suite_client *client = client_connect(fixture, &record);
      assert_int_equal(record->peer.pid, getpid());
      client_write_text(fixture, client, "hello");
      client_expect_text(fixture, client, "hello");
      client_close(client);
      TURN_UNTIL(fixture, record->disconnected_count == 1);
      fixture_destroy(fixture);
    }
  }
}

static void abstract_name_lets_in_whom_its_rules_name(void **state) {
  (void)state;
  pc_admission_rule stranger = user_rule(geteuid() + 1);
  suite_fixture *fixture = fixture_with_name(PC_TYPE_BYTE, &stranger);
  fixture_start(fixture);
  suite_client *client = client_connect_only(fixture);
  client_expect_end(fixture, client);
  assert_int_equal(fixture->refused_count, 1);
  assert_int_equal(fixture->session_count, 0);
  client_close(client);
  fixture_destroy(fixture);
}

static void abstract_name_without_a_user_in_each_rule_is_refused(void **state) {
  (void)state;
  pc_admission_rule rules[] = {user_rule(geteuid()), {.uid = -1, .gid = getegid()}};
  suite_fixture *fixture = fixture_with_name(PC_TYPE_BYTE, rules);
  fixture->options.admission = (pc_admission_rules){0};
  start_is_refused(fixture, PC_E_INVALID_ARG, "each with a user");
  fixture->options.admission = (pc_admission_rules){.deny = rules, .deny_count = 1};
  start_is_refused(fixture, PC_E_INVALID_ARG, "each with a user");
  fixture->options.admission = (pc_admission_rules){.allow = rules, .allow_count = 2};
  start_is_refused(fixture, PC_E_INVALID_ARG, "each with a user");
  fixture->options.admission.allow_count = 1;
  fixture->options.security.mode = 0600;
  start_is_refused(fixture, PC_E_INVALID_ARG, "neither mode nor owner");
  fixture->options.security = (pc_security){.uid = -1, .gid = 5};
  start_is_refused(fixture, PC_E_INVALID_ARG, "neither mode nor owner");
  fixture->options.security.gid = -1;
  fixture->options.path = "@";
  start_is_refused(fixture, PC_E_NAME, "behind the @");
  fixture->options.path = fixture->path;
  fixture_start(fixture);
  fixture_destroy(fixture);
}

static void abstract_name_that_a_server_has_is_in_use(void **state) {
  (void)state;
  pc_admission_rule self = user_rule(geteuid());
  suite_fixture *fixture = fixture_with_name(PC_TYPE_MESSAGE, &self);
  fixture_start(fixture);
  start_is_refused(fixture, PC_E_IN_USE, "another server has this name");
  suite_client *client = client_connect(fixture, NULL);
  client_write_text(fixture, client, "unharmed");
  client_expect_text(fixture, client, "unharmed");
  client_close(client);
  fixture_destroy(fixture);
}

static void abstract_name_of_a_killed_server_is_free(void **state) {
  (void)state;
  pc_admission_rule self = user_rule(geteuid());
  suite_fixture *fixture = fixture_with_name(PC_TYPE_BYTE, &self);
  pid_t child = server_process(fixture);
  start_is_refused(fixture, PC_E_IN_USE, NULL);
  kill(child, SIGKILL);
  assert_int_equal(waitpid(child, NULL, 0), child);
  fixture_start(fixture);
  fixture_destroy(fixture);
}

const struct CMUnitTest cases_endpoint[] = {
    cmocka_unit_test(case_37_path_of_another_process_is_in_use_and_that_server_unharmed),
    cmocka_unit_test(case_38_endpoint_of_a_killed_server_is_taken_over),
    cmocka_unit_test(case_38_live_socket_of_a_foreign_server_is_never_removed),
    cmocka_unit_test(live_server_with_a_full_backlog_is_not_taken_for_stale),
    cmocka_unit_test(what_is_no_socket_is_never_removed),
    cmocka_unit_test(lock_that_is_held_refuses_the_start),
    cmocka_unit_test(socket_that_somebody_put_in_place_of_ours_stays),
    cmocka_unit_test(case_02_too_long_path_is_refused_with_the_limit_named),
    cmocka_unit_test(missing_folder_is_told),
    cmocka_unit_test(native_code_has_the_words_of_the_system_cut_to_fit),
    cmocka_unit_test(mode_is_what_was_asked_for_whatever_the_umask),
    cmocka_unit_test(owner_and_group_are_given),
    cmocka_unit_test(abstract_name_serves_without_a_file),
    cmocka_unit_test(abstract_name_lets_in_whom_its_rules_name),
    cmocka_unit_test(abstract_name_without_a_user_in_each_rule_is_refused),
    cmocka_unit_test(abstract_name_that_a_server_has_is_in_use),
    cmocka_unit_test(abstract_name_of_a_killed_server_is_free),
    {0}};
