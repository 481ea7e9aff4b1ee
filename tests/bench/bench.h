/* What the parts of pipebridge_bench share: failing, time, and the message that travels. Any
 * thread. */
#ifndef TESTS_BENCH_BENCH_H
#define TESTS_BENCH_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Ends the program with 1 after one line on stderr: a benchmark that goes on after a failure
 * measures something else. */
_Noreturn void bench_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same, with the system's reason. */
_Noreturn void bench_fail_system(const char *action, const char *object);
#define BENCH_CHECK(condition)                                           \
  do {                                                                   \
    if (!(condition)) {                                                  \
      bench_fail("%s:%d: not true: %s", __FILE__, __LINE__, #condition); \
    }                                                                    \
  } while (0)

uint64_t bench_now_ns(void); /* CLOCK_MONOTONIC, the same in all processes */
void bench_sleep_until(uint64_t deadline_ns);

/* A message: number and time of writing as 16 hexadecimal digits each, filled up. One line of 64
 * bytes. */
enum {
  BENCH_NUMBER_OFFSET = 0,
  BENCH_TIME_OFFSET = 17,
  BENCH_DIGITS = 16,
  BENCH_PAYLOAD_BYTES = 63,
  BENCH_LINE_BYTES = 64
};
void bench_message_write(char line[BENCH_LINE_BYTES], uint64_t number, uint64_t time_ns);
void bench_digits_write(char text[BENCH_DIGITS], uint64_t value);
/* Reads 16 digits; fails the benchmark on anything else. */
uint64_t bench_digits_read(const char *text);

#endif
