/* A pc_client in the suite's fixture: its sessions are recorded as a server's are, and what it
 * waits for. */
#ifndef TESTS_CONFORMANCE_CLIENT_FIXTURE_H
#define TESTS_CONFORMANCE_CLIENT_FIXTURE_H

#include "suite.h"

#include "pipecore/client.h"

typedef struct client_fixture {
  suite_fixture *suite; /* its server is not started */
  pc_client *client;
  pc_client_options options;
  suite_listener *listener; /* the test's server, if it listens */
  unsigned waiting_count;
  pc_waiting waiting; /* the last one */
  unsigned stopped_count;
} client_fixture;

/* Delays of at most 20 ms; options to change before client_fixture_start. */
client_fixture *client_fixture_create(pc_type type, pc_framing framing);
void client_fixture_start(client_fixture *fixture);
void client_fixture_stop(client_fixture *fixture, uint32_t drain_ms);
/* Stops what runs, and frees all. */
void client_fixture_destroy(client_fixture *fixture);

void server_listen(client_fixture *fixture);
void server_unlisten(client_fixture *fixture);
/* The server's end of the next connection, when the client knows of its session too. */
suite_client *server_accept(client_fixture *fixture);
/* The session that was told last. */
session_record *last_session(const client_fixture *fixture);

/* Lets time pass until the condition holds, and fails the test at the deadline. */
#define PASS_UNTIL(fixture, condition)                             \
  do {                                                             \
    uint64_t pass_deadline = clock_ms() + (uint64_t)DEADLINE_MS;   \
    while (!(condition)) {                                         \
      suite_backend_under_test.pass_time((fixture)->suite, 10);    \
      if (clock_ms() > pass_deadline) {                            \
        fail_msg("not within %d ms: %s", DEADLINE_MS, #condition); \
      }                                                            \
    }                                                              \
  } while (0)

#endif
