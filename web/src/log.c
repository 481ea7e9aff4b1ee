/* Broadcast logs: who observes them, and when they hear of what is new. HTTP thread.
 *
 * Success: commit → at the end of the turn every observer of a log that grew becomes ready → one
 * pass over those. Failures: an observer's own, told to its owner by on_sent. Whoever is blocked is
 * left out until its socket is writable; when the ring laps it, it is told by on_evict, and later
 * of its gap. */
#include "log.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "server_state.h"

/* One piece per this many bytes of capacity is indexed; smaller ones are joined, so that no index
 * is ever full before its ring is. */
#define BYTES_PER_PIECE 256
/* What the owner put into the logs in one turn goes out in the same turn to all whose sockets take
 * it: an observer must only ever fall behind by its own fault. 2 MiB each is several times what a
 * turn brings. */
#define PASSES_PER_TURN 8

/* The ring is about to overwrite what lies in front of `new_tail`. Whoever stands in the middle of
 * a piece there keeps the rest of it. Without memory for that the peer could only get a torn frame:
 * it is ended. */
static uint64_t log_on_evict(void *user, uint64_t new_tail) {
  web_log *log = user;
  uint64_t lowest = UINT64_MAX;
  for (web_sender *sender = log->observers; sender != NULL; sender = sender->log_next) {
    web_log_cursor *cursor = &sender->cursor;
    if (sender->mode != WEB_SENDER_FOLLOWING || cursor->is_lost) {
      continue;
    }
    if (cursor->offset < new_tail) {
      web_view rest = web_log_ring_leave(&log->ring, cursor, new_tail);
      if (rest.size > 0 && !web_outbox_prepend(&sender->outbox, rest.data, rest.size)) {
        sender->is_torn = true;
        web_sender_wake(sender);
      }
    }
    if (!cursor->is_lost && cursor->offset < lowest) {
      lowest = cursor->offset;
    }
  }
  return lowest;
}

web_status web_log_create(web_server *server, web_log_format format, size_t capacity_bytes,
                          web_log **out_log) {
  web_server_check_thread(server);
  web_log *log = calloc(1, sizeof *log);
  if (log == NULL) {
    return WEB_E_NO_MEMORY;
  }
  web_status status = web_log_ring_init(&log->ring, format, capacity_bytes,
                                        capacity_bytes / BYTES_PER_PIECE + 1, log_on_evict, log);
  if (status != WEB_OK) {
    free(log);
    return status;
  }
  log->ring.join_bytes = BYTES_PER_PIECE;
  log->server = server;
  log->next = server->logs;
  if (log->next != NULL) {
    log->next->previous = log;
  }
  server->logs = log;
  *out_log = log;
  return WEB_OK;
}

static size_t log_on_pack(void *user, uint8_t *data, size_t size) {
  const web_log *log = user;
  size_t packed_size = 0;
  const uint8_t *packed = web_deflater_pack(log->deflater, data, size, &packed_size);
  if (packed == NULL) {
    return 0;
  }
  memcpy(data, packed, packed_size);
  return packed_size;
}

bool web_log_compress(web_log *log, unsigned window_bits) {
  log->deflater = web_server_deflater(log->server, window_bits);
  log->deflate_bits = window_bits;
  log->ring.on_pack = log->deflater != NULL ? log_on_pack : NULL;
  return log->deflater != NULL;
}

void web_log_destroy(web_log *log) {
  if (log == NULL) {
    return;
  }
  web_server_check_thread(log->server);
  WEB_CHECK(log->observers == NULL);
  if (log->previous != NULL) {
    log->previous->next = log->next;
  } else {
    log->server->logs = log->next;
  }
  if (log->next != NULL) {
    log->next->previous = log->previous;
  }
  web_log_ring_fini(&log->ring);
  free(log);
}

uint32_t web_log_observer_count(const web_log *log) {
  return log->observer_count;
}

uint8_t *web_log_reserve(web_log *log, size_t size) {
  web_server_check_thread(log->server);
  return web_log_ring_reserve(&log->ring, size);
}

void web_log_commit(web_log *log, size_t size, const web_span *span) {
  web_server_check_thread(log->server);
  web_log_ring_commit(&log->ring, size, span);
}

/* The ring knows a lower bound of all cursors: most of the time it alone says no. */
static bool ring_may_be_crowded(const web_log_ring *ring) {
  return ring->lowest_cursor < ring->head && ring->head - ring->lowest_cursor > ring->capacity / 2;
}

bool web_log_is_crowded(web_log *log) {
  if (!ring_may_be_crowded(&log->ring) ||
      atomic_load_explicit(&log->server->wants_stop, memory_order_relaxed)) {
    return false;
  }
  for (web_sender *sender = log->observers; sender != NULL; sender = sender->log_next) {
    if (web_sender_is_pressed(sender)) {
      return true;
    }
  }
  return false;
}

static void log_wake_observers(web_log *log) {
  if (log->passed_head == log->ring.head) {
    return;
  }
  log->passed_head = log->ring.head;
  for (web_sender *sender = log->observers; sender != NULL; sender = sender->log_next) {
    web_sender_wake(sender);
  }
}

void web_logs_pass(web_server *server) {
  for (web_log *log = server->logs; log != NULL; log = log->next) {
    log_wake_observers(log);
  }
  for (int i = 0; i < PASSES_PER_TURN && server->ready_first != NULL; i++) {
    web_senders_pass(server);
  }
}
