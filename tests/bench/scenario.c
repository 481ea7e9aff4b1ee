/* Three measurements: speed of one writer to many observers, latency at a given rate, memory of those who only
 * sit there. Each verifies every observer's sequence: a number is reported only of a run that lost nothing
 * without saying so. */
#include "scenario.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "receiver.h"
#include "stats.h"
#include "writer.h"

enum { WAIT_S = 60, WARM_UP_MESSAGES = 100 };

static bench_receiver *receiver_for(const bench_target *target, uint32_t observers,
                                    void (*on_time)(uint64_t, void *), void *user) {
  return bench_receiver_start(&(bench_receiver_options){.port = target->port,
                                                        .is_relay = target->kind == BENCH_RELAY,
                                                        .observers = observers,
                                                        .on_time = on_time,
                                                        .user = user});
}

static void speed_run(const bench_scenario *scenario, const bench_options *options,
                      const bench_target *target, bench_result *out_result) {
  uint32_t observers = scenario->observers ? scenario->observers : options->many;
  bench_receiver *receiver = receiver_for(target, observers, NULL, NULL);
  int pipe = bench_writer_connect(target->socket_path);
  uint64_t cpu_ns = bench_target_cpu_ns(target);
  uint64_t begin_ns = bench_now_ns();
  uint64_t produced =
      bench_writer_flood(pipe, scenario->per_write, (uint64_t)(options->seconds * 1e9));
  uint64_t end_ns = bench_receiver_wait(receiver, produced, WAIT_S);
  cpu_ns = bench_target_cpu_ns(target) - cpu_ns;
  bench_ledger sum;
  bench_receiver_stop(receiver, produced, &sum);
  close(pipe);

  double seconds = (double)(end_ns - begin_ns) / 1e9;
  double deliveries = (double)sum.received;
  bench_result_put(out_result, "messages_per_s", (double)produced / seconds);
  bench_result_put(out_result, "deliveries_per_s", deliveries / seconds);
  bench_result_put(out_result, "cpu_ns_per_message", (double)cpu_ns / (double)produced);
  bench_result_put(out_result, "cpu_ns_per_delivery",
                   (double)cpu_ns / (deliveries > 0 ? deliveries : 1));
  bench_result_put(out_result, "produced", (double)produced);
  bench_result_put(out_result, "received_share", deliveries / ((double)produced * observers));
  bench_result_put(out_result, "gaps", (double)sum.gaps);
  bench_result_put(out_result, "messages_per_frame", deliveries / (double)sum.frames);
}

static void latency_add(uint64_t time_ns, void *user) {
  bench_samples_add(user, bench_now_ns() - time_ns);
}

static void latency_run(const bench_scenario *scenario, const bench_options *options,
                        const bench_target *target, bench_result *out_result) {
  uint64_t duration_ns = (uint64_t)(options->seconds * 1e9);
  bench_samples samples;
  bench_samples_init(&samples, (size_t)(options->seconds * scenario->rate) + 1);
  bench_receiver *receiver = receiver_for(target, scenario->observers, latency_add, &samples);
  int pipe = bench_writer_connect(target->socket_path);
  uint64_t cpu_ns = bench_target_cpu_ns(target);
  uint64_t produced = bench_writer_pace(pipe, scenario->rate, duration_ns);
  bench_receiver_wait(receiver, produced, WAIT_S);
  cpu_ns = bench_target_cpu_ns(target) - cpu_ns;
  bench_ledger sum;
  bench_receiver_stop(receiver, produced, &sum);
  close(pipe);

  bench_samples_sort(&samples);
  bench_result_put(out_result, "p50_us", (double)bench_samples_percentile(&samples, 50) / 1e3);
  bench_result_put(out_result, "p90_us", (double)bench_samples_percentile(&samples, 90) / 1e3);
  bench_result_put(out_result, "p99_us", (double)bench_samples_percentile(&samples, 99) / 1e3);
  bench_result_put(out_result, "max_us", (double)bench_samples_percentile(&samples, 100) / 1e3);
  bench_result_put(out_result, "cpu_ns_per_message", (double)cpu_ns / (double)produced);
  bench_result_put(out_result, "gaps", (double)sum.gaps);
  bench_samples_fini(&samples);
}

/* One message through the whole way, so that what is made on first use is there before memory is read. */
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
  uint64_t after_bytes = bench_target_rss_bytes(target);
  return ((double)after_bytes - (double)before_bytes) / count;
}

static void observer_memory_run(const bench_scenario *scenario, const bench_options *options,
                                const bench_target *target, bench_result *out_result) {
  (void)scenario;
  warm_up(target);
  bench_receiver *first = receiver_for(target, 1, NULL, NULL);
  uint64_t before_bytes = bench_target_rss_bytes(target);
  bench_receiver *receiver = receiver_for(target, options->idle_count, NULL, NULL);
  int pipe = bench_writer_connect(target->socket_path);
  bench_writer_say(pipe, 0);
  bench_receiver_wait(receiver, 1, WAIT_S);
  bench_receiver_wait(first, 1, WAIT_S);
  bench_result_put(out_result, "bytes_per_observer",
                   rss_growth(target, before_bytes, options->idle_count));
  bench_result_put(out_result, "observers", options->idle_count);
  bench_result_put(out_result, "rss_before_bytes", (double)before_bytes);
  bench_receiver_stop(receiver, 1, NULL);
  bench_receiver_stop(first, 1, NULL);
  close(pipe);
}

static void session_memory_run(const bench_scenario *scenario, const bench_options *options,
                               const bench_target *target, bench_result *out_result) {
  (void)scenario;
  warm_up(target);
  uint64_t before_bytes = bench_target_rss_bytes(target);
  int *pipes = calloc(options->idle_count, sizeof *pipes);
  BENCH_CHECK(pipes);
  for (uint32_t index = 0; index < options->idle_count; index++) {
    pipes[index] = bench_writer_connect(target->socket_path);
  }
  /* Accepted in order: who comes last and is heard was let in after all others. */
  warm_up(target);
  bench_result_put(out_result, "bytes_per_session",
                   rss_growth(target, before_bytes, options->idle_count));
  bench_result_put(out_result, "sessions", options->idle_count);
  bench_result_put(out_result, "rss_before_bytes", (double)before_bytes);
  for (uint32_t index = 0; index < options->idle_count; index++) {
    close(pipes[index]);
  }
  free(pipes);
}

#define SPEED(name_, title_, observers_, per_write_)                               \
  {                                                                                \
    .name = name_, .title = title_, .headline = "deliveries_per_s", .unit = "1/s", \
    .run = speed_run, .observers = observers_, .per_write = per_write_             \
  }
#define LATENCY(name_, title_, rate_)                                                           \
  {                                                                                             \
    .name = name_, .title = title_, .headline = "p50_us", .unit = "us p50", .run = latency_run, \
    .observers = 1, .rate = rate_                                                               \
  }

const bench_scenario bench_scenarios[] = {
    SPEED("speed_one_batched", "1 observer, 1024 messages per write", 1, 1024),
    SPEED("speed_one_single", "1 observer, 1 message per write", 1, 1),
    SPEED("speed_many_batched", "many observers, 1024 messages per write", 0, 1024),
    SPEED("speed_many_single", "many observers, 1 message per write", 0, 1),
    LATENCY("latency_1000", "1 observer, 1,000 messages per second", 1000),
    LATENCY("latency_10000", "1 observer, 10,000 messages per second", 10000),
    {.name = "memory_observers",
     .title = "memory of an idle observer",
     .headline = "bytes_per_observer",
     .unit = "bytes",
     .run = observer_memory_run},
    {.name = "memory_sessions",
     .title = "memory of an idle session",
     .headline = "bytes_per_session",
     .unit = "bytes",
     .run = session_memory_run},
};
const size_t bench_scenario_count = sizeof bench_scenarios / sizeof *bench_scenarios;
