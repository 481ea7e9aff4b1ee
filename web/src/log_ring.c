/* The ring of pieces. Pure but for the allocator in init; HTTP thread.
 *
 * What is in memory is always the pieces oldest_piece … next_piece-1, in the window of `capacity`
 * bytes up to the head; so at most one lap's end lies within, and one hole is all there is to
 * remember. */
#include "log_ring.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "web/websocket_codec.h"

enum { RING_MIN_CAPACITY = 16, RING_PIECE_FRACTION = 4 };

static web_log_piece *ring_piece(const web_log_ring *ring, uint64_t number) {
  return &ring->pieces[number & ring->piece_mask];
}

static uint64_t piece_end(const web_log_piece *piece) {
  return piece->offset + piece->size;
}

static uint64_t ring_offset_of(const web_log_ring *ring, uint64_t number) {
  return number == ring->next_piece ? ring->head : ring_piece(ring, number)->offset;
}

static uint64_t ring_events_before(const web_log_ring *ring, uint64_t number) {
  return number == ring->next_piece ? ring->events : ring_piece(ring, number)->events_before;
}

/* Number of the first piece that ends behind `offset`; next_piece if there is none. */
static uint64_t ring_find(const web_log_ring *ring, uint64_t offset) {
  uint64_t low = ring->oldest_piece;
  uint64_t high = ring->next_piece;
  while (low != high) {
    uint64_t middle = low + (high - low) / 2;
    if (piece_end(ring_piece(ring, middle)) > offset) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

web_status web_log_ring_init(web_log_ring *ring, web_log_format format, size_t capacity,
                             size_t max_pieces, web_log_on_evict *on_evict, void *user) {
  *ring = (web_log_ring){0};
  if (capacity < RING_MIN_CAPACITY || max_pieces == 0 || max_pieces > SIZE_MAX / 2) {
    return WEB_E_INVALID_ARG;
  }
  size_t piece_count = 1;
  while (piece_count < max_pieces) {
    piece_count *= 2;
  }
  uint8_t *data = malloc(capacity);
  web_log_piece *pieces = calloc(piece_count, sizeof *pieces);
  if (data == NULL || pieces == NULL) {
    free(data);
    free(pieces);
    return WEB_E_NO_MEMORY;
  }
  *ring = (web_log_ring){.data = data,
                         .capacity = capacity,
                         .format = format,
                         .pieces = pieces,
                         .piece_mask = piece_count - 1,
                         .lowest_cursor = UINT64_MAX,
                         .on_evict = on_evict,
                         .user = user};
  return WEB_OK;
}

void web_log_ring_fini(web_log_ring *ring) {
  free(ring->data);
  free(ring->pieces);
  *ring = (web_log_ring){0};
}

/* ---- appending ---- */

static size_t header_size(web_log_format format, size_t payload) {
  uint8_t header[WEB_WS_HEADER_MAX];
  return format == WEB_LOG_PLAIN ? 0 : web_ws_write_header(header, WEB_WS_TEXT, payload);
}

/* Lets go of what the bytes up to `end` will overwrite, and of one piece more if the index is full.
 * `start` is where the next piece begins. */
static void ring_evict(web_log_ring *ring, uint64_t start, uint64_t end) {
  uint64_t oldest = ring->oldest_piece;
  if (ring->next_piece - oldest > ring->piece_mask) {
    oldest++;
  }
  while (oldest != ring->next_piece && ring_piece(ring, oldest)->offset + ring->capacity < end) {
    oldest++;
  }
  uint64_t tail = oldest == ring->next_piece ? start : ring_piece(ring, oldest)->offset;
  if (ring->lowest_cursor < tail) {
    uint64_t lowest = ring->on_evict(ring->user, tail);
    WEB_CHECK(lowest >= tail);
    ring->lowest_cursor = lowest;
  }
  if (oldest != ring->oldest_piece) {
    ring->evicted_last_seq = ring_piece(ring, oldest - 1)->last_seq;
    ring->oldest_piece = oldest;
  }
}

uint8_t *web_log_ring_reserve(web_log_ring *ring, size_t size) {
  WEB_CHECK(!ring->is_reserved);
  if (size > ring->capacity / RING_PIECE_FRACTION) {
    return NULL;
  }
  size_t header = header_size(ring->format, size);
  size_t room = header + size;
  size_t used_of_lap = (size_t)(ring->head % ring->capacity);
  bool is_fresh_lap = used_of_lap == 0 && ring->hole_end == ring->head;
  bool begins_lap = !is_fresh_lap && (used_of_lap == 0 || room > ring->capacity - used_of_lap);
  uint64_t start = ring->head;
  if (begins_lap && used_of_lap != 0) {
    start += ring->capacity - used_of_lap;
  }
  ring_evict(ring, start, start + room);
  if (begins_lap) {
    ring->hole_start = ring->head;
    ring->hole_end = start;
    ring->head = start;
  }
  ring->header_room = header;
  ring->reserved = size;
  ring->is_reserved = true;
  return ring->data + (size_t)(start % ring->capacity) + header;
}

web_ws_opcode web_log_opcode(web_log_format format) {
  return format == WEB_LOG_WS_TEXT ? WEB_WS_TEXT : WEB_WS_BINARY;
}

/* Returns the size of header and payload, which lie at the head afterwards. */
static size_t ring_put_header(web_log_ring *ring, size_t size) {
  if (ring->format == WEB_LOG_PLAIN) {
    return size;
  }
  uint8_t *start = ring->data + (size_t)(ring->head % ring->capacity);
  uint8_t *payload = start + ring->header_room;
  size_t packed = ring->on_pack != NULL ? ring->on_pack(ring->user, payload, size) : 0;
  size = packed != 0 ? packed : size;
  uint8_t header[WEB_WS_HEADER_MAX];
  size_t header_bytes = web_ws_write_header(header, web_log_opcode(ring->format), size);
  header[0] |= packed != 0 ? WEB_WS_COMPRESSED : 0;
  if (header_bytes != ring->header_room) {
    memmove(start + header_bytes, payload, size);
  }
  memcpy(start, header, header_bytes);
  return header_bytes + size;
}

/* The last piece, if it ends at the head and is small enough for what comes to join it. */
static web_log_piece *ring_last_small(const web_log_ring *ring) {
  if (ring->next_piece == ring->oldest_piece) {
    return NULL;
  }
  web_log_piece *last = ring_piece(ring, ring->next_piece - 1);
  return last->size < ring->join_bytes && piece_end(last) == ring->head ? last : NULL;
}

void web_log_ring_commit(web_log_ring *ring, size_t size, const web_span *span) {
  WEB_CHECK(ring->is_reserved && size <= ring->reserved);
  ring->is_reserved = false;
  if (size == 0 && (ring->format == WEB_LOG_PLAIN || span == NULL || span->count == 0)) {
    return;
  }
  size_t whole = ring_put_header(ring, size);
  web_log_piece *last = ring_last_small(ring);
  if (last != NULL) {
    last->last_seq = span->last_seq;
    last->size += whole;
  } else {
    *ring_piece(ring, ring->next_piece) = (web_log_piece){.offset = ring->head,
                                                          .events_before = ring->events,
                                                          .first_seq = span->first_seq,
                                                          .last_seq = span->last_seq,
                                                          .size = whole};
    ring->next_piece++;
  }
  ring->head += whole;
  ring->events += span->count;
}

/* ---- cursors ---- */

static void ring_place_cursor(web_log_ring *ring, web_log_cursor *cursor, uint64_t offset) {
  *cursor = (web_log_cursor){.offset = offset};
  if (offset < ring->lowest_cursor) {
    ring->lowest_cursor = offset;
  }
}

web_log_cursor web_log_ring_cursor_at_head(web_log_ring *ring) {
  web_log_cursor cursor;
  ring_place_cursor(ring, &cursor, ring->head);
  return cursor;
}

static web_view ring_view(const web_log_ring *ring, uint64_t start, uint64_t end) {
  return (web_view){.data = ring->data + (size_t)(start % ring->capacity),
                    .size = (size_t)(end - start)};
}

/* How much of what is new lies in front of the hole; all of it, if the cursor is behind. */
static size_t ring_readable_before_hole(const web_log_ring *ring, uint64_t offset) {
  return (size_t)((offset <= ring->hole_start ? ring->hole_start : ring->head) - offset);
}

static size_t ring_readable_behind_hole(const web_log_ring *ring, uint64_t offset) {
  return offset <= ring->hole_start ? (size_t)(ring->head - ring->hole_end) : 0;
}

static size_t smaller(size_t one, size_t other) {
  return one < other ? one : other;
}

size_t web_log_ring_readable(const web_log_ring *ring, const web_log_cursor *cursor,
                             size_t max_size, web_view out_views[2]) {
  out_views[0] = (web_view){0};
  out_views[1] = (web_view){0};
  if (cursor->is_lost) {
    return 0;
  }
  uint64_t offset = cursor->offset;
  size_t before = smaller(ring_readable_before_hole(ring, offset), max_size);
  size_t behind = smaller(ring_readable_behind_hole(ring, offset), max_size - before);
  web_view *view = out_views;
  if (before != 0) {
    *view++ = ring_view(ring, offset, offset + before);
  }
  if (behind != 0) {
    *view = ring_view(ring, ring->hole_end, ring->hole_end + behind);
  }
  return before + behind;
}

void web_log_ring_advance(const web_log_ring *ring, web_log_cursor *cursor, size_t size) {
  size_t before = ring_readable_before_hole(ring, cursor->offset);
  WEB_CHECK(!cursor->is_lost || size == 0);
  if (size <= before) {
    cursor->offset += size;
  } else {
    WEB_CHECK(size - before <= ring_readable_behind_hole(ring, cursor->offset));
    cursor->offset = ring->hole_end + (size - before);
  }
}

web_view web_log_ring_rest_of_piece(const web_log_ring *ring, const web_log_cursor *cursor) {
  if (cursor->is_lost) {
    return (web_view){0};
  }
  uint64_t number = ring_find(ring, cursor->offset);
  if (ring_offset_of(ring, number) >= cursor->offset) {
    return (web_view){0};
  }
  return ring_view(ring, cursor->offset, piece_end(ring_piece(ring, number)));
}

web_view web_log_ring_leave(const web_log_ring *ring, web_log_cursor *cursor, uint64_t new_tail) {
  WEB_CHECK(!cursor->is_lost && cursor->offset < new_tail);
  web_view rest = web_log_ring_rest_of_piece(ring, cursor);
  cursor->offset += rest.size;
  uint64_t number = ring_find(ring, cursor->offset);
  if (number != ring->next_piece && ring_piece(ring, number)->offset < new_tail) {
    cursor->is_lost = true;
    cursor->lost_first_seq = ring_piece(ring, number)->first_seq;
    cursor->lost_events_before = ring_piece(ring, number)->events_before;
  } else if (cursor->offset < new_tail) {
    /* Only the hole was in between. */
    cursor->offset = new_tail;
  }
  return rest;
}

web_span web_log_ring_skip_lost(web_log_ring *ring, web_log_cursor *cursor) {
  WEB_CHECK(cursor->is_lost);
  uint64_t oldest = ring->oldest_piece;
  web_span missed = {.first_seq = cursor->lost_first_seq,
                     .last_seq = ring->evicted_last_seq,
                     .count = ring_events_before(ring, oldest) - cursor->lost_events_before};
  ring_place_cursor(ring, cursor, ring_offset_of(ring, oldest));
  return missed;
}

web_span web_log_ring_skip_to(web_log_ring *ring, web_log_cursor *cursor, size_t keep_bytes) {
  WEB_CHECK(!cursor->is_lost);
  uint64_t from = ring_find(ring, cursor->offset);
  if (from == ring->next_piece || ring->head - cursor->offset <= keep_bytes) {
    return (web_span){0};
  }
  uint64_t to = ring_find(ring, ring->head - keep_bytes);
  to += to != ring->next_piece && ring_offset_of(ring, to) < ring->head - keep_bytes;
  to -= to == ring->next_piece;
  if (to <= from) {
    return (web_span){0};
  }
  web_span missed = {.first_seq = ring_piece(ring, from)->first_seq,
                     .last_seq = ring_piece(ring, to - 1)->last_seq,
                     .count = ring_events_before(ring, to) - ring_events_before(ring, from)};
  ring_place_cursor(ring, cursor, ring_offset_of(ring, to));
  return missed;
}

uint64_t web_log_ring_next_seq(const web_log_ring *ring, const web_log_cursor *cursor) {
  if (cursor->is_lost) {
    return cursor->lost_first_seq;
  }
  uint64_t number = ring_find(ring, cursor->offset);
  number += ring_offset_of(ring, number) < cursor->offset;
  return number == ring->next_piece ? 0 : ring_piece(ring, number)->first_seq;
}

uint64_t web_log_ring_events_before(const web_log_ring *ring, const web_log_cursor *cursor) {
  WEB_CHECK(!cursor->is_lost);
  return ring_events_before(ring, ring_find(ring, cursor->offset));
}
