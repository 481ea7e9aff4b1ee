/* Cases of the system's side, for backends on UNIX sockets: other processes and threads,
 * descriptors, memory. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "socket_client.h"

static const pc_type both_types[] = {PC_TYPE_BYTE, PC_TYPE_MESSAGE};

static unsigned descriptors_count(void) {
  unsigned count = 0;
  DIR *folder = opendir("/proc/self/fd");
  assert_non_null(folder);
  while (readdir(folder)) {
    count++;
  }
  closedir(folder);
  return count;
}

/* Bytes of the heap in use; 0 where a sanitizer has it. */
static size_t heap_bytes(void) {
  struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

/* ---- processes ---- */

static void case_49_peer_is_known_by_pid_uid_gid_and_name(void **state) {
  (void)state;
  suite_fixture *fixture = fixture_create(PC_TYPE_BYTE, PC_FRAMING_LINE);
  fixture_start(fixture);
  pid_t child = fork();
  if (child == 0) {
    prctl(PR_SET_NAME, "a client");
    int fd = socket_connect(fixture->path, PC_TYPE_BYTE, 0);
    char byte;
    _exit(read(fd, &byte, 1) == 0 ? 0 : 1);
  }
  TURN_UNTIL(fixture, fixture->session_count == 1);
  const session_record *record = fixture->sessions[0];
  assert_int_equal(record->peer.pid, child);
  assert_int_equal(record->peer.uid, geteuid());
  assert_int_equal(record->peer.gid, getegid());
  assert_string_equal(record->peer.name, "a client");
  pc_session_close(record->session, false);
  TURN_UNTIL(fixture, record->disconnected_count == 1);
  assert_int_equal(waitpid(child, NULL, 0), child);
  fixture_destroy(fixture);
}

static void peer_can_be_described_as_long_as_the_session_is_open(void **state) {
  (void)state;
  SKIP_UNDER_VALGRIND("is the program that /proc names");
  suite_fixture *fixture = fixture_create(PC_TYPE_BYTE, PC_FRAMING_LINE);
  fixture_start(fixture);
  session_record *record;
  suite_client *client = client_connect(fixture, &record);
  static pc_peer_details details;
  char own[PATH_MAX] = "";
  assert_true(readlink("/proc/self/exe", own, sizeof own - 1) > 0);
  pc_session_describe_peer(record->session, PC_PEER_ALL, &details);
  assert_int_equal(details.known, PC_PEER_ALL);
  assert_string_equal(details.executable, own);
  assert_true(details.is_executable_current);
  assert_true(details.command_line_bytes > 0);
  pc_session_describe_peer(record->session, PC_PEER_GROUPS, &details);
  assert_int_equal(details.known, PC_PEER_GROUPS);
  assert_string_equal(details.executable, "");
  pc_session_close(record->session, false);
  pc_session_describe_peer(record->session, PC_PEER_ALL, &details);
  assert_int_equal(details.known, 0);
  TURN_UNTIL(fixture, record->disconnected_count == 1);
  client_close(client);
  fixture_destroy(fixture);
}

static void peer_that_is_gone_has_its_ids_and_no_name(void **state) {
  (void)state;
  suite_fixture *fixture = fixture_create(PC_TYPE_MESSAGE, PC_FRAMING_NONE);
  fixture_start(fixture);
  pid_t child = fork();
  if (child == 0) {
    int fd = socket_connect(fixture->path, PC_TYPE_MESSAGE, 0);
    _exit(send(fd, "was here", 8, 0) == 8 ? 0 : 1);
  }
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
  TURN_UNTIL(fixture, fixture->session_count == 1 && fixture->open_count == 0);
  const session_record *record = fixture->sessions[0];
  assert_int_equal(record->peer.pid, child);
  assert_int_equal(record->peer.uid, geteuid());
  assert_string_equal(record->peer.name, "");
  expect_message_text(record, 0, "was here");
  fixture_destroy(fixture);
}

static void case_50_client_killed_while_it_writes_is_disconnected_once(void **state) {
  (void)state;
  for (int index = 0; index < 2; index++) {
    suite_fixture *fixture = fixture_create(both_types[index], PC_FRAMING_NONE);
    fixture->is_take_limited = true; /* so that the client blocks in its write */
    fixture->does_not_keep = true;
    fixture->options.limits.max_instances = 1;
    fixture_start(fixture);
    int told[2];
    assert_int_equal(pipe(told), 0);
    pid_t child = fork();
    if (child == 0) {
      static char data[1000];
      int fd = socket_connect(fixture->path, both_types[index], 0);
      while (send(fd, data, sizeof data, MSG_DONTWAIT) > 0) {
      }
      (void)!write(told[1], "f", 1);
      (void)!send(fd, data, sizeof data, 0);
      _exit(1);
    }
    TURN_UNTIL(fixture, fixture->session_count == 1);
    char byte;
    assert_int_equal(read(told[0], &byte, 1), 1);
    turn_some(fixture);
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
    turn_some(fixture);
    session_record *record = fixture->sessions[0];
    fixture->is_take_limited = false;
    pc_session_resume(record->session);
    TURN_UNTIL(fixture, record->disconnected_count == 1);
    assert_int_equal(record->reason, PC_CLOSE_PEER);
    assert_true(record->bytes > 0);
    suite_client *next = client_connect(fixture, NULL); /* the instance is usable again */
    client_close(next);
    close(told[0]);
    close(told[1]);
    fixture_destroy(fixture);
  }
}

/* A reset, told because we wrote what it never read, does not cost its last words. */
static void client_that_leaves_unread_answers_behind_is_heard_to_the_end(void **state) {
  (void)state;
  for (int index = 0; index < 2; index++) {
    suite_fixture *fixture =
        fixture_create(both_types[index], index ? PC_FRAMING_NONE : PC_FRAMING_LINE);
    fixture_start(fixture);
    session_record *record;
    suite_client *client = client_connect(fixture, &record);
    assert_int_equal(pc_session_write(record->session, "never read", 10, 1), PC_OK);
    TURN_UNTIL(fixture, record->written_count == 1);
    client_write_text(fixture, client, "last\n");
    client_write_text(fixture, client, "words\n");
    client_close(client);
    TURN_UNTIL(fixture, record->disconnected_count == 1);
    assert_int_equal(record->reason, PC_CLOSE_PEER);
    assert_int_equal(record->message_count, 2);
    fixture_destroy(fixture);
  }
}

/* ---- threads ---- */

enum { WRITERS = 8, WRITES = 1000 };

typedef struct client_thread {
  pthread_t thread;
  const char *path;
  unsigned number;
} client_thread;

static uint32_t checksum(const uint8_t *data, size_t size) {
  uint32_t sum = 2166136261u;
  for (size_t index = 0; index < size; index++) {
    sum = (sum ^ data[index]) * 16777619u;
  }
  return sum;
}

static void *client_thread_run(void *user) {
  const client_thread *self = user;
  int fd = socket_connect(self->path, PC_TYPE_MESSAGE, 0);
  uint8_t data[512];
  for (uint32_t count = 0; fd >= 0 && count < WRITES; count++) {
    uint32_t size = 12 + (count * 7 + self->number * 13) % 500;
    pattern_fill(data, size, count);
    memcpy(data, &self->number, 4);
    memcpy(data + 4, &count, 4);
    uint32_t sum = checksum(data + 12, size - 12);
    memcpy(data + 8, &sum, 4);
    if (send(fd, data, size, MSG_NOSIGNAL) != (ssize_t)size) {
      break;
    }
  }
  close(fd);
  return NULL;
}

static void checked_on_message(suite_fixture *fixture, session_record *record,
                               const pc_message *message) {
  (void)fixture;
  uint32_t number;
  uint32_t count;
  uint32_t sum;
  assert_true(message->size_bytes >= 12);
  memcpy(&number, message->data, 4);
  memcpy(&count, message->data + 4, 4);
  memcpy(&sum, message->data + 8, 4);
  assert_int_equal(sum, checksum(message->data + 12, message->size_bytes - 12));
  assert_int_equal(count, record->message_count - 1); /* each client's own order */
}

static void case_23_clients_that_write_at_once_tear_no_message(void **state) {
  (void)state;
  suite_fixture *fixture = fixture_create(PC_TYPE_MESSAGE, PC_FRAMING_NONE);
  fixture->does_not_keep = true;
  fixture->on_message = checked_on_message;
  fixture_start(fixture);
  client_thread threads[WRITERS];
  for (unsigned index = 0; index < WRITERS; index++) {
    threads[index] = (client_thread){.path = fixture->path, .number = index};
    assert_int_equal(
        pthread_create(&threads[index].thread, NULL, client_thread_run, &threads[index]), 0);
  }
  TURN_UNTIL(fixture, fixture->session_count == WRITERS && fixture->open_count == 0);
  for (unsigned index = 0; index < WRITERS; index++) {
    pthread_join(threads[index].thread, NULL);
    assert_int_equal(fixture->sessions[index]->message_count, WRITES);
  }
  fixture_destroy(fixture);
}

typedef struct posted_note {
  pc_posted posted;
  pc_loop *loop;
  pthread_t ran_on;
  atomic_bool has_run;
} posted_note;

static void note_run(pc_posted *posted, void *user) {
  (void)posted;
  posted_note *note = user;
  note->ran_on = pthread_self();
  atomic_store(&note->has_run, true);
  pc_loop_stop(note->loop);
}

static void *loop_thread_run(void *user) {
  (void)!pc_loop_run(user);
  return NULL;
}

/* The loop sleeps without end, and nothing else happens */
static void case_45_posted_routine_wakes_a_sleeping_loop_and_runs_on_its_thread(void **state) {
  (void)state;
  for (int round = 0; round < 50; round++) {
    pc_loop *loop = NULL;
    assert_int_equal(pc_loop_create(&suite_backend_under_test.loop, &loop), PC_OK);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, loop_thread_run, loop), 0);
    posted_note note = {.loop = loop};
    note.posted = (pc_posted){.routine = note_run, .user = &note};
    if (round % 2 == 0) { /* half of the time surely after it fell asleep */
      while (pc_loop_turn_count(loop) == 0) {
        pc_loop_wake(loop);
      }
    }
    pc_post(loop, &note.posted);
    pthread_join(thread, NULL);
    assert_true(atomic_load(&note.has_run));
    assert_true(pthread_equal(note.ran_on, thread));
    pc_loop_destroy(loop);
  }
}

/* ---- descriptors ---- */

static void descriptors_sent_by_a_client_are_not_received(void **state) {
  (void)state;
  for (int index = 0; index < 2; index++) {
    suite_fixture *fixture = fixture_create(both_types[index], PC_FRAMING_NONE);
    fixture_start(fixture);
    session_record *record;
    suite_client *client = client_connect(fixture, &record);
    unsigned before = descriptors_count();
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {0};
    char byte = 'x';
    struct iovec part = {.iov_base = &byte, .iov_len = 1};
    for (int count = 0; count < 10; count++) {
      struct msghdr header = {.msg_iov = &part,
                              .msg_iovlen = 1,
                              .msg_control = control,
                              .msg_controllen = sizeof control};
      struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
      *rights = (struct cmsghdr){
          .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
      int fd = client_fd(client);
      memcpy(CMSG_DATA(rights), &fd, sizeof fd);
      assert_int_equal(sendmsg(client_fd(client), &header, 0), 1);
    }
    TURN_UNTIL(fixture, record->bytes == 10);
    assert_int_equal(descriptors_count(), before);
    client_close(client);
    fixture_destroy(fixture);
  }
}

/* Takes every descriptor up to a low limit. Set before the server starts: the kernel may look at
 * the limit when an accept is begun, not when a client comes. */
typedef struct descriptor_shortage {
  struct rlimit limit;
  int taken[64];
  unsigned count;
} descriptor_shortage;

static void shortage_limit(descriptor_shortage *shortage) {
  shortage->count = 0;
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &shortage->limit), 0);
  int next = dup(0); /* the lowest free descriptor */
  close(next);
  struct rlimit low = {.rlim_cur = (rlim_t)next + 32, .rlim_max = shortage->limit.rlim_max};
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
}

static void shortage_begin(descriptor_shortage *shortage, suite_fixture *fixture) {
  if (suite_backend_under_test.is_concurrent) {
    suite_backend_under_test.pass_time(fixture,
                                       50); /* a thread that begins may open files for a while */
  }
  for (int fd = dup(0); fd >= 0; fd = dup(0)) {
    assert_true(shortage->count < 64);
    shortage->taken[shortage->count++] = fd;
  }
  assert_int_equal(errno, EMFILE);
}

/* A client in place of one of them. It comes when there is nothing left to accept it with. */
static suite_client *shortage_connect(descriptor_shortage *shortage, suite_fixture *fixture) {
  close(shortage->taken[--shortage->count]);
  return client_connect_only(fixture);
}

static void shortage_end(descriptor_shortage *shortage) {
  while (shortage->count > 0) {
    close(shortage->taken[--shortage->count]);
  }
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &shortage->limit), 0);
}

/* EMFILE while a client waits: told once, no busy loop, and served as soon as there is a
 * descriptor. */
static void accept_without_descriptors_pauses_and_goes_on(void **state) {
  (void)state;
  SKIP_UNDER_VALGRIND("keeps descriptors of its own and limits ours by itself");
  descriptor_shortage shortage;
  shortage_limit(&shortage);
  suite_fixture *fixture = fixture_create(PC_TYPE_BYTE, PC_FRAMING_LINE);
  fixture->does_echo = true;
  fixture_start(fixture);
  session_record *record;
  suite_client *first = client_connect(fixture, &record);
  shortage_begin(&shortage, fixture);
  suite_client *second = shortage_connect(&shortage, fixture);
  suite_client *third = shortage_connect(&shortage, fixture);
  client_write_text(fixture, second, "second\n");
  client_write_text(fixture, third, "third\n");
  uint64_t turns = pc_loop_turn_count(fixture->loop);
  uint64_t begin = clock_ms();
  while (clock_ms() - begin < 350) {
    turn(fixture);
  }
  turns = pc_loop_turn_count(fixture->loop) - turns;
  unsigned errors = fixture->error_count;
  unsigned sessions = fixture->session_count;
  client_write_text(fixture, first, "still there\n");
  client_expect_text(fixture, first, "still there\n");
  shortage_end(&shortage);
  assert_int_equal(errors, 1);
  assert_int_equal(fixture->last_error.status, PC_E_NO_DESCRIPTORS);
  expect_native(&fixture->last_error, EMFILE);
  assert_string_equal(fixture->last_error.action, "accept");
  assert_non_null(fixture->last_error.advice);
  assert_int_equal(sessions, 1);
  assert_true(turns < 120); /* 35 turns of 10 ms, and some for each retry */
  client_expect_text(fixture, second, "second\n");
  client_expect_text(fixture, third, "third\n");
  assert_int_equal(fixture->error_count, 1);
  client_close(first);
  client_close(second);
  client_close(third);
  fixture_destroy(fixture);
}

/* With every number of descriptors to spare: a client is let in only when it is known to be the one
 * allowed. */
static void client_that_cannot_be_looked_at_for_want_of_descriptors_is_not_let_in(void **state) {
  (void)state;
  SKIP_UNDER_VALGRIND("keeps descriptors of its own and limits ours by itself");
  static char own[PATH_MAX];
  assert_true(readlink("/proc/self/exe", own, sizeof own - 1) > 0);
  const pc_admission_rule rule = {.uid = -1, .gid = -1, .executable = own};
  bool is_let_in = false;
  for (unsigned spare = 0; !is_let_in; spare++) {
    assert_true(spare < 8);
    descriptor_shortage shortage;
    shortage_limit(&shortage);
    suite_fixture *fixture = fixture_create(PC_TYPE_BYTE, PC_FRAMING_LINE);
    fixture->options.admission = (pc_admission_rules){.allow = &rule, .allow_count = 1};
    fixture_start(fixture);
    shortage_begin(&shortage, fixture);
    suite_client *client = shortage_connect(&shortage, fixture);
    for (unsigned freed = 0; freed < spare; freed++) {
      close(shortage.taken[--shortage.count]);
    }
    TURN_UNTIL(fixture, fixture->error_count + fixture->refused_count + fixture->session_count > 0);
    is_let_in = fixture->session_count == 1;
    if (fixture->refused_count > 0) {
      assert_int_equal(fixture->last_admission, PC_ADMISSION_UNKNOWN);
    } else if (!is_let_in) {
      assert_int_equal(fixture->last_error.status, PC_E_NO_DESCRIPTORS);
    }
    shortage_end(&shortage);
    client_close(client);
    fixture_destroy(fixture);
  }
}

static void session_that_leaves_makes_room_before_the_retry(void **state) {
  (void)state;
  SKIP_UNDER_VALGRIND("keeps descriptors of its own and limits ours by itself");
  descriptor_shortage shortage;
  shortage_limit(&shortage);
  suite_fixture *fixture = fixture_create(PC_TYPE_BYTE, PC_FRAMING_LINE);
  fixture_start(fixture);
  session_record *record;
  suite_client *first = client_connect(fixture, &record);
  shortage_begin(&shortage, fixture);
  suite_client *second = shortage_connect(&shortage, fixture);
  TURN_UNTIL(fixture, fixture->error_count == 1);
  pc_session_close(record->session, false);
  if (suite_backend_under_test.is_concurrent) {
    TURN_UNTIL(fixture, fixture->session_count == 2);
  } else {
    turn_some(fixture); /* which does not wait, so this is before the next retry */
  }
  unsigned sessions = fixture->session_count;
  shortage_end(&shortage);
  assert_int_equal(sessions, 2);
  client_close(first);
  client_close(second);
  fixture_destroy(fixture);
}

/* ---- memory ---- */

static void records_forget(suite_fixture *fixture) {
  for (unsigned index = 0; index < fixture->session_count; index++) {
    free(fixture->sessions[index]);
  }
  fixture->session_count = 0;
}

static void client_come_and_go(suite_fixture *fixture, unsigned times) {
  for (unsigned count = 0; count < times; count++) {
    suite_client *client = client_connect(fixture, NULL);
    client_write_text(fixture, client, "x\n");
    client_close(client);
    if (fixture->session_count == 1000) {
      TURN_UNTIL(fixture, fixture->open_count == 0);
      records_forget(fixture);
    }
  }
  TURN_UNTIL(fixture, fixture->open_count == 0);
  records_forget(fixture);
}

static void ten_thousand_comings_and_goings_leave_nothing_behind(void **state) {
  (void)state;
  suite_fixture *fixture = fixture_create(PC_TYPE_BYTE, PC_FRAMING_LINE);
  fixture->does_not_keep = true;
  fixture_start(fixture);
  client_come_and_go(fixture, 1000);
  unsigned descriptors = descriptors_count();
  size_t heap = heap_bytes();
  client_come_and_go(fixture, 10000);
  assert_int_equal(descriptors_count(), descriptors);
  if (heap > 0) {
    assert_true(heap_bytes() <= heap + 16 * 1024);
  }
  fixture_destroy(fixture);
}

static void idle_session_costs_little_heap(void **state) {
  (void)state;
  enum { COUNT = 200 };
  if (heap_bytes() == 0) {
    print_message("skipped: a sanitizer has the heap\n");
    skip();
  }
  suite_fixture *fixture = fixture_create(PC_TYPE_BYTE, PC_FRAMING_LINE);
  fixture->does_echo = true;
  fixture->does_not_keep = true;
  fixture_start(fixture);
  suite_client *clients[COUNT];
  suite_client *warm = client_connect(fixture, NULL);
  client_write_text(fixture, warm, "warm\n");
  client_expect_text(fixture, warm, "warm\n");
  size_t before = heap_bytes();
  for (int index = 0; index < COUNT; index++) {
    clients[index] = client_connect(fixture, NULL);
    client_write_text(fixture, clients[index], "once\n"); /* used, and idle again */
    client_expect_text(fixture, clients[index], "once\n");
  }
  /* the record of the test itself and its client are in it */
  size_t each = (heap_bytes() - before) / COUNT;
  print_message("an idle session: %zu bytes of the heap, its record by the test included\n", each);
  size_t most = suite_backend_under_test.idle_heap_bytes;
  assert_true(each < (most ? most : 1024));
  for (int index = 0; index < COUNT; index++) {
    client_close(clients[index]);
  }
  client_close(warm);
  fixture_destroy(fixture);
}

/* A message type with messages over the system's usual send buffer. */
static void message_of_a_megabyte_passes_both_ways(void **state) {
  (void)state;
  enum { SIZE = 1024 * 1024 };
  suite_fixture *fixture = fixture_create(PC_TYPE_MESSAGE, PC_FRAMING_NONE);
  fixture->does_echo = true;
  fixture->options.limits.max_message_bytes = SIZE;
  pc_failure failure = {.status = PC_OK};
  if (pc_server_start(fixture->loop, &fixture->options, &fixture->server, &failure) != PC_OK) {
    assert_string_equal(failure.action, "set the send buffer");
    assert_non_null(strstr(failure.advice, "wmem_max"));
    fixture_destroy(fixture);
    print_message("skipped: this system's send buffers are too small\n");
    skip();
  }
  session_record *record;
  suite_client *client = client_connect(fixture, &record);
  int size = SIZE + 1024;
  if (setsockopt(client_fd(client), SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size) != 0) {
    (void)setsockopt(client_fd(client), SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
  }
  uint8_t *data = malloc(SIZE);
  uint8_t *got = malloc(SIZE);
  pattern_fill(data, SIZE, 11);
  client_write(fixture, client, data, SIZE);
  assert_int_equal(client_read(fixture, client, got, SIZE), SIZE);
  assert_memory_equal(got, data, SIZE);
  client_close(client);
  free(data);
  free(got);
  fixture_destroy(fixture);
}

const struct CMUnitTest cases_system[] = {
    cmocka_unit_test(case_49_peer_is_known_by_pid_uid_gid_and_name),
    cmocka_unit_test(peer_can_be_described_as_long_as_the_session_is_open),
    cmocka_unit_test(peer_that_is_gone_has_its_ids_and_no_name),
    cmocka_unit_test(case_50_client_killed_while_it_writes_is_disconnected_once),
    cmocka_unit_test(client_that_leaves_unread_answers_behind_is_heard_to_the_end),
    cmocka_unit_test(case_23_clients_that_write_at_once_tear_no_message),
    cmocka_unit_test(case_45_posted_routine_wakes_a_sleeping_loop_and_runs_on_its_thread),
    cmocka_unit_test(descriptors_sent_by_a_client_are_not_received),
    cmocka_unit_test(accept_without_descriptors_pauses_and_goes_on),
    cmocka_unit_test(client_that_cannot_be_looked_at_for_want_of_descriptors_is_not_let_in),
    cmocka_unit_test(session_that_leaves_makes_room_before_the_retry),
    cmocka_unit_test(ten_thousand_comings_and_goings_leave_nothing_behind),
    cmocka_unit_test(idle_session_costs_little_heap),
    cmocka_unit_test(message_of_a_megabyte_passes_both_ways),
    {0}};
