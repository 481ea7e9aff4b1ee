/* Broadcast: what is encoded once is sent to many observers. HTTP thread only.
 *
 * A web_log is a bounded ring of ready wire bytes (WebSocket frames, or plain lines). Observers
 * with the same format and filter share one log; each has only a cursor into it and gets one send
 * per pass of everything new. Nothing is stored per observer. One that falls behind the log's tail
 * misses what was overwritten: it gets its `encode_gap` bytes in that place. For each observer, at
 * any time, received + gaps = produced.
 *
 * An observer that starts in the past first draws from `catch_up`, at its own pace, until that says
 * that it has caught up; from there it follows the log. */
#ifndef WEB_OBSERVER_H
#define WEB_OBSERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "web/buffer.h"
#include "web/request.h"
#include "web/server.h"
#include "web/status.h"
#include "web/websocket_codec.h"

/* What a piece of the log stands for: `count` events, the first and last of them by seq. One that
 * stands for none (count 0) lies between last_seq and first_seq. */
typedef struct web_span {
  uint64_t first_seq;
  uint64_t last_seq;
  uint64_t count;
} web_span;

/* ---- the log ---- */
typedef struct web_log web_log;

typedef enum web_log_format {
  WEB_LOG_PLAIN,   /* bytes as they are: NDJSON, SSE, or WebSocket frames that the owner wrote */
  WEB_LOG_WS_TEXT, /* each commit is one WebSocket text message */
  WEB_LOG_WS_BINARY
} web_log_format;

WEB_MUST_USE web_status web_log_create(web_server *server, web_log_format format,
                                       size_t capacity_bytes, web_log **out_log);
/* From here on each WebSocket message that gets smaller by it is compressed, once for all
 * observers, each of whom has agreed to that (web_request_deflate_bits). False: no memory. Frames
 * that the owner writes are the owner's: web_server_deflater. */
bool web_log_compress(web_log *log, unsigned window_bits);
/* Only without observers. Accepts NULL. */
void web_log_destroy(web_log *log);
uint32_t web_log_observer_count(const web_log *log);

/* Room for one piece of at most `size` payload bytes (at most a quarter of the capacity, else
 * NULL); overwrites the oldest. Exactly one web_log_commit follows, with what was used (0: nothing;
 * of a log of WebSocket messages and with a span of events: an empty message). */
uint8_t *web_log_reserve(web_log *log, size_t size);
void web_log_commit(web_log *log, size_t size, const web_span *span);
/* The server sends what is new to all observers after each turn's do_work; nothing else to call. */
/* Whether an observer that reads fast is half a log behind: unless the owner appends no more for a
 * moment, it will miss something. Who reads slowly or not at all does not count, and nobody does
 * once the server stops. The owner asks in do_work and again in prepare_sleep: the answer changes
 * while the server sends. */
bool web_log_is_crowded(web_log *log);

/* ---- an observer ---- */
typedef struct web_source {
  web_log *log; /* NULL: all there is comes from catch_up; of a stream only */
  /* Appends the next piece from the past (payload only, one WebSocket message or some lines) to
   * `out`. Called when all before it was taken. Appends nothing: caught up, follow the log from its
   * head as it is now. NULL: begins at the log's head. */
  void (*catch_up)(void *user, web_buffer *out);
  /* Appends what tells that `missed` was overwritten before it was sent. NULL: who misses something
   * is disconnected instead, a WebSocket with 1013. */
  void (*encode_gap)(void *user, const web_span *missed, web_buffer *out);
  void *user;
  /* How far it may be behind, with encode_gap: one whose socket was full, and which is further
   * behind when it takes something again, misses all but the newest half of it. It is never waited
   * for. 0: as far as the log reaches back. What the kernel keeps for its peer is bounded likewise,
   * on this machine's side. */
  uint32_t max_lag_bytes;
} web_source;

/* ---- WebSocket sessions ---- */
typedef struct web_socket web_socket;

/* Each may be NULL but on_close. */
typedef struct web_socket_events {
  /* The handshake is done. */
  void (*on_open)(web_socket *socket, void *user);
  /* Borrowed during the call. */
  void (*on_message)(web_socket *socket, web_ws_opcode opcode, const uint8_t *data, size_t size,
                     void *user);
  /* The kernel took some of what was sent to it: web_socket_unsent_bytes tells what is left. */
  void (*on_sent)(web_socket *socket, void *user);
  /* Last call: the pointer is dead afterwards. Comes exactly once for each web_socket_accept that
   * returned WEB_OK, also when the handshake never finished. `code` as the peer or we said it. */
  void (*on_close)(web_socket *socket, uint16_t code, void *user);
} web_socket_events;

/* Answers the upgrade request (dead afterwards, whatever comes back). `protocols` are those we
 * speak, best first, NULL-ended; the first that the client offers is chosen and returned by
 * web_socket_protocol (if it offers none of them: refused with 400, unless it offers none at all,
 * then NULL is chosen). A bad handshake is answered with its error (400, 405, 426) and
 * WEB_E_INVALID_ARG comes back. */
WEB_MUST_USE web_status web_socket_accept(web_request *request, const char *const *protocols,
                                          const web_socket_events *events, void *user);
/* For who has something to do before that: whether the handshake is a good one. If not, the request
 * is answered. */
WEB_MUST_USE bool web_socket_can_accept(web_request *request, const char *const *protocols);
const char *web_socket_protocol(const web_socket *socket);
/* Which of `protocols` web_socket_accept would choose; NULL: none, or the handshake is a bad
 * one. */
const char *web_request_subprotocol(const web_request *request, const char *const *protocols);
/* From on_open. What the peer says is answered later, by what is observed or sent: when it closes,
 * or breaks a rule, right behind a message, our close frame waits for limits.answer_time_ms, so
 * that the answers still leave. */
void web_socket_expect_answers(web_socket *socket);
/* The window by which messages to this client may be compressed: what its handshake offers, if the
 * server allows it; 0: not at all. A log that such a WebSocket observes may be compressed by it
 * (web_log_compress). */
unsigned web_request_deflate_bits(const web_request *request);
/* One private message of any size, copied. WEB_FULL: limits.max_websocket_outbox_bytes wait
 * already. Goes between two pieces of the log, never inside one. */
WEB_MUST_USE web_status web_socket_send(web_socket *socket, web_ws_opcode opcode, const void *data,
                                        size_t size);
/* What of that, and of all else but the log, the kernel has not taken yet. */
size_t web_socket_unsent_bytes(const web_socket *socket);
/* In place of limits.max_websocket_message_bytes, for messages that begin from now on. From on_open
 * on. */
void web_socket_set_max_message_bytes(web_socket *socket, size_t max_message_bytes);
/* From here on no message is taken, and the peer can send no more than the kernel's buffers hold;
 * at most 64 KiB that were received already are kept. Pings wait too. */
void web_socket_pause(web_socket *socket);
/* Goes on; what was kept may come by on_message inside this call. */
void web_socket_resume(web_socket *socket);
/* Begins the close handshake; on_close follows from the loop. A peer that does not do its part
 * within limits.close_timeout_ms is cut off, whatever was still to be sent to it. */
void web_socket_close(web_socket *socket, uint16_t code, const char *reason);
/* The same, but a peer may take its time to read what was sent, as long as it reads. */
void web_socket_finish(web_socket *socket, uint16_t code, const char *reason);
/* Begins to observe. One source at a time: ends the former, after the piece that went out in part.
 * NULL: ends observing. The first piece from the past is drawn inside this call, unless something
 * else has yet to be sent: what is sent from now on stands behind it. */
void web_socket_observe(web_socket *socket, const web_source *source);
/* Where it would end now: the first seq of its log that it has not taken (a piece that went out in
 * part counts as taken); 0: it has taken all that there is, or has not come to the log yet. */
uint64_t web_socket_next_seq(const web_socket *socket);

/* ---- streams: an answer that comes bit by bit, or never ends ---- */
typedef struct web_stream web_stream;
/* Answers 200 and streams `source` (format WEB_LOG_PLAIN). `on_end` comes exactly once, when the
 * client or the server goes, or after web_stream_finish; afterwards `source->user` is not touched
 * any more, and the pointer is dead. NULL: no memory; answered so, and `on_end` was called. */
web_stream *web_stream_start(web_request *request, const char *content_type,
                             const web_source *source, void (*on_end)(void *user));
/* A source without a log has something again: catch_up is called, from the loop, as soon as the
 * client has taken what came before. */
void web_stream_wake(web_stream *stream);
/* Ends once the client has taken all that catch_up still has. */
void web_stream_finish(web_stream *stream);

#endif
