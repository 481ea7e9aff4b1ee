/* The conformance suite of pipecore's backends: the same cases over every one.
 *
 * A case is a cmocka test on a `fixture`: a loop with the backend under test, one server, a record
 * of all its callbacks, and clients made by the backend's `client_kind`. Nothing sleeps: what is
 * awaited is turned for until a deadline. One thread, unless a case makes others. */
#ifndef TESTS_CONFORMANCE_SUITE_H
#define TESTS_CONFORMANCE_SUITE_H

#include "test.h"

#include <stdbool.h>
#include <stdint.h>

#include "pipecore/loop.h"
#include "pipecore/server.h"
#include "slow.h"

#define DEADLINE_MS (10000 * test_scale())
enum { CLIENTS_MAX = 256 };

typedef struct suite_fixture suite_fixture;
typedef struct suite_client suite_client;     /* an end that the test has; its kind defines it   */
typedef struct suite_listener suite_listener; /* a server that the test is; likewise         */

/* How clients of a backend are made, and servers for a pc_client. None of these blocks. */
typedef struct client_kind {
  suite_client *(*connect)(suite_fixture *fixture, const char *path,
                           pc_type type); /* NULL: nobody listens */
  /* PC_OK: taken whole. PC_AGAIN: full; `*out_taken` bytes of a stream were taken. */
  pc_status (*write)(suite_client *client, const void *data, size_t size, size_t *out_taken);
  /* One message, or some bytes. PC_AGAIN: nothing there. PC_E_BROKEN: the end. */
  pc_status (*read)(suite_client *client, void *data, size_t capacity, size_t *out_size);
  void (*half_close)(suite_client *client); /* sends no more, still reads */
  void (*close)(suite_client *client);
  suite_listener *(*listen)(suite_fixture *fixture, const char *path, pc_type type);
  suite_client *(*accept)(suite_listener *listener); /* NULL: nobody came */
  void (*unlisten)(suite_listener *listener);        /* takes the endpoint away */
} client_kind;

/* What a program that runs the suite defines. */
typedef struct suite_backend {
  const char *name;
  pc_loop_options loop;
  const client_kind *clients;
  /* Lets `ms` pass for the loop, and turns it. */
  void (*pass_time)(suite_fixture *fixture, unsigned ms);
  bool is_of_system;      /* paths are files, peers are processes, time is real */
  bool is_concurrent;     /* I/O is on other threads: what a client did is there after a while, not
                             after a turn */
  bool is_wordless;       /* its failures have a status and no native code */
  size_t idle_heap_bytes; /* an idle session costs less; 0: 1024            */
  /* Cases beyond those that every backend has; ends with NULL. */
  const struct CMUnitTest *extra[7];
} suite_backend;
extern const suite_backend suite_backend_under_test;

typedef struct message_record {
  uint8_t *data;
  uint32_t size;
  uint32_t flags;
} message_record;

/* All that was said of one session. */
typedef struct session_record {
  pc_session *session; /* NULL after on_disconnected */
  pc_peer peer;
  message_record *messages;
  unsigned message_count;
  uint64_t *written_tags;
  pc_status *written_statuses;
  unsigned written_count;
  unsigned connected_count;
  unsigned disconnected_count;
  pc_close_reason reason;
  pc_status status;
  uint64_t bytes; /* of messages */
  struct {
    uint64_t bytes;
    unsigned after; /* so many messages */
  } skipped[4];
  unsigned skipped_count;
} session_record;

struct suite_fixture {
  pc_loop *loop;
  pc_server *server;
  pc_server_options options;
  char folder[64];
  char path[96];

  session_record *sessions[20000];
  unsigned session_count;
  unsigned open_count;
  unsigned error_count;
  pc_failure last_error;
  unsigned refused_count; /* by the rules */
  pc_admission last_admission;
  pc_peer last_refused;
  unsigned stopped_count;
  bool is_in_callback;
  void *owner; /* of a fixture that has this one */

  /* how the owner behaves */
  bool does_echo;
  bool does_refuse;
  bool does_not_keep;  /* counts messages, but keeps none        */
  unsigned take_count; /* messages still taken; then PC_AGAIN     */
  bool is_take_limited;
  void (*on_message)(suite_fixture *fixture, session_record *record, const pc_message *message);
  void (*on_connected)(suite_fixture *fixture, session_record *record);
  void (*on_written)(suite_fixture *fixture, session_record *record, uint64_t tag,
                     pc_status status);
};

/* ---- suite.c ---- */
/* Options to change before fixture_start. */
suite_fixture *fixture_create(pc_type type, pc_framing framing);
void fixture_start(suite_fixture *fixture);
/* Stops, turns until it is over, and frees all; what clients are left is their owner's. */
void fixture_destroy(suite_fixture *fixture);
void fixture_stop(suite_fixture *fixture, uint32_t drain_ms);

/* A turn of the loop that waits a little, or not at all. */
void turn(suite_fixture *fixture);
void turn_now(suite_fixture *fixture);
/* Turns until the condition holds, and fails the test at the deadline. */
#define TURN_UNTIL(fixture, condition)                             \
  do {                                                             \
    uint64_t turn_deadline = clock_ms() + (uint64_t)DEADLINE_MS;   \
    while (!(condition)) {                                         \
      turn(fixture);                                               \
      if (clock_ms() > turn_deadline) {                            \
        fail_msg("not within %d ms: %s", DEADLINE_MS, #condition); \
      }                                                            \
    }                                                              \
  } while (0)
uint64_t clock_ms(void);
/* A few turns, for what must not happen; they wait only where I/O is concurrent. */
void turn_some(suite_fixture *fixture);

/* Connects and turns until the server knows: *out_record is its session (may be NULL). */
suite_client *client_connect(suite_fixture *fixture, session_record **out_record);
suite_client *client_connect_only(suite_fixture *fixture); /* does not turn */
void client_write(suite_fixture *fixture, suite_client *client, const void *data, size_t size);
void client_write_text(suite_fixture *fixture, suite_client *client, const char *text);
/* One message or some bytes; turns until it is there. Returns its size, or -1 at the end. */
long client_read(suite_fixture *fixture, suite_client *client, void *data, size_t capacity);
/* Bytes until `size` are there. */
void client_read_exactly(suite_fixture *fixture, suite_client *client, void *data, size_t size);
void client_expect_text(suite_fixture *fixture, suite_client *client, const char *text);
/* Fails unless nothing more comes but the end. */
void client_expect_end(suite_fixture *fixture, suite_client *client);
void client_close(suite_client *client);
void client_half_close(suite_client *client);

void expect_message(const session_record *record, unsigned index, const void *data, size_t size);
void expect_message_text(const session_record *record, unsigned index, const char *text);

/* The native code of a failure, where the backend knows it. */
void expect_native(const pc_failure *failure, int native);
/* Bytes that tell by their content where they belong. */
void pattern_fill(uint8_t *data, size_t size, uint32_t seed);

/* ---- the cases, by subject; each ends with {NULL} ---- */
extern const struct CMUnitTest cases_messages[];
extern const struct CMUnitTest cases_life[];
extern const struct CMUnitTest cases_half_close[];
extern const struct CMUnitTest cases_client[];
extern const struct CMUnitTest cases_writes[];
extern const struct CMUnitTest cases_pause[];
extern const struct CMUnitTest cases_oversize[];
extern const struct CMUnitTest cases_admission[];
extern const struct CMUnitTest cases_change[];
extern const struct CMUnitTest cases_limits[];
extern const struct CMUnitTest cases_load[];
extern const struct CMUnitTest cases_operations[];
/* of backends on UNIX sockets */
extern const struct CMUnitTest cases_client_system[];
extern const struct CMUnitTest cases_endpoint[];
extern const struct CMUnitTest cases_system[];
extern const struct CMUnitTest cases_threads[];
extern const struct CMUnitTest cases_fifo[];

#endif
