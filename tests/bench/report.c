/* The report is the JSON from the beginning: scenarios → targets → rounds; medians and ratios are added when a
 * scenario is done, and the table is printed from them. */
#include "report.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "bench.h"
#include "stats.h"

enum { ROUNDS_MAX = 1000 };

struct bench_report {
  json_t *root;      /* owned */
  json_t *scenarios; /* borrowed from root; name → scenario */
};

bench_report *bench_report_create(const bench_options *options) {
  bench_report *report = calloc(1, sizeof *report);
  BENCH_CHECK(report);
  struct utsname system;
  uname(&system);
  report->scenarios = json_object();
  report->root =
      json_pack("{s:{s:s,s:i},s:{s:i,s:f,s:i,s:i},s:o}", "machine", "kernel", system.release,
                "cpus", (int)sysconf(_SC_NPROCESSORS_ONLN), "options", "rounds",
                (int)options->rounds, "seconds", options->seconds, "many", (int)options->many,
                "idle_count", (int)options->idle_count, "scenarios", report->scenarios);
  BENCH_CHECK(report->root);
  return report;
}

void bench_report_destroy(bench_report *report) {
  json_decref(report->root);
  free(report);
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

void bench_report_add(bench_report *report, const bench_scenario *scenario,
                      bench_target_kind target, const bench_result *result) {
  json_t *entry = member(report->scenarios, scenario->name, json_object);
  json_object_set_new(entry, "title", json_string(scenario->title));
  json_t *side = member(entry, bench_target_name(target), json_object);
  json_t *round = json_object();
  for (size_t index = 0; index < result->count; index++) {
    json_object_set_new(round, result->metrics[index].name,
                        json_real(result->metrics[index].value));
  }
  BENCH_CHECK(json_array_append_new(member(side, "rounds", json_array), round) == 0);
}

static json_t *medians(json_t *rounds) {
  json_t *result = json_object();
  const char *name;
  json_t *unused;
  json_object_foreach(json_array_get(rounds, 0), name, unused) {
    double values[ROUNDS_MAX];
    size_t count = 0;
    size_t index;
    json_t *round;
    json_array_foreach(rounds, index, round) {
      BENCH_CHECK(count < ROUNDS_MAX);
      values[count++] = json_real_value(json_object_get(round, name));
    }
    json_object_set_new(result, name, json_real(bench_median(values, count)));
  }
  return result;
}

static double metric(const json_t *scenario, const char *side, const char *name) {
  const json_t *value =
      json_object_get(json_object_get(json_object_get(scenario, side), "median"), name);
  return json_real_value(value);
}

static void line_print(const json_t *scenario, const char *title, const char *name,
                       const char *unit) {
  double relay = metric(scenario, "relay", name);
  double bridge = metric(scenario, "bridge", name);
  printf("%-42s %14.1f %14.1f  %-8s %7.0f %%\n", title, relay, bridge, unit,
         relay != 0 ? 100 * bridge / relay : 0);
}

static void header_print(void) {
  static bool is_printed = false;
  if (!is_printed) {
    printf("%-42s %14s %14s  %-8s %9s\n", "median of the rounds", "relay", "bridge", "", "ratio");
    is_printed = true;
  }
}

void bench_report_print(bench_report *report, const bench_scenario *scenario) {
  json_t *entry = json_object_get(report->scenarios, scenario->name);
  json_t *ratios = json_object();
  for (int target = 0; target < BENCH_TARGET_COUNT; target++) {
    json_t *side = json_object_get(entry, bench_target_name((bench_target_kind)target));
    json_object_set_new(side, "median", medians(json_object_get(side, "rounds")));
  }
  const char *name;
  json_t *value;
  json_object_foreach(json_object_get(json_object_get(entry, "relay"), "median"), name, value) {
    double relay = json_real_value(value);
    if (relay != 0) {
      json_object_set_new(ratios, name, json_real(metric(entry, "bridge", name) / relay));
    }
  }
  json_object_set_new(entry, "bridge_to_relay", ratios);

  header_print();
  line_print(entry, scenario->title, scenario->headline, scenario->unit);
  if (scenario->rate) {
    line_print(entry, "", "p90_us", "us p90");
    line_print(entry, "", "p99_us", "us p99");
    line_print(entry, "", "max_us", "us max");
  }
  if (scenario->per_write || scenario->rate) {
    line_print(entry, "  CPU per message", "cpu_ns_per_message", "ns");
    double gaps = metric(entry, "bridge", "gaps");
    if (gaps > 0) {
      printf("  the bridge's observers fell behind: %.0f gaps, %.2f %% of all messages received\n",
             gaps, 100 * metric(entry, "bridge", "received_share"));
    }
  }
  fflush(stdout);
}

void bench_report_save(bench_report *report, const char *path) {
  if (json_dump_file(report->root, path, JSON_INDENT(1) | JSON_REAL_PRECISION(8)) != 0) {
    bench_fail("cannot write %s", path);
  }
}
