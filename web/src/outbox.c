/* A byte queue for one peer. Pure but for the allocator; HTTP thread. */
#include "outbox.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"

/* What an idle one may keep: a few answers. A thousand idle observers then hold 4 MiB at most. */
#define KEEP_BYTES 4096

void web_outbox_fini(web_outbox *outbox) {
  free(outbox->data);
  *outbox = (web_outbox){0};
}

/* Room for `size` more bytes behind the content, and for `front` in front of it. */
static bool outbox_make_room(web_outbox *outbox, size_t front, size_t size) {
  if (outbox->start >= front && outbox->capacity - outbox->start - outbox->size >= size) {
    return true;
  }
  size_t needed = front + outbox->size + size;
  if (needed > outbox->capacity) {
    size_t capacity = needed + needed / 2 + 64;
    uint8_t *data = malloc(capacity);
    if (data == NULL) {
      return false;
    }
    if (outbox->size > 0) {
      memcpy(data + front, outbox->data + outbox->start, outbox->size);
    }
    free(outbox->data);
    outbox->data = data;
    outbox->capacity = capacity;
  } else {
    memmove(outbox->data + front, outbox->data + outbox->start, outbox->size);
  }
  outbox->start = front;
  return true;
}

static void outbox_put(web_outbox *outbox, const void *data, size_t size) {
  if (size > 0) {
    memcpy(outbox->data + outbox->start + outbox->size, data, size);
    outbox->size += size;
  }
}

bool web_outbox_append(web_outbox *outbox, const void *head, size_t head_size, const void *body,
                       size_t body_size) {
  if (!outbox_make_room(outbox, 0, head_size + body_size)) {
    return false;
  }
  outbox_put(outbox, head, head_size);
  outbox_put(outbox, body, body_size);
  return true;
}

bool web_outbox_prepend(web_outbox *outbox, const void *data, size_t size) {
  if (!outbox_make_room(outbox, size, 0)) {
    return false;
  }
  outbox->start -= size;
  outbox->size += size;
  memcpy(outbox->data + outbox->start, data, size);
  return true;
}

void web_outbox_consume(web_outbox *outbox, size_t size) {
  WEB_CHECK(size <= outbox->size);
  outbox->start += size;
  outbox->size -= size;
  if (outbox->size > 0) {
    return;
  }
  outbox->start = 0;
  if (outbox->capacity > KEEP_BYTES) {
    web_outbox_fini(outbox);
  }
}
