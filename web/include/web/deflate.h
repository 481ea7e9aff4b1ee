/* permessage-deflate without context takeover (RFC 7692): each message is compressed and expanded
 * by itself, so that what is compressed once is for everybody. Nothing allocates per message once
 * it has been used. Without I/O and clock; one thread at a time. */
#ifndef WEB_DEFLATE_H
#define WEB_DEFLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of less there is nothing to be gained. */
enum { WEB_DEFLATE_MIN_BYTES = 512, WEB_DEFLATE_MIN_BITS = 9, WEB_DEFLATE_MAX_BITS = 15 };

/* ---- out ---- */
typedef struct web_deflater web_deflater;

/* `window_bits`: WEB_DEFLATE_MIN_BITS to WEB_DEFLATE_MAX_BITS. NULL: no memory. */
web_deflater *web_deflater_create(unsigned window_bits);
/* Accepts NULL. */
void web_deflater_destroy(web_deflater *deflater);
/* The payload of a compressed message, valid until the next call; NULL: it does not pay, or there
 * is no memory. */
const uint8_t *web_deflater_pack(web_deflater *deflater, const void *data, size_t size,
                                 size_t *out_size);

/* ---- in ---- */
typedef struct web_inflater web_inflater; /* expands one message */

typedef enum web_inflate_result {
  WEB_INFLATE_DONE, /* all of the input is expanded */
  WEB_INFLATE_FULL, /* more room, and again */
  WEB_INFLATE_BAD   /* the input is nothing that was deflated */
} web_inflate_result;

/* Inflaters that are in no message; zeroed memory is an empty pool. */
typedef struct web_inflaters {
  web_inflater *first;
  size_t count;
} web_inflaters;
void web_inflaters_fini(web_inflaters *pool);
/* NULL: no memory. */
web_inflater *web_inflaters_take(web_inflaters *pool);
/* Accepts NULL. */
void web_inflaters_give(web_inflaters *pool, web_inflater *inflater);

/* Expands from *data, which it moves on with *size, to `out`; *out_size is the room there, and then
 * what was written. */
web_inflate_result web_inflater_run(web_inflater *inflater, const uint8_t **data, size_t *size,
                                    uint8_t *out, size_t *out_size);
/* The same with what the message's sender left out at its end (RFC 7692 §7.2.2). */
web_inflate_result web_inflater_finish(web_inflater *inflater, uint8_t *out, size_t *out_size);

#endif
