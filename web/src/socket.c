/* A WebSocket from its opening to its end. HTTP thread.
 *
 * Success: readable → one receive → codec → on_message; what is sent goes through the sender.
 * Peer's close frame → ours back → sending half shut → the peer closes → ended. Failures: protocol
 * errors are answered with their close code, then like any close; a peer that is gone, or does not
 * close in time, ends at once; each ends in socket_end, which calls on_close once and closes the
 * descriptor. */
#include "socket.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "log.h"
#include "server_state.h"

/* Pongs that wait to be sent; over it only the newest ping is answered (RFC 6455 §5.5.3 allows
 * that). */
#define PONGS_MAX_BYTES (16U << 10)
#define CLOSE_PAYLOAD_MAX 125

/* ---- the end ---- */

static void socket_free(web_socket *socket) {
  web_server *server = socket->server;
  if (socket->previous != NULL) {
    socket->previous->next = socket->next;
  } else {
    server->sockets = socket->next;
  }
  if (socket->next != NULL) {
    socket->next->previous = socket->previous;
  }
  web_server_stop_timer(server, WEB_TIMERS_ANSWER, &socket->answer_timer);
  web_server_stop_timer(server, WEB_TIMERS_CLOSE, &socket->close_timer);
  web_server_stop_timer(server, WEB_TIMERS_PING, &socket->ping_timer);
  web_sender_close(&socket->sender);
  web_ws_codec_destroy(socket->codec);
  free(socket->kept);
  free(socket);
}

/* The only way out of an accepted socket. */
static void socket_end(web_socket *socket) {
  web_server *server = socket->server;
  web_handle handle = socket->sender.entry.handle;
  web_sender_close(&socket->sender); /* leaves the poller before the descriptor is closed */
  socket->events->on_close(socket, socket->close_code, socket->user);
  socket_free(socket);
  if (handle != WEB_HANDLE_NONE) {
    server->stats.websockets--;
    server->stats.connections--;
    web_net_close(handle);
  }
}

void web_socket_discard(web_socket *socket) {
  if (socket != NULL) {
    socket_free(socket);
  }
}

void web_socket_abandon(web_socket *socket) {
  socket_end(socket);
}

/* ---- closing ---- */

static void socket_linger(web_socket *socket) {
  socket->state = WEB_SOCKET_LINGERING;
  web_net_shut_down_sending(socket->sender.entry.handle);
}

static void socket_start_close_timer(web_socket *socket, size_t due_bytes) {
  socket->due_bytes = due_bytes;
  web_server_start_timer(socket->server, WEB_TIMERS_CLOSE, &socket->close_timer,
                         socket->server->limits.close_timeout_ms);
}

static void socket_on_close_timeout(web_timer *timer, void *user) {
  web_socket *socket = user;
  (void)timer;
  size_t due_bytes = socket->sender.outbox.size + web_net_unread_bytes(socket->sender.entry.handle);
  if (socket->is_patient && due_bytes > 0 && due_bytes < socket->due_bytes) {
    socket_start_close_timer(socket, due_bytes);
  } else {
    socket_end(socket);
  }
}

static void socket_go_on(web_socket *socket);

/* Queues our close frame; nothing is sent behind it. Code WEB_WS_NO_STATUS: a frame without one. */
static void socket_begin_close(web_socket *socket, uint16_t code, const char *reason) {
  uint8_t payload[CLOSE_PAYLOAD_MAX];
  uint8_t header[WEB_WS_HEADER_MAX];
  size_t size = code == WEB_WS_NO_STATUS ? 0 : web_ws_write_close(payload, code, reason);
  size_t header_size = web_ws_write_header(header, WEB_WS_CLOSE, size);
  socket->state = WEB_SOCKET_CLOSING;
  socket_start_close_timer(socket, SIZE_MAX);
  if (!web_sender_unobserve(&socket->sender) ||
      !web_outbox_append(&socket->sender.outbox, header, header_size, payload, size)) {
    socket->sender.is_torn = true;
  }
  web_sender_wake(&socket->sender);
  socket_go_on(socket); /* to its close frame */
}

void web_socket_finish(web_socket *socket, uint16_t code, const char *reason) {
  socket->is_patient = true;
  web_socket_close(socket, code, reason);
}

static void socket_end_answers(web_socket *socket) {
  web_server_stop_timer(socket->server, WEB_TIMERS_ANSWER, &socket->answer_timer);
  socket_begin_close(socket, socket->close_code, socket->close_reason);
}

static void socket_on_answer_timer(web_timer *timer, void *user) {
  (void)timer;
  socket_end_answers(user);
}

void web_socket_close(web_socket *socket, uint16_t code, const char *reason) {
  web_server_check_thread(socket->server);
  if (socket->state == WEB_SOCKET_OPEN) {
    socket->close_code = code;
    socket_begin_close(socket, code, reason);
  } else if (socket->state == WEB_SOCKET_ANSWERING) {
    socket_end_answers(socket); /* by the code that was there first */
  }
}

static bool socket_owes_answers(const web_socket *socket) {
  const web_server *server = socket->server;
  return socket->expects_answers && socket->message_ns != 0 && !server->is_stopping &&
         server->now_ns - socket->message_ns <
             (uint64_t)server->limits.answer_time_ms * WEB_NS_PER_MS;
}

/* The peer has closed, or broken a rule. `reason` is static text. */
static void socket_answer_end(web_socket *socket, uint16_t code, const char *reason) {
  socket->close_code = code;
  if (!socket_owes_answers(socket)) {
    socket_begin_close(socket, code, reason);
    return;
  }
  socket->state = WEB_SOCKET_ANSWERING;
  socket->close_reason = reason;
  web_server_start_timer(socket->server, WEB_TIMERS_ANSWER, &socket->answer_timer,
                         socket->server->limits.answer_time_ms);
}

/* ---- sending ---- */

static bool socket_can_say(const web_socket *socket) {
  return socket->state == WEB_SOCKET_OPEN || socket->state == WEB_SOCKET_ANSWERING;
}

const char *web_socket_protocol(const web_socket *socket) {
  return socket->protocol;
}

static web_status socket_put(web_socket *socket, web_ws_opcode opcode, const void *data,
                             size_t size, size_t max_bytes) {
  uint8_t header[WEB_WS_HEADER_MAX];
  web_deflater *deflater = opcode <= WEB_WS_BINARY && socket->deflate_bits != 0
                               ? web_server_deflater(socket->server, socket->deflate_bits)
                               : NULL;
  size_t header_size = web_ws_pack(header, opcode, &data, &size, deflater);
  return web_sender_put(&socket->sender, header, header_size, data, size, max_bytes);
}

web_status web_socket_send(web_socket *socket, web_ws_opcode opcode, const void *data,
                           size_t size) {
  web_server_check_thread(socket->server);
  if (!socket_can_say(socket)) {
    return WEB_CLOSED;
  }
  return socket_put(socket, opcode, data, size, socket->server->limits.max_websocket_outbox_bytes);
}

size_t web_socket_unsent_bytes(const web_socket *socket) {
  return socket->sender.outbox.size;
}

void web_socket_observe(web_socket *socket, const web_source *source) {
  web_server_check_thread(socket->server);
  if (socket->state != WEB_SOCKET_OPEN) {
    return;
  }
  if (!web_sender_unobserve(&socket->sender)) {
    socket->sender.is_torn = true;
    web_sender_wake(&socket->sender);
  } else if (source != NULL) {
    unsigned log_bits = source->log != NULL ? source->log->deflate_bits : 0;
    WEB_CHECK(log_bits == 0 || log_bits == socket->deflate_bits);
    web_sender_observe(&socket->sender, source);
    web_sender_draw_ahead(&socket->sender);
  }
}

uint64_t web_socket_next_seq(const web_socket *socket) {
  const web_sender *sender = &socket->sender;
  return sender->mode == WEB_SENDER_FOLLOWING
             ? web_log_ring_next_seq(&sender->source.log->ring, &sender->cursor)
             : 0;
}

static void socket_answer_ping(web_socket *socket) {
  if (socket->has_pong && socket_can_say(socket) &&
      socket_put(socket, WEB_WS_PONG, socket->pong, socket->pong_size, PONGS_MAX_BYTES) == WEB_OK) {
    socket->has_pong = false;
  }
}

static void socket_on_sent(web_sender *sender, web_sender_result result) {
  web_socket *socket = WEB_CONTAINER_OF(sender, web_socket, sender);
  bool is_well = result == WEB_SENDER_IDLE || result == WEB_SENDER_MORE;
  if ((is_well || result == WEB_SENDER_BLOCKED) && socket_can_say(socket) &&
      socket->events->on_sent != NULL) {
    socket->events->on_sent(socket, socket->user);
  }
  switch (result) {
  case WEB_SENDER_IDLE:
    socket_answer_ping(socket);
    if (socket->state == WEB_SOCKET_CLOSING && socket->is_peer_done) {
      socket_linger(socket);
    } else if (socket->server->is_stopping) {
      web_socket_close(socket, WEB_WS_GOING_AWAY, "the server stops");
    }
    break;
  case WEB_SENDER_MORE:
  case WEB_SENDER_BLOCKED:
    break;
  case WEB_SENDER_BEHIND:
    web_socket_close(socket, WEB_WS_TRY_AGAIN_LATER, "too slow: messages were missed");
    break;
  case WEB_SENDER_STALLED:
    web_socket_close(socket, WEB_WS_TRY_AGAIN_LATER, "nothing was read for too long");
    break;
  case WEB_SENDER_GONE:
  case WEB_SENDER_FAILED:
    socket_end(socket);
    break;
  }
}

/* ---- is the peer alive? ---- */

static void socket_start_ping_timer(web_socket *socket) {
  socket->is_heard = false;
  web_server_start_timer(socket->server, WEB_TIMERS_PING, &socket->ping_timer,
                         socket->server->limits.ping_interval_ms);
}

/* Once an interval. A peer that takes nothing could not read a ping: the sender's own time-out
 * judges it. One that is not listened to is pinged, which shows whether it is gone, and not
 * judged. */
static void socket_on_ping_timer(web_timer *timer, void *user) {
  web_socket *socket = user;
  (void)timer;
  if (socket->state != WEB_SOCKET_OPEN) {
    return;
  }
  bool is_silent = !socket->is_heard && !socket->sender.is_blocked;
  if (is_silent && socket->is_pinged && !socket->is_paused) {
    socket->server->stats.unanswered++;
    web_socket_close(socket, WEB_WS_INTERNAL_ERROR, "a ping was not answered");
    return;
  }
  socket->is_pinged =
      is_silent && socket_put(socket, WEB_WS_PING, NULL, 0, PONGS_MAX_BYTES) == WEB_OK;
  socket_start_ping_timer(socket);
}

/* ---- receiving ---- */

static void socket_on_message(web_ws_opcode opcode, const uint8_t *data, size_t size, void *user) {
  web_socket *socket = user;
  socket->message_ns = socket->server->now_ns;
  if (socket->state == WEB_SOCKET_OPEN && socket->events->on_message != NULL) {
    socket->events->on_message(socket, opcode, data, size, socket->user);
  }
}

static void socket_on_control(web_ws_opcode opcode, const uint8_t *data, size_t size, void *user) {
  web_socket *socket = user;
  if (opcode != WEB_WS_PING) {
    return;
  }
  socket->has_pong = true;
  socket->pong_size = (uint8_t)size;
  if (size > 0) {
    memcpy(socket->pong, data, size);
  }
  socket_answer_ping(socket);
}

static void socket_on_peer_close(uint16_t code, const uint8_t *reason, size_t size, void *user) {
  web_socket *socket = user;
  (void)reason;
  (void)size;
  if (socket->state == WEB_SOCKET_OPEN) {
    socket_answer_end(socket, code, "");
  }
}

/* After our close frame: the peer's was it that we waited for. */
static void socket_peer_is_done(web_socket *socket) {
  socket->is_peer_done = true;
  if (socket->state == WEB_SOCKET_CLOSING && socket->sender.outbox.size == 0) {
    socket_linger(socket);
  }
}

static void socket_on_codec_result(web_socket *socket, uint16_t code) {
  if (code != WEB_WS_NORMAL && socket->state == WEB_SOCKET_OPEN) {
    const char *failure = web_ws_codec_failure(socket->codec);
    socket_answer_end(socket, code, failure != NULL ? failure : "");
  }
  socket_peer_is_done(socket);
}

/* Returns how many bytes at the end are to be kept, since the owner wants no more for now. */
static size_t socket_feed(web_socket *socket, uint8_t *data, size_t size) {
  size_t left = size;
  socket->is_heard = true;
  socket->is_feeding = true;
  while (left > 0 && !socket->is_paused && !socket->is_peer_done) {
    uint16_t code = web_ws_codec_feed(socket->codec, data + (size - left), left);
    left = web_ws_codec_left_bytes(socket->codec);
    if (code != 0) {
      socket_on_codec_result(socket, code);
    }
  }
  socket->is_feeding = false;
  return socket->is_peer_done ? 0 : left; /* what follows its end is thrown away */
}

static void socket_receive(web_socket *socket, uint8_t *data, size_t size) {
  size_t left = socket_feed(socket, data, size);
  if (left == 0) {
    return;
  }
  uint8_t *kept = realloc(socket->kept, socket->kept_bytes + left);
  if (kept == NULL) {
    web_socket_close(socket, WEB_WS_INTERNAL_ERROR, "out of memory");
    return;
  }
  memcpy(kept + socket->kept_bytes, data + (size - left), left);
  socket->kept = kept;
  socket->kept_bytes += left;
}

/* ---- pausing ---- */

void web_socket_set_max_message_bytes(web_socket *socket, size_t max_message_bytes) {
  web_ws_codec_set_max_message_bytes(socket->codec, max_message_bytes);
}

void web_socket_pause(web_socket *socket) {
  web_server_check_thread(socket->server);
  if (socket->state == WEB_SOCKET_OPEN && !socket->is_paused) {
    socket->is_paused = true;
    web_ws_codec_stop(socket->codec);
    web_sender_set_interest(&socket->sender, 0);
  }
}

static void socket_go_on(web_socket *socket) {
  if (!socket->is_paused) {
    return;
  }
  socket->is_paused = false;
  web_sender_set_interest(&socket->sender, WEB_POLL_READ);
  if (socket->is_feeding) {
    return; /* which goes on by itself */
  }
  uint8_t *kept = socket->kept;
  size_t size = socket->kept_bytes;
  size_t left = socket_feed(socket, kept, size);
  if (left > 0) {
    memmove(kept, kept + (size - left), left);
  } else {
    free(kept);
    socket->kept = NULL;
  }
  socket->kept_bytes = left;
}

void web_socket_resume(web_socket *socket) {
  web_server_check_thread(socket->server);
  socket_go_on(socket);
}

static void socket_on_ready(web_poll_entry *entry, unsigned ready) {
  web_socket *socket = WEB_CONTAINER_OF(entry, web_socket, sender.entry);
  uint8_t *buffer = socket->server->receive_buffer;
  size_t size = 0;
  if ((ready & WEB_POLL_WRITE) != 0) {
    web_sender_unblock(&socket->sender);
  }
  if ((ready & WEB_POLL_HANGUP) != 0 && socket->is_paused) {
    socket_end(socket); /* reset: what it sent before is gone as well */
    return;
  }
  if ((ready & WEB_POLL_READ) == 0) {
    return;
  }
  /* One receive per turn, however much there is: it stays ready, and others have their turn. */
  switch (web_net_receive(entry->handle, buffer, WEB_RECEIVE_BYTES, &size)) {
  case WEB_OK:
    socket_receive(socket, buffer, size);
    break;
  case WEB_FULL:
    break;
  default:
    socket_end(socket);
    break;
  }
}

/* ---- the beginning ---- */

web_socket *web_socket_create(web_server *server, const char *protocol,
                              const web_socket_events *events, void *user) {
  static const web_ws_codec_events codec_events = {.on_message = socket_on_message,
                                                   .on_control = socket_on_control,
                                                   .on_close = socket_on_peer_close};
  web_socket *socket = calloc(1, sizeof *socket);
  if (socket == NULL) {
    return NULL;
  }
  socket->codec =
      web_ws_codec_create(&codec_events, socket, server->limits.max_websocket_message_bytes);
  if (socket->codec == NULL) {
    free(socket);
    return NULL;
  }
  socket->server = server;
  socket->protocol = protocol;
  socket->events = events;
  socket->user = user;
  socket->close_code = WEB_WS_ABNORMAL;
  socket->answer_timer = (web_timer){.routine = socket_on_answer_timer, .user = socket};
  socket->close_timer = (web_timer){.routine = socket_on_close_timeout, .user = socket};
  socket->ping_timer = (web_timer){.routine = socket_on_ping_timer, .user = socket};
  socket->sender = (web_sender){.server = server,
                                .entry = {.on_ready = socket_on_ready, .handle = WEB_HANDLE_NONE},
                                .on_sent = socket_on_sent};
  socket->next = server->sockets;
  if (socket->next != NULL) {
    socket->next->previous = socket;
  }
  server->sockets = socket;
  return socket;
}

void web_socket_expect_answers(web_socket *socket) {
  web_server_check_thread(socket->server);
  socket->expects_answers = true;
}

void web_socket_allow_deflate(web_socket *socket, unsigned window_bits) {
  socket->deflate_bits = window_bits;
  web_ws_codec_allow_deflate(socket->codec, &socket->server->inflaters);
}

/* What came with the handshake lies in the connection's pool, and nothing else will announce it. */
static void socket_feed_early(web_socket *socket, const uint8_t *early, size_t size) {
  while (size > 0) {
    size_t piece = size < WEB_RECEIVE_BYTES ? size : WEB_RECEIVE_BYTES;
    memcpy(socket->server->receive_buffer, early, piece);
    socket_receive(socket, socket->server->receive_buffer, piece);
    early += piece;
    size -= piece;
  }
}

void web_socket_open(web_socket *socket, web_handle handle, const uint8_t *early,
                     size_t early_size) {
  socket->sender.entry.handle = handle;
  socket->server->stats.websockets++;
  /* libmicrohttpd may have switched it back. */
  web_net_set_no_delay(handle);
  if (web_sender_open(&socket->sender, handle, WEB_POLL_READ) != WEB_OK) {
    socket_end(socket);
    return;
  }
  socket->state = WEB_SOCKET_OPEN;
  socket_start_ping_timer(socket);
  if (socket->events->on_open != NULL) {
    socket->events->on_open(socket, socket->user);
  }
  socket_feed_early(socket, early, early_size);
}

/* ---- the server stops ---- */

void web_sockets_wake_all(web_server *server) {
  for (web_socket *socket = server->sockets; socket != NULL; socket = socket->next) {
    web_sender_wake(&socket->sender);
  }
}

void web_sockets_close_all(web_server *server) {
  for (web_socket *socket = server->sockets; socket != NULL; socket = socket->next) {
    web_socket_close(socket, WEB_WS_GOING_AWAY, "the server stops");
  }
}

void web_sockets_end_all(web_server *server) {
  web_socket *next = NULL;
  for (web_socket *socket = server->sockets; socket != NULL; socket = next) {
    next = socket->next;
    if (socket->state != WEB_SOCKET_HANDSHAKE) {
      socket_end(socket);
    }
  }
}
