/* Cases of FIFOs, for backends that have them: episodes of writers and of readers, what is whole,
 * what is lost and what is not, and the file. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "suite.h"

static suite_fixture *fifo_create(pc_access access) {
  suite_fixture *fixture = fixture_create(PC_TYPE_BYTE, PC_FRAMING_LINE);
  fixture->options.transport = PC_TRANSPORT_FIFO;
  fixture->options.access = access;
  return fixture;
}

static suite_fixture *fifo_start(pc_access access) {
  suite_fixture *fixture = fifo_create(access);
  fixture_start(fixture);
  return fixture;
}

/* An end of the fixture's FIFO; not blocking. */
static int end_open(const suite_fixture *fixture, int direction) {
  int fd = open(fixture->path, direction | O_NONBLOCK | O_CLOEXEC);
  assert_true(fd >= 0);
  return fd;
}

static void end_write(int fd, const char *text) {
  assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

/* What `echo text > path` does. */
static void echo_to(const suite_fixture *fixture, const char *text) {
  int fd = end_open(fixture, O_WRONLY);
  end_write(fd, text);
  close(fd);
}

/* Reads until `size` bytes were there. */
static void end_read_exactly(suite_fixture *fixture, int fd, char *data, size_t size) {
  size_t filled = 0;
  uint64_t deadline = clock_ms() + (uint64_t)DEADLINE_MS;
  while (filled < size) {
    ssize_t part = read(fd, data + filled, size - filled);
    filled += part > 0 ? (size_t)part : 0;
    turn_now(fixture);
    assert_true(clock_ms() < deadline);
  }
}

static void end_expect_text(suite_fixture *fixture, int fd, const char *text) {
  char data[256];
  end_read_exactly(fixture, fd, data, strlen(text));
  assert_memory_equal(data, text, strlen(text));
}

static bool is_at_end(int fd) {
  char byte;
  return read(fd, &byte, 1) == 0;
}

static struct stat file_of(const suite_fixture *fixture) {
  struct stat info;
  assert_int_equal(lstat(fixture->path, &info), 0);
  return info;
}

/* The messages of all sessions so far. */
static unsigned message_total(const suite_fixture *fixture) {
  unsigned count = 0;
  for (unsigned index = 0; index < fixture->session_count; index++) {
    count += fixture->sessions[index]->message_count;
  }
  return count;
}

static session_record *session_await(suite_fixture *fixture) {
  TURN_UNTIL(fixture, fixture->open_count == 1);
  return fixture->sessions[fixture->session_count - 1];
}

/* ---- reading ---- */

static void an_echo_is_one_message_of_one_session(void **state) {
  (void)state;
  suite_fixture *fixture = fifo_start(PC_ACCESS_INBOUND);
  turn_some(fixture);
  assert_int_equal(fixture->session_count, 0);
  echo_to(fixture, "hello\n");
  TURN_UNTIL(fixture, fixture->session_count == 1 && fixture->open_count == 0);
  const session_record *record = fixture->sessions[0];
  assert_int_equal(record->message_count, 1);
  expect_message_text(record, 0, "hello");
  assert_int_equal(record->reason, PC_CLOSE_PEER);
  assert_int_equal(record->status, PC_OK);
  fixture_destroy(fixture);
}

static void who_writes_to_a_fifo_is_unknown(void **state) {
  (void)state;
  suite_fixture *fixture = fifo_start(PC_ACCESS_INBOUND);
  echo_to(fixture, "x\n");
  TURN_UNTIL(fixture, fixture->session_count == 1 && fixture->open_count == 0);
  const pc_peer *peer = &fixture->sessions[0]->peer;
  assert_int_equal(peer->pid, -1);
  assert_int_equal(peer->uid, -1);
  assert_int_equal(peer->gid, -1);
  assert_string_equal(peer->name, "");
  fixture_destroy(fixture);
}

static void a_session_lasts_from_the_first_bytes_to_the_last_writer(void **state) {
  (void)state;
  suite_fixture *fixture = fifo_start(PC_ACCESS_INBOUND);
  int first = end_open(fixture, O_WRONLY);
  turn_some(fixture);
  assert_int_equal(fixture->session_count, 0); /* who says nothing cannot be known */
  end_write(first, "one\n");
  session_record *record = session_await(fixture);
  int second = end_open(fixture, O_WRONLY);
  end_write(second, "two\n");
  close(first);
  TURN_UNTIL(fixture, record->message_count == 2);
  turn_some(fixture);
  assert_int_equal(record->disconnected_count, 0);
  end_write(second, "three\n");
  close(second);
  TURN_UNTIL(fixture, record->disconnected_count == 1);
  assert_int_equal(fixture->session_count, 1);
  expect_message_text(record, 2, "three");
  fixture_destroy(fixture);
}

static void writer_without_a_word_is_an_empty_session(void **state) {
  (void)state;
  suite_fixture *fixture = fifo_start(PC_ACCESS_INBOUND);
  turn_some(fixture);
  close(end_open(fixture, O_WRONLY));
  TURN_UNTIL(fixture, fixture->session_count == 1 && fixture->open_count == 0);
  assert_int_equal(fixture->sessions[0]->message_count, 0);
  assert_int_equal(fixture->sessions[0]->reason, PC_CLOSE_PEER);
  turn_some(fixture);
  assert_int_equal(fixture->session_count, 1); /* and no second one comes of it */
  echo_to(fixture, "after\n");
  TURN_UNTIL(fixture, fixture->session_count == 2 && fixture->open_count == 0);
  expect_message_text(fixture->sessions[1], 0, "after");
  fixture_destroy(fixture);
}

static void what_the_last_writer_left_open_is_incomplete(void **state) {
  (void)state;
  suite_fixture *fixture = fifo_start(PC_ACCESS_INBOUND);
  echo_to(fixture, "whole\nhalf");
  TURN_UNTIL(fixture, fixture->session_count == 1 && fixture->open_count == 0);
  const session_record *record = fixture->sessions[0];
  assert_int_equal(record->message_count, 2);
  expect_message_text(record, 1, "half");
  assert_int_equal(record->messages[1].flags, PC_MESSAGE_INCOMPLETE);
  fixture_destroy(fixture);
}

/* Between two sessions too there is somebody to write to: no ENXIO, no EPIPE, no SIGPIPE. */
static void short_writers_lose_nothing_while_sessions_come_and_go(void **state) {
  (void)state;
  enum { WRITERS = 1000 };
  suite_fixture *fixture = fifo_start(PC_ACCESS_INBOUND);
  char text[32];
  for (unsigned index = 0; index < WRITERS; index++) {
    snprintf(text, sizeof text, "line %u\n", index);
    echo_to(fixture, text);
    if (index % 3 == 0) {
      turn_now(fixture);
    }
    if (index % 10 == 0) {
      turn_some(fixture);
    }
  }
  TURN_UNTIL(fixture, message_total(fixture) == WRITERS && fixture->open_count == 0);
  unsigned next = 0;
  for (unsigned session = 0; session < fixture->session_count; session++) {
    const session_record *record = fixture->sessions[session];
    for (unsigned index = 0; index < record->message_count; index++) {
      snprintf(text, sizeof text, "line %u", next++);
      expect_message_text(record, index, text);
    }
  }
  assert_true(fixture->session_count > 1);
  fixture_destroy(fixture);
}

/* A process that does as `echo` a thousand times, but never waits for a reader. */
static pid_t impatient_process(const suite_fixture *fixture) {
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    for (int round = 0; round < 3000; round++) {
      int fd = open(fixture->path, O_WRONLY | O_NONBLOCK);
      if (fd < 0 || write(fd, "x\n", 2) != 2) {
        _exit(1);
      }
      close(fd);
    }
    _exit(0);
  }
  return child;
}

static void writer_always_meets_a_reader(void **state) {
  (void)state;
  suite_fixture *fixture = fifo_start(PC_ACCESS_INBOUND);
  pid_t child = impatient_process(fixture);
  int status = 0;
  TURN_UNTIL(fixture, waitpid(child, &status, WNOHANG) == child);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 0);
  TURN_UNTIL(fixture, message_total(fixture) == 3000);
  fixture_destroy(fixture);
}

/* Also while no session is accepted, as here for a second. */
static void writer_meets_a_reader_while_nobody_is_accepted(void **state) {
  (void)state;
  suite_fixture *fixture = fifo_create(PC_ACCESS_INBOUND);
  fixture->options.limits.accept_rate = 1;
  fixture->options.limits.accept_burst = 1;
  fixture_start(fixture);
  echo_to(fixture, "one\n");
  TURN_UNTIL(fixture, fixture->session_count == 1 && fixture->open_count == 0);
  echo_to(fixture, "two\n");
  turn_some(fixture);
  assert_int_equal(fixture->session_count, 1);
  echo_to(fixture, "three\n");
  TURN_UNTIL(fixture, message_total(fixture) == 3);
  expect_message_text(fixture->sessions[1], 1, "three");
  fixture_destroy(fixture);
}

/* A process that writes lines of its letter, as long as PIPE_BUF allows, and blocks when the FIFO
 * is full. */
static pid_t lines_process(const suite_fixture *fixture, char letter, unsigned lines) {
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    char line[PIPE_BUF];
    memset(line, letter, sizeof line);
    line[sizeof line - 1] = '\n';
    int fd = open(fixture->path, O_WRONLY);
    for (unsigned index = 0; index < lines; index++) {
      if (write(fd, line, sizeof line) != sizeof line) {
        _exit(1);
      }
    }
    _exit(0);
  }
  return child;
}

static void process_expect_success(pid_t child) {
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 0);
}

static void lines_of_several_writers_stay_whole(void **state) {
  (void)state;
  enum { WRITERS = 4, LINES = 200 };
  suite_fixture *fixture = fifo_start(PC_ACCESS_INBOUND);
  pid_t children[WRITERS];
  for (unsigned index = 0; index < WRITERS; index++) {
    children[index] = lines_process(fixture, (char)('a' + index), LINES);
  }
  TURN_UNTIL(fixture, message_total(fixture) == WRITERS * LINES);
  unsigned counts[WRITERS] = {0};
  for (unsigned session = 0; session < fixture->session_count; session++) {
    const session_record *record = fixture->sessions[session];
    for (unsigned index = 0; index < record->message_count; index++) {
      const message_record *message = &record->messages[index];
      assert_int_equal(message->size, PIPE_BUF - 1);
      assert_memory_equal(message->data, message->data + 1, PIPE_BUF - 2);
      counts[message->data[0] - 'a']++;
    }
  }
  for (unsigned index = 0; index < WRITERS; index++) {
    assert_int_equal(counts[index], LINES);
    process_expect_success(children[index]);
  }
  fixture_destroy(fixture);
}

static void killed_writer_ends_its_session(void **state) {
  (void)state;
  suite_fixture *fixture = fifo_start(PC_ACCESS_INBOUND);
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    int fd = open(fixture->path, O_WRONLY);
    (void)!write(fd, "last words\nand", 14);
    pause();
  }
  session_record *record = session_await(fixture);
  TURN_UNTIL(fixture, record->message_count == 1);
  kill(child, SIGKILL);
  assert_int_equal(waitpid(child, NULL, 0), child);
  TURN_UNTIL(fixture, record->disconnected_count == 1);
  assert_int_equal(record->reason, PC_CLOSE_PEER);
  assert_int_equal(record->message_count, 2);
  echo_to(fixture, "next\n");
  TURN_UNTIL(fixture, fixture->session_count == 2 && fixture->open_count == 0);
  fixture_destroy(fixture);
}

static void writers_feel_an_owner_who_is_full(void **state) {
  (void)state;
  suite_fixture *fixture = fifo_create(PC_ACCESS_INBOUND);
  fixture->is_take_limited = true;
  fixture->take_count = 1;
  fixture_start(fixture);
  int fd = end_open(fixture, O_WRONLY);
  char line[1000];
  memset(line, 'x', sizeof line);
  line[sizeof line - 1] = '\n';
  unsigned written = 0;
  uint64_t deadline = clock_ms() + (uint64_t)DEADLINE_MS;
  for (unsigned refusals = 0; refusals < 50; turn_now(fixture)) {
    bool is_taken = write(fd, line, sizeof line) == sizeof line;
    written += is_taken;
    refusals = is_taken ? 0 : refusals + 1;
    assert_true(clock_ms() < deadline);
  }
  session_record *record = fixture->sessions[0];
  assert_int_equal(record->message_count, 1);
  fixture->is_take_limited = false;
  pc_session_resume(record->session);
  TURN_UNTIL(fixture, record->message_count == written);
  close(fd);
  TURN_UNTIL(fixture, record->disconnected_count == 1);
  fixture_destroy(fixture);
}

static void inbound_session_cannot_be_written_to(void **state) {
  (void)state;
  suite_fixture *fixture = fifo_start(PC_ACCESS_INBOUND);
  int fd = end_open(fixture, O_WRONLY);
  end_write(fd, "a\n");
  session_record *record = session_await(fixture);
  assert_int_equal(pc_session_write(record->session, "b", 1, 1), PC_E_ACCESS);
  end_write(fd, "c\n");
  TURN_UNTIL(fixture, record->message_count == 2); /* it is unharmed */
  assert_int_equal(record->written_count, 0);
  close(fd);
  fixture_destroy(fixture);
}

static void what_a_closed_session_did_not_read_is_the_next_ones(void **state) {
  (void)state;
  suite_fixture *fixture = fifo_create(PC_ACCESS_INBOUND);
  fixture->is_take_limited = true;
  fixture->take_count = 1;
  fixture_start(fixture);
  int fd = end_open(fixture, O_WRONLY);
  end_write(fd, "one\n");
  session_record *record = session_await(fixture);
  TURN_UNTIL(fixture, record->message_count == 1);
  end_write(fd, "two\n");
  turn_some(fixture); /* it is read, and refused */
  end_write(fd, "three\n");
  pc_session_close(record->session, false);
  fixture->is_take_limited = false;
  TURN_UNTIL(fixture, fixture->session_count == 2 && message_total(fixture) == 2);
  assert_int_equal(record->reason, PC_CLOSE_LOCAL);
  expect_message_text(fixture->sessions[1], 0, "three");
  close(fd);
  fixture_destroy(fixture);
}

static void refused_session_takes_its_bytes_away(void **state) {
  (void)state;
  suite_fixture *fixture = fifo_create(PC_ACCESS_INBOUND);
  fixture->does_refuse = true;
  fixture_start(fixture);
  echo_to(fixture, "unwanted\n");
  TURN_UNTIL(fixture, fixture->session_count == 1 && fixture->open_count == 0);
  turn_some(fixture);
  assert_int_equal(fixture->session_count, 1);
  assert_int_equal(fixture->sessions[0]->reason, PC_CLOSE_REFUSED);
  fixture->does_refuse = false;
  echo_to(fixture, "wanted\n");
  TURN_UNTIL(fixture, message_total(fixture) == 1);
  expect_message_text(fixture->sessions[1], 0, "wanted");
  fixture_destroy(fixture);
}

static void stop_with_a_writer_present_ends_the_session(void **state) {
  (void)state;
  suite_fixture *fixture = fifo_start(PC_ACCESS_INBOUND);
  int fd = end_open(fixture, O_WRONLY);
  end_write(fd, "a\n");
  session_record *record = session_await(fixture);
  fixture_stop(fixture, 500);
  assert_int_equal(record->reason, PC_CLOSE_STOP);
  struct pollfd poller = {.fd = fd};
  assert_int_equal(poll(&poller, 1, 0), 1);
  assert_int_equal(poller.revents, POLLERR); /* no end of ours is left */
  close(fd);
  fixture_destroy(fixture);
}

/* ---- writing ---- */

static void reader_that_waits_in_its_open_is_seen(void **state) {
  (void)state;
  suite_fixture *fixture = fifo_start(PC_ACCESS_OUTBOUND);
  turn_some(fixture);
  assert_int_equal(fixture->session_count, 0);
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    char data[8] = "";
    int fd = open(fixture->path, O_RDONLY); /* waits for a writer */
    ssize_t size = read(fd, data, sizeof data);
    _exit(size == 6 && memcmp(data, "hello\n", 6) == 0 ? 0 : 1);
  }
  session_record *record = session_await(fixture);
  assert_int_equal(record->peer.pid, -1);
  assert_int_equal(pc_session_write(record->session, "hello", 5, 7), PC_OK);
  TURN_UNTIL(fixture, record->disconnected_count == 1);
  process_expect_success(child);
  assert_int_equal(record->reason, PC_CLOSE_PEER);
  assert_int_equal(record->written_count, 1);
  assert_int_equal(record->written_tags[0], 7);
  assert_int_equal(record->written_statuses[0], PC_OK);
  assert_int_equal(record->message_count, 0);
  fixture_destroy(fixture);
}

static void readers_come_and_go_without_a_signal(void **state) {
  (void)state;
  suite_fixture *fixture = fifo_start(PC_ACCESS_OUTBOUND);
  for (unsigned round = 0; round < 3; round++) {
    int fd = end_open(fixture, O_RDONLY);
    session_record *record = session_await(fixture);
    assert_int_equal(pc_session_write(record->session, "tick", 4, 1), PC_OK);
    end_expect_text(fixture, fd, "tick\n");
    close(fd);
    /* before the server knows: the write meets nobody, and is told so */
    assert_int_equal(pc_session_write(record->session, "tock", 4, 2), PC_OK);
    TURN_UNTIL(fixture, record->disconnected_count == 1);
    assert_int_equal(record->reason, PC_CLOSE_PEER);
    assert_int_equal(record->written_count, 2);
    assert_int_equal(record->written_statuses[0], PC_OK);
    assert_int_equal(record->written_statuses[1], PC_E_BROKEN);
  }
  assert_int_equal(fixture->session_count, 3);
  fixture_destroy(fixture);
}

static void idle_outbound_session_notices_that_its_reader_left(void **state) {
  (void)state;
  suite_fixture *fixture = fifo_start(PC_ACCESS_OUTBOUND);
  int first = end_open(fixture, O_RDONLY);
  session_record *record = session_await(fixture);
  int second = end_open(fixture, O_RDONLY);
  close(first);
  turn_some(fixture);
  assert_int_equal(record->disconnected_count, 0); /* one is left */
  close(second);
  TURN_UNTIL(fixture, record->disconnected_count == 1);
  assert_int_equal(record->reason, PC_CLOSE_PEER);
  fixture_destroy(fixture);
}

static void full_fifo_queues_and_goes_on_in_order(void **state) {
  (void)state;
  enum { MESSAGE = 1000, MESSAGES = 300, LINE = MESSAGE + 1 };
  suite_fixture *fixture = fifo_start(PC_ACCESS_OUTBOUND);
  int fd = end_open(fixture, O_RDONLY);
  session_record *record = session_await(fixture);
  uint8_t message[MESSAGE];
  for (unsigned index = 0; index < MESSAGES; index++) {
    memset(message, 'a' + (int)(index % 26), sizeof message);
    assert_int_equal(pc_session_write(record->session, message, MESSAGE, index), PC_OK);
  }
  turn_some(fixture);
  assert_true(record->written_count > 0 && record->written_count < MESSAGES);
  assert_true(pc_session_queued_bytes(record->session) > 0);
  char line[LINE];
  for (unsigned index = 0; index < MESSAGES; index++) {
    end_read_exactly(fixture, fd, line, LINE);
    assert_int_equal(line[0], 'a' + (int)(index % 26));
    assert_memory_equal(line, line + 1, MESSAGE - 1);
    assert_int_equal(line[MESSAGE], '\n');
  }
  TURN_UNTIL(fixture, record->written_count == MESSAGES);
  for (unsigned index = 0; index < MESSAGES; index++) {
    assert_int_equal(record->written_tags[index], index);
    assert_int_equal(record->written_statuses[index], PC_OK);
  }
  close(fd);
  fixture_destroy(fixture);
}

static void write_queue_of_a_reader_that_does_not_read_is_limited(void **state) {
  (void)state;
  suite_fixture *fixture = fifo_create(PC_ACCESS_OUTBOUND);
  fixture->options.limits.max_write_queue_bytes = 4096;
  fixture_start(fixture);
  int fd = end_open(fixture, O_RDONLY);
  session_record *record = session_await(fixture);
  char message[1024] = "";
  pc_status status = PC_OK;
  for (unsigned index = 0; index < 1000 && status == PC_OK; index++) {
    status = pc_session_write(record->session, message, sizeof message, index);
    turn_now(fixture);
  }
  assert_int_equal(status, PC_E_QUOTA);
  assert_int_equal(record->disconnected_count, 0);
  close(fd);
  TURN_UNTIL(fixture, record->disconnected_count == 1);
  fixture_destroy(fixture);
}

/* Whether the stream is whole lines, each of one letter; counts those of ours. */
static unsigned lines_examine(const char *data, size_t size, char ours, unsigned *out_others) {
  unsigned count = 0;
  *out_others = 0;
  size_t begin = 0;
  for (size_t index = 0; index < size; index++) {
    if (data[index] != '\n') {
      assert_int_equal(data[index], data[begin]);
      continue;
    }
    *(data[begin] == ours ? &count : out_others) += 1;
    begin = index + 1;
  }
  assert_int_equal(begin, size);
  return count;
}

/* Another program writes to the same FIFO, and both find it full again and again: messages that fit
 * PIPE_BUF have nothing of the other's inside. */
static void outbound_messages_stay_whole_beside_another_writer(void **state) {
  (void)state;
  enum { MESSAGES = 400, MESSAGE = 700, OTHER = 100, CAPACITY = 1 << 20 };
  suite_fixture *fixture = fifo_start(PC_ACCESS_OUTBOUND);
  int fd = end_open(fixture, O_RDONLY);
  session_record *record = session_await(fixture);
  int other = end_open(fixture, O_WRONLY);
  char line[OTHER];
  memset(line, 'z', sizeof line);
  line[OTHER - 1] = '\n';
  uint8_t message[MESSAGE];
  memset(message, 'm', sizeof message);
  for (unsigned index = 0; index < MESSAGES; index++) {
    assert_int_equal(pc_session_write(record->session, message, MESSAGE, index), PC_OK);
  }
  turn_some(fixture);
  assert_true(pc_session_queued_bytes(record->session) > 0); /* the FIFO is full */
  char *data = malloc(CAPACITY);
  size_t size = 0;
  unsigned others_written = 0;
  for (ssize_t part = 1; part > 0 || record->written_count < MESSAGES;) {
    part = read(fd, data + size, PIPE_BUF);
    size += part > 0 ? (size_t)part : 0;
    others_written += write(other, line, sizeof line) == sizeof line;
    turn_now(fixture);
    assert_true(size + PIPE_BUF < CAPACITY);
    if (record->written_count == MESSAGES && other >= 0) {
      close(other);
      other = -1;
    }
  }
  unsigned others;
  assert_int_equal(lines_examine(data, size, 'm', &others), MESSAGES);
  assert_int_equal(others, others_written);
  assert_true(others > 10);
  free(data);
  close(fd);
  fixture_destroy(fixture);
}

static void message_longer_than_the_fifo_arrives(void **state) {
  (void)state;
  enum { MESSAGE = 300 * 1000 };
  suite_fixture *fixture = fifo_create(PC_ACCESS_OUTBOUND);
  fixture->options.framing = PC_FRAMING_NONE;
  fixture->options.limits.max_message_bytes = MESSAGE;
  fixture_start(fixture);
  int fd = end_open(fixture, O_RDONLY);
  session_record *record = session_await(fixture);
  uint8_t *message = malloc(MESSAGE);
  char *received = malloc(MESSAGE + 4);
  pattern_fill(message, MESSAGE, 1);
  assert_int_equal(pc_session_write(record->session, message, MESSAGE, 1), PC_OK);
  assert_int_equal(pc_session_write(record->session, "", 0, 2), PC_OK);
  assert_int_equal(pc_session_write(record->session, "tail", 4, 3), PC_OK);
  end_read_exactly(fixture, fd, received, MESSAGE + 4);
  assert_memory_equal(received, message, MESSAGE);
  assert_memory_equal(received + MESSAGE, "tail", 4);
  TURN_UNTIL(fixture, record->written_count == 3);
  free(message);
  free(received);
  close(fd);
  fixture_destroy(fixture);
}

static void closed_outbound_session_shows_its_reader_the_end(void **state) {
  (void)state;
  suite_fixture *fixture = fifo_start(PC_ACCESS_OUTBOUND);
  int fd = end_open(fixture, O_RDONLY);
  session_record *record = session_await(fixture);
  assert_int_equal(pc_session_write(record->session, "bye", 3, 1), PC_OK);
  pc_session_close(record->session, true);
  TURN_UNTIL(fixture, record->disconnected_count == 1);
  assert_int_equal(record->reason, PC_CLOSE_LOCAL);
  assert_int_equal(record->written_statuses[0], PC_OK);
  turn_now(fixture);
  end_expect_text(fixture, fd, "bye\n");
  assert_true(is_at_end(fd));
  close(fd);
  fixture_destroy(fixture);
}

static void ended_output_of_an_outbound_session_ends_it_when_all_is_written(void **state) {
  (void)state;
  suite_fixture *fixture = fifo_start(PC_ACCESS_OUTBOUND);
  int fd = end_open(fixture, O_RDONLY);
  session_record *record = session_await(fixture);
  assert_int_equal(pc_session_write(record->session, "last", 4, 1), PC_OK);
  pc_session_end_output(record->session);
  TURN_UNTIL(fixture, record->disconnected_count == 1);
  assert_int_equal(record->reason, PC_CLOSE_PEER);
  assert_int_equal(record->written_statuses[0], PC_OK);
  end_expect_text(fixture, fd, "last\n");
  assert_true(is_at_end(fd));
  close(fd);
  fixture_destroy(fixture);
}

/* Whatever the program does with SIGPIPE: here it would die of it. */
static void broken_write_raises_no_signal(void **state) {
  (void)state;
  struct sigaction before;
  struct sigaction deadly = {.sa_handler = SIG_DFL};
  assert_int_equal(sigaction(SIGPIPE, &deadly, &before), 0);
  readers_come_and_go_without_a_signal(state);
  sigset_t pending;
  assert_int_equal(sigpending(&pending), 0);
  assert_int_equal(sigismember(&pending, SIGPIPE), 0);
  assert_int_equal(sigaction(SIGPIPE, &before, NULL), 0);
}

/* How long a turn takes that has nothing to do. */
static uint64_t idle_turn_ms(suite_fixture *fixture, int timeout_ms) {
  turn_some(fixture);
  uint64_t begin = clock_ms();
  assert_int_equal(pc_loop_turn(fixture->loop, timeout_ms), PC_OK);
  return clock_ms() - begin;
}

static void end_that_is_hung_up_or_idle_does_not_keep_the_loop_awake(void **state) {
  (void)state;
  suite_fixture *fixture = fifo_start(PC_ACCESS_INBOUND);
  echo_to(fixture, "x\n");
  TURN_UNTIL(fixture, fixture->session_count == 1 && fixture->open_count == 0);
  assert_true(idle_turn_ms(fixture, 100) >= 90);
  fixture->is_take_limited = true;
  int writer = end_open(fixture, O_WRONLY);
  end_write(writer, "x\n");
  session_record *record = session_await(fixture);
  turn_some(fixture); /* it is read, and refused */
  end_write(writer, "what nobody reads\n");
  assert_true(idle_turn_ms(fixture, 100) >= 90);
  fixture->is_take_limited = false;
  pc_session_resume(record->session);
  close(writer);
  TURN_UNTIL(fixture, fixture->open_count == 0);
  fixture->is_take_limited = true; /* hung up while nobody reads */
  echo_to(fixture, "y\n");
  TURN_UNTIL(fixture, fixture->open_count == 1);
  assert_true(idle_turn_ms(fixture, 100) >= 90);
  fixture_destroy(fixture);

  fixture = fifo_start(PC_ACCESS_OUTBOUND);
  assert_true(idle_turn_ms(fixture, 20) >= 15); /* without a reader it is looked for now and then */
  int fd = end_open(fixture, O_RDONLY);
  session_await(fixture);
  assert_true(idle_turn_ms(fixture, 100) >= 90);
  close(fd);
  fixture_destroy(fixture);
}

/* ---- the file ---- */

static void fifo_is_made_with_its_mode_and_removed_at_the_end(void **state) {
  (void)state;
  static const uint32_t modes[] = {0, 0600, 0622, 0666};
  for (unsigned index = 0; index < 4; index++) {
    suite_fixture *fixture = fifo_create(PC_ACCESS_INBOUND);
    fixture->options.security.mode = modes[index];
    mode_t mask = umask(0177);
    fixture_start(fixture);
    umask(mask);
    assert_true(S_ISFIFO(file_of(fixture).st_mode));
    assert_int_equal(file_of(fixture).st_mode & 07777, modes[index] ? modes[index] : 0600);
    fixture_destroy(fixture); /* fails if anything is left */
  }
}

static void fifo_that_is_there_is_used_and_stays(void **state) {
  (void)state;
  static const pc_access both[] = {PC_ACCESS_INBOUND, PC_ACCESS_OUTBOUND};
  for (unsigned index = 0; index < 2; index++) {
    suite_fixture *fixture = fifo_create(both[index]);
    assert_int_equal(mkfifo(fixture->path, 0600), 0);
    assert_int_equal(chmod(fixture->path, 0640), 0);
    ino_t inode = file_of(fixture).st_ino;
    for (unsigned round = 0; round < 2; round++) {
      fixture_start(fixture);
      assert_int_equal(file_of(fixture).st_ino, inode);
      assert_int_equal(file_of(fixture).st_mode & 07777, 0640);
      fixture_stop(fixture, 0);
      fixture->stopped_count = 0;
    }
    fixture->options.security.mode = 0660; /* what is asked for is given */
    fixture_start(fixture);
    assert_int_equal(file_of(fixture).st_mode & 07777, 0660);
    fixture_stop(fixture, 0);
    assert_int_equal(file_of(fixture).st_ino, inode);
    unlink(fixture->path);
    fixture_destroy(fixture);
  }
}

static void what_was_written_before_the_start_is_read(void **state) {
  (void)state;
  suite_fixture *fixture = fifo_create(PC_ACCESS_INBOUND);
  assert_int_equal(mkfifo(fixture->path, 0600), 0);
  int fd = open(fixture->path, O_RDWR | O_NONBLOCK | O_CLOEXEC); /* waits for nobody */
  end_write(fd, "early\n");
  fixture_start(fixture);
  session_record *record = session_await(fixture);
  TURN_UNTIL(fixture, record->message_count == 1);
  expect_message_text(record, 0, "early");
  close(fd);
  fixture_stop(fixture, 0);
  unlink(fixture->path);
  fixture_destroy(fixture);
}

static void start_is_refused(suite_fixture *fixture, pc_status expected, const char *advice) {
  pc_server *server = NULL;
  pc_failure failure = {.status = PC_OK};
  assert_int_equal(pc_server_start(fixture->loop, &fixture->options, &server, &failure), expected);
  assert_null(server);
  assert_non_null(failure.advice);
  assert_non_null(strstr(failure.advice, advice));
}

static void what_is_no_fifo_is_never_touched(void **state) {
  (void)state;
  suite_fixture *fixture = fifo_create(PC_ACCESS_INBOUND);
  int fd = open(fixture->path, O_CREAT | O_WRONLY | O_CLOEXEC, 0640);
  end_write(fd, "precious");
  close(fd);
  struct stat before = file_of(fixture);
  start_is_refused(fixture, PC_E_IN_USE, "no FIFO");
  assert_int_equal(file_of(fixture).st_size, 8);
  assert_int_equal(file_of(fixture).st_mode, before.st_mode);
  unlink(fixture->path);

  assert_int_equal(mkdir(fixture->path, 0700), 0);
  start_is_refused(fixture, PC_E_IN_USE, "no FIFO");
  assert_int_equal(rmdir(fixture->path), 0);

  char target[128];
  snprintf(target, sizeof target, "%s/target", fixture->folder);
  assert_int_equal(mkfifo(target, 0600), 0);
  assert_int_equal(symlink(target, fixture->path), 0); /* not even to a FIFO */
  start_is_refused(fixture, PC_E_IN_USE, "no FIFO");
  assert_true(S_ISLNK(file_of(fixture).st_mode));
  unlink(fixture->path);
  unlink(target);

  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strcpy(address.sun_path, fixture->path);
  fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
  start_is_refused(fixture, PC_E_IN_USE, "no FIFO");
  assert_true(S_ISSOCK(file_of(fixture).st_mode));
  close(fd);
  unlink(fixture->path);
  fixture_destroy(fixture);
}

static void fifo_has_one_server(void **state) {
  (void)state;
  suite_fixture *fixture = fifo_start(PC_ACCESS_INBOUND);
  start_is_refused(fixture, PC_E_IN_USE, "another server");
  echo_to(fixture, "still here\n");
  TURN_UNTIL(fixture, message_total(fixture) == 1);
  fixture_destroy(fixture);
}

static void fifo_that_somebody_put_in_place_of_ours_stays(void **state) {
  (void)state;
  suite_fixture *fixture = fifo_start(PC_ACCESS_INBOUND);
  unlink(fixture->path);
  assert_int_equal(mkfifo(fixture->path, 0600), 0);
  fixture_stop(fixture, 0);
  assert_true(S_ISFIFO(file_of(fixture).st_mode));
  unlink(fixture->path);
  fixture_destroy(fixture);
}

static void options_that_no_fifo_can_have_are_refused(void **state) {
  (void)state;
  suite_fixture *fixture = fifo_create(PC_ACCESS_DUPLEX);
  start_is_refused(fixture, PC_E_INVALID_ARG, "inbound or outbound");
  fixture->options.access = PC_ACCESS_INBOUND;
  fixture->options.type = PC_TYPE_MESSAGE;
  fixture->options.framing = PC_FRAMING_NONE;
  start_is_refused(fixture, PC_E_INVALID_ARG, "byte type");
  fixture->options.type = PC_TYPE_BYTE;
  fixture->options.transport = PC_TRANSPORT_SOCKET;
  start_is_refused(fixture, PC_E_INVALID_ARG, "duplex");
  fixture_destroy(fixture);
}

static unsigned descriptor_count(void) {
  unsigned count = 0;
  for (int fd = 0; fd < 1024; fd++) {
    count += fcntl(fd, F_GETFD) >= 0;
  }
  return count;
}

static void fifos_leave_no_descriptor_behind(void **state) {
  (void)state;
  static const pc_access both[] = {PC_ACCESS_INBOUND, PC_ACCESS_OUTBOUND};
  for (unsigned index = 0; index < 2; index++) {
    suite_fixture *fixture = fifo_start(both[index]);
    fixture_stop(fixture, 0);
    fixture->stopped_count = 0;
    unsigned before = descriptor_count(); /* the loop keeps what it watches FIFOs with */
    fixture_start(fixture);
    for (unsigned round = 0; round < 3; round++) {
      int fd = end_open(fixture, index == 0 ? O_WRONLY : O_RDONLY);
      if (index == 0) {
        end_write(fd, "x\n");
      }
      TURN_UNTIL(fixture, fixture->session_count == round + 1);
      close(fd);
      TURN_UNTIL(fixture, fixture->open_count == 0);
    }
    fixture_stop(fixture, 0);
    assert_int_equal(descriptor_count(), before);
    fixture_destroy(fixture);
  }
}

const struct CMUnitTest cases_fifo[] = {
    cmocka_unit_test(an_echo_is_one_message_of_one_session),
    cmocka_unit_test(who_writes_to_a_fifo_is_unknown),
    cmocka_unit_test(a_session_lasts_from_the_first_bytes_to_the_last_writer),
    cmocka_unit_test(writer_without_a_word_is_an_empty_session),
    cmocka_unit_test(what_the_last_writer_left_open_is_incomplete),
    cmocka_unit_test(short_writers_lose_nothing_while_sessions_come_and_go),
    cmocka_unit_test(writer_always_meets_a_reader),
    cmocka_unit_test(writer_meets_a_reader_while_nobody_is_accepted),
    cmocka_unit_test(lines_of_several_writers_stay_whole),
    cmocka_unit_test(killed_writer_ends_its_session),
    cmocka_unit_test(writers_feel_an_owner_who_is_full),
    cmocka_unit_test(inbound_session_cannot_be_written_to),
    cmocka_unit_test(what_a_closed_session_did_not_read_is_the_next_ones),
    cmocka_unit_test(refused_session_takes_its_bytes_away),
    cmocka_unit_test(stop_with_a_writer_present_ends_the_session),
    cmocka_unit_test(reader_that_waits_in_its_open_is_seen),
    cmocka_unit_test(readers_come_and_go_without_a_signal),
    cmocka_unit_test(idle_outbound_session_notices_that_its_reader_left),
    cmocka_unit_test(full_fifo_queues_and_goes_on_in_order),
    cmocka_unit_test(write_queue_of_a_reader_that_does_not_read_is_limited),
    cmocka_unit_test(outbound_messages_stay_whole_beside_another_writer),
    cmocka_unit_test(message_longer_than_the_fifo_arrives),
    cmocka_unit_test(closed_outbound_session_shows_its_reader_the_end),
    cmocka_unit_test(ended_output_of_an_outbound_session_ends_it_when_all_is_written),
    cmocka_unit_test(broken_write_raises_no_signal),
    cmocka_unit_test(end_that_is_hung_up_or_idle_does_not_keep_the_loop_awake),
    cmocka_unit_test(fifo_is_made_with_its_mode_and_removed_at_the_end),
    cmocka_unit_test(fifo_that_is_there_is_used_and_stays),
    cmocka_unit_test(what_was_written_before_the_start_is_read),
    cmocka_unit_test(what_is_no_fifo_is_never_touched),
    cmocka_unit_test(fifo_has_one_server),
    cmocka_unit_test(fifo_that_somebody_put_in_place_of_ours_stays),
    cmocka_unit_test(options_that_no_fifo_can_have_are_refused),
    cmocka_unit_test(fifos_leave_no_descriptor_behind),
    {0}};
