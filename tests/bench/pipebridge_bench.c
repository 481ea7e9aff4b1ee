/* pipebridge_bench: the bridge in its formats beside a bare relay, in one run. Each is a child
 * process; this one writes into its pipe and observes its WebSockets. Rounds alternate between
 * them, so that a slow minute of the machine hits all. The table is Markdown, since it stands in a
 * README. Main thread; the receiver and the hearer have threads of their own. */
#include <stdio.h>
#include <string.h>

#include "bench.h"
#include "feeder.h"
#include "matrix.h"
#include "options.h"
#include "peers.h"
#include "process.h"
#include "relay.h"
#include "scenario.h"
#include "target.h"

enum { QUICK_OBSERVERS = 20 };

static bool row_of(size_t index, const char **out_name, const char **out_title) {
  if (index < bench_scenario_count) {
    *out_name = bench_scenarios[index].name;
    *out_title = bench_scenarios[index].title;
  }
  return index < bench_scenario_count;
}

static void options_parse(int argc, char *argv[], bench_options *options) {
  const bench_option own[] = {
      {"program", "PIPEBRIDGE", "the bridge to measure (needed)", BENCH_OPTION_TEXT,
       &options->program},
      {"beside", "PIPEBRIDGE", "another build of it: more columns, and what a change did",
       BENCH_OPTION_TEXT, &options->other},
      {"target", "TEXT", "only columns whose name contains TEXT, and the relay", BENCH_OPTION_TEXT,
       &options->target},
      {"peers", "TEXT", "programs of others too, those whose name contains TEXT, or all",
       BENCH_OPTION_TEXT, &options->peers},
      {"most", "N", "observers at most, where a row has more", BENCH_OPTION_COUNT,
       &options->most_observers}};
  bench_usage usage = {.options = own,
                       .option_count = sizeof own / sizeof *own,
                       .quick_seconds = 0.2,
                       .row = row_of};
  bench_options_parse(argc, argv, &usage, &options->common);
  if (!options->program) {
    bench_fail("--program is needed");
  }
  if (options->common.is_quick) {
    options->most_observers = QUICK_OBSERVERS;
  }
}

/* ---- columns ---- */

/* What is missing is told once. */
static bool is_wanted_peer(const bench_options *options, const bench_target_kind *kind) {
  static bool is_known[64], is_there[64];
  size_t index = (size_t)(kind - bench_target_kinds);
  bool is_asked_for = options->peers && (strcmp(options->peers, "all") == 0 ||
                                         bench_is_wanted(kind->name, options->peers));
  BENCH_CHECK(index < sizeof is_known / sizeof *is_known);
  if (is_asked_for && !is_known[index]) {
    is_known[index] = true;
    is_there[index] = bench_peer_is_there(kind);
  }
  return is_asked_for && is_there[index];
}

static bool is_wanted(const bench_options *options, const bench_target_kind *kind) {
  if (kind->needs) {
    return is_wanted_peer(options, kind);
  }
  return (!kind->is_other || options->other) &&
         (kind == bench_target_kinds || bench_is_wanted(kind->name, options->target));
}

/* What a column is a share of: of another build the same format there, else the relay. */
static const char *base_of(const bench_options *options, const bench_target_kind *kind) {
  for (size_t index = 0; options->other && index < bench_target_kind_count; index++) {
    const bench_target_kind *other = &bench_target_kinds[index];
    size_t size = strlen(kind->name);
    if (other->is_other && !kind->is_other && strncmp(other->name, kind->name, size) == 0) {
      return other->name;
    }
  }
  return bench_target_kinds[0].name;
}

/* ---- the table ---- */

static void header_print(const bench_options *options) {
  printf("| median of the rounds |");
  for (size_t index = 0; index < bench_target_kind_count; index++) {
    if (is_wanted(options, &bench_target_kinds[index])) {
      printf(" %s |", bench_target_kinds[index].name);
    }
  }
  printf("\n|---|");
  for (size_t index = 0; index < bench_target_kind_count; index++) {
    if (is_wanted(options, &bench_target_kinds[index])) {
      printf("---|");
    }
  }
  puts("");
}

static void cell_print(const bench_matrix *matrix, const char *row, const char *column,
                       const char *base, const bench_line *line) {
  double value, ratio;
  if (!bench_matrix_median(matrix, row, column, line->metric, &value)) {
    printf(" |");
  } else if (strcmp(column, base) != 0 &&
             bench_matrix_ratio(matrix, row, column, base, line->metric, &ratio)) {
    printf(" %.*f (%.2f) |", value / line->scale < 100, value / line->scale, ratio);
  } else {
    printf(" %.*f |", value / line->scale < 100, value / line->scale);
  }
}

static void line_print(const bench_matrix *matrix, const bench_options *options,
                       const bench_scenario *scenario, const bench_line *line) {
  printf("| %s%s, %s |", scenario->title, line->title, line->unit);
  for (size_t index = 0; index < bench_target_kind_count; index++) {
    const bench_target_kind *kind = &bench_target_kinds[index];
    if (is_wanted(options, kind)) {
      cell_print(matrix, scenario->name, kind->name, base_of(options, kind), line);
    }
  }
  puts("");
}

/* Of a run that is no full measurement of the bridge: some messages came as a gap. */
static void gaps_tell(const bench_matrix *matrix, const bench_scenario *scenario) {
  for (size_t index = 0; index < bench_target_kind_count; index++) {
    const char *column = bench_target_kinds[index].name;
    double gaps, share;
    if (bench_matrix_median(matrix, scenario->name, column, "gaps", &gaps) && gaps > 0 &&
        bench_matrix_median(matrix, scenario->name, column, "received_share", &share)) {
      fprintf(stderr, "%s, %s: observers fell behind: %.0f gaps, %.2f %% received\n",
              scenario->title, column, gaps, 100 * share);
    }
  }
}

/* ---- runs ---- */

static void target_run(const bench_scenario *scenario, const bench_options *options,
                       const bench_target_kind *kind, bench_matrix *matrix) {
  bench_target target;
  bench_result result = {0};
  bench_target_start(&target, kind, kind->is_other ? options->other : options->program);
  scenario->run(scenario, options, &target, &result);
  bench_target_stop(&target);
  bench_matrix_add(matrix, scenario->name, kind->name, &result);
}

static bool is_measured(const bench_scenario *scenario, const bench_options *options,
                        const bench_target_kind *kind) {
  uint32_t observers =
      scenario->observers < options->most_observers ? scenario->observers : options->most_observers;
  return (!scenario->suits || scenario->suits(kind)) &&
         (kind->most_observers == 0 || observers <= kind->most_observers);
}

static void scenario_run(const bench_scenario *scenario, const bench_options *options,
                         bench_matrix *matrix) {
  for (uint32_t round = 0; round < options->common.rounds; round++) {
    for (size_t turn = 0; turn < bench_target_kind_count; turn++) {
      const bench_target_kind *kind = &bench_target_kinds[(turn + round) % bench_target_kind_count];
      if (is_wanted(options, kind) && is_measured(scenario, options, kind)) {
        target_run(scenario, options, kind, matrix);
      }
    }
  }
  for (size_t index = 0; index < BENCH_LINES_MAX && scenario->lines[index].metric; index++) {
    line_print(matrix, options, scenario, &scenario->lines[index]);
  }
  fflush(stdout);
  gaps_tell(matrix, scenario);
}

int main(int argc, char *argv[]) {
  if (argc == 4 && strcmp(argv[1], "--as-relay") == 0) {
    bench_relay_run(argv[2], argv[3]);
  }
  bench_feeder_run_if_asked(argc, argv);
  bench_options options = {.common = {.rounds = 5, .seconds = 2}, .most_observers = UINT32_MAX};
  options_parse(argc, argv, &options);
  bench_descriptors_raise(); /* a thousand observers need a thousand, here and in the children */
  bench_matrix *matrix = bench_matrix_create(options.common.rounds, options.common.seconds);
  header_print(&options);
  for (size_t index = 0; index < bench_scenario_count; index++) {
    if (bench_is_wanted(bench_scenarios[index].name, options.common.only)) {
      scenario_run(&bench_scenarios[index], &options, matrix);
    }
  }
  if (options.common.json_path) {
    bench_matrix_save(matrix, options.common.json_path);
  }
  bench_matrix_destroy(matrix);
  return 0;
}
