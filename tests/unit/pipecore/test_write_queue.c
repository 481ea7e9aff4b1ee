/* The write queue beside a model: what is gathered and popped is what was appended, within every
 * bound. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/write_queue.h"

/* ---- a model: all bytes that were appended, and where messages end ---- */

enum { MODEL_BYTES = 5 << 18, MODEL_MESSAGES = 4096 };

typedef struct queue_model {
  pc_write_queue queue;
  pc_chunk_pool pool;
  uint8_t bytes[MODEL_BYTES];
  size_t begin; /* taken up to here    */
  size_t end;   /* appended up to here */
  uint32_t sizes[MODEL_MESSAGES];
  size_t offsets[MODEL_MESSAGES]; /* in bytes */
  bool is_attached[MODEL_MESSAGES];
  unsigned attached;
  unsigned released;
  unsigned first; /* message not popped             */
  unsigned taken; /* message type: not taken        */
  unsigned last;
  size_t popped_bytes;
} queue_model;

/* An attachment that knows its message. */
typedef struct model_attachment {
  pc_attachment base;
  queue_model *model;
} model_attachment;

static void model_attachment_release(pc_attachment *attachment) {
  model_attachment *attached = (model_attachment *)attachment;
  attached->model->released++;
  free(attached);
}

static pc_attachment *model_attachment_create(queue_model *model) {
  model_attachment *attached = calloc(1, sizeof *attached);
  assert_non_null(attached);
  *attached =
      (model_attachment){.base = {.release = model_attachment_release, .count = 2}, .model = model};
  model->attached++;
  return &attached->base;
}

static queue_model *model_create(bool is_stream) {
  queue_model *model = calloc(1, sizeof *model);
  assert_non_null(model);
  pc_write_queue_init(&model->queue, is_stream);
  return model;
}

static void model_destroy(queue_model *model) {
  uint64_t tag;
  while (pc_write_queue_pop_any(&model->queue, &model->pool, &tag)) {
    assert_int_equal(tag, model->first++);
  }
  assert_int_equal(model->first, model->last);
  assert_int_equal(model->queue.bytes, 0);
  assert_int_equal(model->released, model->attached);
  assert_int_equal(model->queue.attached_count, 0);
  assert_int_equal(model->pool.borrowed_count, 0); /* an empty queue holds nothing */
  pc_chunk_pool_fini(&model->pool);
  free(model);
}

static void model_append_attached(queue_model *model, uint32_t size, uint32_t seed,
                                  bool is_attached) {
  uint8_t *at = model->bytes + model->end;
  assert_true(model->end + size <= MODEL_BYTES && model->last < MODEL_MESSAGES);
  for (uint32_t index = 0; index < size; index++) {
    seed = seed * 1664525u + 1013904223u;
    at[index] = (uint8_t)(seed >> 24);
  }
  uint32_t head = size < 3 ? size : 3;
  uint32_t tail = size - head < 2 ? size - head : 2;
  pc_write_message message = {.parts = {at, at + head, at + size - tail},
                              .part_bytes = {head, size - head - tail, tail},
                              .tag = model->last,
                              .attachment = is_attached ? model_attachment_create(model) : NULL};
  assert_true(pc_write_queue_append(&model->queue, &model->pool, &message));
  model->offsets[model->last] = model->end;
  model->is_attached[model->last] = is_attached;
  model->sizes[model->last++] = size;
  model->end += size;
}

static void model_append(queue_model *model, uint32_t size, uint32_t seed) {
  model_append_attached(model, size, seed, false);
}

/* What is gathered begins with the message of an attachment and ends with it, or has no such
 * beginning. */
static void model_check_attachment(const queue_model *model, size_t size, unsigned messages) {
  bool is_stream = model->queue.is_stream;
  bool is_at_front = false;
  for (unsigned index = model->first; index < model->last; index++) {
    if (!model->is_attached[index] || index < model->taken) {
      continue;
    }
    size_t distance = model->offsets[index] - model->begin;
    bool is_untaken = is_stream ? model->offsets[index] >= model->begin : true;
    if (is_untaken && (is_stream ? distance == 0 : index == model->taken)) {
      is_at_front = true;
      assert_true(size <= model->sizes[index] && messages <= 1);
    } else if (is_untaken) {
      assert_true(is_stream ? size <= distance : model->taken + messages <= index);
    }
  }
  assert_int_equal(pc_write_queue_attachment(&model->queue) != NULL, is_at_front);
}

/* What is gathered is what comes next. Returns its bytes; `*out_messages` counts the whole ones. */
static size_t model_gather(queue_model *model, unsigned max, unsigned max_messages,
                           unsigned *out_messages) {
  pc_span spans[64];
  unsigned count = pc_write_queue_gather(&model->queue, spans, max, max_messages);
  assert_true(count <= max);
  size_t size = 0;
  size_t message_bytes = 0;
  *out_messages = 0;
  for (unsigned index = 0; index < count; index++) {
    assert_memory_equal(spans[index].data, model->bytes + model->begin + size,
                        spans[index].size_bytes);
    size += spans[index].size_bytes;
    message_bytes += spans[index].size_bytes;
    if (spans[index].is_message_end) {
      assert_int_equal(message_bytes, model->sizes[model->taken + (*out_messages)++]);
      message_bytes = 0;
    }
  }
  assert_true(model->queue.is_stream || message_bytes == 0); /* whole messages only */
  model_check_attachment(model, size, *out_messages);
  return size;
}

static void model_take(queue_model *model, size_t bytes, unsigned messages) {
  pc_write_queue_take(&model->queue, &model->pool, bytes, messages);
  model->begin += bytes;
  model->taken += messages;
  uint64_t tag;
  while (pc_write_queue_pop_taken(&model->queue, &model->pool, &tag)) {
    assert_int_equal(tag, model->first);
    model->popped_bytes += model->sizes[model->first++];
    assert_true(model->popped_bytes <= model->begin); /* never told before its bytes are gone */
  }
  if (!model->queue.is_stream) {
    assert_int_equal(model->first, model->taken);
  } else if (model->first < model->last) {
    assert_true(model->popped_bytes + model->sizes[model->first] > model->begin);
  }
  assert_int_equal(model->queue.bytes, model->end - model->begin);
}

/* ---- cases ---- */

static void empty_queue_gathers_and_pops_nothing(void **state) {
  (void)state;
  for (int kind = 0; kind < 2; kind++) {
    queue_model *model = model_create(kind);
    pc_span span;
    uint64_t tag;
    assert_int_equal(pc_write_queue_gather(&model->queue, &span, 1, 1), 0);
    assert_false(pc_write_queue_pop_taken(&model->queue, &model->pool, &tag));
    assert_false(pc_write_queue_pop_any(&model->queue, &model->pool, &tag));
    assert_int_equal(pc_write_queue_charge(&model->queue), 0);
    model_destroy(model);
  }
}

static void small_messages_of_a_stream_lie_in_one_span(void **state) {
  (void)state;
  queue_model *model = model_create(true);
  for (uint32_t index = 0; index < 40; index++) {
    model_append(model, 60, index);
  }
  pc_span spans[4];
  assert_int_equal(pc_write_queue_gather(&model->queue, spans, 4, 0), 1);
  assert_int_equal(spans[0].size_bytes, 40 * 60);
  model_destroy(model);
}

static void stream_taken_at_any_byte_pops_what_is_whole(void **state) {
  (void)state;
  static const uint32_t sizes[] = {5, 0, 3, 1, 0, 0, 7};
  for (size_t split = 0; split <= 16; split++) {
    queue_model *model = model_create(true);
    for (uint32_t index = 0; index < 7; index++) {
      model_append(model, sizes[index], index);
    }
    unsigned messages;
    assert_int_equal(model_gather(model, 8, 0, &messages), 16);
    model_take(model, split, 0);
    assert_int_equal(model_gather(model, 8, 0, &messages), 16 - split);
    model_take(model, 16 - split, 0);
    assert_int_equal(model->first, 7);
    model_destroy(model);
  }
}

static void messages_of_no_bytes_are_gathered_as_messages(void **state) {
  (void)state;
  queue_model *model = model_create(false);
  model_append(model, 0, 1);
  model_append(model, 4, 2);
  model_append(model, 0, 3);
  unsigned messages;
  assert_int_equal(model_gather(model, 8, 8, &messages), 4);
  assert_int_equal(messages, 3);
  model_take(model, 0, 1);
  assert_int_equal(model->first, 1);
  model_take(model, 4, 2);
  assert_int_equal(model->first, 3);
  model_destroy(model);
}

static void gather_is_bounded_by_spans_and_by_messages(void **state) {
  (void)state;
  queue_model *model = model_create(false);
  for (uint32_t index = 0; index < 10; index++) {
    model_append(model, 10000, index); /* three chunks or four each */
  }
  unsigned messages;
  assert_int_equal(model_gather(model, 64, 3, &messages), 30000);
  assert_int_equal(messages, 3);
  size_t size = model_gather(model, PC_WRITE_SPANS_MIN, 10, &messages);
  assert_true(messages >= 1 && messages < 10);
  assert_int_equal(size, messages * 10000);
  model_destroy(model);
}

static void longest_message_fits_the_spans_that_are_promised(void **state) {
  (void)state;
  static const uint32_t sizes[] = {65536, 65536 + 4000, 65536 + 4072, 131072, 700000};
  for (int index = 0; index < 5; index++) {
    queue_model *model = model_create(false);
    model_append(model, 3000, 1); /* so that it begins in the middle of a chunk */
    model_append(model, sizes[index], 2);
    unsigned messages;
    (void)model_gather(model, PC_WRITE_SPANS_MIN, 1, &messages);
    model_take(model, 3000, 1);
    assert_int_equal(model_gather(model, PC_WRITE_SPANS_MIN, 1, &messages), sizes[index]);
    assert_int_equal(messages, 1);
    model_destroy(model);
  }
}

static void whole_bytes_of_a_stream_end_where_messages_end(void **state) {
  (void)state;
  queue_model *model = model_create(true);
  assert_int_equal(pc_write_queue_whole_bytes(&model->queue, 4096), 0);
  static const uint32_t sizes[] = {1000, 0, 2000, 1096, 1, 9000, 5};
  for (unsigned index = 0; index < 7; index++) {
    model_append(model, sizes[index], index);
  }
  assert_int_equal(pc_write_queue_whole_bytes(&model->queue, 4096), 4096);
  assert_int_equal(pc_write_queue_whole_bytes(&model->queue, 4095), 3000);
  assert_int_equal(pc_write_queue_whole_bytes(&model->queue, 10),
                   1000); /* the first, whatever it has */
  model_take(model, 1000, 0);
  assert_int_equal(pc_write_queue_whole_bytes(&model->queue, 4096), 3097);
  model_take(model, 3097, 0);
  assert_int_equal(pc_write_queue_whole_bytes(&model->queue, 4096), 9000);
  model_take(model, 8000, 0);
  assert_int_equal(pc_write_queue_whole_bytes(&model->queue, 4096),
                   1005); /* its rest, and the next */
  model_take(model, 1005, 0);
  assert_int_equal(pc_write_queue_whole_bytes(&model->queue, 4096), 0);
  model_destroy(model);
}

static void charge_counts_bytes_and_a_record_for_each_message(void **state) {
  (void)state;
  queue_model *model = model_create(false);
  model_append(model, 100, 1);
  model_append(model, 0, 2);
  assert_int_equal(pc_write_queue_charge(&model->queue), 100 + 2 * PC_WRITE_RECORD_BYTES);
  model_destroy(model);
}

static void pool_keeps_a_bounded_number_of_chunks(void **state) {
  (void)state;
  queue_model *model = model_create(true);
  while (model->end + 4000 <= MODEL_BYTES) {
    model_append(model, 4000, 1);
  }
  unsigned messages;
  while (model->queue.bytes > 0) {
    model_take(model, model_gather(model, 64, 0, &messages), 0);
  }
  assert_int_equal(model->pool.borrowed_count, 0);
  assert_true(model->pool.free_bytes <= PC_CHUNK_POOL_KEEP_BYTES);
  model_destroy(model);
}

static void attachment_goes_with_the_first_byte_of_its_message(void **state) {
  (void)state;
  queue_model *model = model_create(true);
  unsigned messages;
  model_append(model, 3, 1);
  model_append_attached(model, 4, 2, true);
  model_append(model, 5, 3);
  assert_int_equal(model_gather(model, 8, 0, &messages), 3);
  model_take(model, 2, 0);
  assert_int_equal(model_gather(model, 8, 0, &messages), 1);
  model_take(model, 1, 0);
  assert_int_equal(model_gather(model, 8, 0, &messages), 4);
  model_take(model, 0, 0); /* nothing went, nor did the attachment */
  assert_int_equal(model->released, 0);
  assert_int_equal(model->queue.attached_count, 2);
  model_take(model, 1, 0);
  assert_int_equal(model->released, 1);
  assert_int_equal(model_gather(model, 8, 0, &messages), 8);
  model_destroy(model);
}

static void message_of_no_bytes_has_its_attachment(void **state) {
  (void)state;
  queue_model *model = model_create(false);
  unsigned messages;
  model_append(model, 1, 1);
  model_append_attached(model, 0, 2, true);
  model_append_attached(model, 2, 3, true);
  model_append(model, 2, 4);
  assert_int_equal(model_gather(model, 8, 8, &messages), 1);
  model_take(model, 1, 1);
  assert_int_equal(model_gather(model, 8, 8, &messages), 0);
  assert_int_equal(messages, 1);
  model_take(model, 0, 1);
  assert_int_equal(model->released, 1);
  assert_int_equal(model_gather(model, 8, 8, &messages), 2);
  model_destroy(model); /* and the other is released unsent */
}

static void random_steps_agree_with_the_model(void **state) {
  (void)state;
  for (uint32_t seed = 1; seed <= 40; seed++) {
    uint32_t random = seed * 7919;
    queue_model *model = model_create(seed % 2 == 0);
    for (int step = 0; step < 400; step++) {
      random = random * 1664525u + 1013904223u;
      uint32_t dice = random >> 8;
      unsigned messages;
      if (dice % 3 != 0) {
        uint32_t size = dice % 50 == 1 ? dice % 90000 : dice % 7 == 2 ? 0 : dice % 6000;
        if (model->end + size <= MODEL_BYTES) {
          model_append_attached(model, size, random, dice % 5 == 3 && size > 0);
        }
      } else if (model->queue.is_stream) {
        size_t size = model_gather(model, 1 + dice % 60, 0, &messages);
        model_take(model, size > 0 ? dice % (size + 1) : 0, 0);
      } else {
        (void)model_gather(model, 64, 1 + dice % 30, &messages);
        unsigned sent = messages > 0 ? dice % (messages + 1) : 0;
        size_t size = 0;
        for (unsigned index = 0; index < sent; index++) {
          size += model->sizes[model->taken + index];
        }
        model_take(model, size, sent);
      }
    }
    model_destroy(model);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(empty_queue_gathers_and_pops_nothing),
      cmocka_unit_test(small_messages_of_a_stream_lie_in_one_span),
      cmocka_unit_test(stream_taken_at_any_byte_pops_what_is_whole),
      cmocka_unit_test(messages_of_no_bytes_are_gathered_as_messages),
      cmocka_unit_test(gather_is_bounded_by_spans_and_by_messages),
      cmocka_unit_test(longest_message_fits_the_spans_that_are_promised),
      cmocka_unit_test(whole_bytes_of_a_stream_end_where_messages_end),
      cmocka_unit_test(charge_counts_bytes_and_a_record_for_each_message),
      cmocka_unit_test(pool_keeps_a_bounded_number_of_chunks),
      cmocka_unit_test(attachment_goes_with_the_first_byte_of_its_message),
      cmocka_unit_test(message_of_no_bytes_has_its_attachment),
      cmocka_unit_test(random_steps_agree_with_the_model),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
