/* The results are the JSON from the beginning: rows → columns → rounds. */
#include "matrix.h"

#include <jansson.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "bench.h"
#include "stats.h"

enum { ROUNDS_MAX = 1000 };

struct bench_matrix {
  json_t *root; /* owned */
  json_t *rows; /* borrowed from root */
};

void bench_result_put(bench_result *result, const char *name, double value) {
  BENCH_CHECK(result->count < BENCH_METRICS_MAX);
  result->metrics[result->count].name = name;
  result->metrics[result->count].value = value;
  result->count++;
}

bench_matrix *bench_matrix_create(uint32_t rounds, double seconds) {
  bench_matrix *matrix = calloc(1, sizeof *matrix);
  BENCH_CHECK(matrix && rounds <= ROUNDS_MAX);
  struct utsname system;
  uname(&system);
  matrix->rows = json_object();
  matrix->root = json_pack("{s:{s:s,s:i},s:i,s:f,s:o}", "machine", "kernel", system.release, "cpus",
                           (int)sysconf(_SC_NPROCESSORS_ONLN), "rounds", (int)rounds, "seconds",
                           seconds, "rows", matrix->rows);
  BENCH_CHECK(matrix->root);
  return matrix;
}

void bench_matrix_destroy(bench_matrix *matrix) {
  json_decref(matrix->root);
  free(matrix);
}

/* The member `key`, made by `make` where it is not there yet. */
static json_t *member(json_t *object, const char *key, json_t *(*make)(void)) {
  json_t *value = json_object_get(object, key);
  if (!value) {
    value = make();
    BENCH_CHECK(json_object_set_new(object, key, value) == 0);
  }
  return value;
}

void bench_matrix_add(bench_matrix *matrix, const char *row, const char *column,
                      const bench_result *result) {
  json_t *rounds = member(member(matrix->rows, row, json_object), column, json_array);
  json_t *round = json_object();
  for (size_t index = 0; index < result->count; index++) {
    json_object_set_new(round, result->metrics[index].name,
                        json_real(result->metrics[index].value));
  }
  BENCH_CHECK(json_array_append_new(rounds, round) == 0);
}

static const json_t *rounds_of(const bench_matrix *matrix, const char *row, const char *column) {
  return json_object_get(json_object_get(matrix->rows, row), column);
}

static double value_of(const json_t *rounds, size_t index, const char *metric) {
  return json_real_value(json_object_get(json_array_get(rounds, index), metric));
}

bool bench_matrix_median(const bench_matrix *matrix, const char *row, const char *column,
                         const char *metric, double *out_value) {
  const json_t *rounds = rounds_of(matrix, row, column);
  double values[ROUNDS_MAX];
  size_t count = json_array_size(rounds);
  for (size_t index = 0; index < count; index++) {
    values[index] = value_of(rounds, index, metric);
  }
  /* All rounds of a column have the same metrics. */
  if (!json_object_get(json_array_get(rounds, 0), metric)) {
    return false;
  }
  if (count > 0) {
    *out_value = bench_median(values, count);
  }
  return count > 0;
}

bool bench_matrix_ratio(const bench_matrix *matrix, const char *row, const char *column,
                        const char *base, const char *metric, double *out_value) {
  const json_t *rounds = rounds_of(matrix, row, column);
  const json_t *base_rounds = rounds_of(matrix, row, base);
  double values[ROUNDS_MAX];
  size_t count = 0;
  for (size_t index = 0; index < json_array_size(rounds); index++) {
    double divisor = value_of(base_rounds, index, metric);
    if (divisor > 0) {
      values[count++] = value_of(rounds, index, metric) / divisor;
    }
  }
  if (count > 0) {
    *out_value = bench_median(values, count);
  }
  return count > 0;
}

void bench_matrix_save(const bench_matrix *matrix, const char *path) {
  if (json_dump_file(matrix->root, path, JSON_INDENT(1) | JSON_REAL_PRECISION(8)) != 0) {
    bench_fail("cannot write %s", path);
  }
}
