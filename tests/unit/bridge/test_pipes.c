/* The pipe thread between two queues: real sockets as clients, this test as the HTTP thread. */
#include "test.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "bridge/event.h"
#include "bridge/pipes.h"
#include "bridge/registry.h"
#include "host.h"
#include "slow.h"

#define DEADLINE_MS (20000 * test_scale())
enum { QUEUE_BYTES = 64 * 1024, SESSIONS = 16 };

typedef struct fixture {
  char folder[64];
  br_config config;
  br_pipe_config pipe;
  br_queue *events;
  br_queue *commands;
  br_pipes *pipes;
  pthread_t thread;
  int wake_fd;
  /* What the last drain saw. */
  uint64_t next_number;
  uint64_t messages;
  uint64_t opened, closed, injected, errors, results;
  uint64_t last_session;
  uint64_t replies;
  uint64_t drops; /* events */
  br_dropped dropped;
  uint64_t heard[SESSIONS]; /* by session id - 1, where more than one talk */
  br_event last;
  br_result result;
  br_closed closed_payload;
  br_session_info *info;
  uint64_t added, changed, removed, refused;
  br_pipe_handover handover;
  br_pipe_refusal refusal;
  bool is_stopped;
  bool is_reply_dropped;
} fixture;

static void *run_pipes(void *user) {
  br_pipes_run(user);
  return NULL;
}

static void wake_reader(void *user) {
  fixture *f = user;
  uint64_t one = 1;
  assert_int_equal(write(f->wake_fd, &one, sizeof one), sizeof one);
}

static fixture *fixture_open_as(br_overflow overflow, br_reply reply,
                                uint32_t max_write_queue_bytes) {
  fixture *f = calloc(1, sizeof *f);
  strcpy(f->folder, "/tmp/test_pipes.XXXXXX");
  assert_non_null(mkdtemp(f->folder));
  char path[96];
  (void)snprintf(path, sizeof path, "%s/demo.sock", f->folder);
  f->pipe = (br_pipe_config){.name = "demo",
                             .path = strdup(path),
                             .type = PC_TYPE_BYTE,
                             .framing = PC_FRAMING_LINE,
                             .reply = reply,
                             .overflow = overflow,
                             .limits = {.max_instances = SESSIONS,
                                        .max_message_bytes = 4096,
                                        .max_write_queue_bytes = max_write_queue_bytes}};
  f->config.pipes = &f->pipe;
  f->config.pipe_count = 1;
  f->events = br_queue_create(QUEUE_BYTES);
  f->commands = br_queue_create(QUEUE_BYTES);
  f->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  char error[256] = "";
  f->pipes = br_pipes_create(&(br_pipes_options){.config = &f->config,
                                                 .events = f->events,
                                                 .commands = f->commands,
                                                 .wake_reader = wake_reader,
                                                 .user = f},
                             error, sizeof error);
  if (!f->pipes) {
    fail_msg("%s", error);
  }
  assert_int_equal(pthread_create(&f->thread, NULL, run_pipes, f->pipes), 0);
  return f;
}

static fixture *fixture_open(br_reply reply, uint32_t max_write_queue_bytes) {
  return fixture_open_as(BR_OVERFLOW_PAUSE, reply, max_write_queue_bytes);
}

static void take_message(fixture *f, const br_event *event) {
  if (event->flags & BR_FLAG_REPLY) {
    f->replies++;
    return;
  }
  char text[32] = "";
  memcpy(text, br_event_payload(event), event->size_bytes < 31 ? event->size_bytes : 31);
  if (f->opened > 1) {
    assert_true(event->session <= SESSIONS);
    assert_int_equal(strtoull(text, NULL, 10), f->heard[event->session - 1]++);
    f->messages++;
    return;
  }
  assert_int_equal(strtoull(text, NULL, 10), f->next_number);
  f->next_number++;
  f->messages++;
}

/* As the HTTP thread: what is handed back is freed. */
static void take_pipe(fixture *f, const br_event *event) {
  memcpy(&f->handover, br_event_payload(event), sizeof f->handover);
  br_pipe_config_destroy(f->handover.old_config);
  free(f->handover.old_live);
}

static void take_dropped(fixture *f, const br_event *event) {
  br_dropped dropped;
  assert_int_equal(event->size_bytes, sizeof dropped);
  memcpy(&dropped, br_event_payload(event), sizeof dropped);
  assert_true(event->direction == BR_DIRECTION_C2S || f->is_reply_dropped);
  assert_true(dropped.messages > 0);
  f->drops++;
  f->dropped.messages += dropped.messages;
  f->dropped.bytes += dropped.bytes;
  f->next_number += dropped.messages; /* what follows it was said right after */
}

static void take(const void *record, size_t size, void *user) {
  fixture *f = user;
  const br_event *event = record;
  assert_true(size >= sizeof *event + event->size_bytes);
  f->last = *event;
  switch ((br_event_kind)event->kind) {
  case BR_EVENT_OPENED: {
    br_opened opened;
    memcpy(&opened, br_event_payload(event), sizeof opened);
    f->info = opened.info;
    f->last_session = event->session;
    f->opened++;
    break;
  }
  case BR_EVENT_CLOSED:
    memcpy(&f->closed_payload, br_event_payload(event), sizeof f->closed_payload);
    free(f->closed_payload.info);
    f->closed++;
    break;
  case BR_EVENT_MESSAGE:
    take_message(f, event);
    break;
  case BR_EVENT_INJECTED:
    f->injected++;
    break;
  case BR_EVENT_ERROR:
    f->errors++;
    break;
  case BR_EVENT_DROPPED:
    take_dropped(f, event);
    break;
  case BR_EVENT_PIPE_ADDED:
    take_pipe(f, event);
    f->added++;
    break;
  case BR_EVENT_PIPE_CHANGED:
    take_pipe(f, event);
    f->changed++;
    break;
  case BR_EVENT_PIPE_REMOVED:
    take_pipe(f, event);
    f->removed++;
    break;
  case BR_RECORD_PIPE_REFUSED:
    memcpy(&f->refusal, br_event_payload(event), sizeof f->refusal);
    br_pipe_config_destroy(f->refusal.config);
    f->refused++;
    break;
  case BR_RECORD_UNCONNECTED:
  case BR_RECORD_TAKEN:
    break;
  case BR_RECORD_RESULT:
    memcpy(&f->result, br_event_payload(event), sizeof f->result);
    f->results++;
    break;
  }
}

static size_t drain(fixture *f) {
  size_t count = br_queue_drain(f->events, QUEUE_BYTES, take, f);
  br_pipes_made_room(f->pipes);
  return count;
}

/* Reads the queue as the HTTP thread does, until *counter has reached `wanted`. */
static void drain_until(fixture *f, const uint64_t *counter, uint64_t wanted) {
  while (*counter < wanted) {
    if (drain(f) > 0 || !br_queue_prepare_sleep(f->events)) {
      continue;
    }
    struct pollfd wait = {.fd = f->wake_fd, .events = POLLIN};
    int ready = poll(&wait, 1, DEADLINE_MS);
    br_queue_awake(f->events);
    assert_int_equal(ready, 1);
    uint64_t ignored;
    (void)!read(f->wake_fd, &ignored, sizeof ignored);
  }
}

static void fixture_stop(fixture *f) {
  br_pipes_stop(f->pipes);
  drain_until(f, &f->closed, f->opened);
  pthread_join(f->thread, NULL);
  f->is_stopped = true;
}

static void fixture_close(fixture *f) {
  if (!f->is_stopped) {
    fixture_stop(f);
  }
  br_pipes_destroy(f->pipes);
  f->pipes = NULL;
  br_queue_drain(f->events, QUEUE_BYTES, take, f);
  assert_int_equal(f->closed, f->opened);
  br_queue_destroy(f->events);
  br_queue_destroy(f->commands);
  close(f->wake_fd);
  free(f->pipe.path);
  assert_int_equal(access(f->folder, F_OK), 0);
  char command[128];
  (void)snprintf(command, sizeof command, "rm -r %s", f->folder);
  assert_int_equal(system(command), 0);
  free(f);
}

static int client_connect_to(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strncpy(address.sun_path, path, sizeof address.sun_path - 1);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_true(fd >= 0);
  assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
  return fd;
}

static int client_connect(const fixture *f) {
  return client_connect_to(f->pipe.path);
}

static void client_write(int fd, const void *data, size_t size) {
  assert_int_equal(send(fd, data, size, MSG_NOSIGNAL), size);
}

static void client_expect(int fd, const char *text) {
  char buffer[256];
  size_t size = strlen(text), got = 0;
  while (got < size) {
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&wait, 1, DEADLINE_MS), 1);
    ssize_t count = recv(fd, buffer + got, size - got, 0);
    assert_true(count > 0);
    got += (size_t)count;
  }
  assert_memory_equal(buffer, text, size);
}

static void command_push_bytes(fixture *f, br_command command, const void *payload, size_t size) {
  void *record;
  command.size_bytes = (uint32_t)size;
  while (br_queue_reserve(f->commands, sizeof command + command.size_bytes, &record) !=
         BR_QUEUE_OK) {
    sched_yield();
  }
  memcpy(record, &command, sizeof command);
  memcpy((br_command *)record + 1, payload, command.size_bytes);
  br_queue_commit(f->commands, record);
  if (br_queue_wake_needed(f->commands)) {
    br_pipes_wake(f->pipes);
  }
}

static void command_push(fixture *f, br_command command, const char *text) {
  command_push_bytes(f, command, text, strlen(text));
}

typedef struct flood {
  int fd;
  unsigned count;
} flood;

static void *flood_write(void *user) {
  const flood *job = user;
  FILE *stream = fdopen(job->fd, "w");
  for (unsigned number = 0; number < job->count; number++) {
    assert_true(fprintf(stream, "%u and some more text\n", number) > 0);
  }
  fclose(stream);
  return NULL;
}

/* Nobody reads the queue until it is full. */
static void queue_fill(fixture *f) {
  uint64_t turns = 0;
  while (br_queue_used_bytes(f->events) < QUEUE_BYTES * 3 / 4) {
    assert_true(++turns < 100000000);
  }
}

static void pipes_full_event_queue_pauses_the_client_and_loses_nothing(void **state) {
  (void)state;
  fixture *f = fixture_open(BR_REPLY_NONE, 65536);
  flood job = {.fd = client_connect(f), .count = 100000};
  pthread_t writer;
  assert_int_equal(pthread_create(&writer, NULL, flood_write, &job), 0);
  queue_fill(f); /* the writer feels the pipe's backpressure */
  drain_until(f, &f->closed, 1);
  pthread_join(writer, NULL);
  assert_int_equal(f->messages, job.count);
  assert_int_equal(f->closed_payload.reason, PC_CLOSE_PEER);
  assert_int_equal(br_count(&br_pipes_live(f->pipes, 0)->counters.c2s.messages), job.count);
  fixture_close(f);
}

/* Their writer is never slowed: it ends before anybody has read the queue. */
static void pipes_that_drop_take_all_and_tell_how_many_in_its_place(void **state) {
  (void)state;
  fixture *f = fixture_open_as(BR_OVERFLOW_DROP, BR_REPLY_NONE, 65536);
  flood job = {.fd = client_connect(f), .count = 20000};
  const br_counters *counters = &br_pipes_live(f->pipes, 0)->counters;
  (void)flood_write(&job);
  while (br_count(&counters->c2s.messages) < job.count) {
    sched_yield();
  }
  assert_true(br_count(&counters->dropped.messages) > job.count / 2);
  drain_until(f, &f->closed, 1);
  assert_int_equal(f->messages + f->dropped.messages, job.count);
  assert_int_equal(f->next_number, job.count);
  assert_int_equal(f->drops, 1); /* one hole, one event */
  assert_int_equal(f->dropped.messages, br_count(&counters->dropped.messages));
  assert_int_equal(f->dropped.bytes, br_count(&counters->dropped.bytes));
  assert_int_equal(f->closed_payload.reason, PC_CLOSE_PEER);
  fixture_close(f);
}

static void pipes_that_drop_go_on_when_there_is_room(void **state) {
  (void)state;
  fixture *f = fixture_open_as(BR_OVERFLOW_DROP, BR_REPLY_NONE, 65536);
  flood job = {.fd = client_connect(f), .count = 300000};
  pthread_t writer;
  assert_int_equal(pthread_create(&writer, NULL, flood_write, &job), 0);
  queue_fill(f);
  drain_until(f, &f->closed, 1);
  pthread_join(writer, NULL);
  assert_int_equal(f->messages + f->dropped.messages, job.count);
  assert_int_equal(f->next_number, job.count);
  fixture_close(f);
}

/* A reply is an event of its own, and as such dropped or told; it is said in any case. */
static void pipes_that_drop_reply_to_what_they_drop(void **state) {
  (void)state;
  fixture *f = fixture_open_as(BR_OVERFLOW_DROP, BR_REPLY_ECHO, 65536);
  int client = client_connect(f);
  drain_until(f, &f->opened, 1);
  for (unsigned number = 0; br_count(&f->info->counters.dropped.messages) < 10; number++) {
    char line[32];
    (void)snprintf(line, sizeof line, "%u\n", number);
    client_write(client, line, strlen(line));
    client_expect(client, line);
  }
  const br_counters *counters = &br_pipes_live(f->pipes, 0)->counters;
  assert_int_equal(br_count(&counters->c2s.messages), br_count(&counters->s2c.messages));
  f->is_reply_dropped = true;
  close(client);
  drain_until(f, &f->closed, 1);
  assert_int_equal(f->messages + f->replies + f->dropped.messages,
                   br_count(&counters->c2s.messages) + br_count(&counters->s2c.messages));
  fixture_close(f);
}

/* Half a queue is less than what all of them have ready: without an order of their own the first
 * would have it all. */
static void pipes_full_event_queue_is_shared_by_all_who_wait(void **state) {
  (void)state;
  fixture *f = fixture_open(BR_REPLY_NONE, 65536);
  enum { EACH = 20000 };
  flood jobs[SESSIONS];
  pthread_t writers[SESSIONS];
  for (size_t index = 0; index < SESSIONS; index++) {
    jobs[index] = (flood){.fd = client_connect(f), .count = EACH};
  }
  drain_until(f, &f->opened, SESSIONS);
  for (size_t index = 0; index < SESSIONS; index++) {
    assert_int_equal(pthread_create(&writers[index], NULL, flood_write, &jobs[index]), 0);
  }
  queue_fill(f);
  drain_until(f, &f->closed, 1); /* whoever it is, the others are not far behind */
  for (size_t index = 0; index < SESSIONS; index++) {
    assert_true(f->heard[index] > EACH / 4);
  }
  drain_until(f, &f->closed, SESSIONS);
  for (size_t index = 0; index < SESSIONS; index++) {
    pthread_join(writers[index], NULL);
    assert_int_equal(f->heard[index], EACH);
  }
  fixture_close(f);
}

/* False: it would have to wait. */
static bool command_try(fixture *f) {
  void *record;
  br_command command = {.kind = BR_COMMAND_INJECT};
  if (br_queue_reserve(f->commands, sizeof command, &record) != BR_QUEUE_OK) {
    return false;
  }
  memcpy(record, &command, sizeof command);
  br_queue_commit(f->commands, record);
  if (br_queue_wake_needed(f->commands)) {
    br_pipes_wake(f->pipes);
  }
  return true;
}

static void turns_wait(fixture *f, uint64_t count) {
  uint64_t end = br_pipes_turn_count(f->pipes) + count;
  while (br_pipes_turn_count(f->pipes) < end) {
    br_pipes_wake(f->pipes);
    sched_yield();
  }
}

static void pipes_full_event_queue_leaves_the_commands_where_they_are(void **state) {
  (void)state;
  fixture *f = fixture_open(BR_REPLY_NONE, 65536);
  uint64_t count = 0;
  enum { FAR_TOO_MANY = 20000 }; /* for both queues, and what one turn brings */
  for (bool is_full = false; !is_full;) {
    while (count < FAR_TOO_MANY && command_try(f)) {
      count++;
    }
    turns_wait(f, 5);
    assert_true(count < FAR_TOO_MANY);
    is_full = !command_try(f);
    count += !is_full;
  }
  drain_until(f, &f->results, count);
  assert_int_equal(f->injected, count);
  fixture_close(f);
}

static void pipes_inject_to_all_reaches_each_and_reports_it(void **state) {
  (void)state;
  fixture *f = fixture_open(BR_REPLY_NONE, 65536);
  int first = client_connect(f), second = client_connect(f);
  drain_until(f, &f->opened, 2);
  uint64_t asked_ns = br_host_mono_ns() - 1000;
  command_push(f, (br_command){.id = 9, .kind = BR_COMMAND_INJECT, .asked_ns = asked_ns}, "move");
  client_expect(first, "move\n");
  client_expect(second, "move\n");
  drain_until(f, &f->results, 1);
  assert_int_equal(f->injected, 1);
  assert_int_equal(f->last.command_id, 9);
  assert_int_equal(f->result.targets, 2);
  assert_int_equal(f->result.delivered, 2);
  assert_in_range(f->result.microseconds, 1, (br_host_mono_ns() - asked_ns) / 1000);
  close(first);
  close(second);
  fixture_close(f);
}

static void pipes_inject_without_receiver_reports_no_target(void **state) {
  (void)state;
  fixture *f = fixture_open(BR_REPLY_NONE, 65536);
  command_push(f, (br_command){.id = 1, .kind = BR_COMMAND_INJECT}, "x");
  drain_until(f, &f->results, 1);
  assert_int_equal(f->result.targets, 0);
  assert_int_equal(f->injected, 1);
  fixture_close(f);
}

static void pipes_inject_to_a_closed_session_reports_closed(void **state) {
  (void)state;
  fixture *f = fixture_open(BR_REPLY_NONE, 65536);
  command_push(f, (br_command){.id = 1, .kind = BR_COMMAND_INJECT, .session = 77}, "x");
  drain_until(f, &f->results, 1);
  assert_int_equal(f->result.closed, 1);
  assert_int_equal(f->injected, 0);
  fixture_close(f);
}

static void pipes_client_that_never_reads_is_queued_then_refused(void **state) {
  (void)state;
  fixture *f = fixture_open(BR_REPLY_NONE, 4096);
  int client = client_connect(f);
  drain_until(f, &f->opened, 1);
  char text[1001];
  memset(text, 'x', 1000);
  text[1000] = '\0';
  while (br_count(&f->info->counters.refused) == 0) {
    command_push(f, (br_command){.id = 1, .kind = BR_COMMAND_INJECT, .session = f->last_session},
                 text);
    drain(f);
  }
  drain_until(f, &f->errors, 1); /* and it is told */
  close(client);
  fixture_close(f);
}

static void pipes_echo_goes_back_to_the_sender_only(void **state) {
  (void)state;
  fixture *f = fixture_open(BR_REPLY_ECHO, 65536);
  int first = client_connect(f), second = client_connect(f);
  client_write(first, "0\n", 2);
  client_expect(first, "0\n");
  drain_until(f, &f->replies, 1);
  assert_int_equal(f->last.targets, 1);
  assert_int_equal(recv(second, &(char){0}, 1, MSG_DONTWAIT), -1);
  close(first);
  close(second);
  fixture_close(f);
}

static void pipes_broadcast_reaches_the_others(void **state) {
  (void)state;
  fixture *f = fixture_open(BR_REPLY_BROADCAST, 65536);
  int sender = client_connect(f), first = client_connect(f), second = client_connect(f);
  drain_until(f, &f->opened, 3);
  client_write(sender, "0\n", 2);
  client_expect(first, "0\n");
  client_expect(second, "0\n");
  drain_until(f, &f->replies, 1);
  assert_int_equal(f->last.targets, 2);
  assert_int_equal(f->last.session, 0);
  assert_int_equal(recv(sender, &(char){0}, 1, MSG_DONTWAIT), -1);
  close(sender);
  close(first);
  close(second);
  fixture_close(f);
}

static void pipes_disconnect_closes_the_session(void **state) {
  (void)state;
  fixture *f = fixture_open(BR_REPLY_NONE, 65536);
  int client = client_connect(f);
  drain_until(f, &f->opened, 1);
  command_push(f, (br_command){.kind = BR_COMMAND_DISCONNECT, .session = f->last_session}, "");
  drain_until(f, &f->closed, 1);
  assert_int_equal(f->closed_payload.reason, PC_CLOSE_LOCAL);
  close(client);
  fixture_close(f);
}

static void pipes_ping_is_answered(void **state) {
  (void)state;
  fixture *f = fixture_open(BR_REPLY_NONE, 65536);
  command_push(f, (br_command){.id = 5, .kind = BR_COMMAND_PING}, "");
  drain_until(f, &f->results, 1);
  assert_int_equal(f->last.command_id, 5);
  fixture_close(f);
}

static void pipes_stop_closes_sessions_with_their_reason(void **state) {
  (void)state;
  fixture *f = fixture_open(BR_REPLY_NONE, 65536);
  int client = client_connect(f);
  drain_until(f, &f->opened, 1);
  fixture_stop(f);
  assert_int_equal(f->closed_payload.reason, PC_CLOSE_STOP);
  assert_int_equal(access(f->pipe.path, F_OK), -1);
  assert_int_equal(errno, ENOENT);
  close(client);
  fixture_close(f);
}

/* ---- pipes that come, change and go ---- */

static br_pipe_config *config_copy(const fixture *f, const char *path) {
  br_pipe_config *config = calloc(1, sizeof *config);
  *config = f->pipe;
  config->name = strdup("second");
  config->path = strdup(path);
  return config;
}

static void pipe_ask(fixture *f, br_command_kind kind, uint64_t id, const void *payload,
                     size_t size) {
  uint64_t results = f->results;
  command_push_bytes(f, (br_command){.id = id, .kind = (uint8_t)kind, .pipe = 1}, payload, size);
  drain_until(f, &f->results, results + 1);
  assert_int_equal(f->last.command_id, id);
}

static void pipe_add(fixture *f, const char *path) {
  br_pipe_config *config = config_copy(f, path);
  pipe_ask(f, BR_COMMAND_PIPE_ADD, 7, &config, sizeof config);
}

static void pipe_remove(fixture *f) {
  uint32_t drain_ms = 100;
  pipe_ask(f, BR_COMMAND_PIPE_REMOVE, 8, &drain_ms, sizeof drain_ms);
}

static void pipes_added_pipe_serves_and_removed_one_leaves_nothing(void **state) {
  (void)state;
  fixture *f = fixture_open(BR_REPLY_ECHO, 65536);
  char path[96];
  (void)snprintf(path, sizeof path, "%s/second.sock", f->folder);
  for (uint64_t round = 1; round <= 3; round++) {
    pipe_add(f, path);
    assert_int_equal(f->added, round);
    int client = client_connect_to(path);
    client_write(client, "0\n", 2);
    client_expect(client, "0\n");
    drain_until(f, &f->messages, 1);
    assert_int_equal(br_count(&f->handover.live->counters.c2s.messages), 1);
    f->next_number = f->messages = 0;
    pipe_remove(f);
    assert_int_equal(f->removed, round);
    assert_int_equal(f->closed, round);
    assert_int_equal(f->closed_payload.reason, BR_CLOSE_REMOVED);
    assert_int_equal(access(path, F_OK), -1);
    close(client);
  }
  command_push(f, (br_command){.id = 9, .kind = BR_COMMAND_INJECT, .pipe = 1}, "late");
  drain_until(f, &f->results, 7);
  assert_int_equal(f->result.removed, 1);
  fixture_close(f);
}

static void pipes_pipe_that_cannot_be_made_is_handed_back(void **state) {
  (void)state;
  fixture *f = fixture_open(BR_REPLY_NONE, 65536);
  pipe_add(f, f->pipe.path);
  assert_int_equal(f->refused, 1);
  assert_int_equal(f->refusal.status, PC_E_IN_USE);
  assert_non_null(strstr(f->refusal.text, f->pipe.path));
  assert_int_equal(f->added, 0);
  fixture_close(f);
}

static void pipes_changed_configuration_takes_the_old_ones_place(void **state) {
  (void)state;
  fixture *f = fixture_open(BR_REPLY_NONE, 65536);
  char path[96];
  (void)snprintf(path, sizeof path, "%s/second.sock", f->folder);
  pipe_add(f, path);
  int client = client_connect_to(path);
  drain_until(f, &f->opened, 1);
  br_pipe_config *config = config_copy(f, path);
  config->reply = BR_REPLY_ECHO;
  pipe_ask(f, BR_COMMAND_PIPE_CHANGE, 9, &config, sizeof config);
  assert_int_equal(f->changed, 1);
  assert_ptr_equal(f->handover.config, config);
  client_write(client, "0\n", 2);
  client_expect(client, "0\n");
  assert_int_equal(f->closed, 0);
  close(client);
  fixture_close(f);
}

static void pipes_command_that_nobody_handles_any_more_is_freed(void **state) {
  (void)state;
  fixture *f = fixture_open(BR_REPLY_NONE, 65536);
  fixture_stop(f);
  br_pipe_config *config = config_copy(f, "/nowhere");
  command_push_bytes(f, (br_command){.kind = BR_COMMAND_PIPE_ADD, .pipe = 1}, &config,
                     sizeof config);
  fixture_close(f); /* a leak checker sees it */
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(pipes_full_event_queue_pauses_the_client_and_loses_nothing),
      cmocka_unit_test(pipes_that_drop_take_all_and_tell_how_many_in_its_place),
      cmocka_unit_test(pipes_that_drop_go_on_when_there_is_room),
      cmocka_unit_test(pipes_that_drop_reply_to_what_they_drop),
      cmocka_unit_test(pipes_full_event_queue_is_shared_by_all_who_wait),
      cmocka_unit_test(pipes_full_event_queue_leaves_the_commands_where_they_are),
      cmocka_unit_test(pipes_inject_to_all_reaches_each_and_reports_it),
      cmocka_unit_test(pipes_inject_without_receiver_reports_no_target),
      cmocka_unit_test(pipes_inject_to_a_closed_session_reports_closed),
      cmocka_unit_test(pipes_client_that_never_reads_is_queued_then_refused),
      cmocka_unit_test(pipes_echo_goes_back_to_the_sender_only),
      cmocka_unit_test(pipes_broadcast_reaches_the_others),
      cmocka_unit_test(pipes_disconnect_closes_the_session),
      cmocka_unit_test(pipes_ping_is_answered),
      cmocka_unit_test(pipes_stop_closes_sessions_with_their_reason),
      cmocka_unit_test(pipes_added_pipe_serves_and_removed_one_leaves_nothing),
      cmocka_unit_test(pipes_pipe_that_cannot_be_made_is_handed_back),
      cmocka_unit_test(pipes_changed_configuration_takes_the_old_ones_place),
      cmocka_unit_test(pipes_command_that_nobody_handles_any_more_is_freed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
