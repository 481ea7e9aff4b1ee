/* tap_bench: what a tap adds. One client and one server talk directly, through the bridge as a tap (with nobody and with
 * one observer), and through socat; rounds alternate between these, so that a slow minute of the machine hits all.
 * Main thread. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "matrix.h"
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

typedef struct bench_options {
  const char *program;
  const char *json_path;
  const char *only;
  uint32_t rounds;
  double seconds;
} bench_options;

static const char usage[] =
    "Usage: tap_bench --program PIPEBRIDGE [options]\n"
    "  --quick      a short run that shows that everything works; its numbers mean little\n"
    "  --json FILE  write all rounds there\n"
    "  --rounds N   of which the median is taken (7)\n"
    "  --seconds S  of each measured stretch (1)\n"
    "  --only TEXT  only scenarios whose name contains TEXT\n"
    "  --list       names of the scenarios\n";

static void option_apply(bench_options *options, int option) {
  switch (option) {
  case 'p':
    options->program = optarg;
    break;
  case 'q':
    options->rounds = 1;
    options->seconds = 0.05;
    break;
  case 'j':
    options->json_path = optarg;
    break;
  case 'r':
    options->rounds = (uint32_t)strtoul(optarg, NULL, 10);
    break;
  case 's':
    options->seconds = strtod(optarg, NULL);
    break;
  case 'o':
    options->only = optarg;
    break;
  case 'l':
    for (size_t index = 0; index < SCENARIO_COUNT; index++) {
      printf("%-20s %s\n", scenarios[index].name, scenarios[index].title);
    }
    exit(0);
  default:
    fputs(usage, stderr);
    exit(2);
  }
}

static void options_parse(int argc, char *argv[], bench_options *options) {
  static const struct option known[] = {
      {"program", required_argument, NULL, 'p'}, {"quick", no_argument, NULL, 'q'},
      {"json", required_argument, NULL, 'j'},    {"rounds", required_argument, NULL, 'r'},
      {"seconds", required_argument, NULL, 's'}, {"only", required_argument, NULL, 'o'},
      {"list", no_argument, NULL, 'l'},          {0}};
  for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;) {
    option_apply(options, option);
  }
  bool is_sound = optind == argc && options->program && options->rounds >= 1 &&
                  options->rounds <= 1000 && options->seconds >= 0.01 && options->seconds <= 3600;
  if (!is_sound) {
    fputs(usage, stderr);
    exit(2);
  }
}

static void round_run(const scenario *what, bench_middle_kind kind, const bench_options *options,
                      bench_result *out_result) {
  uint64_t duration_ns = (uint64_t)(options->seconds * 1e9);
  bench_middle middle;
  bench_middle_start(&middle, kind, options->program, what->framing);
  if (what->write_bytes == 0) {
    bench_samples samples;
    bench_samples_init(&samples, SAMPLES_MAX);
    bench_tap_echo(middle.path, duration_ns / 10, &samples); /* what is made on first use */
    samples.count = 0;
    bench_tap_echo(middle.path, duration_ns, &samples);
    bench_samples_sort(&samples);
    bench_result_put(out_result, "messages_per_s", (double)samples.count / options->seconds);
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

static void scenario_run(const scenario *what, const bench_options *options, bench_matrix *matrix) {
  for (uint32_t round = 0; round < options->rounds; round++) {
    for (uint32_t turn = 0; turn < BENCH_MIDDLE_COUNT; turn++) {
      bench_middle_kind kind = (turn + round) % BENCH_MIDDLE_COUNT;
      if (bench_middle_is_here(kind)) {
        bench_result result = {0};
        round_run(what, kind, options, &result);
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
  bench_options options = {.rounds = 7, .seconds = 1};
  options_parse(argc, argv, &options);
  bench_matrix *matrix = bench_matrix_create(options.rounds, options.seconds);
  printf("%-31s", "median, and ratio to direct");
  for (int kind = 0; kind < BENCH_MIDDLE_COUNT; kind++) {
    printf(" %11s %5s", middles[kind], "");
  }
  puts("");
  for (size_t index = 0; index < SCENARIO_COUNT; index++) {
    if (!options.only || strstr(scenarios[index].name, options.only)) {
      scenario_run(&scenarios[index], &options, matrix);
    }
  }
  if (options.json_path) {
    bench_matrix_save(matrix, options.json_path);
  }
  bench_matrix_destroy(matrix);
  return 0;
}
