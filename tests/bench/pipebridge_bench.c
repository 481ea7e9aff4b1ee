/* pipebridge_bench: the bridge and a bare relay side by side, in one run. Both are child processes; this one
 * writes into their pipe and observes their WebSockets. Rounds alternate between the two, so that a slow minute
 * of the machine hits both. Main thread; the receiver has a thread of its own. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "process.h"
#include "relay.h"
#include "report.h"
#include "scenario.h"
#include "target.h"

static const char usage[] =
    "Usage: pipebridge_bench --program build/release/bin/pipebridge [options]\n"
    "  --quick          a short run that shows that everything works; its numbers mean little\n"
    "  --json FILE      write all rounds, medians and ratios there\n"
    "  --rounds N       of which the median is taken (5)\n"
    "  --seconds S      of each measured stretch (2)\n"
    "  --many N         observers where there are many (100)\n"
    "  --idle N         idle observers and sessions for the memory (1000)\n"
    "  --only TEXT      only scenarios whose name contains TEXT\n"
    "  --list           names of the scenarios\n";

static _Noreturn void usage_fail(void) {
  fputs(usage, stderr);
  exit(2);
}

static uint32_t number_read(const char *text, uint32_t maximum) {
  char *end;
  unsigned long value = strtoul(text, &end, 10);
  if (*end || value < 1 || value > maximum) {
    bench_fail("\"%s\" is not a number from 1 to %u", text, maximum);
  }
  return (uint32_t)value;
}

static void option_apply(bench_options *options, int option) {
  switch (option) {
  case 'p':
    options->program = optarg;
    break;
  case 'q':
    *options = (bench_options){.program = options->program,
                               .json_path = options->json_path,
                               .only = options->only,
                               .rounds = 1,
                               .seconds = 0.2,
                               .many = 20,
                               .idle_count = 50};
    break;
  case 'j':
    options->json_path = optarg;
    break;
  case 'r':
    options->rounds = number_read(optarg, 1000);
    break;
  case 's':
    options->seconds = strtod(optarg, NULL);
    if (!(options->seconds >= 0.01 && options->seconds <= 3600)) {
      bench_fail("\"%s\" is not a number of seconds from 0.01 to 3600", optarg);
    }
    break;
  case 'm':
    options->many = number_read(optarg, 4000);
    break;
  case 'i':
    options->idle_count = number_read(optarg, 4000);
    break;
  case 'o':
    options->only = optarg;
    break;
  case 'l':
    for (size_t index = 0; index < bench_scenario_count; index++) {
      printf("%-20s %s\n", bench_scenarios[index].name, bench_scenarios[index].title);
    }
    exit(0);
  default:
    usage_fail();
  }
}

static void options_parse(int argc, char *argv[], bench_options *options) {
  static const struct option known[] = {
      {"program", required_argument, NULL, 'p'}, {"quick", no_argument, NULL, 'q'},
      {"json", required_argument, NULL, 'j'},    {"rounds", required_argument, NULL, 'r'},
      {"seconds", required_argument, NULL, 's'}, {"many", required_argument, NULL, 'm'},
      {"idle", required_argument, NULL, 'i'},    {"only", required_argument, NULL, 'o'},
      {"list", no_argument, NULL, 'l'},          {0}};
  for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;) {
    option_apply(options, option);
  }
  if (optind < argc || !options->program) {
    usage_fail();
  }
}

static void scenario_run(const bench_scenario *scenario, const bench_options *options,
                         bench_report *report) {
  for (uint32_t round = 0; round < options->rounds; round++) {
    for (int turn = 0; turn < BENCH_TARGET_COUNT; turn++) {
      bench_target_kind kind = (bench_target_kind)((turn + (int)round) % BENCH_TARGET_COUNT);
      bench_target target;
      bench_result result = {0};
      bench_target_start(&target, kind, options->program);
      scenario->run(scenario, options, &target, &result);
      bench_target_stop(&target);
      bench_report_add(report, scenario, kind, &result);
    }
  }
  bench_report_print(report, scenario);
}

int main(int argc, char *argv[]) {
  if (argc == 4 && strcmp(argv[1], "--as-relay") == 0) {
    bench_relay_run(argv[2], argv[3]);
  }
  bench_options options = {.rounds = 5, .seconds = 2, .many = 100, .idle_count = 1000};
  options_parse(argc, argv, &options);
  bench_descriptors_raise(); /* a thousand observers need a thousand, here and in the children */
  bench_report *report = bench_report_create(&options);
  for (size_t index = 0; index < bench_scenario_count; index++) {
    if (!options.only || strstr(bench_scenarios[index].name, options.only)) {
      scenario_run(&bench_scenarios[index], &options, report);
    }
  }
  if (options.json_path) {
    bench_report_save(report, options.json_path);
  }
  bench_report_destroy(report);
  return 0;
}
