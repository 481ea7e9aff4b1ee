/* Measures the text and frame code alone, and prints one JSON object:
 *   codec  MB of payload per second that the frame codec takes in, masked text, in reads of 64 KiB
 *   json   JSON strings per second, with UTF-8 check (as an event's payload is written)
 *   number, base64, log  the other parts of an event's way out
 * Each figure is the best of some rounds: what the code can do, not what a busy machine lets it
 * do. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client_frame.h"
#include "log_ring.h"
#include "web/text.h"
#include "web/websocket_codec.h"

enum { ROUNDS = 7, ROUND_NS = 60 * 1000 * 1000, READ_BYTES = 64 * 1024, STREAM_BYTES = 4 << 20 };

static uint64_t now_ns(void) {
  struct timespec now;
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Runs `work` (which does `units` of something) over and over; the best round's units per
 * second. */
static double best_rate(void (*work)(void *user), void *user, double units) {
  double best = 0;
  for (int round = 0; round < ROUNDS; round++) {
    uint64_t begin = now_ns();
    uint64_t end = begin;
    double done = 0;
    while (end - begin < ROUND_NS) {
      work(user);
      done += units;
      end = now_ns();
    }
    double rate = done * 1e9 / (double)(end - begin);
    best = rate > best ? rate : best;
  }
  return best;
}

static void *must_allocate(size_t size) {
  void *memory = calloc(1, size);
  if (memory == NULL) {
    (void)fprintf(stderr, "codec_bench: out of memory for %zu bytes\n", size);
    exit(1);
  }
  return memory;
}

/* ---- the codec ---- */

typedef struct codec_work {
  web_ws_codec *codec;
  uint8_t *stream;
  uint8_t *scratch; /* the codec changes what it is fed */
  size_t size;
  uint64_t bytes_seen;
} codec_work;

static void codec_on_message(web_ws_opcode opcode, const uint8_t *data, size_t size, void *user) {
  (void)opcode;
  (void)data;
  *(uint64_t *)user += size;
}

static void codec_run(void *user) {
  codec_work *work = user;
  for (size_t at = 0; at < work->size; at += READ_BYTES) {
    size_t part = work->size - at < READ_BYTES ? work->size - at : READ_BYTES;
    memcpy(work->scratch, work->stream + at, part);
    if (web_ws_codec_feed(work->codec, work->scratch, part) != 0) {
      (void)fprintf(stderr, "codec_bench: %s\n", web_ws_codec_failure(work->codec));
      exit(1);
    }
  }
}

static double codec_rate(const uint8_t *payload, size_t payload_size) {
  static const uint8_t mask[4] = {0x37, 0xfa, 0x21, 0x3d};
  const web_ws_codec_events events = {.on_message = codec_on_message};
  codec_work work = {.stream = must_allocate(STREAM_BYTES), .scratch = must_allocate(READ_BYTES)};
  work.codec = web_ws_codec_create(&events, &work.bytes_seen, 1 << 20);
  size_t frames = 0;
  while (STREAM_BYTES - work.size >= payload_size + CLIENT_HEADER_MAX) {
    work.size += client_frame_write(work.stream + work.size, 0x81, payload, payload_size,
                                    CLIENT_LENGTH_SHORTEST, mask);
    frames++;
  }
  if (work.codec == NULL) {
    exit(1);
  }
  double rate = best_rate(codec_run, &work, (double)(frames * payload_size) / 1e6);
  web_ws_codec_destroy(work.codec);
  free(work.stream);
  free(work.scratch);
  return rate;
}

/* ---- the writers ---- */

enum { BATCH = 1000 };

typedef struct writer_work {
  const uint8_t *payload;
  size_t size;
  uint8_t *out;
  bool is_base64;
} writer_work;

static void json_run(void *user) {
  writer_work *work = user;
  for (int index = 0; index < BATCH; index++) {
    if (web_utf8_is_valid(work->payload, work->size)) {
      (void)web_json_write_string(work->out, work->payload, work->size);
    }
  }
}

static void base64_run(void *user) {
  writer_work *work = user;
  for (int index = 0; index < BATCH; index++) {
    (void)web_base64_write(work->out, work->payload, work->size);
  }
}

static void number_run(void *user) {
  writer_work *work = user;
  for (uint64_t index = 0; index < BATCH; index++) {
    (void)web_json_write_u64(work->out, UINT64_C(1234567890123456789) + index);
  }
}

/* ---- the log ---- */

typedef struct log_work {
  web_log_ring ring;
  const uint8_t *payload;
  size_t size;
  uint64_t seq;
} log_work;

static uint64_t log_on_evict(void *user, uint64_t new_tail) {
  (void)user;
  (void)new_tail;
  return UINT64_MAX;
}

static void log_run(void *user) {
  log_work *work = user;
  for (int index = 0; index < BATCH; index++) {
    uint8_t *room = web_log_ring_reserve(&work->ring, work->size);
    memcpy(room, work->payload, work->size);
    work->seq++;
    web_log_ring_commit(&work->ring, work->size, &(web_span){work->seq, work->seq, 1});
  }
}

static double log_rate(const uint8_t *payload, size_t size) {
  log_work work = {.payload = payload, .size = size};
  if (web_log_ring_init(&work.ring, WEB_LOG_WS_TEXT, 4 << 20, 16384, log_on_evict, &work) !=
      WEB_OK) {
    exit(1);
  }
  double rate = best_rate(log_run, &work, BATCH);
  web_log_ring_fini(&work.ring);
  return rate;
}

static void print_sizes(const char *name, double (*rate)(const uint8_t *payload, size_t size),
                        const uint8_t *payload, const size_t *sizes, size_t count, bool is_last) {
  (void)printf("  \"%s\": {", name);
  for (size_t index = 0; index < count; index++) {
    (void)printf("%s\"%zu\": %.0f", index == 0 ? "" : ", ", sizes[index],
                 rate(payload, sizes[index]));
  }
  (void)printf("}%s\n", is_last ? "" : ",");
}

static double writer_rate(void (*run)(void *user), const uint8_t *payload, size_t size) {
  writer_work work = {.payload = payload, .size = size};
  work.out = must_allocate(WEB_JSON_STRING_BOUND(size) + WEB_U64_BOUND);
  double rate = best_rate(run, &work, BATCH);
  free(work.out);
  return rate;
}

static double json_rate(const uint8_t *payload, size_t size) {
  return writer_rate(json_run, payload, size);
}

static double base64_rate(const uint8_t *payload, size_t size) {
  return writer_rate(base64_run, payload, size);
}

static double number_rate(const uint8_t *payload, size_t size) {
  return writer_rate(number_run, payload, size);
}

int main(void) {
  static const size_t sizes[] = {64, 1024, 65536};
  uint8_t *ascii = must_allocate(65536);
  uint8_t *quoted = must_allocate(65536);
  uint8_t *mixed = must_allocate(65536);
  for (size_t index = 0; index < 65536; index++) {
    ascii[index] = (uint8_t)('a' + index % 26);
    quoted[index] = index % 16 == 15 ? '"' : ascii[index];
    mixed[index] = (uint8_t) "caf\xc3\xa9 na\xc3\xafve "[index % 13];
  }
  /* The last character is whole at every size. */
  (void)printf("{\n");
  print_sizes("codec_ascii_mb_per_s", codec_rate, ascii, sizes, 3, false);
  print_sizes("json_ascii_strings_per_s", json_rate, ascii, sizes, 2, false);
  print_sizes("json_quoted_strings_per_s", json_rate, quoted, sizes, 2, false);
  print_sizes("json_latin_strings_per_s", json_rate, mixed, sizes, 2, false);
  print_sizes("base64_strings_per_s", base64_rate, ascii, sizes, 2, false);
  print_sizes("number_19_digits_per_s", number_rate, ascii, sizes, 1, false);
  print_sizes("log_pieces_per_s", log_rate, ascii, sizes, 2, true);
  (void)printf("}\n");
  free(ascii);
  free(quoted);
  free(mixed);
  return 0;
}
