/* Cases of the private seam itself: operations on a listener and a channel, without a server above.
 * They hold a backend to the law: each operation completes exactly once, never inside the call that
 * issued it, and never after its channel is gone. */
#include "suite.h"

#include <string.h>

#include "src/check.h"
#include "src/loop_private.h"

/* A channel and its operations, and how often each completed. */
typedef struct operation_bench {
  suite_fixture *fixture; /* lends its loop, folder and path; its server is never started */
  const pc_backend *backend;
  pc_listener *listener;
  pc_channel *channel;
  pc_accept accept;
  pc_read read;
  pc_write write;
  pc_close close;
  pc_operation unlisten;
  pc_write_queue queue;
  atomic_bool is_little;
  unsigned accepts;
  unsigned reads;
  unsigned writes;
  unsigned closes;
  unsigned unlistens;
  char got[64]; /* what the last read brought */
  bool is_eof;
  char order[64];
} operation_bench;

static void order_note(operation_bench *bench, char letter) {
  size_t size = strlen(bench->order);
  assert_true(size + 1 < sizeof bench->order);
  bench->order[size] = letter;
}

static void bench_on_accept(pc_operation *operation) {
  operation_bench *bench = PC_CONTAINER_OF(operation, operation_bench, accept.operation);
  bench->accepts++;
  order_note(bench, 'a');
}

static void bench_on_read(pc_operation *operation) {
  operation_bench *bench = PC_CONTAINER_OF(operation, operation_bench, read.operation);
  bench->reads++;
  order_note(bench, 'r');
  memset(bench->got, 0, sizeof bench->got);
  for (uint32_t index = 0; operation->status == PC_OK && index < bench->read.view_count; index++) {
    const pc_view *view = &bench->read.views[index];
    bench->is_eof |= view->is_eof;
    assert_true(strlen(bench->got) + view->size_bytes < sizeof bench->got);
    strncat(bench->got, view->size_bytes == 0 ? "" : (const char *)view->data, view->size_bytes);
  }
}

static void bench_on_write(pc_operation *operation) {
  operation_bench *bench = PC_CONTAINER_OF(operation, operation_bench, write.operation);
  pc_chunk_pool *chunks = pc_loop_chunks(bench->fixture->loop);
  bench->writes++;
  order_note(bench, 'w');
  if (operation->status == PC_OK) {
    uint64_t tag;
    pc_write_queue_take(&bench->queue, chunks, bench->write.bytes, bench->write.messages);
    while (pc_write_queue_pop_taken(&bench->queue, chunks, &tag)) {
    }
  }
}

static void bench_on_close(pc_operation *operation) {
  operation_bench *bench = PC_CONTAINER_OF(operation, operation_bench, close.operation);
  bench->closes++;
  order_note(bench, 'c');
}

static void bench_on_unlisten(pc_operation *operation) {
  operation_bench *bench = PC_CONTAINER_OF(operation, operation_bench, unlisten);
  bench->unlistens++;
  order_note(bench, 'u');
}

static void bench_init(operation_bench *bench, pc_type type) {
  *bench = (operation_bench){.fixture = fixture_create(type, PC_FRAMING_NONE)};
  pc_loop *loop = bench->fixture->loop;
  bench->backend = pc_loop_backend(loop);
  pc_operation_init(&bench->accept.operation, bench_on_accept);
  pc_operation_init(&bench->read.operation, bench_on_read);
  pc_operation_init(&bench->write.operation, bench_on_write);
  pc_operation_init(&bench->close.operation, bench_on_close);
  pc_operation_init(&bench->unlisten, bench_on_unlisten);
  pc_write_queue_init(&bench->queue, type == PC_TYPE_BYTE);
  bench->read.is_little = &bench->is_little;
  bench->write.queue = &bench->queue;
  pc_listen listen = {.path = bench->fixture->path,
                      .type = type,
                      .max_message_bytes = 1024,
                      .security = {.uid = -1, .gid = -1}};
  pc_failure failure;
  assert_int_equal(
      bench->backend->listen(pc_loop_backend_state(loop), &listen, &bench->listener, &failure),
      PC_OK);
}

static suite_client *bench_connect(operation_bench *bench) {
  suite_client *client = client_connect_only(bench->fixture);
  bench->backend->accept(bench->listener, &bench->accept);
  assert_int_equal(bench->accepts, 0);
  TURN_UNTIL(bench->fixture, bench->accepts == 1);
  assert_int_equal(bench->accept.operation.status, PC_OK);
  bench->channel = bench->accept.channel;
  memset(bench->order, 0, sizeof bench->order);
  return client;
}

static void bench_append(operation_bench *bench, const char *text) {
  pc_write_message message = {.parts = {NULL, text, NULL},
                              .part_bytes = {0, (uint32_t)strlen(text), 0}};
  assert_true(pc_write_queue_append(&bench->queue, pc_loop_chunks(bench->fixture->loop), &message));
}

static void bench_close(operation_bench *bench) {
  bench->backend->close(bench->channel, &bench->close);
  assert_int_equal(bench->closes, 0);
  TURN_UNTIL(bench->fixture, bench->closes == 1);
}

static void bench_fini(operation_bench *bench) {
  uint64_t tag;
  while (pc_write_queue_pop_any(&bench->queue, pc_loop_chunks(bench->fixture->loop), &tag)) {
  }
  bench->backend->unlisten(bench->listener, &bench->unlisten);
  assert_int_equal(bench->unlistens, 0);
  TURN_UNTIL(bench->fixture, bench->unlistens == 1);
  fixture_destroy(bench->fixture);
}

static const pc_type both_types[] = {PC_TYPE_BYTE, PC_TYPE_MESSAGE};

static void case_39_cancelled_read_completes_once_and_loses_nothing(void **state) {
  (void)state;
  for (int index = 0; index < 2; index++) {
    operation_bench bench;
    bench_init(&bench, both_types[index]);
    suite_client *client = bench_connect(&bench);
    bench.backend->read(bench.channel, &bench.read);
    turn_some(bench.fixture);
    assert_int_equal(bench.reads, 0);
    bench.backend->cancel(bench.channel, &bench.read.operation);
    assert_int_equal(bench.reads, 0);                            /* not inside the call */
    bench.backend->cancel(bench.channel, &bench.read.operation); /* nothing to cancel */
    client_write_text(bench.fixture, client, "next");
    turn_some(bench.fixture);
    assert_int_equal(bench.reads, 1);
    assert_int_equal(bench.read.operation.status, PC_E_ABORTED);
    bench.backend->read(bench.channel, &bench.read);
    TURN_UNTIL(bench.fixture, bench.reads == 2);
    assert_int_equal(bench.read.operation.status, PC_OK);
    assert_string_equal(bench.got, "next");
    bench_close(&bench);
    client_close(client);
    bench_fini(&bench);
  }
}

/* Reads until `expected` has come. */
static void bench_read_all(operation_bench *bench, const char *expected) {
  char all[sizeof bench->got] = "";
  while (strlen(all) < strlen(expected)) {
    unsigned reads = bench->reads;
    bench->backend->read(bench->channel, &bench->read);
    TURN_UNTIL(bench->fixture, bench->reads > reads);
    assert_int_equal(bench->read.operation.status, PC_OK);
    assert_false(bench->is_eof);
    assert_true(strlen(all) + strlen(bench->got) < sizeof all);
    strcat(all, bench->got);
  }
  assert_string_equal(all, expected);
}

/* For a backend that reads ahead: what comes around a cancel stays, whole and in order, whether it
 * came before, in the same turn, or when nobody reads. */
static void case_39_input_around_a_cancel_waits_for_the_next_read(void **state) {
  (void)state;
  static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJ";
  for (int index = 0; index < 2; index++) {
    for (int round = 0; round < 4; round++) {
      operation_bench bench;
      bench_init(&bench, both_types[index]);
      bench.is_little = round == 3;
      suite_client *client = bench_connect(&bench);
      bench.backend->read(bench.channel, &bench.read);
      turn_some(bench.fixture);
      for (const char *letter = letters; *letter; letter++) {
        client_write(bench.fixture, client, letter, 1);
      }
      size_t got = 0;
      if (round > 0) { /* some of it arrives, and no read follows at once */
        TURN_UNTIL(bench.fixture, bench.reads == 1);
        got = strlen(bench.got);
        turn_some(bench.fixture);
      }
      if (round != 1) {
        if (round > 1) {
          bench.backend->read(bench.channel, &bench.read);
        }
        bench.backend->cancel(bench.channel, &bench.read.operation);
        turn_some(bench.fixture);
        assert_int_equal(bench.read.operation.status, PC_E_ABORTED);
      }
      bench_read_all(&bench, letters + got);
      bench_close(&bench);
      client_close(client);
      bench_fini(&bench);
    }
  }
}

static void case_40_cancelled_write_completes_once_and_the_queue_stays(void **state) {
  (void)state;
  for (int index = 0; index < 2; index++) {
    operation_bench bench;
    bench_init(&bench, both_types[index]);
    suite_client *client = bench_connect(&bench);
    bench_append(&bench, "kept");
    bench.backend->write(bench.channel, &bench.write);
    bench.backend->cancel(bench.channel, &bench.write.operation);
    bench.backend->cancel(bench.channel, &bench.write.operation);
    turn_some(bench.fixture);
    assert_int_equal(bench.writes, 1);
    assert_int_equal(bench.write.operation.status, PC_E_ABORTED);
    bench.backend->write(bench.channel, &bench.write);
    client_expect_text(bench.fixture, client, "kept");
    TURN_UNTIL(bench.fixture, bench.writes == 2);
    assert_int_equal(bench.write.operation.status, PC_OK);
    bench_close(&bench);
    client_close(client);
    bench_fini(&bench);
  }
}

static void case_41_close_completes_last_and_ends_what_is_pending(void **state) {
  (void)state;
  operation_bench bench;
  bench_init(&bench, PC_TYPE_BYTE);
  suite_client *client = bench_connect(&bench);
  bench.backend->read(bench.channel, &bench.read);
  turn_some(bench.fixture);
  bench_append(&bench, "never sent");
  bench.backend->write(bench.channel, &bench.write);
  bench_close(&bench);
  turn_some(bench.fixture);
  assert_int_equal(bench.read.operation.status, PC_E_ABORTED);
  assert_int_equal(bench.write.operation.status, PC_E_ABORTED);
  assert_string_equal(bench.order, "rwc");
  client_expect_end(bench.fixture, client);
  client_close(client);
  bench_fini(&bench);
}

/* An input that is there already, and a write that the kernel can take at once. */
static void immediate_results_come_through_the_loop_too(void **state) {
  (void)state;
  operation_bench bench;
  bench_init(&bench, PC_TYPE_MESSAGE);
  suite_client *client = bench_connect(&bench);
  client_write_text(bench.fixture, client, "there");
  bench_append(&bench, "go");
  bench.backend->read(bench.channel, &bench.read);
  bench.backend->write(bench.channel, &bench.write);
  assert_int_equal(bench.reads + bench.writes, 0);
  TURN_UNTIL(bench.fixture, bench.reads == 1 && bench.writes == 1);
  assert_string_equal(bench.got, "there");
  turn_some(bench.fixture);
  assert_int_equal(bench.reads + bench.writes, 2);
  bench_close(&bench);
  client_close(client);
  bench_fini(&bench);
}

static void end_of_input_is_told_as_often_as_asked(void **state) {
  (void)state;
  for (int index = 0; index < 2; index++) {
    operation_bench bench;
    bench_init(&bench, both_types[index]);
    suite_client *client = bench_connect(&bench);
    client_close(client);
    for (unsigned count = 1; count <= 3; count++) {
      bench.backend->read(bench.channel, &bench.read);
      TURN_UNTIL(bench.fixture, bench.reads == count);
      assert_int_equal(bench.read.operation.status, PC_OK);
      assert_true(bench.is_eof);
      bench.is_eof = false;
    }
    bench_close(&bench);
    bench_fini(&bench);
  }
}

/* Readiness that nobody waits for must not keep a loop from sleeping. */
static void unwanted_readiness_lets_the_loop_sleep(void **state) {
  (void)state;
  if (!suite_backend_under_test.is_of_system) {
    return; /* a backend without a system never sleeps */
  }
  for (int index = 0; index < 2; index++) {
    operation_bench bench;
    bench_init(&bench, both_types[index]);
    suite_client *client = bench_connect(&bench);
    bench.backend->read(bench.channel, &bench.read);
    client_write_text(bench.fixture, client, "once");
    TURN_UNTIL(bench.fixture, bench.reads == 1);
    client_write_text(bench.fixture, client, "unread");
    suite_client *waiting = client_connect_only(bench.fixture);
    for (int hung_up = 0; hung_up < 2; hung_up++) {
      uint64_t begin = clock_ms();
      uint64_t turns = pc_loop_turn_count(bench.fixture->loop);
      while (clock_ms() - begin < 60) {
        turn(bench.fixture);
      }
      assert_true(pc_loop_turn_count(bench.fixture->loop) - turns < 15);
      if (hung_up == 0) {
        client_close(client);
      }
    }
    bench.backend->read(bench.channel, &bench.read); /* and it is there when asked for */
    TURN_UNTIL(bench.fixture, bench.reads == 2);
    assert_string_equal(bench.got, "unread");
    bench_close(&bench);
    bench_fini(&bench);
    client_close(waiting);
  }
}

static void unlisten_ends_a_pending_accept_first(void **state) {
  (void)state;
  operation_bench bench;
  bench_init(&bench, PC_TYPE_BYTE);
  bench.backend->accept(bench.listener, &bench.accept);
  turn_some(bench.fixture);
  assert_int_equal(bench.accepts, 0);
  bench_fini(&bench);
  assert_int_equal(bench.accepts, 1);
  assert_int_equal(bench.accept.operation.status, PC_E_ABORTED);
  assert_string_equal(bench.order, "au");
}

const struct CMUnitTest cases_operations[] = {
    cmocka_unit_test(case_39_cancelled_read_completes_once_and_loses_nothing),
    cmocka_unit_test(case_39_input_around_a_cancel_waits_for_the_next_read),
    cmocka_unit_test(case_40_cancelled_write_completes_once_and_the_queue_stays),
    cmocka_unit_test(case_41_close_completes_last_and_ends_what_is_pending),
    cmocka_unit_test(immediate_results_come_through_the_loop_too),
    cmocka_unit_test(end_of_input_is_told_as_often_as_asked),
    cmocka_unit_test(unwanted_readiness_lets_the_loop_sleep),
    cmocka_unit_test(unlisten_ends_a_pending_accept_first),
    {0}};
