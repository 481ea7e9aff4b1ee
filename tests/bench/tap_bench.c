/* tap_bench: what a tap adds. One client and one server talk directly, through the bridge as a tap
 * (with nobody and with one observer), and through socat; rounds alternate between these, so that a
 * slow minute of the machine hits all. Main thread. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "matrix.h"
#include "options.h"
#include "stats.h"
#include "tap_ends.h"
#include "tap_middle.h"

typedef struct scenario {
  const char *name;
  const char *title;
  const char *framing;
  size_t write_bytes; /* 0: echo */
} scenario;

static const scenario scenarios[] = {{"echo", "round trip of 64 bytes", "line", 0},
                                     {"lines", "writes of 64 bytes", "line", 64},
                                     {"blocks", "writes of 64 KiB", "none", 65536}};
enum { SCENARIO_COUNT = sizeof scenarios / sizeof *scenarios, SAMPLES_MAX = 2000000 };

static const char *const middles[BENCH_MIDDLE_COUNT] = {"direct", "tap", "tap_watched", "socat"};

static bool row_of(size_t index, const char **out_name, const char **out_title) {
  if (index < SCENARIO_COUNT) {
    *out_name = scenarios[index].name;
    *out_title = scenarios[index].title;
  }
  return index < SCENARIO_COUNT;
}

static void round_run(const scenario *what, bench_middle_kind kind, const char *program,
                      double seconds, bench_result *out_result) {
  uint64_t duration_ns = (uint64_t)(seconds * 1e9);
  bench_middle middle;
  bench_middle_start(&middle, kind, program, what->framing);
  if (what->write_bytes == 0) {
    bench_samples samples;
    bench_samples_init(&samples, SAMPLES_MAX);
    bench_tap_echo(middle.path, duration_ns / 10, &samples); /* what is made on first use */
    samples.count = 0;
    bench_tap_echo(middle.path, duration_ns, &samples);
    bench_samples_sort(&samples);
    bench_result_put(out_result, "messages_per_s", (double)samples.count / seconds);
    bench_result_put(out_result, "p50_us", (double)bench_samples_percentile(&samples, 50) / 1e3);
    bench_result_put(out_result, "p99_us", (double)bench_samples_percentile(&samples, 99) / 1e3);
    bench_samples_fini(&samples);
  } else {
    uint64_t elapsed_ns;
    (void)bench_tap_say(middle.path, what->write_bytes, duration_ns / 10, &elapsed_ns);
    uint64_t bytes = bench_tap_say(middle.path, what->write_bytes, duration_ns, &elapsed_ns);
    double writes = (double)bytes / (double)what->write_bytes;
    bench_result_put(out_result, "messages_per_s", writes * 1e9 / (double)elapsed_ns);
    bench_result_put(out_result, "megabytes_per_s", (double)bytes * 1e3 / (double)elapsed_ns);
  }
  bench_middle_stop(&middle);
}

/* ---- the table ---- */

static void line_print(const bench_matrix *matrix, const scenario *what, const char *metric,
                       const char *unit) {
  printf("%-24s %-6s", what->title, unit);
  for (int kind = 0; kind < BENCH_MIDDLE_COUNT; kind++) {
    double value = 0;
    double ratio = 0;
    if (!bench_matrix_median(matrix, what->name, middles[kind], metric, &value)) {
      printf(" %11s %5s", "-", "");
      continue;
    }
    (void)bench_matrix_ratio(matrix, what->name, middles[kind], middles[BENCH_MIDDLE_NONE], metric,
                             &ratio);
    printf(" %11.1f %5.2f", value, ratio);
  }
  puts("");
  fflush(stdout);
}

static void scenario_run(const scenario *what, const bench_common *common, const char *program,
                         bench_matrix *matrix) {
  for (uint32_t round = 0; round < common->rounds; round++) {
    for (uint32_t turn = 0; turn < BENCH_MIDDLE_COUNT; turn++) {
      bench_middle_kind kind = (turn + round) % BENCH_MIDDLE_COUNT;
      if (bench_middle_is_here(kind)) {
        bench_result result = {0};
        round_run(what, kind, program, common->seconds, &result);
        bench_matrix_add(matrix, what->name, middles[kind], &result);
      }
    }
  }
  if (what->write_bytes == 0) {
    line_print(matrix, what, "p50_us", "p50 us");
    line_print(matrix, what, "p99_us", "p99 us");
  } else {
    line_print(matrix, what, "megabytes_per_s", "MB/s");
  }
}

int main(int argc, char *argv[]) {
  if (argc == 3 && strcmp(argv[1], "--as-server") == 0) {
    bench_tap_server_run(argv[2]);
  }
  const char *program = NULL;
  const bench_option own[] = {
      {"program", "PIPEBRIDGE", "the bridge to measure (needed)", BENCH_OPTION_TEXT, &program}};
  bench_common common = {.rounds = 7, .seconds = 1};
  bench_options_parse(
      argc, argv,
      &(bench_usage){.options = own, .option_count = 1, .quick_seconds = 0.05, .row = row_of},
      &common);
  if (!program) {
    bench_fail("--program is needed");
  }
  bench_matrix *matrix = bench_matrix_create(common.rounds, common.seconds);
  printf("%-31s", "median, and ratio to direct");
  for (int kind = 0; kind < BENCH_MIDDLE_COUNT; kind++) {
    printf(" %11s %5s", middles[kind], "");
  }
  puts("");
  for (size_t index = 0; index < SCENARIO_COUNT; index++) {
    if (bench_is_wanted(scenarios[index].name, common.only)) {
      scenario_run(&scenarios[index], &common, program, matrix);
    }
  }
  if (common.json_path) {
    bench_matrix_save(matrix, common.json_path);
  }
  bench_matrix_destroy(matrix);
  return 0;
}
