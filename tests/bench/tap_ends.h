/* Both ends of what tap_bench measures: a server as a child process, and loads of a client. Main
 * thread. */
#ifndef TESTS_BENCH_TAP_ENDS_H
#define TESTS_BENCH_TAP_ENDS_H

#include <stdint.h>
#include <sys/types.h>

#include "stats.h"

/* The child: serves one client after the other at `path`; what it does each says in its first
 * line. */
_Noreturn void bench_tap_server_run(const char *path);

/* A connection to `path`, tried until somebody listens there. */
int bench_tap_connect(const char *path);

/* Lines of 64 bytes that come back, one after the other, for so long; each adds its nanoseconds. */
void bench_tap_echo(const char *path, uint64_t duration_ns, bench_samples *samples);
/* Writes of `size` bytes, lines of 64, for so long. Returns how many bytes the server has counted,
 * and
 * `*out_elapsed_ns` until it had. */
uint64_t bench_tap_say(const char *path, size_t size, uint64_t duration_ns,
                       uint64_t *out_elapsed_ns);

#endif
