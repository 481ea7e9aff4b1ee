/* What a codec makes of a stream, as text, so that tests compare strings:
 *   T(Hello)  a text message     B(…)  a binary one
 *   i(…)      a ping             o(…)  a pong
 *   c1000(…)  a close frame with code and reason
 * Bytes that are not printable ASCII are written \xx; what is longer than 40 bytes is (*N) if it is
 * N bytes of codec_pattern, else (!N). */
#ifndef TESTS_UNIT_WEB_CODEC_OUTCOME_H
#define TESTS_UNIT_WEB_CODEC_OUTCOME_H

#include <stddef.h>
#include <stdint.h>

typedef struct codec_outcome {
  char events[8192];
  size_t events_size;
  uint16_t code;   /* what the last feed returned                   */
  size_t ended_at; /* bytes fed when the code came, 0 if it did not */
} codec_outcome;

uint8_t codec_pattern(size_t index);

/* Feeds `stream` as one piece of `first` bytes and then pieces of `step`, each in memory of exactly
 * its size. Checks on the way that after a code nothing comes any more, and that a failure has its
 * text. */
void codec_outcome_of(codec_outcome *outcome, const uint8_t *stream, size_t size, size_t first,
                      size_t step, size_t max_message_bytes);
/* The same outcome for the stream in one piece, byte by byte, and cut in two at every place (of a
 * long stream: at the first and last 30); returns that of byte by byte. */
void codec_outcome_of_any_split(codec_outcome *outcome, const uint8_t *stream, size_t size,
                                size_t max_message_bytes);

#endif
