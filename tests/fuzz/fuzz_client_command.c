/* Whatever a client of the events' WebSocket says: it is a command, or is refused with a code and a
 * sentence; its id is JSON, and its messages lie in what was said or decoded. The first byte says
 * which kind of message it is. */
#include <jansson.h>
#include <string.h>

#include "client_command.h"
#include "fuzz.h"
#include "web/text.h"

static void check_id(const br_client_command *command) {
  size_t size = strnlen(command->id, sizeof command->id);
  FUZZ_CHECK(size > 0 && size < sizeof command->id);
  if (strspn(command->id, "0123456789") == size) {
    return; /* a binary one has numbers that Jansson does not */
  }
  json_t *id = json_loads(command->id, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
  FUZZ_CHECK(json_is_integer(id) || json_is_string(id) || json_is_null(id));
  json_decref(id);
}

static void check_messages(br_client_messages messages) {
  const uint8_t *end = messages.data + messages.size;
  unsigned sum = 0;
  while (messages.count > 0) {
    uint32_t size;
    const uint8_t *message = br_client_messages_next(&messages, &size);
    FUZZ_CHECK(message + size <= end);
    for (uint32_t index = 0; index < size; index++) {
      sum += message[index]; /* for the sanitizers */
    }
  }
  FUZZ_CHECK(messages.data == end && messages.size == 0 && sum < UINT32_MAX);
}

static void check_members(const br_client_command *command) {
  static const char *const names[] = {"pipe", "session", "direction", "kind", "q", "since"};
  br_parameters members = br_client_command_parameters(command);
  for (size_t index = 0; index < sizeof names / sizeof names[0]; index++) {
    const char *text = members.get(members.source, names[index]);
    FUZZ_CHECK(!text || web_utf8_is_valid((const uint8_t *)text, strlen(text)));
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0) {
    return 0;
  }
  br_client_command command;
  br_problem problem = {0};
  bool is_binary = data[0] & 1;
  bool is_good = is_binary ? br_client_command_parse_binary(&command, data + 1, size - 1, &problem)
                           : br_client_command_parse(&command, data + 1, size - 1, &problem);
  check_id(&command);
  if (!is_good) {
    FUZZ_CHECK(problem.status >= 400 && problem.code[0] && problem.detail[0]);
    FUZZ_CHECK(web_utf8_is_valid((const uint8_t *)problem.detail, strlen(problem.detail)));
  } else if (command.kind == BR_CLIENT_INJECT) {
    FUZZ_CHECK(!command.pipe != !command.session);
    FUZZ_CHECK(command.is_list || command.messages.count == 1);
    check_messages(command.messages);
  } else {
    check_members(&command);
  }
  br_client_command_fini(&command);
  return 0;
}
