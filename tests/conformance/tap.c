/* The fixture of the tap's cases, and the program. */
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

uint64_t tap_clock_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void tap_turn(tap_fixture *fixture) {
  assert_int_equal(pc_loop_turn(fixture->loop, 1), PC_OK);
}

void tap_fill(uint8_t *data, size_t size, uint32_t seed) {
  for (size_t index = 0; index < size; index++) {
    seed = seed * 1664525u + 1013904223u;
    data[index] = (uint8_t)(seed >> 24);
  }
}

/* ---- callbacks ---- */

static bool on_opened(pc_tap_session *session, const pc_peer *client, const pc_peer *upstream,
                      void *user) {
  tap_fixture *fixture = user;
  tap_record *record = calloc(1, sizeof *record);
  assert_non_null(record);
  assert_true(fixture->record_count < TAP_SESSIONS_MAX);
  record->session = session;
  record->client = *client;
  record->upstream = *upstream;
  assert_null(pc_tap_session_user(session));
  pc_tap_session_set_user(session, record);
  fixture->records[fixture->record_count++] = record;
  fixture->open_count++;
  return !fixture->does_refuse;
}

static void seen_add(tap_seen *seen, const void *data, size_t size) {
  if (seen->size + size + 1 > seen->capacity) {
    seen->capacity = 2 * (seen->size + size) + 64;
    seen->bytes = realloc(seen->bytes, seen->capacity);
    assert_non_null(seen->bytes);
  }
  if (size > 0) {
    memcpy(seen->bytes + seen->size, data, size);
  }
  seen->size += size;
  seen->bytes[seen->size] = '\0';
}

static pc_status on_message(pc_tap_session *session, pc_direction direction,
                            const pc_message *message, void *user) {
  tap_fixture *fixture = user;
  tap_record *record = pc_tap_session_user(session);
  tap_seen *seen = &record->seen[direction];
  assert_int_equal(record->closed_count, 0);
  if (fixture->is_full) {
    return PC_AGAIN;
  }
  seen->count++;
  seen->incomplete_count += message->flags == PC_MESSAGE_INCOMPLETE;
  if (fixture->does_not_keep) {
    seen->size += message->size_bytes;
    return PC_OK;
  }
  seen_add(seen, message->data, message->size_bytes);
  if (fixture->options.framing != PC_FRAMING_NONE || fixture->options.type == PC_TYPE_MESSAGE) {
    seen_add(seen, "|", 1);
  }
  return PC_OK;
}

static void on_skipped(pc_tap_session *session, pc_direction direction, uint64_t size_bytes,
                       void *user) {
  (void)user;
  tap_record *record = pc_tap_session_user(session);
  record->seen[direction].skipped_count++;
  record->seen[direction].skipped_bytes += size_bytes;
}

static void on_unframed(pc_tap_session *session, pc_direction direction, void *user) {
  (void)user;
  tap_record *record = pc_tap_session_user(session);
  record->seen[direction].unframed_count++;
}

static void on_written(pc_tap_session *session, pc_direction direction, uint64_t tag,
                       pc_status status, void *user) {
  (void)user;
  tap_record *record = pc_tap_session_user(session);
  assert_int_equal(record->closed_count, 0);
  assert_true(record->written_count < 16);
  record->tags[record->written_count] = tag;
  record->directions[record->written_count] = direction;
  record->statuses[record->written_count++] = status;
}

static void on_closed(pc_tap_session *session, const pc_tap_end *end, void *user) {
  tap_fixture *fixture = user;
  tap_record *record = pc_tap_session_user(session);
  record->end = *end;
  record->session = NULL;
  record->closed_count++;
  fixture->open_count--;
}

static void on_unreachable(pc_tap *tap, const pc_peer *client, const pc_failure *failure,
                           void *user) {
  (void)tap;
  tap_fixture *fixture = user;
  assert_int_equal(client->pid, getpid());
  fixture->failure = *failure;
  fixture->unreachable_count++;
}

static void on_error(pc_tap *tap, const pc_failure *failure, void *user) {
  (void)tap;
  tap_fixture *fixture = user;
  assert_int_equal(failure->status, PC_E_BUSY);
  fixture->full_count++;
}

static void on_stopped(pc_tap *tap, void *user) {
  (void)tap;
  tap_fixture *fixture = user;
  fixture->is_stopped = true;
}

/* ---- life ---- */

static int socket_kind(pc_type type) {
  return (type == PC_TYPE_BYTE ? SOCK_STREAM : SOCK_SEQPACKET) | SOCK_NONBLOCK | SOCK_CLOEXEC;
}

static struct sockaddr_un address_of(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  assert_true(strlen(path) < sizeof address.sun_path);
  memcpy(address.sun_path, path, strlen(path));
  return address;
}

tap_fixture *tap_create(pc_type type, pc_framing framing) {
  tap_fixture *fixture = calloc(1, sizeof *fixture);
  assert_non_null(fixture);
  strcpy(fixture->folder, "/tmp/pipecore-tap-XXXXXX");
  assert_non_null(mkdtemp(fixture->folder));
  (void)snprintf(fixture->path, sizeof fixture->path, "%s/a", fixture->folder);
  (void)snprintf(fixture->upstream_path, sizeof fixture->upstream_path, "%s/b", fixture->folder);
  fixture->upstream = -1;
  fixture->options = (pc_tap_options){.path = fixture->path,
                                      .upstream = fixture->upstream_path,
                                      .type = type,
                                      .framing = framing,
                                      .on = {.on_opened = on_opened,
                                             .on_message = on_message,
                                             .on_skipped = on_skipped,
                                             .on_unframed = on_unframed,
                                             .on_written = on_written,
                                             .on_closed = on_closed,
                                             .on_unreachable = on_unreachable,
                                             .on_error = on_error,
                                             .on_stopped = on_stopped},
                                      .user = fixture};
  pc_loop_options loop = {.backend = TAP_BACKEND};
  assert_int_equal(pc_loop_create(&loop, &fixture->loop), PC_OK);
  return fixture;
}

void tap_begin(tap_fixture *fixture) {
  struct sockaddr_un address = address_of(fixture->upstream_path);
  fixture->upstream = socket(AF_UNIX, socket_kind(fixture->options.type), 0);
  assert_int_equal(bind(fixture->upstream, (const struct sockaddr *)&address, sizeof address), 0);
  assert_int_equal(listen(fixture->upstream, 256), 0);
  pc_failure failure;
  assert_int_equal(pc_tap_start(fixture->loop, &fixture->options, &fixture->tap, &failure), PC_OK);
}

void tap_destroy(tap_fixture *fixture) {
  if (fixture->tap) {
    pc_tap_stop(fixture->tap, 100);
    TAP_UNTIL(fixture, fixture->is_stopped);
    pc_tap_destroy(fixture->tap);
  }
  assert_int_equal(fixture->open_count, 0);
  pc_loop_destroy(fixture->loop);
  for (unsigned index = 0; index < fixture->record_count; index++) {
    assert_int_equal(fixture->records[index]->closed_count, 1);
    free(fixture->records[index]->seen[0].bytes);
    free(fixture->records[index]->seen[1].bytes);
    free(fixture->records[index]);
  }
  if (fixture->upstream >= 0) {
    close(fixture->upstream);
  }
  unlink(fixture->upstream_path);
  assert_int_equal(rmdir(fixture->folder), 0);
  free(fixture);
}

/* ---- both ends ---- */

int tap_client(const tap_fixture *fixture) {
  struct sockaddr_un address = address_of(fixture->path);
  int fd = socket(AF_UNIX, socket_kind(fixture->options.type), 0);
  assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
  return fd;
}

tap_record *tap_pair(tap_fixture *fixture, int *out_client, int *out_server) {
  unsigned count = fixture->record_count;
  *out_client = tap_client(fixture);
  TAP_UNTIL(fixture, fixture->record_count > count);
  *out_server = accept4(fixture->upstream, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
  assert_true(*out_server >= 0);
  if (fixture->options.type == PC_TYPE_MESSAGE) { /* to tell a message of no bytes from the end */
    int on = 1;
    setsockopt(*out_client, SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
    setsockopt(*out_server, SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
  }
  return fixture->records[count];
}

tap_fixture *tap_create_pair(pc_type type, pc_framing framing, int *out_client, int *out_server,
                             tap_record **out_record) {
  tap_fixture *fixture = tap_create(type, framing);
  tap_begin(fixture);
  *out_record = tap_pair(fixture, out_client, out_server);
  return fixture;
}

void tap_destroy_pair(tap_fixture *fixture, int client, int server) {
  close(client);
  close(server);
  tap_destroy(fixture);
}

void tap_send(tap_fixture *fixture, int fd, const void *data, size_t size) {
  const uint8_t *from = data;
  uint64_t deadline = tap_clock_ms() + (uint64_t)TAP_DEADLINE_MS;
  do {
    ssize_t sent = send(fd, from, size, MSG_NOSIGNAL);
    assert_true(sent >= 0 || errno == EAGAIN);
    from += sent > 0 ? sent : 0;
    size -= sent > 0 ? (size_t)sent : 0;
    if (sent >= 0 && size == 0) {
      return;
    }
    tap_turn(fixture);
  } while (tap_clock_ms() < deadline);
  fail_msg("not written");
}

void tap_receive(tap_fixture *fixture, int fd, void *data, size_t size) {
  uint8_t *to = data;
  bool is_message = fixture->options.type == PC_TYPE_MESSAGE;
  uint64_t deadline = tap_clock_ms() + (uint64_t)TAP_DEADLINE_MS;
  while (tap_clock_ms() < deadline) {
    ssize_t received = recv(fd, to, size, is_message ? MSG_TRUNC : 0);
    if (received >= 0 && (is_message || (size_t)received == size)) {
      assert_int_equal(received, size);
      return;
    }
    assert_true(received > 0 || (received < 0 && errno == EAGAIN));
    to += received > 0 ? received : 0;
    size -= received > 0 ? (size_t)received : 0;
    tap_turn(fixture);
  }
  fail_msg("%zu bytes did not come", size);
}

void tap_expect(tap_fixture *fixture, int fd, const char *text) {
  char got[512];
  assert_true(strlen(text) < sizeof got);
  tap_receive(fixture, fd, got, strlen(text));
  got[strlen(text)] = '\0';
  assert_string_equal(got, text);
}

void tap_expect_end(tap_fixture *fixture, int fd) {
  uint8_t byte;
  ssize_t received;
  TAP_UNTIL(fixture, (received = recv(fd, &byte, 1, 0)) >= 0 || errno != EAGAIN);
  assert_true(received == 0 || (received < 0 && errno == ECONNRESET));
}

void tap_expect_seen(tap_fixture *fixture, const tap_record *record, pc_direction direction,
                     const char *text) {
  const tap_seen *seen = &record->seen[direction];
  TAP_UNTIL(fixture, seen->size >= strlen(text));
  assert_string_equal(seen->bytes ? (const char *)seen->bytes : "", text);
}

/* ---- the program ---- */

int main(void) {
  pc_loop *loop;
  pc_loop_options options = {.backend = TAP_BACKEND};
  if (pc_loop_create(&options, &loop) != PC_OK || pc_loop_refusal(loop)) {
    (void)fprintf(stderr, "skipped: this system refuses the backend\n");
    return 77;
  }
  pc_loop_destroy(loop);
  int failed = 0;
  const struct CMUnitTest *const subjects[] = {tap_cases_pass, tap_cases_ends, tap_cases_insert};
  for (size_t subject = 0; subject < sizeof subjects / sizeof *subjects; subject++) {
    size_t count = 0;
    while (subjects[subject][count].name) {
      count++;
    }
    failed += _cmocka_run_group_tests("tap", subjects[subject], count, NULL, NULL);
  }
  return failed;
}
