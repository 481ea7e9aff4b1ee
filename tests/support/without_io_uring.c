/* Runs a command where io_uring_setup is refused with EPERM, as container runtimes do: for tests
 * that a program gets along. without_io_uring COMMAND [ARGUMENT...]; 77 if this system has no
 * seccomp filters. */
#include <errno.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "refuse_call.h"

int main(int argc, char **argv) {
  if (argc < 2) {
    fputs("usage: without_io_uring COMMAND [ARGUMENT...]\n", stderr);
    return 2;
  }
  if (!refuse_call(SYS_io_uring_setup, EPERM)) {
    perror("without_io_uring: skipped: seccomp");
    return 77;
  }
  execvp(argv[1], argv + 1);
  perror(argv[1]);
  return 127;
}
