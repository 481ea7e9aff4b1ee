/* Failing, time and the message's text. Any thread. */
#include "bench.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

_Noreturn void bench_fail(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fprintf(stderr, "%s: ", program_invocation_short_name);
  vfprintf(stderr, format, arguments);
  fputc('\n', stderr);
  va_end(arguments);
  exit(1);
}

_Noreturn void bench_fail_system(const char *action, const char *object) {
  bench_fail("%s %s: %s", action, object, strerror(errno));
}

uint64_t bench_now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void bench_sleep_until(uint64_t deadline_ns) {
  struct timespec deadline = {.tv_sec = (time_t)(deadline_ns / 1000000000u),
                              .tv_nsec = (long)(deadline_ns % 1000000000u)};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &deadline, NULL) == EINTR) {
  }
}

void bench_digits_write(char text[BENCH_DIGITS], uint64_t value) {
  static const char digits[] = "0123456789abcdef";
  for (size_t index = BENCH_DIGITS; index-- > 0; value >>= 4) {
    text[index] = digits[value & 15];
  }
}

void bench_message_write(char line[BENCH_LINE_BYTES], uint64_t number, uint64_t time_ns) {
  static const char filler[BENCH_LINE_BYTES + 1] =
      "---------------- ---------------- and thirty bytes of filling..\n";
  memcpy(line, filler, BENCH_LINE_BYTES);
  bench_digits_write(line + BENCH_NUMBER_OFFSET, number);
  bench_digits_write(line + BENCH_TIME_OFFSET, time_ns);
}

uint64_t bench_digits_read(const char *text) {
  uint64_t value = 0;
  for (size_t index = 0; index < BENCH_DIGITS; index++) {
    unsigned digit = (unsigned)(unsigned char)text[index];
    unsigned nibble = digit - '0' < 10 ? digit - '0' : digit - 'a' + 10;
    if (nibble > 15) {
      bench_fail("a message came back changed: \"%.*s\"", BENCH_DIGITS, text);
    }
    value = value << 4 | nibble;
  }
  return value;
}
