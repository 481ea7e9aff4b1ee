/* Waiting for many handles at once, and being woken from elsewhere. One implementation per platform
 * folder (web/linux/poller.c). HTTP thread only, but for web_poller_wake. */
#ifndef WEB_SRC_POLLER_H
#define WEB_SRC_POLLER_H

#include <stddef.h>

#include "net.h"
#include "web/status.h"

enum {
  WEB_POLL_READ = 1,
  WEB_POLL_WRITE = 2,
  WEB_POLL_HANGUP = 4 /* the peer has closed, or closed its half; asked for like the others */
};

/* Embedded in its owner. */
typedef struct web_poll_entry {
  void (*on_ready)(struct web_poll_entry *entry, unsigned ready);
  web_handle handle;
  unsigned interest; /* the poller's, once added */
} web_poll_entry;

typedef struct web_poller web_poller;

WEB_MUST_USE web_status web_poller_create(web_poller **out_poller);
void web_poller_destroy(web_poller *poller);

WEB_MUST_USE web_status web_poller_add(web_poller *poller, web_poll_entry *entry,
                                       unsigned interest);
/* No call to the system if nothing changes. */
void web_poller_set(web_poller *poller, web_poll_entry *entry, unsigned interest);
/* Afterwards `entry` is not called any more, not even for what was already reported. */
void web_poller_remove(web_poller *poller, web_poll_entry *entry);

/* Waits at most `timeout_ms` (negative: without end) for some that are ready. */
WEB_MUST_USE web_status web_poller_wait(web_poller *poller, int timeout_ms);
/* Calls them. */
void web_poller_dispatch(web_poller *poller);
/* Ends a wait, or the next one. Any thread, async-signal-safe. */
void web_poller_wake(web_poller *poller);

#endif
