/* Results of many runs: rows (what is measured) by columns (of what), several rounds of each. Main
 * thread. */
#ifndef TESTS_BENCH_MATRIX_H
#define TESTS_BENCH_MATRIX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Numbers of one run, by name; the same names in the same order for each run of a row. */
enum { BENCH_METRICS_MAX = 12 };
typedef struct bench_result {
  size_t count;
  struct {
    const char *name; /* static */
    double value;
  } metrics[BENCH_METRICS_MAX];
} bench_result;
void bench_result_put(bench_result *result, const char *name, double value);

typedef struct bench_matrix bench_matrix;

/* With what the machine is, and how much is measured. */
bench_matrix *bench_matrix_create(uint32_t rounds, double seconds);
void bench_matrix_destroy(bench_matrix *matrix);
void bench_matrix_add(bench_matrix *matrix, const char *row, const char *column,
                      const bench_result *result);
/* Over the rounds so far. False: there is no such run. */
bool bench_matrix_median(const bench_matrix *matrix, const char *row, const char *column,
                         const char *metric, double *out_value);
/* Over the rounds so far: of `metric` of each round divided by that of `base` in the same round. */
bool bench_matrix_ratio(const bench_matrix *matrix, const char *row, const char *column,
                        const char *base, const char *metric, double *out_value);
/* All rounds; fails the benchmark if it cannot. */
void bench_matrix_save(const bench_matrix *matrix, const char *path);

#endif
