/* Arguments of the benchmarks: a table of each program's own beside those that all have. Main
 * thread. */
#ifndef TESTS_BENCH_OPTIONS_H
#define TESTS_BENCH_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum bench_option_kind { BENCH_OPTION_TEXT, BENCH_OPTION_COUNT } bench_option_kind;

/* An option of one program, `--name VALUE`. */
typedef struct bench_option {
  const char *name;
  const char *value; /* what the usage calls it */
  const char *help;
  bench_option_kind kind;
  void *place; /* const char ** of a text, uint32_t * of a count from 1 to 1,000,000 */
} bench_option;

/* What every benchmark is asked. */
typedef struct bench_common {
  const char *json_path; /* NULL: no JSON */
  const char *only;      /* only rows whose name contains this, or NULL */
  uint32_t rounds;
  double seconds; /* of each measured stretch */
  bool is_quick;  /* a short run that shows that everything works */
} bench_common;

/* What one program's arguments mean. */
typedef struct bench_usage {
  const bench_option *options; /* its own */
  size_t option_count;
  double quick_seconds; /* --quick: one round of this */
  /* The rows of --list, by index; false: there are no more. */
  bool (*row)(size_t index, const char **out_name, const char **out_title);
} bench_usage;

/* Reads the arguments over the defaults that `common` and the places hold. --list ends the program
 * with 0, an argument that cannot be with 2 after the usage. */
void bench_options_parse(int argc, char *argv[], const bench_usage *usage, bench_common *common);

/* Whether a row, or a column, of this name is wanted: `only` NULL, or part of it. */
bool bench_is_wanted(const char *name, const char *only);

#endif
