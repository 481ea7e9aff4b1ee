/* Writing to a FIFO without a signal. The loop's thread.
 *
 * Success: pwritev2 with RWF_NOSIGNAL (Linux 6.18): one call. Where the system does not know that
 * flag, SIGPIPE is blocked in this thread around the write, and one that the write caused is taken
 * back: three calls, or four when it broke. What the program does with SIGPIPE is neither used nor
 * changed. Failures: -1 with errno, for the channel to judge. */
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/uio.h>
#include <time.h>

#include "fifo.h"
#include "transfer.h"

#ifndef RWF_NOSIGNAL
#define RWF_NOSIGNAL 0x00000100
#endif

/* The signal goes to the thread that writes: while this one blocks it, nobody else gets it. */
static ssize_t send_shielded(int fd, const struct iovec *parts, unsigned count) {
  const struct timespec at_once = {0};
  sigset_t broken_pipe;
  sigset_t before;
  sigset_t pending;
  sigemptyset(&broken_pipe);
  sigaddset(&broken_pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &broken_pipe, &before);
  bool was_blocked = sigismember(&before, SIGPIPE) == 1;
  bool was_pending =
      was_blocked && sigpending(&pending) == 0 && sigismember(&pending, SIGPIPE) == 1;
  ssize_t size = writev(fd, parts, (int)count);
  int native = errno;
  if (size < 0 && native == EPIPE && !was_pending) {
    (void)sigtimedwait(&broken_pipe, NULL, &at_once);
  }
  if (!was_blocked) {
    pthread_sigmask(SIG_SETMASK, &before, NULL);
  }
  errno = native;
  return size;
}

ssize_t pc_fifo_send(int fd, const pc_span *spans, unsigned count) {
  static atomic_bool is_flag_unknown;
  struct iovec parts[PC_LINUX_SEND_SPANS];
  pc_linux_parts_fill(parts, spans, count);
  if (count == 0) {
    return 0;
  }
  /* relaxed: a thread that does not see it yet finds out by itself */
  if (!atomic_load_explicit(&is_flag_unknown, memory_order_relaxed)) {
    ssize_t size = pwritev2(fd, parts, (int)count, -1, RWF_NOSIGNAL);
    if (size >= 0 || errno != EOPNOTSUPP) {
      return size;
    }
    atomic_store_explicit(&is_flag_unknown, true, memory_order_relaxed);
  }
  return send_shielded(fd, parts, count);
}
