/* The input buffer of a session. The loop's thread. */
#include "input_buffer.h"

#include <string.h>

#include "check.h"

/* Moves what is kept to the front of a block of at least `wanted` bytes. */
static bool buffer_move(pc_input_buffer *buffer, pc_chunk_pool *pool, size_t wanted) {
  size_t size = pc_input_buffer_size(buffer);
  if (wanted <= buffer->capacity) {
    memmove(buffer->data, buffer->data + buffer->begin, size);
  } else {
    size_t capacity = buffer->capacity ? buffer->capacity : PC_CHUNK_BYTES;
    while (capacity < wanted) {
      capacity *= 2;
    }
    uint8_t *data = pc_chunk_pool_take(pool, capacity);
    if (!data) {
      return false;
    }
    if (buffer->data) {
      memcpy(data, buffer->data + buffer->begin, size);
      pc_chunk_pool_give(pool, buffer->data, buffer->capacity);
    }
    buffer->data = data;
    buffer->capacity = capacity;
  }
  buffer->begin = 0;
  buffer->end = size;
  return true;
}

bool pc_input_buffer_append(pc_input_buffer *buffer, pc_chunk_pool *pool, const void *data,
                            size_t size) {
  if (size == 0) {
    return true;
  }
  if (size > buffer->capacity - buffer->end &&
      !buffer_move(buffer, pool, pc_input_buffer_size(buffer) + size)) {
    return false;
  }
  memcpy(buffer->data + buffer->end, data, size);
  buffer->end += size;
  return true;
}

void pc_input_buffer_consume(pc_input_buffer *buffer, pc_chunk_pool *pool, size_t size) {
  PC_CHECK(size <= pc_input_buffer_size(buffer));
  buffer->begin += size;
  if (buffer->begin == buffer->end) {
    pc_input_buffer_clear(buffer, pool);
  }
}

void pc_input_buffer_clear(pc_input_buffer *buffer, pc_chunk_pool *pool) {
  if (buffer->data) {
    pc_chunk_pool_give(pool, buffer->data, buffer->capacity);
  }
  *buffer = (pc_input_buffer){0};
}
