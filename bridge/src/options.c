/* Arguments over environment. Main thread, at start: getopt keeps global state. */
#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char br_options_help[] =
    "usage: pipebridge [--config FILE] [--runtime-dir DIR] [--listen ADDRESS]... [--port-file "
    "FILE]\n"
    "       pipebridge --check-config [--config FILE] | --help | --version\n"
    "\n"
    "Makes this machine's named pipes visible and usable from a browser, from curl and from "
    "programs.\n"
    "\n"
    "  --config FILE       configuration; without it, two demonstration pipes\n"
    "  --runtime-dir DIR   where relative pipe paths begin; default $XDG_RUNTIME_DIR/pipebridge,\n"
    "                      or /run/pipebridge for root\n"
    "  --listen ADDRESS    replaces the configured addresses; ADDRESS:PORT, port 0 takes any free "
    "one;\n"
    "                      may be repeated\n"
    "  --port-file FILE    write the first listener's port there once the bridge is ready\n"
    "  --check-config      say whether the configuration is right, and end\n"
    "  --hints             print lines to try it with, as on a terminal\n"
    "  --help, --version\n"
    "\n"
    "PIPEBRIDGE_CONFIG, PIPEBRIDGE_RUNTIME_DIR and PIPEBRIDGE_LISTEN (comma-separated) stand in "
    "for\n"
    "arguments that are not given. SIGINT and SIGTERM end it in order, a second one at once.\n"
    "Exit status: 0 ended in order, 1 could not start, 2 wrong arguments or configuration.\n";

enum {
  OPTION_CONFIG = 1000,
  OPTION_RUNTIME_DIR,
  OPTION_LISTEN,
  OPTION_PORT_FILE,
  OPTION_CHECK_CONFIG,
  OPTION_HINTS,
  OPTION_HELP,
  OPTION_VERSION
};

static const struct option long_options[] = {
    {"config", required_argument, NULL, OPTION_CONFIG},
    {"runtime-dir", required_argument, NULL, OPTION_RUNTIME_DIR},
    {"listen", required_argument, NULL, OPTION_LISTEN},
    {"port-file", required_argument, NULL, OPTION_PORT_FILE},
    {"check-config", no_argument, NULL, OPTION_CHECK_CONFIG},
    {"hints", no_argument, NULL, OPTION_HINTS},
    {"help", no_argument, NULL, OPTION_HELP},
    {"version", no_argument, NULL, OPTION_VERSION},
    {NULL, 0, NULL, 0}};

static bool listen_add(br_options *options, const char *address, char *error, size_t error_size) {
  if (options->listen_count == BR_OPTIONS_LISTEN_MAX) {
    (void)snprintf(error, error_size, "more than %d addresses to listen on", BR_OPTIONS_LISTEN_MAX);
    return false;
  }
  options->listen[options->listen_count++] = address;
  return true;
}

/* Stores one option. A path that is given and empty is a mistake in a script, not a wish for the
 * default. */
static bool option_apply(br_options *options, int option, const char *value, char *error,
                         size_t error_size) {
  if (value && value[0] == '\0') {
    (void)snprintf(error, error_size, "an argument has an empty value");
    return false;
  }
  switch (option) {
  case OPTION_CONFIG:
    options->config_path = value;
    return true;
  case OPTION_RUNTIME_DIR:
    options->runtime_dir = value;
    return true;
  case OPTION_LISTEN:
    return listen_add(options, value, error, error_size);
  case OPTION_PORT_FILE:
    options->port_file = value;
    return true;
  case OPTION_CHECK_CONFIG:
    options->check_config = true;
    return true;
  case OPTION_HINTS:
    options->show_hints = true;
    return true;
  case OPTION_HELP:
    options->show_help = true;
    return true;
  default:
    options->show_version = true;
    return true;
  }
}

/* NULL for a variable that is unset or empty. */
static char *environment(const char *name) {
  char *value = getenv(name);
  return value && value[0] ? value : NULL;
}

static bool environment_apply(br_options *options, char *error, size_t error_size) {
  if (!options->config_path) {
    options->config_path = environment("PIPEBRIDGE_CONFIG");
  }
  if (!options->runtime_dir) {
    options->runtime_dir = environment("PIPEBRIDGE_RUNTIME_DIR");
  }
  char *list = options->listen_count == 0 ? environment("PIPEBRIDGE_LISTEN") : NULL;
  char *rest = NULL;
  for (char *item = list ? strtok_r(list, ", ", &rest) : NULL; item;
       item = strtok_r(NULL, ", ", &rest)) {
    if (!listen_add(options, item, error, error_size)) {
      return false;
    }
  }
  return true;
}

bool br_options_parse(int argc, char **argv, br_options *out_options, char *error,
                      size_t error_size) {
  br_options options = {0};
  opterr = 0;
  optind = 0; /* glibc: begin anew, so that tests may call this more than once */
  for (;;) {
    int index = optind > 0 ? optind : 1;
    int option = getopt_long(argc, argv, "+:", long_options, NULL);
    if (option == -1) {
      break;
    }
    if (option == '?' || option == ':') {
      (void)snprintf(error, error_size, "%s: %s", argv[index],
                     option == ':' ? "needs a value"
                                   : "no such option, or a value it does not take");
      return false;
    }
    if (!option_apply(&options, option, optarg, error, error_size)) {
      return false;
    }
  }
  if (optind < argc) {
    (void)snprintf(error, error_size, "%s: unexpected argument", argv[optind]);
    return false;
  }
  if (!environment_apply(&options, error, error_size)) {
    return false;
  }
  *out_options = options;
  return true;
}
