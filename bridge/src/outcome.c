/* Results as codes and as English. Pure; any thread. */
#include "outcome.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "web/text.h"

/* One session that has it is a success, whatever became of the others; then what may still become
 * one; then what is worth trying again. */
br_outcome br_outcome_of_result(const br_asked *asked, const br_result *result) {
  if (result->delivered > 0) {
    return (br_outcome){201, "delivered"};
  }
  if (result->queued > 0) {
    return (br_outcome){202, "queued"};
  }
  if (result->removed > 0) {
    return (br_outcome){409, "pipe_removed"};
  }
  if (result->quota > 0) {
    return (br_outcome){429, "queue_full"};
  }
  if (result->no_place > 0) {
    return (br_outcome){409, "no_place"};
  }
  if (result->too_big > 0) {
    return (br_outcome){413, "too_large"};
  }
  return asked->session != 0 ? (br_outcome){409, "session_closed"}
                             : (br_outcome){202, "no_receiver"};
}

br_outcome br_outcome_of_ask(br_ask_status status) {
  switch (status) {
  case BR_ASK_OK:
    return (br_outcome){202, "accepted"};
  case BR_ASK_FULL:
    return (br_outcome){429, "queue_full"};
  case BR_ASK_TOO_BIG:
    return (br_outcome){413, "too_large"};
  case BR_ASK_NO_MEMORY:
    break;
  }
  return (br_outcome){503, "no_memory"};
}

void br_outcome_explain_result(const br_asked *asked, const br_result *result,
                               const br_pipe_config *config, char *out_text, size_t size) {
  if (result->delivered > 0) {
    (void)snprintf(out_text, size, "The kernel has the bytes for %" PRIu32 " of %" PRIu32 ".",
                   result->delivered, result->targets);
  } else if (result->queued > 0) {
    (void)snprintf(out_text, size, "Accepted; it waits until %s.",
                   result->is_away ? "the pipe's server is back" : "the receiver reads");
  } else if (result->removed > 0) {
    (void)snprintf(out_text, size,
                   "The pipe was removed meanwhile; GET /api/v1/pipes lists those "
                   "that there are.");
  } else if (result->quota > 0 && result->is_away) {
    (void)snprintf(out_text, size,
                   "The server of pipe \"%s\" is away, and what is kept for it has reached "
                   "reconnect.max_queued_messages (%u) or max_queued_bytes (%u); try again when it "
                   "is back.",
                   config->name, config->reconnect.max_queued_messages,
                   config->reconnect.max_queued_bytes);
  } else if (result->quota > 0) {
    (void)snprintf(out_text, size,
                   "The write queue of every receiver is full (%" PRIu32 " of %" PRIu32
                   "): they do not read; try again.",
                   result->quota, result->targets);
  } else if (result->no_place > 0) {
    (void)snprintf(out_text, size,
                   "A message was passing in that direction and did not end in time; yours goes "
                   "between two. Try again.");
  } else if (result->too_big > 0) {
    (void)snprintf(out_text, size, "The message has %" PRIu32 " bytes; pipe \"%s\" takes less.",
                   asked->size_bytes, config->name);
  } else if (asked->session != 0) {
    (void)snprintf(out_text, size, "Session %" PRIu64 " is closed.", asked->session);
  } else {
    (void)snprintf(out_text, size, "Nobody is connected to pipe \"%s\".", config->name);
  }
}

void br_outcome_explain_ask(br_ask_status status, char *out_text, size_t size) {
  const char *text = "The bridge is out of memory; try again.";
  if (status == BR_ASK_OK) {
    text = "Handed to the pipe thread; nobody waits for what becomes of it.";
  } else if (status == BR_ASK_FULL) {
    text = "The queue to the pipe thread is full; try again.";
  } else if (status == BR_ASK_TOO_BIG) {
    text = "The message is larger than the queue to the pipe thread takes.";
  }
  (void)snprintf(out_text, size, "%s", text);
}

void br_problem_of_result(const br_asked *asked, const br_result *result,
                          const br_pipe_config *config, br_problem *out_problem) {
  br_outcome outcome = br_outcome_of_result(asked, result);
  char detail[BR_OUTCOME_TEXT_BYTES];
  br_outcome_explain_result(asked, result, config, detail, sizeof detail);
  (void)br_problem_set(out_problem, outcome.status, outcome.code, "%s", detail);
}

void br_problem_of_ask(br_ask_status status, br_problem *out_problem) {
  br_outcome outcome = br_outcome_of_ask(status);
  char detail[BR_OUTCOME_TEXT_BYTES];
  br_outcome_explain_ask(status, detail, sizeof detail);
  (void)br_problem_set(out_problem, outcome.status, outcome.code, "%s", detail);
}

/* ---- as JSON ---- */

static uint8_t *write_text(uint8_t *cursor, const char *text) {
  size_t size = strlen(text);
  memcpy(cursor, text, size);
  return cursor + size;
}

static uint8_t *write_number(uint8_t *cursor, const char *key, uint64_t value) {
  return web_json_write_u64(write_text(cursor, key), value);
}

void br_outcome_append(web_buffer *out, const br_asked *asked, const br_result *result,
                       const char *pipe_name) {
  enum { KEYS_BYTES = 160, NUMBERS = 8 };
  const char *code = br_outcome_of_result(asked, result).code;
  uint8_t *start = web_buffer_reserve(out, KEYS_BYTES + NUMBERS * WEB_U64_BOUND + strlen(code) +
                                               strlen(pipe_name));
  if (!start) {
    return;
  }
  uint8_t *cursor = write_number(start, "\"seq\":", asked->seq);
  cursor = write_text(write_text(cursor, ",\"result\":\""), code);
  cursor = write_text(write_text(cursor, "\",\"pipe\":\""), pipe_name);
  cursor = write_number(cursor, "\",\"session\":", asked->session);
  cursor = write_number(cursor, ",\"bytes\":", asked->size_bytes);
  cursor = write_number(cursor, ",\"targets\":", result->targets);
  cursor = write_number(cursor, ",\"delivered\":", result->delivered);
  cursor = write_number(cursor, ",\"queued\":", result->queued);
  cursor = write_number(cursor, ",\"refused\":", br_result_refused(result));
  cursor = write_number(cursor, ",\"microseconds\":", result->microseconds);
  web_buffer_commit(out, (size_t)(cursor - start));
}
