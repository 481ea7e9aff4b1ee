/* Writing by overlapped operations. The loop's thread.
 *
 * Success: at the end of the turn each part at the front of the queue, of messages each message, is
 * one write of the instance; the first that does not end at once is waited for, if nothing went
 * before it, else taken back for the next time. A message in several parts is put together first;
 * if it has to wait, in memory of its own. Failures: those of the instance end the operation,
 * PC_E_BROKEN among them; no memory for a message to wait in. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "overlapped.h"

/* Bytes to be written by one call. */
typedef struct write_part {
  const uint8_t *data;
  size_t size_bytes;
  bool is_assembled; /* in memory that the next write uses too */
} write_part;

/* ---- the submit list ---- */

static void submit_add(overlapped_channel *channel) {
  pc_backend_state *state = channel->state;
  PC_CHECK(!channel->is_listed);
  channel->is_listed = true;
  channel->submit_next = NULL;
  channel->submit_previous = state->submit_last;
  *(state->submit_last ? &state->submit_last->submit_next : &state->submit_first) = channel;
  state->submit_last = channel;
}

static void submit_remove(overlapped_channel *channel) {
  pc_backend_state *state = channel->state;
  overlapped_channel *previous = channel->submit_previous;
  overlapped_channel *next = channel->submit_next;
  channel->is_listed = false;
  *(previous ? &previous->submit_next : &state->submit_first) = next;
  *(next ? &next->submit_previous : &state->submit_last) = previous;
}

/* ---- one write of the instance ---- */

static void write_end(overlapped_channel *channel, pc_status status, size_t bytes,
                      uint32_t messages) {
  pc_write *write = channel->write;
  channel->write = NULL;
  free(channel->copy);
  channel->copy = NULL;
  write->bytes = bytes;
  write->messages = messages;
  pc_loop_complete(channel->state->loop, &write->operation, status);
}

/* The next part, from `*index` of the spans, which moves on. */
static write_part part_next(const overlapped_channel *channel, const pc_span *spans,
                            unsigned *index) {
  const pc_span *first = &spans[(*index)++];
  write_part part = {.data = first->data, .size_bytes = first->size_bytes};
  if (channel->type == PC_TYPE_BYTE || first->is_message_end) {
    return part;
  }
  uint8_t *assembly = channel->state->assembly;
  part.data = assembly;
  part.size_bytes = 0;
  part.is_assembled = true;
  for (const pc_span *span = first;; span = &spans[(*index)++]) {
    memcpy(assembly + part.size_bytes, span->data, span->size_bytes);
    part.size_bytes += span->size_bytes;
    if (span->is_message_end) {
      return part;
    }
  }
}

static pc_status part_issue(overlapped_channel *channel, write_part part) {
  uint32_t ignored;
  overlapped_call *call = &channel->output;
  return pc_overlapped_call_issued(call, pc_instance_write(channel->instance, part.data,
                                                           (uint32_t)part.size_bytes, &ignored,
                                                           &call->record));
}

/* Takes a write back that is out; what it moved already is counted. */
static pc_status output_take_back(overlapped_channel *channel, size_t *bytes, uint32_t *messages) {
  uint32_t done = 0;
  (void)!pc_instance_cancel(channel->instance, &channel->output.record);
  pc_status status = pc_overlapped_call_result(&channel->output, &done);
  *bytes += done;
  *messages += status == PC_OK && channel->type == PC_TYPE_MESSAGE;
  return *bytes > 0 || *messages > 0 ? PC_OK : status;
}

/* A message that has to wait gets memory of its own. */
static pc_status copy_issue(overlapped_channel *channel, write_part part) {
  channel->copy = malloc(part.size_bytes);
  if (!channel->copy) {
    return PC_E_NO_MEMORY;
  }
  memcpy(channel->copy, part.data, part.size_bytes);
  part.data = channel->copy;
  return part_issue(channel, part);
}

/* ---- what the queue has ---- */

static void write_try(overlapped_channel *channel) {
  PC_CHECK(channel->write);
  pc_span spans[OVERLAPPED_WRITE_SPANS];
  unsigned count = pc_write_queue_gather(channel->write->queue, spans, OVERLAPPED_WRITE_SPANS,
                                         OVERLAPPED_WRITE_BATCH);
  uint32_t one = channel->type == PC_TYPE_MESSAGE;
  pc_status status = PC_OK;
  size_t bytes = 0;
  uint32_t messages = 0;
  for (unsigned index = 0; index < count && status == PC_OK;) {
    write_part part = part_next(channel, spans, &index);
    bool is_first = bytes == 0 && messages == 0;
    status = part_issue(channel, part);
    if (status == PC_PENDING && (part.is_assembled || !is_first)) {
      status = output_take_back(channel, &bytes, &messages);
      if (status != PC_E_ABORTED) {
        break;
      }
      status = copy_issue(channel, part);
    }
    if (status == PC_PENDING) {
      return; /* pc_overlapped_on_output goes on */
    }
    if (status == PC_OK) {
      bytes += part.size_bytes;
      messages += one;
    }
  }
  /* What went is told first; a failure behind it is met again. */
  write_end(channel, bytes > 0 || messages > 0 ? PC_OK : status, bytes, messages);
}

void pc_overlapped_submit(pc_backend_state *state, bool waits_next) {
  (void)waits_next;
  while (state->submit_first) {
    overlapped_channel *channel = state->submit_first;
    submit_remove(channel);
    write_try(channel);
  }
}

void pc_overlapped_write(pc_channel *opaque, pc_write *write) {
  overlapped_channel *channel = pc_overlapped_channel_of(opaque);
  PC_CHECK(channel->write == NULL);
  pc_loop_issue(channel->state->loop, &write->operation, channel);
  channel->write = write;
  submit_add(channel);
}

/* ---- the end ---- */

void pc_overlapped_on_output(overlapped_call *call) {
  overlapped_channel *channel = PC_CONTAINER_OF(call, overlapped_channel, output);
  uint32_t bytes = 0;
  pc_status status = pc_overlapped_call_result(call, &bytes);
  uint32_t messages = status == PC_OK && channel->type == PC_TYPE_MESSAGE;
  write_end(channel, bytes > 0 ? PC_OK : status, bytes, messages);
}

void pc_overlapped_write_cancel(overlapped_channel *channel) {
  if (channel->is_listed) {
    submit_remove(channel);
    write_end(channel, PC_E_ABORTED, 0, 0);
  } else {
    (void)!pc_instance_cancel(channel->instance, &channel->output.record); /* its event tells */
  }
}

void pc_overlapped_write_abort(overlapped_channel *channel) {
  pc_overlapped_write_cancel(channel);
  if (channel->write) {
    channel->output.is_out = false;
    pc_overlapped_on_output(&channel->output);
  }
}
