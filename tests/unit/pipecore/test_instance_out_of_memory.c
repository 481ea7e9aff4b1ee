/* The low level when there is no memory: one session again and again, each time with another
 * allocation failing, or a few in a row. Whatever fails says so, harms nothing and leaves nothing
 * behind. The linker puts these functions in place of malloc and its kin. */
#include "test.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipecore/event.h"
#include "pipecore/instance.h"

/* The linker's --wrap gives these names. NOLINTBEGIN(readability-identifier-naming) */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void __real_free(void *memory);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
char *__wrap_strdup(const char *text);
void __wrap_free(void *memory);

/* NOLINTEND(readability-identifier-naming) */

/* Allocations counted from 0; those in [fail_from, fail_to) fail. */
static unsigned allocation_count;
static unsigned fail_from;
static unsigned fail_to;
static int live_count;

static bool allocation_fails(void) {
  unsigned number = allocation_count++;
  bool does_fail = number >= fail_from && number < fail_to;
  live_count += !does_fail;
  return does_fail;
}

void *__wrap_malloc(size_t size) {
  return allocation_fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size) {
  return allocation_fails() ? NULL : __real_calloc(count, size);
}

/* The low level has no use for these two: if it finds one, this is to be written. */
void *__wrap_realloc(void *memory, size_t size) {
  (void)memory;
  (void)size;
  abort();
}

char *__wrap_strdup(const char *text) {
  (void)text;
  abort();
}

void __wrap_free(void *memory) {
  live_count -= memory != NULL;
  __real_free(memory);
}

/* ---- a session ---- */

enum { TIMEOUT_MS = 10000 };

typedef struct session_state {
  const char *path;
  pc_type type;
  pc_event *event;
  pc_wait_set *set;
  pc_instance *server;
  pc_instance *second;
  pc_instance *client;
  pc_overlapped connect;
  pc_overlapped read;
  pc_overlapped routine_read;
  bool has_routine_read;
  unsigned routine_count;
  pc_status routine_status;
} session_state;

#define STEP(call)           \
  do {                       \
    pc_status step = (call); \
    if (step < 0) {          \
      return step;           \
    }                        \
  } while (0)

static void session_routine(pc_status status, uint32_t bytes, pc_overlapped *overlapped) {
  session_state *session = overlapped->user;
  session->routine_count++;
  session->routine_status = status;
  (void)bytes;
}

static pc_status session_open(session_state *session) {
  pc_pipe_options options = {.path = session->path,
                             .type = session->type,
                             .read_mode = session->type,
                             .when_full = PC_WHEN_FULL_BUSY,
                             .security = {.uid = -1, .gid = -1}};
  STEP(pc_event_create(false, &session->event));
  STEP(pc_wait_set_create(&session->set));
  STEP(pc_wait_set_add(session->set, session->event, session));
  STEP(pc_instance_create(&options, &session->server, NULL));
  STEP(pc_instance_create(&options, &session->second, NULL));
  session->connect.event = session->event;
  STEP(pc_instance_connect(session->server, &session->connect));
  STEP(pc_instance_wait(session->path, session->type, TIMEOUT_MS));
  STEP(pc_instance_open(session->path, session->type, TIMEOUT_MS, &session->client));
  void *user;
  STEP(pc_wait_set_wait(session->set, TIMEOUT_MS, false, &user));
  return pc_overlapped_status(&session->connect);
}

static pc_status session_talk(session_state *session, char data[16], char more[16]) {
  uint32_t bytes = 0;
  STEP(pc_instance_read(session->server, data, 16, &bytes, &session->read));
  session->routine_read.user = session;
  STEP(pc_instance_read_ex(session->client, more, 16, &session->routine_read, session_routine));
  session->has_routine_read = true;
  STEP(pc_instance_write(session->client, "request", 7, &bytes, NULL));
  STEP(pc_overlapped_result(&session->read, TIMEOUT_MS, &bytes));
  assert_int_equal(bytes, 7);
  STEP(pc_instance_write(session->server, "reply", 5, &bytes, NULL));
  STEP(pc_wait(NULL, 0, TIMEOUT_MS, true, NULL));
  assert_int_equal(session->routine_count, 1);
  return session->routine_status;
}

static pc_status session_play(const char *path, pc_type type) {
  session_state session = {.path = path, .type = type};
  char data[16];
  char more[16];
  uint32_t bytes;
  pc_status status = session_open(&session);
  if (status == PC_OK) {
    status = session_talk(&session, data, more);
  }
  pc_instance_close(session.client);
  pc_instance_close(session.second);
  pc_instance_close(session.server);
  (void)!pc_overlapped_result(&session.connect, TIMEOUT_MS, &bytes);
  (void)!pc_overlapped_result(&session.read, TIMEOUT_MS, &bytes);
  pc_alertable_leave();
  assert_int_equal(session.routine_count, session.has_routine_read); /* told, whatever happened */
  pc_wait_set_destroy(session.set);
  pc_event_destroy(session.event);
  return status;
}

static unsigned runs_with(const char *path, pc_type type, unsigned length) {
  unsigned failed = 0;
  fail_from = fail_to = 0;
  allocation_count = 0;
  assert_int_equal(session_play(path, type), PC_OK);
  unsigned needed = allocation_count;
  int live = live_count;
  for (unsigned number = 0; number < needed; number++) {
    fail_from = number;
    fail_to = number + length;
    allocation_count = 0;
    pc_status status = session_play(path, type);
    assert_true(status == PC_E_NO_MEMORY || status == PC_OK);
    failed += status == PC_E_NO_MEMORY;
    fail_from = fail_to = 0;
    assert_int_equal(live_count, live);
    assert_int_equal(session_play(path, type), PC_OK); /* nothing is broken */
  }
  assert_true(needed >= 6);
  return needed - failed;
}

static void grid_run(unsigned length) {
  char folder[] = "/tmp/pipecore-memory-XXXXXX";
  char path[64];
  assert_non_null(mkdtemp(folder));
  snprintf(path, sizeof path, "%s/pipe", folder);
  static const pc_type types[] = {PC_TYPE_BYTE, PC_TYPE_MESSAGE};
  for (int index = 0; index < 2; index++) {
    /* every allocation is one that the session needs */
    assert_int_equal(runs_with(path, types[index], length), 0);
  }
  assert_int_equal(rmdir(folder), 0);
}

static void any_single_allocation_may_fail(void **state) {
  (void)state;
  grid_run(1);
}

static void memory_may_be_short_for_a_while(void **state) {
  (void)state;
  grid_run(4);
}

/* Once warm, no message and no operation costs an allocation. */
static void steady_operations_allocate_nothing(void **state) {
  (void)state;
  char folder[] = "/tmp/pipecore-memory-XXXXXX";
  char path[64];
  assert_non_null(mkdtemp(folder));
  snprintf(path, sizeof path, "%s/pipe", folder);
  session_state session = {.path = path, .type = PC_TYPE_MESSAGE};
  assert_int_equal(session_open(&session), PC_OK);
  unsigned before = 0;
  for (int count = 0; count < 300; count++) {
    char data[16];
    char more[16];
    session.routine_count = 0;
    assert_int_equal(session_talk(&session, data, more), PC_OK);
    before = count == 0 ? allocation_count : before;
  }
  assert_int_equal(allocation_count, before);
  pc_instance_close(session.client);
  pc_instance_close(session.second);
  pc_instance_close(session.server);
  pc_alertable_leave();
  pc_wait_set_destroy(session.set);
  pc_event_destroy(session.event);
  assert_int_equal(rmdir(folder), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(any_single_allocation_may_fail),
      cmocka_unit_test(memory_may_be_short_for_a_while),
      cmocka_unit_test(steady_operations_allocate_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
