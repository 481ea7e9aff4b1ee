/* What one session accepted for writing and the kernel has not taken yet: dressed messages in order, each
 * with its tag. The loop's thread.
 *
 * A queue is a list of chunks of the loop's pool (a message of more than 64 KiB gets a block of its own).
 * In a chunk the bytes grow from the front and the records of the messages that begin there from the
 * back: the bytes of a stream lie together for one send, and an empty queue holds no memory. */
#ifndef PIPECORE_SRC_WRITE_QUEUE_H
#define PIPECORE_SRC_WRITE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chunk_pool.h"
#include "pipecore/status.h"

/* What a message is charged against a queue's limit beside its bytes. */
enum { PC_WRITE_RECORD_BYTES = 16 };
/* Spans that a gather must offer room for: the longest message of a queue fits. */
enum { PC_WRITE_SPANS_MIN = 32 };

typedef struct pc_write_chunk pc_write_chunk;

typedef struct pc_write_queue {
  pc_write_chunk *first;
  pc_write_chunk *last;
  size_t bytes;            /* appended, not taken                         */
  size_t taken_bytes;      /* taken, their messages not popped            */
  uint32_t messages;       /* appended, not popped                        */
  uint32_t taken_messages; /* message type: taken, not popped             */
  bool is_stream;
} pc_write_queue;

/* Part of a message, or of a stream. */
typedef struct pc_span {
  const uint8_t *data;
  size_t size_bytes;
  bool is_message_end;
} pc_span;

/* A message as it goes out: three parts, one after the other. */
typedef struct pc_write_message {
  const void *parts[3];
  uint32_t part_bytes[3];
  uint64_t tag;
} pc_write_message;

void pc_write_queue_init(pc_write_queue *queue, bool is_stream);
/* Copies the message. False: no memory, nothing happened. */
PC_MUST_USE bool pc_write_queue_append(pc_write_queue *queue, pc_chunk_pool *pool,
                                       const pc_write_message *message);

/* The bytes at the front in at most `max` spans; returns their number. Of messages only whole ones, and at
 * most `max_messages` of them. */
unsigned pc_write_queue_gather(const pc_write_queue *queue, pc_span *spans, unsigned max,
                               unsigned max_messages);
/* Of a stream: how many bytes at the front are whole messages (of the first one: its rest) and together no more
 * than `most`; if the first alone is longer, its bytes. */
size_t pc_write_queue_whole_bytes(const pc_write_queue *queue, size_t most);
/* The kernel took `bytes`, and of the message type this many whole messages. */
void pc_write_queue_take(pc_write_queue *queue, pc_chunk_pool *pool, size_t bytes,
                         uint32_t messages);
/* Removes the first message if all of it was taken. */
PC_MUST_USE bool pc_write_queue_pop_taken(pc_write_queue *queue, pc_chunk_pool *pool,
                                          uint64_t *out_tag);
/* Gives up the bytes of everything; the tags stay for pc_write_queue_pop_any. */
PC_MUST_USE bool pc_write_queue_pop_any(pc_write_queue *queue, pc_chunk_pool *pool,
                                        uint64_t *out_tag);

/* Appended and not popped: payload, dress, and a record for each message. */
size_t pc_write_queue_charge(const pc_write_queue *queue);

#endif
