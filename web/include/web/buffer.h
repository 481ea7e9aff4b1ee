/* A growable byte buffer with an upper bound, for answers that are put together in pieces.
 * One thread at a time. The first failure (bound reached, no memory) is remembered: append on, then
 * look at `failed` once. */
#ifndef WEB_BUFFER_H
#define WEB_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct web_buffer {
  uint8_t *data; /* owned */
  size_t size;
  size_t capacity;
  size_t max_size;
  bool failed;
} web_buffer;

void web_buffer_init(web_buffer *buffer, size_t max_size);
void web_buffer_fini(web_buffer *buffer);
/* Forgets the content, keeps the memory. */
void web_buffer_clear(web_buffer *buffer);
/* Room for `size` more bytes behind the content, or NULL (then `failed` is set). Commit what was
 * used. */
uint8_t *web_buffer_reserve(web_buffer *buffer, size_t size);
void web_buffer_commit(web_buffer *buffer, size_t size);
void web_buffer_append(web_buffer *buffer, const void *data, size_t size);
void web_buffer_append_text(web_buffer *buffer, const char *text);
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
void web_buffer_append_format(web_buffer *buffer, const char *format, ...);

#endif
