/* server_bench: the four servers of the documentation, as the examples have them and as pc_server
 * has them, with 1 to 10,000 clients. Each server is a child process; this one is all the clients.
 * Rounds alternate between the servers, so that a slow minute of the machine hits all. Main
 * thread. */
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "matrix.h"
#include "options.h"
#include "pipe_server.h"
#include "process.h"
#include "session_load.h"

typedef struct server_kind {
  const char *name;
  const char *title;
  const char *example; /* its program, or NULL: a pc_server */
  pc_strategy strategy;
  pc_backend_kind backend;
} server_kind;

static const server_kind kinds[] = {
    {"simple", "simple", "simple", 0, 0},
    {"threads", "threads", "threads", 0, 0},
    {"overlapped", "overlapped", "overlapped", 0, 0},
    {"completion", "completion", "completion", 0, 0},
    {"server_threads", "pc_server, threads", NULL, PC_STRATEGY_THREADS, PC_BACKEND_AUTO},
    {"server_overlapped", "pc_server, overlapped", NULL, PC_STRATEGY_OVERLAPPED, PC_BACKEND_AUTO},
    {"server_epoll", "pc_server, epoll", NULL, PC_STRATEGY_COMPLETION, PC_BACKEND_EPOLL},
    {"server_io_uring", "pc_server, io_uring", NULL, PC_STRATEGY_COMPLETION, PC_BACKEND_IO_URING},
};

typedef struct crowd_kind {
  const char *name;
  const char *title;
  uint32_t clients;
} crowd_kind;
static const crowd_kind crowds[] = {{"clients_1", "1 client", 1},
                                    {"clients_10", "10 clients", 10},
                                    {"clients_100", "100 clients", 100},
                                    {"clients_1000", "1,000 clients", 1000},
                                    {"clients_10000", "10,000 clients", 10000}};
enum {
  KIND_COUNT = sizeof kinds / sizeof *kinds,
  CROWD_COUNT = sizeof crowds / sizeof *crowds,
  MESSAGES = 50, /* of a session */
  QUICK_CLIENTS = 120
};

typedef struct bench_options {
  bench_common common;
  const char *examples; /* the folder of their programs */
  const char *server;   /* only servers whose name contains this, or NULL */
  uint32_t most_clients;
  bool has_io_uring;
} bench_options;

static bool row_of(size_t index, const char **out_name, const char **out_title) {
  if (index < CROWD_COUNT) {
    *out_name = crowds[index].name;
    *out_title = crowds[index].title;
  }
  return index < CROWD_COUNT;
}

static void options_parse(int argc, char *argv[], bench_options *options) {
  const bench_option own[] = {{"examples", "FOLDER",
                               "the programs of pipecore/examples (../pipecore/examples)",
                               BENCH_OPTION_TEXT, &options->examples},
                              {"server", "TEXT", "only servers whose name contains TEXT",
                               BENCH_OPTION_TEXT, &options->server}};
  bench_options_parse(
      argc, argv,
      &(bench_usage){.options = own, .option_count = 2, .quick_seconds = 0.1, .row = row_of},
      &options->common);
  if (options->common.is_quick) {
    options->most_clients = QUICK_CLIENTS;
  }
}

/* ---- a server ---- */

typedef struct example {
  pid_t pid;
  char folder[64];
  char path[96];
  char log[96];
} example;

static bool example_is_ready(void *user) {
  const example *server = user;
  char line[16] = "";
  FILE *file = fopen(server->log, "r");
  bool is_ready = file && fgets(line, sizeof line, file) && strcmp(line, "ready\n") == 0;
  if (file) {
    fclose(file);
  }
  return is_ready;
}

static void example_start(example *server, const bench_options *options, const server_kind *kind) {
  char program[300];
  bench_folder_make(server->folder);
  snprintf(program, sizeof program, "%s/%s", options->examples, kind->example);
  snprintf(server->path, sizeof server->path, "%s/bench.sock", server->folder);
  snprintf(server->log, sizeof server->log, "%s/log", server->folder);
  char *arguments[] = {program, server->path, NULL};
  server->pid = bench_process_start(arguments, server->log);
  bench_process_await(server->pid, kind->name, server->log, example_is_ready, server);
}

static void example_stop(example *server) {
  static const char *const names[] = {"bench.sock", "bench.sock.lock", "log", NULL};
  (void)bench_process_stop(server->pid, SIGKILL);
  bench_folder_remove(server->folder, names);
}

/* ---- a run ---- */

/* What a server needs at most, while it is talked to. */
typedef struct peak_use {
  pid_t pid;
  uint64_t cpu_ns; /* when the measuring began */
  uint64_t rss_bytes;
  uint32_t threads;
} peak_use;

static void peak_begin(void *user) {
  peak_use *peak = user;
  peak->cpu_ns = bench_process_cpu_ns(peak->pid);
}

static void peak_look(void *user) {
  peak_use *peak = user;
  uint64_t rss_bytes = bench_process_rss_bytes(peak->pid);
  uint32_t threads = bench_process_thread_count(peak->pid);
  peak->rss_bytes = rss_bytes > peak->rss_bytes ? rss_bytes : peak->rss_bytes;
  peak->threads = threads > peak->threads ? threads : peak->threads;
}

static void result_fill(const bench_session_result *load, const peak_use *peak, uint64_t idle_bytes,
                        uint32_t clients, bench_result *out_result) {
  const bench_samples *latencies = &load->latencies_ns;
  double growth_bytes = (double)peak->rss_bytes - (double)idle_bytes;
  bench_result_put(out_result, "messages_per_s",
                   (double)load->echoes * 1e9 / (double)load->duration_ns);
  bench_result_put(out_result, "p50_us", (double)bench_samples_percentile(latencies, 50) / 1e3);
  bench_result_put(out_result, "p99_us", (double)bench_samples_percentile(latencies, 99) / 1e3);
  bench_result_put(out_result, "threads", peak->threads);
  bench_result_put(out_result, "rss_bytes_per_client", growth_bytes / clients);
  bench_result_put(out_result, "cpu_ns_per_message",
                   (double)peak->cpu_ns / (double)(load->all_echoes ? load->all_echoes : 1));
  bench_result_put(out_result, "unanswered", (double)load->unanswered);
}

/* NULL, or why this server cannot. */
static const char *load_run(const char *path, pid_t pid, uint32_t clients, double seconds,
                            bench_result *out_result) {
  peak_use peak = {.pid = pid};
  uint64_t idle_bytes = bench_process_rss_bytes(pid);
  bench_session_options options = {.path = path,
                                   .clients = clients,
                                   .messages = MESSAGES,
                                   .duration_ns = (uint64_t)(seconds * 1e9),
                                   .on_begin = peak_begin,
                                   .on_tick = peak_look,
                                   .user = &peak};
  bench_session_result result;
  const char *failure = bench_sessions_run(&options, &result);
  if (!failure) {
    peak.cpu_ns = bench_process_cpu_ns(pid) - peak.cpu_ns;
    result_fill(&result, &peak, idle_bytes, clients, out_result);
    bench_samples_fini(&result.latencies_ns);
  }
  return failure;
}

static const char *example_run(const bench_options *options, const server_kind *kind,
                               uint32_t clients, bench_result *out_result) {
  example server;
  example_start(&server, options, kind);
  const char *failure =
      load_run(server.path, server.pid, clients, options->common.seconds, out_result);
  if (failure) {
    bench_process_log_show(kind->name, server.log);
  }
  example_stop(&server);
  return failure;
}

static const char *pc_server_run(const bench_options *options, const server_kind *kind,
                                 uint32_t clients, bench_result *out_result) {
  bench_pipe_server server;
  bench_pipe_options given = {.backend = kind->backend,
                              .strategy = kind->strategy,
                              .type = PC_TYPE_MESSAGE,
                              .processor = -1,
                              .is_echo = true};
  bench_pipe_server_start(&server, "/proc/self/exe", &given);
  const char *failure = load_run(server.shared->options.path, server.pid, clients,
                                 options->common.seconds, out_result);
  bench_pipe_server_stop(&server);
  return failure;
}

static bool is_wanted(const bench_options *options, const server_kind *kind) {
  return bench_is_wanted(kind->name, options->server) &&
         (options->has_io_uring || kind->backend != PC_BACKEND_IO_URING);
}

/* ---- the table: Markdown, since it stands in a README ---- */

static void line_print(const bench_matrix *matrix, const crowd_kind *crowd,
                       const server_kind *kind) {
  static const char *const metrics[] = {
      "messages_per_s",    "p50_us", "p99_us", "threads", "rss_bytes_per_client",
      "cpu_ns_per_message"};
  double values[6];
  for (size_t index = 0; index < 6; index++) {
    if (!bench_matrix_median(matrix, crowd->name, kind->name, metrics[index], &values[index])) {
      printf("| %s | %s | cannot | | | | | |\n", crowd->title, kind->title);
      return;
    }
  }
  printf("| %s | %s | %.0f k | %.0f µs | %.0f µs | %.0f | %.1f KiB | %.1f µs |\n", crowd->title,
         kind->title, values[0] / 1e3, values[1], values[2], values[3], values[4] / 1024,
         values[5] / 1e3);
}

static void crowd_run(const crowd_kind *crowd, const bench_options *options, bench_matrix *matrix) {
  uint32_t clients =
      crowd->clients < options->most_clients ? crowd->clients : options->most_clients;
  for (uint32_t round = 0; round < options->common.rounds; round++) {
    for (size_t turn = 0; turn < KIND_COUNT; turn++) {
      const server_kind *kind = &kinds[(turn + round) % KIND_COUNT];
      bench_result result = {0};
      if (!is_wanted(options, kind)) {
        continue;
      }
      const char *failure =
          (kind->example ? example_run : pc_server_run)(options, kind, clients, &result);
      if (failure) {
        fprintf(stderr, "%s, %s: %s\n", crowd->title, kind->title, failure);
      } else {
        bench_matrix_add(matrix, crowd->name, kind->name, &result);
      }
    }
  }
  for (size_t index = 0; index < KIND_COUNT; index++) {
    if (is_wanted(options, &kinds[index])) {
      line_print(matrix, crowd, &kinds[index]);
    }
  }
  fflush(stdout);
}

static bool has_io_uring(void) {
  pc_loop *loop;
  BENCH_CHECK(pc_loop_create(&(pc_loop_options){.backend = PC_BACKEND_IO_URING}, &loop) == PC_OK);
  bool is_had = !pc_loop_refusal(loop);
  pc_loop_destroy(loop);
  return is_had;
}

int main(int argc, char *argv[]) {
  if (argc == 3 && strcmp(argv[1], "--as-pipe-server") == 0) {
    bench_pipe_server_run(argv[2]);
  }
  char self[200] = "";
  char examples[256];
  (void)!readlink("/proc/self/exe", self, sizeof self - 1);
  snprintf(examples, sizeof examples, "%s/../pipecore/examples", dirname(self));
  bench_options options = {.common = {.rounds = 5, .seconds = 2},
                           .examples = examples,
                           .most_clients = UINT32_MAX,
                           .has_io_uring = has_io_uring()};
  options_parse(argc, argv, &options);
  bench_descriptors_raise();
  bench_matrix *matrix = bench_matrix_create(options.common.rounds, options.common.seconds);
  puts("| clients | server | messages/s | p50 | p99 | threads | memory per client | CPU per "
       "message |\n"
       "|---|---|---|---|---|---|---|---|");
  for (size_t index = 0; index < CROWD_COUNT; index++) {
    if (bench_is_wanted(crowds[index].name, options.common.only)) {
      crowd_run(&crowds[index], &options, matrix);
    }
  }
  if (options.common.json_path) {
    bench_matrix_save(matrix, options.common.json_path);
  }
  bench_matrix_destroy(matrix);
  return 0;
}
