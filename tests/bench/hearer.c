/* Blocking reads of up to 256 KiB; a line is looked at where it lies. The hearer's thread, but for
 * what hearer.h says. A line out of order, twice or cut fails the benchmark. */
#include "hearer.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"
#include "writer.h"

enum { READ_BYTES = 256 * 1024, SAMPLES_MAX = 1000000, SPEAKER_SHIFT = 48, WAIT_S = 60 };

struct bench_hearer {
  int fd;
  pthread_t thread;
  bench_samples latencies_ns;
  uint64_t next[BENCH_SPEAKERS_MAX]; /* number that must come next */
  atomic_uint_fast64_t count;
  atomic_uint_fast64_t last_ns; /* when the last one came */
  atomic_bool is_warm;
  char buffer[READ_BYTES + BENCH_LINE_BYTES];
};

uint64_t bench_speaker_number(uint32_t speaker, uint64_t number) {
  return (uint64_t)speaker << SPEAKER_SHIFT | number;
}

static bool line_enter(bench_hearer *hearer, const char *line, uint64_t now_ns) {
  uint64_t number = bench_digits_read(line + BENCH_NUMBER_OFFSET);
  if (number == BENCH_WARM_UP_NUMBER) {
    atomic_store(&hearer->is_warm, true);
    return false;
  }
  uint64_t speaker = number >> SPEAKER_SHIFT;
  number &= (UINT64_C(1) << SPEAKER_SHIFT) - 1;
  BENCH_CHECK(speaker < BENCH_SPEAKERS_MAX && line[BENCH_LINE_BYTES - 1] == '\n');
  if (number != hearer->next[speaker]++) {
    bench_fail("injected message %llu came where %llu was due", (unsigned long long)number,
               (unsigned long long)hearer->next[speaker] - 1);
  }
  if (hearer->latencies_ns.count < SAMPLES_MAX) {
    bench_samples_add(&hearer->latencies_ns, now_ns - bench_digits_read(line + BENCH_TIME_OFFSET));
  }
  return true;
}

static void *hearer_run(void *argument) {
  bench_hearer *hearer = argument;
  size_t size = 0;
  ssize_t got;
  while ((got = recv(hearer->fd, hearer->buffer + size, READ_BYTES, 0)) > 0) {
    uint64_t now_ns = bench_now_ns();
    size += (size_t)got;
    uint64_t count = 0;
    const char *line = hearer->buffer;
    for (; size >= BENCH_LINE_BYTES; size -= BENCH_LINE_BYTES, line += BENCH_LINE_BYTES) {
      count += line_enter(hearer, line, now_ns);
    }
    memmove(hearer->buffer, line, size);
    atomic_store_explicit(&hearer->last_ns, now_ns, memory_order_relaxed);
    atomic_fetch_add_explicit(&hearer->count, count, memory_order_release);
  }
  return NULL;
}

bench_hearer *bench_hearer_start(const char *pipe_path) {
  bench_hearer *hearer = calloc(1, sizeof *hearer);
  BENCH_CHECK(hearer);
  hearer->fd = bench_writer_connect(pipe_path);
  bench_samples_init(&hearer->latencies_ns, SAMPLES_MAX);
  BENCH_CHECK(pthread_create(&hearer->thread, NULL, hearer_run, hearer) == 0);
  return hearer;
}

uint64_t bench_hearer_count(const bench_hearer *hearer) {
  return atomic_load_explicit(&hearer->count, memory_order_acquire);
}

bool bench_hearer_is_warm(const bench_hearer *hearer) {
  return atomic_load_explicit(&hearer->is_warm, memory_order_relaxed);
}

uint64_t bench_hearer_wait(bench_hearer *hearer, uint64_t count) {
  uint64_t deadline_ns = bench_now_ns() + WAIT_S * UINT64_C(1000000000);
  while (bench_hearer_count(hearer) < count) {
    if (bench_now_ns() > deadline_ns) {
      bench_fail("of %llu injected messages %llu came", (unsigned long long)count,
                 (unsigned long long)bench_hearer_count(hearer));
    }
    bench_sleep_until(bench_now_ns() + 100000);
  }
  BENCH_CHECK(bench_hearer_count(hearer) == count);
  return atomic_load_explicit(&hearer->last_ns, memory_order_relaxed);
}

void bench_hearer_stop(bench_hearer *hearer, bench_samples *out_latencies_ns) {
  shutdown(hearer->fd, SHUT_RDWR);
  pthread_join(hearer->thread, NULL);
  close(hearer->fd);
  *out_latencies_ns = hearer->latencies_ns;
  free(hearer);
}
