/* What the system gives to the HTTP side: sockets and the clock. One implementation per platform
 * folder (web/linux/net.c); the only place, with the poller, that knows error numbers. HTTP thread
 * only, but for what says "any thread". */
#ifndef WEB_SRC_NET_H
#define WEB_SRC_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "web/status.h"

/* A socket or another thing that can be polled. */
typedef intptr_t web_handle;
#define WEB_HANDLE_NONE ((web_handle)-1)

typedef struct web_bytes {
  const void *data;
  size_t size;
} web_bytes;

/* An address to listen on: loopback only, so that a family, the last bytes and a port say it
 * all. */
typedef struct web_address {
  bool is_ipv6;  /* then it is ::1 */
  uint32_t ipv4; /* host byte order, in 127.0.0.0/8 */
  uint16_t port; /* 0: any */
} web_address;

/* The listening socket, non-blocking, and the port that it really got. WEB_E_IN_USE, WEB_E_ACCESS;
 * WEB_CLOSED: this system has no such address (IPv6 is off). */
WEB_MUST_USE web_status web_net_listen(const web_address *address, web_handle *out_listener,
                                       uint16_t *out_port);
/* The next client, non-blocking, not inherited by children, without Nagle's delay. WEB_CLOSED: none
 * is waiting. WEB_FULL: out of descriptors or memory, pause. */
WEB_MUST_USE web_status web_net_accept(web_handle listener, web_handle *out_client);
/* The local port of a connection. 0 if unknown. */
uint16_t web_net_local_port(web_handle connection);
/* Where the other end of a connection is, as "127.0.0.1:40112" or "[::1]:40112"; "" if unknown. */
enum { WEB_ADDRESS_TEXT_BYTES = 56 };
void web_net_peer_address(web_handle connection, char out_text[WEB_ADDRESS_TEXT_BYTES]);
void web_net_set_no_delay(web_handle connection);
/* About how much the kernel takes that the peer has not. */
void web_net_set_send_buffer(web_handle connection, size_t size);
/* Sends parts in order. WEB_OK also when only a part of it went; WEB_FULL: nothing went, wait until
 * writable; WEB_CLOSED: the peer is gone. */
WEB_MUST_USE web_status web_net_send(web_handle connection, const web_bytes *parts, size_t count,
                                     size_t *out_sent);
/* WEB_OK: *out_received > 0. WEB_FULL: nothing there yet. WEB_CLOSED: end of stream or error. */
WEB_MUST_USE web_status web_net_receive(web_handle connection, void *data, size_t size,
                                        size_t *out_received);
/* Bytes that were sent and that the peer has not acknowledged. */
size_t web_net_unread_bytes(web_handle connection);
/* Whether all that came was read, and no more will come. */
bool web_net_is_at_end(web_handle connection);
/* Ends both directions; the descriptor stays open. */
void web_net_shut_down(web_handle connection);
/* The peer reads the end; we can still read. */
void web_net_shut_down_sending(web_handle connection);
void web_net_close(web_handle handle);
/* A handle of its own to the same connection. */
WEB_MUST_USE web_status web_net_duplicate(web_handle connection, web_handle *out_handle);

/* Monotonic. Any thread. */
uint64_t web_net_now_ns(void);

#endif
