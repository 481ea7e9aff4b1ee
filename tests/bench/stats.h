/* Percentiles of many samples. Pure; any thread. */
#ifndef TESTS_BENCH_STATS_H
#define TESTS_BENCH_STATS_H

#include <stddef.h>
#include <stdint.h>

typedef struct bench_samples {
  uint64_t *values; /* owned */
  size_t count;
  size_t capacity;
} bench_samples;

void bench_samples_init(bench_samples *samples, size_t capacity);
void bench_samples_fini(bench_samples *samples);
void bench_samples_add(bench_samples *samples, uint64_t value); /* over the capacity: fails */
void bench_samples_sort(bench_samples *samples);
/* Of sorted samples, by nearest rank: the smallest that `percent` of all do not exceed. 100 is the
 * largest. */
uint64_t bench_samples_percentile(const bench_samples *samples, double percent);

/* The middle one, or the mean of the middle two. Sorts `values`. 0 of none. */
double bench_median(double *values, size_t count);

#endif
