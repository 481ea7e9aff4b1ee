/* Both targets get the same signs of life: a port file when ready, the process's CPU clock, its resident set.
 * The bridge runs with its defaults; only limits on numbers of clients are raised. */
#include "target.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

enum { START_TIMEOUT_S = 20, STOP_TIMEOUT_S = 20, POLL_NS = 2000000 };

static const char configuration[] =
    "{\"http\":{\"max_connections\":8192},\"pipes\":[{\"name\":\"bench\",\"mode\":\"byte\","
    "\"framing\":\"line\",\"path\":\"bench.sock\",\"limits\":{\"max_instances\":8192}}]}";

const char *bench_target_name(bench_target_kind kind) {
  static const char *const names[] = {"relay", "bridge"};
  return names[kind];
}

static void file_path(const bench_target *target, const char *name, char out_path[96]) {
  snprintf(out_path, 96, "%s/%s", target->folder, name);
}

static void configuration_write(const char *path) {
  FILE *file = fopen(path, "w");
  if (!file || fputs(configuration, file) < 0 || fclose(file) != 0) {
    bench_fail_system("write", path);
  }
}

static void spawn(bench_target *target, char *const arguments[]) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  char log[96];
  file_path(target, "stderr", log);
  posix_spawn_file_actions_addopen(&actions, 2, log, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  int failure = posix_spawn(&target->pid, arguments[0], &actions, NULL, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failure) {
    bench_fail("start %s: %s", arguments[0], strerror(failure));
  }
}

static void log_show(const bench_target *target) {
  char path[96], line[512];
  file_path(target, "stderr", path);
  FILE *file = fopen(path, "r");
  while (file && fgets(line, sizeof line, file)) {
    fprintf(stderr, "%s: %s", bench_target_name(target->kind), line);
  }
  if (file) {
    fclose(file);
  }
}

static bool port_read(bench_target *target, const char *path) {
  FILE *file = fopen(path, "r");
  unsigned port = 0;
  char end = 0;
  bool has_port = file && fscanf(file, "%u%c", &port, &end) == 2 && end == '\n' && port < 65536;
  if (file) {
    fclose(file);
  }
  target->port = (uint16_t)port;
  return has_port;
}

static void ready_wait(bench_target *target, const char *port_file) {
  uint64_t deadline_ns = bench_now_ns() + START_TIMEOUT_S * UINT64_C(1000000000);
  while (!port_read(target, port_file)) {
    if (waitpid(target->pid, NULL, WNOHANG) != 0 || bench_now_ns() > deadline_ns) {
      log_show(target);
      bench_fail("the %s did not start", bench_target_name(target->kind));
    }
    bench_sleep_until(bench_now_ns() + POLL_NS);
  }
}

void bench_target_start(bench_target *target, bench_target_kind kind, const char *program) {
  *target = (bench_target){.kind = kind};
  const char *base = getenv("TMPDIR");
  snprintf(target->folder, sizeof target->folder, "%s/pb-bench-XXXXXX",
           base && strlen(base) < 32 ? base : "/tmp");
  if (!mkdtemp(target->folder)) {
    bench_fail_system("make", target->folder);
  }
  char port_file[96], config[96];
  file_path(target, "port", port_file);
  file_path(target, "config.json", config);
  file_path(target, "bench.sock", target->socket_path);
  if (kind == BENCH_RELAY) {
    char *arguments[] = {"/proc/self/exe", "--as-relay", target->socket_path, port_file, NULL};
    spawn(target, arguments);
  } else {
    configuration_write(config);
    char *arguments[] = {(char *)(uintptr_t)program,
                         "--config",
                         config,
                         "--runtime-dir",
                         target->folder,
                         "--listen",
                         "127.0.0.1:0",
                         "--port-file",
                         port_file,
                         NULL};
    spawn(target, arguments);
  }
  ready_wait(target, port_file);
}

static void folder_remove(const bench_target *target) {
  static const char *const names[] = {"port", "config.json", "bench.sock", "bench.sock.lock",
                                      "stderr"};
  for (size_t index = 0; index < sizeof names / sizeof *names; index++) {
    char path[96];
    file_path(target, names[index], path);
    unlink(path);
  }
  rmdir(target->folder);
}

void bench_target_stop(bench_target *target) {
  kill(target->pid, target->kind == BENCH_RELAY ? SIGKILL : SIGTERM);
  uint64_t deadline_ns = bench_now_ns() + STOP_TIMEOUT_S * UINT64_C(1000000000);
  int status;
  pid_t ended;
  while ((ended = waitpid(target->pid, &status, WNOHANG)) == 0 && bench_now_ns() < deadline_ns) {
    bench_sleep_until(bench_now_ns() + POLL_NS);
  }
  bool is_in_order = ended == target->pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
  if (target->kind == BENCH_BRIDGE && !is_in_order) {
    log_show(target);
    kill(target->pid, SIGKILL);
    bench_fail("the bridge did not end in order");
  }
  folder_remove(target);
}

uint64_t bench_target_cpu_ns(const bench_target *target) {
  clockid_t clock;
  struct timespec spent;
  if (clock_getcpuclockid(target->pid, &clock) != 0 || clock_gettime(clock, &spent) != 0) {
    bench_fail_system("read the CPU clock of", bench_target_name(target->kind));
  }
  return (uint64_t)spent.tv_sec * 1000000000u + (uint64_t)spent.tv_nsec;
}

uint64_t bench_target_rss_bytes(const bench_target *target) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/statm", (int)target->pid);
  FILE *file = fopen(path, "r");
  unsigned long long total = 0, resident = 0;
  if (!file || fscanf(file, "%llu %llu", &total, &resident) != 2) {
    bench_fail_system("read", path);
  }
  fclose(file);
  return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}
