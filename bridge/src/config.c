/* The configuration as its users see it: load, parse, release. Start-up; one thread.
 *
 * Success: file (or the built-in demonstration) → tables (config_reader.c) → rules
 * (config_rules.c). Failures: file not readable or too large; any problem in the document, all of
 * them told at once. */
#include "bridge/config.h"

#include <stdio.h>
#include <stdlib.h>

#include "config_clients.h"
#include "config_demo.h"
#include "config_problems.h"
#include "config_reader.h"
#include "config_rules.h"
#include "config_values.h"
#include "host.h"

#define FILE_MAX_BYTES ((size_t)1024 * 1024)

bool br_config_parse(const char *text, size_t size, const char *where,
                     const br_config_overrides *overrides, br_config *out_config, char *error,
                     size_t error_size) {
  br_config config = {0};
  bool has_queue_bytes = false;
  br_config_problems problems;
  br_config_problems_init(&problems, where, error, error_size);
  if (br_config_read(text, size, &config, &has_queue_bytes, &problems)) {
    br_config_apply_rules(&config, has_queue_bytes, overrides, &problems);
  }
  if (problems.count > 0) {
    br_config_fini(&config);
    return false;
  }
  *out_config = config;
  return true;
}

bool br_config_load(const char *path, const br_config_overrides *overrides, br_config *out_config,
                    char *error, size_t error_size) {
  if (!path) {
    return br_config_parse((const char *)br_config_demo, br_config_demo_size,
                           "built-in configuration", overrides, out_config, error, error_size);
  }
  char *text = NULL;
  size_t size = 0;
  if (!br_host_read_file(path, FILE_MAX_BYTES, &text, &size, error, error_size)) {
    return false;
  }
  bool parsed = br_config_parse(text, size, path, overrides, out_config, error, error_size);
  free(text);
  return parsed;
}

static void pipe_config_fini(br_pipe_config *pipe) {
  free(pipe->name);
  free(pipe->path);
  free(pipe->upstream);
  free(pipe->source);
  br_config_clients_fini(&pipe->clients);
}

void br_pipe_config_destroy(br_pipe_config *pipe) {
  if (pipe) {
    pipe_config_fini(pipe);
    free(pipe);
  }
}

void br_config_fini(br_config *config) {
  for (size_t index = 0; index < config->pipe_count; index++) {
    pipe_config_fini(&config->pipes[index]);
  }
  free(config->pipes);
  br_config_texts_free(config->http.listen, config->http.listen_count);
  free(config->runtime_dir);
  *config = (br_config){0};
}

bool br_config_prepare_runtime_dir(const br_config *config, bool create, char *error,
                                   size_t error_size) {
  return !config->runtime_dir ||
         br_host_check_runtime_dir(config->runtime_dir, create, error, error_size);
}

const char *br_role_name(br_role role) {
  switch (role) {
  case BR_ROLE_SERVER:
    return "server";
  case BR_ROLE_CLIENT:
    return "client";
  case BR_ROLE_TAP:
    return "tap";
  }
  return "unknown";
}

const char *br_overflow_name(br_overflow overflow) {
  return overflow == BR_OVERFLOW_DROP ? "drop" : "pause";
}

const char *br_reply_name(br_reply reply) {
  switch (reply) {
  case BR_REPLY_NONE:
    return "none";
  case BR_REPLY_ECHO:
    return "echo";
  case BR_REPLY_BROADCAST:
    return "broadcast";
  }
  return "unknown";
}
