/* Four measurements: speed of one writer to many observers, latency at a given rate, injections,
 * memory of those who only sit there. Each verifies every observer's sequence: a number is reported
 * only of a run that lost nothing without saying so. */
#include "scenario.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "hearer.h"
#include "injector.h"
#include "process.h"
#include "receiver.h"
#include "stats.h"
#include "writer.h"

enum { WAIT_S = 60, WARM_UP_MESSAGES = 100 };

static bench_receiver *receiver_for(const bench_target *target, uint32_t observers,
                                    void (*on_time)(uint64_t, void *), void *user) {
  return bench_receiver_start(&(bench_receiver_options){
      .target = target, .observers = observers, .on_time = on_time, .user = user});
}

static uint32_t count_of(const bench_scenario *scenario, const bench_options *options) {
  return scenario->observers < options->most_observers ? scenario->observers
                                                       : options->most_observers;
}

static uint64_t duration_of(const bench_options *options) {
  return (uint64_t)(options->common.seconds * 1e9);
}

static uint64_t heard_by(const void *user) {
  return bench_receiver_heard(user);
}

/* Of other people's programs not: some do their work in processes of their own. */
static void cpu_put(const bench_target *target, bench_result *out_result, const char *metric,
                    double cpu_ns, double count) {
  if (!target->kind->needs) {
    bench_result_put(out_result, metric, cpu_ns / (count > 0 ? count : 1));
  }
}

static void speed_run(const bench_scenario *scenario, const bench_options *options,
                      const bench_target *target, bench_result *out_result) {
  uint32_t observers = count_of(scenario, options);
  bench_receiver *receiver = receiver_for(target, observers, NULL, NULL);
  int pipe = bench_writer_connect(target->socket_path);
  uint64_t cpu_ns = bench_process_cpu_ns(target->pid);
  uint64_t begin_ns = bench_now_ns();
  const bench_window window = {
      .messages = target->kind->window / observers, .heard = heard_by, .user = receiver};
  uint64_t produced = bench_writer_flood(pipe, scenario->per_write, duration_of(options), &window);
  uint64_t end_ns = bench_receiver_wait(receiver, produced, WAIT_S);
  cpu_ns = bench_process_cpu_ns(target->pid) - cpu_ns;
  bench_ledger sum;
  bench_receiver_stop(receiver, produced, &sum);
  close(pipe);

  double seconds = (double)(end_ns - begin_ns) / 1e9;
  double deliveries = (double)sum.received;
  bench_result_put(out_result, "messages_per_s", (double)produced / seconds);
  bench_result_put(out_result, "deliveries_per_s", deliveries / seconds);
  cpu_put(target, out_result, "cpu_ns_per_message", (double)cpu_ns, (double)produced);
  cpu_put(target, out_result, "cpu_ns_per_delivery", (double)cpu_ns, deliveries);
  bench_result_put(out_result, "produced", (double)produced);
  bench_result_put(out_result, "received_share", deliveries / ((double)produced * observers));
  bench_result_put(out_result, "gaps", (double)sum.gaps);
  bench_result_put(out_result, "messages_per_frame", deliveries / (double)sum.frames);
}

static void latency_add(uint64_t time_ns, void *user) {
  bench_samples_add(user, bench_now_ns() - time_ns);
}

static void percentiles_put(bench_samples *samples, bench_result *out_result) {
  bench_samples_sort(samples);
  bench_result_put(out_result, "p50_us", (double)bench_samples_percentile(samples, 50) / 1e3);
  bench_result_put(out_result, "p90_us", (double)bench_samples_percentile(samples, 90) / 1e3);
  bench_result_put(out_result, "p99_us", (double)bench_samples_percentile(samples, 99) / 1e3);
  bench_result_put(out_result, "max_us", (double)bench_samples_percentile(samples, 100) / 1e3);
}

static void latency_run(const bench_scenario *scenario, const bench_options *options,
                        const bench_target *target, bench_result *out_result) {
  uint32_t observers = count_of(scenario, options);
  bench_samples samples;
  bench_samples_init(&samples, (size_t)(options->common.seconds * scenario->rate + 1) * observers);
  bench_receiver *receiver = receiver_for(target, observers, latency_add, &samples);
  int pipe = bench_writer_connect(target->socket_path);
  uint64_t cpu_ns = bench_process_cpu_ns(target->pid);
  uint64_t produced = bench_writer_pace(pipe, scenario->rate, duration_of(options));
  bench_receiver_wait(receiver, produced, WAIT_S);
  cpu_ns = bench_process_cpu_ns(target->pid) - cpu_ns;
  bench_ledger sum;
  bench_receiver_stop(receiver, produced, &sum);
  close(pipe);

  percentiles_put(&samples, out_result);
  cpu_put(target, out_result, "cpu_ns_per_message", (double)cpu_ns, (double)produced);
  bench_result_put(out_result, "gaps", (double)sum.gaps);
  bench_samples_fini(&samples);
}

/* ---- injections ---- */

static bool takes_posts(const bench_target_kind *kind) {
  return kind->post_path;
}

static bool takes_frames(const bench_target_kind *kind) {
  return kind->inject_path;
}

static void inject_run(const bench_scenario *scenario, const bench_options *options,
                       const bench_target *target, bench_result *out_result) {
  bool is_posted = scenario->suits == takes_posts;
  bench_hearer *hearer = bench_hearer_start(target->socket_path);
  uint64_t cpu_ns = bench_process_cpu_ns(target->pid);
  uint64_t begin_ns = bench_now_ns();
  uint64_t count =
      is_posted ? bench_inject_posts(target, hearer, scenario->observers, duration_of(options))
                : bench_inject_frames(target, hearer, scenario->per_write, duration_of(options));
  uint64_t end_ns = bench_hearer_wait(hearer, count);
  cpu_ns = bench_process_cpu_ns(target->pid) - cpu_ns;
  bench_samples latencies;
  bench_hearer_stop(hearer, &latencies);
  bench_result_put(out_result, "messages_per_s", (double)count * 1e9 / (double)(end_ns - begin_ns));
  percentiles_put(&latencies, out_result);
  bench_result_put(out_result, "cpu_ns_per_message", (double)cpu_ns / (double)count);
  bench_samples_fini(&latencies);
}

/* ---- memory ---- */

static bool is_one_process(const bench_target_kind *kind) {
  return !kind->needs;
}

/* One message through the whole way, so that what is made on first use is there before memory is
 * read. */
static void warm_up(const bench_target *target) {
  bench_receiver *receiver = receiver_for(target, 1, NULL, NULL);
  int pipe = bench_writer_connect(target->socket_path);
  for (uint64_t number = 0; number < WARM_UP_MESSAGES; number++) {
    bench_writer_say(pipe, number);
  }
  bench_receiver_wait(receiver, WARM_UP_MESSAGES, WAIT_S);
  bench_receiver_stop(receiver, WARM_UP_MESSAGES, NULL);
  close(pipe);
}

static double rss_growth(const bench_target *target, uint64_t before_bytes, uint32_t count) {
  uint64_t after_bytes = bench_process_rss_bytes(target->pid);
  return ((double)after_bytes - (double)before_bytes) / count;
}

static void observer_memory_run(const bench_scenario *scenario, const bench_options *options,
                                const bench_target *target, bench_result *out_result) {
  uint32_t count = count_of(scenario, options);
  warm_up(target);
  bench_receiver *first = receiver_for(target, 1, NULL, NULL);
  uint64_t before_bytes = bench_process_rss_bytes(target->pid);
  bench_receiver *receiver = receiver_for(target, count, NULL, NULL);
  int pipe = bench_writer_connect(target->socket_path);
  bench_writer_say(pipe, 0);
  bench_receiver_wait(receiver, 1, WAIT_S);
  bench_receiver_wait(first, 1, WAIT_S);
  bench_result_put(out_result, "bytes_per_observer", rss_growth(target, before_bytes, count));
  bench_result_put(out_result, "observers", count);
  bench_result_put(out_result, "rss_before_bytes", (double)before_bytes);
  bench_receiver_stop(receiver, 1, NULL);
  bench_receiver_stop(first, 1, NULL);
  close(pipe);
}

static void session_memory_run(const bench_scenario *scenario, const bench_options *options,
                               const bench_target *target, bench_result *out_result) {
  uint32_t count = count_of(scenario, options);
  warm_up(target);
  uint64_t before_bytes = bench_process_rss_bytes(target->pid);
  int *pipes = calloc(count, sizeof *pipes);
  BENCH_CHECK(pipes);
  for (uint32_t index = 0; index < count; index++) {
    pipes[index] = bench_writer_connect(target->socket_path);
  }
  /* Accepted in order: who comes last and is heard was let in after all others. */
  warm_up(target);
  bench_result_put(out_result, "bytes_per_session", rss_growth(target, before_bytes, count));
  bench_result_put(out_result, "sessions", count);
  bench_result_put(out_result, "rss_before_bytes", (double)before_bytes);
  for (uint32_t index = 0; index < count; index++) {
    close(pipes[index]);
  }
  free(pipes);
}

/* ---- the table ---- */

#define SPEED(name_, title_, observers_, per_write_)                           \
  {                                                                            \
    .name = name_, .title = title_, .run = speed_run, .observers = observers_, \
    .per_write = per_write_, .lines = {                                        \
      {"", "deliveries_per_s", "k/s", 1e3},                                    \
      {", CPU per delivery", "cpu_ns_per_delivery", "ns", 1}                   \
    }                                                                          \
  }
#define LATENCY(name_, title_, observers_, rate_)                                               \
  {                                                                                             \
    .name = name_, .title = title_, .run = latency_run, .observers = observers_, .rate = rate_, \
    .lines = {                                                                                  \
      {", p50", "p50_us", "us", 1},                                                             \
      {", p99", "p99_us", "us", 1}                                                              \
    }                                                                                           \
  }
#define INJECT(name_, title_, suits_, speakers_, per_write_)                                    \
  {                                                                                             \
    .name = name_, .title = title_, .run = inject_run, .suits = suits_, .observers = speakers_, \
    .per_write = per_write_, .lines = {                                                         \
      {"", "messages_per_s", "k/s", 1e3},                                                       \
      {", arrival p50", "p50_us", "us", 1}                                                      \
    }                                                                                           \
  }

const bench_scenario bench_scenarios[] = {
    SPEED("speed_1_single", "1 observer, 1 message per write", 1, 1),
    SPEED("speed_1_batched", "1 observer, 1,024 messages per write", 1, 1024),
    SPEED("speed_100_single", "100 observers, 1 message per write", 100, 1),
    SPEED("speed_100_batched", "100 observers, 1,024 messages per write", 100, 1024),
    SPEED("speed_1000_batched", "1,000 observers, 1,024 messages per write", 1000, 1024),
    LATENCY("latency_1_1000", "1 observer, 1,000 messages/s", 1, 1000),
    LATENCY("latency_1_10000", "1 observer, 10,000 messages/s", 1, 10000),
    LATENCY("latency_100_1000", "100 observers, 1,000 messages/s", 100, 1000),
    LATENCY("latency_100_10000", "100 observers, 10,000 messages/s", 100, 10000),
    INJECT("inject_post_1", "POST, 1 connection", takes_posts, 1, 1),
    INJECT("inject_post_16", "POST, 16 connections", takes_posts, 16, 1),
    INJECT("inject_frames", "1 WebSocket, 64 messages per send", takes_frames, 1, 64),
    {.name = "memory_observers",
     .title = "memory of an idle observer",
     .run = observer_memory_run,
     .suits = is_one_process,
     .observers = 1000,
     .lines = {{"", "bytes_per_observer", "bytes", 1}}},
    {.name = "memory_sessions",
     .title = "memory of an idle session",
     .run = session_memory_run,
     .suits = is_one_process,
     .observers = 1000,
     .lines = {{"", "bytes_per_session", "bytes", 1}}},
};
const size_t bench_scenario_count = sizeof bench_scenarios / sizeof *bench_scenarios;
