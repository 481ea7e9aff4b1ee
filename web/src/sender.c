/* Sending to one observer. HTTP thread.
 *
 * Success: ready → one sendmsg of at most PASS_BYTES of everything that is due → idle, or ready
 * again. Failures: kernel full → blocked until writable, others go on meanwhile; peer gone or no
 * memory → on_sent tells the owner, who ends it. */
#include "sender.h"

#include "check.h"
#include "log.h"
#include "server_state.h"

/* Per observer and pass: large enough that a call's fixed cost vanishes, small enough that the last
 * of a thousand observers is not kept waiting for the first. */
#define PASS_BYTES (256U << 10)
#define SCRATCH_KEEP_BYTES (1U << 20)

/* ---- the ready list ---- */

static void ready_remove(web_sender *sender) {
  web_server *server = sender->server;
  if (!sender->is_ready) {
    return;
  }
  if (sender->ready_previous != NULL) {
    sender->ready_previous->ready_next = sender->ready_next;
  } else {
    server->ready_first = sender->ready_next;
  }
  if (sender->ready_next != NULL) {
    sender->ready_next->ready_previous = sender->ready_previous;
  } else {
    server->ready_last = sender->ready_previous;
  }
  sender->ready_previous = NULL;
  sender->ready_next = NULL;
  sender->is_ready = false;
}

void web_sender_wake(web_sender *sender) {
  web_server *server = sender->server;
  if (sender->is_ready || sender->is_blocked || !sender->is_live) {
    return;
  }
  sender->ready_previous = server->ready_last;
  if (server->ready_last != NULL) {
    server->ready_last->ready_next = sender;
  } else {
    server->ready_first = sender;
  }
  server->ready_last = sender;
  sender->ready_pass = server->pass_number;
  sender->is_ready = true;
}

void web_sender_draw_again(web_sender *sender) {
  if (sender->mode == WEB_SENDER_DRY) {
    sender->mode = WEB_SENDER_CATCHING_UP;
  }
  web_sender_wake(sender);
}

/* ---- opening and closing ---- */

/* What the kernel holds is old by the time it leaves. */
static void kernel_bound(web_sender *sender) {
  if (sender->source.max_lag_bytes > 0 && sender->is_live) {
    web_net_set_send_buffer(sender->entry.handle, sender->source.max_lag_bytes);
  }
}

web_status web_sender_open(web_sender *sender, web_handle handle, unsigned interest) {
  sender->entry.handle = handle;
  sender->base_interest = interest;
  web_status status = web_poller_add(sender->server->poller, &sender->entry, interest);
  if (status != WEB_OK) {
    return status;
  }
  sender->is_live = true;
  kernel_bound(sender);
  web_sender_wake(sender);
  return WEB_OK;
}

static void log_leave(web_sender *sender) {
  web_log *log = sender->source.log;
  if (sender->mode == WEB_SENDER_SILENT) {
    return;
  }
  if (log == NULL) {
    sender->mode = WEB_SENDER_SILENT;
    sender->source = (web_source){0};
    return;
  }
  if (sender->log_previous != NULL) {
    sender->log_previous->log_next = sender->log_next;
  } else {
    log->observers = sender->log_next;
  }
  if (sender->log_next != NULL) {
    sender->log_next->log_previous = sender->log_previous;
  }
  sender->log_previous = NULL;
  sender->log_next = NULL;
  log->observer_count--;
  sender->mode = WEB_SENDER_SILENT;
  sender->source = (web_source){0};
}

void web_sender_close(web_sender *sender) {
  log_leave(sender);
  ready_remove(sender);
  web_server_stop_timer(sender->server, WEB_TIMERS_STALL, &sender->stall_timer);
  if (sender->is_live) {
    web_poller_remove(sender->server->poller, &sender->entry);
    sender->is_live = false;
  }
  web_outbox_fini(&sender->outbox);
}

/* ---- what to send ---- */

static void sender_follow(web_sender *sender) {
  sender->mode = WEB_SENDER_FOLLOWING;
  sender->cursor = web_log_ring_cursor_at_head(&sender->source.log->ring);
}

void web_sender_observe(web_sender *sender, const web_source *source) {
  WEB_CHECK(sender->mode == WEB_SENDER_SILENT);
  WEB_CHECK(source->log != NULL || source->catch_up != NULL);
  web_log *log = source->log;
  sender->source = *source;
  kernel_bound(sender);
  if (log == NULL) {
    sender->mode = WEB_SENDER_CATCHING_UP;
    web_sender_wake(sender);
    return;
  }
  sender->log_next = log->observers;
  if (log->observers != NULL) {
    log->observers->log_previous = sender;
  }
  log->observers = sender;
  log->observer_count++;
  if (source->catch_up != NULL) {
    sender->mode = WEB_SENDER_CATCHING_UP;
  } else {
    sender_follow(sender);
  }
  web_sender_wake(sender);
}

bool web_sender_unobserve(web_sender *sender) {
  bool is_whole = true;
  if (sender->mode == WEB_SENDER_FOLLOWING) {
    web_view rest = web_log_ring_rest_of_piece(&sender->source.log->ring, &sender->cursor);
    is_whole = rest.size == 0 || web_outbox_prepend(&sender->outbox, rest.data, rest.size);
  }
  log_leave(sender);
  return is_whole;
}

web_status web_sender_put(web_sender *sender, const void *head, size_t head_size, const void *body,
                          size_t body_size, size_t max_bytes) {
  if (sender->private_bytes >= max_bytes) {
    return WEB_FULL;
  }
  if (!web_outbox_append(&sender->outbox, head, head_size, body, body_size)) {
    return WEB_E_NO_MEMORY;
  }
  sender->private_bytes += head_size + body_size;
  web_sender_wake(sender);
  return WEB_OK;
}

/* Puts what the source has written into the outbox, as one message of the log's format. */
static bool sender_put_piece(web_sender *sender, const web_buffer *piece) {
  uint8_t header[WEB_WS_HEADER_MAX];
  size_t header_size = 0;
  const void *data = piece->data;
  size_t size = piece->size;
  if (piece->failed) {
    return false;
  }
  const web_log *log = sender->source.log;
  web_log_format format = log != NULL ? log->ring.format : WEB_LOG_PLAIN;
  if (format != WEB_LOG_PLAIN) {
    header_size = web_ws_pack(header, web_log_opcode(format), &data, &size, log->deflater);
  }
  return web_outbox_append(&sender->outbox, header, header_size, data, size);
}

static bool sender_put_gap(web_sender *sender, const web_span *missed) {
  web_buffer *scratch = &sender->server->scratch;
  web_buffer_clear(scratch);
  sender->source.encode_gap(sender->source.user, missed, scratch);
  return sender_put_piece(sender, scratch);
}

/* Of one whose socket was full until now: leaves what is too old. The piece that went out in part
 * is completed first; so the gap stands behind what is in the outbox. */
static bool sender_limit_lag(web_sender *sender) {
  web_log_ring *ring = &sender->source.log->ring;
  web_log_cursor *cursor = &sender->cursor;
  size_t max_lag = sender->source.max_lag_bytes;
  web_span missed = {0};
  if (cursor->is_lost) {
    missed = web_log_ring_skip_lost(ring, cursor);
  }
  if (ring->head - cursor->offset > max_lag) {
    web_view rest = web_log_ring_rest_of_piece(ring, cursor);
    if (rest.size > 0 && !web_outbox_prepend(&sender->outbox, rest.data, rest.size)) {
      return false;
    }
    web_log_ring_advance(ring, cursor, rest.size);
    web_span more = web_log_ring_skip_to(ring, cursor, max_lag / 2);
    if (more.count > 0) {
      missed.first_seq = missed.count > 0 ? missed.first_seq : more.first_seq;
      missed.last_seq = more.last_seq;
      missed.count += more.count;
    }
  }
  return missed.count == 0 || sender_put_gap(sender, &missed);
}

/* With nothing else on its way: the next piece from the past, or the gap in front of the cursor. */
static bool sender_draw(web_sender *sender) {
  web_buffer *scratch = &sender->server->scratch;
  bool is_kept = true;
  web_buffer_clear(scratch);
  if (sender->mode == WEB_SENDER_CATCHING_UP) {
    sender->source.catch_up(sender->source.user, scratch);
    if (scratch->size == 0 && !scratch->failed && sender->source.log == NULL) {
      sender->mode = WEB_SENDER_DRY;
    } else if (scratch->size == 0 && !scratch->failed) {
      sender_follow(sender);
    } else {
      is_kept = sender_put_piece(sender, scratch);
    }
  } else if (sender->mode == WEB_SENDER_FOLLOWING && sender->cursor.is_lost) {
    web_span missed = web_log_ring_skip_lost(&sender->source.log->ring, &sender->cursor);
    is_kept = sender_put_gap(sender, &missed);
  }
  if (scratch->capacity > SCRATCH_KEEP_BYTES || scratch->failed) {
    size_t max_size = scratch->max_size;
    web_buffer_fini(scratch);
    web_buffer_init(scratch, max_size);
  }
  return is_kept;
}

void web_sender_draw_ahead(web_sender *sender) {
  if (sender->outbox.size == 0 && !sender_draw(sender)) {
    sender->is_torn = true;
  }
}

/* ---- a pass ---- */

typedef struct parts {
  web_bytes list[3];
  size_t count;
  size_t total;
  size_t rest;   /* of a piece, in front */
  size_t outbox; /* behind that */
} parts;

static void parts_add(parts *out, const void *data, size_t size) {
  if (size > 0) {
    out->list[out->count++] = (web_bytes){.data = data, .size = size};
    out->total += size;
  }
}

static void parts_gather(const web_sender *sender, parts *out) {
  const web_outbox *outbox = &sender->outbox;
  bool is_following = sender->mode == WEB_SENDER_FOLLOWING;
  *out = (parts){0};
  if (outbox->size > 0 && is_following) {
    web_view rest = web_log_ring_rest_of_piece(&sender->source.log->ring, &sender->cursor);
    parts_add(out, rest.data, rest.size);
    out->rest = rest.size;
  }
  if (outbox->size > 0) {
    out->outbox = outbox->size;
    parts_add(out, web_outbox_data(outbox), outbox->size);
  }
  if (is_following && out->rest == 0 && out->total < PASS_BYTES) {
    web_view views[2];
    (void)web_log_ring_readable(&sender->source.log->ring, &sender->cursor, PASS_BYTES - out->total,
                                views);
    parts_add(out, views[0].data, views[0].size);
    parts_add(out, views[1].data, views[1].size);
  }
}

static size_t smaller(size_t one, size_t other) {
  return one < other ? one : other;
}

static void sender_consume(web_sender *sender, const parts *sent_parts, size_t sent) {
  size_t rest = smaller(sent, sent_parts->rest);
  size_t outbox = smaller(sent - rest, sent_parts->outbox);
  size_t behind = sent - rest - outbox;
  if (outbox > 0) {
    web_outbox_consume(&sender->outbox, outbox);
    sender->private_bytes = smaller(sender->private_bytes, sender->outbox.size);
  }
  if (rest + behind > 0) {
    web_log_ring_advance(&sender->source.log->ring, &sender->cursor, rest + behind);
  }
}

static bool sender_has_more(const web_sender *sender) {
  if (sender->outbox.size > 0 || sender->mode == WEB_SENDER_CATCHING_UP) {
    return true;
  }
  web_view views[2];
  return sender->mode == WEB_SENDER_FOLLOWING &&
         (sender->cursor.is_lost ||
          web_log_ring_readable(&sender->source.log->ring, &sender->cursor, 1, views) > 0);
}

bool web_sender_is_pressed(web_sender *sender) {
  const web_log_ring *ring = &sender->source.log->ring;
  uint64_t now_ns = sender->server->now_ns;
  uint32_t observers = sender->source.log->observer_count;
  if (sender->mode != WEB_SENDER_FOLLOWING || sender->cursor.is_lost ||
      sender->source.max_lag_bytes > 0 ||
      ring->head - sender->cursor.offset <= ring->capacity / 2) {
    return false;
  }
  if (web_pace_is_due(&sender->pace, now_ns, observers)) {
    web_pace_judge(&sender->pace, now_ns, observers, web_net_unread_bytes(sender->entry.handle));
  }
  return web_pace_is_trusted(&sender->pace, now_ns, observers);
}

static web_sender_result sender_pass(web_sender *sender) {
  parts gathered;
  size_t sent = 0;
  if (sender->mode == WEB_SENDER_FOLLOWING && sender->cursor.is_lost &&
      sender->source.encode_gap == NULL) {
    return WEB_SENDER_BEHIND;
  }
  bool is_limited = sender->was_blocked && sender->source.max_lag_bytes > 0 &&
                    sender->mode == WEB_SENDER_FOLLOWING;
  sender->was_blocked = false;
  if (sender->is_torn || (is_limited && !sender_limit_lag(sender)) ||
      (sender->outbox.size == 0 && !sender_draw(sender))) {
    return WEB_SENDER_FAILED;
  }
  parts_gather(sender, &gathered);
  if (gathered.total > 0) {
    web_status status = web_net_send(sender->entry.handle, gathered.list, gathered.count, &sent);
    if (status == WEB_CLOSED) {
      return WEB_SENDER_GONE;
    }
    sender_consume(sender, &gathered, sent);
    web_pace_take(&sender->pace, sent);
    if (sent < gathered.total) {
      return WEB_SENDER_BLOCKED;
    }
  }
  if (sender_has_more(sender)) {
    return WEB_SENDER_MORE;
  }
  web_pace_catch_up(&sender->pace, sender->server->now_ns);
  return WEB_SENDER_IDLE;
}

static void sender_on_stall_timer(web_timer *timer, void *user);

/* Twice in the time-out, so that only who is blocked for long costs a look at the kernel's
 * buffer. */
static void stall_watch(web_sender *sender, size_t unread_bytes) {
  web_server *server = sender->server;
  sender->unread_bytes = unread_bytes;
  sender->stall_timer.routine = sender_on_stall_timer;
  sender->stall_timer.user = sender;
  web_server_start_timer(server, WEB_TIMERS_STALL, &sender->stall_timer,
                         server->limits.stall_timeout_ms / 2);
}

/* A slow reader is not a stalled one: the kernel says "writable" only when a third of its buffer is
 * free. */
static void sender_on_stall_timer(web_timer *timer, void *user) {
  web_sender *sender = user;
  (void)timer;
  size_t unread_bytes = web_net_unread_bytes(sender->entry.handle);
  if (unread_bytes < sender->unread_bytes) {
    stall_watch(sender, unread_bytes);
    return;
  }
  sender->server->stats.stalled++;
  sender->on_sent(sender, WEB_SENDER_STALLED);
}

void web_sender_set_interest(web_sender *sender, unsigned interest) {
  sender->base_interest = interest;
  if (sender->is_live) {
    web_poller_set(sender->server->poller, &sender->entry,
                   interest | (sender->is_blocked ? WEB_POLL_WRITE : 0U));
  }
}

void web_sender_unblock(web_sender *sender) {
  if (sender->is_blocked) {
    sender->is_blocked = false;
    sender->was_blocked = true;
    web_server_stop_timer(sender->server, WEB_TIMERS_STALL, &sender->stall_timer);
    web_poller_set(sender->server->poller, &sender->entry, sender->base_interest);
    web_sender_wake(sender);
  }
}

void web_senders_pass(web_server *server) {
  /* Whoever is made ready meanwhile has its turn in the next pass. */
  uint64_t pass = ++server->pass_number;
  while (server->ready_first != NULL && server->ready_first->ready_pass != pass) {
    web_sender *sender = server->ready_first;
    ready_remove(sender);
    web_sender_result result = sender_pass(sender);
    if (result == WEB_SENDER_MORE) {
      web_sender_wake(sender);
    } else if (result == WEB_SENDER_BLOCKED) {
      ready_remove(sender); /* its source may have woken it in the middle of the pass */
      sender->is_blocked = true;
      stall_watch(sender, SIZE_MAX);
      web_poller_set(server->poller, &sender->entry, sender->base_interest | WEB_POLL_WRITE);
    }
    sender->on_sent(sender, result);
  }
}
