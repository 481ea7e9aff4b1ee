/* The pipe of the fake backend. Pure; the loop's thread. */
#include "fake_pipe.h"

#include <stdlib.h>
#include <string.h>

bool pc_fake_pipe_put(fake_pipe *pipe, const void *data, size_t size) {
  fake_node *node = malloc(sizeof *node + size);
  if (!node) {
    return false;
  }
  *node = (fake_node){.size = size};
  if (size > 0) {
    memcpy(node->data, data, size);
  }
  *(pipe->last ? &pipe->last->next : &pipe->first) = node;
  pipe->last = node;
  pipe->bytes += size;
  return true;
}

fake_node *pc_fake_pipe_take(fake_pipe *pipe) {
  fake_node *node = pipe->first;
  if (node) {
    pipe->first = node->next;
    if (!pipe->first) {
      pipe->last = NULL;
    }
    pipe->bytes -= node->size - node->begin;
  }
  return node;
}

size_t pc_fake_pipe_read(fake_pipe *pipe, void *data, size_t capacity) {
  size_t done = 0;
  while (pipe->first && done < capacity) {
    fake_node *node = pipe->first;
    size_t here = node->size - node->begin;
    size_t part = here < capacity - done ? here : capacity - done;
    memcpy((uint8_t *)data + done, node->data + node->begin, part);
    node->begin += part;
    pipe->bytes -= part;
    done += part;
    if (node->begin == node->size) {
      free(pc_fake_pipe_take(pipe));
    }
  }
  return done;
}

void pc_fake_pipe_clear(fake_pipe *pipe) {
  while (pipe->first) {
    free(pc_fake_pipe_take(pipe));
  }
}

size_t pc_fake_pipe_room(const fake_pipe *pipe, size_t capacity, size_t size, bool is_stream) {
  size_t room = capacity > pipe->bytes ? capacity - pipe->bytes : 0;
  if (is_stream) {
    return size < room ? size : room;
  }
  return size <= room || !pipe->first ? size : 0;
}
