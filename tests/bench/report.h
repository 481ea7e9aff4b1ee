/* What came out: medians over the rounds, as a table for people and as JSON for programs. Main thread. */
#ifndef TESTS_BENCH_REPORT_H
#define TESTS_BENCH_REPORT_H

#include <stdint.h>

#include "scenario.h"
#include "target.h"

typedef struct bench_report bench_report;

bench_report *bench_report_create(const bench_options *options);
void bench_report_destroy(bench_report *report);
void bench_report_add(bench_report *report, const bench_scenario *scenario,
                      bench_target_kind target, const bench_result *result);
/* After all rounds of a scenario: prints its lines of the table. */
void bench_report_print(bench_report *report, const bench_scenario *scenario);
/* Writes everything; fails the benchmark if it cannot. */
void bench_report_save(bench_report *report, const char *path);

#endif
