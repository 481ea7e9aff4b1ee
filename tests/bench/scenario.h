/* What is measured: each scenario runs once per round on a fresh process of each target. Main
 * thread. */
#ifndef TESTS_BENCH_SCENARIO_H
#define TESTS_BENCH_SCENARIO_H

#include <stddef.h>
#include <stdint.h>

#include "matrix.h"
#include "options.h"
#include "target.h"

typedef struct bench_options {
  bench_common common;
  const char *program;     /* the bridge                                    */
  const char *other;       /* another build of it, or NULL                  */
  const char *target;      /* only targets whose name contains this, or NULL */
  const char *peers;       /* other people's programs whose name contains this; NULL: none */
  uint32_t most_observers; /* where a scenario has more                     */
} bench_options;

/* A line of the table: a metric, and its unit there. */
typedef struct bench_line {
  const char *title; /* behind the scenario's */
  const char *metric;
  const char *unit;
  double scale; /* the metric is divided by it */
} bench_line;
enum { BENCH_LINES_MAX = 3 };

typedef struct bench_scenario bench_scenario;
struct bench_scenario {
  const char *name;
  const char *title;
  void (*run)(const bench_scenario *scenario, const bench_options *options,
              const bench_target *target, bench_result *out_result);
  bool (*suits)(const bench_target_kind *kind); /* NULL: every target */
  uint32_t observers;                           /* or speakers, or sessions */
  uint32_t per_write;                           /* messages */
  uint32_t rate;                                /* messages per second */
  bench_line lines[BENCH_LINES_MAX];
};

extern const bench_scenario bench_scenarios[];
extern const size_t bench_scenario_count;

#endif
