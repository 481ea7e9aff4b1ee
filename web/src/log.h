/* The inside of a web_log, and the pass that sends to all observers. HTTP thread. */
#ifndef WEB_SRC_LOG_H
#define WEB_SRC_LOG_H

#include "sender.h"

struct web_log {
  web_server *server;
  web_log_ring ring;
  web_deflater *deflater; /* the server's; NULL: nothing is compressed */
  unsigned deflate_bits;
  uint64_t passed_head; /* the ring's head when its observers were last made ready */
  web_sender *observers;
  uint32_t observer_count;
  web_log *previous, *next; /* in server->logs */
};

/* Queues everybody who has something new, and sends once to each that was queued. */
void web_logs_pass(web_server *server);

#endif
