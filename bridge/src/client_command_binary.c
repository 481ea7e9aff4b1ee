/* Injections in binary, byte by byte in web/PROTOCOL.md. Pure.
 *
 * Failures: a header that is none, sizes that do not add up: found before anything is injected. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client_command.h"
#include "feed_binary.h"

enum { HEADER_BYTES = 32, SIZE_BYTES = 4 };

static uint32_t get_u32(const uint8_t *at) {
  return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static uint64_t get_u64(const uint8_t *at) {
  return get_u32(at) | (uint64_t)get_u32(at + 4) << 32;
}

const uint8_t *br_client_messages_next(br_client_messages *messages, uint32_t *out_size) {
  const uint8_t *message = messages->data + SIZE_BYTES;
  *out_size = get_u32(messages->data);
  messages->data = message + *out_size;
  messages->size -= SIZE_BYTES + *out_size;
  messages->count--;
  return message;
}

/* Whether they are as many as are announced, and nothing is left over. */
static bool messages_check(const br_client_messages *messages, br_problem *out_problem) {
  size_t left = messages->size;
  const uint8_t *at = messages->data;
  for (uint32_t number = 1; number <= messages->count; number++) {
    if (left < SIZE_BYTES || left - SIZE_BYTES < get_u32(at)) {
      return br_problem_set(out_problem, 400, "bad_command",
                            "Message %" PRIu32 " of %" PRIu32 " is cut off: %zu bytes are left.",
                            number, messages->count, left);
    }
    size_t size = SIZE_BYTES + get_u32(at);
    at += size;
    left -= size;
  }
  return left == 0 || br_problem_set(out_problem, 400, "bad_command",
                                     "%zu bytes follow the last of %" PRIu32 " messages.", left,
                                     messages->count);
}

static bool direction_parse(br_client_command *command, uint8_t direction,
                            br_problem *out_problem) {
  if (direction > BR_DIRECTION_S2C) {
    return br_problem_set(out_problem, 400, "bad_command",
                          "The direction, byte 2, is 0 (not said), 1 (c2s) or 2 (s2c).");
  }
  command->direction = direction == BR_DIRECTION_NONE ? NULL : br_direction_name(direction);
  return true;
}

/* Returns the bytes of the pipe's name; SIZE_MAX: refused. */
static size_t target_parse(br_client_command *command, const uint8_t *data, size_t size,
                           br_problem *out_problem) {
  uint64_t session = get_u64(data + 16);
  size_t name_bytes = get_u32(data + 24);
  if ((session == 0) == (name_bytes == 0)) {
    (void)br_problem_set(out_problem, 400, "bad_command",
                         "Say into what: either the session or the name of a pipe.");
    return SIZE_MAX;
  }
  if (name_bytes >= sizeof command->texts[0] || name_bytes > size - HEADER_BYTES ||
      memchr(data + HEADER_BYTES, '\0', name_bytes)) {
    (void)br_problem_set(out_problem, 400, "bad_command",
                         "A pipe's name has at most %zu bytes, none of them zero.",
                         sizeof command->texts[0] - 1);
    return SIZE_MAX;
  }
  if (session != 0) {
    (void)snprintf(command->texts[1], sizeof command->texts[1], "%" PRIu64, session);
    command->session = command->texts[1];
  } else {
    memcpy(command->texts[0], data + HEADER_BYTES, name_bytes);
    command->pipe = command->texts[0];
  }
  return name_bytes;
}

bool br_client_command_parse_binary(br_client_command *out_command, const uint8_t *data,
                                    size_t size, br_problem *out_problem) {
  *out_command = (br_client_command){.id = "null", .kind = BR_CLIENT_INJECT, .is_list = true};
  if (size < HEADER_BYTES || data[0] != BR_BINARY_VERSION || data[1] != BR_BINARY_INJECT) {
    return br_problem_set(out_problem, 400, "bad_command",
                          "A binary message begins with version %d, type %d (inject) and the rest "
                          "of %d bytes of header.",
                          BR_BINARY_VERSION, BR_BINARY_INJECT, HEADER_BYTES);
  }
  (void)snprintf(out_command->id, sizeof out_command->id, "%" PRIu64, get_u64(data + 8));
  if (data[3] != 0 || get_u32(data + 28) != 0) {
    return br_problem_set(out_problem, 400, "bad_command",
                          "Bytes 3 and 28 to 31 are reserved, and 0.");
  }
  if (!direction_parse(out_command, data[2], out_problem)) {
    return false;
  }
  size_t name_bytes = target_parse(out_command, data, size, out_problem);
  if (name_bytes == SIZE_MAX) {
    return false;
  }
  out_command->messages = (br_client_messages){.data = data + HEADER_BYTES + name_bytes,
                                               .size = size - HEADER_BYTES - name_bytes,
                                               .count = get_u32(data + 4)};
  return messages_check(&out_command->messages, out_problem);
}
