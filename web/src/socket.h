/* The inside of a web_socket, for its two files: accept.c opens it, socket.c lives and closes it.
 * HTTP thread.
 *
 *   HANDSHAKE ─▶ OPEN ─▶ CLOSING ─▶ LINGERING ─▶ ended
 *                  │        ▲
 *                  └─▶ ANSWERING
 *
 * CLOSING: our close frame is queued. LINGERING: it is sent, and the sending half is shut.
 * ANSWERING hears nothing more and sends on, so that what answers the peer's last message leaves
 * before the close frame. CLOSING waits for the kernel to take our close frame and, if we began,
 * for the peer's; LINGERING reads on until the peer closes, so that no reset overtakes our last
 * frame. Both end at the latest by close_timer. */
#ifndef WEB_SRC_SOCKET_H
#define WEB_SRC_SOCKET_H

#include "engine.h"
#include "sender.h"
#include "web/observer.h"
#include "web/server.h"

typedef enum web_socket_state {
  WEB_SOCKET_HANDSHAKE,
  WEB_SOCKET_OPEN,
  WEB_SOCKET_ANSWERING,
  WEB_SOCKET_CLOSING,
  WEB_SOCKET_LINGERING
} web_socket_state;

struct web_socket {
  web_sender sender;
  web_server *server;
  web_socket_state state;
  bool is_peer_done; /* its close frame came, or it broke the protocol: no more input counts */
  bool is_paused;    /* by its owner */
  bool is_feeding;   /* the codec, which stands between it and its owner */
  bool is_patient;   /* closing: as long as the peer reads on */
  size_t due_bytes;  /* … which it did not when the close timer was started */
  uint8_t *kept;     /* received and not looked at, since it is paused; owned */
  size_t kept_bytes;
  web_ws_codec *codec;
  const char *protocol;
  unsigned deflate_bits; /* 0: it agreed to no compression */
  const web_socket_events *events;
  void *user;
  uint16_t close_code;      /* for on_close */
  const char *close_reason; /* of the close that waits for answers; static text */
  bool expects_answers;
  uint64_t message_ns; /* when its last message came; 0: none did */
  bool has_pong;       /* the newest ping that could not be answered at once */
  uint8_t pong_size;
  uint8_t pong[125];
  bool is_heard;  /* since the ping timer was started */
  bool is_pinged; /* before that, and it was silent then too */
  web_timer answer_timer;
  web_timer close_timer;
  web_timer ping_timer;
  web_socket *previous, *next; /* in server->sockets */
};

/* Before the handshake's answer. NULL: no memory. `events` are copied by reference. */
web_socket *web_socket_create(web_server *server, const char *protocol,
                              const web_socket_events *events, void *user);
/* Before it opens: messages may be compressed both ways. */
void web_socket_allow_deflate(web_socket *socket, unsigned window_bits);
/* Without on_close, when its answer could not be made. Accepts NULL. */
void web_socket_discard(web_socket *socket);
/* The handshake's answer is sent: `early` came behind the request. Takes the handle over. */
void web_socket_open(web_socket *socket, web_handle handle, const uint8_t *early,
                     size_t early_size);
/* The handshake never finished. */
void web_socket_abandon(web_socket *socket);

/* For the orderly stop: lets all find that the server stops, once they have sent what they had;
 * begins to close the others; ends all at once. */
void web_sockets_wake_all(web_server *server);
void web_sockets_close_all(web_server *server);
void web_sockets_end_all(web_server *server);

#endif
