/* The behaviours of a pc_tap: the same cases over each backend that has taps.
 *
 * A case is a cmocka test on a `tap_fixture`: a loop, a tap, sockets as clients, a listening socket
 * as the upstream, and a record of all callbacks. One thread: what is awaited is turned for until a
 * deadline. */
#ifndef TESTS_CONFORMANCE_TAP_H
#define TESTS_CONFORMANCE_TAP_H

#include "test.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "pipecore/tap.h"
#include "slow.h"

#define TAP_DEADLINE_MS (20000 * test_scale())
enum { TAP_SESSIONS_MAX = 300 };

/* One direction, as its observer saw it. */
typedef struct tap_seen {
  uint8_t *bytes; /* of all messages, each followed by a mark if the fixture `marks` */
  size_t size;
  size_t capacity;
  unsigned count;
  unsigned skipped_count;
  uint64_t skipped_bytes;
  unsigned unframed_count;
  unsigned incomplete_count;
} tap_seen;

typedef struct tap_record {
  pc_tap_session *session; /* NULL after on_closed */
  pc_peer client;
  pc_peer upstream;
  tap_seen seen[2];
  uint64_t tags[16];
  pc_status statuses[16];
  pc_direction directions[16];
  unsigned written_count;
  unsigned closed_count;
  pc_tap_end end;
} tap_record;

typedef struct tap_fixture {
  pc_loop *loop;
  pc_tap *tap;
  pc_tap_options options;
  char folder[64];
  char path[96];
  char upstream_path[96];
  int upstream; /* listening; -1: nobody does */

  tap_record *records[TAP_SESSIONS_MAX];
  unsigned record_count;
  unsigned open_count;
  unsigned unreachable_count;
  unsigned full_count; /* all instances in use */
  pc_failure failure;
  bool is_stopped;

  /* how the owner behaves */
  bool does_refuse;
  bool does_not_keep; /* counts, but keeps no bytes */
  bool is_full;       /* answers PC_AGAIN           */
} tap_fixture;

/* Options to change before tap_begin. */
tap_fixture *tap_create(pc_type type, pc_framing framing);
void tap_begin(tap_fixture *fixture);
void tap_destroy(tap_fixture *fixture);

void tap_turn(tap_fixture *fixture);
uint64_t tap_clock_ms(void);
#define TAP_UNTIL(fixture, condition)                                   \
  do {                                                                  \
    uint64_t tap_deadline = tap_clock_ms() + (uint64_t)TAP_DEADLINE_MS; \
    while (!(condition)) {                                              \
      tap_turn(fixture);                                                \
      if (tap_clock_ms() > tap_deadline) {                              \
        fail_msg("not within %d ms: %s", TAP_DEADLINE_MS, #condition);  \
      }                                                                 \
    }                                                                   \
  } while (0)

/* A client and what the upstream accepted for it, both not blocking, and the session's record. */
tap_record *tap_pair(tap_fixture *fixture, int *out_client, int *out_server);
/* A fixture that has begun, with such a pair, for a case that needs no more; and its end. */
tap_fixture *tap_create_pair(pc_type type, pc_framing framing, int *out_client, int *out_server,
                             tap_record **out_record);
void tap_destroy_pair(tap_fixture *fixture, int client, int server);
int tap_client(const tap_fixture *fixture);
/* Until all of it is written, or read; of the message type one message. */
void tap_send(tap_fixture *fixture, int fd, const void *data, size_t size);
void tap_receive(tap_fixture *fixture, int fd, void *data, size_t size);
void tap_expect(tap_fixture *fixture, int fd, const char *text);
void tap_expect_end(tap_fixture *fixture, int fd);
/* What the observer of a direction has is this. */
void tap_expect_seen(tap_fixture *fixture, const tap_record *record, pc_direction direction,
                     const char *text);
void tap_fill(uint8_t *data, size_t size, uint32_t seed);

extern const struct CMUnitTest tap_cases_pass[];
extern const struct CMUnitTest tap_cases_ends[];
extern const struct CMUnitTest tap_cases_insert[];

#endif
