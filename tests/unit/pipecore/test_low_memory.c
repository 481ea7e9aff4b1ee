/* The low level when memory runs out at each allocation in turn: the call says so and leaves
 * nothing behind, and nothing but making and opening allocates at all. */
#include "test.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "failing_memory.h"
#include "pipecore/event.h"
#include "pipecore/instance.h"
#include "slow.h"

#define DEADLINE_MS (20000 * test_scale())
enum { NEVER = 1u << 30 };

static char folder[] = "/tmp/pipecore-memory-XXXXXX";
static char path[sizeof folder + 8];

typedef struct low_session {
  pc_event *event;
  pc_wait_set *set;
  pc_instance *server;
  pc_instance *client;
} low_session;

#define STEP(call)           \
  do {                       \
    pc_status step = (call); \
    if (step != PC_OK) {     \
      return step;           \
    }                        \
  } while (0)

static pc_status session_make(low_session *session) {
  pc_failure failure = {.status = PC_OK};
  pc_pipe_options options = {.path = path,
                             .type = PC_TYPE_MESSAGE,
                             .read_mode = PC_TYPE_MESSAGE,
                             .security = {.uid = -1, .gid = -1}};
  STEP(pc_event_create(false, &session->event));
  STEP(pc_wait_set_create(&session->set));
  pc_status status = pc_instance_create(&options, &session->server, &failure);
  if (status != PC_OK) {
    assert_int_equal(failure.status, status);
    assert_non_null(failure.action);
    return status;
  }
  STEP(pc_instance_open(path, PC_TYPE_MESSAGE, DEADLINE_MS, &session->client));
  return pc_instance_connect(session->server, NULL);
}

static void session_close(low_session *session) {
  pc_instance_close(session->client);
  pc_instance_close(session->server);
  pc_wait_set_destroy(session->set);
  pc_event_destroy(session->event);
}

static unsigned descriptor_count(void) {
  unsigned kept = fail_from;
  fail_from = NEVER; /* opendir allocates */
  DIR *descriptors = opendir("/proc/self/fd");
  assert_non_null(descriptors);
  unsigned count = 0;
  while (readdir(descriptors)) {
    count++;
  }
  closedir(descriptors);
  fail_from = kept;
  return count;
}

static void each_allocation_may_fail(void **state) {
  (void)state;
  unsigned before = descriptor_count();
  pc_status status;
  unsigned failed = 0;
  do {
    low_session session = {.event = NULL};
    allocation_count = 0;
    fail_from = failed;
    fail_to = failed + 1;
    status = session_make(&session);
    assert_true(status == PC_OK || status == PC_E_NO_MEMORY);
    fail_from = NEVER;
    session_close(&session);
    assert_int_equal(descriptor_count(), before);
    failed++;
  } while (status != PC_OK);
  assert_true(failed > 4); /* event, set, instance, pipe, the client's */
}

static void routine_count(pc_status status, uint32_t bytes, pc_overlapped *overlapped) {
  (void)bytes;
  *(unsigned *)overlapped->user += status == PC_OK;
}

/* A message there by an event, and back by a routine. */
static void round_trip(const low_session *session, pc_overlapped *records) {
  char data[16];
  uint32_t bytes;
  void *user;
  records[0].event = session->event;
  assert_int_equal(pc_instance_read(session->server, data, sizeof data, &bytes, &records[0]),
                   PC_PENDING);
  assert_int_equal(pc_instance_write(session->client, "there", 5, &bytes, NULL), PC_OK);
  assert_int_equal(pc_wait_set_wait(session->set, DEADLINE_MS, false, &user), PC_OK);
  assert_int_equal(pc_overlapped_result(&records[0], 0, &bytes), PC_OK);
  assert_memory_equal(data, "there", 5);
  unsigned runs = 0;
  records[1].user = &runs;
  assert_int_equal(
      pc_instance_read_ex(session->client, data, sizeof data, &records[1], routine_count),
      PC_PENDING);
  assert_int_equal(pc_instance_write(session->server, "back", 4, &bytes, NULL), PC_OK);
  assert_int_equal(pc_wait(NULL, 0, DEADLINE_MS, true, NULL), PC_COMPLETION);
  assert_int_equal(runs, 1);
  assert_memory_equal(data, "back", 4);
  assert_int_equal(pc_instance_flush(session->server, DEADLINE_MS), PC_OK);
}

static void operations_allocate_nothing(void **state) {
  (void)state;
  low_session session = {.event = NULL};
  pc_overlapped records[2] = {{.event = NULL}};
  assert_int_equal(session_make(&session), PC_OK);
  assert_int_equal(pc_wait_set_add(session.set, session.event, NULL), PC_OK);
  allocation_count = 0;
  for (int round = 0; round < 10; round++) {
    round_trip(&session, records);
  }
  assert_int_equal(allocation_count, 0);
  session_close(&session);
}

static int group_setup(void **state) {
  (void)state;
  fail_from = NEVER;
  if (!mkdtemp(folder)) {
    return -1;
  }
  (void)snprintf(path, sizeof path, "%s/p", folder);
  return 0;
}

static int group_teardown(void **state) {
  (void)state;
  return rmdir(folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_allocation_may_fail),
      cmocka_unit_test(operations_allocate_nothing),
  };
  return cmocka_run_group_tests_name("low level without memory", tests, group_setup,
                                     group_teardown);
}
