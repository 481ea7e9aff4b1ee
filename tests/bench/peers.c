/* Starts each program with a configuration of ours in the target's folder, at ports that were free
 * a moment ago, and beside it the feeder that says to it what the benchmark writes. One that cannot
 * be fed or heard as it is meant to be used is not here. */
#include "peers.h"

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

enum { PATH_BYTES = 256, PORT_TEXT_BYTES = 8 };

#define WORDS(text) \
  { text, sizeof(text) - 1 }
/* MQTT 3.1.1: CONNECT without a name, SUBSCRIBE to "m" with QoS 0. */
#define MQTT_CONNECT "\x10\x0c\x00\x04MQTT\x04\x02\x00\x00\x00\x00"
const bench_words bench_mqtt_connect = WORDS(MQTT_CONNECT);
const bench_words bench_mqtt_subscribe = WORDS(MQTT_CONNECT "\x82\x06\x00\x01\x00\x01m\x00");
#define NATS_CONNECT "CONNECT {\"verbose\":false,\"pedantic\":false}\r\n"
const bench_words bench_nats_connect = WORDS(NATS_CONNECT);
const bench_words bench_nats_subscribe = WORDS(NATS_CONNECT "SUB m 1\r\nPING\r\n");

/* ---- what is installed ---- */

static bool program_find(const char *name, char out_path[PATH_BYTES]) {
  static const char *const folders[] = {"/usr/bin", "/usr/sbin", "/usr/local/bin"};
  if (name[0] == '/') {
    snprintf(out_path, PATH_BYTES, "%s", name);
    return access(name, R_OK) == 0;
  }
  for (size_t index = 0; index < sizeof folders / sizeof *folders; index++) {
    snprintf(out_path, PATH_BYTES, "%s/%s", folders[index], name);
    if (access(out_path, X_OK) == 0) {
      return true;
    }
  }
  return false;
}

bool bench_peer_is_there(const bench_target_kind *kind) {
  char path[PATH_BYTES];
  for (const char *const *need = kind->needs; need && *need; need++) {
    if (!program_find(*need, path)) {
      fprintf(stderr, "skipped: %s, since %s is not installed\n", kind->name, *need);
      return false;
    }
  }
  return true;
}

/* ---- starting ---- */

/* One that nobody has now. */
static uint16_t free_port(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  BENCH_CHECK(fd >= 0 && bind(fd, (struct sockaddr *)&address, size) == 0 &&
              getsockname(fd, (struct sockaddr *)&address, &size) == 0);
  close(fd);
  return ntohs(address.sin_port);
}

static bool port_answers(uint16_t port) {
  struct sockaddr_in address = {
      .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  bool answers = fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
  close(fd);
  return answers;
}

static void config_write(const bench_target *target, const char *text) {
  char path[PATH_BYTES];
  snprintf(path, sizeof path, "%s/config", target->folder);
  FILE *file = fopen(path, "w");
  if (!file || fputs(text, file) < 0 || fclose(file) != 0) {
    bench_fail_system("write", path);
  }
}

/* `arguments` without the program's folder, which is looked up. */
static void peer_start(bench_target *target, const char *name, char *arguments[]) {
  char program[PATH_BYTES];
  BENCH_CHECK(program_find(name, program));
  arguments[0] = program;
  target->pid = bench_process_start(arguments, target->log_path);
}

static void self_path(char out_path[PATH_BYTES]) {
  ssize_t size = readlink("/proc/self/exe", out_path, PATH_BYTES - 1);
  BENCH_CHECK(size > 0);
  out_path[size] = '\0';
}

static void consumers_path(const bench_target *target, char out_path[PATH_BYTES]) {
  snprintf(out_path, PATH_BYTES, "%s/feed.sock", target->folder);
}

static void feeder_start(bench_target *target, const char *kind, const char *last) {
  char self[PATH_BYTES];
  char log[PATH_BYTES];
  self_path(self);
  snprintf(log, sizeof log, "%s/feeder", target->folder);
  char *arguments[] = {
      self, "--as-feeder", (char *)(uintptr_t)kind, target->socket_path, (char *)(uintptr_t)last,
      NULL};
  target->feeder_pid = bench_process_start(arguments, log);
}

/* The program first, since the feeder connects to it. */
static bool is_fed(bench_target *target, const char *kind, uint16_t port) {
  char text[PORT_TEXT_BYTES];
  snprintf(text, sizeof text, "%u", port);
  if (target->feeder_pid == 0 && port_answers(target->port) && port_answers(port)) {
    feeder_start(target, kind, text);
  }
  return target->feeder_pid != 0 && access(target->socket_path, F_OK) == 0;
}

/* ---- websocketd: a process for each observer, whose output it sends ---- */

static void websocketd_start(bench_target *target) {
  char self[PATH_BYTES];
  char consumers[PATH_BYTES];
  char port[PORT_TEXT_BYTES];
  self_path(self);
  consumers_path(target, consumers);
  target->port = free_port();
  snprintf(port, sizeof port, "%u", target->port);
  feeder_start(target, "spread", consumers);
  char *arguments[] = {NULL,    "--address", "127.0.0.1", "--port",  port, "--loglevel",
                       "fatal", self,        "--as-feed", consumers, NULL};
  peer_start(target, "websocketd", arguments);
}

static bool spread_is_ready(void *user) {
  bench_target *target = user;
  return access(target->socket_path, F_OK) == 0 && port_answers(target->port);
}

static const char *const spread_files[] = {"stderr", "feeder", "feed.sock", "bench.sock", NULL};
const bench_program bench_websocketd = {.name = "websocketd",
                                        .start = websocketd_start,
                                        .is_ready = spread_is_ready,
                                        .files = spread_files};

/* ---- websockify: a connection to a socket for each observer, without boundaries ---- */

static void websockify_start(bench_target *target) {
  char consumers[PATH_BYTES];
  char unix_target[PATH_BYTES + 16];
  char listen[32];
  consumers_path(target, consumers);
  snprintf(unix_target, sizeof unix_target, "--unix-target=%s", consumers);
  target->port = free_port();
  snprintf(listen, sizeof listen, "127.0.0.1:%u", target->port);
  feeder_start(target, "spread", consumers);
  char *arguments[] = {NULL, unix_target, listen, NULL};
  peer_start(target, "websockify", arguments);
}

const bench_program bench_websockify = {.name = "websockify",
                                        .start = websockify_start,
                                        .is_ready = spread_is_ready,
                                        .files = spread_files};

/* ---- nginx with nchan: published by POST, one process ---- */

static void nchan_start(bench_target *target) {
  char text[2048];
  char config[PATH_BYTES];
  const char *folder = target->folder;
  target->port = free_port();
  snprintf(text, sizeof text,
           "load_module /usr/lib/nginx/modules/ngx_nchan_module.so;\n"
           "daemon off; master_process off; pid %s/pid; error_log stderr crit;\n"
           "events { worker_connections 8192; }\n"
           "http { access_log off; keepalive_requests 1000000000; nchan_shared_memory_size 256M;\n"
           "client_body_temp_path %s/temp1; proxy_temp_path %s/temp2; fastcgi_temp_path %s/temp3;\n"
           "uwsgi_temp_path %s/temp4; scgi_temp_path %s/temp5;\n"
           "server { listen 127.0.0.1:%u;\n"
           "location /publish { nchan_publisher http; nchan_channel_id m;\n"
           "nchan_message_buffer_length 100000; nchan_message_timeout 60s; }\n"
           "location /subscribe { nchan_subscriber websocket; nchan_channel_id m;\n"
           "nchan_subscriber_first_message newest; } } }\n",
           folder, folder, folder, folder, folder, folder, target->port);
  config_write(target, text);
  snprintf(config, sizeof config, "%s/config", folder);
  char *arguments[] = {NULL, "-p", target->folder, "-c", config, NULL};
  peer_start(target, "nginx", arguments);
}

static bool nchan_is_ready(void *user) {
  bench_target *target = user;
  return is_fed(target, "nchan", target->port);
}

static const char *const nchan_files[] = {"stderr", "feeder",     "config", "pid",
                                          "temp1",  "temp2",      "temp3",  "temp4",
                                          "temp5",  "bench.sock", NULL};
const bench_program bench_nchan = {.name = "nginx with nchan",
                                   .start = nchan_start,
                                   .is_ready = nchan_is_ready,
                                   .files = nchan_files};

/* ---- mosquitto: published with QoS 0 over TCP ---- */

static void mosquitto_start(bench_target *target) {
  char text[512];
  char config[PATH_BYTES];
  target->port = free_port();
  target->feed_port = free_port();
  snprintf(text, sizeof text,
           "user root\nallow_anonymous true\npersistence false\nlog_type none\n"
           "max_queued_messages 0\nset_tcp_nodelay true\n"
           "listener %u 127.0.0.1\nlistener %u 127.0.0.1\nprotocol websockets\n",
           target->feed_port, target->port);
  config_write(target, text);
  snprintf(config, sizeof config, "%s/config", target->folder);
  char *arguments[] = {NULL, "-c", config, NULL};
  peer_start(target, "mosquitto", arguments);
}

static bool mosquitto_is_ready(void *user) {
  bench_target *target = user;
  return is_fed(target, "mqtt", target->feed_port);
}

static const char *const fed_files[] = {"stderr", "feeder", "config", "bench.sock", NULL};
const bench_program bench_mosquitto = {.name = "mosquitto",
                                       .start = mosquitto_start,
                                       .is_ready = mosquitto_is_ready,
                                       .files = fed_files};

/* ---- nats-server: published over TCP ---- */

static void nats_start(bench_target *target) {
  char text[512];
  char config[PATH_BYTES];
  target->port = free_port();
  target->feed_port = free_port();
  snprintf(text, sizeof text,
           "listen: \"127.0.0.1:%u\"\nmax_pending: 256MB\nwrite_deadline: \"60s\"\n"
           "websocket { listen: \"127.0.0.1:%u\", no_tls: true }\n",
           target->feed_port, target->port);
  config_write(target, text);
  snprintf(config, sizeof config, "%s/config", target->folder);
  char *arguments[] = {NULL, "-c", config, NULL};
  peer_start(target, "nats-server", arguments);
}

static bool nats_is_ready(void *user) {
  bench_target *target = user;
  return is_fed(target, "nats", target->feed_port);
}

const bench_program bench_nats = {
    .name = "nats-server", .start = nats_start, .is_ready = nats_is_ready, .files = fed_files};

/* ---- node-ws: ten lines of JavaScript ---- */

static void node_start(bench_target *target) {
  char port_file[PATH_BYTES];
  snprintf(port_file, sizeof port_file, "%s/port", target->folder);
  BENCH_CHECK(setenv("NODE_PATH", "/usr/share/nodejs", 1) == 0); /* where Debian has it */
  char script[PATH_BYTES];
  snprintf(script, sizeof script, "%s/broadcast.cjs", BENCH_PEERS_FOLDER);
  char *arguments[] = {NULL, script, target->socket_path, port_file, NULL};
  peer_start(target, "node", arguments);
}

static const char *const node_files[] = {"stderr", "port", "bench.sock", NULL};
const bench_program bench_node_ws = {.name = "node with ws",
                                     .start = node_start,
                                     .is_ready = bench_target_has_port_file,
                                     .files = node_files};
