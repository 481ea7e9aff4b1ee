/* Instances: random calls on a few server's and client's ends of one pipe, against a model
 * (instance_model.h): answers, bytes and their order, boundaries, states, what may wait and what
 * may not, each end of an operation exactly once, routines in alertable waits only. Input: type and
 * kind of progress, then two bytes for each step: what, and which end with how many bytes. */
#include <string.h>
#include <unistd.h>

#include "instance_model.h"

enum { STEPS_MAX = 200 };

static char folder[] = "/tmp/pipecore-fuzz-XXXXXX";
static char path[64];

static void folder_remove(void) {
  rmdir(folder);
}

static void folder_create(void) {
  if (path[0] == '\0') {
    FUZZ_CHECK(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/pipe", folder);
    atexit(folder_remove);
  }
}

static const uint32_t sizes[] = {0,    1,    2,    3,     10,    100,   1000,  4096,
                                 4097, 9000, 5000, 20000, 30000, 40000, 60000, MESSAGE_MAX};

typedef struct one_step {
  unsigned action;
  bool has_routine;
  model_end *end;
  uint32_t size;
} one_step;

/* ---- coming and going ---- */

static void step_create(model_state *model, model_end *end) {
  if (end->instance) {
    return;
  }
  if (end->is_server) {
    pc_pipe_options options = {.path = path,
                               .type = model->type,
                               .read_mode = model->type,
                               .out_quota_bytes = 4096,
                               .in_quota_bytes = 4096,
                               .security = {.uid = -1, .gid = -1}};
    FUZZ_CHECK(pc_instance_create(&options, &end->instance, NULL) == PC_OK);
    server_listen(model, end);
  } else if (model->backlog_count < BACKLOG_MAX) {
    pc_status status = pc_instance_open(path, model->type, 1000, &end->instance);
    FUZZ_CHECK(status == (server_count(model) > 0 ? PC_OK : PC_E_NOT_FOUND));
    if (status == PC_OK) {
      client_add(model, end);
    }
  }
  end->is_message_mode = model->type == PC_TYPE_MESSAGE;
}

static void step_close(model_state *model, model_end *end) {
  pc_instance_close(end->instance);
  end_leave(model, end, PC_E_ABORTED);
}

static void step_disconnect(model_state *model, model_end *end) {
  pc_status expected = !end->is_server                          ? PC_E_INVALID_ARG
                       : end->state == PC_INSTANCE_LISTENING    ? PC_E_LISTENING
                       : end->state == PC_INSTANCE_DISCONNECTED ? PC_E_NOT_CONNECTED
                                                                : PC_OK;
  FUZZ_CHECK(pc_instance_disconnect(end->instance) == expected);
  if (expected == PC_OK) {
    end_leave(model, end, PC_E_NOT_CONNECTED);
  }
}

static void step_connect(model_state *model, model_end *end) {
  if (!end->is_server || end->connects.count == PENDING_MAX) {
    return;
  }
  model_operation *operation = operation_create(CONNECT, false, 0);
  pc_status status = pc_instance_connect(end->instance, &operation->overlapped);
  bool is_new = end->state == PC_INSTANCE_DISCONNECTED;
  if (is_new) {
    server_listen(model, end);
  }
  if (end->state == PC_INSTANCE_LISTENING) {
    FUZZ_CHECK(status == PC_PENDING);
  } else if (end->is_presented && is_other_gone(end)) {
    FUZZ_CHECK(status == PC_E_BROKEN);
  } else {
    FUZZ_CHECK(status == PC_OK);
    end->is_presented = true;
  }
  operation_begun(model, end, operation, status);
}

/* ---- bytes ---- */

/* What a call answers before it looks at bytes; PC_OK: it does. */
static pc_status end_answer(const model_end *end) {
  return end->link                             ? PC_OK
         : end->state == PC_INSTANCE_LISTENING ? PC_E_LISTENING
                                               : PC_E_NOT_CONNECTED;
}

static pc_status read_expect(const model_state *model, const model_end *end) {
  pc_status answer = end_answer(end);
  if (answer != PC_OK || end->reads.count > 0) {
    return answer == PC_OK ? PC_PENDING : answer;
  }
  const model_chunk *chunk = stream_in(end)->first;
  bool is_glued = model->type == PC_TYPE_MESSAGE && !end->is_message_mode;
  while (is_glued && chunk && chunk->size == 0) {
    chunk = chunk->next;
  }
  if (!chunk) {
    return is_other_gone(end) ? PC_E_BROKEN : PC_PENDING;
  }
  return PC_OK;
}

static void step_read(model_state *model, const one_step *step) {
  model_end *end = step->end;
  if (end->reads.count == PENDING_MAX) {
    return;
  }
  pc_status expected = read_expect(model, end);
  model_operation *operation = operation_create(READ, step->has_routine, step->size);
  pc_overlapped *overlapped = &operation->overlapped;
  uint32_t bytes;
  pc_status status = step->has_routine ? pc_instance_read_ex(end->instance, operation->data,
                                                             step->size, overlapped, model_routine)
                                       : pc_instance_read(end->instance, operation->data,
                                                          step->size, &bytes, overlapped);
  FUZZ_CHECK(status == expected || (expected == PC_OK && status == PC_MORE_DATA));
  if (status == PC_E_BROKEN) {
    empty_messages_skip(model, end);
  }
  operation_begun(model, end, operation, status);
}

static pc_status write_expect(const model_state *model, const model_end *end, uint32_t size) {
  pc_status answer = end_answer(end);
  bool is_nothing = model->type == PC_TYPE_BYTE && size == 0;
  if (answer == PC_OK && end->writes.count == 0 && !is_nothing && is_other_gone(end)) {
    return PC_E_BROKEN;
  }
  return answer;
}

/* PC_OK or PC_PENDING, where the model expects that it begins. */
static void write_check(const model_end *end, pc_status expected, pc_status status) {
  if (expected < 0) {
    FUZZ_CHECK(status == expected);
  } else if (end->writes.count > 0) {
    FUZZ_CHECK(status == PC_PENDING);
  } else {
    FUZZ_CHECK(status == PC_OK || status == PC_PENDING);
  }
}

static void write_prepare(model_state *model, model_end *end, model_operation *operation,
                          uint8_t *data) {
  uint32_t seed = ++model->seed;
  for (uint32_t index = 0; index < operation->size; index++) {
    data[index] = model_byte(seed, index);
  }
  if (end->link && (operation->size > 0 || model->type == PC_TYPE_MESSAGE)) {
    operation->chunk = stream_append(stream_out(end), seed, operation->size);
  }
}

static void step_write(model_state *model, const one_step *step) {
  model_end *end = step->end;
  if (end->writes.count == PENDING_MAX) {
    return;
  }
  pc_status expected = write_expect(model, end, step->size);
  model_operation *operation = operation_create(WRITE, step->has_routine, step->size);
  write_prepare(model, end, operation, operation->data);
  pc_overlapped *overlapped = &operation->overlapped;
  uint32_t bytes;
  pc_status status = step->has_routine ? pc_instance_write_ex(end->instance, operation->data,
                                                              step->size, overlapped, model_routine)
                                       : pc_instance_write(end->instance, operation->data,
                                                           step->size, &bytes, overlapped);
  write_check(end, expected, status);
  operation_begun(model, end, operation, status);
}

/* Blocking, where the model knows that it will not. */
static void step_block(model_state *model, const one_step *step) {
  static uint8_t data[MESSAGE_MAX];
  model_end *end = step->end;
  uint32_t bytes = 0;
  if (read_expect(model, end) == PC_E_BROKEN || end_answer(end) != PC_OK) {
    FUZZ_CHECK(pc_instance_read(end->instance, data, step->size, &bytes, NULL) ==
               read_expect(model, end));
    empty_messages_skip(model, end);
    return;
  }
  bool is_empty = !stream_out(end)->first && !is_other_gone(end);
  if (is_empty && (step->size > 0 || model->type == PC_TYPE_MESSAGE) && step->size <= 4096) {
    model_operation size_only = {.size = step->size};
    write_prepare(model, end, &size_only, data);
    FUZZ_CHECK(pc_instance_write(end->instance, data, step->size, &bytes, NULL) == PC_OK);
    FUZZ_CHECK(bytes == step->size);
  }
}

static void step_transact(model_state *model, const one_step *step) {
  model_end *end = step->end;
  if (end->writes.count > 0 || (end->link && stream_out(end)->first) || step->size > 4096) {
    return; /* it shall be written at once */
  }
  pc_status expected = end_answer(end);
  if (expected == PC_OK) {
    bool has_input = stream_in(end)->first != NULL;
    expected = !end->is_message_mode               ? PC_E_BAD_MODE
               : end->reads.count > 0 || has_input ? PC_E_BUSY
               : is_other_gone(end)                ? PC_E_BROKEN
                                                   : PC_PENDING;
  }
  model_operation request = {.size = step->size};
  model_operation *operation = operation_create(READ, false, 1000);
  operation->request = malloc(step->size + 1);
  FUZZ_CHECK(operation->request);
  write_prepare(model, end, &request, operation->request);
  uint32_t bytes;
  pc_status status = pc_instance_transact(end->instance, operation->request, step->size,
                                          operation->data, 1000, &bytes, &operation->overlapped);
  FUZZ_CHECK(status == expected);
  if (status < 0 && request.chunk) {
    stream_remove(stream_out(end), request.chunk);
  }
  operation_begun(model, end, operation, status);
}

/* ---- what changes nothing, and cancel ---- */

static void step_peek(const model_state *model, const one_step *step) {
  static uint8_t data[MESSAGE_MAX];
  uint32_t bytes = 0;
  uint32_t available = 0;
  uint32_t left = 0;
  pc_status status =
      pc_instance_peek(step->end->instance, data, step->size, &bytes, &available, &left);
  pc_status expected = end_answer(step->end);
  const model_chunk *chunk = expected == PC_OK ? stream_in(step->end)->first : NULL;
  if (expected == PC_OK && !chunk && is_other_gone(step->end)) {
    expected = PC_E_BROKEN;
  }
  FUZZ_CHECK(status == expected);
  uint64_t written = 0;
  uint64_t total = 0;
  for (const model_chunk *each = chunk; each; each = each->next) {
    total += each->size - each->read;
    written += each->is_pending ? 0 : each->size - each->read;
  }
  FUZZ_CHECK(available >= written && available <= total && bytes <= step->size);
  if (model->type == PC_TYPE_MESSAGE && step->end->is_message_mode && chunk) {
    FUZZ_CHECK(bytes + left == chunk->size - chunk->read && (left == 0 || bytes == step->size));
  }
  uint32_t offset = chunk ? chunk->read : 0;
  for (uint32_t index = 0; index < bytes; index++) {
    while (offset == chunk->size) {
      chunk = chunk->next;
      FUZZ_CHECK(chunk);
      offset = 0;
    }
    FUZZ_CHECK(data[index] == model_byte(chunk->seed, offset++));
  }
}

static void step_flush(const model_end *end) {
  pc_status status = pc_instance_flush(end->instance, 0);
  if (!end->link) {
    FUZZ_CHECK(status == PC_OK);
  } else if (is_other_gone(end)) {
    FUZZ_CHECK(status == PC_OK || status == PC_E_BROKEN);
  } else {
    FUZZ_CHECK(status == (stream_out(end)->first ? PC_E_TIMEOUT : PC_OK));
  }
}

static void step_mode(const model_state *model, model_end *end) {
  if (model->type == PC_TYPE_BYTE) {
    FUZZ_CHECK(pc_instance_set_read_mode(end->instance, PC_TYPE_MESSAGE) == PC_E_INVALID_ARG);
  } else if (end->reads.count == 0) {
    end->is_message_mode = !end->is_message_mode;
    pc_type mode = end->is_message_mode ? PC_TYPE_MESSAGE : PC_TYPE_BYTE;
    FUZZ_CHECK(pc_instance_set_read_mode(end->instance, mode) == PC_OK);
  }
}

static void step_cancel_one(model_state *model, model_end *end, model_queue *queue,
                            unsigned index) {
  if (queue->count == 0) {
    pc_overlapped never = {.event = NULL};
    FUZZ_CHECK(pc_instance_cancel(end->instance, &never) == PC_E_NOT_FOUND);
    return;
  }
  index %= queue->count;
  pc_overlapped *overlapped = &queue->all[index]->overlapped;
  FUZZ_CHECK(pc_instance_cancel(end->instance, overlapped) == PC_OK);
  FUZZ_CHECK(pc_instance_cancel(end->instance, overlapped) == PC_E_NOT_FOUND);
  operation_cancelled(model, end, queue, index);
}

static void step_cancel_all(model_state *model, model_end *end) {
  model_queue *queues[] = {&end->connects, &end->reads, &end->writes};
  unsigned count = end->connects.count + end->reads.count + end->writes.count;
  FUZZ_CHECK(pc_instance_cancel(end->instance, NULL) == (count > 0 ? PC_OK : PC_E_NOT_FOUND));
  for (int index = 0; index < 3; index++) {
    while (queues[index]->count > 0) {
      operation_cancelled(model, end, queues[index], 0);
    }
  }
}

/* ---- */

static void step_take(model_state *model, const one_step *step) {
  model_end *end = step->end;
  if (!end->instance) {
    step_create(model, end);
    return;
  }
  switch (step->action) {
  case 0:
    step_close(model, end);
    break;
  case 1:
    step_disconnect(model, end);
    break;
  case 2:
    step_connect(model, end);
    break;
  case 3:
  case 4:
    step_read(model, step);
    break;
  case 5:
  case 6:
    step_write(model, step);
    break;
  case 7:
    step_block(model, step);
    break;
  case 8:
    step_transact(model, step);
    break;
  case 9:
    step_peek(model, step);
    break;
  case 10:
    step_flush(end);
    break;
  case 11:
    step_mode(model, end);
    break;
  case 12:
    step_cancel_one(model, end, step->has_routine ? &end->reads : &end->writes, step->size);
    break;
  case 13:
    step_cancel_all(model, end);
    break;
  default:
    model_wait(model);
    break;
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 1) {
    return 0;
  }
  folder_create();
  model_state model = {.type = data[0] & 1 ? PC_TYPE_MESSAGE : PC_TYPE_BYTE,
                       .asks_results = (data[0] & 2) != 0};
  for (int index = 0; index < SERVERS_MAX; index++) {
    model.ends[index].is_server = true;
  }
  for (size_t place = 1; place + 1 < size && place < 2 * STEPS_MAX; place += 2) {
    one_step step = {.action = data[place] & 15,
                     .has_routine = (data[place] & 16) != 0,
                     .end = &model.ends[(data[place] >> 5) % ENDS_MAX],
                     .size = sizes[data[place + 1] & 15]};
    step_take(&model, &step);
    model_settle(&model);
  }
  for (int index = ENDS_MAX; index-- > 0;) {
    if (model.ends[index].instance) {
      step_close(&model, &model.ends[index]);
    }
  }
  model_wait(&model);
  FUZZ_CHECK(access(path, F_OK) != 0);
  return 0;
}
