/* The child counts what its sessions say, or says it back, until SIGTERM. The signal's handler
 * stops the loop, which may be done at any time; then the server stops, and its last callback ends
 * the second run. */
#include "pipe_server.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "bench.h"
#include "pipecore/server.h"
#include "process.h"

enum { AWAIT_S = 60, INSTANCES = 20000 };

/* ---- the child ---- */

static pc_loop *child_loop;

static void child_on_signal(int signal_number) {
  (void)signal_number;
  /* Safe here, as loop.h says: NOLINTNEXTLINE(bugprone-signal-handler,cert-sig30-c) */
  pc_loop_stop(child_loop);
}

static bool child_on_connected(pc_session *session, const pc_peer *peer, void *user) {
  (void)session;
  (void)peer;
  (void)user;
  return true;
}

static pc_status child_on_message(pc_session *session, const pc_message *message, void *user) {
  bench_pipe_shared *shared = user;
  if (shared->options.is_echo) {
    BENCH_CHECK(pc_session_write(session, message->data, message->size_bytes, 0) == PC_OK);
  }
  /* One writer: no locked instruction is needed. */
  uint_fast64_t messages = atomic_load_explicit(&shared->messages, memory_order_relaxed);
  atomic_store_explicit(&shared->turns, pc_loop_turn_count(child_loop), memory_order_relaxed);
  atomic_store_explicit(&shared->messages, messages + 1, memory_order_release);
  return PC_OK;
}

static void child_on_written(pc_session *session, uint64_t tag, pc_status status, void *user) {
  (void)session;
  (void)tag;
  (void)status;
  (void)user;
}

static void child_on_disconnected(pc_session *session, pc_close_reason reason, pc_status status,
                                  void *user) {
  (void)session;
  (void)user;
  if (reason != PC_CLOSE_PEER && reason != PC_CLOSE_STOP) {
    bench_fail("a session ended: %s, %s", pc_close_reason_name(reason), pc_status_text(status));
  }
}

static void child_on_error(pc_server *server, const pc_failure *failure, void *user) {
  (void)server;
  (void)user;
  /* Its clients wait, and what they wait is measured. */
  fprintf(stderr, "%s: %s\n", failure->action, pc_status_text(failure->status));
}

static void child_on_stopped(pc_server *server, void *user) {
  (void)server;
  (void)user;
  pc_loop_stop(child_loop);
}

static pc_server *child_listen(bench_pipe_shared *shared) {
  pc_server_options options = {.path = shared->options.path,
                               .type = shared->options.type,
                               .framing = PC_FRAMING_NONE,
                               .limits = {.max_instances = INSTANCES},
                               .security = {.uid = -1, .gid = -1},
                               .on = {.session = {.on_connected = child_on_connected,
                                                  .on_message = child_on_message,
                                                  .on_written = child_on_written,
                                                  .on_disconnected = child_on_disconnected},
                                      .on_error = child_on_error,
                                      .on_stopped = child_on_stopped},
                               .user = shared};
  if (options.type == PC_TYPE_BYTE) {
    options.framing = PC_FRAMING_LINE;
  }
  pc_server *server;
  pc_failure failure;
  if (pc_server_start(child_loop, &options, &server, &failure) != PC_OK) {
    bench_fail("%s: %s", failure.action, pc_status_text(failure.status));
  }
  return server;
}

static bench_pipe_shared *shared_map(int fd) {
  void *memory = mmap(NULL, sizeof(bench_pipe_shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) {
    bench_fail_system("map", "shared memory");
  }
  return memory;
}

_Noreturn void bench_pipe_server_run(const char *descriptor) {
  prctl(PR_SET_PDEATHSIG, SIGKILL); /* a parent that fails leaves nobody behind */
  bench_pipe_shared *shared = shared_map((int)strtol(descriptor, NULL, 10));
  bench_processor_keep(shared->options.processor);
  pc_loop_options options = {.backend = shared->options.backend,
                             .strategy = shared->options.strategy};
  pc_status status = pc_loop_create(&options, &child_loop);
  if (status != PC_OK) {
    bench_fail("make the loop: %s", pc_status_text(status));
  }
  const pc_failure *refusal = pc_loop_refusal(child_loop);
  if (refusal) {
    bench_fail("%s: %s; %s", refusal->action, pc_status_text(refusal->status),
               refusal->advice ? refusal->advice : "no advice");
  }
  pc_server *server = child_listen(shared);
  signal(SIGTERM, child_on_signal);
  atomic_store(&shared->is_ready, true);
  BENCH_CHECK(pc_loop_run(child_loop) == PC_OK);
  pc_server_stop(server, 0);
  BENCH_CHECK(pc_loop_run(child_loop) == PC_OK);
  pc_server_destroy(server);
  pc_loop_destroy(child_loop);
  exit(0);
}

/* ---- the parent ---- */

static bool is_ready(void *user) {
  const bench_pipe_server *server = user;
  return atomic_load(&server->shared->is_ready);
}

void bench_pipe_server_start(bench_pipe_server *server, const char *program,
                             const bench_pipe_options *options) {
  bench_folder_make(server->folder);
  int fd = memfd_create("bench", 0); /* the child inherits it */
  if (fd < 0 || ftruncate(fd, sizeof(bench_pipe_shared)) != 0) {
    bench_fail_system("make", "shared memory");
  }
  server->shared = shared_map(fd);
  server->shared->options = *options;
  snprintf(server->shared->options.path, sizeof options->path, "%s/bench.sock", server->folder);
  char log[96], descriptor[16];
  snprintf(log, sizeof log, "%s/stderr", server->folder);
  snprintf(descriptor, sizeof descriptor, "%d", fd);
  char *arguments[] = {(char *)(uintptr_t)program, "--as-pipe-server", descriptor, NULL};
  server->pid = bench_process_start(arguments, log);
  bench_process_await(server->pid, "server", log, is_ready, server);
  close(fd);
}

void bench_pipe_server_stop(bench_pipe_server *server) {
  static const char *const names[] = {"bench.sock", "bench.sock.lock", "stderr", NULL};
  if (!bench_process_stop(server->pid, SIGTERM)) {
    char log[96];
    snprintf(log, sizeof log, "%s/stderr", server->folder);
    bench_process_log_show("server", log);
    const bench_pipe_options *options = &server->shared->options;
    bench_fail("the server (%s, backend %d) did not end in order",
               pc_strategy_name(options->strategy), (int)options->backend);
  }
  munmap(server->shared, sizeof *server->shared);
  bench_folder_remove(server->folder, names);
}

void bench_pipe_server_await(const bench_pipe_server *server, uint64_t messages) {
  uint64_t deadline_ns = bench_now_ns() + AWAIT_S * UINT64_C(1000000000);
  while (atomic_load_explicit(&server->shared->messages, memory_order_acquire) < messages) {
    if (bench_now_ns() > deadline_ns) {
      bench_fail("the server heard %llu of %llu messages in time",
                 (unsigned long long)atomic_load(&server->shared->messages),
                 (unsigned long long)messages);
    }
    bench_sleep_until(bench_now_ns() + 200000);
  }
}
