/* Commands as JSON. Pure but for memory.
 *
 * Failures: the first thing that is wrong, in words; nothing of a command is done then. */
#include "client_command.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "json_payload.h"

/* Decoded messages are never larger than what was said, but each has a size in front. */
enum { DECODED_MAX_BYTES = 64 * 1024 * 1024 };

typedef struct command_row {
  const char *name;
  br_client_command_kind kind;
  const char *const *members; /* beside id and command; NULL-ended */
} command_row;

static const char *const no_members[] = {NULL};
static const char *const subscribe_members[] = {"pipe", "session", "direction",     "kind",
                                                "q",    "since",   "max_lag_bytes", NULL};
static const char *const inject_members[] = {"pipe",   "session", "direction", "text",
                                             "base64", "hex",     "messages",  NULL};
static const char *const call_members[] = {"pipe", "session", "direction",  "text", "base64",
                                           "hex",  "answer",  "timeout_ms", NULL};
static const char *const disconnect_members[] = {"session", NULL};

static const command_row commands[] = {
    {"subscribe", BR_CLIENT_SUBSCRIBE, subscribe_members},
    {"unsubscribe", BR_CLIENT_UNSUBSCRIBE, no_members},
    {"pause", BR_CLIENT_PAUSE, no_members},
    {"resume", BR_CLIENT_RESUME, no_members},
    {"inject", BR_CLIENT_INJECT, inject_members},
    {"call", BR_CLIENT_CALL, call_members},
    {"disconnect", BR_CLIENT_DISCONNECT, disconnect_members},
};

/* ---- members ---- */

/* A text without NUL, or NULL. */
static const char *plain_text(const json_t *value) {
  const char *text = json_string_value(value);
  return text && strlen(text) == json_string_length(value) ? text : NULL;
}

static bool id_parse(br_client_command *command, br_problem *out_problem) {
  const json_t *id = json_object_get(command->members, "id");
  bool is_text = json_is_string(id) && json_string_length(id) <= BR_CLIENT_ID_MAX_BYTES;
  if (!is_text && !json_is_integer(id)) {
    return br_problem_set(out_problem, 400, "bad_command",
                          "Each command has an id, a whole number or a text of at most %d bytes; "
                          "the answer has it too.",
                          BR_CLIENT_ID_MAX_BYTES);
  }
  size_t size = json_dumpb(id, command->id, sizeof command->id - 1, JSON_ENCODE_ANY);
  command->id[size] = '\0';
  return true;
}

static const command_row *row_find(const br_client_command *command, br_problem *out_problem) {
  const char *name = plain_text(json_object_get(command->members, "command"));
  for (size_t index = 0; name && index < sizeof commands / sizeof commands[0]; index++) {
    if (strcmp(commands[index].name, name) == 0) {
      return &commands[index];
    }
  }
  (void)br_problem_set(out_problem, 400, "unknown_command",
                       "There is no command \"%.64s\"; there are subscribe, unsubscribe, pause, "
                       "resume, inject, call and disconnect.",
                       name ? name : "");
  return NULL;
}

static bool row_has(const command_row *row, const char *name) {
  if (strcmp(name, "id") == 0 || strcmp(name, "command") == 0) {
    return true;
  }
  for (const char *const *member = row->members; *member; member++) {
    if (strcmp(*member, name) == 0) {
      return true;
    }
  }
  return false;
}

static bool is_number_member(const char *name) {
  static const char *const names[] = {"session", "since", "timeout_ms", "max_lag_bytes"};
  for (size_t index = 0; index < sizeof names / sizeof names[0]; index++) {
    if (strcmp(names[index], name) == 0) {
      return true;
    }
  }
  return false;
}

/* Numbers may be said as numbers: they become texts, so that there is one way to read them. */
static bool member_normalize(json_t *members, const char *name, const json_t *value,
                             br_problem *out_problem) {
  if (strcmp(name, "id") == 0 || strcmp(name, "messages") == 0) {
    return true;
  }
  bool is_number = is_number_member(name);
  if (is_number && json_is_integer(value)) {
    json_t *text = json_sprintf("%" JSON_INTEGER_FORMAT, json_integer_value(value));
    return json_object_set_new(members, name, text) == 0 ||
           br_problem_set(out_problem, 503, "no_memory", "Out of memory; try again.");
  }
  bool is_payload = strcmp(name, "text") == 0;
  if (is_payload ? !json_is_string(value) : !plain_text(value)) {
    return br_problem_set(out_problem, 400, "bad_command", "\"%s\" is a text%s.", name,
                          is_number ? " or a whole number" : "");
  }
  return true;
}

static bool members_check(const br_client_command *command, const command_row *row,
                          br_problem *out_problem) {
  const char *name;
  json_t *value;
  void *next;
  json_object_foreach_safe(command->members, next, name, value) {
    if (!row_has(row, name)) {
      return br_problem_set(out_problem, 400, "unknown_member", "%s has no member \"%.64s\".",
                            row->name, name);
    }
    if (!member_normalize(command->members, name, value, out_problem)) {
      return false;
    }
  }
  return true;
}

static const char *member_get(const void *source, const char *name) {
  return json_string_value(json_object_get(source, name));
}

br_parameters br_client_command_parameters(const br_client_command *command) {
  return (br_parameters){.get = member_get, .source = command->members};
}

/* ---- injections ---- */

static bool message_append(br_client_command *command, const json_t *message,
                           br_problem *out_problem) {
  web_buffer *decoded = &command->decoded;
  size_t start = decoded->size;
  web_buffer_append(decoded, (const uint8_t[4]){0}, 4);
  if (!decoded->failed && !br_json_payload(message, decoded, out_problem)) {
    return false;
  }
  if (decoded->failed) {
    return br_problem_set(out_problem, 503, "no_memory", "Out of memory; try again.");
  }
  size_t size = decoded->size - start - 4;
  for (unsigned byte = 0; byte < 4; byte++) {
    decoded->data[start + byte] = (uint8_t)(size >> (8 * byte));
  }
  command->messages.count++;
  return true;
}

static bool list_append(br_client_command *command, const json_t *list, br_problem *out_problem) {
  static const char *const none[] = {NULL};
  size_t index;
  const json_t *message;
  if (!json_is_array(list)) {
    return br_problem_set(out_problem, 400, "bad_command", "\"messages\" is a list.");
  }
  json_array_foreach(list, index, message) {
    br_problem inner;
    if (!json_is_object(message)) {
      return br_problem_set(out_problem, 400, "bad_payload",
                            "Message %zu is no object as {\"text\":\"…\"}.", index + 1);
    }
    if (!br_json_has_only(message, none, &inner) || !message_append(command, message, &inner)) {
      return br_problem_set(out_problem, inner.status, inner.code, "Message %zu: %.300s", index + 1,
                            inner.detail);
    }
  }
  return true;
}

static bool injection_parse(br_client_command *command, br_problem *out_problem) {
  const json_t *list = json_object_get(command->members, "messages");
  command->pipe = member_get(command->members, "pipe");
  command->session = member_get(command->members, "session");
  command->direction = member_get(command->members, "direction");
  if (!command->pipe == !command->session) {
    return br_problem_set(out_problem, 400, "bad_command",
                          "Say into what: either \"pipe\" or \"session\".");
  }
  command->is_list = list != NULL;
  bool has_payload = json_object_get(command->members, "text") ||
                     json_object_get(command->members, "base64") ||
                     json_object_get(command->members, "hex");
  if (list && has_payload) {
    return br_problem_set(out_problem, 400, "bad_command",
                          "Either one message, or a list of \"messages\".");
  }
  bool is_good = list ? list_append(command, list, out_problem)
                      : message_append(command, command->members, out_problem);
  command->messages.data = command->decoded.data ? command->decoded.data : (const uint8_t *)"";
  command->messages.size = command->decoded.size;
  return is_good;
}

bool br_client_command_parse(br_client_command *out_command, const uint8_t *data, size_t size,
                             br_problem *out_problem) {
  *out_command = (br_client_command){.id = "null"};
  web_buffer_init(&out_command->decoded, DECODED_MAX_BYTES);
  out_command->members = br_json_object(data, size, out_problem);
  if (!out_command->members || !id_parse(out_command, out_problem)) {
    return false;
  }
  const command_row *row = row_find(out_command, out_problem);
  if (!row || !members_check(out_command, row, out_problem)) {
    return false;
  }
  out_command->kind = row->kind;
  if (row->kind == BR_CLIENT_DISCONNECT && !json_object_get(out_command->members, "session")) {
    return br_problem_set(out_problem, 400, "bad_command", "Say which \"session\".");
  }
  bool has_message = row->kind == BR_CLIENT_INJECT || row->kind == BR_CLIENT_CALL;
  return !has_message || injection_parse(out_command, out_problem);
}

void br_client_command_fini(br_client_command *command) {
  json_decref(command->members);
  web_buffer_fini(&command->decoded);
  *command = (br_client_command){0};
}
