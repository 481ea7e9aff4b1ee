/* What a client of the events' WebSocket says (web/PROTOCOL.md, "Commands"): JSON objects, and
 * injections in binary. Pure but for memory; any thread. */
#ifndef BRIDGE_SRC_CLIENT_COMMAND_H
#define BRIDGE_SRC_CLIENT_COMMAND_H

#include <jansson.h>

#include "filter_parameters.h"
#include "problem.h"
#include "web/buffer.h"

enum {
  BR_CLIENT_ID_MAX_BYTES = 64, /* of a text                                  */
  BR_CLIENT_ID_JSON_BYTES = 6 * BR_CLIENT_ID_MAX_BYTES + 3,
  BR_CLIENT_PIPE_BYTES = 65 /* a name and its NUL                         */
};

typedef enum br_client_command_kind {
  BR_CLIENT_SUBSCRIBE,
  BR_CLIENT_UNSUBSCRIBE,
  BR_CLIENT_PAUSE,
  BR_CLIENT_RESUME,
  BR_CLIENT_INJECT,
  BR_CLIENT_CALL,
  BR_CLIENT_DISCONNECT
} br_client_command_kind;

/* Messages one after the other, each behind its size in four bytes, least significant first. */
typedef struct br_client_messages {
  const uint8_t *data; /* borrowed of what was said, or of the command */
  size_t size;
  uint32_t count;
} br_client_messages;

typedef struct br_client_command {
  char id[BR_CLIENT_ID_JSON_BYTES]; /* as JSON text; "null": there was none that could be read */
  br_client_command_kind kind;
  json_t *members; /* owned; NULL of a binary one */
  /* Of an injection or a call: into one of these two. */
  const char *pipe;
  const char *session;
  const char *direction; /* may be NULL */
  br_client_messages messages;
  bool is_list;       /* there may be none, or many */
  web_buffer decoded; /* owned: the messages of JSON */
  char texts[2][BR_CLIENT_PIPE_BYTES];
} br_client_command;

/* False: `out_problem` says why; the id is set as far as it was understood. Afterwards
 * br_client_command_fini, in either case. What was said must outlive a binary command. */
bool br_client_command_parse(br_client_command *out_command, const uint8_t *data, size_t size,
                             br_problem *out_problem);
bool br_client_command_parse_binary(br_client_command *out_command, const uint8_t *data,
                                    size_t size, br_problem *out_problem);
void br_client_command_fini(br_client_command *command);

/* Its members as texts, numbers among them. */
br_parameters br_client_command_parameters(const br_client_command *command);

/* Takes the first message out of `messages`, which are well-formed and not empty. */
const uint8_t *br_client_messages_next(br_client_messages *messages, uint32_t *out_size);

#endif
