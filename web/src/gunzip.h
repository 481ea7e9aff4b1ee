/* A whole gzip file. Pure but for the allocator; any thread. */
#ifndef WEB_SRC_GUNZIP_H
#define WEB_SRC_GUNZIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* False: it is none, or expands to another size than `out_size`. */
bool web_gunzip(const uint8_t *data, size_t size, uint8_t *out, size_t out_size);

#endif
