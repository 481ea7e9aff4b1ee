/* The program `pipebridge`. Main thread: it parses, starts the bridge, waits for signals, pets the
 * service manager's watchdog and stops the bridge; it is never on the way of a message.
 *
 * Success: arguments → configuration → runtime directory → bridge → port file → ready → wait →
 * stop. Failures: arguments or configuration wrong (exit 2), everything else that keeps it from
 * starting (exit 1). */
#include <inttypes.h>
#include <stdio.h>

#include "announce.h"
#include "bridge/bridge.h"
#include "bridge/config.h"
#include "host.h"
#include "options.h"

enum { EXIT_ORDERLY = 0, EXIT_NOT_STARTED = 1, EXIT_USAGE = 2 };

/* Room for a screenful of configuration errors. */
static char error[8192];

static int config_failed(void) {
  (void)fprintf(stderr, "%s\n", error);
  return EXIT_USAGE;
}

static int start_failed(void) {
  (void)fprintf(stderr, "pipebridge: %s\n", error);
  return EXIT_NOT_STARTED;
}

static bool config_load(const br_options *options, br_config *out_config) {
  const br_config_overrides overrides = {.runtime_dir = options->runtime_dir,
                                         .listen = options->listen,
                                         .listen_count = options->listen_count};
  return br_config_load(options->config_path, &overrides, out_config, error, sizeof error);
}

static int config_check(const br_options *options, const br_config *config) {
  if (!br_config_prepare_runtime_dir(config, false, error, sizeof error)) {
    return config_failed();
  }
  (void)printf("%s: is right; %zu pipe%s\n",
               options->config_path ? options->config_path : "built-in configuration",
               config->pipe_count, config->pipe_count == 1 ? "" : "s");
  return EXIT_ORDERLY;
}

static bool port_file_write(const char *path, const br_bridge *bridge) {
  char text[16];
  (void)snprintf(text, sizeof text, "%" PRIu16 "\n", br_bridge_port(bridge, 0));
  return br_host_write_file(path, text, error, sizeof error);
}

/* Tells the service manager that we live, as often as it asked to hear it, but only while the
 * bridge answers. */
static void watchdog_pet(br_bridge *bridge, bool *was_healthy) {
  bool is_healthy = br_bridge_is_healthy(bridge);
  if (is_healthy) {
    br_host_notify("WATCHDOG=1");
  }
  if (is_healthy != *was_healthy) {
    (void)fprintf(stderr, "pipebridge: %s\n",
                  is_healthy ? "answers again" : "does not answer; the watchdog is not petted");
  }
  *was_healthy = is_healthy;
}

/* Until somebody asks the program to end. */
static void requests_serve(br_bridge *bridge) {
  uint64_t watchdog_us = br_host_watchdog_us();
  /* Half of the interval, as systemd advises. */
  int64_t timeout_ms = watchdog_us > 0 ? (int64_t)(watchdog_us / 2000) : -1;
  bool was_healthy = true;
  for (;;) {
    switch (br_host_wait(timeout_ms)) {
    case BR_HOST_END:
      return;
    case BR_HOST_RELOAD:
      (void)fprintf(stderr, "pipebridge: SIGHUP: reloading is not available in this version; "
                            "restart it to change the configuration\n");
      break;
    case BR_HOST_TIMEOUT:
      watchdog_pet(bridge, &was_healthy);
      break;
    }
  }
}

static int bridge_serve(const br_options *options, const br_config *config) {
  br_host_requests_init();
  br_bridge *bridge = NULL;
  if (!br_config_prepare_runtime_dir(config, true, error, sizeof error) ||
      !br_bridge_start(config, &bridge, error, sizeof error)) {
    return start_failed();
  }
  if (options->port_file && !port_file_write(options->port_file, bridge)) {
    br_bridge_stop(bridge);
    return start_failed();
  }
  bool is_demonstration = !options->config_path;
  br_announce(config, bridge, options->show_hints || is_demonstration || br_host_is_terminal());
  requests_serve(bridge);
  br_host_notify("STOPPING=1\nSTATUS=ending");
  br_host_requests_fini();
  (void)fprintf(stderr, "pipebridge: ending\n");
  br_bridge_stop(bridge);
  return EXIT_ORDERLY;
}

int main(int argc, char **argv) {
  br_options options;
  br_config config;
  if (!br_options_parse(argc, argv, &options, error, sizeof error)) {
    (void)fprintf(stderr, "pipebridge: %s (see --help)\n", error);
    return EXIT_USAGE;
  }
  if (options.show_help) {
    (void)fputs(br_options_help, stdout);
    return EXIT_ORDERLY;
  }
  if (options.show_version) {
    (void)puts("pipebridge " PIPEBRIDGE_VERSION);
    return EXIT_ORDERLY;
  }
  if (!config_load(&options, &config)) {
    return config_failed();
  }
  int status =
      options.check_config ? config_check(&options, &config) : bridge_serve(&options, &config);
  br_config_fini(&config);
  return status;
}
