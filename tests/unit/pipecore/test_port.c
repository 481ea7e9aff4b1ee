/* Who leads the port of the low level, and that whatever pends there progresses while any thread
 * waits; and how an instance is with a client that is a bare socket, as all of them are here: it
 * drives nothing by the way. The cases of the interface itself are in tests/conformance/low. */
#include "test.h"

#include <dirent.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "pipecore/event.h"
#include "pipecore/instance.h"
#include "slow.h"

#define DEADLINE_MS (20000 * test_scale())

typedef struct port_fixture {
  char folder[64];
  char path[96];
  pc_access access;
} port_fixture;

typedef struct port_connection {
  pc_instance *server;
  int client;
} port_connection;

static int setup(void **state) {
  port_fixture *fixture = calloc(1, sizeof *fixture);
  assert_non_null(fixture);
  strcpy(fixture->folder, "/tmp/pipecore-port-XXXXXX");
  assert_non_null(mkdtemp(fixture->folder));
  (void)snprintf(fixture->path, sizeof fixture->path, "%s/p", fixture->folder);
  *state = fixture;
  return 0;
}

static int teardown(void **state) {
  port_fixture *fixture = *state;
  int left = rmdir(fixture->folder);
  free(fixture);
  return left;
}

static pc_instance *server_make(const port_fixture *fixture) {
  pc_pipe_options options = {.path = fixture->path,
                             .type = PC_TYPE_MESSAGE,
                             .read_mode = PC_TYPE_MESSAGE,
                             .access = fixture->access,
                             .security = {.uid = -1, .gid = -1}};
  pc_instance *server;
  assert_int_equal(pc_instance_create(&options, &server, NULL), PC_OK);
  return server;
}

static port_connection connect_one(const port_fixture *fixture) {
  port_connection connection = {.server = server_make(fixture),
                                .client = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)};
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strcpy(address.sun_path, fixture->path);
  assert_int_equal(connect(connection.client, (struct sockaddr *)&address, sizeof address), 0);
  assert_int_equal(pc_instance_connect(connection.server, NULL), PC_OK);
  return connection;
}

static void disconnect_one(port_connection connection) {
  pc_instance_close(connection.server);
  close(connection.client);
}

static void client_send(port_connection connection, const char *text) {
  assert_int_equal(send(connection.client, text, strlen(text), 0), strlen(text));
}

static pc_event *event_make(void) {
  pc_event *event;
  assert_int_equal(pc_event_create(false, &event), PC_OK);
  return event;
}

/* ---- a thread that waits ---- */

typedef struct port_waiter {
  pthread_t thread;
  pc_event *event;
  pc_instance *reads; /* instead: a blocking read of it */
  atomic_bool is_over;
  pc_status status;
} port_waiter;

static void *waiting_run(void *user) {
  port_waiter *self = user;
  uint32_t ignored;
  char data[16];
  self->status = self->reads ? pc_instance_read(self->reads, data, sizeof data, &ignored, NULL)
                             : pc_wait(&self->event, 1, -1, false, &ignored);
  atomic_store(&self->is_over, true);
  return NULL;
}

/* Returns when it sleeps, as far as the system tells: else a case would prove nothing. */
static void waiting_start(port_waiter *waiting) {
  assert_int_equal(pthread_create(&waiting->thread, NULL, waiting_run, waiting), 0);
  clockid_t clock;
  assert_int_equal(pthread_getcpuclockid(waiting->thread, &clock), 0);
  struct timespec used = {.tv_sec = 0};
  struct timespec before;
  const struct timespec look_again = {.tv_nsec = 20 * 1000 * 1000};
  do { /* it has used no time since the last look */
    before = used;
    nanosleep(&look_again, NULL);
    assert_int_equal(clock_gettime(clock, &used), 0);
  } while (used.tv_nsec == 0 || used.tv_nsec != before.tv_nsec);
}

static void waiting_end(port_waiter *waiting) {
  assert_int_equal(pthread_join(waiting->thread, NULL), 0);
  assert_int_equal(waiting->status, PC_OK);
}

/* ---- cases ---- */

static void leader_completes_the_operations_of_others(void **state) {
  port_connection connection = connect_one(*state);
  port_waiter leader = {.event = event_make()};
  waiting_start(&leader);
  for (int round = 0; round < 100; round++) {
    char data[16];
    uint32_t bytes;
    pc_overlapped overlapped = {.event = NULL};
    assert_int_equal(pc_instance_read(connection.server, data, sizeof data, NULL, &overlapped),
                     PC_PENDING);
    client_send(connection, "for another");
    assert_int_equal(pc_overlapped_result(&overlapped, DEADLINE_MS, &bytes), PC_OK);
    assert_int_equal(bytes, 11);
  }
  assert_false(atomic_load(&leader.is_over));
  pc_event_set(leader.event);
  waiting_end(&leader);
  pc_event_destroy(leader.event);
  disconnect_one(connection);
}

static void leader_that_leaves_is_followed_by_one_that_waits(void **state) {
  port_connection connection = connect_one(*state);
  port_waiter leader = {.event = event_make()};
  port_waiter follower = {.event = event_make()};
  waiting_start(&leader);
  waiting_start(&follower);
  char data[16];
  pc_overlapped overlapped = {.event = follower.event};
  assert_int_equal(pc_instance_read(connection.server, data, sizeof data, NULL, &overlapped),
                   PC_PENDING);
  pc_event_set(leader.event);
  waiting_end(&leader);
  client_send(connection, "go on");
  waiting_end(&follower); /* this thread drives nothing */
  pc_event_destroy(leader.event);
  pc_event_destroy(follower.event);
  disconnect_one(connection);
}

/* Takes all that comes until the last message, by the bare socket. */
static void client_take_until(port_connection connection, char last) {
  static char data[1 << 16];
  struct pollfd poller = {.fd = connection.client, .events = POLLIN};
  do {
    assert_int_equal(poll(&poller, 1, DEADLINE_MS), 1);
    assert_true(recv(connection.client, data, sizeof data, 0) > 0);
  } while (data[0] != last);
}

static void blocked_reader_leads_when_nobody_else_does(void **state) {
  port_connection busy = connect_one(*state);
  port_connection quiet = connect_one(*state);
  port_waiter leader = {.event = event_make()};
  port_waiter reader = {.reads = quiet.server};
  waiting_start(&leader);
  waiting_start(&reader);
  static char data[1 << 16];
  pc_overlapped writes[64] = {{.event = NULL}};
  unsigned count = 0;
  pc_status status;
  do {
    assert_true(count < 64);
    status = pc_instance_write(busy.server, data, sizeof data, NULL, &writes[count++]);
  } while (status == PC_OK);
  assert_int_equal(status, PC_PENDING);
  static const char last = 'l';
  assert_int_equal(pc_instance_write(busy.server, &last, 1, NULL, &writes[count]), PC_PENDING);
  pc_event_set(leader.event);
  waiting_end(&leader);
  client_take_until(busy, last); /* what pends is written though only the reader is left */
  assert_false(atomic_load(&reader.is_over));
  client_send(quiet, "end");
  waiting_end(&reader);
  pc_event_destroy(leader.event);
  disconnect_one(busy);
  disconnect_one(quiet);
}

static void count_routine(pc_status status, uint32_t bytes, pc_overlapped *overlapped) {
  (void)bytes;
  *(unsigned *)overlapped->user += status == PC_OK;
}

static void wait_that_is_met_at_once_starves_nobody(void **state) {
  port_connection connection = connect_one(*state);
  pc_event *event = event_make();
  pc_event_set(event);
  char data[16];
  unsigned runs = 0;
  pc_overlapped overlapped = {.user = &runs};
  assert_int_equal(
      pc_instance_read_ex(connection.server, data, sizeof data, &overlapped, count_routine),
      PC_PENDING);
  client_send(connection, "due");
  uint32_t index;
  for (int waits = 0; waits < 1000 && runs == 0; waits++) {
    pc_status status = pc_wait(&event, 1, -1, true, &index);
    assert_true(status == PC_OK || status == PC_COMPLETION);
  }
  assert_int_equal(runs, 1);
  pc_event_destroy(event);
  disconnect_one(connection);
}

static void again_routine(pc_posted *posted, void *user) {
  pc_alertable_post(user, posted);
}

static void routine_that_is_always_due_lets_the_wait_return(void **state) {
  (void)state;
  pc_alertable *self;
  assert_int_equal(pc_alertable_self(&self), PC_OK);
  pc_event *event = event_make();
  pc_posted posted = {.routine = again_routine, .user = self};
  pc_alertable_post(self, &posted);
  uint32_t index = 99;
  assert_int_equal(pc_wait(&event, 1, -1, true, &index), PC_COMPLETION);
  pc_event_set(event);
  pc_status first = pc_wait(&event, 1, -1, true, &index);
  pc_status second = pc_wait(&event, 1, -1, true, &index);
  assert_true(first == PC_OK || second == PC_OK);
  pc_event_destroy(event);
  pc_alertable_leave(); /* drops what was posted again */
}

static unsigned descriptor_count(void) {
  unsigned count = 0;
  DIR *folder = opendir("/proc/self/fd");
  assert_non_null(folder);
  while (readdir(folder)) {
    count++;
  }
  closedir(folder);
  return count;
}

static void port_is_gone_with_its_last_instance_also_under_a_leader(void **state) {
  unsigned before = descriptor_count();
  port_waiter leader = {.event = event_make()};
  port_connection connection = connect_one(*state);
  waiting_start(&leader);
  for (int round = 0; round < 200; round++) { /* more than a sleeping leader keeps */
    pc_instance_close(server_make(*state));
  }
  disconnect_one(connection);
  connection = connect_one(*state); /* and again, under the same one */
  disconnect_one(connection);
  pc_event_set(leader.event);
  waiting_end(&leader);
  assert_int_equal(descriptor_count(), before);
  pc_event_destroy(leader.event);
}

/* pipecore's own client reads over the reset that such a close is; a bare one may not. */
static void last_words_come_before_the_end_also_over_unread_input(void **state) {
  port_connection connection = connect_one(*state);
  char data[16];
  uint32_t bytes;
  client_send(connection, "never read");
  assert_int_equal(pc_instance_write(connection.server, "bye", 3, &bytes, NULL), PC_OK);
  pc_instance_close(connection.server);
  assert_int_equal(recv(connection.client, data, sizeof data, 0), 3);
  assert_memory_equal(data, "bye", 3);
  assert_int_equal(recv(connection.client, data, sizeof data, 0), 0);
  close(connection.client);
}

static void last_words_of_a_client_that_read_nothing_are_read(void **state) {
  port_connection connection = connect_one(*state);
  char data[16];
  uint32_t bytes;
  assert_int_equal(pc_instance_write(connection.server, "never read", 10, &bytes, NULL), PC_OK);
  client_send(connection, "bye");
  close(connection.client); /* the kernel tells a reset before what is there */
  assert_int_equal(pc_instance_read(connection.server, data, sizeof data, &bytes, NULL), PC_OK);
  assert_memory_equal(data, "bye", 3);
  assert_int_equal(pc_instance_read(connection.server, data, sizeof data, &bytes, NULL),
                   PC_E_BROKEN);
  pc_instance_close(connection.server);
}

static void client_of_a_one_way_pipe_cannot_go_the_other_way(void **state) {
  port_fixture *fixture = *state;
  char data[4];
  fixture->access = PC_ACCESS_INBOUND;
  port_connection connection = connect_one(fixture);
  assert_int_equal(recv(connection.client, data, sizeof data, 0), 0); /* and does not hang */
  disconnect_one(connection);
  fixture->access = PC_ACCESS_OUTBOUND;
  connection = connect_one(fixture);
  assert_int_equal(send(connection.client, "no", 2, MSG_NOSIGNAL), -1);
  disconnect_one(connection);
}

/* ---- all at once ---- */

enum { TALKERS = 6, ROUNDS = 300 };

typedef struct port_talker {
  pthread_t thread;
  port_fixture fixture; /* a pipe of its own: else clients would go to whoever waits longest */
  int form;
  pc_event *shared; /* of all */
} port_talker;

static void routine_none(pc_status status, uint32_t bytes, pc_overlapped *overlapped) {
  (void)status;
  (void)bytes;
  *(bool *)overlapped->user = true;
}

/* A read in one of the forms. */
static pc_status talker_read(const port_talker *self, pc_instance *server, char *data,
                             uint32_t *bytes) {
  bool is_over = false;
  pc_overlapped overlapped = {.user = &is_over};
  if (self->form == 0) {
    return pc_instance_read(server, data, 16, bytes, NULL);
  }
  if (self->form == 1) {
    pc_status status = pc_instance_read(server, data, 16, bytes, &overlapped);
    return status < 0 ? status : pc_overlapped_result(&overlapped, DEADLINE_MS, bytes);
  }
  pc_status status = pc_instance_read_ex(server, data, 16, &overlapped, routine_none);
  while (status >= 0 && !is_over) {
    uint32_t ignored;
    (void)!pc_wait(&self->shared, 1, DEADLINE_MS, true, &ignored);
  }
  return status < 0 ? status : pc_overlapped_result(&overlapped, 0, bytes);
}

static void *talker_run(void *user) {
  port_talker *self = user;
  port_connection connection = connect_one(&self->fixture);
  for (int round = 0; round < ROUNDS; round++) {
    char data[16];
    char text[16];
    uint32_t bytes = 0;
    int size = snprintf(text, sizeof text, "%d", round);
    if (round % 3 == 0) {
      pc_event_set(self->shared);
    } else {
      pc_event_reset(self->shared);
    }
    client_send(connection, text);
    assert_int_equal(talker_read(self, connection.server, data, &bytes), PC_OK);
    assert_int_equal(bytes, size);
    assert_memory_equal(data, text, bytes);
    assert_int_equal(pc_instance_write(connection.server, data, bytes, NULL, NULL), PC_OK);
    assert_int_equal(recv(connection.client, data, sizeof data, 0), size);
  }
  pc_alertable_leave();
  disconnect_one(connection);
  return NULL;
}

static void threads_of_all_forms_talk_at_once(void **state) {
  pc_event *shared = event_make();
  port_talker talkers[TALKERS];
  for (int index = 0; index < TALKERS; index++) {
    talkers[index] =
        (port_talker){.fixture = *(port_fixture *)*state, .form = index % 3, .shared = shared};
    talkers[index].fixture.path[strlen(talkers[index].fixture.path) - 1] = (char)('a' + index);
    assert_int_equal(pthread_create(&talkers[index].thread, NULL, talker_run, &talkers[index]), 0);
  }
  for (int index = 0; index < TALKERS; index++) {
    assert_int_equal(pthread_join(talkers[index].thread, NULL), 0);
  }
  pc_event_destroy(shared);
}

#define PORT_TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      PORT_TEST(leader_completes_the_operations_of_others),
      PORT_TEST(leader_that_leaves_is_followed_by_one_that_waits),
      PORT_TEST(blocked_reader_leads_when_nobody_else_does),
      PORT_TEST(wait_that_is_met_at_once_starves_nobody),
      PORT_TEST(routine_that_is_always_due_lets_the_wait_return),
      PORT_TEST(port_is_gone_with_its_last_instance_also_under_a_leader),
      PORT_TEST(last_words_come_before_the_end_also_over_unread_input),
      PORT_TEST(last_words_of_a_client_that_read_nothing_are_read),
      PORT_TEST(client_of_a_one_way_pipe_cannot_go_the_other_way),
      PORT_TEST(threads_of_all_forms_talk_at_once),
  };
  return cmocka_run_group_tests_name("port", tests, NULL, NULL);
}
