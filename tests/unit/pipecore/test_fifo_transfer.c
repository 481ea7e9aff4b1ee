/* Writing to a FIFO that nobody reads raises no SIGPIPE, whether the system knows RWF_NOSIGNAL or
 * not, and leaves the program's own signals alone. */
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "linux/fifo.h"
#include "refuse_call.h"

enum { CHILD_SKIPPED = 77 };

/* A writing end whose reading end is closed. */
static int orphan_create(void) {
  int ends[2];
  assert_int_equal(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
  close(ends[0]);
  return ends[1];
}

static bool signal_is_pending(void) {
  sigset_t pending;
  return sigpending(&pending) == 0 && sigismember(&pending, SIGPIPE) == 1;
}

static bool signal_is_blocked(void) {
  sigset_t blocked;
  return pthread_sigmask(SIG_SETMASK, NULL, &blocked) == 0 && sigismember(&blocked, SIGPIPE) == 1;
}

static void signal_mask(int how) {
  sigset_t broken_pipe;
  sigemptyset(&broken_pipe);
  sigaddset(&broken_pipe, SIGPIPE);
  pthread_sigmask(how, &broken_pipe, NULL);
}

/* 0: as it should be; else the number of what is wrong. */
static int send_to_nobody(void) {
  static const uint8_t bytes[] = "lost";
  pc_span spans[] = {{.data = bytes, .size_bytes = 2}, {.data = bytes + 2, .size_bytes = 2}};
  int fd = orphan_create();
  if (pc_fifo_send(fd, spans, 2) != -1 || errno != EPIPE) {
    return 1;
  }
  if (signal_is_pending() || signal_is_blocked()) {
    return 2;
  }
  signal_mask(SIG_BLOCK);
  if (pc_fifo_send(fd, spans, 2) != -1 || errno != EPIPE) {
    return 3;
  }
  if (signal_is_pending() || !signal_is_blocked()) {
    return 4;
  }
  raise(SIGPIPE); /* the program's own: it stays */
  if (pc_fifo_send(fd, spans, 2) != -1 || !signal_is_pending()) {
    return 5;
  }
  close(fd);
  int ends[2];
  char read_back[8];
  if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0 || pc_fifo_send(ends[1], spans, 2) != 4 ||
      read(ends[0], read_back, sizeof read_back) != 4 || memcmp(read_back, "lost", 4) != 0) {
    return 6;
  }
  return pc_fifo_send(ends[1], spans, 0) == 0 ? 0 : 7;
}

/* In a child that would die of the signal. */
static int child_status(int (*run)(void)) {
  pid_t child = fork();
  if (child == 0) {
    (void)signal(SIGPIPE, SIG_DFL);
    signal_mask(SIG_UNBLOCK);
    _exit(run());
  }
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  return WEXITSTATUS(status);
}

static void broken_write_is_told_without_a_signal(void **state) {
  (void)state;
  assert_int_equal(child_status(send_to_nobody), 0);
}

static int send_without_the_flag(void) {
  if (!refuse_call(SYS_pwritev2, EOPNOTSUPP)) {
    return CHILD_SKIPPED;
  }
  return send_to_nobody();
}

static void older_system_without_the_flag_raises_none_either(void **state) {
  (void)state;
  int status = child_status(send_without_the_flag);
  if (status == CHILD_SKIPPED) {
    print_message("skipped: this system lets nobody filter system calls\n");
    skip();
  }
  assert_int_equal(status, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(broken_write_is_told_without_a_signal),
      cmocka_unit_test(older_system_without_the_flag_raises_none_either),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
