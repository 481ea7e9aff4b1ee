/* All samples are kept: some ten thousand per run, exact instead of in classes. */
#include "stats.h"

#include <math.h>
#include <stdlib.h>

#include "bench.h"

void bench_samples_init(bench_samples *samples, size_t capacity) {
  *samples = (bench_samples){.values = calloc(capacity, sizeof(uint64_t)), .capacity = capacity};
  BENCH_CHECK(samples->values);
}

void bench_samples_fini(bench_samples *samples) {
  free(samples->values);
  *samples = (bench_samples){0};
}

void bench_samples_add(bench_samples *samples, uint64_t value) {
  BENCH_CHECK(samples->count < samples->capacity);
  samples->values[samples->count++] = value;
}

static int u64_compare(const void *left, const void *right) {
  uint64_t a = *(const uint64_t *)left;
  uint64_t b = *(const uint64_t *)right;
  return (a > b) - (a < b);
}

void bench_samples_sort(bench_samples *samples) {
  qsort(samples->values, samples->count, sizeof *samples->values, u64_compare);
}

uint64_t bench_samples_percentile(const bench_samples *samples, double percent) {
  if (samples->count == 0) {
    return 0;
  }
  size_t rank = (size_t)ceil(percent / 100.0 * (double)samples->count);
  return samples->values[rank > 0 ? rank - 1 : 0];
}

static int double_compare(const void *left, const void *right) {
  double a = *(const double *)left;
  double b = *(const double *)right;
  return (a > b) - (a < b);
}

double bench_median(double *values, size_t count) {
  if (count == 0) {
    return 0;
  }
  qsort(values, count, sizeof *values, double_compare);
  return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}
