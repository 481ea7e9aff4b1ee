/* What stands between the benchmark's one writer and a program that does not read a UNIX socket of
 * lines: a process that says what was written in that program's own way. */
#ifndef TESTS_BENCH_FEEDER_H
#define TESTS_BENCH_FEEDER_H

#include <stdbool.h>

/* If the arguments are those of a feeder, or of the program that websocketd runs, is that and does
 * not return:
 *   --as-feeder mqtt|nats|nchan SOCKET PORT   each line of SOCKET is published at PORT
 *   --as-feeder spread SOCKET CONSUMERS       what SOCKET says, to all of the socket CONSUMERS
 *   --as-feed CONSUMERS                       copies that, behind "ready", to its output */
void bench_feeder_run_if_asked(int argc, char *argv[]);

#endif
