/* Cases of how a tap's sessions end: half-closes, sides that die, upstreams that cannot be had,
 * stops. Nothing that was said is lost in silence. */
#include "tap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void a_half_close_passes_and_the_other_direction_goes_on(void **state) {
  (void)state;
  for (int first = 0; first < 2; first++) {
    for (int kind = 0; kind < 2; kind++) {
      tap_fixture *fixture = tap_create(kind ? PC_TYPE_MESSAGE : PC_TYPE_BYTE, PC_FRAMING_NONE);
      tap_begin(fixture);
      int ends[2];
      tap_record *record = tap_pair(fixture, &ends[0], &ends[1]);
      int ender = ends[first];
      int other = ends[1 - first];
      tap_send(fixture, ender, "all I have", 10);
      assert_int_equal(shutdown(ender, SHUT_WR), 0);
      tap_expect(fixture, other, "all I have");
      tap_expect_end(fixture, other);
      for (int index = 0; index < 3; index++) {
        tap_send(fixture, other, "still here", 10);
        tap_expect(fixture, ender, "still here");
      }
      assert_int_equal(record->closed_count, 0);
      close(other);
      tap_expect_end(fixture, ender);
      TAP_UNTIL(fixture, record->closed_count == 1);
      assert_int_equal(record->end.reason, first ? PC_CLOSE_UPSTREAM : PC_CLOSE_PEER);
      assert_int_equal(record->end.lost_bytes[0] + record->end.lost_bytes[1], 0);
      close(ender);
      tap_destroy(fixture);
    }
  }
}

static void last_words_reach_a_side_that_reads_late(void **state) {
  (void)state;
  enum { SIZE = 600000 };
  uint8_t *data = malloc(SIZE);
  uint8_t *got = malloc(SIZE);
  assert_true(data && got);
  tap_fill(data, SIZE, 1);
  for (int first = 0; first < 2; first++) {
    tap_fixture *fixture = tap_create(PC_TYPE_BYTE, PC_FRAMING_NONE);
    tap_begin(fixture);
    int ends[2];
    tap_record *record = tap_pair(fixture, &ends[0], &ends[1]);
    tap_send(fixture, ends[first], data, SIZE); /* more than a socket holds: most of it waits */
    close(ends[first]);
    uint64_t end = tap_clock_ms() + 2500; /* longer than a flush of an ordinary session may take */
    while (tap_clock_ms() < end) {
      tap_turn(fixture);
    }
    assert_int_equal(record->closed_count, 0);
    tap_receive(fixture, ends[1 - first], got, SIZE);
    assert_memory_equal(got, data, SIZE);
    tap_expect_end(fixture, ends[1 - first]);
    TAP_UNTIL(fixture, record->closed_count == 1);
    assert_int_equal(record->seen[first].size, SIZE);
    assert_int_equal(record->end.lost_bytes[0] + record->end.lost_bytes[1], 0);
    close(ends[1 - first]);
    tap_destroy(fixture);
  }
  free(data);
  free(got);
}

static void a_side_that_is_gone_stops_the_other_and_every_byte_is_accounted_for(void **state) {
  (void)state;
  static uint8_t data[8192];
  for (int gone = 0; gone < 2; gone++) {
    tap_fixture *fixture = tap_create(PC_TYPE_BYTE, PC_FRAMING_NONE);
    fixture->does_not_keep = true;
    tap_begin(fixture);
    int ends[2];
    tap_record *record = tap_pair(fixture, &ends[0], &ends[1]);
    int speaker = ends[1 - gone];
    size_t written = 0;
    while (written < 400000) { /* nobody reads: some of it waits here */
      ssize_t sent = send(speaker, data, sizeof data, MSG_NOSIGNAL);
      written += sent > 0 ? (size_t)sent : 0;
      tap_turn(fixture);
    }
    close(ends[gone]);
    ssize_t sent;
    uint64_t deadline = tap_clock_ms() + (uint64_t)TAP_DEADLINE_MS;
    while ((sent = send(speaker, data, sizeof data, MSG_NOSIGNAL)) >= 0 || errno == EAGAIN) {
      written += sent > 0 ? (size_t)sent : 0;
      tap_turn(fixture);
      assert_true(tap_clock_ms() < deadline);
    }
    assert_int_equal(errno, EPIPE); /* as it would be without a tap */
    tap_expect_end(fixture, speaker);
    close(speaker);
    TAP_UNTIL(fixture, record->closed_count == 1);
    pc_direction direction = gone ? PC_DIRECTION_C2S : PC_DIRECTION_S2C;
    assert_int_equal(record->seen[direction].size, written);
    assert_true(record->end.lost_bytes[direction] > 0);
    assert_true(record->end.lost_bytes[direction] < written); /* the system had some */
    assert_int_equal(record->end.reason, gone ? PC_CLOSE_UPSTREAM : PC_CLOSE_PEER);
    tap_destroy(fixture);
  }
}

static void what_both_said_before_one_left_is_delivered(void **state) {
  (void)state;
  int client;
  int server;
  tap_record *record;
  tap_fixture *fixture = tap_create_pair(PC_TYPE_BYTE, PC_FRAMING_LINE, &client, &server, &record);
  assert_int_equal(send(client, "unread\n", 7, 0), 7);
  assert_int_equal(send(server, "bye\npart", 8, 0), 8);
  close(server); /* over what it has not read, once that is there: a reset */
  tap_expect(fixture, client, "bye\npart");
  tap_expect_end(fixture, client);
  TAP_UNTIL(fixture, record->closed_count == 1);
  assert_string_equal(record->seen[1].bytes, "bye|part|");
  assert_int_equal(record->seen[1].incomplete_count, 1);
  assert_string_equal(record->seen[0].bytes, "unread|");
  close(client);
  tap_destroy(fixture);
}

static void an_upstream_that_nobody_serves_is_told_and_the_client_closed(void **state) {
  (void)state;
  for (int kind = 0; kind < 3; kind++) {
    tap_fixture *fixture = tap_create(PC_TYPE_BYTE, PC_FRAMING_LINE);
    tap_begin(fixture);
    close(fixture->upstream);
    fixture->upstream = -1;
    if (kind == 1) {
      unlink(fixture->upstream_path);
    } else if (kind == 2) { /* of the other type */
      unlink(fixture->upstream_path);
      tap_fixture *other = tap_create(PC_TYPE_MESSAGE, PC_FRAMING_NONE);
      strcpy(other->upstream_path, fixture->upstream_path);
      tap_begin(other);
      fixture->upstream = other->upstream;
      other->upstream = -1;
      strcpy(other->upstream_path, "/nonexistent");
      tap_destroy(other);
    }
    int client = tap_client(fixture);
    (void)send(client, "hello\n", 6, MSG_NOSIGNAL);
    tap_expect_end(fixture, client);
    assert_int_equal(fixture->unreachable_count, 1);
    assert_int_equal(fixture->failure.status, kind == 2 ? PC_E_BAD_MODE : PC_E_NOT_FOUND);
    assert_non_null(fixture->failure.advice);
    assert_int_equal(fixture->record_count, 0);
    close(client);
    tap_destroy(fixture);
  }
}

static void a_full_backlog_of_the_upstream_is_waited_for(void **state) {
  (void)state;
  tap_fixture *fixture = tap_create(PC_TYPE_BYTE, PC_FRAMING_LINE);
  tap_begin(fixture);
  assert_int_equal(listen(fixture->upstream, 0), 0); /* one at a time */
  int clients[3];
  for (int index = 0; index < 3; index++) {
    clients[index] = tap_client(fixture);
    tap_send(fixture, clients[index], "here\n", 5);
  }
  for (int index = 0; index < 3; index++) {
    int server;
    TAP_UNTIL(fixture, (server = accept4(fixture->upstream, NULL, NULL, SOCK_NONBLOCK)) >= 0);
    tap_expect(fixture, server, "here\n");
    close(server);
  }
  assert_int_equal(fixture->unreachable_count, 0);
  for (int index = 0; index < 3; index++) {
    close(clients[index]);
  }
  tap_destroy(fixture);
}

static void a_refused_pair_is_closed_on_both_sides(void **state) {
  (void)state;
  tap_fixture *fixture = tap_create(PC_TYPE_BYTE, PC_FRAMING_LINE);
  fixture->does_refuse = true;
  tap_begin(fixture);
  int client;
  int server;
  tap_record *record = tap_pair(fixture, &client, &server);
  tap_expect_end(fixture, client);
  tap_expect_end(fixture, server);
  TAP_UNTIL(fixture, record->closed_count == 1);
  assert_int_equal(record->end.reason, PC_CLOSE_REFUSED);
  tap_destroy_pair(fixture, client, server);
}

static void a_close_by_the_owner_flushes_both_sides(void **state) {
  (void)state;
  int client;
  int server;
  tap_record *record;
  tap_fixture *fixture = tap_create_pair(PC_TYPE_BYTE, PC_FRAMING_LINE, &client, &server, &record);
  assert_int_equal(pc_tap_session_write(record->session, PC_DIRECTION_C2S, "c", 1, 1), PC_OK);
  assert_int_equal(pc_tap_session_write(record->session, PC_DIRECTION_S2C, "s", 1, 2), PC_OK);
  pc_tap_session_close(record->session, true);
  assert_int_equal(pc_tap_session_write(record->session, PC_DIRECTION_S2C, "late", 4, 3),
                   PC_E_NOT_CONNECTED);
  tap_expect(fixture, client, "s\n");
  tap_expect(fixture, server, "c\n");
  tap_expect_end(fixture, client);
  tap_expect_end(fixture, server);
  TAP_UNTIL(fixture, record->closed_count == 1);
  assert_int_equal(record->end.reason, PC_CLOSE_LOCAL);
  assert_int_equal(record->written_count, 2);
  tap_destroy_pair(fixture, client, server);
}

static void a_stop_ends_pairs_in_every_state(void **state) {
  (void)state;
  tap_fixture *fixture = tap_create(PC_TYPE_BYTE, PC_FRAMING_LINE);
  tap_begin(fixture);
  int client;
  int server;
  int half_client;
  int half_server;
  (void)tap_pair(fixture, &client, &server);
  (void)tap_pair(fixture, &half_client, &half_server);
  shutdown(half_client, SHUT_WR);
  tap_expect_end(fixture, half_server);
  assert_int_equal(listen(fixture->upstream, 0), 0);
  int waiting[3];
  for (int index = 0; index < 3; index++) {
    waiting[index] = tap_client(fixture);
  }
  for (int index = 0; index < 5; index++) {
    tap_turn(fixture);
  }
  int stalled = tap_client(fixture); /* accepted by nobody yet */
  tap_destroy(fixture);
  close(client);
  close(server);
  close(half_client);
  close(half_server);
  close(stalled);
  for (int index = 0; index < 3; index++) {
    close(waiting[index]);
  }
}

static void a_dead_client_takes_an_instance_until_its_words_are_delivered(void **state) {
  (void)state;
  static uint8_t data[500000];
  static uint8_t got[500000];
  tap_fixture *fixture = tap_create(PC_TYPE_BYTE, PC_FRAMING_NONE);
  fixture->options.limits.max_instances = 1;
  tap_begin(fixture);
  int client;
  int server;
  (void)tap_pair(fixture, &client, &server);
  tap_send(fixture, client, data, sizeof data);
  close(client);
  client = tap_client(fixture);
  for (int index = 0; index < 50; index++) {
    tap_turn(fixture);
  }
  assert_int_equal(fixture->record_count, 1);
  tap_receive(fixture, server, got, sizeof got);
  tap_expect_end(fixture, server);
  TAP_UNTIL(fixture, fixture->record_count == 2);
  assert_int_equal(fixture->full_count, 1);
  tap_destroy_pair(fixture, client, server);
}

const struct CMUnitTest tap_cases_ends[] = {
    cmocka_unit_test(a_half_close_passes_and_the_other_direction_goes_on),
    cmocka_unit_test(last_words_reach_a_side_that_reads_late),
    cmocka_unit_test(a_side_that_is_gone_stops_the_other_and_every_byte_is_accounted_for),
    cmocka_unit_test(what_both_said_before_one_left_is_delivered),
    cmocka_unit_test(an_upstream_that_nobody_serves_is_told_and_the_client_closed),
    cmocka_unit_test(a_full_backlog_of_the_upstream_is_waited_for),
    cmocka_unit_test(a_refused_pair_is_closed_on_both_sides),
    cmocka_unit_test(a_close_by_the_owner_flushes_both_sides),
    cmocka_unit_test(a_stop_ends_pairs_in_every_state),
    cmocka_unit_test(a_dead_client_takes_an_instance_until_its_words_are_delivered),
    {0}};
