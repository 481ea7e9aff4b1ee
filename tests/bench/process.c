/* A child is watched from outside by the same means whatever it is: its CPU clock, /proc.
 * Everything that goes wrong here ends the benchmark. */
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

enum { START_TIMEOUT_S = 20, STOP_TIMEOUT_S = 20, POLL_NS = 2000000 };

pid_t bench_process_start(char *const arguments[], const char *log) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 2, log, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600);
  posix_spawn_file_actions_adddup2(&actions, 2, 1);
  pid_t pid;
  int failure = posix_spawn(&pid, arguments[0], &actions, NULL, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failure) {
    bench_fail("start %s: %s", arguments[0], strerror(failure));
  }
  return pid;
}

void bench_process_log_show(const char *name, const char *log) {
  char line[512];
  FILE *file = fopen(log, "r");
  while (file && fgets(line, sizeof line, file)) {
    fprintf(stderr, "%s: %s", name, line);
  }
  if (file) {
    fclose(file);
  }
}

void bench_process_await(pid_t pid, const char *name, const char *log, bool (*is_ready)(void *user),
                         void *user) {
  uint64_t deadline_ns = bench_now_ns() + START_TIMEOUT_S * UINT64_C(1000000000);
  while (!is_ready(user)) {
    if (waitpid(pid, NULL, WNOHANG) != 0 || bench_now_ns() > deadline_ns) {
      bench_process_log_show(name, log);
      bench_fail("the %s did not start", name);
    }
    bench_sleep_until(bench_now_ns() + POLL_NS);
  }
}

bool bench_process_stop(pid_t pid, int signal_number) {
  kill(pid, signal_number);
  uint64_t deadline_ns = bench_now_ns() + STOP_TIMEOUT_S * UINT64_C(1000000000);
  int status;
  pid_t ended;
  while ((ended = waitpid(pid, &status, WNOHANG)) == 0 && bench_now_ns() < deadline_ns) {
    bench_sleep_until(bench_now_ns() + POLL_NS);
  }
  if (ended == 0) {
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
  }
  return ended == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool bench_process_is_there(pid_t pid) {
  siginfo_t info = {.si_pid = 0};
  return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == 0;
}

uint64_t bench_process_cpu_ns(pid_t pid) {
  clockid_t clock;
  struct timespec spent;
  if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &spent) != 0) {
    bench_fail_system("read", "the CPU clock of a child");
  }
  return (uint64_t)spent.tv_sec * 1000000000u + (uint64_t)spent.tv_nsec;
}

uint64_t bench_process_rss_bytes(pid_t pid) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/statm", (int)pid);
  FILE *file = fopen(path, "r");
  unsigned long long total = 0, resident = 0;
  if (!file || fscanf(file, "%llu %llu", &total, &resident) != 2) {
    bench_fail_system("read", path);
  }
  fclose(file);
  return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

uint32_t bench_process_thread_count(pid_t pid) {
  char path[64], line[256];
  snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
  FILE *file = fopen(path, "r");
  unsigned count = 0;
  while (file && count == 0 && fgets(line, sizeof line, file)) {
    (void)!sscanf(line, "Threads: %u", &count);
  }
  if (file) {
    fclose(file);
  }
  return count;
}

void bench_folder_make(char out_path[64]) {
  const char *base = getenv("TMPDIR");
  snprintf(out_path, 64, "%s/pb-bench-XXXXXX", base && strlen(base) < 32 ? base : "/tmp");
  if (!mkdtemp(out_path)) {
    bench_fail_system("make", out_path);
  }
}

void bench_folder_remove(const char *path, const char *const *names) {
  for (; *names; names++) {
    char file[128];
    snprintf(file, sizeof file, "%s/%s", path, *names);
    unlink(file);
  }
  rmdir(path);
}

int bench_processor(unsigned number) {
  cpu_set_t all;
  if (sched_getaffinity(0, sizeof all, &all) != 0 || CPU_COUNT(&all) < 2) {
    return -1;
  }
  for (unsigned processor = 0; processor < CPU_SETSIZE; processor++) {
    if (CPU_ISSET(processor, &all) && number-- == 0) {
      return (int)processor;
    }
  }
  return -1;
}

void bench_processor_keep(int processor) {
  cpu_set_t one;
  if (processor >= 0) {
    CPU_ZERO(&one);
    CPU_SET((unsigned)processor, &one);
    BENCH_CHECK(sched_setaffinity(0, sizeof one, &one) == 0);
  }
}

void bench_descriptors_raise(void) {
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}
