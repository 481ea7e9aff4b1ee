/* Reading and writing by the fake backend, and the end of a connection. The loop's thread.
 *
 * Each read shows its bytes in fresh memory that is freed before the next one, so that a sanitizer
 * sees who keeps a view. Failures: those on order; a closed reader (PC_E_BROKEN); no memory. */
#include <stdlib.h>
#include <string.h>

#include "../src/check.h"
#include "fake_private.h"

enum { READ_BYTES = 64 * 1024, LITTLE_BYTES = 4096 };

static fake_end *end_of(pc_channel *channel) {
  return (fake_end *)(void *)channel;
}

/* ---- the end ---- */

static void connection_release(fake_connection *connection) {
  if (!connection->client.is_closed || !connection->server.is_closed) {
    return;
  }
  fake_connection **link = &connection->state->connections;
  while (*link != connection) {
    link = &(*link)->next;
  }
  *link = connection->next;
  free(connection->client.details);
  free(connection->server.details);
  free(connection);
}

void pc_fake_end_close(fake_end *end) {
  end->other->input.is_ended = true;
  end->input.is_broken = true;
  end->is_closed = true;
  pc_fake_pipe_clear(&end->input);
  connection_release(end->connection);
}

/* ---- reading ---- */

void pc_fake_viewed_free(pc_backend_state *state) {
  while (state->viewed) {
    fake_node *next = state->viewed->next;
    free(state->viewed);
    state->viewed = next;
  }
}

static void view_add(pc_backend_state *state, fake_node *node, pc_view *view, uint32_t limit) {
  node->next = state->viewed;
  state->viewed = node;
  *view = (pc_view){.data = node->data + node->begin,
                    .size_bytes = node->size < limit ? (uint32_t)node->size : limit,
                    .message_bytes = (uint32_t)node->size,
                    .is_message_end = node->size <= limit};
}

static bool bytes_view(fake_end *end) {
  pc_backend_state *state = end->connection->state;
  size_t limit =
      atomic_load_explicit(end->read->is_little, memory_order_relaxed) ? LITTLE_BYTES : READ_BYTES;
  size_t size = end->input.bytes < limit ? end->input.bytes : limit;
  fake_node *node = malloc(sizeof *node + size);
  if (!node) {
    return false;
  }
  *node = (fake_node){.size = pc_fake_pipe_read(&end->input, node->data, size)};
  view_add(state, node, &state->views[0], UINT32_MAX);
  return true;
}

static uint32_t messages_view(fake_end *end) {
  pc_backend_state *state = end->connection->state;
  uint32_t most = atomic_load_explicit(end->read->is_little, memory_order_relaxed)
                      ? 1
                      : sizeof state->views / sizeof state->views[0];
  uint32_t count = 0;
  while (count < most && end->input.first) {
    view_add(state, pc_fake_pipe_take(&end->input), &state->views[count++], end->max_message_bytes);
  }
  return count;
}

static bool read_perform(pc_operation *operation) {
  fake_end *end = operation->target;
  pc_backend_state *state = end->connection->state;
  pc_read *read = end->read;
  pc_fake_viewed_free(state);
  read->views = state->views;
  read->view_count = 0;
  operation->status = PC_OK;
  if (pc_fake_failure_take(state, FAKE_READ, &operation->status)) {
    end->read = NULL;
    return true;
  }
  if (end->input.first && end->connection->type == PC_TYPE_MESSAGE) {
    read->view_count = messages_view(end);
  } else if (end->input.first) {
    operation->status = bytes_view(end) ? PC_OK : PC_E_NO_MEMORY;
    read->view_count = operation->status == PC_OK;
  } else if (end->input.is_ended) {
    state->views[read->view_count++] = (pc_view){.is_message_end = true, .is_eof = true};
  } else {
    return false;
  }
  end->read = NULL;
  return true;
}

void pc_fake_channel_read(pc_channel *channel, pc_read *read) {
  fake_end *end = end_of(channel);
  PC_CHECK(end->read == NULL);
  pc_loop_issue(end->connection->state->loop, &read->operation, end);
  end->read = read;
}

/* ---- writing ---- */

static void write_end(fake_end *end, pc_status status) {
  pc_write *write = end->write;
  end->write = NULL;
  pc_loop_complete(end->connection->state->loop, &write->operation, status);
}

/* Puts what fits of the spans of one message, or of one span of a stream; false: it is full. */
static bool spans_put(fake_end *end, const pc_span *spans, unsigned count) {
  bool is_stream = end->connection->type == PC_TYPE_BYTE;
  size_t size = 0;
  for (unsigned index = 0; index < count; index++) {
    size += spans[index].size_bytes;
  }
  size_t room = pc_fake_pipe_room(&end->other->input, end->connection->state->capacity_bytes, size,
                                  is_stream);
  if (room < size && (room == 0 || !is_stream)) {
    return false;
  }
  uint8_t *bytes = malloc(room + 1);
  size_t filled = 0;
  for (unsigned index = 0; bytes && index < count; index++) {
    size_t part = spans[index].size_bytes;
    part = part < room - filled ? part : room - filled;
    memcpy(bytes + filled, spans[index].data, part);
    filled += part;
  }
  bool is_put = bytes && pc_fake_pipe_put(&end->other->input, bytes, room);
  free(bytes);
  end->write->bytes += is_put ? room : 0;
  end->write->messages += is_put && !is_stream;
  return is_put && room == size;
}

static void write_try(fake_end *end) {
  pc_status status;
  if (pc_fake_failure_take(end->connection->state, FAKE_WRITE, &status)) {
    if (status != PC_AGAIN) {
      write_end(end, status);
    }
    return;
  }
  if (end->other->input.is_broken) {
    write_end(end, PC_E_BROKEN);
    return;
  }
  pc_span spans[PC_WRITE_SPANS_MIN];
  unsigned count = pc_write_queue_gather(end->write->queue, spans, PC_WRITE_SPANS_MIN, 8);
  unsigned begin = 0;
  bool has_room = true;
  for (unsigned index = 0; index < count && has_room; index++) {
    if (spans[index].is_message_end || end->connection->type == PC_TYPE_BYTE) {
      has_room = spans_put(end, spans + begin, index + 1 - begin);
      begin = index + 1;
    }
  }
  if (end->write->bytes > 0 || end->write->messages > 0 || count == 0) {
    write_end(end, PC_OK);
  }
}

void pc_fake_channel_submit(fake_end *end) {
  if (end->write) {
    write_try(end);
  }
}

void pc_fake_channel_write(pc_channel *channel, pc_write *write) {
  fake_end *end = end_of(channel);
  PC_CHECK(end->write == NULL);
  pc_loop_issue(end->connection->state->loop, &write->operation, end);
  write->bytes = 0;
  write->messages = 0;
  end->write = write;
}

/* ---- both ---- */

void pc_fake_channel_cancel(pc_channel *channel, pc_operation *operation) {
  fake_end *end = end_of(channel);
  pc_loop *loop = end->connection->state->loop;
  if (end->read && operation == &end->read->operation) {
    end->read = NULL;
    pc_loop_abort(loop, operation);
  } else if (end->write && operation == &end->write->operation) {
    end->write = NULL;
    pc_loop_abort(loop, operation);
  }
}

void pc_fake_channel_close(pc_channel *channel, pc_close *close_operation) {
  fake_end *end = end_of(channel);
  pc_loop *loop = end->connection->state->loop;
  pc_loop_issue(loop, &close_operation->operation, NULL);
  if (end->read) {
    pc_fake_channel_cancel(channel, &end->read->operation);
  }
  if (end->write) {
    pc_fake_channel_cancel(channel, &end->write->operation);
  }
  pc_fake_end_close(end);
  pc_loop_complete(loop, &close_operation->operation, PC_OK);
}

void pc_fake_channel_end_output(pc_channel *channel) {
  fake_end *end = end_of(channel);
  PC_CHECK(end->write == NULL);
  end->other->input.is_ended = true;
}

void pc_fake_channel_wait(fake_end *end) {
  pc_backend_state *state = end->connection->state;
  if (end->read && end->read->operation.state == PC_OPERATION_PENDING &&
      (end->input.first || end->input.is_ended || state->failures[FAKE_READ].count > 0)) {
    pc_loop_complete_by(state->loop, &end->read->operation, read_perform);
  }
}

void pc_fake_channel_describe(pc_channel *channel, uint32_t parts, pc_peer_details *out_details) {
  const pc_peer_details *details = end_of(channel)->other->details;
  memset(out_details, 0, sizeof *out_details);
  if (details) {
    *out_details = *details;
    out_details->known &= parts;
  }
}
