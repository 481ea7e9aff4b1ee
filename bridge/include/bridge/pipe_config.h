/* One pipe's configuration by itself: for pipes that come, or change, while the bridge runs. Any
 * thread, one at a time; looks for users, programs and folders on the machine. */
#ifndef BRIDGE_PIPE_CONFIG_H
#define BRIDGE_PIPE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "bridge/config.h"
#include "web/buffer.h"

/* Reads an object as the configuration's `pipes` has them, on the heap. `base`: what the bridge
 * runs by; it is looked at for the runtime directory, the strategy and the largest message. `name`:
 * the pipe's; the text need not say it, and must not say another. NULL: `error` has a line for each
 * problem, with its place as a JSON pointer. */
br_pipe_config *br_pipe_config_parse(const char *text, size_t size, const char *name,
                                     const br_config *base, char *error, size_t error_size);
/* Another one, made of what `current` was made of, with a JSON merge patch (RFC 7396) in it. */
br_pipe_config *br_pipe_config_patch(const br_pipe_config *current, const char *patch, size_t size,
                                     const br_config *base, char *error, size_t error_size);

typedef enum br_pipe_difference {
  BR_PIPE_SAME,
  BR_PIPE_LIVE, /* only in what may change while there are sessions */
  BR_PIPE_FIXED /* `out_key` names one that may not                 */
} br_pipe_difference;

enum { BR_PIPE_KEY_BYTES = 64 };
br_pipe_difference br_pipe_config_compare(const br_pipe_config *from, const br_pipe_config *to,
                                          char out_key[BR_PIPE_KEY_BYTES]);

/* All that is in effect, as br_pipe_config_parse reads it. */
void br_pipe_config_write(const br_pipe_config *pipe, web_buffer *out);

#endif
