/* The pure half of a broadcast log: a bounded ring of pieces, and cursors into it. No sockets, no
 * clock, no observers; HTTP thread.
 *
 * Offsets are virtual: they only grow, the byte at offset o lies at o % capacity. A piece never
 * wraps: one that does not fit in front of the ring's end begins at the next lap, and cursors jump
 * over the hole. A cursor is a plain value of its observer. The ring does not know the cursors,
 * only a lower bound of their offsets; when bytes behind that bound are about to be overwritten it
 * asks its owner, through on_evict, to take leave of them for every cursor that stands there. So
 * appending costs the same whatever the number of observers, and still each observer can finish the
 * piece it is in the middle of and knows exactly what it missed. */
#ifndef WEB_SRC_LOG_RING_H
#define WEB_SRC_LOG_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "web/observer.h"
#include "web/status.h"

typedef struct web_view {
  const uint8_t *data;
  size_t size;
} web_view;

typedef struct web_log_piece {
  uint64_t offset;
  uint64_t events_before; /* of all pieces in front of this one, since the ring began */
  uint64_t first_seq;
  uint64_t last_seq;
  size_t size; /* with the WebSocket header */
} web_log_piece;

typedef struct web_log_cursor {
  uint64_t offset; /* of the next byte; of the first missed one when lost   */
  bool is_lost;    /* what comes next was overwritten                       */
  uint64_t lost_first_seq;
  uint64_t lost_events_before;
} web_log_cursor;

/* What lies in front of `new_tail` is about to be overwritten. Call web_log_ring_leave for every
 * cursor that is not lost and whose offset is below `new_tail` (and no other function that changes
 * the ring). Returns the lowest offset of all cursors that are not lost, UINT64_MAX without any. */
typedef uint64_t web_log_on_evict(void *user, uint64_t new_tail);

/* Makes the payload of a WebSocket piece smaller where it lies, and says its size; 0: as it is. */
typedef size_t web_log_on_pack(void *user, uint8_t *data, size_t size);

typedef struct web_log_ring {
  uint8_t *data; /* owned */
  size_t capacity;
  web_log_format format;
  web_log_piece *pieces;             /* owned; piece number n is at n & piece_mask */
  uint64_t piece_mask;               /* how many there can be at a time, minus 1   */
  uint64_t oldest_piece, next_piece; /* numbers                                    */
  uint64_t head;                     /* where the next piece begins                */
  uint64_t hole_start, hole_end;     /* unused end of the last lap; empty: its end */
  uint64_t events;                   /* of all pieces, since the ring began        */
  uint64_t evicted_last_seq;
  uint64_t lowest_cursor; /* no cursor that is not lost is below it      */
  size_t join_bytes;      /* a commit joins a last piece that is smaller; 0: never, the default */
  size_t header_room;     /* in front of the reserved payload            */
  size_t reserved;        /* payload bytes                               */
  bool is_reserved;
  web_log_on_evict *on_evict;
  web_log_on_pack *on_pack; /* NULL, the default: nothing is packed */
  void *user;
} web_log_ring;

/* At least 16 bytes. At most `max_pieces` (rounded up to a power of two) are kept at a time. */
WEB_MUST_USE web_status web_log_ring_init(web_log_ring *ring, web_log_format format,
                                          size_t capacity, size_t max_pieces,
                                          web_log_on_evict *on_evict, void *user);
/* Accepts a zeroed ring. */
void web_log_ring_fini(web_log_ring *ring);

/* Room for one payload of at most `size` bytes, or NULL if that is over a quarter of the capacity.
 * Exactly one commit follows. What was overwritten for it is gone, however little is then used. A
 * WebSocket piece's header is written in front by the commit; the payload is moved only if its
 * header turns out shorter than one for `size` would be: never for more than 65535 bytes, and not
 * at all for 126 to 65535 bytes if no more than 65535 were reserved. */
uint8_t *web_log_ring_reserve(web_log_ring *ring, size_t size);
/* The kind of message of a log of WebSocket messages. */
web_ws_opcode web_log_opcode(web_log_format format);
/* `size` 0: nothing is appended, unless it is a WebSocket message that stands for an event. The
 * seqs grow from piece to piece; `span` may be NULL when nothing is appended. */
void web_log_ring_commit(web_log_ring *ring, size_t size, const web_span *span);

/* A cursor that sees what is appended from now on. */
web_log_cursor web_log_ring_cursor_at_head(web_log_ring *ring);
/* Everything new, at most `max_size` bytes, in at most two pieces of memory; returns their sum (0:
 * nothing new, or lost). Borrowed until the next reserve. */
size_t web_log_ring_readable(const web_log_ring *ring, const web_log_cursor *cursor,
                             size_t max_size, web_view out_views[2]);
/* `size` bytes of what was readable were taken; it may be in the middle of a piece. */
void web_log_ring_advance(const web_log_ring *ring, web_log_cursor *cursor, size_t size);
/* What is left of the piece that the cursor stands in the middle of; size 0 between two pieces. */
web_view web_log_ring_rest_of_piece(const web_log_ring *ring, const web_log_cursor *cursor);

/* Within on_evict only: returns the rest of the piece that the cursor stands in the middle of, for
 * the owner to copy and send first, and moves the cursor behind it; then the cursor is lost, if
 * more than that goes. */
web_view web_log_ring_leave(const web_log_ring *ring, web_log_cursor *cursor, uint64_t new_tail);
/* Moves a lost cursor to the oldest piece that is still there and says what it missed in all. */
web_span web_log_ring_skip_lost(web_log_ring *ring, web_log_cursor *cursor);

/* Moves a cursor that stands between two pieces so far forward that at most `keep_bytes` are behind
 * it, but never past the newest piece. Returns what it so misses; nothing (count 0, and no move) if
 * it is near enough. */
web_span web_log_ring_skip_to(web_log_ring *ring, web_log_cursor *cursor, size_t keep_bytes);

/* The first seq that a cursor has not taken, counting the piece in whose middle it stands as taken;
 * 0: it has taken all there is. */
uint64_t web_log_ring_next_seq(const web_log_ring *ring, const web_log_cursor *cursor);

/* Events of all pieces that lie wholly in front of the cursor, delivered or missed. The cursor is
 * not lost. */
uint64_t web_log_ring_events_before(const web_log_ring *ring, const web_log_cursor *cursor);

#endif
