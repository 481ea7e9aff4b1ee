/* Any text is a configuration or is refused with a terminated, bounded error; both release what
 * they took. */
#include <string.h>

#include "bridge/config.h"
#include "fuzz.h"

static void accepted_is_within_limits(const br_config *config) {
  FUZZ_CHECK(config->http.listen_count > 0);
  for (size_t index = 0; index < config->pipe_count; index++) {
    const br_pipe_config *pipe = &config->pipes[index];
    FUZZ_CHECK(pipe->name && pipe->path && pipe->path[0] == '/');
    FUZZ_CHECK(pipe->limits.max_message_bytes >= pc_limits_min.max_message_bytes);
    FUZZ_CHECK(pipe->limits.max_message_bytes <= config->events.queue_bytes / 4);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const br_config_overrides overrides = {.runtime_dir = "/run/fuzz"};
  char error[512];
  br_config config;
  if (br_config_parse((const char *)data, size, "fuzz", &overrides, &config, error, sizeof error)) {
    accepted_is_within_limits(&config);
    br_config_fini(&config);
  } else {
    FUZZ_CHECK(error[0] != '\0' && memchr(error, '\0', sizeof error));
  }
  return 0;
}
