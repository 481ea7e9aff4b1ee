/* What one session accepted for writing and the kernel has not taken yet: dressed messages in
 * order, each with its tag. The loop's thread.
 *
 * A queue is a list of chunks of the loop's pool (a message of more than 64 KiB gets a block of its
 * own). In a chunk the bytes grow from the front and the records of the messages that begin there
 * from the back: the bytes of a stream lie together for one send, and an empty queue holds no
 * memory. */
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

/* What goes along with the first byte of a message: descriptors, in a struct of the system's that
 * begins with this. Belongs to the queue from the append on, which releases it when it has gone, or
 * never will. */
typedef struct pc_attachment pc_attachment;
struct pc_attachment {
  void (*release)(pc_attachment *attachment);
  uint32_t count; /* descriptors */
  bool is_lost;   /* its message went without it */

  /* the queue's */
  uint32_t size_bytes; /* of its message */
  uint64_t position;   /* of its message: taken_count when it is at the front */
  pc_attachment *next;
};

typedef struct pc_write_queue {
  pc_write_chunk *first;
  pc_write_chunk *last;
  size_t bytes;            /* appended, not taken                         */
  size_t taken_bytes;      /* taken, their messages not popped            */
  uint32_t messages;       /* appended, not popped                        */
  uint32_t taken_messages; /* message type: taken, not popped             */
  bool is_stream;
  uint64_t taken_count; /* ever taken: bytes of a stream, else messages */
  pc_attachment *attached_first;
  pc_attachment *attached_last;
  uint32_t attached_count; /* descriptors */
  uint32_t lost_count;     /* descriptors that did not go with their message, or never will */
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
  pc_attachment *attachment; /* or NULL; of a stream only with a message of some bytes */
} pc_write_message;

void pc_write_queue_init(pc_write_queue *queue, bool is_stream);
/* Copies the message, and takes its attachment over. False: no memory, nothing happened. */
PC_MUST_USE bool pc_write_queue_append(pc_write_queue *queue, pc_chunk_pool *pool,
                                       const pc_write_message *message);

/* The bytes at the front in at most `max` spans; returns their number. Of messages only whole ones,
 * and at most `max_messages` of them. A message with an attachment is gathered alone. */
unsigned pc_write_queue_gather(const pc_write_queue *queue, pc_span *spans, unsigned max,
                               unsigned max_messages);
/* Of a stream: how many bytes at the front are whole messages (of the first one: its rest) and
 * together no more than `most`; if the first alone is longer, its bytes. */
size_t pc_write_queue_whole_bytes(const pc_write_queue *queue, size_t most);
/* What must go along with that; NULL: nothing. */
static inline pc_attachment *pc_write_queue_attachment(const pc_write_queue *queue) {
  pc_attachment *first = queue->attached_first;
  return first && first->position == queue->taken_count ? first : NULL;
}
/* The kernel took `bytes`, and of the message type this many whole messages; with the first of them
 * what was attached to it. */
void pc_write_queue_take(pc_write_queue *queue, pc_chunk_pool *pool, size_t bytes,
                         uint32_t messages);
/* Removes the first message if all of it was taken. */
PC_MUST_USE bool pc_write_queue_pop_taken(pc_write_queue *queue, pc_chunk_pool *pool,
                                          uint64_t *out_tag);
/* Gives up the bytes and attachments of everything; the tags stay for pc_write_queue_pop_any. */
PC_MUST_USE bool pc_write_queue_pop_any(pc_write_queue *queue, pc_chunk_pool *pool,
                                        uint64_t *out_tag);

/* Appended and not popped: payload, dress, and a record for each message. */
size_t pc_write_queue_charge(const pc_write_queue *queue);

#endif
