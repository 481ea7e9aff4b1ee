/* Bytes on their way to one peer that lie in no log: answers, gaps, pieces from the past, the rest
 * of a piece that was overwritten. First in, first out. Pure; HTTP thread. Its owner bounds it. */
#ifndef WEB_SRC_OUTBOX_H
#define WEB_SRC_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct web_outbox {
  uint8_t *data; /* owned */
  size_t start;
  size_t size; /* bytes from start on */
  size_t capacity;
} web_outbox;

/* Zeroed memory is an empty one. */
void web_outbox_fini(web_outbox *outbox);
/* All parts or none. False: no memory. */
bool web_outbox_append(web_outbox *outbox, const void *head, size_t head_size, const void *body,
                       size_t body_size);
/* In front of everything. */
bool web_outbox_prepend(web_outbox *outbox, const void *data, size_t size);
/* The first `size` bytes are sent. Much memory is given back when it is empty. */
void web_outbox_consume(web_outbox *outbox, size_t size);
static inline const uint8_t *web_outbox_data(const web_outbox *outbox) {
  return outbox->data + outbox->start;
}

#endif
