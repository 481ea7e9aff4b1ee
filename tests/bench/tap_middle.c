/* The bridge runs with its defaults; socat with a buffer of 64 KiB, as the bridge has, instead
 * of 8. */
#include "tap_middle.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"
#include "process.h"
#include "tap_ends.h"

static const char *const file_names[] = {"server", "tap",    "tap.lock",   "config.json",
                                         "port",   "stderr", "server.log", NULL};

static void file_path(const bench_middle *middle, const char *name, char out_path[96]) {
  (void)snprintf(out_path, 96, "%s/%s", middle->folder, name);
}

static bool is_connectable(void *user) {
  return access(user, F_OK) == 0;
}

static void server_start(bench_middle *middle) {
  char log[96];
  file_path(middle, "server.log", log);
  char *arguments[] = {"/proc/self/exe", "--as-server", middle->server_path, NULL};
  middle->server = bench_process_start(arguments, log);
  bench_process_await(middle->server, "server", log, is_connectable, middle->server_path);
}

/* ---- the bridge ---- */

static bool port_read(void *user) {
  bench_middle *middle = user;
  FILE *file = fopen(middle->port_file, "r");
  unsigned port = 0;
  char end = 0;
  bool has_port = file && fscanf(file, "%u%c", &port, &end) == 2 && end == '\n' && port < 65536;
  if (file) {
    fclose(file);
  }
  middle->port = (uint16_t)port;
  return has_port;
}

static void bridge_start(bench_middle *middle, const char *program, const char *framing) {
  char config[96];
  file_path(middle, "config.json", config);
  FILE *file = fopen(config, "w");
  if (!file ||
      fprintf(file,
              "{\"pipes\":[{\"name\":\"tap\",\"role\":\"tap\",\"framing\":\"%s\",\"path\":\"tap\","
              "\"upstream\":\"server\",\"limits\":{\"max_message_bytes\":1048576}}]}",
              framing) < 0 ||
      fclose(file) != 0) {
    bench_fail_system("write", config);
  }
  char *arguments[] = {(char *)(uintptr_t)program,
                       "--config",
                       config,
                       "--runtime-dir",
                       middle->folder,
                       "--listen",
                       "127.0.0.1:0",
                       "--port-file",
                       middle->port_file,
                       NULL};
  middle->pid = bench_process_start(arguments, middle->log);
  bench_process_await(middle->pid, "bridge", middle->log, port_read, middle);
}

/* Reads events and does nothing with them, until the socket is shut down. */
static void *watch(void *user) {
  enum { BYTES = 1 << 18 };
  const bench_middle *middle = user;
  char *buffer = malloc(BYTES);
  while (buffer && read(middle->watching, buffer, BYTES) > 0) {
  }
  free(buffer);
  return NULL;
}

static void watcher_start(bench_middle *middle) {
  char request[128];
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_port = htons(middle->port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  middle->watching = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int size = snprintf(request, sizeof request,
                      "GET /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n\r\n", middle->port);
  char first;
  if (middle->watching < 0 ||
      connect(middle->watching, (const struct sockaddr *)&address, sizeof address) != 0 ||
      send(middle->watching, request, (size_t)size, 0) != size ||
      recv(middle->watching, &first, 1, 0) != 1 ||
      pthread_create(&middle->watcher, NULL, watch, middle) != 0) {
    bench_fail_system("watch", "the bridge");
  }
}

/* ---- socat ---- */

static const char socat[] = "/usr/bin/socat";

static void socat_start(bench_middle *middle) {
  char from[128];
  char to[128];
  (void)snprintf(from, sizeof from, "UNIX-LISTEN:%s,fork", middle->path);
  (void)snprintf(to, sizeof to, "UNIX-CONNECT:%s", middle->server_path);
  char *arguments[] = {(char *)(uintptr_t)socat, "-b65536", "-t60", from, to, NULL};
  middle->pid = bench_process_start(arguments, middle->log);
  bench_process_await(middle->pid, "socat", middle->log, is_connectable, middle->path);
}

/* ---- any ---- */

bool bench_middle_is_here(bench_middle_kind kind) {
  return kind != BENCH_MIDDLE_SOCAT || access(socat, X_OK) == 0;
}

void bench_middle_start(bench_middle *middle, bench_middle_kind kind, const char *program,
                        const char *framing) {
  *middle = (bench_middle){.kind = kind, .watching = -1};
  bench_folder_make(middle->folder);
  file_path(middle, "server", middle->server_path);
  file_path(middle, kind == BENCH_MIDDLE_NONE ? "server" : "tap", middle->path);
  file_path(middle, "stderr", middle->log);
  file_path(middle, "port", middle->port_file);
  server_start(middle);
  if (kind == BENCH_MIDDLE_TAP || kind == BENCH_MIDDLE_TAP_WATCHED) {
    bridge_start(middle, program, framing);
  } else if (kind == BENCH_MIDDLE_SOCAT) {
    socat_start(middle);
  }
  if (kind == BENCH_MIDDLE_TAP_WATCHED) {
    watcher_start(middle);
  }
}

void bench_middle_stop(bench_middle *middle) {
  if (middle->watching >= 0) {
    shutdown(middle->watching, SHUT_RDWR);
    pthread_join(middle->watcher, NULL);
    close(middle->watching);
  }
  bool is_bridge = middle->kind == BENCH_MIDDLE_TAP || middle->kind == BENCH_MIDDLE_TAP_WATCHED;
  if (middle->pid != 0 && !bench_process_stop(middle->pid, is_bridge ? SIGTERM : SIGKILL) &&
      is_bridge) {
    bench_process_log_show("bridge", middle->log);
    bench_fail("the bridge did not end in order");
  }
  (void)bench_process_stop(middle->server, SIGKILL);
  bench_folder_remove(middle->folder, file_names);
}
