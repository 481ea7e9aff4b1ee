/* The table becomes getopt's; an option's number is its place in it. Everything wrong ends the
 * program. */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OWN_MAX = 8, COMMON_COUNT = 6, COUNT_MAX = 1000000, ROUNDS_MAX = 1000 };

static const struct option common_options[COMMON_COUNT] = {
    {"quick", no_argument, NULL, 'q'},        {"json", required_argument, NULL, 'j'},
    {"rounds", required_argument, NULL, 'r'}, {"seconds", required_argument, NULL, 's'},
    {"only", required_argument, NULL, 'o'},   {"list", no_argument, NULL, 'l'}};

static _Noreturn void usage_fail(const bench_usage *usage, const bench_common *defaults) {
  fprintf(stderr, "Usage: %s [options]\n", program_invocation_short_name);
  for (size_t index = 0; index < usage->option_count; index++) {
    const bench_option *option = &usage->options[index];
    char head[64];
    snprintf(head, sizeof head, "--%s %s", option->name, option->value);
    fprintf(stderr, "  %-18s %s\n", head, option->help);
  }
  fprintf(
      stderr,
      "  --quick            a short run that shows that everything works; its numbers mean little\n"
      "  --json FILE        write all rounds there\n"
      "  --rounds N         of which the median is taken (%u)\n"
      "  --seconds S        of each measured stretch (%g)\n"
      "  --only TEXT        only rows whose name contains TEXT\n"
      "  --list             names of the rows\n",
      defaults->rounds, defaults->seconds);
  exit(2);
}

static bool count_read(const char *text, uint32_t maximum, uint32_t *out_count) {
  char *end;
  unsigned long value = strtoul(text, &end, 10);
  *out_count = (uint32_t)value;
  return end != text && !*end && value >= 1 && value <= maximum;
}

static bool seconds_read(const char *text, double *out_seconds) {
  char *end;
  *out_seconds = strtod(text, &end);
  return end != text && !*end && *out_seconds >= 0.01 && *out_seconds <= 3600;
}

static _Noreturn void rows_print(const bench_usage *usage) {
  const char *name;
  const char *title;
  for (size_t index = 0; usage->row(index, &name, &title); index++) {
    printf("%-20s %s\n", name, title);
  }
  exit(0);
}

static bool own_apply(const bench_option *option) {
  if (option->kind == BENCH_OPTION_TEXT) {
    *(const char **)option->place = optarg;
    return true;
  }
  return count_read(optarg, COUNT_MAX, option->place);
}

static bool common_apply(int letter, const bench_usage *usage, bench_common *common) {
  switch (letter) {
  case 'q':
    common->is_quick = true;
    common->rounds = 1;
    common->seconds = usage->quick_seconds;
    return true;
  case 'j':
    common->json_path = optarg;
    return true;
  case 'r':
    return count_read(optarg, ROUNDS_MAX, &common->rounds);
  case 's':
    return seconds_read(optarg, &common->seconds);
  case 'o':
    common->only = optarg;
    return true;
  case 'l':
    rows_print(usage);
  default:
    return false;
  }
}

void bench_options_parse(int argc, char *argv[], const bench_usage *usage, bench_common *common) {
  struct option known[COMMON_COUNT + OWN_MAX + 1] = {0};
  bench_common defaults = *common;
  size_t own_count = usage->option_count < OWN_MAX ? usage->option_count : OWN_MAX;
  memcpy(known, common_options, sizeof common_options);
  for (size_t index = 0; index < own_count; index++) {
    known[COMMON_COUNT + index] = (struct option){
        .name = usage->options[index].name, .has_arg = required_argument, .val = 256 + (int)index};
  }
  for (int letter; (letter = getopt_long(argc, argv, "", known, NULL)) != -1;) {
    bool is_sound = letter >= 256 ? own_apply(&usage->options[letter - 256])
                                  : common_apply(letter, usage, common);
    if (!is_sound) {
      usage_fail(usage, &defaults);
    }
  }
  if (optind < argc) {
    usage_fail(usage, &defaults);
  }
}

bool bench_is_wanted(const char *name, const char *only) {
  return !only || strstr(name, only);
}
