/* The program's arguments and environment. Main thread, at start. */
#ifndef BRIDGE_SRC_OPTIONS_H
#define BRIDGE_SRC_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#define BR_OPTIONS_LISTEN_MAX 16

typedef struct br_options {
  const char
      *config_path; /* borrowed from argv or the environment, as all texts here; NULL: built in */
  const char *runtime_dir;
  const char *port_file;
  const char *listen[BR_OPTIONS_LISTEN_MAX];
  size_t listen_count;
  bool check_config;
  bool show_hints;
  bool show_help;
  bool show_version;
} br_options;

/* Reads the arguments, and PIPEBRIDGE_CONFIG, _RUNTIME_DIR and _LISTEN for what they leave open.
 * PIPEBRIDGE_LISTEN, if it is used, is cut at its commas in place. On failure `error` says what is
 * wrong. */
bool br_options_parse(int argc, char **argv, br_options *out_options, char *error,
                      size_t error_size);

extern const char br_options_help[];

#endif
