/* Puts messages into a target's pipe from the web's side. The caller's thread. */
#ifndef TESTS_BENCH_INJECTOR_H
#define TESTS_BENCH_INJECTOR_H

#include <stdint.h>

#include "hearer.h"
#include "target.h"

/* POSTs for `duration_ns` over `connections` that are kept: on each the next request when the last
 * is answered. Returns how many; fails the benchmark on an answer but 201. */
uint64_t bench_inject_posts(const bench_target *target, bench_hearer *hearer, uint32_t connections,
                            uint64_t duration_ns);
/* Sends messages over one WebSocket for `duration_ns`, `per_send` with each system call, never too
 * far ahead of the hearer. Returns how many. */
uint64_t bench_inject_frames(const bench_target *target, bench_hearer *hearer, uint32_t per_send,
                             uint64_t duration_ns);

#endif
