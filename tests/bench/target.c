/* All targets get the same signs of life: a process with a CPU clock and a resident set, ready when
 * its program says so. The bridge runs with its defaults; only limits on numbers of clients are
 * raised. */
#include "target.h"

#include <signal.h>
#include <stdio.h>

#include "bench.h"
#include "peers.h"
#include "process.h"

static void file_path(const bench_target *target, const char *name, char out_path[96]) {
  snprintf(out_path, 96, "%s/%s", target->folder, name);
}

/* The bridge and the relay write their port into a file once they are ready. */
bool bench_target_has_port_file(void *user) {
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

/* ---- the relay ---- */

static void relay_start(bench_target *target) {
  char port_file[96];
  file_path(target, "port", port_file);
  char *arguments[] = {"/proc/self/exe", "--as-relay", target->socket_path, port_file, NULL};
  target->pid = bench_process_start(arguments, target->log_path);
}

static const char *const relay_files[] = {"port", "bench.sock", "stderr", NULL};
static const bench_program relay = {.name = "relay",
                                    .start = relay_start,
                                    .is_ready = bench_target_has_port_file,
                                    .files = relay_files};

/* ---- the bridge ---- */

static const char configuration[] =
    "{\"http\":{\"max_connections\":8192},\"pipes\":[{\"name\":\"bench\",\"mode\":\"byte\","
    "\"framing\":\"line\",\"path\":\"bench.sock\",\"limits\":{\"max_instances\":8192}}]}";

static void bridge_start(bench_target *target) {
  char config[96], port_file[96];
  file_path(target, "config.json", config);
  file_path(target, "port", port_file);
  FILE *file = fopen(config, "w");
  if (!file || fputs(configuration, file) < 0 || fclose(file) != 0) {
    bench_fail_system("write", config);
  }
  char *arguments[] = {(char *)(uintptr_t)target->program_path,
                       "--config",
                       config,
                       "--runtime-dir",
                       target->folder,
                       "--listen",
                       "127.0.0.1:0",
                       "--port-file",
                       port_file,
                       NULL};
  target->pid = bench_process_start(arguments, target->log_path);
}

static const char *const bridge_files[] = {"port",   "config.json", "bench.sock", "bench.sock.lock",
                                           "stderr", NULL};
static const bench_program bridge = {.name = "bridge",
                                     .start = bridge_start,
                                     .is_ready = bench_target_has_port_file,
                                     .files = bridge_files,
                                     .ends_in_order = true};

/* ---- the table ---- */

#define RAW(name_, is_other_)                                                                    \
  {                                                                                              \
    .name = name_, .title = name_, .program = &bridge, .observe_path = "/api/v1/pipes/bench/ws", \
    .format = &bench_format_plain, .inject_path = "/api/v1/pipes/bench/ws",                      \
    .post_path = "/api/v1/pipes/bench/messages", .is_other = is_other_                           \
  }
#define EVENTS(name_, protocol_, format_, is_other_)                                     \
  {                                                                                      \
    .name = name_, .title = name_, .program = &bridge, .observe_path = "/api/v1/events", \
    .subprotocol = protocol_, .format = format_, .is_other = is_other_                   \
  }

/* Enough that nobody ever waits for the writer. */
enum { WINDOW = 100000 };

const bench_target_kind bench_target_kinds[] = {
    {.name = "relay",
     .title = "relay",
     .program = &relay,
     .observe_path = "/",
     .format = &bench_format_plain,
     .inject_path = "/"},
    RAW("raw", false),
    EVENTS("binary", "pipebridge.v1.bin", &bench_format_binary, false),
    EVENTS("json", "pipebridge.v1.json", &bench_format_json, false),
    RAW("raw_other", true),
    EVENTS("binary_other", "pipebridge.v1.bin", &bench_format_binary, true),
    EVENTS("json_other", "pipebridge.v1.json", &bench_format_json, true),
    {.name = "websocketd",
     .title = "websocketd",
     .program = &bench_websocketd,
     .observe_path = "/",
     .format = &bench_format_announced,
     .needs = (const char *const[]){"websocketd", NULL},
     .most_observers = 100}, /* a process each */
    {.name = "websockify",
     .title = "websockify",
     .program = &bench_websockify,
     .observe_path = "/",
     .subprotocol = "binary",
     .format = &bench_format_lines,
     .needs = (const char *const[]){"websockify", NULL},
     .most_observers = 100}, /* a process each */
    {.name = "nchan",
     .title = "nginx with nchan",
     .program = &bench_nchan,
     .observe_path = "/subscribe",
     .format = &bench_format_lossy,
     .needs = (const char *const[]){"nginx", "/usr/lib/nginx/modules/ngx_nchan_module.so", NULL},
     .window = WINDOW},
    {.name = "mosquitto",
     .title = "mosquitto",
     .program = &bench_mosquitto,
     .observe_path = "/",
     .subprotocol = "mqtt",
     .format = &bench_format_mqtt,
     .needs = (const char *const[]){"mosquitto", NULL},
     .hello = &bench_mqtt_subscribe,
     .window = WINDOW},
    {.name = "nats",
     .title = "nats-server",
     .program = &bench_nats,
     .observe_path = "/",
     .format = &bench_format_nats,
     .needs = (const char *const[]){"nats-server", NULL},
     .hello = &bench_nats_subscribe,
     .window = WINDOW},
    {.name = "node_ws",
     .title = "node with ws",
     .program = &bench_node_ws,
     .observe_path = "/",
     .format = &bench_format_lossy,
     .needs = (const char *const[]){"node", "/usr/share/nodejs/ws/package.json", NULL},
     .window = WINDOW},
};
const size_t bench_target_kind_count = sizeof bench_target_kinds / sizeof *bench_target_kinds;

/* ---- life ---- */

void bench_target_start(bench_target *target, const bench_target_kind *kind,
                        const char *program_path) {
  *target = (bench_target){.kind = kind, .program_path = program_path};
  bench_folder_make(target->folder);
  file_path(target, "bench.sock", target->socket_path);
  file_path(target, "stderr", target->log_path);
  kind->program->start(target);
  bench_process_await(target->pid, kind->program->name, target->log_path, kind->program->is_ready,
                      target);
}

void bench_target_stop(bench_target *target) {
  const bench_program *program = target->kind->program;
  if (target->feeder_pid != 0) {
    bench_process_stop(target->feeder_pid, SIGKILL);
  }
  bool ended_well = bench_process_stop(target->pid, program->ends_in_order ? SIGTERM : SIGKILL);
  if (program->ends_in_order && !ended_well) {
    bench_process_log_show(program->name, target->log_path);
    bench_fail("the %s did not end in order", program->name);
  }
  bench_folder_remove(target->folder, program->files);
}
