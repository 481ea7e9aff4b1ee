/* Batches of injections. HTTP thread.
 *
 * Success: each message is a command under one id; its result is counted by its code.
 * Failures: the command queue is full: the rest is copied once and waits for room; what can never
 * be handed over is counted as the others, by the code of its refusal. */
#include "injection_batch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "injection_target.h"

static void outcome_count(br_batch *batch, br_outcome outcome, uint32_t count) {
  uint32_t index = 0;
  while (index < batch->outcome_count && batch->outcomes[index].outcome.code != outcome.code &&
         strcmp(batch->outcomes[index].outcome.code, outcome.code) != 0) {
    index++;
  }
  if (index == batch->outcome_count) {
    BR_CHECK(index < BR_BATCH_OUTCOMES_MAX);
    batch->outcomes[index] = (br_batch_outcome){.outcome = outcome};
    batch->outcome_count++;
  }
  batch->outcomes[index].count += count;
}

static void unsent_count(br_batch *batch, br_ask_status status, uint32_t count) {
  outcome_count(batch, br_outcome_of_ask(status), count);
  if (!batch->failure[0]) {
    br_outcome_explain_ask(status, batch->failure, sizeof batch->failure);
  }
}

static void refused_count(br_batch *batch, const br_problem *problem) {
  outcome_count(batch, (br_outcome){problem->status, problem->code}, 1);
  if (!batch->failure[0]) {
    (void)snprintf(batch->failure, sizeof batch->failure, "%.300s", problem->detail);
  }
}

/* ---- handing over ---- */

/* False: the queue is full, and the message stays. */
static bool message_send(br_batch *batch, const uint8_t *message, uint32_t size) {
  const br_pipe_info *pipe = br_registry_pipe_at(batch->registry, batch->command.pipe);
  br_problem problem;
  if (pipe && !br_target_takes(pipe->config, size, &problem)) {
    refused_count(batch, &problem);
    return true;
  }
  br_command command = batch->command;
  command.size_bytes = size;
  br_ask_status status = br_ask(batch->asker, &batch->asked, &command, message, batch->by);
  if (status != BR_ASK_OK && status != BR_ASK_FULL) {
    unsent_count(batch, status, 1);
  }
  return status != BR_ASK_FULL;
}

/* Until the queue is full. */
static void batch_advance(br_batch *batch) {
  while (batch->rest.count > 0) {
    br_client_messages after = batch->rest;
    uint32_t size;
    const uint8_t *message = br_client_messages_next(&after, &size);
    if (!message_send(batch, message, size)) {
      return;
    }
    batch->rest = after;
    batch->bytes += size;
  }
}

static void rest_free(br_batch *batch) {
  free(batch->kept);
  batch->kept = NULL;
  batch->rest = (br_client_messages){0};
}

static void on_room(br_ask_waiter *waiter) {
  br_batch *batch = waiter->user;
  batch_advance(batch);
  if (batch->rest.count > 0) {
    br_ask_wait(batch->asker, waiter);
    return;
  }
  rest_free(batch);
  if (br_batch_is_done(batch)) {
    batch->on_end(batch);
  } else {
    batch->on_sent(batch);
  }
}

/* ---- results ---- */

static void on_result(br_asked *asked, const br_result *result) {
  br_batch *batch = asked->user;
  br_outcome outcome = br_outcome_of_result(asked, result);
  outcome_count(batch, outcome, 1);
  batch->last = *result;
  batch->first_seq = batch->first_seq ? batch->first_seq : asked->first_seq;
  batch->last_seq = asked->seq ? asked->seq : batch->last_seq;
  if (outcome.status >= 300 && !batch->failure[0]) {
    const br_pipe_info *pipe = br_registry_pipe_at(batch->registry, asked->pipe);
    br_outcome_explain_result(asked, result, pipe ? pipe->config : NULL, batch->failure,
                              sizeof batch->failure);
  }
  if (br_batch_is_done(batch)) {
    batch->on_end(batch);
  }
}

/* ---- from one end to the other ---- */

void br_batch_begin(br_batch *batch, const br_client_messages *messages) {
  batch->asked.on_result = on_result;
  batch->asked.user = batch;
  batch->waiter.on_room = on_room;
  batch->waiter.user = batch;
  batch->rest = *messages;
  batch_advance(batch);
  if (batch->rest.count == 0) {
    return;
  }
  batch->kept = malloc(batch->rest.size);
  if (!batch->kept) {
    unsent_count(batch, BR_ASK_NO_MEMORY, batch->rest.count);
    rest_free(batch);
    return;
  }
  memcpy(batch->kept, batch->rest.data, batch->rest.size);
  batch->rest.data = batch->kept;
  br_ask_wait(batch->asker, &batch->waiter);
}

void br_batch_cancel(br_batch *batch) {
  br_ask_wait_cancel(batch->asker, &batch->waiter);
  br_ask_cancel(batch->asker, &batch->asked);
  rest_free(batch);
}
