/* The write queue of a session. Its memory comes from the loop's chunk pool and goes back as soon
 * as the bytes and records of a chunk are done with. The loop's thread. */
#include "write_queue.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"

/* The rest of a message beyond this many bytes gets one block instead of many chunks. */
enum { LARGE_BYTES = 64 * 1024 };

typedef struct write_record {
  uint64_t tag;
  uint32_t size_bytes;
} write_record;
_Static_assert(sizeof(write_record) == PC_WRITE_RECORD_BYTES, "a record is what it is charged");

struct pc_write_chunk {
  pc_write_chunk *next;
  uint32_t capacity; /* of body; records lie at its end, the first one last */
  uint32_t begin;    /* bytes from here …                                   */
  uint32_t end;      /* … to here wait                                      */
  uint16_t record_first;
  uint16_t record_count; /* including those before record_first */
  _Alignas(8) uint8_t body[];
};

enum { POOL_CAPACITY = PC_CHUNK_BYTES - sizeof(pc_write_chunk) };
_Static_assert(POOL_CAPACITY % 8 == 0, "records are aligned from the end of the body");
_Static_assert(LARGE_BYTES / POOL_CAPACITY + 4 <= PC_WRITE_SPANS_MIN,
               "a gather can hold a message");

static write_record *chunk_record(pc_write_chunk *chunk, unsigned index) {
  return (write_record *)(void *)(chunk->body + chunk->capacity -
                                  (index + 1) * sizeof(write_record));
}

static size_t chunk_room(const pc_write_chunk *chunk) {
  return chunk->capacity - chunk->end - chunk->record_count * sizeof(write_record);
}

static pc_write_chunk *chunk_create(pc_chunk_pool *pool, size_t wanted) {
  bool is_large = wanted > LARGE_BYTES;
  size_t capacity = is_large ? (wanted + 7) & ~(size_t)7 : POOL_CAPACITY;
  pc_write_chunk *chunk =
      is_large ? malloc(sizeof *chunk + capacity) : pc_chunk_pool_take(pool, PC_CHUNK_BYTES);
  if (chunk) {
    *chunk = (pc_write_chunk){.capacity = (uint32_t)capacity};
  }
  return chunk;
}

static void chunk_release(pc_chunk_pool *pool, pc_write_chunk *chunk) {
  if (chunk->capacity == POOL_CAPACITY) {
    pc_chunk_pool_give(pool, chunk, PC_CHUNK_BYTES);
  } else {
    free(chunk);
  }
}

/* A list of chunks with room for `wanted` bytes; the first also for a record, if `with_record`. */
static bool chunks_create(pc_chunk_pool *pool, size_t wanted, bool with_record,
                          pc_write_chunk **out_first) {
  pc_write_chunk *first = NULL;
  pc_write_chunk **link = &first;
  while (wanted > 0 || with_record) {
    /* a record never opens a large block: that one holds exactly the rest of its message */
    pc_write_chunk *chunk = chunk_create(pool, with_record ? 0 : wanted);
    if (!chunk) {
      while (first) {
        pc_write_chunk *next = first->next;
        chunk_release(pool, first);
        first = next;
      }
      return false;
    }
    size_t room = chunk->capacity - (with_record ? sizeof(write_record) : 0);
    wanted -= wanted < room ? wanted : room;
    with_record = false;
    *link = chunk;
    link = &chunk->next;
  }
  *out_first = first;
  return true;
}

static void queue_copy(pc_write_chunk **at, const uint8_t *data, size_t size) {
  while (size > 0) {
    size_t room = chunk_room(*at);
    if (room == 0) {
      *at = (*at)->next;
      PC_CHECK(*at);
      continue;
    }
    size_t part = size < room ? size : room;
    memcpy((*at)->body + (*at)->end, data, part);
    (*at)->end += (uint32_t)part;
    data += part;
    size -= part;
  }
}

void pc_write_queue_init(pc_write_queue *queue, bool is_stream) {
  *queue = (pc_write_queue){.is_stream = is_stream};
}

/* ---- attachments ---- */

static void attachment_push(pc_write_queue *queue, pc_attachment *attachment, size_t size) {
  PC_CHECK(size > 0 || !queue->is_stream);
  attachment->size_bytes = (uint32_t)size;
  attachment->position =
      queue->taken_count +
      (queue->is_stream ? queue->bytes : queue->messages - queue->taken_messages);
  attachment->next = NULL;
  *(queue->attached_last ? &queue->attached_last->next : &queue->attached_first) = attachment;
  queue->attached_last = attachment;
  queue->attached_count += attachment->count;
}

static void attachment_pop(pc_write_queue *queue) {
  pc_attachment *attachment = queue->attached_first;
  queue->attached_first = attachment->next;
  if (!queue->attached_first) {
    queue->attached_last = NULL;
  }
  queue->attached_count -= attachment->count;
  queue->lost_count += attachment->is_lost ? attachment->count : 0;
  attachment->release(attachment);
}

/* How much may be gathered at most, of bytes or of messages: up to the next attachment, or the
 * message of the one at the front. */
static uint64_t attachment_limit(const pc_write_queue *queue) {
  const pc_attachment *first = queue->attached_first;
  if (!first) {
    return UINT64_MAX;
  }
  uint64_t distance = first->position - queue->taken_count;
  return distance > 0 ? distance : queue->is_stream ? first->size_bytes : 1;
}

/* ---- messages ---- */

bool pc_write_queue_append(pc_write_queue *queue, pc_chunk_pool *pool,
                           const pc_write_message *message) {
  size_t size = 0;
  for (unsigned part = 0; part < 3; part++) {
    size += message->part_bytes[part];
  }
  size_t room = queue->last ? chunk_room(queue->last) : 0;
  bool begins_here = room >= sizeof(write_record);
  size_t here = begins_here ? room - sizeof(write_record) : 0;
  pc_write_chunk *added = NULL;
  if (!chunks_create(pool, size > here ? size - here : 0, !begins_here, &added)) {
    return false;
  }
  pc_write_chunk *at = begins_here ? queue->last : added;
  if (queue->last) {
    queue->last->next = added;
  } else {
    queue->first = added;
  }
  *chunk_record(at, at->record_count++) =
      (write_record){.tag = message->tag, .size_bytes = (uint32_t)size};
  for (unsigned part = 0; part < 3; part++) {
    queue_copy(&at, message->parts[part], message->part_bytes[part]);
  }
  while (at->next) {
    at = at->next;
  }
  queue->last = at;
  if (message->attachment) {
    attachment_push(queue, message->attachment, size);
  }
  queue->bytes += size;
  queue->messages++;
  return true;
}

static unsigned stream_gather(const pc_write_queue *queue, pc_span *spans, unsigned max) {
  unsigned count = 0;
  uint64_t left = attachment_limit(queue);
  for (pc_write_chunk *chunk = queue->first; chunk && count < max && left > 0;
       chunk = chunk->next) {
    size_t here = chunk->end - chunk->begin;
    size_t part = here < left ? here : (size_t)left;
    if (part > 0) {
      spans[count++] = (pc_span){.data = chunk->body + chunk->begin, .size_bytes = part};
      left -= part;
    }
  }
  return count;
}

/* Where a walk over the messages of a queue stands. */
typedef struct queue_cursor {
  pc_write_chunk *chunk;
  uint32_t offset;
} queue_cursor;

/* The spans of one message of `size` bytes; 0 if `max` does not hold them. */
static unsigned message_gather(queue_cursor *cursor, size_t size, pc_span *spans, unsigned max) {
  unsigned count = 0;
  do {
    while (size > 0 && cursor->offset == cursor->chunk->end) {
      cursor->chunk = cursor->chunk->next;
      cursor->offset = cursor->chunk->begin;
    }
    if (count == max) {
      return 0;
    }
    size_t here = cursor->chunk->end - cursor->offset;
    size_t part = size < here ? size : here;
    spans[count++] = (pc_span){.data = cursor->chunk->body + cursor->offset, .size_bytes = part};
    cursor->offset += (uint32_t)part;
    size -= part;
  } while (size > 0);
  spans[count - 1].is_message_end = true;
  return count;
}

static unsigned messages_gather(const pc_write_queue *queue, pc_span *spans, unsigned max,
                                unsigned max_messages) {
  PC_CHECK(queue->taken_messages == 0);
  unsigned count = 0;
  unsigned messages = 0;
  uint64_t limit = attachment_limit(queue);
  max_messages = limit < max_messages ? (unsigned)limit : max_messages;
  queue_cursor cursor = {.chunk = queue->first, .offset = queue->first ? queue->first->begin : 0};
  for (pc_write_chunk *chunk = queue->first; chunk; chunk = chunk->next) {
    for (unsigned index = chunk->record_first; index < chunk->record_count; index++) {
      if (messages++ == max_messages) {
        return count;
      }
      unsigned added = message_gather(&cursor, chunk_record(chunk, index)->size_bytes,
                                      spans + count, max - count);
      if (added == 0) {
        return count;
      }
      count += added;
    }
  }
  return count;
}

unsigned pc_write_queue_gather(const pc_write_queue *queue, pc_span *spans, unsigned max,
                               unsigned max_messages) {
  return queue->is_stream ? stream_gather(queue, spans, max)
                          : messages_gather(queue, spans, max, max_messages);
}

size_t pc_write_queue_whole_bytes(const pc_write_queue *queue, size_t most) {
  PC_CHECK(queue->is_stream);
  size_t taken = queue->taken_bytes; /* all of the first message: a whole one is popped */
  size_t whole = 0;
  for (pc_write_chunk *chunk = queue->first; chunk; chunk = chunk->next) {
    for (unsigned index = chunk->record_first; index < chunk->record_count; index++) {
      size_t size = chunk_record(chunk, index)->size_bytes - taken;
      if (whole > 0 && whole + size > most) {
        return whole;
      }
      whole += size;
      taken = 0;
    }
  }
  return whole;
}

/* Gives back the chunks at the front that hold neither bytes nor records. */
static void queue_trim(pc_write_queue *queue, pc_chunk_pool *pool) {
  while (queue->first && queue->first->begin == queue->first->end &&
         queue->first->record_first == queue->first->record_count) {
    pc_write_chunk *chunk = queue->first;
    queue->first = chunk->next;
    if (!queue->first) {
      queue->last = NULL;
    }
    chunk_release(pool, chunk);
  }
}

void pc_write_queue_take(pc_write_queue *queue, pc_chunk_pool *pool, size_t bytes,
                         uint32_t messages) {
  PC_CHECK(bytes <= queue->bytes);
  uint64_t taken = queue->is_stream ? bytes : messages;
  if (taken > 0 && pc_write_queue_attachment(queue)) {
    attachment_pop(queue);
  }
  queue->taken_count += taken;
  queue->bytes -= bytes;
  queue->taken_bytes += bytes;
  queue->taken_messages += queue->is_stream ? 0 : messages;
  for (pc_write_chunk *chunk = queue->first; bytes > 0; chunk = chunk->next) {
    size_t here = chunk->end - chunk->begin;
    size_t part = bytes < here ? bytes : here;
    chunk->begin += (uint32_t)part;
    bytes -= part;
  }
  queue_trim(queue, pool);
}

static void queue_pop(pc_write_queue *queue, pc_chunk_pool *pool, uint64_t *out_tag) {
  PC_CHECK(queue->first);
  *out_tag = chunk_record(queue->first, queue->first->record_first++)->tag;
  queue->messages--;
  queue_trim(queue, pool);
}

bool pc_write_queue_pop_taken(pc_write_queue *queue, pc_chunk_pool *pool, uint64_t *out_tag) {
  if (queue->messages == 0 || (!queue->is_stream && queue->taken_messages == 0)) {
    return false;
  }
  /* A record stays until its message is gone, so the first one is always in the first chunk. */
  PC_CHECK(queue->first->record_first < queue->first->record_count);
  uint32_t size = chunk_record(queue->first, queue->first->record_first)->size_bytes;
  if (queue->taken_bytes < size) {
    return false;
  }
  queue->taken_bytes -= size;
  queue->taken_messages -= queue->is_stream ? 0 : 1;
  queue_pop(queue, pool, out_tag);
  return true;
}

bool pc_write_queue_pop_any(pc_write_queue *queue, pc_chunk_pool *pool, uint64_t *out_tag) {
  if (queue->messages == 0) {
    return false;
  }
  for (pc_write_chunk *chunk = queue->first; chunk && queue->bytes > 0; chunk = chunk->next) {
    queue->bytes -= chunk->end - chunk->begin;
    chunk->begin = chunk->end;
  }
  while (queue->attached_first) {
    queue->attached_first->is_lost = true;
    attachment_pop(queue);
  }
  queue->taken_bytes = 0;
  queue->taken_messages = 0;
  queue_trim(queue, pool);
  queue_pop(queue, pool, out_tag);
  return true;
}

size_t pc_write_queue_charge(const pc_write_queue *queue) {
  return queue->bytes + (size_t)queue->messages * PC_WRITE_RECORD_BYTES;
}
