/* Any text is a pipe or is refused with a terminated, bounded error, and so is any patch of it;
 * what is accepted is written so that it is read as the same. The input: the pipe, then, behind a
 * NUL, a patch. */
#include <string.h>

#include "bridge/pipe_config.h"
#include "fuzz.h"

static const br_config base = {.runtime_dir = (char *)"/run/fuzz",
                               .events = {.queue_bytes = 1 << 22, .max_message_bytes = 1 << 20}};

static void error_is_told(const char *error, size_t size) {
  FUZZ_CHECK(error[0] != '\0' && memchr(error, '\0', size));
}

static void is_read_as_the_same(const br_pipe_config *pipe) {
  char error[512] = "";
  char key[BR_PIPE_KEY_BYTES];
  web_buffer text;
  web_buffer_init(&text, 1 << 22);
  FUZZ_CHECK(pipe->limits.max_message_bytes <= base.events.max_message_bytes);
  br_pipe_config_write(pipe, &text);
  FUZZ_CHECK(!text.failed);
  br_pipe_config *again = br_pipe_config_parse((const char *)text.data, text.size, pipe->name,
                                               &base, error, sizeof error);
  FUZZ_CHECK(again && br_pipe_config_compare(pipe, again, key) == BR_PIPE_SAME);
  br_pipe_config_destroy(again);
  web_buffer_fini(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char error[512] = "";
  const char *text = (const char *)data;
  const char *end = size ? memchr(text, '\0', size) : NULL;
  size_t text_size = end ? (size_t)(end - text) : size;
  br_pipe_config *pipe = br_pipe_config_parse(text, text_size, "fuzz", &base, error, sizeof error);
  if (!pipe) {
    error_is_told(error, sizeof error);
    return 0;
  }
  is_read_as_the_same(pipe);
  if (end) {
    br_pipe_config *patched =
        br_pipe_config_patch(pipe, end + 1, size - text_size - 1, &base, error, sizeof error);
    if (patched) {
      char key[BR_PIPE_KEY_BYTES] = "";
      is_read_as_the_same(patched);
      bool is_fixed = br_pipe_config_compare(pipe, patched, key) == BR_PIPE_FIXED;
      FUZZ_CHECK(is_fixed == (key[0] != '\0'));
      br_pipe_config_destroy(patched);
    } else {
      error_is_told(error, sizeof error);
    }
  }
  br_pipe_config_destroy(pipe);
  return 0;
}
