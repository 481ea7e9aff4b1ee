/* The growable buffer. Memory doubles up to the bound; after a failure nothing is appended any
 * more, so that the content never has a hole. Pure but for the allocator; one thread at a time. */
#include "web/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

enum { BUFFER_FIRST_CAPACITY = 256 };

void web_buffer_init(web_buffer *buffer, size_t max_size) {
  *buffer = (web_buffer){.max_size = max_size};
}

void web_buffer_fini(web_buffer *buffer) {
  free(buffer->data);
  *buffer = (web_buffer){.max_size = buffer->max_size};
}

void web_buffer_clear(web_buffer *buffer) {
  buffer->size = 0;
  buffer->failed = false;
}

static size_t buffer_next_capacity(const web_buffer *buffer, size_t needed) {
  size_t capacity =
      buffer->capacity < BUFFER_FIRST_CAPACITY ? BUFFER_FIRST_CAPACITY : buffer->capacity;
  while (capacity < needed) {
    capacity = capacity > buffer->max_size / 2 ? buffer->max_size : capacity * 2;
  }
  return capacity < buffer->max_size ? capacity : buffer->max_size;
}

uint8_t *web_buffer_reserve(web_buffer *buffer, size_t size) {
  if (buffer->failed || size > buffer->max_size - buffer->size) {
    buffer->failed = true;
    return NULL;
  }
  size_t needed = buffer->size + size;
  if (needed > buffer->capacity || buffer->data == NULL) {
    size_t capacity = buffer_next_capacity(buffer, needed);
    /* One byte more than the capacity: vsnprintf ends what it writes with a NUL. */
    uint8_t *data = realloc(buffer->data, capacity + 1);
    if (data == NULL) {
      buffer->failed = true;
      return NULL;
    }
    buffer->data = data;
    buffer->capacity = capacity;
  }
  return buffer->data + buffer->size;
}

void web_buffer_commit(web_buffer *buffer, size_t size) {
  WEB_CHECK(size <= buffer->capacity - buffer->size);
  buffer->size += size;
}

void web_buffer_append(web_buffer *buffer, const void *data, size_t size) {
  uint8_t *room = web_buffer_reserve(buffer, size);
  if (room != NULL && size != 0) {
    memcpy(room, data, size);
    buffer->size += size;
  }
}

void web_buffer_append_text(web_buffer *buffer, const char *text) {
  web_buffer_append(buffer, text, strlen(text));
}

void web_buffer_append_format(web_buffer *buffer, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  int size = vsnprintf(NULL, 0, format, arguments);
  va_end(arguments);
  if (size < 0) {
    buffer->failed = true;
    return;
  }
  uint8_t *room = web_buffer_reserve(buffer, (size_t)size);
  if (room != NULL) {
    va_start(arguments, format);
    (void)vsnprintf((char *)room, (size_t)size + 1, format, arguments);
    va_end(arguments);
    buffer->size += (size_t)size;
  }
}
