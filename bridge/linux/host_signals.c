/* Signals as requests that the main thread waits for; no handler ever runs. Main thread.
 *
 * SIGINT and SIGTERM end in order. SIGHUP asks for a reload, but on a terminal it says that the
 * terminal is gone, and ends. SIGPIPE is ignored: a write tells by its result. */
#include "host.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

static bool began_on_terminal;

static sigset_t request_set(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGHUP);
  return set;
}

bool br_host_is_terminal(void) {
  return isatty(STDERR_FILENO) == 1;
}

void br_host_requests_init(void) {
  began_on_terminal = br_host_is_terminal();
  (void)signal(SIGPIPE, SIG_IGN);
  sigset_t set = request_set();
  (void)pthread_sigmask(SIG_BLOCK, &set, NULL);
}

br_host_request br_host_wait(int64_t timeout_ms) {
  sigset_t set = request_set();
  struct timespec timeout = {.tv_sec = (time_t)(timeout_ms / 1000),
                             .tv_nsec = (long)(timeout_ms % 1000) * 1000000};
  int number;
  do {
    number = timeout_ms < 0 ? sigwaitinfo(&set, NULL) : sigtimedwait(&set, NULL, &timeout);
  } while (number < 0 && errno == EINTR);
  if (number == SIGHUP && !began_on_terminal) {
    return BR_HOST_RELOAD;
  }
  return number > 0 ? BR_HOST_END : BR_HOST_TIMEOUT;
}

void br_host_requests_fini(void) {
  /* A hang-up that comes behind the first request is part of it. */
  (void)signal(SIGHUP, SIG_IGN);
  sigset_t set = request_set();
  (void)pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}
