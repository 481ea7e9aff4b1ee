/* Bytes that a session read and could not hand over yet: the beginning of a message, or what its
 * owner did not take. Empty it holds no memory, small it holds one chunk of the loop's pool. The
 * loop's thread. */
#ifndef PIPECORE_SRC_INPUT_BUFFER_H
#define PIPECORE_SRC_INPUT_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chunk_pool.h"
#include "pipecore/status.h"

typedef struct pc_input_buffer {
  uint8_t *data;
  size_t begin; /* bytes from here … */
  size_t end;   /* … to here are kept */
  size_t capacity;
} pc_input_buffer;

/* False: no memory, nothing changed. */
PC_MUST_USE bool pc_input_buffer_append(pc_input_buffer *buffer, pc_chunk_pool *pool,
                                        const void *data, size_t size);
/* Drops bytes at the front; the last one gives the memory back. */
void pc_input_buffer_consume(pc_input_buffer *buffer, pc_chunk_pool *pool, size_t size);
void pc_input_buffer_clear(pc_input_buffer *buffer, pc_chunk_pool *pool);

static inline size_t pc_input_buffer_size(const pc_input_buffer *buffer) {
  return buffer->end - buffer->begin;
}
static inline const uint8_t *pc_input_buffer_data(const pc_input_buffer *buffer) {
  return buffer->data + buffer->begin;
}

#endif
