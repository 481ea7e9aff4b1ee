/* Framing: a stream cut in pieces of any size gives what it gives in one piece, also where messages
 * over the limit are skipped; the decoder never looks beyond what it is shown, and a decoded
 * message dressed again decodes to itself. Input: framing (its high bit: skip), limit, seed of the
 * pieces' sizes, then the stream. */
#include <stdbool.h>
#include <string.h>

#include "fuzz.h"
#include "pipecore/framing.h"

enum {
  HEADER_BYTES = 3,
  STREAM_MAX_BYTES = 2048,
  FRAMES_MAX = STREAM_MAX_BYTES + 1,
  SKIP_BIT = 0x80
};

typedef struct cut_log {
  size_t offsets[FRAMES_MAX]; /* of the message's first byte in the stream */
  uint32_t sizes[FRAMES_MAX];
  size_t count;
  size_t begin; /* of what is not consumed yet */
  size_t skipped_count;
  uint64_t skipped_bytes;
  bool is_skipping_over; /* what is too big, instead of ending there */
  pc_status last;
} cut_log;

/* Lets go of a message that is too big. False: its end is not there yet. */
static bool skip_some(pc_frame_decoder *decoder, const uint8_t *shown, size_t size, size_t *done,
                      cut_log *log) {
  size_t consumed;
  pc_status status = pc_frame_skip(decoder, shown + *done, size - *done, &consumed);
  FUZZ_CHECK(consumed <= size - *done);
  FUZZ_CHECK(status == PC_OK || (status == PC_AGAIN && consumed == size - *done));
  FUZZ_CHECK(decoder->is_skipping == (status == PC_AGAIN));
  *done += consumed;
  log->begin += consumed;
  if (status == PC_OK) {
    log->skipped_count++;
    log->skipped_bytes += decoder->skipped_bytes;
  }
  return status == PC_OK;
}

/* Shows the decoder the bytes up to `end`, in memory of exactly that size. */
static void cut_until(pc_frame_decoder *decoder, const uint8_t *stream, size_t end, cut_log *log) {
  size_t size = end - log->begin;
  uint8_t *shown = malloc(size + (size == 0));
  FUZZ_CHECK(shown);
  memcpy(shown, stream + log->begin, size);
  size_t done = 0;
  bool is_cutting = !decoder->is_skipping || skip_some(decoder, shown, size, &done, log);
  while (is_cutting) {
    pc_frame frame;
    size_t consumed;
    log->last = pc_frame_decode(decoder, shown + done, size - done, &frame, &consumed);
    if (log->last == PC_E_TOO_BIG && log->is_skipping_over) {
      log->last = PC_AGAIN;
      is_cutting = skip_some(decoder, shown, size, &done, log);
      continue;
    }
    if (log->last != PC_OK) {
      FUZZ_CHECK(log->last == PC_AGAIN || log->last == PC_E_TOO_BIG || log->last == PC_E_MALFORMED);
      FUZZ_CHECK(pc_frame_begun_prefix_bytes(decoder, size - done) <= size - done);
      break;
    }
    FUZZ_CHECK(consumed >= 1 && consumed <= size - done);
    FUZZ_CHECK(frame.size_bytes <= decoder->max_message_bytes);
    FUZZ_CHECK(frame.data >= shown + done &&
               frame.data + frame.size_bytes <= shown + done + consumed);
    FUZZ_CHECK(log->count < FRAMES_MAX);
    log->offsets[log->count] = log->begin + (size_t)(frame.data - shown) - done;
    log->sizes[log->count++] = frame.size_bytes;
    log->begin += consumed;
    done += consumed;
  }
  free(shown);
}

static void cut_in_pieces(pc_framing framing, uint32_t limit, uint32_t seed, const uint8_t *stream,
                          size_t size, cut_log *log) {
  pc_frame_decoder decoder;
  pc_frame_decoder_init(&decoder, framing, limit);
  size_t end = 0;
  while (end < size && log->last == PC_AGAIN) {
    seed = seed * 1664525U + 1013904223U;
    size_t piece = 1 + (seed >> 16) % 19;
    end = size - end < piece ? size : end + piece;
    cut_until(&decoder, stream, end, log);
  }
}

/* `none` keeps no boundaries; its bytes follow each other without a hole. */
static void check_no_hole(const cut_log *log, size_t size) {
  size_t at = 0;
  for (size_t index = 0; index < log->count; index++) {
    FUZZ_CHECK(log->offsets[index] == at);
    at += log->sizes[index];
  }
  FUZZ_CHECK(at == size || log->last == PC_E_TOO_BIG);
}

static void check_equal(const cut_log *left, const cut_log *right) {
  FUZZ_CHECK(left->last == right->last);
  FUZZ_CHECK(left->count == right->count);
  FUZZ_CHECK(left->begin == right->begin || left->last != PC_AGAIN);
  FUZZ_CHECK(left->skipped_count == right->skipped_count);
  FUZZ_CHECK(left->skipped_bytes == right->skipped_bytes);
  for (size_t index = 0; index < left->count; index++) {
    FUZZ_CHECK(left->offsets[index] == right->offsets[index]);
    FUZZ_CHECK(left->sizes[index] == right->sizes[index]);
  }
}

static void check_round_trip(pc_framing framing, uint32_t limit, const uint8_t *message,
                             uint32_t size) {
  pc_frame_dress dress;
  pc_frame_encode(framing, message, size, &dress);
  uint8_t wire[STREAM_MAX_BYTES + sizeof dress.prefix + sizeof dress.suffix];
  size_t wire_size = dress.prefix_bytes;
  memcpy(wire, dress.prefix, dress.prefix_bytes);
  memcpy(wire + wire_size, message, size);
  wire_size += size;
  memcpy(wire + wire_size, dress.suffix, dress.suffix_bytes);
  wire_size += dress.suffix_bytes;
  pc_frame_decoder decoder;
  pc_frame_decoder_init(&decoder, framing, limit);
  pc_frame frame;
  size_t consumed;
  FUZZ_CHECK(pc_frame_decode(&decoder, wire, wire_size, &frame, &consumed) == PC_OK);
  FUZZ_CHECK(consumed == wire_size && frame.size_bytes == size);
  FUZZ_CHECK(memcmp(frame.data, message, size) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < HEADER_BYTES || size > HEADER_BYTES + STREAM_MAX_BYTES) {
    return 0;
  }
  pc_framing framing = (pc_framing)((data[0] & ~SKIP_BIT) % (PC_FRAMING_HEADERS + 1));
  bool is_skipping_over = (data[0] & SKIP_BIT) && framing != PC_FRAMING_NONE;
  uint32_t limit = data[1];
  uint32_t seed = data[2];
  const uint8_t *stream = data + HEADER_BYTES;
  size_t stream_size = size - HEADER_BYTES;

  static cut_log whole;
  static cut_log pieces;
  pc_frame_decoder decoder;
  pc_frame_decoder_init(&decoder, framing, limit);
  whole = (cut_log){.is_skipping_over = is_skipping_over, .last = PC_AGAIN};
  pieces = (cut_log){.is_skipping_over = is_skipping_over, .last = PC_AGAIN};
  cut_until(&decoder, stream, stream_size, &whole);
  cut_in_pieces(framing, limit, seed, stream, stream_size, &pieces);
  if (framing == PC_FRAMING_NONE) {
    check_no_hole(&whole, stream_size);
    check_no_hole(&pieces, stream_size);
    return 0;
  }
  check_equal(&whole, &pieces);
  for (size_t index = 0; index < whole.count; index++) {
    check_round_trip(framing, limit, stream + whole.offsets[index], whole.sizes[index]);
  }
  return 0;
}
