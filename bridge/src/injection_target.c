/* Pipes, sessions and directions by their names. HTTP thread; pure but for the registry. */
#include "injection_target.h"

#include <string.h>

bool br_api_parse_u64(const char *text, uint64_t *out_value) {
  uint64_t value = 0;
  for (const char *at = text; *at; at++) {
    unsigned digit = (unsigned)(unsigned char)*at - '0';
    if (digit > 9 || value > (UINT64_MAX - digit) / 10) {
      return false;
    }
    value = value * 10 + digit;
  }
  if (!*text) {
    return false;
  }
  *out_value = value;
  return true;
}

const br_pipe_info *br_target_pipe(const br_registry *registry, const char *name,
                                   uint16_t *out_index, br_problem *out_problem) {
  const br_pipe_info *pipe = br_registry_pipe(registry, name, out_index);
  if (!pipe) {
    (void)br_problem_set(out_problem, 404, "pipe_not_found",
                         "There is no pipe \"%s\"; GET /api/v1/pipes lists them.", name);
  }
  return pipe;
}

void br_target_no_session(const char *id, br_problem *out_problem) {
  (void)br_problem_set(out_problem, 404, "session_not_found",
                       "There is no session \"%s\"; GET /api/v1/sessions lists the open ones.", id);
}

const br_session_info *br_target_session(const br_registry *registry, const char *id,
                                         br_problem *out_problem) {
  uint64_t number = 0;
  bool is_number = br_api_parse_u64(id, &number);
  const br_session_info *session = is_number ? br_registry_session(registry, number) : NULL;
  if (session) {
    return session;
  }
  if (is_number && br_registry_was_session(registry, number)) {
    (void)br_problem_set(out_problem, 409, "session_closed", "Session %s is closed.", id);
  } else {
    br_target_no_session(id, out_problem);
  }
  return NULL;
}

br_direction br_api_direction_said(const br_pipe_config *config) {
  if (config->access == PC_ACCESS_INBOUND || config->role == BR_ROLE_TAP) {
    return BR_DIRECTION_NONE;
  }
  return config->role == BR_ROLE_CLIENT ? BR_DIRECTION_C2S : BR_DIRECTION_S2C;
}

static br_direction direction_parse(const char *text) {
  static const br_direction directions[] = {BR_DIRECTION_C2S, BR_DIRECTION_S2C};
  for (size_t index = 0; text && index < sizeof directions / sizeof directions[0]; index++) {
    if (strcmp(text, br_direction_name((uint8_t)directions[index])) == 0) {
      return directions[index];
    }
  }
  return BR_DIRECTION_NONE;
}

/* A tap has no end of its own, so who asks must say. */
bool br_target_direction(const br_pipe_config *config, const char *direction, br_command *command,
                         br_problem *out_problem) {
  br_direction said = br_api_direction_said(config);
  br_direction asked = direction_parse(direction);
  if (config->access == PC_ACCESS_INBOUND) {
    return br_problem_set(out_problem, 409, "pipe_inbound",
                          "Pipe \"%s\" is inbound: processes write to it and the bridge reads; "
                          "nothing can be sent into it.",
                          config->name);
  }
  if (said == BR_DIRECTION_NONE && asked == BR_DIRECTION_NONE) {
    return br_problem_set(out_problem, 400,
                          direction ? "direction_not_possible" : "direction_needed",
                          "Pipe \"%s\" is a tap: say direction=c2s (to the upstream) or "
                          "direction=s2c (to the client).",
                          config->name);
  }
  if (said != BR_DIRECTION_NONE && direction && asked != said) {
    return br_problem_set(out_problem, 400, "direction_not_possible",
                          "The bridge is the %s of pipe \"%s\": it can only send %s, not \"%s\".",
                          br_role_name(config->role), config->name,
                          br_direction_name((uint8_t)said), direction);
  }
  command->kind = BR_COMMAND_INJECT;
  command->direction = (uint8_t)(said == BR_DIRECTION_NONE ? asked : said);
  return true;
}

bool br_target_takes(const br_pipe_config *config, size_t size_bytes, br_problem *out_problem) {
  if (size_bytes == 0 && config->type == PC_TYPE_BYTE && config->framing == PC_FRAMING_NONE) {
    return br_problem_set(out_problem, 400, "empty_message",
                          "Pipe \"%s\" is of bytes without framing: an empty message would be "
                          "nothing at all, and nothing was sent.",
                          config->name);
  }
  return size_bytes <= config->limits.max_message_bytes ||
         br_problem_set(out_problem, 413, "too_large",
                        "The message has %zu bytes; pipe \"%s\" takes %u "
                        "(limits.max_message_bytes).",
                        size_bytes, config->name, config->limits.max_message_bytes);
}
