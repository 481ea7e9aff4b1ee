/* Who a peer is, with real processes: programs that were executed, removed or replaced, groups, a
 * pid that another process got, kernels without SO_PEERPIDFD. What this system does not let us do
 * is skipped. */
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "linux/cgroup.h"
#include "linux/peer.h"
#include "refuse_call.h"
#include "slow.h"

enum { PEERPIDFD = 77, FILES_MAX = 64, DESCRIBE_FILES = 2 };

/* ---- a listener and its clients ---- */

static struct sockaddr_un listener_address;
static socklen_t listener_size;
static int listener_fd;

static int listener_open(void **state) {
  (void)state;
  listener_address = (struct sockaddr_un){.sun_family = AF_UNIX};
  listener_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  /* The system chooses an abstract name. */
  assert_int_equal(bind(listener_fd, (struct sockaddr *)&listener_address, sizeof(sa_family_t)), 0);
  listener_size = sizeof listener_address;
  assert_int_equal(getsockname(listener_fd, (struct sockaddr *)&listener_address, &listener_size),
                   0);
  assert_int_equal(listen(listener_fd, 8), 0);
  return 0;
}

static int listener_close(void **state) {
  (void)state;
  close(listener_fd);
  return 0;
}

/* In a child: connects; the descriptor stays open over an exec. */
static int connect_now(void) {
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  if (connect(fd, (struct sockaddr *)&listener_address, listener_size) != 0) {
    _exit(100);
  }
  return fd;
}

/* A child that connects and executes `program`, once it has; its input ends when the test closes
 * `*out_hold`. */
static pid_t program_start(const char *program, char *const *arguments, int *out_hold) {
  int executed[2];
  int input[2];
  assert_int_equal(pipe2(executed, O_CLOEXEC), 0);
  assert_int_equal(pipe2(input, O_CLOEXEC), 0);
  pid_t child = fork();
  if (child == 0) {
    connect_now();
    dup2(input[0], STDIN_FILENO);
    execv(program, arguments);
    _exit(101);
  }
  close(executed[1]);
  close(input[0]);
  char byte;
  assert_int_equal(read(executed[0], &byte, 1), 0); /* closed by the exec */
  close(executed[0]);
  *out_hold = input[1];
  return child;
}

static void program_end(pid_t child, int hold) {
  close(hold);
  assert_int_equal(waitpid(child, NULL, 0), child);
}

static int accept_now(void) {
  int fd = accept4(listener_fd, NULL, NULL, SOCK_CLOEXEC);
  assert_true(fd >= 0);
  return fd;
}

static char *const shell_arguments[] = {"sh", "-c", "read line", "two words", "", NULL};

/* ---- programs ---- */

static void program_is_known_by_its_path_and_arguments(void **state) {
  (void)state;
  static pc_peer_details details;
  char shell[PATH_MAX];
  assert_non_null(realpath("/bin/sh", shell));
  int hold;
  pid_t child = program_start("/bin/sh", shell_arguments, &hold);
  int fd = accept_now();
  pc_linux_peer_describe(fd, PC_PEER_ALL, &details);
  assert_int_equal(details.known, PC_PEER_ALL);
  assert_string_equal(details.executable, shell);
  assert_true(details.is_executable_current);
  static const char line[] = "sh\0-c\0read line\0two words";
  assert_int_equal(details.command_line_bytes, sizeof line - 1);
  assert_memory_equal(details.command_line, line, sizeof line);
  assert_false(details.is_command_line_cut);
  program_end(child, hold);
  close(fd);
}

static void only_the_parts_asked_for_are_told(void **state) {
  (void)state;
  static pc_peer_details details;
  int hold;
  pid_t child = program_start("/bin/sh", shell_arguments, &hold);
  int fd = accept_now();
  for (uint32_t parts = 0; parts <= PC_PEER_ALL; parts++) {
    memset(&details, 'x', sizeof details);
    pc_linux_peer_describe(fd, parts, &details);
    assert_int_equal(details.known, parts);
    assert_int_equal(details.executable[0] != '\0', (parts & PC_PEER_EXECUTABLE) != 0);
    assert_int_equal(details.command_line_bytes > 0, (parts & PC_PEER_COMMAND_LINE) != 0);
  }
  program_end(child, hold);
  close(fd);
}

static void long_command_line_is_cut_and_says_so(void **state) {
  (void)state;
  static pc_peer_details details;
  static char argument[3000];
  memset(argument, 'a', sizeof argument - 1);
  char *arguments[] = {"sh", "-c", "read line", argument, NULL};
  int hold;
  pid_t child = program_start("/bin/sh", arguments, &hold);
  int fd = accept_now();
  pc_linux_peer_describe(fd, PC_PEER_COMMAND_LINE, &details);
  assert_true(details.is_command_line_cut);
  assert_int_equal(details.command_line_bytes, PC_PEER_COMMAND_LINE_BYTES - 1);
  assert_int_equal(details.command_line[PC_PEER_COMMAND_LINE_BYTES - 2], 'a');
  assert_int_equal(details.command_line[PC_PEER_COMMAND_LINE_BYTES - 1], '\0');
  program_end(child, hold);
  close(fd);
}

static void copy_file(const char *from, const char *to) {
  char command[2 * PATH_MAX];
  snprintf(command, sizeof command, "cp '%s' '%s' && chmod 700 '%s'", from, to, to);
  assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c): names are the test's own */
}

static void program_whose_file_was_removed_or_renamed_is_known_as_such(void **state) {
  (void)state;
  static pc_peer_details details;
  char folder[] = "/tmp/pipecore-XXXXXX";
  assert_non_null(mkdtemp(folder));
  char path[64];
  char odd_path[64];
  snprintf(path, sizeof path, "%s/shell", folder);
  snprintf(odd_path, sizeof odd_path, "%s/shell (deleted)", folder);
  copy_file("/bin/sh", path);
  int hold;
  pid_t child = program_start(path, shell_arguments, &hold);
  int fd = accept_now();
  pc_linux_peer_describe(fd, PC_PEER_EXECUTABLE, &details);
  assert_string_equal(details.executable, path);
  assert_true(details.is_executable_current);
  /* A file that is called so cannot be told from one that was removed: it proves nothing either
   * way. */
  assert_int_equal(rename(path, odd_path), 0);
  pc_linux_peer_describe(fd, PC_PEER_EXECUTABLE, &details);
  assert_string_equal(details.executable, path);
  assert_false(details.is_executable_current);
  assert_int_equal(rename(odd_path, path), 0);
  assert_int_equal(unlink(path), 0);
  copy_file("/bin/sh", path); /* another one took its place */
  pc_linux_peer_describe(fd, PC_PEER_EXECUTABLE, &details);
  assert_string_equal(details.executable, path);
  assert_false(details.is_executable_current);
  program_end(child, hold);
  close(fd);
  assert_int_equal(unlink(path), 0);
  assert_int_equal(rmdir(folder), 0);
}

static void path_of_another_file_system_proves_nothing(void **state) {
  (void)state;
  if (geteuid() != 0) {
    print_message("needs root to unshare a mount namespace\n");
    skip();
  }
  static pc_peer_details details;
  int hold[2];
  assert_int_equal(pipe2(hold, O_CLOEXEC), 0);
  pid_t child = fork();
  if (child == 0) {
    close(hold[1]);
    if (unshare(CLONE_NEWNS) != 0) {
      _exit(1);
    }
    connect_now();
    char byte;
    _exit(read(hold[0], &byte, 1) == 0 ? 0 : 2);
  }
  close(hold[0]);
  int fd = accept_now();
  pc_linux_peer_describe(fd, PC_PEER_EXECUTABLE, &details);
  assert_int_equal(details.known, PC_PEER_EXECUTABLE);
  assert_false(details.is_executable_current);
  program_end(child, hold[1]);
  close(fd);
}

static void unit_is_what_the_own_cgroup_says(void **state) {
  (void)state;
  static pc_peer_details expected;
  static pc_peer_details details;
  char text[4096];
  FILE *file = fopen("/proc/self/cgroup", "re");
  assert_non_null(file);
  pc_linux_cgroup_parse(text, fread(text, 1, sizeof text, file), &expected);
  fclose(file);
  int pair[2];
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
  pc_linux_peer_describe(pair[0], PC_PEER_UNIT, &details);
  assert_int_equal(details.known, PC_PEER_UNIT);
  assert_string_equal(details.unit, expected.unit);
  assert_string_equal(details.container, expected.container);
  close(pair[0]);
  close(pair[1]);
}

/* ---- groups ---- */

/* Of a process in `count` groups, from 5000 on. */
static void groups_describe(size_t count, pc_peer_details *details) {
  pid_t child = fork();
  if (child == 0) {
    static gid_t groups[PC_PEER_GROUPS_MAX + 1];
    for (size_t index = 0; index < count; index++) {
      groups[index] = (gid_t)(5000 + index);
    }
    if (setgroups(count, groups) != 0) {
      _exit(102);
    }
    connect_now();
    _exit(0);
  }
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
  int fd = accept_now();
  pc_linux_peer_describe(fd, PC_PEER_GROUPS, details);
  close(fd);
}

static void groups_are_known_even_of_a_process_that_is_gone(void **state) {
  (void)state;
  if (geteuid() != 0) {
    print_message("needs root to take part in other groups\n");
    skip();
  }
  static pc_peer_details details;
  groups_describe(3, &details);
  assert_int_equal(details.known, PC_PEER_GROUPS);
  assert_int_equal(details.group_count, 3);
  assert_int_equal(details.groups[2], 5002);
  groups_describe(0, &details);
  assert_int_equal(details.known, PC_PEER_GROUPS);
  assert_int_equal(details.group_count, 0);
  groups_describe(PC_PEER_GROUPS_MAX, &details);
  assert_int_equal(details.group_count, PC_PEER_GROUPS_MAX);
  assert_int_equal(details.groups[PC_PEER_GROUPS_MAX - 1], 5000 + PC_PEER_GROUPS_MAX - 1);
  groups_describe(PC_PEER_GROUPS_MAX + 1, &details);
  assert_int_equal(details.known, 0);
  assert_int_equal(details.group_count, 0);
}

/* ---- the pin ---- */

static bool nothing_of_proc_is_told(int fd) {
  static pc_peer_details details;
  pc_peer peer;
  pc_linux_peer_read(fd, &peer);
  pc_linux_peer_describe(fd, PC_PEER_ALL, &details);
  return peer.pid > 0 && peer.name[0] == '\0' && (details.known & ~(uint32_t)PC_PEER_GROUPS) == 0 &&
         details.executable[0] == '\0' && details.command_line_bytes == 0;
}

/* A process with the pid of one that is gone, or -1: this system does not let us. */
static pid_t process_with_pid(pid_t pid) {
  struct clone_args arguments = {
      .exit_signal = SIGCHLD, .set_tid = (uintptr_t)&pid, .set_tid_size = 1};
  long child = syscall(SYS_clone3, &arguments, sizeof arguments);
  if (child == 0) {
    pause();
    _exit(0);
  }
  return (pid_t)child;
}

/* A client connects and is gone; another process gets its pid. 0: that one is not described. */
static int reused_pid_try(void) {
  pid_t first = fork();
  if (first == 0) {
    connect_now();
    _exit(0);
  }
  waitpid(first, NULL, 0);
  pid_t second = process_with_pid(first);
  if (second < 0) {
    return 77;
  }
  int fd = accept4(listener_fd, NULL, NULL, SOCK_CLOEXEC);
  pc_peer peer;
  pc_linux_peer_read(fd, &peer);
  bool is_good = second == first && peer.pid == first && nothing_of_proc_is_told(fd);
  kill(second, SIGKILL);
  waitpid(second, NULL, 0);
  close(fd);
  return is_good ? 0 : 1;
}

/* In a process of its own, on a kernel without SO_PEERPIDFD, or also without pidfd_open. */
static int try_without(int (*routine)(void), bool has_pidfd_open) {
  pid_t child = fork();
  if (child == 0) {
    if (!refuse_call_with(SYS_getsockopt, 2, PEERPIDFD, ENOPROTOOPT) ||
        (!has_pidfd_open && !refuse_call(SYS_pidfd_open, ENOSYS))) {
      _exit(77);
    }
    _exit(routine());
  }
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  return WEXITSTATUS(status);
}

static void expect_good(int result, const char *needs) {
  if (result == 77) {
    print_message("needs %s\n", needs);
    skip();
  }
  assert_int_equal(result, 0);
}

static void process_that_got_the_pid_later_is_never_described(void **state) {
  (void)state;
  expect_good(reused_pid_try(), "CAP_CHECKPOINT_RESTORE, to choose a pid");
}

static void nor_is_it_where_the_kernel_pins_no_peer(void **state) {
  (void)state;
  expect_good(try_without(reused_pid_try, true), "a seccomp filter, and to choose a pid");
}

/* The peer is this very process. */
static int self_describe(void) {
  static pc_peer_details details;
  int pair[2];
  char own[PATH_MAX] = "";
  pc_peer peer;
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0 ||
      readlink("/proc/self/exe", own, sizeof own - 1) < 0) {
    return 1;
  }
  pc_linux_peer_read(pair[0], &peer);
  pc_linux_peer_describe(pair[0], PC_PEER_ALL, &details);
  bool is_good = peer.pid == getpid() && peer.name[0] != '\0' && details.known == PC_PEER_ALL &&
                 strcmp(details.executable, own) == 0;
  close(pair[1]);
  return is_good ? 0 : 2;
}

static void living_peer_is_described_also_where_the_kernel_pins_none(void **state) {
  (void)state;
  SKIP_UNDER_VALGRIND("is the program that /proc names");
  assert_int_equal(self_describe(), 0);
  expect_good(try_without(self_describe, true), "a seccomp filter");
}

static int self_is_not_told(void) {
  int pair[2];
  return socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0 && nothing_of_proc_is_told(pair[0]) ? 0 : 1;
}

static void nothing_is_read_that_cannot_be_pinned(void **state) {
  (void)state;
  expect_good(try_without(self_is_not_told, false), "a seccomp filter");
}

/* Where only pidfd_open pins: the process with this pid has another user than the one that
 * connected. */
static int changed_user_try(void) {
  pid_t child = fork();
  if (child == 0) {
    if (setresuid(12345, 12345, 0) != 0 || connect_now() < 0 || setresuid(0, 0, 0) != 0) {
      _exit(1);
    }
    kill(getpid(), SIGSTOP);
    _exit(0);
  }
  int status;
  waitpid(child, &status, WUNTRACED);
  int fd = accept4(listener_fd, NULL, NULL, SOCK_CLOEXEC);
  bool is_good = WIFSTOPPED(status) && nothing_of_proc_is_told(fd);
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
  close(fd);
  return is_good ? 0 : 1;
}

static void process_of_another_user_is_not_taken_for_the_peer_without_a_pin(void **state) {
  (void)state;
  if (geteuid() != 0) {
    print_message("needs root to become another user\n");
    skip();
  }
  expect_good(try_without(changed_user_try, true), "a seccomp filter");
}

static void no_descriptors_leave_the_ids_and_nothing_else(void **state) {
  (void)state;
  int pair[2];
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
  struct rlimit before;
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
  int taken[FILES_MAX];
  unsigned count = 0;
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &(struct rlimit){FILES_MAX, before.rlim_max}), 0);
  while ((taken[count] = fcntl(pair[0], F_DUPFD_CLOEXEC, 0)) >= 0) {
    count++;
  }
  /* With none free, then with one, two … until all can be told. */
  bool is_told = false;
  for (unsigned freed = 0; !is_told; freed++) {
    static pc_peer_details details;
    pc_peer peer;
    pc_linux_peer_read(pair[0], &peer);
    pc_linux_peer_describe(pair[0], PC_PEER_ALL, &details);
    assert_int_equal(peer.pid, getpid());
    assert_int_equal(peer.uid, geteuid());
    assert_true(details.known & PC_PEER_GROUPS);
    is_told = details.known == PC_PEER_ALL && peer.name[0] != '\0';
    assert_int_equal(is_told, freed >= DESCRIBE_FILES);
    assert_true(count > 0);
    close(taken[--count]);
  }
  while (count > 0) {
    close(taken[--count]);
  }
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
  close(pair[0]);
  close(pair[1]);
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, listener_open, listener_close)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(program_is_known_by_its_path_and_arguments),
      CASE(only_the_parts_asked_for_are_told),
      CASE(long_command_line_is_cut_and_says_so),
      CASE(program_whose_file_was_removed_or_renamed_is_known_as_such),
      CASE(path_of_another_file_system_proves_nothing),
      CASE(unit_is_what_the_own_cgroup_says),
      CASE(groups_are_known_even_of_a_process_that_is_gone),
      CASE(process_that_got_the_pid_later_is_never_described),
      CASE(nor_is_it_where_the_kernel_pins_no_peer),
      CASE(living_peer_is_described_also_where_the_kernel_pins_none),
      CASE(nothing_is_read_that_cannot_be_pinned),
      CASE(process_of_another_user_is_not_taken_for_the_peer_without_a_pin),
      CASE(no_descriptors_leave_the_ids_and_nothing_else),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
