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

#include "pipecore/declarations.h"
#include "pipecore/status.h"

PC_DECLARATIONS_BEGIN

/* `none` keeps no boundaries at all: a message is what one read found. Two writes of a client that
 * is faster than the loop come as one message, and a write larger than what is read at once (64
 * KiB, less under backpressure) or than max_message_bytes comes as several; only the bytes and
 * their order are certain. */
typedef enum pc_framing {
  PC_FRAMING_NONE,        /* each read is a message                           */
  PC_FRAMING_LINE,        /* ends with \n, which is not part of the message   */
  PC_FRAMING_NUL,         /* ends with \0, which is not part of the message   */
  PC_FRAMING_LENGTH32_BE, /* 32-bit length of what follows, then that         */
  PC_FRAMING_LENGTH32_LE,
  PC_FRAMING_LENGTH16_BE, /* the same with 16 bits: at most 65,535 bytes      */
  PC_FRAMING_LENGTH16_LE,
  PC_FRAMING_VARINT, /* length as an unsigned LEB128 of at most 32 bits (5 bytes), as protobuf's
                      * delimited streams have it, then that                             */
  PC_FRAMING_HEADERS /* "Content-Length: N\r\n", other headers, "\r\n", then N bytes, as language
                      * servers and debug adapters speak; the message has no header   */
} pc_framing;

/* Longest header block of PC_FRAMING_HEADERS, with the empty line at its end. */
enum { PC_FRAME_HEADERS_MAX_BYTES = 4096 };

/* State between two calls; zeroed by pc_frame_decoder_init. */
typedef struct pc_frame_decoder {
  pc_framing framing;
  uint32_t max_message_bytes; /* of payload, without delimiter, prefix or headers          */
  size_t scanned_bytes;       /* looked at already and found without delimiter             */
  uint64_t skipped_bytes;     /* payload that pc_frame_skip let go: of this frame or the last */
  uint64_t payload_bytes;     /* of the frame begun, where its prefix says so: those to come */
  uint32_t prefix_bytes;      /* of the frame begun: length or headers, as far as understood */
  bool is_prefix_whole;       /* both are known                                            */
  bool has_length;            /* payload_bytes is, the header block may go on              */
  bool is_skipping;           /* pc_frame_skip has not come to the end of the frame        */
} pc_frame_decoder;

/* One cut message. `data` points into the caller's bytes. */
typedef struct pc_frame {
  const uint8_t *data;
  uint32_t size_bytes;
} pc_frame;

/* For a new stream. `max_message_bytes` of payload; more than that is PC_E_TOO_BIG. */
void pc_frame_decoder_init(pc_frame_decoder *decoder, pc_framing framing,
                           uint32_t max_message_bytes);

/* Looks for one message at the start of `data`.
 * PC_OK: `*out_frame` is it, and `*out_consumed` bytes (delimiter and prefix included) are done
 * with. PC_AGAIN: none complete yet; present the same bytes with more behind them. PC_E_TOO_BIG:
 * the message is, or will be, over the limit; pc_frame_skip goes on behind it, nothing else.
 * PC_E_MALFORMED: what stands where a length or header should cannot be one; the stream cannot be
 * cut any further. `none` makes a message of at most max_message_bytes of whatever is there. */
PC_MUST_USE pc_status pc_frame_decode(pc_frame_decoder *decoder, const uint8_t *data, size_t size,
                                      pc_frame *out_frame, size_t *out_consumed);

/* Lets go of the message that pc_frame_decode found too big, without keeping a byte of it: at first
 * with the bytes that were shown there, then with those that follow. PC_OK: its end was among them,
 * `*out_consumed` bytes are done with, and pc_frame_decode goes on behind. PC_AGAIN: all of them
 * are done with, and more of it comes (decoder->is_skipping until then). */
PC_MUST_USE pc_status pc_frame_skip(pc_frame_decoder *decoder, const uint8_t *data, size_t size,
                                    size_t *out_consumed);

/* Of `size` bytes that pc_frame_decode answered with PC_AGAIN: how many of the first are length or
 * headers and no payload. */
size_t pc_frame_begun_prefix_bytes(const pc_frame_decoder *decoder, size_t size);

/* How a message is dressed on the wire: `prefix` bytes before it, `suffix` bytes behind it. A
 * message that ends with the delimiter already gets no second one. */
typedef struct pc_frame_dress {
  uint8_t prefix[32];
  uint8_t prefix_bytes;
  uint8_t suffix[2];
  uint8_t suffix_bytes;
} pc_frame_dress;

/* `size` is at most pc_framing_max_message_bytes(framing). */
void pc_frame_encode(pc_framing framing, const uint8_t *data, uint32_t size,
                     pc_frame_dress *out_dress);

/* Largest message that the framing has a way to say. */
uint32_t pc_framing_max_message_bytes(pc_framing framing);

const char *pc_framing_name(pc_framing framing); /* "none", "line", "nul", "length32be", … */
bool pc_framing_from_name(const char *name, pc_framing *out_framing);

PC_DECLARATIONS_END

#endif
