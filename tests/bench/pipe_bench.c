/* pipe_bench: the backends of the completion loop side by side, in one run. The server is a child
 * process; this one is its clients. Rounds alternate between the backends, so that a slow minute of
 * the machine hits both.
 *
 * CPU is what decides: the server's is its whole process, the clients' is this one, since a system
 * call of one end does work for the other. Main thread. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench.h"
#include "matrix.h"
#include "options.h"
#include "pipe_load.h"
#include "pipe_server.h"
#include "process.h"

typedef struct scenario {
  const char *name;
  const char *title;
  pc_type type;
  bool is_echo;
  uint32_t sessions;
  uint32_t per_write;
  uint32_t rate; /* messages per second; 0: as many as go */
} scenario;

static const scenario scenarios[] = {
    {"firehose", "one stream, 1,024 lines per write", PC_TYPE_BYTE, false, 1, 1024, 0},
    {"lines", "one stream, one line per write", PC_TYPE_BYTE, false, 1, 1, 0},
    {"messages", "one message pipe", PC_TYPE_MESSAGE, false, 1, 1, 0},
    {"streams_1000", "1,000 streams, full speed", PC_TYPE_BYTE, false, 1000, 1, 0},
    {"streams_1000_paced", "1,000 streams, 100 lines/s each", PC_TYPE_BYTE, false, 1000, 1, 100000},
    {"messages_1000", "1,000 message sessions, full speed", PC_TYPE_MESSAGE, false, 1000, 1, 0},
    {"messages_1000_paced", "1,000 message sessions, 100 messages/s each", PC_TYPE_MESSAGE, false,
     1000, 1, 100000},
    {"echo_1", "1 stream echoing", PC_TYPE_BYTE, true, 1, 1, 0},
    {"echo_1000", "1,000 streams echoing", PC_TYPE_BYTE, true, 1000, 1, 0},
    {"echo_messages_1", "1 message session echoing", PC_TYPE_MESSAGE, true, 1, 1, 0},
    {"echo_messages_1000", "1,000 message sessions echoing", PC_TYPE_MESSAGE, true, 1000, 1, 0},
};
enum { SCENARIO_COUNT = sizeof scenarios / sizeof *scenarios, SIDES_MAX = 4 };

/* What a scenario is run with. */
typedef struct side {
  const char *name;
  pc_backend_kind backend;
  bool is_other; /* of the program beside this one */
} side;
static const side sides[SIDES_MAX] = {{"epoll", PC_BACKEND_EPOLL, false},
                                      {"io_uring", PC_BACKEND_IO_URING, false},
                                      {"epoll_other", PC_BACKEND_EPOLL, true},
                                      {"io_uring_other", PC_BACKEND_IO_URING, true}};

typedef struct bench_options {
  bench_common common;
  const char *other; /* another build of this program, or NULL */
  int processor;     /* the servers' */
} bench_options;

static bool row_of(size_t index, const char **out_name, const char **out_title) {
  if (index < SCENARIO_COUNT) {
    *out_name = scenarios[index].name;
    *out_title = scenarios[index].title;
  }
  return index < SCENARIO_COUNT;
}

static uint64_t own_cpu_ns(void) {
  struct timespec spent;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent);
  return (uint64_t)spent.tv_sec * 1000000000u + (uint64_t)spent.tv_nsec;
}

static uint64_t load_run(const scenario *what, const bench_pipe_clients *clients,
                         uint64_t duration_ns) {
  return what->is_echo ? bench_pipe_clients_echo(clients, duration_ns)
                       : bench_pipe_clients_say(clients, what->per_write, what->rate, duration_ns);
}

static void round_run(const scenario *what, const side *which, const bench_options *given,
                      bench_result *out_result) {
  double seconds = given->common.seconds;
  bench_pipe_options options = {.backend = which->backend,
                                .type = what->type,
                                .processor = given->processor,
                                .is_echo = what->is_echo};
  bench_pipe_server server;
  bench_pipe_clients clients;
  bench_pipe_server_start(&server, which->is_other ? given->other : "/proc/self/exe", &options);
  bench_pipe_clients_open(&clients, server.shared->options.path, what->type, what->sessions);
  /* A tenth of it at first, so that all are served and what is made on first use is there. */
  uint64_t before = load_run(what, &clients, (uint64_t)(seconds * 1e8));
  bench_pipe_server_await(&server, before);

  uint64_t turns = atomic_load(&server.shared->turns);
  uint64_t cpu_ns = bench_process_cpu_ns(server.pid);
  uint64_t own_ns = own_cpu_ns();
  uint64_t begin_ns = bench_now_ns();
  uint64_t said = load_run(what, &clients, (uint64_t)(seconds * 1e9));
  own_ns = own_cpu_ns() - own_ns;
  bench_pipe_server_await(&server, before + said);
  double elapsed_s = (double)(bench_now_ns() - begin_ns) / 1e9;
  cpu_ns = bench_process_cpu_ns(server.pid) - cpu_ns;
  turns = atomic_load(&server.shared->turns) - turns;

  double messages = (double)said;
  bench_result_put(out_result, "cpu_ns_per_message", (double)cpu_ns / messages);
  bench_result_put(out_result, "clients_cpu_ns_per_message", (double)own_ns / messages);
  bench_result_put(out_result, "both_cpu_ns_per_message", (double)(cpu_ns + own_ns) / messages);
  bench_result_put(out_result, "messages_per_s", messages / elapsed_s);
  bench_result_put(out_result, "messages_per_turn", turns > 0 ? messages / (double)turns : 0);
  bench_pipe_clients_close(&clients);
  bench_pipe_server_stop(&server);
}

/* ---- the table ---- */

/* One line: what `base` and `name` need. */
static void line_print(const bench_matrix *matrix, const scenario *what, const char *base,
                       const char *name) {
  static const char *const metrics[] = {"cpu_ns_per_message", "both_cpu_ns_per_message",
                                        "messages_per_s", "messages_per_turn"};
  printf("%-44s %-8s", what->title, name);
  for (size_t index = 0; index < sizeof metrics / sizeof *metrics; index++) {
    double left = 0, right = 0, ratio = 0;
    BENCH_CHECK(bench_matrix_median(matrix, what->name, base, metrics[index], &left) &&
                bench_matrix_median(matrix, what->name, name, metrics[index], &right));
    (void)bench_matrix_ratio(matrix, what->name, name, base, metrics[index], &ratio);
    printf(" %9.0f %9.0f %5.2f", left, right, ratio);
  }
  puts("");
}

static void header_print(bool has_other) {
  const char *left = has_other ? "other" : "epoll";
  const char *right = has_other ? "this" : "io_uring";
  printf("%-44s %-8s %-25s %-25s %-25s %s\n", "", "", " CPU ns per message", " … clients included",
         " messages/s", " messages/turn");
  printf("%-44s %-8s", "median of the rounds", "");
  for (int count = 0; count < 4; count++) {
    printf(" %9s %9s ratio", left, right);
  }
  puts("");
}

static void scenario_run(const scenario *what, const bench_options *options, bench_matrix *matrix) {
  uint32_t count = options->other ? 4 : 2;
  for (uint32_t round = 0; round < options->common.rounds; round++) {
    for (uint32_t turn = 0; turn < count; turn++) {
      const side *which = &sides[(turn + round) % count];
      bench_result result = {0};
      round_run(what, which, options, &result);
      bench_matrix_add(matrix, what->name, which->name, &result);
    }
  }
  if (options->other) {
    line_print(matrix, what, "epoll_other", "epoll");
    line_print(matrix, what, "io_uring_other", "io_uring");
  } else {
    line_print(matrix, what, "epoll", "io_uring");
  }
  fflush(stdout);
}

/* Without io_uring there is nothing to compare: 77, with the reason. */
static void refusal_tell(void) {
  pc_loop *loop;
  BENCH_CHECK(pc_loop_create(&(pc_loop_options){.backend = PC_BACKEND_IO_URING}, &loop) == PC_OK);
  const pc_failure *refusal = pc_loop_refusal(loop);
  if (refusal) {
    fprintf(stderr, "no io_uring here: %s: %s%s%s\n", refusal->action,
            pc_status_text(refusal->status), refusal->advice ? "; " : "",
            refusal->advice ? refusal->advice : "");
    exit(77);
  }
  pc_loop_destroy(loop);
}

int main(int argc, char *argv[]) {
  if (argc == 3 && strcmp(argv[1], "--as-pipe-server") == 0) {
    bench_pipe_server_run(argv[2]);
  }
  bench_options options = {.common = {.rounds = 7, .seconds = 1}, .processor = bench_processor(1)};
  bench_common *common = &options.common;
  const bench_option own[] = {{"beside", "PROGRAM",
                               "another build of pipe_bench: shows what changed, not the backends",
                               BENCH_OPTION_TEXT, &options.other}};
  bench_options_parse(
      argc, argv,
      &(bench_usage){.options = own, .option_count = 1, .quick_seconds = 0.05, .row = row_of},
      common);
  refusal_tell();
  bench_processor_keep(bench_processor(0));
  bench_descriptors_raise();
  bench_matrix *matrix = bench_matrix_create(common->rounds, common->seconds);
  header_print(options.other != NULL);
  for (size_t index = 0; index < SCENARIO_COUNT; index++) {
    if (bench_is_wanted(scenarios[index].name, common->only)) {
      scenario_run(&scenarios[index], &options, matrix);
    }
  }
  if (common->json_path) {
    bench_matrix_save(matrix, common->json_path);
  }
  bench_matrix_destroy(matrix);
  return 0;
}
