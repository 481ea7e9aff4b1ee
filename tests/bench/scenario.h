/* What is measured: each scenario runs once per round on a fresh relay and a fresh bridge. Main thread. */
#ifndef TESTS_BENCH_SCENARIO_H
#define TESTS_BENCH_SCENARIO_H

#include <stddef.h>
#include <stdint.h>

#include "matrix.h"
#include "target.h"

typedef struct bench_options {
  const char *program;   /* the bridge */
  const char *json_path; /* NULL: no JSON */
  const char *only;      /* only scenarios whose name contains this, or NULL */
  uint32_t rounds;
  double seconds;      /* of each measured stretch */
  uint32_t many;       /* observers, where there are many */
  uint32_t idle_count; /* observers and sessions whose memory is measured */
} bench_options;

typedef struct bench_scenario bench_scenario;
struct bench_scenario {
  const char *name;
  const char *title;
  const char *headline; /* the metric that the table shows */
  const char *unit;
  void (*run)(const bench_scenario *scenario, const bench_options *options,
              const bench_target *target, bench_result *out_result);
  uint32_t observers; /* 0: options->many */
  uint32_t per_write; /* messages */
  uint32_t rate;      /* messages per second */
};

extern const bench_scenario bench_scenarios[];
extern const size_t bench_scenario_count;

#endif
