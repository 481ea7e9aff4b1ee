/* One direction of a connection of the fake backend: a bounded queue of messages, or of bytes.
 * Pure; the loop's thread. */
#ifndef PIPECORE_FAKE_FAKE_PIPE_H
#define PIPECORE_FAKE_FAKE_PIPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct fake_node {
  struct fake_node *next;
  size_t begin; /* bytes of a stream that were read already */
  size_t size;
  uint8_t data[];
} fake_node;

typedef struct fake_pipe {
  fake_node *first;
  fake_node *last;
  size_t bytes;
  bool is_ended;  /* the writer is through        */
  bool is_broken; /* the reader is gone: no use   */
} fake_pipe;

/* False: no memory. */
bool pc_fake_pipe_put(fake_pipe *pipe, const void *data, size_t size);
/* The first node, taken out; the caller frees it. NULL: empty. */
fake_node *pc_fake_pipe_take(fake_pipe *pipe);
/* Moves up to `capacity` bytes of a stream out. */
size_t pc_fake_pipe_read(fake_pipe *pipe, void *data, size_t capacity);
void pc_fake_pipe_clear(fake_pipe *pipe);
/* How much of `size` more bytes fits: all or nothing of a message, part of a stream. A pipe that is
 * empty takes any message. */
size_t pc_fake_pipe_room(const fake_pipe *pipe, size_t capacity, size_t size, bool is_stream);

#endif
