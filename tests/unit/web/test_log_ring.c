/* The broadcast log's ring: what it keeps, what cursors see, and that nothing is ever unaccounted
 * for. */
#include "test.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log_ring.h"
#include "web/websocket_codec.h"

static uint32_t random_state = 7;

static uint32_t random_below(uint32_t bound) {
  random_state = random_state * 1664525 + 1013904223;
  return (random_state >> 8) % bound;
}

/* ---- single behaviours ---- */

/* One cursor and what the ring's owner had to save for it. */
typedef struct lone_observer {
  web_log_ring ring;
  web_log_cursor cursor;
  char saved[256];
  size_t saved_size;
  unsigned evictions;
} lone_observer;

static uint64_t lone_on_evict(void *user, uint64_t new_tail) {
  lone_observer *observer = user;
  observer->evictions++;
  if (!observer->cursor.is_lost && observer->cursor.offset < new_tail) {
    web_view rest = web_log_ring_leave(&observer->ring, &observer->cursor, new_tail);
    assert_true(observer->saved_size + rest.size <= sizeof observer->saved);
    if (rest.size != 0) {
      memcpy(observer->saved + observer->saved_size, rest.data, rest.size);
      observer->saved_size += rest.size;
    }
  }
  return observer->cursor.is_lost ? UINT64_MAX : observer->cursor.offset;
}

static void lone_start(lone_observer *observer, web_log_format format, size_t capacity,
                       size_t max_pieces) {
  *observer = (lone_observer){0};
  assert_int_equal(
      web_log_ring_init(&observer->ring, format, capacity, max_pieces, lone_on_evict, observer),
      WEB_OK);
  observer->cursor = web_log_ring_cursor_at_head(&observer->ring);
}

static void ring_append(web_log_ring *ring, const char *text, uint64_t first, uint64_t last,
                        uint64_t count) {
  size_t size = strlen(text);
  uint8_t *room = web_log_ring_reserve(ring, size);
  assert_non_null(room);
  memcpy(room, text, size);
  web_log_ring_commit(ring, size, &(web_span){first, last, count});
}

static void assert_reads(lone_observer *observer, size_t max_size, const char *expected) {
  web_view views[2];
  size_t size = web_log_ring_readable(&observer->ring, &observer->cursor, max_size, views);
  assert_int_equal(size, strlen(expected));
  assert_int_equal(size, views[0].size + views[1].size);
  assert_memory_equal(views[0].data, expected, views[0].size);
  if (views[1].size != 0) {
    assert_true(views[0].size != 0);
    assert_memory_equal(views[1].data, expected + views[0].size, views[1].size);
  }
  web_log_ring_advance(&observer->ring, &observer->cursor, size);
}

static void log_ring_refuses_nonsense_at_init(void **state) {
  (void)state;
  web_log_ring ring;
  assert_int_equal(web_log_ring_init(&ring, WEB_LOG_PLAIN, 15, 1, NULL, NULL), WEB_E_INVALID_ARG);
  assert_int_equal(web_log_ring_init(&ring, WEB_LOG_PLAIN, 16, 0, NULL, NULL), WEB_E_INVALID_ARG);
  web_log_ring_fini(&ring);
}

static void log_ring_cursor_sees_what_comes_after_it_and_nothing_before(void **state) {
  (void)state;
  lone_observer observer;
  lone_start(&observer, WEB_LOG_PLAIN, 64, 8);
  ring_append(&observer.ring, "old", 1, 1, 1);
  observer.cursor = web_log_ring_cursor_at_head(&observer.ring);
  assert_reads(&observer, 100, "");
  ring_append(&observer.ring, "one", 2, 2, 1);
  ring_append(&observer.ring, "two", 3, 3, 1);
  assert_reads(&observer, 100, "onetwo");
  assert_reads(&observer, 100, "");
  assert_int_equal(web_log_ring_events_before(&observer.ring, &observer.cursor), 3);
  web_log_ring_fini(&observer.ring);
}

static void log_ring_reads_no_more_than_asked_even_over_the_laps_end(void **state) {
  (void)state;
  for (size_t max_size = 1; max_size < 24; max_size++) {
    lone_observer observer;
    lone_start(&observer, WEB_LOG_PLAIN, 20, 8);
    ring_append(&observer.ring, "abcde", 1, 1, 1);
    ring_append(&observer.ring, "fghij", 2, 2, 1);
    ring_append(&observer.ring, "klmno", 3, 3, 1);
    assert_reads(&observer, 12, "abcdefghijkl");
    ring_append(&observer.ring, "pq", 4, 4, 1);
    ring_append(&observer.ring, "rstu", 5, 5, 1);
    char expected[] = "mnopqrstu";
    for (size_t at = 0; at < 9; at += max_size) {
      char part[16] = {0};
      memcpy(part, expected + at, max_size < 9 - at ? max_size : 9 - at);
      assert_reads(&observer, max_size, part);
    }
    assert_reads(&observer, max_size, "");
    web_log_ring_fini(&observer.ring);
  }
}

static void log_ring_readable_of_zero_bytes_is_nothing(void **state) {
  (void)state;
  lone_observer observer;
  lone_start(&observer, WEB_LOG_PLAIN, 64, 8);
  ring_append(&observer.ring, "one", 1, 1, 1);
  assert_reads(&observer, 0, "");
  assert_reads(&observer, SIZE_MAX, "one");
  web_log_ring_fini(&observer.ring);
}

static void log_ring_takes_pieces_up_to_a_quarter_and_no_larger(void **state) {
  (void)state;
  lone_observer observer;
  lone_start(&observer, WEB_LOG_WS_TEXT, 64, 8);
  assert_null(web_log_ring_reserve(&observer.ring, 17));
  assert_non_null(web_log_ring_reserve(&observer.ring, 16));
  web_log_ring_commit(&observer.ring, 0, NULL);
  assert_null(web_log_ring_reserve(&observer.ring, SIZE_MAX));
  web_log_ring_fini(&observer.ring);
}

static void log_ring_commit_of_nothing_appends_nothing(void **state) {
  (void)state;
  lone_observer observer;
  lone_start(&observer, WEB_LOG_PLAIN, 40, 8);
  for (int round = 0; round < 30; round++) {
    assert_non_null(web_log_ring_reserve(&observer.ring, 10));
    web_log_ring_commit(&observer.ring, 0, NULL);
    assert_reads(&observer, 100, "");
    if (round % 3 == 0) {
      ring_append(&observer.ring, "1234567", 1, 1, 1);
      assert_reads(&observer, 100, "1234567");
    }
  }
  assert_false(observer.cursor.is_lost);
  assert_int_equal(web_log_ring_events_before(&observer.ring, &observer.cursor), 10);
  web_log_ring_fini(&observer.ring);
}

static void log_ring_lost_cursor_is_told_exactly_what_it_missed(void **state) {
  (void)state;
  lone_observer observer;
  lone_start(&observer, WEB_LOG_PLAIN, 20, 64);
  ring_append(&observer.ring, "aaaaa", 10, 12, 2);
  assert_reads(&observer, 100, "aaaaa");
  ring_append(&observer.ring, "bbbbb", 15, 19, 3);
  ring_append(&observer.ring, "ccccc", 21, 21, 1);
  ring_append(&observer.ring, "ddddd", 30, 34, 5);
  ring_append(&observer.ring, "eeeee", 40, 40, 1);
  assert_false(observer.cursor.is_lost);
  ring_append(&observer.ring, "fffff", 50, 50, 1);
  ring_append(&observer.ring, "ggggg", 60, 60, 1);
  assert_true(observer.cursor.is_lost);
  assert_reads(&observer, 0, "");
  web_span missed = web_log_ring_skip_lost(&observer.ring, &observer.cursor);
  assert_int_equal(missed.first_seq, 15);
  assert_int_equal(missed.last_seq, 21);
  assert_int_equal(missed.count, 4);
  assert_int_equal(observer.saved_size, 0);
  assert_int_equal(web_log_ring_events_before(&observer.ring, &observer.cursor), 6);
  assert_reads(&observer, 100, "dddddeeeeefffffggggg");
  web_log_ring_fini(&observer.ring);
}

static void log_ring_cursor_that_is_too_far_behind_goes_on_with_the_newest(void **state) {
  (void)state;
  lone_observer observer;
  lone_start(&observer, WEB_LOG_PLAIN, 64, 8);
  ring_append(&observer.ring, "aaaa", 1, 2, 2);
  ring_append(&observer.ring, "bbbb", 4, 4, 1);
  ring_append(&observer.ring, "cccc", 5, 6, 2);
  assert_int_equal(web_log_ring_skip_to(&observer.ring, &observer.cursor, 12).count, 0);
  web_span missed = web_log_ring_skip_to(&observer.ring, &observer.cursor, 7);
  assert_int_equal(missed.first_seq, 1);
  assert_int_equal(missed.last_seq, 4);
  assert_int_equal(missed.count, 3);
  /* Never past the newest, however little may be kept. */
  assert_int_equal(web_log_ring_skip_to(&observer.ring, &observer.cursor, 0).count, 0);
  assert_reads(&observer, 100, "cccc");
  assert_int_equal(web_log_ring_skip_to(&observer.ring, &observer.cursor, 0).count, 0);
  web_log_ring_fini(&observer.ring);
}

static void log_ring_knows_the_seq_that_a_cursor_goes_on_with(void **state) {
  (void)state;
  lone_observer observer;
  lone_start(&observer, WEB_LOG_PLAIN, 20, 64);
  assert_int_equal(web_log_ring_next_seq(&observer.ring, &observer.cursor), 0);
  ring_append(&observer.ring, "aaaaa", 10, 12, 2);
  ring_append(&observer.ring, "bbbbb", 15, 19, 3);
  assert_int_equal(web_log_ring_next_seq(&observer.ring, &observer.cursor), 10);
  assert_reads(&observer, 1, "a");
  assert_int_equal(web_log_ring_next_seq(&observer.ring, &observer.cursor), 15);
  assert_reads(&observer, 4, "aaaa");
  assert_int_equal(web_log_ring_next_seq(&observer.ring, &observer.cursor), 15);
  assert_reads(&observer, 5, "bbbbb");
  assert_int_equal(web_log_ring_next_seq(&observer.ring, &observer.cursor), 0);
  ring_append(&observer.ring, "cc", 21, 21, 1);
  assert_reads(&observer, 1, "c");
  assert_int_equal(web_log_ring_next_seq(&observer.ring, &observer.cursor), 0);
  for (uint64_t seq = 30; seq < 36; seq++) {
    ring_append(&observer.ring, "ddddd", seq, seq, 1);
  }
  assert_true(observer.cursor.is_lost);
  assert_int_equal(web_log_ring_next_seq(&observer.ring, &observer.cursor), 30);
  web_log_ring_fini(&observer.ring);
}

static void log_ring_rest_of_a_half_sent_piece_can_be_saved_before_it_goes(void **state) {
  (void)state;
  lone_observer observer;
  lone_start(&observer, WEB_LOG_PLAIN, 20, 64);
  ring_append(&observer.ring, "abcde", 1, 1, 1);
  ring_append(&observer.ring, "fghij", 2, 2, 1);
  assert_reads(&observer, 2, "ab");
  web_view rest = web_log_ring_rest_of_piece(&observer.ring, &observer.cursor);
  assert_int_equal(rest.size, 3);
  for (uint64_t seq = 3; seq < 7; seq++) {
    ring_append(&observer.ring, "xxxxx", seq, seq, 1);
  }
  assert_true(observer.cursor.is_lost);
  assert_int_equal(observer.saved_size, 3);
  assert_memory_equal(observer.saved, "cde", 3);
  assert_int_equal(web_log_ring_rest_of_piece(&observer.ring, &observer.cursor).size, 0);
  web_span missed = web_log_ring_skip_lost(&observer.ring, &observer.cursor);
  assert_int_equal(missed.first_seq, 2);
  assert_int_equal(missed.last_seq, 2);
  assert_int_equal(missed.count, 1);
  web_log_ring_fini(&observer.ring);
}

static void log_ring_saving_the_rest_of_the_only_piece_that_goes_is_no_loss(void **state) {
  (void)state;
  lone_observer observer;
  lone_start(&observer, WEB_LOG_PLAIN, 20, 64);
  ring_append(&observer.ring, "abcde", 1, 1, 1);
  assert_reads(&observer, 2, "ab");
  for (uint64_t seq = 2; seq < 6; seq++) {
    ring_append(&observer.ring, "12345", seq, seq, 1);
  }
  assert_memory_equal(observer.saved, "cde", 3);
  assert_false(observer.cursor.is_lost);
  assert_reads(&observer, 100, "12345123451234512345");
  web_log_ring_fini(&observer.ring);
}

static void log_ring_caught_up_cursor_at_a_hole_is_never_lost(void **state) {
  (void)state;
  lone_observer observer;
  lone_start(&observer, WEB_LOG_PLAIN, 23, 64);
  for (uint64_t seq = 1; seq < 200; seq++) {
    ring_append(&observer.ring, "abcde", seq, seq, 1);
    assert_reads(&observer, 100, "abcde");
  }
  assert_false(observer.cursor.is_lost);
  /* Only when the bound that the ring knows was passed, which is once a lap. */
  assert_in_range(observer.evictions, 1, 60);
  web_log_ring_fini(&observer.ring);
}

static void log_ring_full_index_lets_the_oldest_piece_go(void **state) {
  (void)state;
  lone_observer observer;
  lone_start(&observer, WEB_LOG_PLAIN, 1000, 4);
  for (uint64_t seq = 1; seq <= 5; seq++) {
    ring_append(&observer.ring, "x", seq, seq, 1);
  }
  assert_true(observer.cursor.is_lost);
  web_span missed = web_log_ring_skip_lost(&observer.ring, &observer.cursor);
  assert_int_equal(missed.first_seq, 1);
  assert_int_equal(missed.last_seq, 1);
  assert_int_equal(missed.count, 1);
  assert_reads(&observer, 100, "xxxx");
  web_log_ring_fini(&observer.ring);
}

static void log_ring_small_pieces_are_joined_so_that_the_index_is_never_full_first(void **state) {
  (void)state;
  lone_observer observer;
  lone_start(&observer, WEB_LOG_PLAIN, 64, 16);
  observer.ring.join_bytes = 8;
  for (uint64_t seq = 1; seq <= 32; seq++) {
    ring_append(&observer.ring, "ab", seq, seq, 1);
  }
  assert_int_equal(observer.evictions, 0);
  /* The first four are one piece now, and go together; a cursor in their midst keeps its rest. */
  assert_reads(&observer, 4, "abab");
  ring_append(&observer.ring, "cd", 33, 33, 1);
  assert_int_equal(observer.saved_size, 4);
  assert_memory_equal(observer.saved, "abab", 4);
  assert_false(observer.cursor.is_lost);
  ring_append(&observer.ring, "0123456789", 34, 34, 1);
  assert_true(observer.cursor.is_lost);
  web_span missed = web_log_ring_skip_lost(&observer.ring, &observer.cursor);
  assert_int_equal(missed.first_seq, 5);
  assert_int_equal(missed.last_seq, 8);
  assert_int_equal(missed.count, 4);
  web_log_ring_fini(&observer.ring);
}

static void log_ring_evicts_no_more_than_the_reservation_needs(void **state) {
  (void)state;
  lone_observer observer;
  lone_start(&observer, WEB_LOG_PLAIN, 40, 64);
  for (uint64_t seq = 1; seq <= 8; seq++) {
    ring_append(&observer.ring, "abcde", seq, seq, 1);
  }
  assert_false(observer.cursor.is_lost);
  assert_non_null(web_log_ring_reserve(&observer.ring, 6));
  web_log_ring_commit(&observer.ring, 0, NULL);
  web_span missed = web_log_ring_skip_lost(&observer.ring, &observer.cursor);
  assert_int_equal(missed.last_seq, 2);
  assert_int_equal(missed.count, 2);
  web_log_ring_fini(&observer.ring);
}

/* Reserved and used sizes on both sides of every header length; the payload must arrive whole
 * behind the shortest header. */
static void log_ring_websocket_header_is_minimal_for_what_was_used(void **state) {
  (void)state;
  static const size_t sizes[] = {1, 2, 124, 125, 126, 127, 300, 65534, 65535, 65536, 65537, 70000};
  enum { COUNT = sizeof sizes / sizeof sizes[0] };
  for (size_t at = 0; at < (size_t)COUNT * COUNT; at++) {
    size_t reserved = sizes[at / COUNT];
    size_t used = sizes[at % COUNT];
    if (used > reserved) {
      continue;
    }
    lone_observer observer;
    web_log_format format = at % 2 == 0 ? WEB_LOG_WS_TEXT : WEB_LOG_WS_BINARY;
    lone_start(&observer, format, 300000, 4);
    uint8_t *room = web_log_ring_reserve(&observer.ring, reserved);
    assert_non_null(room);
    for (size_t index = 0; index < used; index++) {
      room[index] = (uint8_t)(index * 7);
    }
    web_log_ring_commit(&observer.ring, used, &(web_span){1, 1, 1});
    uint8_t header[WEB_WS_HEADER_MAX];
    size_t header_size =
        web_ws_write_header(header, at % 2 == 0 ? WEB_WS_TEXT : WEB_WS_BINARY, used);
    web_view views[2];
    assert_int_equal(web_log_ring_readable(&observer.ring, &observer.cursor, SIZE_MAX, views),
                     header_size + used);
    assert_memory_equal(views[0].data, header, header_size);
    for (size_t index = 0; index < used; index++) {
      assert_int_equal(views[0].data[header_size + index], (uint8_t)(index * 7));
    }
    web_log_ring_fini(&observer.ring);
  }
}

/* ---- the model: everything ever produced, and observers of random speed ---- */

enum { MODEL_PIECES = 4000, MODEL_OBSERVERS = 5 };

typedef struct model_piece {
  uint8_t *wire;
  size_t size;
  web_span span;
} model_piece;

/* What an observer's connection saw so far: whole pieces, gaps, and a part of the next piece. */
typedef struct model_observer {
  web_log_cursor cursor;
  size_t next_piece;
  size_t taken_of_piece;
  uint8_t *saved; /* owned: what must be sent before anything else */
  size_t saved_size;
  uint64_t delivered;
  uint64_t missed;
  uint64_t began_with; /* events produced before it came */
  uint32_t speed;
} model_observer;

typedef struct model {
  web_log_ring ring;
  model_piece pieces[MODEL_PIECES];
  size_t piece_count;
  uint64_t events;
  uint64_t seq;
  model_observer observers[MODEL_OBSERVERS];
  unsigned gaps;
  unsigned saves;
} model;

static uint64_t model_on_evict(void *user, uint64_t new_tail) {
  model *all = user;
  uint64_t lowest = UINT64_MAX;
  for (size_t index = 0; index < MODEL_OBSERVERS; index++) {
    model_observer *observer = &all->observers[index];
    if (!observer->cursor.is_lost && observer->cursor.offset < new_tail) {
      web_view rest = web_log_ring_leave(&all->ring, &observer->cursor, new_tail);
      if (rest.size != 0) {
        assert_null(observer->saved);
        observer->saved = malloc(rest.size);
        assert_non_null(observer->saved);
        memcpy(observer->saved, rest.data, rest.size);
        observer->saved_size = rest.size;
        all->saves++;
      }
    }
    if (!observer->cursor.is_lost && observer->cursor.offset < lowest) {
      lowest = observer->cursor.offset;
    }
  }
  return lowest;
}

static void model_observer_joins(model *all, model_observer *observer) {
  free(observer->saved);
  *observer = (model_observer){.cursor = web_log_ring_cursor_at_head(&all->ring),
                               .next_piece = all->piece_count,
                               .began_with = all->events,
                               .speed = 1 + random_below(4)};
}

/* The connection took `data`: it must be what the model says comes next, byte by byte. */
static void model_observer_takes(model *all, model_observer *observer, const uint8_t *data,
                                 size_t size) {
  while (size != 0) {
    assert_true(observer->next_piece < all->piece_count);
    const model_piece *piece = &all->pieces[observer->next_piece];
    size_t left = piece->size - observer->taken_of_piece;
    size_t part = size < left ? size : left;
    assert_memory_equal(piece->wire + observer->taken_of_piece, data, part);
    observer->taken_of_piece += part;
    data += part;
    size -= part;
    if (observer->taken_of_piece == piece->size) {
      observer->taken_of_piece = 0;
      observer->next_piece++;
      observer->delivered += piece->span.count;
    }
  }
}

/* The gap must be made of whole pieces, beginning with the next one. */
static void model_observer_skips(model *all, model_observer *observer, web_span missed) {
  assert_int_equal(observer->taken_of_piece, 0);
  assert_int_equal(missed.first_seq, all->pieces[observer->next_piece].span.first_seq);
  uint64_t count = 0;
  uint64_t last_seq = 0;
  while (count < missed.count) {
    assert_true(observer->next_piece < all->piece_count);
    count += all->pieces[observer->next_piece].span.count;
    last_seq = all->pieces[observer->next_piece].span.last_seq;
    observer->next_piece++;
  }
  assert_int_equal(count, missed.count);
  assert_int_equal(last_seq, missed.last_seq);
  observer->missed += missed.count;
  all->gaps++;
}

static void model_observer_limits_its_lag(model *all, model_observer *observer) {
  web_log_ring *ring = &all->ring;
  size_t keep = random_below((uint32_t)ring->capacity);
  size_t before = (size_t)(ring->head - observer->cursor.offset);
  web_span missed = web_log_ring_skip_to(ring, &observer->cursor, keep);
  size_t behind = (size_t)(ring->head - observer->cursor.offset);
  if (missed.count == 0) {
    assert_int_equal(behind, before);
    bool is_newest = observer->next_piece + 1 >= all->piece_count;
    /* The hole at a lap's end counts as being behind. */
    assert_true(before <= keep || is_newest || ring->hole_end > observer->cursor.offset);
    return;
  }
  assert_true(before > keep);
  model_observer_skips(all, observer, missed);
  assert_true(behind <= keep || observer->next_piece + 1 == all->piece_count);
}

static void model_observer_reads(model *all, model_observer *observer, size_t max_size) {
  if (observer->saved != NULL) {
    size_t part = max_size < observer->saved_size ? max_size : observer->saved_size;
    model_observer_takes(all, observer, observer->saved, part);
    memmove(observer->saved, observer->saved + part, observer->saved_size - part);
    observer->saved_size -= part;
    if (observer->saved_size != 0) {
      return;
    }
    free(observer->saved);
    observer->saved = NULL;
  }
  if (observer->cursor.is_lost) {
    model_observer_skips(all, observer, web_log_ring_skip_lost(&all->ring, &observer->cursor));
  } else if (observer->taken_of_piece == 0 && random_below(8) == 0) {
    model_observer_limits_its_lag(all, observer);
  }
  web_view views[2];
  size_t readable = web_log_ring_readable(&all->ring, &observer->cursor, max_size, views);
  assert_int_equal(readable, views[0].size + views[1].size);
  assert_true(readable <= max_size);
  /* A partial send: any number of bytes of what was offered. */
  size_t taken = random_below(3) == 0 ? random_below((uint32_t)readable + 1) : readable;
  size_t first = taken < views[0].size ? taken : views[0].size;
  model_observer_takes(all, observer, views[0].data, first);
  model_observer_takes(all, observer, views[1].data, taken - first);
  web_log_ring_advance(&all->ring, &observer->cursor, taken);
}

static void model_check(model *all) {
  for (size_t index = 0; index < MODEL_OBSERVERS; index++) {
    const model_observer *observer = &all->observers[index];
    uint64_t accounted = observer->began_with + observer->delivered + observer->missed;
    if (observer->cursor.is_lost) {
      if (observer->saved == NULL) {
        assert_int_equal(accounted, observer->cursor.lost_events_before);
      }
      continue;
    }
    uint64_t saved = observer->saved == NULL ? 0 : all->pieces[observer->next_piece].span.count;
    assert_int_equal(accounted + saved, web_log_ring_events_before(&all->ring, &observer->cursor));
    web_view rest = web_log_ring_rest_of_piece(&all->ring, &observer->cursor);
    if (observer->saved == NULL && observer->taken_of_piece != 0) {
      const model_piece *piece = &all->pieces[observer->next_piece];
      assert_int_equal(rest.size, piece->size - observer->taken_of_piece);
      assert_memory_equal(rest.data, piece->wire + observer->taken_of_piece, rest.size);
    } else {
      assert_int_equal(rest.size, 0);
    }
  }
}

static void model_appends(model *all) {
  size_t quarter = all->ring.capacity / 4;
  size_t reserved = 1 + random_below((uint32_t)quarter);
  size_t used = random_below(4) == 0 ? reserved : random_below((uint32_t)reserved + 1);
  uint8_t *room = web_log_ring_reserve(&all->ring, reserved);
  assert_non_null(room);
  for (size_t index = 0; index < used; index++) {
    room[index] = (uint8_t)random_below(256);
  }
  if (used == 0) {
    web_log_ring_commit(&all->ring, 0, NULL);
    return;
  }
  model_piece *piece = &all->pieces[all->piece_count++];
  uint64_t count = 1 + random_below(3);
  piece->span.first_seq = all->seq + 1 + random_below(3);
  piece->span.last_seq = piece->span.first_seq + count - 1 + random_below(2);
  piece->span.count = count;
  all->seq = piece->span.last_seq;
  all->events += count;
  uint8_t header[WEB_WS_HEADER_MAX];
  size_t header_size = 0;
  if (all->ring.format != WEB_LOG_PLAIN) {
    bool is_text = all->ring.format == WEB_LOG_WS_TEXT;
    header_size = web_ws_write_header(header, is_text ? WEB_WS_TEXT : WEB_WS_BINARY, used);
  }
  piece->size = header_size + used;
  piece->wire = malloc(piece->size);
  assert_non_null(piece->wire);
  memcpy(piece->wire, header, header_size);
  memcpy(piece->wire + header_size, room, used);
  web_log_ring_commit(&all->ring, used, &piece->span);
}

static void model_end(model *all) {
  for (size_t index = 0; index < MODEL_OBSERVERS; index++) {
    model_observer *observer = &all->observers[index];
    for (int round = 0; round < 100000 && observer->next_piece != all->piece_count; round++) {
      model_observer_reads(all, observer, SIZE_MAX);
    }
    assert_int_equal(observer->began_with + observer->delivered + observer->missed, all->events);
    free(observer->saved);
  }
  for (size_t index = 0; index < all->piece_count; index++) {
    free(all->pieces[index].wire);
  }
  web_log_ring_fini(&all->ring);
}

static void model_run(size_t capacity, size_t max_pieces, web_log_format format, size_t steps,
                      unsigned *gaps, unsigned *saves) {
  model *all = calloc(1, sizeof *all);
  assert_non_null(all);
  assert_int_equal(web_log_ring_init(&all->ring, format, capacity, max_pieces, model_on_evict, all),
                   WEB_OK);
  for (size_t index = 0; index < MODEL_OBSERVERS; index++) {
    model_observer_joins(all, &all->observers[index]);
  }
  for (size_t step = 0; step < steps && all->piece_count < MODEL_PIECES; step++) {
    model_observer *observer = &all->observers[random_below(MODEL_OBSERVERS)];
    uint32_t what = random_below(1000);
    if (what < 3) {
      model_observer_joins(all, observer);
    } else if (what < 400) {
      model_appends(all);
    } else if (random_below(observer->speed) == 0) {
      model_observer_reads(all, observer, 1 + random_below((uint32_t)capacity));
    }
    model_check(all);
  }
  *gaps += all->gaps;
  *saves += all->saves;
  model_end(all);
  free(all);
}

static void log_ring_delivered_and_gaps_are_what_was_produced_at_every_step(void **state) {
  (void)state;
  static const size_t capacities[] = {16, 17, 18, 23, 31, 64, 100, 257, 600, 1000, 4096};
  unsigned gaps = 0;
  unsigned saves = 0;
  for (size_t index = 0; index < sizeof capacities / sizeof capacities[0]; index++) {
    for (size_t max_pieces = 1; max_pieces <= 256; max_pieces *= 4) {
      model_run(capacities[index], max_pieces, WEB_LOG_PLAIN, 3000, &gaps, &saves);
      model_run(capacities[index], max_pieces, WEB_LOG_WS_TEXT, 3000, &gaps, &saves);
      model_run(capacities[index], max_pieces, WEB_LOG_WS_BINARY, 3000, &gaps, &saves);
    }
  }
  /* The model must have met what it is there for. */
  assert_true(gaps > 1000);
  assert_true(saves > 1000);
}

static void log_ring_delivered_and_gaps_are_what_was_produced_in_a_large_ring(void **state) {
  (void)state;
  unsigned gaps = 0;
  unsigned saves = 0;
  model_run(300000, 64, WEB_LOG_WS_TEXT, 600, &gaps, &saves);
  model_run(300000, 64, WEB_LOG_PLAIN, 600, &gaps, &saves);
  assert_true(gaps > 0);
  assert_true(saves > 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(log_ring_refuses_nonsense_at_init),
      cmocka_unit_test(log_ring_cursor_sees_what_comes_after_it_and_nothing_before),
      cmocka_unit_test(log_ring_reads_no_more_than_asked_even_over_the_laps_end),
      cmocka_unit_test(log_ring_readable_of_zero_bytes_is_nothing),
      cmocka_unit_test(log_ring_takes_pieces_up_to_a_quarter_and_no_larger),
      cmocka_unit_test(log_ring_commit_of_nothing_appends_nothing),
      cmocka_unit_test(log_ring_lost_cursor_is_told_exactly_what_it_missed),
      cmocka_unit_test(log_ring_cursor_that_is_too_far_behind_goes_on_with_the_newest),
      cmocka_unit_test(log_ring_knows_the_seq_that_a_cursor_goes_on_with),
      cmocka_unit_test(log_ring_rest_of_a_half_sent_piece_can_be_saved_before_it_goes),
      cmocka_unit_test(log_ring_saving_the_rest_of_the_only_piece_that_goes_is_no_loss),
      cmocka_unit_test(log_ring_caught_up_cursor_at_a_hole_is_never_lost),
      cmocka_unit_test(log_ring_full_index_lets_the_oldest_piece_go),
      cmocka_unit_test(log_ring_small_pieces_are_joined_so_that_the_index_is_never_full_first),
      cmocka_unit_test(log_ring_evicts_no_more_than_the_reservation_needs),
      cmocka_unit_test(log_ring_websocket_header_is_minimal_for_what_was_used),
      cmocka_unit_test(log_ring_delivered_and_gaps_are_what_was_produced_at_every_step),
      cmocka_unit_test(log_ring_delivered_and_gaps_are_what_was_produced_in_a_large_ring),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
