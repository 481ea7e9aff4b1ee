/* See instance_model.h. */
#include "instance_model.h"

#include <string.h>

enum { QUIET_ROUNDS = 3 };

static model_state *model_of_routines; /* there is one */

uint8_t model_byte(uint32_t seed, uint32_t index) {
  return (uint8_t)(seed * 31 + index * 7 + (index >> 8));
}

/* ---- streams ---- */

model_stream *stream_in(const model_end *end) {
  return end->is_server ? &end->link->to_server : &end->link->to_client;
}

model_stream *stream_out(const model_end *end) {
  return end->is_server ? &end->link->to_client : &end->link->to_server;
}

bool is_other_gone(const model_end *end) {
  return end->is_server ? end->link->is_client_gone : end->link->is_server_gone;
}

model_chunk *stream_append(model_stream *stream, uint32_t seed, uint32_t size) {
  model_chunk *chunk = calloc(1, sizeof *chunk);
  FUZZ_CHECK(chunk);
  *chunk = (model_chunk){.seed = seed, .size = size};
  model_chunk **place = &stream->first;
  while (*place) {
    place = &(*place)->next;
  }
  *place = chunk;
  return chunk;
}

void stream_remove(model_stream *stream, model_chunk *chunk) {
  model_chunk **place = &stream->first;
  while (*place != chunk) {
    FUZZ_CHECK(*place);
    place = &(*place)->next;
  }
  *place = chunk->next;
  chunk->is_out = true;
  if (!chunk->is_pending) {
    free(chunk);
  }
}

static void stream_clear(model_stream *stream) {
  while (stream->first) {
    stream_remove(stream, stream->first);
  }
}

/* Takes bytes off the front, which must be these. */
static void stream_take(model_stream *stream, const uint8_t *data, uint32_t size) {
  for (uint32_t done = 0; done < size;) {
    model_chunk *chunk = stream->first;
    FUZZ_CHECK(chunk);
    uint32_t part = chunk->size - chunk->read;
    part = part < size - done ? part : size - done;
    for (uint32_t index = 0; index < part; index++) {
      FUZZ_CHECK(data[done + index] == model_byte(chunk->seed, chunk->read + index));
    }
    done += part;
    chunk->read += part;
    if (chunk->read == chunk->size) {
      stream_remove(stream, chunk);
    }
  }
}

/* ---- ends ---- */

unsigned server_count(const model_state *model) {
  unsigned count = 0;
  for (int index = 0; index < SERVERS_MAX; index++) {
    count += model->ends[index].instance != NULL;
  }
  return count;
}

static void link_release(model_link *link) {
  if (--link->references == 0) {
    stream_clear(&link->to_server);
    stream_clear(&link->to_client);
    free(link);
  }
}

/* The client that came first gets the end that has listened longest. */
static void model_match(model_state *model) {
  while (model->listening_count > 0 && model->backlog_count > 0) {
    model_end *end = model->listening[0];
    end->link = model->backlog[0]; /* and the reference to it */
    end->state = PC_INSTANCE_CONNECTED;
    end->is_presented = end->connects.count > 0;
    memmove(&model->listening[0], &model->listening[1],
            --model->listening_count * sizeof model->listening[0]);
    memmove(&model->backlog[0], &model->backlog[1],
            --model->backlog_count * sizeof model->backlog[0]);
  }
}

void client_add(model_state *model, model_end *end) {
  model_link *link = calloc(1, sizeof *link);
  FUZZ_CHECK(link && model->backlog_count < BACKLOG_MAX);
  link->references = 2;
  end->link = link;
  end->state = PC_INSTANCE_CONNECTED;
  model->backlog[model->backlog_count++] = link;
  model_match(model);
}

void server_listen(model_state *model, model_end *end) {
  end->state = PC_INSTANCE_LISTENING;
  model->listening[model->listening_count++] = end;
  model_match(model);
}

static void listening_remove(model_state *model, const model_end *end) {
  unsigned kept = 0;
  for (unsigned index = 0; index < model->listening_count; index++) {
    model->listening[kept] = model->listening[index];
    kept += model->listening[index] != end;
  }
  model->listening_count = kept;
}

static void link_leave(model_end *end) {
  model_link *link = end->link;
  if (link) {
    *(end->is_server ? &link->is_server_gone : &link->is_client_gone) = true;
    stream_clear(stream_in(end));
    end->link = NULL;
    link_release(link);
  }
}

/* With the last server's end the endpoint goes, and who waited there. */
static void backlog_clear(model_state *model) {
  for (unsigned index = 0; index < model->backlog_count; index++) {
    model->backlog[index]->is_server_gone = true;
    stream_clear(&model->backlog[index]->to_server);
    link_release(model->backlog[index]);
  }
  model->backlog_count = 0;
}

/* ---- operations ---- */

model_operation *operation_create(operation_kind kind, bool has_routine, uint32_t size) {
  model_operation *operation = calloc(1, sizeof *operation);
  FUZZ_CHECK(operation);
  operation->kind = kind;
  operation->has_routine = has_routine;
  operation->size = size;
  operation->data = malloc(size > 0 ? size : 1);
  FUZZ_CHECK(operation->data);
  if (!has_routine) {
    FUZZ_CHECK(pc_event_create(size % 2 == 0, &operation->overlapped.event) == PC_OK);
  }
  return operation;
}

void operation_free(model_operation *operation) {
  pc_event_destroy(operation->overlapped.event);
  free(operation->request);
  free(operation->data);
  free(operation);
}

void model_routine(pc_status status, uint32_t bytes, pc_overlapped *overlapped) {
  model_operation *operation = (model_operation *)overlapped;
  FUZZ_CHECK(model_of_routines->is_waiting && !operation->is_told);
  operation->is_told = true;
  operation->status = status;
  operation->bytes = bytes;
}

/* The result goes into the streams. */
static void read_apply(model_state *model, model_end *end, const model_operation *operation) {
  if (operation->status != PC_OK && operation->status != PC_MORE_DATA) {
    FUZZ_CHECK(operation->bytes == 0);
    return;
  }
  model_stream *stream = stream_in(end);
  FUZZ_CHECK(operation->bytes <= operation->size && stream->first);
  if (model->type == PC_TYPE_BYTE) {
    FUZZ_CHECK(operation->status == PC_OK && (operation->bytes > 0) == (operation->size > 0));
    stream_take(stream, operation->data, operation->bytes);
  } else if (end->is_message_mode) {
    uint32_t left = stream->first->size - stream->first->read;
    bool is_part = left > operation->size;
    FUZZ_CHECK(operation->status == (is_part ? PC_MORE_DATA : PC_OK));
    FUZZ_CHECK(operation->bytes == (is_part ? operation->size : left));
    if (left == 0) {
      stream_remove(stream, stream->first);
    }
    stream_take(stream, operation->data, operation->bytes);
  } else { /* messages of no bytes are nothing: gone over before, and behind while there was room */
    FUZZ_CHECK(operation->status == PC_OK && (operation->bytes > 0 || operation->size == 0));
    for (uint32_t done = 0; stream->first;) {
      uint32_t left = stream->first->size - stream->first->read;
      uint32_t room = operation->bytes - done;
      uint32_t part = left < room ? left : room;
      if (left > 0 && room == 0) {
        break;
      }
      if (left == 0) {
        if (done > 0 && done == operation->size) {
          break;
        }
        stream_remove(stream, stream->first);
        continue;
      }
      stream_take(stream, operation->data + done, part);
      done += part;
    }
  }
}

static void write_apply(model_state *model, model_end *end, model_operation *operation) {
  model_chunk *chunk = operation->chunk;
  if (!chunk) {
    return; /* no bytes to a stream are nothing */
  }
  bool is_whole = operation->status == PC_OK;
  FUZZ_CHECK(operation->bytes == operation->size || !is_whole);
  FUZZ_CHECK(operation->bytes <= operation->size);
  chunk->is_pending = false;
  if (chunk->is_out) {
    free(chunk); /* all of it is read, or its reader is gone */
  } else if (!is_whole) {
    FUZZ_CHECK(operation->bytes >= chunk->read);
    FUZZ_CHECK(model->type == PC_TYPE_BYTE || operation->bytes == 0);
    chunk->size = operation->bytes;
    if (chunk->read == chunk->size) {
      stream_remove(stream_out(end), chunk);
    }
  }
}

/* Its record has the result. */
static void operation_apply(model_state *model, model_end *end, model_operation *operation) {
  uint32_t bytes = 0;
  pc_status status = pc_overlapped_result(&operation->overlapped, 0, &bytes);
  FUZZ_CHECK(status != PC_PENDING);
  if (operation->has_routine && operation->is_told) {
    FUZZ_CHECK(operation->status == status && operation->bytes == bytes);
  }
  if (!operation->has_routine) {
    FUZZ_CHECK(pc_event_is_set(operation->overlapped.event));
  }
  operation->status = status;
  operation->bytes = bytes;
  operation->is_over = true;
  if (operation->kind == READ) {
    read_apply(model, end, operation);
  } else if (operation->kind == WRITE) {
    write_apply(model, end, operation);
  } else {
    FUZZ_CHECK(bytes == 0);
  }
  if (operation->has_routine && !operation->is_told) {
    operation->next = model->untold;
    model->untold = operation;
  } else {
    operation_free(operation);
  }
}

static model_queue *queue_of(model_end *end, const model_operation *operation) {
  return operation->kind == CONNECT ? &end->connects
         : operation->kind == READ  ? &end->reads
                                    : &end->writes;
}

static model_operation *queue_take(model_queue *queue, unsigned index) {
  model_operation *operation = queue->all[index];
  queue->count--;
  memmove(&queue->all[index], &queue->all[index + 1],
          (queue->count - index) * sizeof queue->all[0]);
  return operation;
}

void operation_begun(model_state *model, model_end *end, model_operation *operation,
                     pc_status status) {
  model_queue *queue = queue_of(end, operation);
  if (status < 0) {
    if (operation->chunk) {
      stream_remove(stream_out(end), operation->chunk);
    }
    operation_free(operation);
  } else if (status == PC_PENDING) {
    if (operation->chunk) {
      operation->chunk->is_pending = true;
    }
    queue->all[queue->count++] = operation;
  } else {
    FUZZ_CHECK(queue->count == 0 || operation->kind == CONNECT);
    FUZZ_CHECK(pc_overlapped_status(&operation->overlapped) == status);
    operation_apply(model, end, operation);
  }
}

void operation_cancelled(model_state *model, model_end *end, model_queue *queue, unsigned index) {
  model_operation *operation = queue_take(queue, index);
  FUZZ_CHECK(pc_overlapped_status(&operation->overlapped) == PC_E_ABORTED);
  operation_apply(model, end, operation);
}

static void queue_end(model_state *model, model_end *end, model_queue *queue, pc_status why) {
  while (queue->count > 0) {
    model_operation *operation = queue_take(queue, 0);
    FUZZ_CHECK(pc_overlapped_status(&operation->overlapped) == why);
    operation_apply(model, end, operation);
  }
}

void end_leave(model_state *model, model_end *end, pc_status why) {
  queue_end(model, end, &end->connects, why);
  queue_end(model, end, &end->reads, why);
  queue_end(model, end, &end->writes, why);
  link_leave(end);
  listening_remove(model, end);
  end->state = PC_INSTANCE_DISCONNECTED;
  if (why == PC_E_ABORTED) {
    end->instance = NULL;
    if (end->is_server && server_count(model) == 0) {
      backlog_clear(model);
    }
  }
}

/* ---- progress ---- */

static bool operation_is_over(const model_state *model, const model_operation *operation) {
  return model->asks_results      ? pc_overlapped_status(&operation->overlapped) != PC_PENDING
         : operation->has_routine ? operation->is_told
                                  : pc_event_is_set(operation->overlapped.event);
}

/* In order: the first ones, and none behind one that pends. */
static bool queue_advance(model_state *model, model_end *end, model_queue *queue) {
  bool is_changed = false;
  while (queue->count > 0 && operation_is_over(model, queue->all[0])) {
    operation_apply(model, end, queue_take(queue, 0));
    is_changed = true;
  }
  return is_changed;
}

void empty_messages_skip(const model_state *model, model_end *end) {
  if (end->link && model->type == PC_TYPE_MESSAGE && !end->is_message_mode) {
    model_stream *stream = stream_in(end);
    while (stream->first && stream->first->size == 0 && !stream->first->is_pending) {
      stream_remove(stream, stream->first);
    }
  }
}

static void end_check(model_state *model, model_end *end) {
  pc_instance_info info;
  pc_instance_get_info(end->instance, &info);
  bool is_closing = end->link && is_other_gone(end);
  FUZZ_CHECK(info.state == (is_closing ? PC_INSTANCE_CLOSING : end->state));
  FUZZ_CHECK(end->connects.count == 0 || end->state == PC_INSTANCE_LISTENING);
  if (!end->link) {
    FUZZ_CHECK(end->reads.count == 0 && end->writes.count == 0);
    return;
  }
  if (end->reads.count > 0) {
    empty_messages_skip(model, end);
  }
  const model_chunk *in = stream_in(end)->first;
  const model_chunk *out = stream_out(end)->first;
  bool has_input = in && !in->is_pending;
  FUZZ_CHECK(end->reads.count == 0 || (!has_input && !is_closing));
  FUZZ_CHECK(end->writes.count == 0 || (out && !is_closing));
  if (end->writes.count > 0 && model->type == PC_TYPE_MESSAGE) {
    FUZZ_CHECK(!out->is_pending); /* else there is room for it */
  }
}

/* One that reads and one that writes cannot both wait. */
static void streams_check(const model_state *model) {
  for (int server = 0; server < SERVERS_MAX; server++) {
    const model_end *end = &model->ends[server];
    for (int client = SERVERS_MAX; end->link && client < ENDS_MAX; client++) {
      const model_end *other = &model->ends[client];
      if (other->link == end->link) {
        FUZZ_CHECK(end->reads.count == 0 || other->writes.count == 0);
        FUZZ_CHECK(end->writes.count == 0 || other->reads.count == 0);
      }
    }
  }
}

static bool ends_advance(model_state *model) {
  bool is_changed = false;
  for (int index = 0; index < ENDS_MAX; index++) {
    model_end *end = &model->ends[index];
    if (end->instance) {
      pc_instance_info info; /* makes an end that listens take its client */
      pc_instance_get_info(end->instance, &info);
      is_changed |= queue_advance(model, end, &end->connects);
      is_changed |= queue_advance(model, end, &end->reads);
      is_changed |= queue_advance(model, end, &end->writes);
    }
  }
  return is_changed;
}

/* One wait may move bytes and end nothing: the next one sees what that made possible. */
void model_settle(model_state *model) {
  for (unsigned quiet = 0; quiet < QUIET_ROUNDS; quiet++) {
    if (!model->asks_results) {
      model_wait(model);
    }
    if (ends_advance(model)) {
      quiet = 0;
    }
  }
  for (int index = 0; index < ENDS_MAX; index++) {
    if (model->ends[index].instance) {
      end_check(model, &model->ends[index]);
    }
  }
  streams_check(model);
}

void model_wait(model_state *model) {
  model_of_routines = model;
  pc_status status;
  do {
    model->is_waiting = true;
    status = pc_wait(NULL, 0, 0, true, NULL);
    model->is_waiting = false;
  } while (status == PC_COMPLETION);
  FUZZ_CHECK(status == PC_E_TIMEOUT);
  while (model->untold) {
    model_operation *operation = model->untold;
    FUZZ_CHECK(operation->is_told);
    model->untold = operation->next;
    operation_free(operation);
  }
}
