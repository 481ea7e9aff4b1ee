/* Both targets get the same signs of life: a port file when ready, the process's CPU clock, its resident set.
 * The bridge runs with its defaults; only limits on numbers of clients are raised. */
#include "target.h"

#include <signal.h>
#include <stdio.h>

#include "bench.h"
#include "process.h"

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

static bool port_read(void *user) {
  bench_target *target = user;
  char path[96];
  file_path(target, "port", path);
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

void bench_target_start(bench_target *target, bench_target_kind kind, const char *program) {
  *target = (bench_target){.kind = kind};
  bench_folder_make(target->folder);
  char port_file[96], config[96], log[96];
  file_path(target, "port", port_file);
  file_path(target, "config.json", config);
  file_path(target, "stderr", log);
  file_path(target, "bench.sock", target->socket_path);
  if (kind == BENCH_RELAY) {
    char *arguments[] = {"/proc/self/exe", "--as-relay", target->socket_path, port_file, NULL};
    target->pid = bench_process_start(arguments, log);
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
    target->pid = bench_process_start(arguments, log);
  }
  bench_process_await(target->pid, bench_target_name(kind), log, port_read, target);
}

void bench_target_stop(bench_target *target) {
  static const char *const names[] = {"port",   "config.json", "bench.sock", "bench.sock.lock",
                                      "stderr", NULL};
  bool is_bridge = target->kind == BENCH_BRIDGE;
  if (!bench_process_stop(target->pid, is_bridge ? SIGTERM : SIGKILL) && is_bridge) {
    char log[96];
    file_path(target, "stderr", log);
    bench_process_log_show("bridge", log);
    bench_fail("the bridge did not end in order");
  }
  bench_folder_remove(target->folder, names);
}

uint64_t bench_target_cpu_ns(const bench_target *target) {
  return bench_process_cpu_ns(target->pid);
}

uint64_t bench_target_rss_bytes(const bench_target *target) {
  return bench_process_rss_bytes(target->pid);
}
