/* Framing: how a byte-mode pipe is cut into messages, and how a message is dressed for such a pipe.
 *
 * Pure: no I/O, no clock, no allocation; any thread, one thread per decoder at a time. The decoder
 * sees the bytes where they are. It keeps no bytes itself: what it does not consume, the caller
 * presents again with more behind it. */
#ifndef PIPECORE_FRAMING_H
#define PIPECORE_FRAMING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipecore/status.h"

typedef enum pc_framing {
  PC_FRAMING_NONE,        /* each read is a message                           */
  PC_FRAMING_LINE,        /* ends with \n, which is not part of the message   */
  PC_FRAMING_NUL,         /* ends with \0, which is not part of the message   */
  PC_FRAMING_LENGTH32_BE, /* 32-bit length of what follows, then that         */
  PC_FRAMING_LENGTH32_LE
} pc_framing;

/* State between two calls; zeroed by pc_frame_decoder_init. */
typedef struct pc_frame_decoder {
  pc_framing framing;
  uint32_t max_message_bytes; /* of payload, without delimiter or prefix      */
  size_t scanned_bytes;       /* looked at already and found without delimiter */
} pc_frame_decoder;

/* One cut message. `data` points into the caller's bytes. */
typedef struct pc_frame {
  const uint8_t *data;
  uint32_t size_bytes;
} pc_frame;

void pc_frame_decoder_init(pc_frame_decoder *decoder, pc_framing framing,
                           uint32_t max_message_bytes);

/* Looks for one message at the start of `data`.
 * PC_OK: `*out_frame` is it, and `*out_consumed` bytes (delimiter and prefix included) are done with.
 * PC_AGAIN: none complete yet; present the same bytes with more behind them.
 * PC_E_TOO_BIG: the message is, or will be, over the limit; the stream cannot be cut any further.
 * `none` makes a message of at most max_message_bytes of whatever is there. */
PC_MUST_USE pc_status pc_frame_decode(pc_frame_decoder *decoder, const uint8_t *data, size_t size,
                                      pc_frame *out_frame, size_t *out_consumed);

/* How a message is dressed on the wire: `prefix` bytes before it, `suffix` bytes behind it. A message
 * that ends with the delimiter already gets no second one. */
typedef struct pc_frame_dress {
  uint8_t prefix[8];
  uint8_t prefix_bytes;
  uint8_t suffix[2];
  uint8_t suffix_bytes;
} pc_frame_dress;

void pc_frame_encode(pc_framing framing, const uint8_t *data, uint32_t size,
                     pc_frame_dress *out_dress);

const char *pc_framing_name(pc_framing framing); /* "none", "line", "nul", "length32be", … */
bool pc_framing_from_name(const char *name, pc_framing *out_framing);

#endif
