/* Injections into a pipe whose server is away: kept in order up to the pipe's bounds, and written
 * before any other once it is back. Pipe thread.
 *
 * Success: each is answered `queued` at once, and announced (`injected`) when a session accepts it.
 * Failures: the bounds are reached (refused, counted, and told once until the queue was empty
 * again); no memory for one that was kept (told as lost); the bridge stops first (likewise). */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "pipes_private.h"

static void away_publish(const pipe_entry *pipe) {
  const away_queue *away = &pipe->client.away;
  br_count_set(&pipe->link->queued.messages, away->count);
  br_count_set(&pipe->link->queued.bytes, away->bytes);
}

bool br_away_is_needed(const pipe_entry *pipe) {
  return pipe->client.away.first || !pipe->first || !pc_session_is_open(pipe->first->session);
}

static void away_refuse(pipe_entry *pipe, const br_command *command) {
  away_queue *away = &pipe->client.away;
  br_count_add(&pipe->counters->refused, 1);
  if (away->refused_count++ == 0) {
    br_emit_error(pipe->owner, pipe->index, 0,
                  "message of %" PRIu32 " bytes to pipe %s refused: its server is away and %" PRIu32
                  " messages of %" PRIu64 " bytes wait for it already; start the server, or raise "
                  "reconnect.max_queued_messages and max_queued_bytes",
                  command->size_bytes, pipe->config->name, away->count, away->bytes);
  }
  br_injection_answer(pipe->owner, command, (br_result){.targets = 1, .quota = 1, .is_away = 1});
}

/* As a write queue does, an empty one takes any message. */
static bool away_has_room(const pipe_entry *pipe, uint32_t size_bytes) {
  const away_queue *away = &pipe->client.away;
  const br_reconnect_config *limits = &pipe->config->reconnect;
  return away->count < limits->max_queued_messages &&
         (away->count == 0 || away->bytes + size_bytes <= limits->max_queued_bytes);
}

void br_away_append(pipe_entry *pipe, const br_command *command) {
  away_queue *away = &pipe->client.away;
  away_message *message = away_has_room(pipe, command->size_bytes)
                              ? malloc(sizeof *message + br_command_tail_bytes(command))
                              : NULL;
  if (!message) {
    away_refuse(pipe, command);
    return;
  }
  *message = (away_message){
      .command_id = command->id, .size_bytes = command->size_bytes, .by_bytes = command->by_bytes};
  memcpy(message->data, br_command_payload(command), br_command_tail_bytes(command));
  *(away->last ? &away->last->next : &away->first) = message;
  away->last = message;
  away->count++;
  away->bytes += command->size_bytes;
  away_publish(pipe);
  br_injection_answer(pipe->owner, command, (br_result){.targets = 1, .queued = 1, .is_away = 1});
}

static void away_pop(pipe_entry *pipe) {
  away_queue *away = &pipe->client.away;
  away_message *message = away->first;
  away->first = message->next;
  away->count--;
  away->bytes -= message->size_bytes;
  if (!away->first) {
    *away = (away_queue){0};
  }
  free(message);
  away_publish(pipe);
}

void br_away_deliver(pipe_entry *pipe) {
  const away_queue *away = &pipe->client.away;
  while (away->first && pipe->first) {
    const away_message *message = away->first;
    br_command command = {.id = message->command_id,
                          .session = pipe->first->id,
                          .pipe = pipe->index,
                          .size_bytes = message->size_bytes,
                          .by_bytes = message->by_bytes};
    pc_status status = br_injection_deliver(pipe->first, &command, message->data);
    if (status == PC_E_QUOTA || status == PC_E_NOT_CONNECTED) {
      return; /* the rest when something was written, or to the next session */
    }
    if (status != PC_OK) {
      br_traffic_add(&pipe->counters->lost, message->size_bytes);
      br_emit_error(pipe->owner, pipe->index, pipe->first->id,
                    "message of %" PRIu32
                    " bytes that waited for pipe %s is lost: %s; send it again",
                    message->size_bytes, pipe->config->name, pc_status_text(status));
    }
    away_pop(pipe);
  }
}

void br_away_give_up(pipe_entry *pipe) {
  const away_queue *away = &pipe->client.away;
  if (!away->first) {
    return;
  }
  br_emit_error(pipe->owner, pipe->index, 0,
                "%" PRIu32 " messages of %" PRIu64
                " bytes that waited for pipe %s are lost: %s and its server is away",
                away->count, away->bytes, pipe->config->name,
                pipe->is_removed ? "it is removed" : "the bridge stops");
  while (away->first) {
    br_traffic_add(&pipe->counters->lost, away->first->size_bytes);
    away_pop(pipe);
  }
}
