/* Cases of what passes a tap: bytes, messages, descriptors, backpressure; and how its owner sees
 * it. */
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

static void both_directions_pass_and_are_seen(void **state) {
  (void)state;
  int client;
  int server;
  tap_record *record;
  tap_fixture *fixture = tap_create_pair(PC_TYPE_BYTE, PC_FRAMING_LINE, &client, &server, &record);
  assert_int_equal(record->client.pid, getpid());
  assert_int_equal(record->upstream.pid, getpid());
  tap_send(fixture, client, "question\n", 9);
  tap_expect(fixture, server, "question\n");
  tap_send(fixture, server, "answer\nand more\n", 16);
  tap_expect(fixture, client, "answer\nand more\n");
  tap_expect_seen(fixture, record, PC_DIRECTION_C2S, "question|");
  tap_expect_seen(fixture, record, PC_DIRECTION_S2C, "answer|and more|");
  tap_destroy_pair(fixture, client, server);
}

static void what_has_no_end_yet_passes_at_once(void **state) {
  (void)state;
  int client;
  int server;
  tap_record *record;
  tap_fixture *fixture = tap_create_pair(PC_TYPE_BYTE, PC_FRAMING_LINE, &client, &server, &record);
  tap_send(fixture, server, "login: ", 7);
  tap_expect(fixture, client, "login: ");
  assert_int_equal(record->seen[PC_DIRECTION_S2C].count, 0);
  tap_send(fixture, server, "welcome\n", 8);
  tap_expect_seen(fixture, record, PC_DIRECTION_S2C, "login: welcome|");
  tap_destroy_pair(fixture, client, server);
}

static void early_bytes_of_a_client_wait_for_the_upstream(void **state) {
  (void)state;
  tap_fixture *fixture = tap_create(PC_TYPE_BYTE, PC_FRAMING_LINE);
  tap_begin(fixture);
  int client = tap_client(fixture);
  assert_int_equal(send(client, "early\n", 6, 0), 6);
  assert_int_equal(shutdown(client, SHUT_WR), 0);
  TAP_UNTIL(fixture, fixture->record_count == 1);
  int server = accept4(fixture->upstream, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
  tap_expect(fixture, server, "early\n");
  tap_expect_end(fixture, server);
  tap_destroy_pair(fixture, client, server);
}

static void a_message_over_the_limit_passes_and_is_told_as_skipped(void **state) {
  (void)state;
  static uint8_t data[20001];
  static uint8_t got[20001];
  memset(data, 'x', sizeof data);
  data[20000] = '\n';
  for (int kind = 0; kind < 2; kind++) {
    pc_type type = kind ? PC_TYPE_MESSAGE : PC_TYPE_BYTE;
    tap_fixture *fixture = tap_create(type, kind ? PC_FRAMING_NONE : PC_FRAMING_LINE);
    fixture->options.limits.max_message_bytes = 1000;
    tap_begin(fixture);
    int client;
    int server;
    tap_record *record = tap_pair(fixture, &client, &server);
    tap_send(fixture, client, data, sizeof data);
    tap_receive(fixture, server, got, sizeof got);
    assert_memory_equal(got, data, sizeof got);
    tap_send(fixture, client, "short\n", 6);
    tap_expect(fixture, server, "short\n");
    tap_expect_seen(fixture, record, PC_DIRECTION_C2S, kind ? "short\n|" : "short|");
    assert_int_equal(record->seen[PC_DIRECTION_C2S].skipped_count, 1);
    assert_int_equal(record->seen[PC_DIRECTION_C2S].skipped_bytes, kind ? 20001 : 20000);
    close(client);
    close(server);
    tap_destroy(fixture);
  }
}

static void a_stream_that_breaks_the_framing_passes_and_is_shown_uncut(void **state) {
  (void)state;
  static const char *const said[] = {"Content-Length: 2\r\n\r\nok", "Content-Length: what?\r\n\r\n",
                                     "and so on"};
  for (size_t step = 1; step < 64; step += 9) { /* in one piece, and cut anywhere */
    tap_fixture *fixture = tap_create(PC_TYPE_BYTE, PC_FRAMING_HEADERS);
    tap_begin(fixture);
    int client;
    int server;
    tap_record *record = tap_pair(fixture, &client, &server);
    for (int index = 0; index < 3; index++) {
      for (size_t at = 0; at < strlen(said[index]); at += step) {
        size_t left = strlen(said[index]) - at;
        size_t part = left < step ? left : step;
        char expected[64] = "";
        memcpy(expected, said[index] + at, part);
        tap_send(fixture, client, expected, part);
        tap_expect(fixture, server, expected);
      }
    }
    TAP_UNTIL(fixture, record->seen[0].size >= 11 &&
                           !strcmp((char *)record->seen[0].bytes + record->seen[0].size - 2, "n|"));
    assert_int_equal(record->seen[0].unframed_count, 1);
    assert_memory_equal(record->seen[0].bytes, "ok|", 3);
    tap_send(fixture, server, "Content-Length: 4\r\n\r\nfine", 25);
    tap_expect_seen(fixture, record, PC_DIRECTION_S2C, "fine|"); /* the other direction is cut on */
    close(client);
    close(server);
    tap_destroy(fixture);
  }
}

static void messages_of_every_size_keep_their_boundaries(void **state) {
  (void)state;
  static const size_t sizes[] = {0, 1, 2, 0, 4095, 4096, 4097, 65535, 65536, 0, 100000, 200000, 3};
  static uint8_t data[200000];
  static uint8_t got[200000];
  int client;
  int server;
  tap_record *record;
  tap_fixture *fixture =
      tap_create_pair(PC_TYPE_MESSAGE, PC_FRAMING_NONE, &client, &server, &record);
  for (int direction = 0; direction < 2; direction++) {
    int from = direction ? server : client;
    int to = direction ? client : server;
    for (size_t index = 0; index < sizeof sizes / sizeof *sizes; index++) {
      tap_fill(data, sizes[index], (uint32_t)index);
      tap_send(fixture, from, data, sizes[index]);
      tap_receive(fixture, to, got, sizes[index]);
      assert_memory_equal(got, data, sizes[index]);
    }
    TAP_UNTIL(fixture, record->seen[direction].count == 11);
    assert_int_equal(record->seen[direction].skipped_count, 2); /* 100,000 and 200,000 */
  }
  tap_destroy_pair(fixture, client, server);
}

static void descriptors_pass_in_both_directions(void **state) {
  (void)state;
  for (int kind = 0; kind < 2; kind++) {
    tap_fixture *fixture = tap_create(kind ? PC_TYPE_MESSAGE : PC_TYPE_BYTE, PC_FRAMING_NONE);
    tap_begin(fixture);
    int ends[2];
    tap_record *record = tap_pair(fixture, &ends[0], &ends[1]);
    int before = dup(0);
    close(before);
    for (int round = 0; round < 20; round++) {
      int file = memfd_create("passed", MFD_CLOEXEC);
      char mark = (char)('a' + round);
      assert_int_equal(write(file, &mark, 1), 1);
      _Alignas(struct cmsghdr) uint8_t control[128] = {0};
      struct iovec part = {.iov_base = &mark, .iov_len = 1};
      struct msghdr header = {.msg_iov = &part,
                              .msg_iovlen = 1,
                              .msg_control = control,
                              .msg_controllen = CMSG_SPACE(sizeof file)};
      struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
      *rights = (struct cmsghdr){
          .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof file)};
      memcpy(CMSG_DATA(rights), &file, sizeof file);
      assert_int_equal(sendmsg(ends[round % 2], &header, 0), 1);
      close(file);
      ssize_t received;
      TAP_UNTIL(fixture, (header.msg_controllen = sizeof control,
                          received = recvmsg(ends[1 - round % 2], &header, 0)) >= 0);
      assert_int_equal(received, 1);
      bool is_found = false;
      for (rights = CMSG_FIRSTHDR(&header); rights; rights = CMSG_NXTHDR(&header, rights)) {
        if (rights->cmsg_type == SCM_RIGHTS) {
          memcpy(&file, CMSG_DATA(rights), sizeof file);
          char found = 0;
          assert_int_equal(pread(file, &found, 1, 0), 1);
          assert_int_equal(found, mark);
          close(file);
          is_found = true;
        }
      }
      assert_true(is_found);
      TAP_UNTIL(fixture, record->seen[round % 2].count == (unsigned)round / 2 + 1);
    }
    for (int index = 0; index < 4; index++) {
      tap_turn(fixture);
    }
    int after = dup(0);
    close(after);
    assert_int_equal(after, before); /* nothing of it stayed open here */
    close(ends[0]);
    close(ends[1]);
    tap_destroy(fixture);
  }
}

static void a_reader_that_stalls_stops_the_writer_and_nothing_is_lost(void **state) {
  (void)state;
  enum { PIECE = 32768 };
  static uint8_t data[PIECE];
  static uint8_t got[PIECE];
  for (int direction = 0; direction < 2; direction++) {
    tap_fixture *fixture = tap_create(PC_TYPE_BYTE, PC_FRAMING_NONE);
    fixture->options.limits.max_write_queue_bytes = 256 * 1024;
    fixture->does_not_keep = true;
    tap_begin(fixture);
    int ends[2];
    tap_record *record = tap_pair(fixture, &ends[0], &ends[1]);
    size_t written = 0;
    int quiet = 0;
    while (quiet < 20) {
      tap_fill(data, PIECE, (uint32_t)(written / PIECE));
      ssize_t sent = send(ends[direction], data, PIECE, MSG_NOSIGNAL);
      if (sent > 0) {
        tap_send(fixture, ends[direction], data + sent, PIECE - (size_t)sent);
        written += PIECE;
        quiet = 0;
      } else {
        tap_turn(fixture);
        quiet++;
      }
      if (written > 4 * 1024 * 1024) {
        fail_msg("what waits is not bounded");
      }
    }
    assert_true(written > 256 * 1024);
    for (size_t at = 0; at < written; at += PIECE) {
      tap_receive(fixture, ends[1 - direction], got, PIECE);
      tap_fill(data, PIECE, (uint32_t)(at / PIECE));
      assert_memory_equal(got, data, PIECE);
    }
    TAP_UNTIL(fixture, record->seen[direction].size == written);
    close(ends[0]);
    close(ends[1]);
    tap_destroy(fixture);
  }
}

static void an_owner_that_takes_nothing_is_waited_for_and_misses_nothing(void **state) {
  (void)state;
  for (int kind = 0; kind < 2; kind++) {
    tap_fixture *fixture =
        tap_create(kind ? PC_TYPE_MESSAGE : PC_TYPE_BYTE, kind ? PC_FRAMING_NONE : PC_FRAMING_LINE);
    tap_begin(fixture);
    int client;
    int server;
    tap_record *record = tap_pair(fixture, &client, &server);
    fixture->is_full = true;
    tap_send(fixture, client, "one\ntwo\npa", 10);
    tap_expect(fixture, server, "one\ntwo\npa"); /* passes all the same */
    tap_send(fixture, client, "rt\n", 3);
    for (int index = 0; index < 10; index++) {
      tap_turn(fixture);
    }
    char byte;
    assert_int_equal(recv(server, &byte, 1, 0), -1); /* but what is not shown is not read further */
    assert_int_equal(record->seen[0].count, 0);
    fixture->is_full = false;
    pc_tap_session_resume(record->session);
    tap_expect(fixture, server, "rt\n");
    tap_expect_seen(fixture, record, PC_DIRECTION_C2S,
                    kind ? "one\ntwo\npa|rt\n|" : "one|two|part|");
    close(client);
    close(server);
    tap_destroy(fixture);
  }
}

static void many_clients_have_an_upstream_each(void **state) {
  (void)state;
  enum { CLIENTS = 200 };
  static int clients[CLIENTS];
  static int servers[CLIENTS];
  tap_fixture *fixture = tap_create(PC_TYPE_BYTE, PC_FRAMING_LINE);
  tap_begin(fixture);
  for (int index = 0; index < CLIENTS; index++) {
    (void)tap_pair(fixture, &clients[index], &servers[index]);
  }
  for (int index = 0; index < CLIENTS; index++) {
    char text[32];
    int size = snprintf(text, sizeof text, "I am %d\n", index);
    tap_send(fixture, clients[index], text, (size_t)size);
  }
  for (int index = 0; index < CLIENTS; index++) {
    char text[32];
    (void)snprintf(text, sizeof text, "I am %d\n", index);
    tap_expect(fixture, servers[index], text);
    close(index % 2 ? clients[index] : servers[index]);
  }
  for (int index = 0; index < CLIENTS; index++) {
    tap_expect_end(fixture, index % 2 ? servers[index] : clients[index]);
    close(index % 2 ? servers[index] : clients[index]);
  }
  TAP_UNTIL(fixture, fixture->open_count == 0);
  tap_destroy(fixture);
}

const struct CMUnitTest tap_cases_pass[] = {
    cmocka_unit_test(both_directions_pass_and_are_seen),
    cmocka_unit_test(what_has_no_end_yet_passes_at_once),
    cmocka_unit_test(early_bytes_of_a_client_wait_for_the_upstream),
    cmocka_unit_test(a_message_over_the_limit_passes_and_is_told_as_skipped),
    cmocka_unit_test(a_stream_that_breaks_the_framing_passes_and_is_shown_uncut),
    cmocka_unit_test(messages_of_every_size_keep_their_boundaries),
    cmocka_unit_test(descriptors_pass_in_both_directions),
    cmocka_unit_test(a_reader_that_stalls_stops_the_writer_and_nothing_is_lost),
    cmocka_unit_test(an_owner_that_takes_nothing_is_waited_for_and_misses_nothing),
    cmocka_unit_test(many_clients_have_an_upstream_each),
    {0}};
