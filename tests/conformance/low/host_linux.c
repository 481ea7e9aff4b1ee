/* host.h on Linux. */
#include "host.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

const host_facts host = {.does_empty_write_never_wait = false,
                         .does_disconnect_discard = false,
                         .do_processes_share_names = false,
                         .does_queue_connect = true};

static void require(bool condition, const char *what) {
  if (!condition) {
    perror(what);
    abort();
  }
}

const char *host_bad_path(unsigned index) {
  static char too_long[200];
  memset(too_long, 'x', sizeof too_long - 1);
  const char *paths[] = {"", too_long};
  return index < sizeof paths / sizeof paths[0] ? paths[index] : NULL;
}

/* ---- folders and handles ---- */

void host_folder_create(char folder[HOST_PATH_BYTES]) {
  strcpy(folder, "/tmp/pipecore-low-XXXXXX");
  require(mkdtemp(folder) != NULL, "mkdtemp");
}

bool host_folder_remove(const char *folder) {
  return rmdir(folder) == 0;
}

void host_pipe_path(char path[HOST_PATH_BYTES], const char *folder, const char *name) {
  int size = snprintf(path, HOST_PATH_BYTES, "%s/%s", folder, name);
  require(size < HOST_PATH_BYTES, "path");
}

unsigned host_handle_count(void) {
  unsigned count = 0;
  DIR *folder = opendir("/proc/self/fd");
  require(folder != NULL, "/proc/self/fd");
  while (readdir(folder)) {
    count++;
  }
  closedir(folder);
  return count;
}

void host_handles_raise(void) {
  struct rlimit limit;
  require(getrlimit(RLIMIT_NOFILE, &limit) == 0, "getrlimit");
  limit.rlim_cur = limit.rlim_max;
  require(setrlimit(RLIMIT_NOFILE, &limit) == 0, "setrlimit");
}

static bool descriptor_is_free(int number) {
  return fcntl(number, F_GETFD) < 0;
}

/* The limit is of descriptor numbers: so many free ones stay below it. */
bool host_handles_limit(int count) {
  struct rlimit limit;
  require(getrlimit(RLIMIT_NOFILE, &limit) == 0, "getrlimit");
  limit.rlim_cur = limit.rlim_max;
  if (count >= 0) {
    int number = 0;
    for (int found = 0; found < count || !descriptor_is_free(number); number++) {
      found += descriptor_is_free(number);
    }
    limit.rlim_cur = (rlim_t)number;
  }
  require(setrlimit(RLIMIT_NOFILE, &limit) == 0, "setrlimit");
  return true;
}

/* ---- time ---- */

uint64_t host_clock_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void host_pause_ms(unsigned ms) {
  struct timespec rest = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
  while (nanosleep(&rest, &rest) != 0 && errno == EINTR) {
  }
}

/* ---- threads ---- */

struct host_thread {
  pthread_t thread;
  atomic_int id; /* 0: it has not begun */
  void (*run)(void *user);
  void *user;
};

static void *thread_run(void *user) {
  host_thread *thread = user;
  atomic_store(&thread->id, gettid());
  thread->run(thread->user);
  return NULL;
}

host_thread *host_thread_start(void (*run)(void *user), void *user) {
  host_thread *thread = malloc(sizeof *thread);
  require(thread != NULL, "malloc");
  *thread = (host_thread){.run = run, .user = user};
  require(pthread_create(&thread->thread, NULL, thread_run, thread) == 0, "pthread_create");
  return thread;
}

void host_thread_join(host_thread *thread) {
  require(pthread_join(thread->thread, NULL) == 0, "pthread_join");
  free(thread);
}

bool host_thread_is_waiting(host_thread *thread) {
  char path[64];
  char state = 'R';
  (void)snprintf(path, sizeof path, "/proc/self/task/%d/stat", atomic_load(&thread->id));
  FILE *file = fopen(path, "re");
  if (file) { /* "12 (name) S …" */
    bool is_read = fscanf(file, "%*d (%*[^)]) %c", &state) == 1;
    (void)fclose(file);
    return is_read && state == 'S';
  }
  return false;
}

uintptr_t host_thread_self(void) {
  static _Thread_local char mine;
  return (uintptr_t)&mine;
}

/* ---- processes ---- */

struct host_child {
  pid_t pid;
  int said; /* what it says at its standard output */
};

/* By its name, which valgrind can follow, and not by /proc/self/exe itself, which is then
 * valgrind. */
static const char *program_path(void) {
  static char program[4096];
  ssize_t size = readlink("/proc/self/exe", program, sizeof program - 1);
  require(size > 0, "/proc/self/exe");
  program[size] = '\0';
  return program;
}

host_child *host_child_start(const char *role, const char *path) {
  const char *program = program_path();
  int ends[2];
  require(pipe(ends) == 0, "pipe");
  pid_t parent = getpid();
  pid_t pid = fork();
  require(pid >= 0, "fork");
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(ends[1], STDOUT_FILENO);
    close(ends[0]);
    close(ends[1]);
    if (getppid() == parent) {
      execl(program, "pipecore-case", "--role", role, path, (char *)NULL);
    }
    _exit(127);
  }
  close(ends[1]);
  host_child *child = malloc(sizeof *child);
  require(child != NULL, "malloc");
  *child = (host_child){.pid = pid, .said = ends[0]};
  return child;
}

bool host_child_wait_ready(host_child *child) {
  struct pollfd waits = {.fd = child->said, .events = POLLIN};
  char byte;
  return poll(&waits, 1, 10000) == 1 && read(child->said, &byte, 1) == 1;
}

int host_child_wait(host_child *child) {
  int status = 0;
  require(waitpid(child->pid, &status, 0) == child->pid, "waitpid");
  close(child->said);
  free(child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void host_child_kill(host_child *child) {
  kill(child->pid, SIGKILL);
  (void)host_child_wait(child);
}

int64_t host_child_pid(const host_child *child) {
  return child->pid;
}

void host_tell_ready(void) {
  require(write(STDOUT_FILENO, "r", 1) == 1, "write");
}

int64_t host_self_pid(void) {
  return getpid();
}

int64_t host_self_uid(void) {
  return geteuid();
}
